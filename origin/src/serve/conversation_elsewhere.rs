//! Systems without `sendfile` as Linux has it leave all connections to actix-http.

use actix_http::ServiceConfig;
use bytes::Bytes;
use tokio::net::TcpStream;

/// How a conversation ended: before it began.
#[derive(Debug)]
pub(super) enum End {
    #[expect(dead_code, reason = "it is Linux' alone")]
    Closed,
    Other(TcpStream, Bytes),
}

/// Passes the connection on.
pub(super) async fn converse<S>(socket: TcpStream, _: ServiceConfig, _: &S) -> End {
    End::Other(socket, Bytes::new())
}
