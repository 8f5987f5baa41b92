//! Every way in which a handshake is refused: the status and the words that the client gets, and
//! the label under which an operator counts it. What comes later closes a socket: see `close.rs`.

use actix_http::body::BoxBody;
use actix_http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use actix_http::ws::HandshakeError;
use actix_http::{Response, StatusCode};

use crate::access::{Rate, TokenRefusal};

/// Why a handshake is refused.
#[derive(Debug)]
pub(crate) enum TurnedAway {
    /// Sockets are at another path.
    Path,
    /// Pages of this origin may open none.
    Origin,
    /// The tracker stops.
    Stopping,
    /// As many sockets are open as `key` of the configuration says.
    Full { key: &'static str, bound: usize },
    /// As many sockets of this address are open as there may be, or as many connections that are
    /// none yet.
    PerIp { bound: usize },
    /// This address connects faster than it may.
    PerIpRate(Rate),
    /// It is no WebSocket's handshake.
    Protocol(HandshakeError),
    /// The token doesn't open a socket.
    Token(TokenRefusal),
}

impl TurnedAway {
    /// The labels under which these are counted, each at its [`index`](Self::index).
    pub(crate) const LABELS: [&'static str; 8] =
        ["path", "origin", "stopping", "full", "per_ip", "per_ip_rate", "protocol", "token"];

    /// The place of this in a table of counts.
    pub(crate) fn index(&self) -> usize {
        match self {
            Self::Path => 0,
            Self::Origin => 1,
            Self::Stopping => 2,
            Self::Full { .. } => 3,
            Self::PerIp { .. } => 4,
            Self::PerIpRate(_) => 5,
            Self::Protocol(_) => 6,
            Self::Token(_) => 7,
        }
    }

    /// Why, in words for whoever asks.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Path => "no WebSocket tracker at this path".to_owned(),
            Self::Origin => "pages of this origin have no access".to_owned(),
            Self::Stopping => "the tracker is stopping".to_owned(),
            Self::Full { key, bound } => format!("{bound} connections are open, which is {key}"),
            Self::PerIp { bound } => format!(
                "{bound} connections of this address are open, which is limits.connectionsPerIp"
            ),
            Self::PerIpRate(rate) => format!(
                "this address opens more than {} connections a second, which is \
                 limits.connectionsPerSecondPerIp",
                rate.bound()
            ),
            Self::Protocol(error) => error.to_string(),
            Self::Token(refusal) => refusal.to_string(),
        }
    }

    /// What the client is answered.
    pub(crate) fn response(self) -> Response<BoxBody> {
        let status = match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Stopping | Self::Full { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::PerIp { .. } | Self::PerIpRate(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Protocol(error) => return Response::from(error),
            Self::Token(_) => StatusCode::UNAUTHORIZED,
        };
        let mut response = Response::build(status)
            .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
            .force_close()
            .body(self.reason())
            .map_into_boxed_body();
        if status == StatusCode::UNAUTHORIZED {
            // It has to name a scheme (RFC 9110, section 11.6.1); a token in the URL is this one's.
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
