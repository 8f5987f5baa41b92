//! A chain of other streams.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::checks::{quoted, refuse};
use super::source::SourceKind;
use super::stream::Stream;
use crate::error::ConfigError;
use crate::limits::FALLBACK_MEMBERS_MAX;

/// A fallback as it is written: the first of its streams that delivers is on air, and an offline
/// slate when none does.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FallbackConfig {
    /// Names of other streams, best first. None of them may be a fallback.
    pub streams: Vec<String>,
}

impl FallbackConfig {
    pub(super) fn validate(self, key: &str) -> Result<Vec<String>, ConfigError> {
        let count = self.streams.len();
        if !(1..=FALLBACK_MEMBERS_MAX).contains(&count) {
            let bound = format!("a list of 1 to {FALLBACK_MEMBERS_MAX} streams");
            return refuse(format!("{key}.streams"), format!("a list of {count}"), bound);
        }
        Ok(self.streams)
    }
}

/// Whether the members of each fallback are there, and no fallbacks: a ring would play nothing.
pub(super) fn check_members(streams: &[Stream]) -> Result<(), ConfigError> {
    let sources: HashMap<_, _> = streams.iter().map(|of| (of.name.as_str(), &of.source)).collect();
    for (index, stream) in streams.iter().enumerate() {
        let SourceKind::Fallback(members) = &stream.source else {
            continue;
        };
        for (place, member) in members.iter().enumerate() {
            let key = format!("origin.streams[{index}].fallback.streams[{place}]");
            match sources.get(member.as_str()) {
                None | Some(SourceKind::Fallback(_)) => {
                    let bound = "the name of a stream that is no fallback";
                    return refuse(key, quoted(member), bound);
                }
                Some(_) if members[..place].contains(member) => {
                    return refuse(key, quoted(member), "a stream that is not in the list yet");
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}
