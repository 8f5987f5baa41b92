//! From the tracker's listener to a feed: the handshake, and the bytes on their way. actix-http hands
//! over the stream of whoever asks for a WebSocket before actix-web sees the request, so the feed's
//! frames are written here, one at a time: while its client takes none, the actor has no turn.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_codec::Framed;
use actix_http::error::PayloadError;
use actix_http::ws::{self, Codec};
use actix_http::{Request, h1};
use actix_web_actors::ws::WebsocketContext;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, ReadHalf};
use tokio::time::{Instant, timeout};

use super::{Dashboard, Refusal};
use crate::actors::StatsFeed;
use crate::limits::{FEED_PATIENCE, FEED_PING, FEED_RECEIVED_BYTES_MAX, FEED_SEND_BUFFER_BYTES};
use crate::transport::accept::OpenStream;
use crate::transport::stream::Stream;
use crate::transport::upgrade::{answer, switching_protocols};

/// Bytes of a frame's payload: as long as that of a control frame (RFC 6455, section 5.5).
const FRAME_BYTES_MAX: usize = 125;

/// Answers the request for a feed, and starts one if whoever asks may see it.
pub(crate) async fn upgrade(
    dashboard: Arc<Dashboard>,
    request: Request,
    framed: Framed<OpenStream, h1::Codec>,
) -> Result<(), Infallible> {
    let outcome = ws::verify_handshake(request.head())
        .map_err(Refusal::Protocol)
        .and_then(|()| dashboard.open_feed(request.head()));
    match outcome {
        Ok((pass, open)) => {
            let response = switching_protocols(&request, None);
            if let Ok((stream, read)) = answer(framed, response).await {
                stream.bound_send_buffer(FEED_SEND_BUFFER_BYTES);
                let (node, sampler) = (dashboard.node.clone(), dashboard.sampler.clone());
                let feed = StatsFeed::new(node, sampler, pass, open);
                actix_rt::spawn(run(feed, stream, read));
            }
        }
        Err(refusal) => {
            if let Ok((mut stream, _)) = answer(framed, refusal.response()).await {
                stream.end();
            }
        }
    }
    Ok(())
}

/// Until the feed ends, or its client is gone or takes nothing.
async fn run(feed: StatsFeed, stream: Stream, read: BytesMut) {
    let (input, mut output) = tokio::io::split(stream);
    let codec = Codec::new().max_size(FRAME_BYTES_MAX);
    let mut frames = pin!(WebsocketContext::with_codec(feed, Received::new(input, read), codec));
    while let Some(Ok(bytes)) = frames.next().await {
        let write = async {
            output.write_all(&bytes).await?;
            output.flush().await
        };
        if !matches!(timeout(FEED_PATIENCE, write).await, Ok(Ok(()))) {
            return;
        }
    }
    // Who doesn't wait for the last words has gone.
    let _ = timeout(FEED_PATIENCE, output.shutdown()).await;
}

/// What a client sends, which is next to nothing: more than [`FEED_RECEIVED_BYTES_MAX`] between two
/// pings is an error. actix-web-actors reads all that there is before it looks at it.
struct Received {
    input: ReadHalf<Stream>,
    /// What came with the handshake.
    read: BytesMut,
    bytes: usize,
    since: Instant,
}

impl Received {
    fn new(input: ReadHalf<Stream>, read: BytesMut) -> Self {
        Self { input, read, bytes: 0, since: Instant::now() }
    }

    fn count(&mut self, bytes: usize) -> Result<(), PayloadError> {
        if self.since.elapsed() > FEED_PING {
            (self.bytes, self.since) = (0, Instant::now());
        }
        self.bytes += bytes;
        if self.bytes > FEED_RECEIVED_BYTES_MAX { Err(PayloadError::Overflow) } else { Ok(()) }
    }
}

impl futures_util::Stream for Received {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let bytes = if this.read.is_empty() {
            let mut space = [0; 1024];
            let mut space = ReadBuf::new(&mut space);
            match Pin::new(&mut this.input).poll_read(cx, &mut space) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(Ok(())) if space.filled().is_empty() => return Poll::Ready(None),
                Poll::Ready(Ok(())) => Bytes::copy_from_slice(space.filled()),
            }
        } else {
            this.read.split().freeze()
        };
        Poll::Ready(Some(this.count(bytes.len()).map(|()| bytes)))
    }
}
