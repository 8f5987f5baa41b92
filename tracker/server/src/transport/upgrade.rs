//! From HTTP to WebSocket: actix-http hands over the raw socket of a request that asks for an
//! upgrade, with what it had read already. From here on the socket costs neither HTTP's buffers
//! nor its task.

use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use actix_codec::Framed;
use actix_http::body::BoxBody;
use actix_http::header::{CONTENT_TYPE, ORIGIN};
use actix_http::{HttpMessage, Request, Response, StatusCode, h1, ws};
use bytes::BytesMut;
use tokio::net::TcpStream;

use crate::actors::{PeerActor, Seat};
use crate::config::ServerConfig;
use crate::worker::Worker;

/// Answers one upgrade request, and starts a [`PeerActor`] when it is a WebSocket's. A socket that
/// breaks meanwhile concerns nobody.
pub(crate) async fn upgrade(
    worker: Rc<Worker>,
    server: Arc<ServerConfig>,
    request: Request,
    framed: Framed<TcpStream, h1::Codec>,
) -> Result<(), Infallible> {
    let response = judge(&worker, &server, &request);
    let switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if let Ok((socket, read)) = answer(framed, response).await
        && switching
    {
        PeerActor::start_on(worker, socket, Seat::new(server, read));
    }
    Ok(())
}

fn judge(worker: &Worker, server: &ServerConfig, request: &Request) -> Response<BoxBody> {
    if !server.path.matches(request.path()) {
        return refusal(StatusCode::NOT_FOUND, "no WebSocket tracker at this path");
    }
    let origin =
        request.headers().get(ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()));
    if !server.origins.allow(origin.as_deref()) {
        return refusal(StatusCode::FORBIDDEN, "pages of this origin have no access");
    }
    if let Some(reason) = worker.node.turns_away(server.connections_max) {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, reason);
    }
    match ws::handshake(request.head()) {
        Ok(mut response) => {
            response.message_body(()).map_or_else(Into::into, |r| r.map_into_boxed_body())
        }
        Err(error) => Response::from(error),
    }
}

fn refusal(status: StatusCode, reason: &'static str) -> Response<BoxBody> {
    Response::build(status)
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .force_close()
        .body(reason)
        .map_into_boxed_body()
}

/// Writes the response with HTTP's own codec, and takes the socket and what was read of it back.
async fn answer(
    framed: Framed<TcpStream, h1::Codec>,
    response: Response<BoxBody>,
) -> io::Result<(TcpStream, BytesMut)> {
    use actix_codec::Encoder;
    use actix_http::body::{BodySize, MessageBody};
    use tokio::io::AsyncWriteExt;

    let mut parts = framed.into_parts();
    let (head, body) = response.into_parts();
    let size =
        if head.status() == StatusCode::SWITCHING_PROTOCOLS { BodySize::None } else { body.size() };
    parts.codec.encode(h1::Message::Item((head, size)), &mut parts.write_buf)?;
    if let Ok(body) = body.try_into_bytes() {
        parts.write_buf.extend_from_slice(&body);
    }
    parts.io.write_all(&parts.write_buf).await?;
    Ok((parts.io, parts.read_buf))
}
