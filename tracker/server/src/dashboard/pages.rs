//! The dashboard's HTTP: its page, and the session of a browser whose operator has typed the token.
//! A browser can't set a WebSocket's headers, a token in a URL would be logged by proxies, and one in
//! the page's own store could be read by any script of this origin: so the browser keeps a cookie
//! that no script sees, which no other site's page sends, and that isn't the token.

use std::sync::Arc;
use std::time::SystemTime;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, SET_COOKIE};
use actix_web::web::{self, Bytes, Data, PayloadConfig, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde_json::json;

use super::{Dashboard, status};
use crate::access::{COOKIE_NAME, Unseen};
use crate::config::ServerConfig;
use crate::limits::{DASHBOARD_SESSION, DASHBOARD_TOKEN_FILE_BYTES_MAX};

impl Dashboard {
    /// Mounts `/dashboard`, what its page needs, and `/dashboard/session` in an app.
    pub(crate) fn routes(self: &Arc<Self>) -> impl Fn(&mut ServiceConfig) + Send + Sync + use<> {
        let dashboard = Data::from(self.clone());
        move |app| {
            app.service(
                web::resource("/dashboard")
                    .app_data(dashboard.clone())
                    .route(web::get().to(page))
                    .route(web::head().to(page)),
            );
            app.service(
                web::resource("/dashboard/session")
                    .app_data(dashboard.clone())
                    .app_data(PayloadConfig::new(DASHBOARD_TOKEN_FILE_BYTES_MAX as usize))
                    .route(web::get().to(session))
                    .route(web::post().to(sign_in))
                    .route(web::delete().to(sign_out)),
            );
            app.configure(::web::assets);
        }
    }
}

/// The page itself has nothing secret: where a token is asked for, it asks for it.
async fn page(request: HttpRequest, dashboard: Data<Dashboard>) -> HttpResponse {
    match dashboard.admit_address(request.head()) {
        Ok(()) => ::web::dashboard(&request),
        Err(why) => refused(why),
    }
}

/// Whether a feed would be opened, and by what: a browser doesn't tell its page why one isn't.
async fn session(request: HttpRequest, dashboard: Data<Dashboard>) -> HttpResponse {
    match dashboard.admit(request.head()) {
        Ok(pass) => said(StatusCode::OK).json(json!({"pass": pass.label()})),
        Err(why) => refused(why),
    }
}

/// Takes the token, as the whole body, for a cookie.
async fn sign_in(request: HttpRequest, token: Bytes, dashboard: Data<Dashboard>) -> HttpResponse {
    let signed_in = dashboard
        .admit_address(request.head())
        .and_then(|()| dashboard.access()?.sign_in(token.trim_ascii(), SystemTime::now()));
    match signed_in {
        Ok(session) => {
            let cookie = cookie(&request, &session, DASHBOARD_SESSION.as_secs());
            said(StatusCode::NO_CONTENT).insert_header((SET_COOKIE, cookie)).finish()
        }
        Err(why) => {
            let peer = request.peer_addr();
            tracing::debug!(?peer, %why, "nobody was signed in to the dashboard");
            refused(why)
        }
    }
}

async fn sign_out(request: HttpRequest, dashboard: Data<Dashboard>) -> HttpResponse {
    match dashboard.admit_address(request.head()) {
        Ok(()) => {
            let gone = cookie(&request, "", 0);
            said(StatusCode::NO_CONTENT).insert_header((SET_COOKIE, gone)).finish()
        }
        Err(why) => refused(why),
    }
}

/// A cookie (RFC 6265) for `seconds`. Where TLS is spoken, here or by a proxy that says so, it is for
/// TLS alone; who lies about that has only its own cookie to lose.
fn cookie(request: &HttpRequest, session: &str, seconds: u64) -> String {
    let server = request.app_data::<Data<ServerConfig>>();
    let speaks_tls = server.is_some_and(|server| server.certificate.is_some());
    let secure = speaks_tls || request.connection_info().scheme() == "https";
    let secure = if secure { "; Secure" } else { "" };
    format!(
        "{COOKIE_NAME}={session}; Path=/dashboard; Max-Age={seconds}; HttpOnly; \
         SameSite=Strict{secure}"
    )
}

fn refused(why: Unseen) -> HttpResponse {
    said(status(why)).content_type("text/plain; charset=utf-8").body(format!("{why}\n"))
}

fn said(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((CACHE_CONTROL, "no-store"));
    response
}
