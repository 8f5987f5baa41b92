//! Every way in which a socket ends: the code that the client reads (RFC 6455, section 7.4.1) and
//! the label under which an operator counts it. A needless close costs a viewer minutes, because
//! clients wait before they come back, so only what is hostile, broken or over is in this list.

/// Why a socket ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Close {
    /// The client sent a close frame.
    ByPeer,
    /// The connection broke or ended without a close frame.
    Lost,
    /// The tracker stops.
    Stopping,
    /// Nothing came for the idle timeout, pings included.
    Idle,
    /// Another connection claimed a peer id of this one, and this one didn't answer a ping.
    Superseded,
    /// The client doesn't read what it is sent.
    SlowReader,
    /// The client broke the WebSocket protocol.
    Protocol(&'static str),
    /// A text message isn't UTF-8.
    NotUtf8,
    /// A message is longer than `maxPayloadLength`.
    TooBig,
}

impl Close {
    /// How many there are, for tables of counts.
    pub(crate) const COUNT: usize = 9;

    /// The close code to send. `None` when the client can't or won't read it.
    pub(crate) fn code(self) -> Option<u16> {
        match self {
            Self::ByPeer => Some(1000),
            Self::Lost | Self::Superseded | Self::SlowReader => None,
            Self::Stopping | Self::Idle => Some(1001),
            Self::Protocol(_) => Some(1002),
            Self::NotUtf8 => Some(1007),
            Self::TooBig => Some(1009),
        }
    }

    /// The metric's label, and its place in a table of counts.
    pub(crate) fn label(self) -> (usize, &'static str) {
        match self {
            Self::ByPeer => (0, "by_peer"),
            Self::Lost => (1, "lost"),
            Self::Stopping => (2, "stopping"),
            Self::Idle => (3, "idle"),
            Self::Superseded => (4, "superseded"),
            Self::SlowReader => (5, "slow_reader"),
            Self::Protocol(_) => (6, "protocol"),
            Self::NotUtf8 => (7, "not_utf8"),
            Self::TooBig => (8, "too_big"),
        }
    }
}
