//! The kinds of value that a file may have where serde alone would take too much, or refuse it in
//! Rust's words: whole numbers, and sections, for which serde also takes an array of their values.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

/// A whole number.
struct Whole(u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, 0 or more")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            /// TOML's whole numbers have a sign.
            fn visit_i64<E: Error>(self, number: i64) -> Result<Whole, E> {
                let refused = |_| E::invalid_value(Unexpected::Signed(number), &self);
                number.try_into().map(Whole).map_err(refused)
            }
        }

        deserializer.deserialize_u64(Number)
    }
}

/// An object, and nothing else.
pub(super) struct Section<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Section<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Section<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Section<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Section)
            }
        }

        deserializer.deserialize_map(Object(PhantomData))
    }
}

pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Whole::deserialize(deserializer).map(|Whole(number)| number)
}

pub(super) fn optional_whole<'de, D>(deserializer: D) -> Result<Option<u64>, D::Error>
where
    D: Deserializer<'de>,
{
    let number = Option::deserialize(deserializer)?;
    Ok(number.map(|Whole(number)| number))
}

pub(super) fn section<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Section::deserialize(deserializer).map(|Section(section)| section)
}

pub(super) fn optional_section<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let section = Option::deserialize(deserializer)?;
    Ok(section.map(|Section(section)| section))
}

pub(super) fn sections<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let sections = Vec::deserialize(deserializer)?;
    Ok(sections.into_iter().map(|Section(section)| section).collect())
}
