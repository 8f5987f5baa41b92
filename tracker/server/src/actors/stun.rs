//! One UDP socket that tells browsers the address under which the world sees them. It runs beside
//! the workers and answers whatever is there before it lets others have their turn.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use actix::prelude::*;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

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
    /// Starts answering on `socket`.
    ///
    /// # Errors
    ///
    /// When the runtime can't take the socket.
    pub(crate) fn start_on(socket: std::net::UdpSocket) -> io::Result<Addr<Self>> {
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket)?;
        Ok(Self { socket, request: Box::new([0; STUN_REQUEST_BYTES_MAX]) }.start())
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
