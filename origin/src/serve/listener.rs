//! The listener of the streams: actix-server spreads its connections over threads, one per core.
//! Plain requests for files are answered in `conversation`, all others by actix-http.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;

use actix_http::error::DispatchError;
use actix_http::{HttpService, ServiceConfig as HttpConfig};
use actix_server::{Server, ServerHandle};
use actix_service::{Service, ServiceFactory, fn_factory, fn_service, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::web::ServiceConfig;
use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::connection::Acceptor;
use super::conversation::{End, converse};
use super::punctual::{Punctual, Times};
use crate::certificate::Certificate;
use crate::limits::{
    KEEP_ALIVE, REQUEST_TIMEOUT, SHUTDOWN_TIMEOUT, WORKER_CONNECTIONS_MAX, WRITE_TIMEOUT,
};
use crate::priority::give_way;

/// actix-http's own timer ends with a connection's first request. Behind it, this one is above the
/// time that a connection may have none.
const TIMES: Times =
    Times { request: KEEP_ALIVE.saturating_add(REQUEST_TIMEOUT), response: WRITE_TIMEOUT };

/// Starts to accept.
///
/// # Errors
/// When the system refuses.
pub(super) fn serve(
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    is_guest: bool,
) -> io::Result<ServerHandle> {
    let server = Server::build()
        .max_concurrent_connections(WORKER_CONNECTIONS_MAX)
        .shutdown_timeout(SHUTDOWN_TIMEOUT.as_secs())
        .disable_signals();
    let server = server.listen("origin", listener, move || {
        // Each of the threads says so when it begins.
        if is_guest {
            give_way();
        }
        let app = || map_config(App::new().configure(routes.clone()), |_| AppConfig::default());
        let http = HttpService::build()
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(REQUEST_TIMEOUT)
            .finish(app());
        let (files, certificate) = (app(), certificate.clone());
        fn_factory(move || {
            let (http, files) = (http.new_service(()), files.new_service(()));
            let acceptor = Rc::new(Acceptor::new(certificate.clone()));
            async move {
                let (http, files) = (Rc::new(http.await?), Rc::new(files.await?));
                let config = HttpConfig::default();
                Ok::<_, ()>(fn_service(move |socket: TcpStream| {
                    let (acceptor, http) = (acceptor.clone(), http.clone());
                    let (files, config) = (files.clone(), config.clone());
                    async move {
                        let peer = socket.peer_addr().map_err(DispatchError::Io)?;
                        acceptor.prepare(&socket);
                        let (socket, start) = match acceptor.is_secure() {
                            true => (socket, Bytes::new()),
                            false => match converse(socket, config, files.as_ref()).await {
                                End::Other(socket, start) => (socket, start),
                                End::Closed => return Ok(()),
                            },
                        };
                        let began = Instant::now();
                        let accepted = acceptor.accept(socket, start).await;
                        let (connection, protocol) = accepted.map_err(DispatchError::Io)?;
                        let connection = Punctual::new(connection, (), began, Some(TIMES));
                        http.call((connection, protocol, Some(peer))).await
                    }
                }))
            }
        })
    })?;
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

/// A listening TCP socket, with so many connections in line. `[::]` takes IPv4 as well.
///
/// # Errors
/// When the system refuses.
pub fn tcp_listener(address: SocketAddr, backlog_connections: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restart need not wait for the last run's connections to be forgotten.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog_connections as i32)?;
    Ok(socket.into())
}
