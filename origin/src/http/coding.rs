//! How a text may be written for a client: what its `Accept-Encoding` allows (RFC 9110, 12.5.3), and
//! of that what is smallest.

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap};

use crate::store::Coding;

/// Elements of the header that are looked at; browsers send four.
const ELEMENTS_MAX: usize = 16;

impl Coding {
    /// Its name in `Content-Encoding`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Coding::Identity => "identity",
            Coding::Gzip => "gzip",
            Coding::Brotli => "br",
        }
    }
}

/// The best that a client takes. One that takes nothing that there is gets the text as it is.
pub(super) fn chosen(headers: &HeaderMap) -> Coding {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok());
    let accepted = accepted.unwrap_or_default();
    let offers = [Coding::Gzip, Coding::Brotli].map(|coding| (weight(accepted, coding), coding));
    // Of equals the last one, which is the smaller.
    let best = offers.into_iter().max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(weight, _)| *weight > 0.0).map_or(Coding::Identity, |(_, coding)| coding)
}

/// How much a client wants a coding, from 0 (not at all) to 1.
fn weight(accepted: &str, coding: Coding) -> f32 {
    let elements = accepted.split(',').take(ELEMENTS_MAX).map(|element| {
        let (name, parameter) = element.split_once(';').unwrap_or((element, ""));
        let weight = match parameter.trim().strip_prefix("q=") {
            Some(weight) => weight.parse().unwrap_or(0.0),
            None => 1.0,
        };
        (name.trim(), weight)
    });
    let named = |wanted: &str| {
        let mut elements = elements.clone();
        elements.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, weight)| weight)
    };
    named(coding.name()).or_else(|| named("*")).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn the_smallest_of_what_a_client_wants_most_is_chosen() {
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip", Coding::Gzip),
            ("GZIP;q=0.5", Coding::Gzip),
            ("br;q=0.5, gzip", Coding::Gzip),
            ("br;q=0, gzip;q=0", Coding::Identity),
            ("*", Coding::Brotli),
            ("*, br;q=0", Coding::Gzip),
            ("identity", Coding::Identity),
            ("identity;q=0", Coding::Identity),
            ("br;q=x", Coding::Identity),
            ("br;q=NaN", Coding::Identity),
            ("zstd", Coding::Identity),
            ("", Coding::Identity),
            (",;,=;q=", Coding::Identity),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(chosen(&headers), expected, "{accepted}");
        }
        assert_eq!(chosen(&HeaderMap::new()), Coding::Identity);
    }
}
