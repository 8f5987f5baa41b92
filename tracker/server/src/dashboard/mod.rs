//! The dashboard, for operators: whether the node is well, live, and what it has been like for an
//! hour. Its page is the crate `web`'s; what it shows comes here.
//!
//! ```text
//!   counts of all workers --> SamplerActor: Watch     once a second, on the main thread
//!                                |   tick, survey     one text for all
//!   browser <-- feed::run <-- StatsFeed               one each, on a worker
//! ```

mod feed;
mod history;
mod pages;
mod report;
mod survey;
mod tally;
mod verdict;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::SystemTime;

use actix::Addr;
use actix_http::body::BoxBody;
use actix_http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use actix_http::ws::HandshakeError;
use actix_http::{RequestHead, Response, StatusCode};
use origin::Counts;

use crate::access::{DashboardAccess, Pass, Unseen};
use crate::actors::{SamplerActor, StopSampler};
use crate::limits::FEEDS_MAX;
use crate::node::Node;
pub(crate) use feed::upgrade;
pub(crate) use watch::Watch;

/// Where the live feed is.
pub(crate) const FEED_PATH: &str = "/dashboard/feed";

/// What the listeners of all workers need of it.
pub(crate) struct Dashboard {
    node: Arc<Node>,
    sampler: Addr<SamplerActor>,
    /// Feeds that are open.
    open: Arc<AtomicUsize>,
}

/// An open feed's place among [`FEEDS_MAX`], until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenFeed(Arc<AtomicUsize>);

/// Why there is no feed.
#[derive(Debug)]
enum Refusal {
    /// Whoever asks may not see it.
    Unseen(Unseen),
    /// It is no WebSocket's handshake.
    Protocol(HandshakeError),
    /// As many are open as there may be.
    Full,
}

impl Dashboard {
    /// Starts looking at `node` and the streams of its origin, if `node` has a dashboard at all.
    pub(crate) fn start(node: &Arc<Node>, origin: Option<Counts>) -> Option<Arc<Self>> {
        node.dashboard.as_ref()?;
        let sampler = SamplerActor::start_for(node, origin);
        Some(Arc::new(Self { node: node.clone(), sampler, open: Arc::default() }))
    }

    /// Looks no more, and ends all feeds.
    pub(crate) fn stop(&self) {
        self.sampler.do_send(StopSampler);
    }

    /// Whether this request may see it, and with what.
    fn admit(&self, request: &RequestHead) -> Result<Pass, Unseen> {
        let peer = request.peer_addr.map(|peer| peer.ip());
        let (access, policy) = (self.access()?, self.node.policy());
        access.admit(&request.headers, peer, &policy.trusted_proxies, SystemTime::now())
    }

    /// Whether it may see the page, which asks for what it lacks.
    fn admit_address(&self, request: &RequestHead) -> Result<(), Unseen> {
        let peer = request.peer_addr.map(|peer| peer.ip());
        let policy = self.node.policy();
        self.access()?.admit_address(&request.headers, peer, &policy.trusted_proxies)
    }

    fn access(&self) -> Result<&DashboardAccess, Unseen> {
        self.node.dashboard.as_ref().ok_or(Unseen::Elsewhere)
    }

    /// A feed's place, for who may see it.
    fn open_feed(&self, request: &RequestHead) -> Result<(Pass, OpenFeed), Refusal> {
        let pass = self.admit(request).map_err(Refusal::Unseen)?;
        let take = |open: usize| (open < FEEDS_MAX).then_some(open + 1);
        match self.open.fetch_update(Relaxed, Relaxed, take) {
            Ok(_) => Ok((pass, OpenFeed(self.open.clone()))),
            Err(_) => Err(Refusal::Full),
        }
    }
}

impl Drop for OpenFeed {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Refusal {
    fn response(self) -> Response<BoxBody> {
        let (status, text) = match self {
            Self::Unseen(why) => (status(why), why.to_string()),
            Self::Protocol(error) => return Response::from(error),
            Self::Full => {
                let text = format!("{FEEDS_MAX} dashboards are open, which is all there may be");
                (StatusCode::SERVICE_UNAVAILABLE, text)
            }
        };
        let mut response = Response::build(status)
            .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
            .insert_header((CACHE_CONTROL, "no-store"))
            .force_close()
            .body(text)
            .map_into_boxed_body();
        if status == StatusCode::UNAUTHORIZED {
            // It has to name a scheme (RFC 9110, section 11.6.1).
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn status(why: Unseen) -> StatusCode {
    match why {
        Unseen::Elsewhere | Unseen::Named | Unseen::OtherOrigin => StatusCode::FORBIDDEN,
        Unseen::NoToken | Unseen::WrongToken | Unseen::SessionOver => StatusCode::UNAUTHORIZED,
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard").field("open", &self.open).finish_non_exhaustive()
    }
}
