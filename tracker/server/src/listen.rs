//! The listeners: one port for sockets, pages and streams. actix-server spreads connections over
//! its worker threads; actix-http reads a request, and hands the stream over when it asks for
//! a WebSocket.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_codec::Framed;
use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol as Http, Request};
use actix_server::{Server, ServerHandle};
use actix_service::{ServiceFactory, ServiceFactoryExt, fn_factory, fn_service, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::web::ServiceConfig;
use origin::Certificate;
use tokio::net::TcpStream;

use crate::config::ServerConfig;
use crate::dashboard::{self, Dashboard, FEED_PATH};
use crate::http;
use crate::limits::{BACKLOG_CONNECTIONS, STOP_TIMEOUT};
use crate::node::Node;
use crate::transport::accept::Acceptor;
use crate::transport::upgrade::upgrade;
use crate::worker::Worker;
use crate::{ServerAddress, StartError};

/// One of the configuration's listeners, with the address that it got.
pub(crate) struct Listener {
    config: Arc<ServerConfig>,
    socket: TcpListener,
    pub(crate) place: ServerAddress,
}

/// Mounts pages in an app, on any worker.
pub(crate) type Routes = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// What other crates have to show on our port.
#[derive(Clone)]
pub(crate) struct Pages {
    pub(crate) player: Option<Routes>,
    pub(crate) origin: Option<Routes>,
    pub(crate) dashboard: Option<Arc<Dashboard>>,
    /// At every path that nothing else has.
    pub(crate) files: Option<Routes>,
}

/// Listens wherever the configuration says, in its order.
///
/// # Errors
///
/// The first address that can't be had.
pub(crate) fn bind(servers: Vec<ServerConfig>) -> Result<Vec<Listener>, StartError> {
    let bound = servers.into_iter().enumerate().map(|(index, config)| {
        let socket = tcp(format!("servers[{index}].server"), config.address)?;
        let place = ServerAddress {
            address: socket.local_addr()?,
            socket_path: config.path.example().to_owned(),
            tls: config.certificate.is_some(),
        };
        Ok(Listener { config: Arc::new(config), socket, place })
    });
    bound.collect()
}

/// A socket that listens; `key` is the configuration's.
///
/// # Errors
///
/// When the system refuses.
pub(crate) fn tcp(key: String, address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = origin::tcp_listener(address, BACKLOG_CONNECTIONS);
    bound.map_err(|source| StartError::Listen { key, address, source })
}

impl Listener {
    /// Its certificate, with the address that it is for.
    pub(crate) fn certificate(&self) -> Option<(SocketAddr, Arc<Certificate>)> {
        Some((self.place.address, self.config.certificate.clone()?))
    }
}

/// Starts to accept, on threads of its own.
///
/// # Errors
///
/// When the system refuses.
pub(crate) fn serve(
    node: &Arc<Node>,
    listeners: Vec<Listener>,
    pages: &Pages,
    workers: u16,
) -> io::Result<ServerHandle> {
    let mut builder = Server::build()
        .workers(usize::from(workers))
        .backlog(BACKLOG_CONNECTIONS)
        // Sockets don't count any more once they are upgraded; `maxConnections` bounds them.
        .max_concurrent_connections(usize::MAX >> 1)
        .shutdown_timeout(STOP_TIMEOUT.as_secs())
        .disable_signals();
    for Listener { config: server, socket, .. } in listeners {
        let (node, pages) = (node.clone(), pages.clone());
        builder = builder.listen("tracker", socket, move || service(&node, &server, &pages))?;
    }
    let server = builder.run();
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok(handle)
}

/// What a listener's connections meet on one worker.
fn service(
    node: &Arc<Node>,
    server: &Arc<ServerConfig>,
    pages: &Pages,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
+ use<> {
    let worker = Worker::of_this_thread(node);
    let acceptor = Rc::new(Acceptor::new(worker.clone(), server.clone()));
    let state = http::routes(node.clone(), server.clone());
    let (server, board) = (server.clone(), pages.dashboard.clone());
    let sockets = fn_factory(move || {
        let (worker, server, board) = (worker.clone(), server.clone(), board.clone());
        let service = fn_service(move |(request, framed): (Request, Framed<_, _>)| {
            let (worker, server, board) = (worker.clone(), server.clone(), board.clone());
            async move {
                match board {
                    Some(board) if request.path() == FEED_PATH => {
                        dashboard::upgrade(board, request, framed).await
                    }
                    _ => upgrade(worker, server, request, framed).await,
                }
            }
        });
        async move { Ok::<_, Infallible>(service) }
    });
    let pages = pages.clone();
    let app = App::new().configure(state).configure(move |app| pages.mount(app));
    let http = HttpService::build()
        // `Punctual` sees to it, for each request.
        .client_request_timeout(Duration::ZERO)
        .upgrade(sockets)
        .finish(map_config(app, |_| AppConfig::default()));
    let streams = fn_service(move |socket: TcpStream| {
        let acceptor = acceptor.clone();
        async move {
            let (stream, peer) = acceptor.accept(socket).await.map_err(DispatchError::Io)?;
            Ok::<_, DispatchError>((stream, Http::Http1, Some(peer)))
        }
    });
    streams.and_then(http)
}

impl Pages {
    fn mount(&self, app: &mut ServiceConfig) {
        if let Some(dashboard) = &self.dashboard {
            app.configure(dashboard.routes());
        }
        for routes in [&self.player, &self.origin, &self.files].into_iter().flatten() {
            app.configure(|app| routes(app));
        }
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}
