//! Who goes first on a busy core. An origin that is a guest in another program's process gives way
//! to it with its downloads: they can wait for some milliseconds, and what the host does cannot. Its
//! encoders don't: a stream that falls behind is late for all who watch it.

#[cfg(target_os = "linux")]
use rustix::process::setpriority_process;

#[cfg(target_os = "linux")]
use crate::limits::GUEST_NICE;

/// Puts this thread behind those of the host, and with it whatever threads and processes it starts
/// from now on.
#[cfg(target_os = "linux")]
pub(crate) fn give_way() {
    // On Linux a nice value is a thread's, whatever POSIX says. Only who is nicer already is refused.
    if let Err(error) = setpriority_process(None, GUEST_NICE) {
        tracing::debug!("a thread of the origin keeps its priority: {error}");
    }
}

/// Elsewhere a priority is the whole process's.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_way() {}
