//! A thread for reading files that may be on a server that has died. It is none of the runtime's:
//! that waits for its own when it ends, and whoever reads such a file may wait for ever.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use crate::limits::FILES_WATCH;
use crate::watched::Refresh;

/// Runs `read` on a thread of its own, which is left behind when the future is dropped.
///
/// # Errors
///
/// When the system has no thread for it, or it has panicked.
pub async fn on_file_thread<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (tell, told) = oneshot::channel();
    thread::Builder::new().name("files".to_owned()).spawn(move || {
        // Who waits no more has been asked to stop.
        let _ = tell.send(read());
    })?;
    told.await.map_err(io::Error::other)
}

/// Has `refresh` read files again, on a thread of its own.
pub(crate) async fn refresh_all(refresh: impl FnOnce() + Send + 'static) {
    if let Err(error) = on_file_thread(refresh).await {
        tracing::error!("the files could not be read again: {error}");
    }
}

/// Has files read again when they have changed, for as long as the future is polled.
pub(crate) async fn keep_fresh<T: Send + Sync + 'static>(of: Arc<T>, refresh: fn(&T, Refresh)) {
    loop {
        tokio::time::sleep(FILES_WATCH).await;
        let of = of.clone();
        // An error here is a system without a thread left; it is tried again.
        let _ = on_file_thread(move || refresh(&of, Refresh::Changed)).await;
    }
}
