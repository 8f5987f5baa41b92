//! One run from the first connect to the last close: starts the workers, leads them through the
//! phases, and reads clocks and counters at the same two moments.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::HumanCount;

use crate::args::Target;
use crate::limits::{GLANCE, REACH_TIME_MAX};
use crate::phase::{Phase, Signals};
use crate::plan::Plan;
use crate::process::{self, Usage};
use crate::progress::{self, Progress};
use crate::record::{Counts, Record};
use crate::samples::{Sample, Samples};
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
    /// The tracker's process, or all nodes' together.
    pub(crate) server: Option<ServerUsage>,
    /// By node.
    pub(crate) nodes: Vec<Option<ServerUsage>>,
    /// From the first connect to the last thing that arrived.
    pub(crate) samples: Vec<Sample>,
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

/// Runs `plan` through its phases, and shows them as they pass.
///
/// # Errors
/// When nothing listens at the address, or a worker cannot run.
pub(crate) fn run(plan: &Plan, progress: Progress) -> anyhow::Result<Outcome> {
    let (mut record, outcome) =
        with_workers(plan, |signals| Conductor::new(plan, signals, progress).conduct())?;
    record.judge_near();
    Ok(Outcome { record, ..outcome })
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
    plan.nodes.iter().try_for_each(reach)?;
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
///
/// # Errors
/// What to do about an address where nothing listens.
pub(crate) fn reach(target: &Target) -> anyhow::Result<()> {
    let Target { url, address, .. } = target;
    let error = match TcpStream::connect_timeout(address, REACH_TIME_MAX) {
        Ok(stream) => return try_tls(target, &stream),
        Err(error) => error,
    };
    let silent = matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
    let verb = if silent { "answers" } else { "listens" };
    if address.ip().is_loopback() {
        bail!(
            "nothing {verb} at {url}: {error}\n\
             Start the tracker in another terminal, in its repository, with `cargo run --release`; \
             or name another one with --url or --compare."
        );
    }
    bail!(
        "nothing {verb} at {url} ({address}): {error}\n\
         Is the tracker running there, and does a firewall let this machine in? \
         Here it is started with `cargo run --release`, and loaded without --url."
    );
}

/// Tells a wrong certificate, too, where TLS is spoken.
fn try_tls(target: &Target, stream: &TcpStream) -> anyhow::Result<()> {
    if let Some(tls) = &target.wire.tls
        && let Err(error) = tls.try_handshake(stream)
    {
        bail!(
            "no TLS with {}: {error}\n\
             --ca FILE names a certificate to trust, --insecure accepts any.",
            target.url
        );
    }
    Ok(())
}

/// Waits until every peer has joined or was turned away; calls `glance` all the while.
pub(crate) fn await_joined(plan: &Plan, signals: &Signals, mut glance: impl FnMut()) -> Duration {
    let start = Instant::now();
    loop {
        let counts = signals.counts();
        let all = counts.joined + counts.gone >= u64::from(plan.peers);
        if all || start.elapsed() > plan.join_time_max() {
            return start.elapsed();
        }
        glance();
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Lets what is on its way arrive; calls `glance` all the while.
pub(crate) fn drain(signals: &Signals, mut glance: impl FnMut()) {
    signals.enter(Phase::Drain);
    while !signals.all_drained() {
        glance();
        std::thread::sleep(GLANCE);
    }
}

/// Leads the workers through one run.
struct Conductor<'a> {
    plan: &'a Plan,
    signals: &'a Signals,
    servers: Servers,
    samples: Samples,
    progress: Progress,
}

impl<'a> Conductor<'a> {
    fn new(plan: &'a Plan, signals: &'a Signals, progress: Progress) -> Self {
        let mut servers = Servers::new(plan);
        let samples = Samples::new(servers.look().whole);
        Self { plan, signals, servers, samples, progress }
    }

    fn conduct(mut self) -> Outcome {
        let before_connect = self.servers.look();
        let join_time = self.join();
        let all = self.signals.counts();
        let joined = self.servers.look();
        let is_complete = all.joined == u64::from(self.plan.peers);
        if is_complete {
            self.settle();
            self.watch(Phase::Load, self.plan.warmup);
        }
        let (usage_start, counts_start, start) =
            (self.servers.look(), self.signals.counts(), Instant::now());
        if is_complete {
            self.watch(Phase::Measure, self.plan.duration);
        }
        let (usage_end, counts, window) =
            (self.servers.look(), self.signals.counts().since(&counts_start), start.elapsed());
        self.drain();
        let drained = self.servers.look();
        self.signals.enter(Phase::Close);
        self.progress.close();
        let usage = |of: &dyn Fn(&Look) -> Option<Usage>| {
            Some(ServerUsage {
                before_connect: of(&before_connect)?,
                joined: of(&joined)?,
                measure_start: of(&usage_start)?,
                measure_end: of(&usage_end)?,
                drained: of(&drained)?,
            })
        };
        let nodes = 0..self.plan.nodes.len();
        Outcome {
            record: Record::new(),
            counts,
            window,
            join_time,
            joined: all.joined,
            server: usage(&|look| look.whole),
            nodes: nodes.map(|node| usage(&|look| look.nodes[node])).collect(),
            samples: self.samples.into_list(),
        }
    }

    fn join(&mut self) -> Duration {
        self.progress.begin(Phase::Join, Some(self.plan.peers.into()));
        let (plan, signals) = (self.plan, self.signals);
        let time = await_joined(plan, signals, || {
            self.glance(Phase::Join);
            self.progress.show(signals.counts().joined);
        });
        let joined = signals.counts().joined;
        self.progress.show(joined);
        self.end(Phase::Join, &format!("{} peers", HumanCount(joined)), time);
        time
    }

    /// Lets nodes of a cluster hear of each other's peers.
    fn settle(&mut self) {
        let (start, length) = (Instant::now(), self.plan.settle);
        if length.is_zero() {
            return;
        }
        self.progress.begin(Phase::Settle, Some(length.as_millis() as u64));
        self.signals.enter(Phase::Settle);
        while let Some(left) = length.checked_sub(start.elapsed()) {
            std::thread::sleep(left.min(GLANCE));
            self.glance(Phase::Settle);
            self.progress.show(start.elapsed().as_millis() as u64);
        }
        self.end(Phase::Settle, "nobody offered", start.elapsed());
    }

    /// Shows the load for as long as a phase lasts, or until no peer is left.
    fn watch(&mut self, phase: Phase, length: Duration) {
        if length.is_zero() {
            return self.signals.enter(phase);
        }
        self.progress.begin(phase, Some(length.as_millis() as u64));
        let (start, before) = (Instant::now(), self.signals.counts());
        self.signals.enter(phase);
        while let Some(left) = length.checked_sub(start.elapsed())
            && self.signals.counts().gone < u64::from(self.plan.peers)
        {
            std::thread::sleep(left.min(GLANCE));
            self.glance(phase);
            self.progress.show(start.elapsed().as_millis() as u64);
        }
        let (time, counts) = (start.elapsed(), self.signals.counts().since(&before));
        let relays_per_s = counts.relays() as f64 / time.as_secs_f64();
        self.end(phase, &format!("{} relays/s", HumanCount(relays_per_s.round() as u64)), time);
    }

    fn drain(&mut self) {
        self.progress.begin(Phase::Drain, None);
        let (start, before) = (Instant::now(), self.signals.counts());
        drain(self.signals, || self.glance(Phase::Drain));
        let late = self.signals.counts().since(&before).relays();
        let what = format!("{} relays were on their way", HumanCount(late));
        self.end(Phase::Drain, &what, start.elapsed());
    }

    /// Takes a sample when one is due, and shows it.
    fn glance(&mut self, phase: Phase) {
        if self.samples.is_due() {
            self.samples.take(phase, self.signals.counts(), self.servers.look().whole);
            self.progress.tell(self.samples.last().map(progress::figures).unwrap_or_default());
        }
    }

    fn end(&mut self, phase: Phase, what: &str, time: Duration) {
        self.samples.take(phase, self.signals.counts(), self.servers.look().whole);
        self.progress.end(format!("{what}, {:.2} s", time.as_secs_f64()));
    }
}

/// The processes behind all nodes.
struct Servers {
    pids: Vec<Option<u32>>,
    last: Vec<Option<Usage>>,
}

/// What they have used so far; `None` of those that are not known.
#[derive(Debug)]
struct Look {
    nodes: Vec<Option<Usage>>,
    whole: Option<Usage>,
}

impl Servers {
    fn new(plan: &Plan) -> Self {
        let pids = plan.nodes.iter().map(|node| node.server_pid).collect();
        Self { pids, last: vec![None; plan.nodes.len()] }
    }

    /// A node of several that has ended uses nothing more; the others go on.
    fn look(&mut self) -> Look {
        let is_cluster = self.pids.len() > 1;
        for (pid, last) in self.pids.iter().zip(&mut self.last) {
            let ended = last.filter(|_| is_cluster).map(|last| Usage { rss_bytes: 0, ..last });
            *last = pid.and_then(process::usage).or(ended);
        }
        let sum = |all: Usage, one: Usage| Usage {
            cpu: all.cpu + one.cpu,
            rss_bytes: all.rss_bytes + one.rss_bytes,
        };
        let whole = self.last.iter().copied().reduce(|all, one| Some(sum(all?, one?)));
        Look { nodes: self.last.clone(), whole: whole.flatten() }
    }
}
