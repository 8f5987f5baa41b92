//! One UDP socket that tells browsers the address under which the world sees them. It runs beside
//! the workers and answers whatever is there before it lets others have their turn.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use actix::prelude::*;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::StartError;
use crate::config::StunConfig;
use crate::limits::{STUN_REQUEST_BYTES_MAX, STUN_REQUESTS_PER_TURN};
use crate::stun;

/// The actor of one STUN socket.
#[derive(Debug)]
pub(crate) struct StunActor {
    socket: UdpSocket,
    request: Box<[u8; STUN_REQUEST_BYTES_MAX]>,
}

/// From the tracker's handle: close the socket.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct StopStun;

impl StunActor {
    /// Starts one for the address that the configuration names; without one, one for IPv4 and one
    /// for IPv6. Returns the first one's address as well.
    ///
    /// # Errors
    ///
    /// When an address can't be had that the configuration wants.
    pub(crate) fn start_for(
        config: StunConfig,
    ) -> Result<(Vec<Addr<Self>>, Option<SocketAddr>), StartError> {
        let hosts = match config.host {
            Some(host) => vec![host],
            None => vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
        };
        let (mut actors, mut first) = (Vec::new(), None::<SocketAddr>);
        for host in hosts {
            // Both versions of IP answer on one port, also when the system chose it.
            let port = first.map_or(config.port, |first| first.port());
            let address = SocketAddr::new(host, port);
            match Self::start_on(address) {
                Ok((bound, actor)) => {
                    first.get_or_insert(bound);
                    actors.push(actor);
                }
                Err(source) if config.optional || first.is_some() => {
                    tracing::warn!(%address, error = %source, "no STUN here");
                }
                Err(source) => {
                    return Err(StartError::Listen { key: "stun".to_owned(), address, source });
                }
            }
        }
        Ok((actors, first))
    }

    fn start_on(address: SocketAddr) -> io::Result<(SocketAddr, Addr<Self>)> {
        let socket = UdpSocket::from_std(udp(address)?)?;
        let bound = socket.local_addr()?;
        Ok((bound, Self { socket, request: Box::new([0; STUN_REQUEST_BYTES_MAX]) }.start()))
    }

    fn poll_requests(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        for _ in 0..STUN_REQUESTS_PER_TURN {
            let mut request = ReadBuf::new(&mut self.request[..]);
            match self.socket.poll_recv_from(cx, &mut request) {
                Poll::Ready(Ok(from)) => answer(&self.socket, request.filled(), from),
                // An ICMP error of an earlier reply; it concerns nobody else.
                Poll::Ready(Err(_)) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A UDP socket of one version of IP.
fn udp(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// UDP may lose a reply; then the browser asks again. So one that can't be sent at once is lost.
fn answer(socket: &UdpSocket, request: &[u8], from: SocketAddr) {
    if let Some(reply) = stun::answer(request, from) {
        let _ = socket.try_send_to(&reply, from);
    }
}

impl Actor for StunActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(Requests);
    }
}

/// The actor's reading, polled when the socket has something.
struct Requests;

impl ActorFuture<StunActor> for Requests {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        stun: &mut StunActor,
        _: &mut Context<StunActor>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<()> {
        stun.poll_requests(cx)
    }
}

impl Handler<StopStun> for StunActor {
    type Result = ();

    fn handle(&mut self, _: StopStun, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
