//! One run of a source, as a task that ends when it is told to.

use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Playing;

/// A task that returns what it still had to say.
pub(super) struct Running {
    /// Dropped to end it.
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<String>>,
}

impl Running {
    /// Starts what ends when the receiver resolves.
    pub(super) fn start<R>(run: impl FnOnce(oneshot::Receiver<()>) -> R) -> Box<dyn Playing>
    where
        R: Future<Output = Option<String>> + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        Box::new(Running { stop, task: actix::spawn(run(stopped)) })
    }
}

impl Playing for Running {
    fn stop(self: Box<Self>) -> LocalBoxFuture<'static, Option<String>> {
        let Running { stop, task } = *self;
        Box::pin(async move {
            drop(stop);
            // The task neither panics nor is aborted, so there is no error to tell of.
            task.await.ok().flatten()
        })
    }
}
