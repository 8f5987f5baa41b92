//! The listener of the streams: actix-server spreads its connections over threads, one per core,
//! and actix-http speaks on them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_server::{Server, ServerHandle};
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::web::ServiceConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::connection::Acceptor;
use super::punctual::{Punctual, Times};
use crate::certificate::Certificate;
use crate::limits::{
    KEEP_ALIVE, REQUEST_TIMEOUT, SHUTDOWN_TIMEOUT, WORKER_CONNECTIONS_MAX, WRITE_TIMEOUT,
};

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
) -> io::Result<ServerHandle> {
    let server = Server::build()
        .max_concurrent_connections(WORKER_CONNECTIONS_MAX)
        .shutdown_timeout(SHUTDOWN_TIMEOUT.as_secs())
        .disable_signals();
    let server = server.listen("origin", listener, move || {
        let acceptor = Rc::new(Acceptor::new(certificate.clone()));
        let app = App::new().configure(routes.clone());
        let http = HttpService::build()
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(REQUEST_TIMEOUT)
            .finish(map_config(app, |_| AppConfig::default()));
        let connections = fn_service(move |socket: TcpStream| {
            let acceptor = acceptor.clone();
            async move {
                let began = Instant::now();
                let peer = socket.peer_addr().map_err(DispatchError::Io)?;
                let accepted = acceptor.accept(socket).await;
                let (connection, protocol) = accepted.map_err(DispatchError::Io)?;
                let connection = Punctual::new(connection, (), began, Some(TIMES));
                Ok::<_, DispatchError>((connection, protocol, Some(peer)))
            }
        });
        connections.and_then(http)
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
