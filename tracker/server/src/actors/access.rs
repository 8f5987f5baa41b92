//! What keeps an eye on the files of the section `access`. It lives on the main thread and reads
//! on a thread for blocking work, so that a large list never makes a worker wait.

use std::sync::Arc;

use actix::prelude::*;

use crate::access::Refresh;
use crate::limits::ACCESS_TICK;
use crate::worker::Node;

/// The actor that reads the files again.
#[derive(Debug)]
pub(crate) struct AccessActor {
    node: Arc<Node>,
}

/// From the tracker's handle: read all files again, changed or not. Taken whether the mailbox is
/// full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct ReloadAccess;

/// From the tracker's handle: watch no more.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct StopAccess;

impl AccessActor {
    /// Starts watching, when there is a file to watch.
    pub(crate) fn start_for(node: &Arc<Node>) -> Option<Addr<Self>> {
        node.access.has_files().then(|| Self { node: node.clone() }.start())
    }

    /// Until it is done the actor hears nothing: there is one refresh at a time.
    fn refresh(&self, which: Refresh, ctx: &mut Context<Self>) {
        let node = self.node.clone();
        let refresh = tokio::task::spawn_blocking(move || node.access.refresh(which));
        ctx.wait(refresh.into_actor(self).map(|_, _, _| ()));
    }
}

impl Actor for AccessActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(ACCESS_TICK, |access, ctx| access.refresh(Refresh::Changed, ctx));
    }
}

impl Handler<ReloadAccess> for AccessActor {
    type Result = ();

    fn handle(&mut self, _: ReloadAccess, ctx: &mut Self::Context) {
        self.refresh(Refresh::All, ctx);
    }
}

impl Handler<StopAccess> for AccessActor {
    type Result = ();

    fn handle(&mut self, _: StopAccess, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
