//! A thread for reading files that may be on a server that has died. It is none of the runtime's:
//! that waits for its own when it ends, and whoever reads such a file may wait for ever.

use std::io;
use std::thread;

use tokio::sync::oneshot;

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
