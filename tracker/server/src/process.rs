//! What the system says about this process. Each figure is `None` where the system doesn't say,
//! and is left out by whoever shows it.

use std::time::Duration;

/// Resident memory in bytes. `None` where there is no `/proc`.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// File descriptors in use; a socket is one. Takes some 2 µs for each where the system doesn't
/// count them at once.
pub(crate) fn open_descriptors() -> Option<usize> {
    open_descriptors_at_once().or_else(count_descriptors)
}

/// File descriptors in use, where that takes no time to know: since Linux 6.2 they are the size
/// of their folder.
pub(crate) fn open_descriptors_at_once() -> Option<usize> {
    let size = std::fs::metadata("/proc/self/fd").ok()?.len();
    usize::try_from(size).ok().filter(|&open| open > 0)
}

fn count_descriptors() -> Option<usize> {
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
pub(crate) fn cpu_time() -> Option<Duration> {
    clock::read(clock::PROCESS)
}

/// Processor time of this thread so far, in user and system mode.
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    clock::read(clock::THREAD)
}

#[cfg(unix)]
mod clock {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    pub(super) const PROCESS: ClockId = ClockId::ProcessCPUTime;
    pub(super) const THREAD: ClockId = ClockId::ThreadCPUTime;

    pub(super) fn read(clock: ClockId) -> Option<Duration> {
        Duration::try_from(clock_gettime(clock)).ok()
    }
}

#[cfg(not(unix))]
mod clock {
    use std::time::Duration;

    pub(super) const PROCESS: () = ();
    pub(super) const THREAD: () = ();

    pub(super) fn read(_: ()) -> Option<Duration> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_as_many_at_once_as_one_by_one() {
        let Some(_) = open_descriptors_at_once() else {
            // Before Linux 6.2.
            return;
        };
        let files: Vec<_> = (0..100).map(|_| std::fs::File::open("/dev/null").ok()).collect();
        let (at_once, counted) = (open_descriptors_at_once(), count_descriptors());
        // Other tests open files of their own at the same time.
        let difference = at_once.zip(counted).map(|(a, b)| a.abs_diff(b));
        assert!(difference.is_some_and(|difference| difference < 50), "{at_once:?} {counted:?}");
        assert!(at_once >= Some(files.len()));
    }

    #[test]
    fn a_thread_has_its_own_processor_time() {
        let spent = |until: Duration| {
            while thread_cpu_time().is_some_and(|time| time < until) {
                std::hint::spin_loop();
            }
            thread_cpu_time()
        };
        let other = std::thread::spawn(move || spent(Duration::from_millis(200))).join();
        assert!(other.is_ok_and(|time| time >= Some(Duration::from_millis(200))));
        assert!(cpu_time() >= Some(Duration::from_millis(200)));
        assert!(thread_cpu_time() < Some(Duration::from_millis(200)));
    }
}
