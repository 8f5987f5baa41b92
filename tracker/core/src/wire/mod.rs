//! The conversation, as JSON text in WebSocket frames. A client *announces* itself to a swarm,
//! with offers for `numwant` others; the tracker replies with an interval and the swarm's size,
//! relays each offer to one other member, and each member's *answer* back to where the offer came
//! from. A *scrape* asks for sizes alone. A message that breaks a rule is refused, with `action`
//! and `info_hash` so that clients keep the socket, and a `failure reason` that says why.
//!
//! ```text
//! c>s announce {"action":"announce","info_hash":S,"peer_id":S,"numwant":5,"left":N|null,
//!               "event":"started|completed|stopped|update"?,
//!               "offers":[{"offer":{"type":"offer","sdp":T},"offer_id":S}]}
//! s>c reply    {"action":"announce","interval":120,"min interval":30,"info_hash":S,
//!               "complete":0,"incomplete":2,"warning message":T?}
//! s>c offer    {"action":"announce","info_hash":S,"offer_id":S,"peer_id":S,"offer":{…}}
//! c>s answer   {"action":"announce","info_hash":S,"peer_id":S,"to_peer_id":S,"offer_id":S,
//!               "answer":{"type":"answer","sdp":T}}
//! s>c answer   the same without to_peer_id
//! c>s scrape   {"action":"scrape","info_hash":S|[S,…]}
//! s>c scrape   {"action":"scrape","files":{S:{"complete":0,"incomplete":0,"downloaded":0}}}
//! s>c refusal  {"action":"announce","info_hash":S,"failure reason":T}
//! ```
//!
//! A client announces again `interval` seconds after a reply, which begins its timer anew; so every
//! reply has one. `min interval` (BEP 3) is how soon it may bring offers again: bittorrent-tracker's
//! client looks at it only where `interval` is missing. A `warning message` comes in an otherwise
//! whole reply, and like a `failure reason` it ends in the page's console.
//!
//! There is no standard; this is what bittorrent-tracker's client says and understands
//! (<https://github.com/webtorrent/bittorrent-tracker>), and wt-tracker and aquatic_ws speak.

mod description;
mod fields;
mod incoming;
mod outgoing;
mod refusal;
mod scan;

pub use description::{is_answer, is_offer};
pub use incoming::{Announce, Answer, Event, Incoming, Offered, Scrape, parse};
pub use outgoing::Outgoing;
pub use refusal::{Action, Reason, Refusal, Warning};
pub use scan::Span;
