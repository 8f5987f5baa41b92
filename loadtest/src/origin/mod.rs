//! Downloads of a stream's segments, by many at a time: what an origin, or any server of files,
//! moves on this machine, with every byte looked at.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

mod args;
mod catalogue;
mod http;
mod report;
mod window;
mod worker;

pub(crate) use args::{DownloadPlan, OriginArgs};

use args::DownloadServer;
use catalogue::Catalogue;
use report::{Round, Rounds};
use window::Window;
use worker::{Seen, Worker};

use crate::compare::order;
use crate::limits::{COMPARE_REST, PLAYLIST_REFRESH};
use crate::process;
use crate::progress::say;
use crate::report::file::save_json;

/// Loads each server in its turns. Whether every download was right.
///
/// # Errors
/// When a server is not there, or no longer.
pub(crate) fn run(plan: &DownloadPlan) -> anyhow::Result<bool> {
    let mut all: Vec<_> = plan
        .servers
        .iter()
        .map(|server| Rounds { name: server.name.clone(), rounds: Vec::new() })
        .collect();
    for round in 1..=plan.rounds {
        for at in order(round, plan.servers.len()) {
            let server = &plan.servers[at];
            let measured = load(plan, server).with_context(|| server.name.clone())?;
            say(format_args!(
                "round {round}/{}  {:<20}{}",
                plan.rounds,
                server.name,
                measured.line()
            ));
            all[at].rounds.push(measured);
            thread::sleep(COMPARE_REST);
        }
    }
    save_json(plan.json.as_deref(), &all)?;
    report::write(&all, &mut io::stdout().lock()).context("standard output")?;
    Ok(all.iter().all(|server| server.wrong() == 0))
}

fn load(plan: &DownloadPlan, server: &DownloadServer) -> anyhow::Result<Round> {
    let catalogue = Catalogue::read(server)?;
    let window = Window::after(plan.warmup, plan.duration);
    let (seen, cpu) = thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.threads)
            .map(|thread| {
                let share = share(plan.connections, plan.threads, thread);
                let catalogue = &catalogue;
                scope.spawn(move || {
                    Worker::new(server.address, catalogue, window)
                        .and_then(|worker| worker.run(share))
                })
            })
            .collect();
        let cpu = watch(server, &catalogue, window);
        let seen: anyhow::Result<Vec<Seen>> = workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?)
            .collect();
        (seen, cpu)
    });
    let seconds = plan.duration.as_secs_f64();
    Ok(Round::new(&seen?, seconds, cpu.map(|cpu| cpu.as_secs_f64())))
}

/// Keeps the catalogue up to date until the window closes; what the server's process has used from
/// its opening on.
fn watch(server: &DownloadServer, catalogue: &Catalogue, window: Window) -> Option<Duration> {
    let used = || server.pid.and_then(process::usage).map(|usage| usage.cpu);
    let follow_until = |moment: Instant| {
        while Instant::now() < moment {
            let left = moment.saturating_duration_since(Instant::now());
            thread::sleep(left.min(PLAYLIST_REFRESH));
            // A playlist that can't be had just now is asked for again; its segments are still there.
            if left > PLAYLIST_REFRESH {
                let _ = catalogue.refresh();
            }
        }
    };
    follow_until(window.opens);
    let before = used();
    follow_until(window.closes);
    Some(used()?.saturating_sub(before?))
}

/// As even as it can be.
fn share(connections: u64, threads: u64, thread: u64) -> u64 {
    connections / threads + u64::from(thread < connections % threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_connections_have_a_thread() {
        let shares = |connections, threads| -> Vec<u64> {
            (0..threads).map(|thread| share(connections, threads, thread)).collect()
        };
        assert_eq!(shares(10, 4), [3, 3, 2, 2]);
        assert_eq!(shares(1, 1), [1]);
    }
}
