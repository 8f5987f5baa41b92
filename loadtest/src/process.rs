//! What a process has used, from Linux's `/proc` (proc(5)). Elsewhere there is nothing to read, and
//! the report says so by leaving these figures out.

use std::time::Duration;

/// Processor time so far and resident memory now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) rss_bytes: u64,
}

/// USER_HZ, the unit of times in `/proc`: 100 on every Linux that Rust's standard library runs on.
const TICK: Duration = Duration::from_millis(10);

/// What process `pid` with all its threads has used, or `None` when it is gone.
pub(crate) fn usage(pid: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(Usage { cpu: cpu_time(&stat)?, rss_bytes: rss_bytes(&status)? })
}

/// Processor time of the calling thread so far.
pub(crate) fn thread_cpu() -> Option<Duration> {
    cpu_time(&std::fs::read_to_string("/proc/thread-self/stat").ok()?)
}

/// User and system time: fields 14 and 15, counted behind the name, which may hold anything.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let user: u32 = times.next()?.parse().ok()?;
    let system: u32 = times.next()?.parse().ok()?;
    Some(TICK * user + TICK * system)
}

fn rss_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) S b) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
    }

    #[test]
    fn resident_memory_is_told_in_kibibytes() {
        assert_eq!(rss_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2 << 20));
    }
}
