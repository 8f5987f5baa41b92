//! What a client can do wrong on this level: each of these ends its connection, because nobody
//! knows any more where the next frame begins or what it would mean.

/// How a client broke the rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Violation {
    /// The WebSocket protocol, in words for the log: close code 1002.
    Protocol(&'static str),
    /// Text that isn't UTF-8: close code 1007.
    NotUtf8,
    /// A compressed message can't be inflated: close code 1007, because what is in it isn't what it
    /// says, as with text that isn't UTF-8. RFC 7692 names none; `ws` of Node.js chose the same.
    NotDeflate,
    /// A message is longer than it may be: close code 1009.
    TooBig,
}
