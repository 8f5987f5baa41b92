//! Every way in which a socket ends: the code that the client reads (RFC 6455, section 7.4.1) and
//! the label under which an operator counts it. A needless close costs a viewer minutes, because
//! clients wait before they come back, so only what is hostile, broken or over is in this list.

use tracker_websocket::Violation;

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
    Protocol,
    /// A text message isn't UTF-8.
    NotUtf8,
    /// A compressed message can't be inflated.
    NotDeflate,
    /// A message is longer than `maxPayloadLength`, as it came or inflated.
    TooBig,
}

impl From<Violation> for Close {
    fn from(violation: Violation) -> Self {
        match violation {
            Violation::Protocol(what) => {
                tracing::debug!(what, "a client breaks the protocol");
                Self::Protocol
            }
            Violation::NotUtf8 => Self::NotUtf8,
            Violation::NotDeflate => Self::NotDeflate,
            Violation::TooBig => Self::TooBig,
        }
    }
}

impl Close {
    /// The labels under which ends are counted, each at its [`index`](Self::index).
    pub(crate) const LABELS: [&'static str; 10] = [
        "by_peer",
        "lost",
        "stopping",
        "idle",
        "superseded",
        "slow_reader",
        "protocol",
        "not_utf8",
        "not_deflate",
        "too_big",
    ];

    /// The close code to send. `None` when the client can't or won't read it.
    pub(crate) fn code(self) -> Option<u16> {
        match self {
            Self::ByPeer => Some(1000),
            Self::Lost | Self::Superseded | Self::SlowReader => None,
            Self::Stopping | Self::Idle => Some(1001),
            Self::Protocol => Some(1002),
            Self::NotUtf8 | Self::NotDeflate => Some(1007),
            Self::TooBig => Some(1009),
        }
    }

    /// What operators count it under.
    pub(crate) fn label(self) -> &'static str {
        Self::LABELS[self.index()]
    }

    /// The place of this end in a table of counts.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::ByPeer => 0,
            Self::Lost => 1,
            Self::Stopping => 2,
            Self::Idle => 3,
            Self::Superseded => 4,
            Self::SlowReader => 5,
            Self::Protocol => 6,
            Self::NotUtf8 => 7,
            Self::NotDeflate => 8,
            Self::TooBig => 9,
        }
    }
}
