//! What keeps an eye on the files that the configuration names: lists, keys, certificates. It
//! lives on the main thread and reads on a thread for that alone, so that a large list never makes
//! a worker wait, nor a file that can't be read a stop.

use std::sync::Arc;

use actix::prelude::*;
use origin::on_file_thread;
use origin::watched::Refresh;

use crate::limits::FILES_TICK;
use crate::node::Node;

/// The actor that reads the files again.
#[derive(Debug)]
pub(crate) struct FilesActor {
    node: Arc<Node>,
}

/// From the tracker's handle: read all files again, changed or not. Taken whether the mailbox is
/// full or not.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct ReloadFiles;

/// From the tracker's handle: watch no more.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(crate) struct StopFiles;

impl FilesActor {
    /// Starts watching the files of `node`.
    pub(crate) fn start_for(node: &Arc<Node>) -> Addr<Self> {
        Self { node: node.clone() }.start()
    }

    /// Until it is done the actor hears nothing: there is one refresh at a time.
    fn refresh(&self, which: Refresh, ctx: &mut Context<Self>) {
        let node = self.node.clone();
        let refresh = on_file_thread(move || node.refresh(which));
        ctx.wait(refresh.into_actor(self).map(|outcome, _, _| {
            if let Err(error) = outcome {
                tracing::error!("the files could not be read again: {error}");
            }
        }));
    }
}

impl Actor for FilesActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(FILES_TICK, |files, ctx| files.refresh(Refresh::Changed, ctx));
    }
}

impl Handler<ReloadFiles> for FilesActor {
    type Result = ();

    fn handle(&mut self, _: ReloadFiles, ctx: &mut Self::Context) {
        self.refresh(Refresh::All, ctx);
    }
}

impl Handler<StopFiles> for FilesActor {
    type Result = ();

    fn handle(&mut self, _: StopFiles, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
