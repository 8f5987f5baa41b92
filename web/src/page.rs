//! The embedded files as responses: what may be kept, for how long, and what the page may load. The
//! hash in an asset's name changes with its content, so only `/` itself is ever asked for again.

use actix_web::{
    Handler, HttpRequest, HttpResponse, HttpResponseBuilder, Resource, Responder,
    http::header::{
        self, AcceptEncoding, ContentEncoding, ETag, Encoding, EntityTag, Header, IfNoneMatch,
    },
    web::{self, Bytes, Path},
};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What npm built, see `build.rs`.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/page"]
struct Page;

/// The page loads code and style from itself only. Streams, trackers and STUN servers may be on any
/// host: that is what `connect-src` and `media-src` leave open. hls.js plays from `blob:` media and
/// may unpack segments in a worker. Framing is left open: embedding the player is a use of it, and
/// nothing on it does harm when clicked.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    img-src 'self'; worker-src 'self' blob:; media-src 'self' blob: http: https:; \
    connect-src 'self' http: https: ws: wss:; base-uri 'none'; form-action 'none'; \
    style-src 'self'";

/// The digests of styles that the controls bring with them, written by the build, for `style-src`.
const STYLE_HASHES: &str = "style-hashes.txt";

/// The dashboard talks to nobody but who it came from, and may not be framed: a click on it could be
/// meant for something else.
const DASHBOARD_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// A year, the longest that caches honour (RFC 9111 leaves the bound to them).
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// `GET` and `HEAD`; anything else is answered with 405.
pub(crate) fn resource<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    F::Output: Responder + 'static,
    Args: actix_web::FromRequest + 'static,
{
    web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler))
}

/// `/`: the player.
pub(crate) async fn index(request: HttpRequest) -> HttpResponse {
    let hashes = Page::get(STYLE_HASHES).map(|file| file.data).unwrap_or_default();
    let policy = format!("{CONTENT_SECURITY_POLICY} {}", String::from_utf8_lossy(&hashes));
    document(&request, "index.html", &policy)
}

/// `/dashboard`.
pub(crate) fn dashboard(request: &HttpRequest) -> HttpResponse {
    document(request, "dashboard.html", DASHBOARD_SECURITY_POLICY)
}

/// A page: asked for at every visit, and sent again only when it changed.
fn document(request: &HttpRequest, name: &str, security_policy: &str) -> HttpResponse {
    let Some(Coded { file, coding }) = Coded::best(name, request) else {
        return not_found();
    };
    // One page in two codings is two representations (RFC 9110, 8.8.3).
    let etag = EntityTag::new_strong(hex(&file.metadata.sha256_hash()));
    let fresh = |mut response: HttpResponseBuilder| {
        response
            .insert_header(ETag(etag.clone()))
            .insert_header((header::VARY, "accept-encoding"))
            .insert_header((header::CACHE_CONTROL, "no-cache"));
        response
    };
    if is_cached(request, &etag) {
        return fresh(HttpResponse::NotModified()).finish();
    }
    let mut response = fresh(HttpResponse::Ok());
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, security_policy))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"));
    body(response, file, coding)
}

/// `/assets/*`: script, style, icon; the hash in the name makes each immutable.
pub(crate) async fn asset(request: HttpRequest, path: Path<String>) -> HttpResponse {
    let name = format!("assets/{path}");
    let (Some(plain), Some(Coded { file, coding })) =
        (Page::get(&name), Coded::best(&name, &request))
    else {
        return not_found();
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header((header::CACHE_CONTROL, IMMUTABLE))
        .insert_header((header::CONTENT_TYPE, mime_type(&plain)));
    body(response, file, coding)
}

/// `/player.json`: never kept, since the operator may change it between two visits.
pub(crate) fn settings(json: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(json)
}

fn body(
    mut response: HttpResponseBuilder,
    file: EmbeddedFile,
    coding: Option<ContentEncoding>,
) -> HttpResponse {
    response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if let Some(coding) = coding {
        response.insert_header(coding);
    }
    response.body(file.data)
}

/// A file as the client is best served; the build compressed what is worth it.
struct Coded {
    file: EmbeddedFile,
    /// None as it is.
    coding: Option<ContentEncoding>,
}

impl Coded {
    fn best(name: &str, request: &HttpRequest) -> Option<Coded> {
        let coded = [
            (Encoding::brotli(), Some(ContentEncoding::Brotli), ".br"),
            (Encoding::gzip(), Some(ContentEncoding::Gzip), ".gz"),
            (Encoding::identity(), None, ""),
        ];
        let accepted = AcceptEncoding::parse(request).ok();
        let wanted =
            accepted.and_then(|accepted| accepted.negotiate(coded.iter().map(|(name, ..)| name)));
        let chosen = coded.iter().find(|(encoding, ..)| Some(encoding) == wanted.as_ref());
        let compressed = chosen.and_then(|(_, coding, ending)| {
            let file = Page::get(&format!("{name}{ending}"))?;
            Some(Coded { file, coding: *coding })
        });
        // What isn't worth compressing, or can't be sent as a client would like it, goes as it is.
        let plain = || Some(Coded { file: Page::get(name)?, coding: None });
        compressed.or_else(plain)
    }
}

fn is_cached(request: &HttpRequest, etag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(etag)),
        Err(_) => false,
    }
}

/// Text says its encoding; the page's is UTF-8 throughout.
fn mime_type(file: &EmbeddedFile) -> String {
    let mime = file.metadata.mimetype();
    if mime.starts_with("text/") { format!("{mime}; charset=utf-8") } else { mime.to_owned() }
}

fn not_found() -> HttpResponse {
    HttpResponse::NotFound()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body("not found\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
