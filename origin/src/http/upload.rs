//! What encoders send: `PUT`, `POST` (the same) and `DELETE` of `/push/{stream}/{path}`, with the
//! stream's token. No page may do so, hence no CORS; and no answer is for a cache.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::limits::{PUSH_UPLOAD_SILENCE_MAX, PUSH_UPLOAD_TIME_MAX};
use crate::source::{Intake, Intakes, Refusal, Upload};

const METHODS: &str = "PUT, POST, DELETE";

/// Where the streams' files are sent to, a folder for each.
const ROOT: &str = "/push/";

/// Mounts it, where a stream is pushed.
pub(super) fn mount(app: &mut ServiceConfig, intakes: &Intakes) {
    if intakes.is_empty() {
        return;
    }
    app.service(
        web::resource(format!("{ROOT}{{path:.*}}"))
            .app_data(web::Data::new(intakes.clone()))
            .route(web::put().to(put))
            .route(web::post().to(put))
            .route(web::delete().to(delete))
            .default_service(web::to(method_not_allowed)),
    );
}

/// An error's text, with what of the request has not been read. As long as that is held actix-http
/// closes the connection behind the answer; otherwise it would read a chunked body to its end, which
/// may never come.
struct Refused {
    text: Option<Bytes>,
    _unread: web::Payload,
}

async fn put(
    request: HttpRequest,
    mut payload: web::Payload,
    intakes: web::Data<Intakes>,
) -> HttpResponse {
    let Some((intake, path)) = intake_and_path(&request, &intakes) else {
        return no_such_stream(payload);
    };
    let from = address(&request);
    let begun = intake
        .admit(from, token(&request).as_deref())
        .and_then(|()| intake.begin(from, path))
        .and_then(|upload| {
            let length = request.headers().get(CONTENT_LENGTH);
            let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
            upload.check_length(length.unwrap_or(0)).map(|()| upload)
        });
    let taken = match begun {
        Ok(upload) => receive(upload, &mut payload).await,
        Err(refusal) => Err(refusal),
    };
    match taken {
        Ok(()) => HttpResponse::Created().insert_header((CACHE_CONTROL, "no-store")).finish(),
        Err(refusal) => refused(&refusal, payload),
    }
}

/// Takes all that comes, as long as it comes in time. Where the connection breaks before the end,
/// the payload ends with an error, or this future is dropped; either way nothing is left.
async fn receive(mut upload: Upload, payload: &mut web::Payload) -> Result<(), Refusal> {
    let began = Instant::now();
    loop {
        let rest = PUSH_UPLOAD_TIME_MAX.saturating_sub(began.elapsed());
        match timeout(rest.min(PUSH_UPLOAD_SILENCE_MAX), payload.next()).await {
            Ok(Some(Ok(chunk))) => upload.write(&chunk).await?,
            Ok(Some(Err(_))) => return Err(Refusal::Broken),
            Ok(None) => return upload.finish().await,
            Err(_) => return Err(Refusal::Slow),
        }
    }
}

async fn delete(
    request: HttpRequest,
    payload: web::Payload,
    intakes: web::Data<Intakes>,
) -> HttpResponse {
    let Some((intake, path)) = intake_and_path(&request, &intakes) else {
        return no_such_stream(payload);
    };
    let from = address(&request);
    let deleted = match intake.admit(from, token(&request).as_deref()) {
        Ok(()) => intake.delete(from, path).await,
        Err(refusal) => Err(refusal),
    };
    match deleted {
        Ok(()) => HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish(),
        Err(refusal) => refused(&refusal, payload),
    }
}

/// As they stand in the request's first line: what is escaped there stays so, and is refused.
fn intake_and_path<'a>(
    request: &'a HttpRequest,
    intakes: &'a Intakes,
) -> Option<(&'a Arc<Intake>, &'a str)> {
    let (stream, path) = request.path().strip_prefix(ROOT)?.split_once('/')?;
    Some((intakes.get(stream)?, path))
}

fn address(request: &HttpRequest) -> IpAddr {
    let address = request.peer_addr().map(|address| address.ip());
    address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// The token that the client shows, in one of the ways that encoders have.
fn token(request: &HttpRequest) -> Option<String> {
    if let Some(shown) = request.headers().get(AUTHORIZATION) {
        let (scheme, credentials) = shown.to_str().ok()?.split_once(' ')?;
        let credentials = credentials.trim();
        return match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(credentials.to_owned()),
            "basic" => {
                let pair = String::from_utf8(BASE64_STANDARD.decode(credentials).ok()?).ok()?;
                pair.split_once(':').map(|(_, password)| password.to_owned())
            }
            _ => None,
        };
    }
    let mut pairs = request.query_string().split('&');
    pairs.find_map(|pair| pair.strip_prefix("token=")).map(str::to_owned)
}

fn refused(refusal: &Refusal, unread: web::Payload) -> HttpResponse {
    let status = match refusal {
        Refusal::Token => StatusCode::UNAUTHORIZED,
        Refusal::WrongTokens(_) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Path(_) | Refusal::Playlist(..) | Refusal::Empty | Refusal::Broken => {
            StatusCode::BAD_REQUEST
        }
        Refusal::Occupied(_) | Refusal::TakenOver => StatusCode::CONFLICT,
        Refusal::Large { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Slow => StatusCode::REQUEST_TIMEOUT,
        Refusal::Busy | Refusal::Away => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Full { .. } | Refusal::Disk(_) => StatusCode::INSUFFICIENT_STORAGE,
    };
    let mut response = HttpResponse::build(status);
    match refusal {
        Refusal::Token => {
            response.append_header((WWW_AUTHENTICATE, "Basic realm=\"push\""));
            response.append_header((WWW_AUTHENTICATE, "Bearer"));
        }
        Refusal::WrongTokens(wait) | Refusal::Occupied(wait) => {
            response.insert_header((RETRY_AFTER, (wait.as_secs() + 1).to_string()));
        }
        Refusal::Busy | Refusal::Away => {
            response.insert_header((RETRY_AFTER, "1"));
        }
        _ => {}
    }
    error(response, format!("{refusal}\n"), unread)
}

fn no_such_stream(unread: web::Payload) -> HttpResponse {
    error(HttpResponse::NotFound(), "No such stream is pushed here.\n", unread)
}

async fn method_not_allowed(unread: web::Payload) -> HttpResponse {
    let mut response = HttpResponse::MethodNotAllowed();
    response.insert_header((ALLOW, METHODS));
    error(response, "Use PUT, POST or DELETE.\n", unread)
}

fn error(
    mut response: HttpResponseBuilder,
    text: impl Into<Bytes>,
    unread: web::Payload,
) -> HttpResponse {
    response.insert_header((CACHE_CONTROL, "no-store"));
    let body = Refused { text: Some(text.into()), _unread: unread };
    response.content_type("text/plain; charset=utf-8").body(body)
}

impl MessageBody for Refused {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.text.as_ref().map_or(0, |text| text.len() as u64))
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.text.take().map(Ok))
    }
}
