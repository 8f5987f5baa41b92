//! The streams over HTTP/1.1 as players and CDNs want them: `GET`, `HEAD` and `OPTIONS` of
//! `/live/{stream}/{file}`. All answers come from memory, and a name is only ever looked up there,
//! so no request reaches a file.

mod cors;
mod object;
mod streams;

use std::sync::Arc;

use actix_web::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER, VIA};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::store::{Found, Store};
use object::Object;

/// Errors pass, so caches may keep them for a second, which still shields the origin.
const ERROR_CACHE: &str = "public, max-age=1";

/// See [`crate::Origin::routes`].
pub(crate) fn routes(store: Arc<Store>) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    move |app| {
        let store = web::Data::from(store.clone());
        app.service(
            web::resource("/live/{stream}/{file}")
                .app_data(store.clone())
                .route(web::get().to(get))
                .route(web::head().to(get))
                .route(web::method(Method::OPTIONS).to(cors::preflight))
                .default_service(web::to(method_not_allowed)),
        );
        app.service(
            web::resource("/streams.json").app_data(store).route(web::get().to(streams::list)),
        );
    }
}

async fn get(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    store: web::Data<Store>,
) -> HttpResponse {
    if request.headers().get_all(VIA).any(|via| store.pseudonym.is_in(via.as_bytes())) {
        return error(StatusCode::LOOP_DETECTED, "This origin asks itself for the stream.\n");
    }
    let (stream, file) = path.into_inner();
    let Some(shelf) = store.shelf(&stream) else {
        return error(StatusCode::NOT_FOUND, "There is no such stream.\n");
    };
    match shelf.file(&file).await {
        Found::Here(file) => Object::new(file).answer(&request),
        Found::Starting => starting(),
        Found::Nothing => {
            error(StatusCode::NOT_FOUND, "The stream has no such file, or no longer.\n")
        }
    }
}

fn starting() -> HttpResponse {
    let mut response = cors::open(HttpResponse::ServiceUnavailable());
    response.insert_header((CACHE_CONTROL, ERROR_CACHE)).insert_header((RETRY_AFTER, "1"));
    response.content_type("text/plain; charset=utf-8").body("The stream is starting.\n")
}

async fn method_not_allowed() -> HttpResponse {
    let mut response = cors::open(HttpResponse::MethodNotAllowed());
    response.insert_header((CACHE_CONTROL, ERROR_CACHE)).insert_header((ALLOW, cors::METHODS));
    response.content_type("text/plain; charset=utf-8").body("Use GET, HEAD or OPTIONS.\n")
}

fn error(status: StatusCode, text: &'static str) -> HttpResponse {
    let mut response = cors::open(HttpResponse::build(status));
    response.insert_header((CACHE_CONTROL, ERROR_CACHE));
    response.content_type("text/plain; charset=utf-8").body(text)
}
