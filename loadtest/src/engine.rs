//! One run from the first connect to the last close: starts the workers, leads them through the
//! phases, and reads clocks and counters at the same two moments.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::args::Target;
use crate::limits::{GLANCE, REACH_TIME_MAX};
use crate::phase::{Phase, Signals};
use crate::plan::Plan;
use crate::process::{self, Usage};
use crate::record::{Counts, Record};
use crate::worker::Worker;

/// What a run measured.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) record: Record,
    /// In the measured window.
    pub(crate) counts: Counts,
    pub(crate) window: Duration,
    /// How long it took until all had joined.
    pub(crate) join_time: Duration,
    /// How many of them did.
    pub(crate) joined: u64,
    pub(crate) server: Option<ServerUsage>,
}

/// The tracker's process at the moments that matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerUsage {
    pub(crate) before_connect: Usage,
    pub(crate) joined: Usage,
    pub(crate) measure_start: Usage,
    pub(crate) measure_end: Usage,
    pub(crate) drained: Usage,
}

/// Runs `plan` through its phases.
///
/// # Errors
/// When nothing listens at the address, or a worker cannot run.
pub(crate) fn run(plan: &Plan) -> anyhow::Result<Outcome> {
    let (record, (mut outcome, bar)) = with_workers(plan, |signals| {
        let conductor = Conductor::new(plan, signals);
        conductor.conduct()
    })?;
    outcome.record = record;
    bar.finish_and_clear();
    Ok(outcome)
}

/// Starts the workers of `plan`, lets `lead` take them through the phases, the last of which is
/// [`Phase::Close`], and returns what they recorded.
///
/// # Errors
/// When nothing listens at the address, or a worker cannot run.
pub(crate) fn with_workers<T>(
    plan: &Plan,
    lead: impl FnOnce(&Signals) -> T,
) -> anyhow::Result<(Record, T)> {
    reach(&plan.target)?;
    let shares = plan.shares();
    let signals = Signals::new(plan.threads);
    let workers = shares.iter().map(|share| Worker::new(plan, share, &signals));
    let workers: Vec<_> = workers.collect::<Result<_, _>>().context("no event queue")?;
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            workers.into_iter().map(|worker| scope.spawn(|| worker.run())).collect();
        let led = lead(&signals);
        let mut whole = Record::new();
        for thread in threads {
            let record = thread.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?;
            whole.merge(record.context("an event loop failed")?);
        }
        Ok((whole, led))
    })
}

/// Tells a missing tracker from a failing one, before thousands of sockets do.
pub(crate) fn reach(target: &Target) -> anyhow::Result<()> {
    let stream = match TcpStream::connect_timeout(&target.address, REACH_TIME_MAX) {
        Ok(stream) => stream,
        Err(error) => bail!(
            "nothing listens at {}: {error}\n\
             Start the tracker in another terminal with `cargo run --release`, \
             or name another one with --url.",
            target.url
        ),
    };
    if let Some(tls) = &target.wire.tls
        && let Err(error) = tls.try_handshake(&stream)
    {
        bail!(
            "no TLS with {}: {error}\n\
             --ca FILE names a certificate to trust, --insecure accepts any.",
            target.url
        );
    }
    Ok(())
}

/// Waits until every peer has joined or was turned away; `show` is told how many have, now and
/// then.
pub(crate) fn await_joined(plan: &Plan, signals: &Signals, show: impl Fn(u64)) -> Duration {
    let start = Instant::now();
    loop {
        let counts = signals.counts();
        show(counts.joined);
        let all = counts.joined + counts.gone >= u64::from(plan.peers);
        if all || start.elapsed() > plan.join_time_max() {
            return start.elapsed();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Lets what is on its way arrive.
pub(crate) fn drain(signals: &Signals) {
    signals.enter(Phase::Drain);
    while !signals.all_drained() {
        std::thread::sleep(GLANCE);
    }
}

/// Leads the workers through one run.
struct Conductor<'a> {
    plan: &'a Plan,
    signals: &'a Signals,
    bar: ProgressBar,
}

impl<'a> Conductor<'a> {
    fn new(plan: &'a Plan, signals: &'a Signals) -> Self {
        let bar = ProgressBar::new(1);
        // The template is a constant; the default style stands in should it ever be wrong.
        let style = ProgressStyle::with_template("{prefix:>8} [{bar:30}] {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { plan, signals, bar }
    }

    fn conduct(self) -> (Outcome, ProgressBar) {
        let before_connect = self.server();
        let join_time = self.join();
        let all = self.signals.counts();
        let joined = self.server();
        let is_complete = all.joined == u64::from(self.plan.peers);
        if is_complete {
            self.signals.enter(Phase::Load);
            self.watch("warm-up", self.plan.warmup);
        }
        let (usage_start, counts_start, start) =
            (self.server(), self.signals.counts(), Instant::now());
        if is_complete {
            self.signals.enter(Phase::Measure);
            self.watch("measure", self.plan.duration);
        }
        let (usage_end, counts, window) =
            (self.server(), self.signals.counts().since(&counts_start), start.elapsed());
        self.bar.set_prefix("drain");
        drain(self.signals);
        let drained = self.server();
        self.signals.enter(Phase::Close);
        let server = || {
            Some(ServerUsage {
                before_connect: before_connect?,
                joined: joined?,
                measure_start: usage_start?,
                measure_end: usage_end?,
                drained: drained?,
            })
        };
        let server = server();
        let record = Record::new();
        let outcome = Outcome { record, counts, window, join_time, joined: all.joined, server };
        (outcome, self.bar)
    }

    fn join(&self) -> Duration {
        self.bar.set_prefix("join");
        self.bar.set_length(u64::from(self.plan.peers));
        await_joined(self.plan, self.signals, |joined| {
            self.bar.set_position(joined);
            self.bar.set_message(format!("{} peers", HumanCount(joined)));
        })
    }

    /// Shows the load for as long as a phase lasts, or until no peer is left.
    fn watch(&self, phase: &'static str, length: Duration) {
        self.bar.set_prefix(phase);
        self.bar.set_length(length.as_millis() as u64);
        let start = Instant::now();
        let mut last = (start, self.signals.counts());
        while let Some(left) = length.checked_sub(start.elapsed())
            && self.signals.counts().gone < u64::from(self.plan.peers)
        {
            std::thread::sleep(left.min(GLANCE));
            self.bar.set_position(start.elapsed().as_millis() as u64);
            let since = last.0.elapsed();
            if since > Duration::from_millis(500) {
                let counts = self.signals.counts();
                let relays = counts.since(&last.1).relays() as f64 / since.as_secs_f64();
                self.bar.set_message(format!("{} relays/s", HumanCount(relays as u64)));
                last = (Instant::now(), counts);
            }
        }
    }

    fn server(&self) -> Option<Usage> {
        process::usage(self.plan.target.server_pid?)
    }
}
