//! What a browser calls a session description, of an offer or an answer: an object with a type and
//! an SDP. It is read where it comes from, and once more where it comes from over a network.

use super::refusal::Reason;
use super::scan::{Scanner, Span, Value};
use crate::limits::Limits;

/// Whether `json` is the `offer` of an offer as a client may send it, and nothing else. What
/// another node has sent on is passed to a browser as it stands, so it has to be.
#[must_use]
pub fn is_offer(json: &[u8], limits: &Limits) -> bool {
    is_description(json, "offer", Reason::BadOffers, limits)
}

/// The same for the `answer` of an answer.
#[must_use]
pub fn is_answer(json: &[u8], limits: &Limits) -> bool {
    is_description(json, "answer", Reason::BadAnswer, limits)
}

fn is_description(json: &[u8], field: &'static str, otherwise: Reason, limits: &Limits) -> bool {
    let mut scanner = Scanner::new(json, limits.json_depth_max());
    std::str::from_utf8(json).is_ok()
        && matches!(read_description(json, &mut scanner, field, otherwise, limits), Ok(Some(_)))
        && scanner.end().is_ok()
}

/// An `RTCSessionDescriptionInit` with `field` as its type: `{"type":"offer","sdp":T}`. `None` for
/// null.
pub(super) fn read_description(
    frame: &[u8],
    scanner: &mut Scanner<'_>,
    field: &'static str,
    otherwise: Reason,
    limits: &Limits,
) -> Result<Option<Span>, Reason> {
    let (mut has_type, mut sdp) = (false, None);
    let object = scanner.object(|scanner, key| {
        let value = scanner.value()?;
        match key {
            b"type" => {
                has_type =
                    matches!(value, Value::String(span) if span.of(frame) == field.as_bytes());
            }
            b"sdp" => {
                sdp = match value {
                    Value::String(span) => Some(span.bytes()),
                    _ => None,
                };
            }
            _ => {}
        }
        Ok(())
    })?;
    match object {
        Some(span) if has_type && let Some(bytes) = sdp => {
            let bound = limits.sdp_bytes_max();
            if bytes > bound {
                return Err(Reason::SdpTooLong { field, bytes, bound });
            }
            Ok(Some(span))
        }
        None if scanner.value()? == Value::Null => Ok(None),
        _ => Err(otherwise),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_description_of_its_kind_may_be_passed_on() {
        let limits = Limits { sdp_bytes: 4, ..Limits::default() };
        assert!(is_offer(br#"{"type":"offer","sdp":"v=0"}"#, &limits));
        assert!(is_answer(br#" {"sdp":"v=0","type":"answer","x":[{}]} "#, &limits));
        for json in [
            &b""[..],
            b"null",
            b"{}",
            br#"{"type":"answer","sdp":"v=0"}"#,
            br#"{"type":"offer","sdp":7}"#,
            br#"{"type":"offer","sdp":"v=0"#,
            br#"{"type":"offer","sdp":"v=0"},"x":1"#,
            br#"{"type":"offer","sdp":"v=0"}{}"#,
            br#"{"type":"offer","sdp":"v=012"}"#,
            b"{\"type\":\"offer\",\"sdp\":\"\n\"}",
            b"{\"type\":\"offer\",\"sdp\":\"\xff\"}",
        ] {
            assert!(!is_offer(json, &limits), "{}", String::from_utf8_lossy(json));
        }
    }
}
