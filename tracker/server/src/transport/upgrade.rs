//! From HTTP to WebSocket: actix-http hands over the stream of a request that asks for an
//! upgrade, with what it had read already. From here on the socket costs neither HTTP's buffers
//! nor its task.

use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use actix_codec::Framed;
use actix_http::body::{BoxBody, MessageBody};
use actix_http::header::{HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_EXTENSIONS};
use actix_http::{HttpMessage, Request, Response, StatusCode, h1, ws};
use bytes::BytesMut;
use tracker_websocket::PerMessageDeflate;

use super::accept::OpenStream;
use super::stream::Stream;
use super::turned_away::TurnedAway;
use crate::access::{Admission, Ticket};
use crate::actors::{PeerActor, Seat};
use crate::config::ServerConfig;
use crate::worker::Worker;

/// What most proxies tell of whom a request comes from. RFC 7239 has `Forwarded` for the same, which
/// few send and many pass on from their clients unread: to believe both would be to believe those.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Answers one upgrade request, and starts a [`PeerActor`] when it is a WebSocket's. A socket that
/// breaks meanwhile concerns nobody.
pub(crate) async fn upgrade(
    worker: Rc<Worker>,
    server: Arc<ServerConfig>,
    request: Request,
    framed: Framed<OpenStream, h1::Codec>,
) -> Result<(), Infallible> {
    match judge(&worker, &server, &request) {
        Ok((admission, ticket)) => {
            let deflate = server.deflate_from_bytes.and_then(|_| deflate_of(&request));
            let response = switching_protocols(&request, deflate);
            if let Ok((stream, read)) = answer(framed, response).await {
                let seat = Seat::new(server, Some(admission), ticket, deflate, read);
                PeerActor::start_on(worker, stream, seat);
            }
        }
        Err(turned_away) => {
            worker.metrics().turned_away(&turned_away);
            // Who doesn't wait for the refusal has what it wants.
            if let Ok((mut stream, _)) = answer(framed, turned_away.response()).await {
                stream.end();
            }
        }
    }
    Ok(())
}

/// Whether a handshake opens a socket; and what its token allows, where tokens are asked for. The
/// query is never logged, since the token is in it.
fn judge(
    worker: &Worker,
    server: &ServerConfig,
    request: &Request,
) -> Result<(Admission, Option<Box<Ticket>>), TurnedAway> {
    let node = &worker.node;
    if !server.path.matches(request.path()) {
        return Err(TurnedAway::Path);
    }
    let headers = request.headers();
    let origin = headers.get(ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()));
    if !node.policy().origins.allow(origin.as_deref()) {
        return Err(TurnedAway::Origin);
    }
    ws::verify_handshake(request.head()).map_err(TurnedAway::Protocol)?;
    let forwarded_for = headers.get_all(X_FORWARDED_FOR).map(HeaderValue::as_bytes);
    let peer = request.peer_addr().map(|peer| peer.ip());
    let admission = node.admit(server, peer, forwarded_for)?;
    // Last, since a signature costs more than all of the above.
    let ticket = node.access.admit(request.uri().query(), origin.as_deref());
    Ok((admission, ticket.map_err(TurnedAway::Token)?))
}

fn deflate_of(request: &Request) -> Option<PerMessageDeflate> {
    let headers = request.headers().get_all(SEC_WEBSOCKET_EXTENSIONS);
    PerMessageDeflate::negotiate(headers.map(HeaderValue::as_bytes))
}

/// What a handshake that opens a socket is answered.
pub(crate) fn switching_protocols(
    request: &Request,
    deflate: Option<PerMessageDeflate>,
) -> Response<BoxBody> {
    let mut response = ws::handshake_response(request.head());
    if let Some(deflate) = deflate {
        response.insert_header((SEC_WEBSOCKET_EXTENSIONS, deflate.response()));
    }
    response.message_body(()).map_or_else(Into::into, |response| response.map_into_boxed_body())
}

/// Writes the response with HTTP's own codec, and takes the stream and what was read of it back.
pub(crate) async fn answer(
    framed: Framed<OpenStream, h1::Codec>,
    response: Response<BoxBody>,
) -> io::Result<(Stream, BytesMut)> {
    use actix_codec::Encoder;
    use actix_http::body::BodySize;
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
    parts.io.flush().await?;
    Ok((parts.io.into_inner(), parts.read_buf))
}
