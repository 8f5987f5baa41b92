//! Session descriptions that betray every change. Each looks like a browser's, has the same length,
//! and carries a tag at both ends, so one compare shows a lost, mixed or altered byte.

use std::borrow::Cow;

use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::id::{ID_BYTES, Id};

/// The text of all offers, or of all answers, of a run; JSON-escaped, as it stands between quotes.
#[derive(Clone, Debug)]
pub(crate) struct SdpTemplate {
    text: Vec<u8>,
}

/// Where the first tag stands: the session id of the `o=` line (RFC 8866, section 5.2).
pub(crate) const HEAD_AT: usize = HEAD_LINE.len();
const HEAD_LINE: &str = r"v=0\r\no=- ";

impl SdpTemplate {
    /// A description of exactly `bytes` bytes (see [`crate::limits::SDP_BYTES`]) for one `role`;
    /// a role's text differs from the other's, so that an offer never passes for an answer.
    pub(crate) fn new(role: &str, bytes: usize, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut text = format!(
            r"{HEAD_LINE}{:20} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=setup:{role}\r\n",
            ""
        );
        let tail_line = r"a=mid:";
        let end = r"\r\n";
        let room = bytes - tail_line.len() - ID_BYTES - end.len();
        while text.len() < room {
            let candidate = format!(
                r"a=candidate:{} 1 udp {} 10.{}.{}.{} {} typ host generation 0\r\n",
                rng.next_u32(),
                rng.next_u32(),
                rng.next_u32() as u8,
                rng.next_u32() as u8,
                rng.next_u32() as u8,
                rng.next_u32() as u16,
            );
            if text.len() + candidate.len() > room {
                // The rest is one attribute of letters: a cut line could end inside an escape.
                text.extend(std::iter::repeat_n('x', room - text.len()));
                break;
            }
            text += &candidate;
        }
        text += tail_line;
        text.extend(std::iter::repeat_n(' ', ID_BYTES));
        text += end;
        Self { text: text.into_bytes() }
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where the second tag stands: the last line's value.
    pub(crate) fn tail_at(&self) -> usize {
        self.text.len() - ID_BYTES - r"\r\n".len()
    }

    /// Whether `json` is this text with these two tags. A tracker may write the same characters
    /// with other escapes (`\u000d` for `\r`), so a difference is looked at again unescaped.
    pub(crate) fn is(&self, json: &[u8], head: &Id, tail: &Id) -> bool {
        self.is_verbatim(json, head, tail)
            || recoded(json).is_some_and(|json| self.is_verbatim(&json, head, tail))
    }

    fn is_verbatim(&self, json: &[u8], head: &Id, tail: &Id) -> bool {
        let tail_at = self.tail_at();
        json.len() == self.text.len()
            && json[HEAD_AT..HEAD_AT + ID_BYTES] == *head
            && json[tail_at..tail_at + ID_BYTES] == *tail
            && json[..HEAD_AT] == self.text[..HEAD_AT]
            && json[HEAD_AT + ID_BYTES..tail_at] == self.text[HEAD_AT + ID_BYTES..tail_at]
            && json[tail_at + ID_BYTES..] == self.text[tail_at + ID_BYTES..]
    }
}

/// The same string with the shortest escapes, or `None` when it is no JSON string.
fn recoded(json: &[u8]) -> Option<Vec<u8>> {
    let quoted = [b"\"", json, b"\""].concat();
    let text: Cow<'_, str> = serde_json::from_slice(&quoted).ok()?;
    let written = serde_json::to_vec(&text).ok()?;
    Some(written[1..written.len() - 1].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &Id = b"0000000a0000000b0001";
    const TAIL: &Id = b"-LT00000000100000002";

    fn written(template: &SdpTemplate) -> Vec<u8> {
        let mut text = template.text().to_vec();
        text[HEAD_AT..HEAD_AT + ID_BYTES].copy_from_slice(HEAD);
        let tail_at = template.tail_at();
        text[tail_at..tail_at + ID_BYTES].copy_from_slice(TAIL);
        text
    }

    #[test]
    fn every_size_is_exact_and_a_json_string() {
        for bytes in (160..400).chain([1_500, 16_384]) {
            let text = SdpTemplate::new("actpass", bytes, 1).text;
            assert_eq!(text.len(), bytes);
            let quoted = [b"\"", &text[..], b"\""].concat();
            serde_json::from_slice::<String>(&quoted).expect("a JSON string");
        }
    }

    #[test]
    fn one_changed_byte_anywhere_is_noticed() {
        let template = SdpTemplate::new("actpass", 300, 1);
        let text = written(&template);
        assert!(template.is(&text, HEAD, TAIL));
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            assert!(!template.is(&changed, HEAD, TAIL), "byte {at}");
        }
        assert!(!template.is(&text[1..], HEAD, TAIL));
        assert!(!SdpTemplate::new("active", 300, 1).is(&text, HEAD, TAIL));
    }

    #[test]
    fn other_escapes_for_the_same_characters_are_the_same() {
        let template = SdpTemplate::new("actpass", 300, 1);
        let text = String::from_utf8(written(&template)).expect("ASCII");
        let other = text.replace(r"\r", r"\u000D").replace('/', r"\/");
        assert!(template.is(other.as_bytes(), HEAD, TAIL));
    }
}
