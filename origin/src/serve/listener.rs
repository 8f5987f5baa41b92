//! Where connections come in.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

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
