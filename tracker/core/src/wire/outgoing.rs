//! What the tracker says. Each message is a list of pieces, most of them slices of the frame that
//! they were cut from; its length is their sum, known before the first byte is written, so a frame
//! goes into its receiver's buffer header first and without a copy in between.

use std::fmt;

use super::refusal::{Action, Reason, Warning};
use crate::id::InfoHash;
use crate::swarm::Counts;

/// A message to a client. Byte slices are the insides of JSON strings, or whole JSON objects,
/// that the scanner has accepted.
#[derive(Clone, Copy, Debug)]
pub enum Outgoing<'a> {
    /// The reply to an announce.
    Reply {
        /// The announce's `info_hash`, as it was spelled.
        info_hash: &'a [u8],
        /// When to announce again, in seconds.
        interval_s: u32,
        /// How soon to bring offers again, in seconds; 0 is left out.
        min_interval_s: u32,
        /// The swarm's size, the announcer included.
        counts: Counts,
        /// What was wrong with the announce.
        warning: Option<Warning>,
    },
    /// An offer for its receiver.
    Offer {
        /// As the announcer spelled it.
        info_hash: &'a [u8],
        /// The announcer.
        peer_id: &'a [u8],
        /// As the announcer spelled it.
        offer_id: &'a [u8],
        /// The object with the SDP.
        offer: &'a [u8],
    },
    /// An answer for whoever made the offer.
    Answer {
        /// As the answerer spelled it.
        info_hash: &'a [u8],
        /// The answerer.
        peer_id: &'a [u8],
        /// As the answerer spelled it.
        offer_id: &'a [u8],
        /// The object with the SDP.
        answer: &'a [u8],
    },
    /// The reply to a scrape.
    Scrape {
        /// The swarms' names and sizes.
        files: &'a [(InfoHash, Counts)],
    },
    /// The reply to a message that breaks a rule.
    Refusal {
        /// The message's action.
        action: Action,
        /// The message's `info_hash`, as it was spelled.
        info_hash: Option<&'a [u8]>,
        /// Why.
        reason: Reason,
    },
}

impl Outgoing<'_> {
    /// Length of the text in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut len = 0;
        self.pieces(|piece| len += piece.len());
        len
    }

    /// Never true: the shortest message is a refusal without an info hash.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Appends the text.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.pieces(|piece| out.extend_from_slice(piece));
    }

    fn pieces(&self, mut piece: impl FnMut(&[u8])) {
        match *self {
            Self::Reply { info_hash, interval_s, min_interval_s, counts, warning } => {
                piece(br#"{"action":"announce","interval":"#);
                piece(itoa::Buffer::new().format(interval_s).as_bytes());
                if min_interval_s != 0 {
                    piece(br#","min interval":"#);
                    piece(itoa::Buffer::new().format(min_interval_s).as_bytes());
                }
                piece(br#","info_hash":""#);
                piece(info_hash);
                piece(br#"","complete":"#);
                piece(itoa::Buffer::new().format(counts.complete).as_bytes());
                piece(br#","incomplete":"#);
                piece(itoa::Buffer::new().format(counts.incomplete).as_bytes());
                if let Some(warning) = warning {
                    piece(br#","warning message":""#);
                    piece(warning.to_string().as_bytes());
                    piece(b"\"");
                }
                piece(b"}");
            }
            Self::Offer { info_hash, peer_id, offer_id, offer } => {
                relayed(&mut piece, [info_hash, peer_id, offer_id], br#"","offer":"#, offer);
            }
            Self::Answer { info_hash, peer_id, offer_id, answer } => {
                relayed(&mut piece, [info_hash, peer_id, offer_id], br#"","answer":"#, answer);
            }
            Self::Scrape { files } => scrape(&mut piece, files),
            Self::Refusal { action, info_hash, reason } => {
                piece(match action {
                    Action::Announce => br#"{"action":"announce""#,
                    Action::Scrape => br#"{"action":"scrape""#,
                });
                if let Some(info_hash) = info_hash {
                    piece(br#","info_hash":""#);
                    piece(info_hash);
                    piece(b"\"");
                }
                piece(br#","failure reason":""#);
                piece(reason.to_string().as_bytes());
                piece(br#""}"#);
            }
        }
    }
}

/// An offer and an answer differ in one member only.
#[inline]
fn relayed(piece: &mut impl FnMut(&[u8]), ids: [&[u8]; 3], key: &[u8], description: &[u8]) {
    piece(br#"{"action":"announce","info_hash":""#);
    piece(ids[0]);
    piece(br#"","peer_id":""#);
    piece(ids[1]);
    piece(br#"","offer_id":""#);
    piece(ids[2]);
    piece(key);
    piece(description);
    piece(b"}");
}

fn scrape(piece: &mut impl FnMut(&[u8]), files: &[(InfoHash, Counts)]) {
    let mut separator: &[u8] = br#"{"action":"scrape","files":{""#;
    let mut name = Vec::new();
    for (info_hash, counts) in files {
        piece(separator);
        name.clear();
        info_hash.encode(&mut name);
        piece(&name);
        piece(br#"":{"complete":"#);
        piece(itoa::Buffer::new().format(counts.complete).as_bytes());
        piece(br#","incomplete":"#);
        piece(itoa::Buffer::new().format(counts.incomplete).as_bytes());
        piece(br#","downloaded":"#);
        piece(itoa::Buffer::new().format(counts.downloaded).as_bytes());
        piece(b"}");
        separator = br#",""#;
    }
    piece(if files.is_empty() { br#"{"action":"scrape","files":{}}"# } else { b"}}" });
}

/// The text itself, for logs and tests.
impl fmt::Display for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(self.len());
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(message: Outgoing<'_>) -> Value {
        let text = message.to_string();
        assert_eq!(text.len(), message.len());
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn every_message_is_json_of_the_announced_length() {
        let counts = Counts { complete: 1, incomplete: 22, downloaded: 333 };
        let [info_hash, peer_id, offer_id] = [&b"h"[..], b"p", br"\u0000"];
        let reply = |min_interval_s, warning| {
            parsed(Outgoing::Reply { info_hash, interval_s: 120, min_interval_s, counts, warning })
        };
        assert_eq!(
            reply(0, None),
            json!({"action": "announce", "interval": 120, "info_hash": "h",
                   "complete": 1, "incomplete": 22})
        );
        for warning in [
            Warning::OffersTooEarly { early_s: 7, min_interval_s: 30 },
            Warning::TooManyOffers { amount: 51, bound: 50 },
        ] {
            assert_eq!(
                reply(30, Some(warning)),
                json!({"action": "announce", "interval": 120, "min interval": 30, "info_hash": "h",
                       "complete": 1, "incomplete": 22, "warning message": warning.to_string()})
            );
        }
        assert_eq!(
            parsed(Outgoing::Offer { info_hash, peer_id, offer_id, offer: b"{}" }),
            json!({"action": "announce", "info_hash": "h", "peer_id": "p", "offer_id": "\0",
                   "offer": {}})
        );
        assert_eq!(
            parsed(Outgoing::Answer { info_hash, peer_id, offer_id, answer: b"{}" }),
            json!({"action": "announce", "info_hash": "h", "peer_id": "p", "offer_id": "\0",
                   "answer": {}})
        );
        let files = [(InfoHash([b'a'; 20]), counts), (InfoHash([0xff; 20]), counts)];
        let size = json!({"complete": 1, "incomplete": 22, "downloaded": 333});
        assert_eq!(
            parsed(Outgoing::Scrape { files: &files }),
            json!({"action": "scrape", "files": {"a".repeat(20): size, "ÿ".repeat(20): size}})
        );
        assert_eq!(
            parsed(Outgoing::Scrape { files: &[] }),
            json!({"action": "scrape", "files": {}})
        );
    }

    #[test]
    fn refusals_repeat_action_and_info_hash() {
        let reason = Reason::NotAnnounced;
        let info_hash = Some(&b"h"[..]);
        assert_eq!(
            parsed(Outgoing::Refusal { action: Action::Announce, info_hash, reason }),
            json!({"action": "announce", "info_hash": "h", "failure reason": reason.to_string()})
        );
        assert_eq!(
            parsed(Outgoing::Refusal { action: Action::Scrape, info_hash: None, reason }),
            json!({"action": "scrape", "failure reason": reason.to_string()})
        );
    }
}
