//! What the system says about this process. Each figure is `None` where the system doesn't say,
//! and is left out by whoever shows it.

use std::time::Duration;

/// Resident memory in bytes. `None` where there is no `/proc`.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// File descriptors in use; a socket is one. Takes some 2 µs for each.
pub(crate) fn open_descriptors() -> Option<usize> {
    // One of them is the folder that is read for this.
    std::fs::read_dir("/proc/self/fd").ok()?.count().checked_sub(1)
}

/// File descriptors that the process may have.
#[cfg(unix)]
pub(crate) fn descriptors_max() -> Option<u64> {
    let (soft, _) = rlimit::getrlimit(rlimit::Resource::NOFILE).ok()?;
    Some(soft)
}

/// File descriptors that the process may have.
#[cfg(not(unix))]
pub(crate) fn descriptors_max() -> Option<u64> {
    None
}

/// Processor time of all threads so far, in user and system mode.
#[cfg(unix)]
pub(crate) fn cpu_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok()
}

/// Processor time of all threads so far, in user and system mode.
#[cfg(not(unix))]
pub(crate) fn cpu_time() -> Option<Duration> {
    None
}
