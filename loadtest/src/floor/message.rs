//! What a peer says, found by substring search: no JSON is parsed. Ids are taken to stand in front
//! of offers and answers, and an offer in front of its id, as clients write them.

use memchr::memchr;
use memchr::memmem::Finder;

use crate::client::id::{ID_BYTES, Id};

/// The needles, prepared once.
#[derive(Debug)]
pub(super) struct Fields {
    info_hash: Finder<'static>,
    peer_id: Finder<'static>,
    to_peer_id: Finder<'static>,
    answer: Finder<'static>,
    stopped: Finder<'static>,
    offers: Finder<'static>,
    sdp: Finder<'static>,
    offer_id: Finder<'static>,
}

/// Bytes at the front in which the ids stand.
const HEAD_BYTES: usize = 512;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) info_hash: &'a Id,
    pub(super) peer_id: &'a Id,
    pub(super) what: What<'a>,
}

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What<'a> {
    /// An announce; `offers` is the inside of that array and what follows it.
    Announce {
        offers: &'a [u8],
    },
    /// An answer; `rest` is everything from its description on, without the closing brace.
    Answer {
        to: &'a Id,
        rest: &'a [u8],
    },
    Stopped,
}

impl Default for Fields {
    fn default() -> Self {
        let finder = |needle: &'static str| Finder::new(needle.as_bytes());
        Self {
            info_hash: finder(r#""info_hash":""#),
            peer_id: finder(r#""peer_id":""#),
            to_peer_id: finder(r#""to_peer_id":""#),
            answer: finder(r#""answer":"#),
            stopped: finder(r#""event":"stopped""#),
            offers: finder(r#""offers":["#),
            sdp: finder(r#""sdp":""#),
            offer_id: finder(r#""offer_id":""#),
        }
    }
}

impl Fields {
    /// What `text` says, or `None` when its ids are not where they should be.
    pub(super) fn read<'a>(&self, text: &'a [u8]) -> Option<Message<'a>> {
        let head = &text[..text.len().min(HEAD_BYTES)];
        let info_hash = id_behind(&self.info_hash, head)?;
        let peer_id = id_behind(&self.peer_id, head)?;
        let what = if let Some(to) = id_behind(&self.to_peer_id, head) {
            let answer = self.answer.find(head)?;
            What::Answer { to, rest: text[answer..].strip_suffix(b"}")? }
        } else if self.stopped.find(head).is_some() {
            What::Stopped
        } else {
            What::Announce { offers: behind(&self.offers, text).unwrap_or_default() }
        };
        Some(Message { info_hash, peer_id, what })
    }

    /// The members of the first object in `offers`, which is left behind it.
    pub(super) fn next_offer<'a>(&self, offers: &mut &'a [u8]) -> Option<&'a [u8]> {
        let text = *offers;
        let start = text.iter().take(2).position(|byte| *byte == b'{')? + 1;
        let sdp = start + self.sdp.find(&text[start..])? + self.sdp.needle().len();
        let sdp_end = sdp + string_end(&text[sdp..])?;
        let id = sdp_end + self.offer_id.find(&text[sdp_end..])? + self.offer_id.needle().len();
        let end = id + memchr(b'}', &text[id..])?;
        *offers = &text[end + 1..];
        Some(&text[start..end])
    }
}

fn behind<'a>(needle: &Finder<'_>, text: &'a [u8]) -> Option<&'a [u8]> {
    needle.find(text).map(|at| &text[at + needle.needle().len()..])
}

fn id_behind<'a>(needle: &Finder<'_>, text: &'a [u8]) -> Option<&'a Id> {
    let rest = behind(needle, text)?;
    rest.first_chunk::<ID_BYTES>().filter(|_| rest.get(ID_BYTES) == Some(&b'"'))
}

/// Where a string's closing quote is: the first one with an even number of backslashes before it.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let quote = from + memchr(b'"', &text[from..])?;
        let escapes = text[..quote].iter().rev().take_while(|byte| **byte == b'\\').count();
        if escapes % 2 == 0 {
            return Some(quote);
        }
        from = quote + 1;
    }
}

/// Bytes that [`write_start`] appends.
pub(super) const START_BYTES: usize = 34 + ID_BYTES + 13 + ID_BYTES + 2;

/// What an offer or an answer begins with at its receiver; an object's members follow.
pub(super) fn write_start(out: &mut Vec<u8>, info_hash: &Id, from: &Id) {
    out.extend_from_slice(br#"{"action":"announce","info_hash":""#);
    out.extend_from_slice(info_hash);
    out.extend_from_slice(br#"","peer_id":""#);
    out.extend_from_slice(from);
    out.extend_from_slice(br#"","#);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::id::{Ids, OfferNumber, PeerNumber};
    use crate::client::outgoing::{AnnounceTemplate, AnswerTemplate, join, stopped};
    use crate::client::sdp::SdpTemplate;

    #[test]
    fn everything_that_a_peer_says_is_found() {
        let (fields, ids) = (Fields::default(), Ids::new(1));
        let maker = PeerNumber { worker: 0, place: 9 };
        let (hash, me, to) = (ids.info_hash(1), ids.peer_id(maker), ids.stranger(1));
        let text = stopped(&hash, &me);
        let message = fields.read(&text).expect("a message");
        assert_eq!(message, Message { info_hash: &hash, peer_id: &me, what: What::Stopped });
        let text = join(&hash, &me);
        let What::Announce { mut offers } = fields.read(&text).expect("a message").what else {
            panic!("no announce");
        };
        assert_eq!(fields.next_offer(&mut offers), None);

        let sdp = SdpTemplate::new("actpass", 400, 1);
        let first = OfferNumber { maker, announce: 2, slot: 0 };
        let mut announce = AnnounceTemplate::new(&sdp, 3);
        let text = announce.fill(&hash, &me, first);
        let What::Announce { mut offers } = fields.read(text).expect("a message").what else {
            panic!("no announce");
        };
        for slot in 0..3 {
            let offer = fields.next_offer(&mut offers).expect("an offer");
            let json: serde_json::Value =
                serde_json::from_slice(&[b"{", offer, b"}"].concat()).expect("JSON");
            let id = OfferNumber { slot, ..first }.id();
            assert_eq!(json["offer_id"].as_str().map(str::as_bytes), Some(&id[..]));
            assert_eq!(json["offer"]["type"], "offer");
        }
        assert_eq!(fields.next_offer(&mut offers), None);

        let mut answer = AnswerTemplate::new(&sdp);
        let text = answer.fill(&hash, &me, &to, &first.id());
        let What::Answer { to: found, rest } = fields.read(text).expect("a message").what else {
            panic!("no answer");
        };
        assert_eq!(found, &to);
        let mut out = Vec::new();
        write_start(&mut out, &hash, &me);
        assert_eq!(out.len(), START_BYTES);
        out.extend_from_slice(rest);
        out.push(b'}');
        let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(json["answer"]["type"], "answer");
        assert_eq!(json["offer_id"].as_str().map(str::as_bytes), Some(&first.id()[..]));
    }

    #[test]
    fn a_quote_ends_a_string_unless_it_is_escaped() {
        assert_eq!(string_end(br#"a\"b\\"c"#), Some(6));
        assert_eq!(string_end(br"no end\"), None);
        let fields = Fields::default();
        assert_eq!(fields.read(br#"{"info_hash":"short","peer_id":"short"}"#), None);
        let mut cut: &[u8] = br#"{"offer":{"sdp":"v=0"#;
        assert_eq!(fields.next_offer(&mut cut), None);
    }
}
