//! From HTTP to WebSocket: actix-http hands over the stream of a request that asks for an
//! upgrade, with what it had read already. From here on the socket costs neither HTTP's buffers
//! nor its task.

use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use actix_codec::Framed;
use actix_http::body::{BoxBody, MessageBody};
use actix_http::header::{
    CONTENT_TYPE, HeaderValue, ORIGIN, SEC_WEBSOCKET_EXTENSIONS, WWW_AUTHENTICATE,
};
use actix_http::{HttpMessage, Request, Response, StatusCode, h1, ws};
use bytes::BytesMut;
use tracker_websocket::PerMessageDeflate;

use super::stream::Stream;
use crate::access::{Ticket, TokenRefusal};
use crate::actors::{PeerActor, Seat};
use crate::config::ServerConfig;
use crate::worker::Worker;

/// Answers one upgrade request, and starts a [`PeerActor`] when it is a WebSocket's. A socket that
/// breaks meanwhile concerns nobody.
pub(crate) async fn upgrade(
    worker: Rc<Worker>,
    server: Arc<ServerConfig>,
    request: Request,
    framed: Framed<Stream, h1::Codec>,
) -> Result<(), Infallible> {
    match judge(&worker, &server, &request) {
        Ok(ticket) => {
            let deflate = server.deflate_from_bytes.and_then(|_| deflate_of(&request));
            let response = switching_protocols(&request, deflate);
            if let Ok((stream, read)) = answer(framed, response).await {
                PeerActor::start_on(worker, stream, Seat::new(server, ticket, deflate, read));
            }
        }
        Err(refusal) => {
            if let Ok((mut stream, _)) = answer(framed, refusal).await {
                stream.end();
            }
        }
    }
    Ok(())
}

/// What the token of a handshake allows, where tokens are asked for; or the refusal. The query is
/// never logged, since the token is in it.
fn judge(
    worker: &Worker,
    server: &ServerConfig,
    request: &Request,
) -> Result<Option<Box<Ticket>>, Response<BoxBody>> {
    if !server.path.matches(request.path()) {
        return Err(refusal(StatusCode::NOT_FOUND, "no WebSocket tracker at this path"));
    }
    let origin =
        request.headers().get(ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()));
    if !server.origins.allow(origin.as_deref()) {
        return Err(refusal(StatusCode::FORBIDDEN, "pages of this origin have no access"));
    }
    if let Some(reason) = worker.node.turns_away(server.connections_max) {
        return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, reason));
    }
    ws::verify_handshake(request.head()).map_err(Response::from)?;
    // Last, since a signature costs more than all of the above.
    worker.node.access.admit(request.uri().query(), origin.as_deref()).map_err(unauthorized)
}

fn deflate_of(request: &Request) -> Option<PerMessageDeflate> {
    let headers = request.headers().get_all(SEC_WEBSOCKET_EXTENSIONS);
    PerMessageDeflate::negotiate(headers.map(HeaderValue::as_bytes))
}

fn switching_protocols(request: &Request, deflate: Option<PerMessageDeflate>) -> Response<BoxBody> {
    let mut response = ws::handshake_response(request.head());
    if let Some(deflate) = deflate {
        response.insert_header((SEC_WEBSOCKET_EXTENSIONS, deflate.response()));
    }
    response.message_body(()).map_or_else(Into::into, |response| response.map_into_boxed_body())
}

fn unauthorized(reason: TokenRefusal) -> Response<BoxBody> {
    let mut response = refusal(StatusCode::UNAUTHORIZED, reason.to_string());
    // A 401 has to name a scheme (RFC 9110, section 11.6.1); a token in the URL is this one's.
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn refusal(status: StatusCode, reason: impl MessageBody + 'static) -> Response<BoxBody> {
    Response::build(status)
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .force_close()
        .body(reason)
        .map_into_boxed_body()
}

/// Writes the response with HTTP's own codec, and takes the stream and what was read of it back.
async fn answer(
    framed: Framed<Stream, h1::Codec>,
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
    Ok((parts.io, parts.read_buf))
}
