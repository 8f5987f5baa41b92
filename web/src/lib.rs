//! The player's page, carried inside the binary and served by actix-web. npm builds it (see
//! `build.rs`); this crate adds the addresses that the page starts with, and the headers that a
//! browser should see.

mod page;
mod settings;

use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

pub use settings::{Consent, PlayerSettings, PlayerStream, Sharing, Unchecked};

/// Routes for the page: `GET` and `HEAD` of `/`, `/assets/*` and `/player.json`.
///
/// The result configures any number of apps, one per worker:
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// use actix_web::{App, HttpServer};
///
/// let player = web::routes(web::PlayerSettings {
///     streams: vec![web::PlayerStream {
///         name: "testcard".into(),
///         url: "/live/testcard/index.m3u8".into(),
///         ..web::PlayerStream::default()
///     }],
///     trackers: vec!["/".into()],
///     stun: vec![":3478".into()],
///     ..web::PlayerSettings::default()
/// });
/// let server = HttpServer::new(move || App::new().configure(player.clone()));
/// server.bind(("127.0.0.1", 0))?.run().await
/// # }
/// ```
pub fn routes(settings: PlayerSettings) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let json = Bytes::from(settings.to_json());
    move |app: &mut ServiceConfig| {
        let json = json.clone();
        let player_json = move || {
            let json = json.clone();
            async move { page::settings(json) }
        };
        app.service(page::resource("/", page::index))
            .service(page::resource("/player.json", player_json))
            .configure(assets);
    }
}

/// The dashboard's page. Whoever serves it decides who may see it; it needs [`assets`] beside it.
#[must_use]
pub fn dashboard(request: &HttpRequest) -> HttpResponse {
    page::dashboard(request)
}

/// `GET` and `HEAD` of `/assets/*`, which all pages share: no harm where it is mounted twice.
pub fn assets(app: &mut ServiceConfig) {
    app.service(page::resource("/assets/{path:.*}", page::asset));
}
