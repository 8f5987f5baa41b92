//! A long evening: many viewers hold their sockets while some come, go and change their quality.
//! What a tracker forgets to free shows as memory that grows, or that stays when all have left.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use indicatif::BinaryBytes;

mod args;
mod report;
mod viewer;
mod worker;

pub(crate) use args::SoakArgs;
use args::SoakPlan;
use report::{Memory, Report};
use worker::{Board, Step, Worker};

use crate::engine::reach;
use crate::limits::{
    GLANCE, JOIN_TIME_MAX, RSS_INTERVAL, SOAK_GIVE_BACK_TIME_MAX, SOAK_RAMP_END,
    SOAK_REST_BYTES_MAX, SOAK_SAMPLES,
};
use crate::process;
use crate::report::file::save_json;

/// Runs a soak; whether memory stayed within its bounds, and nobody was wronged.
///
/// # Errors
/// When there is no tracker, it ends on the way, or not all viewers can join.
pub(crate) fn run(plan: &SoakPlan) -> anyhow::Result<bool> {
    reach(&plan.target)?;
    let board = Board::default();
    let worker = Worker::new(plan, &board).context("no event queue")?;
    let report = std::thread::scope(|scope| {
        let thread = scope.spawn(|| worker.run());
        let memory = Watch::new(plan, &board).lead();
        // Whatever has happened, the worker must end.
        board.enter(Step::Close);
        let record = thread.join().map_err(|_| anyhow::anyhow!("the worker panicked"))?;
        Ok::<_, anyhow::Error>(Report::new(plan, memory?, record.context("the event loop failed")?))
    })?;
    save_json(plan.json.as_deref(), &report)?;
    report.write(&mut io::stdout().lock())?;
    Ok(report.is_right())
}

/// Leads the worker, and watches the tracker's memory.
struct Watch<'a> {
    plan: &'a SoakPlan,
    board: &'a Board,
    began: Instant,
    memory: Memory,
}

impl<'a> Watch<'a> {
    fn new(plan: &'a SoakPlan, board: &'a Board) -> Self {
        Self { plan, board, began: Instant::now(), memory: Memory::default() }
    }

    fn lead(mut self) -> anyhow::Result<Memory> {
        self.memory.start = self.look()?;
        self.ramp()?;
        self.board.enter(Step::Hold);
        self.pass(SOAK_RAMP_END)?;
        self.memory.ramped = self.median();
        self.pass(self.plan.settle)?;
        self.memory.settled = self.median();
        self.pass(self.plan.duration)?;
        self.memory.end = self.median();
        self.board.enter(Step::Leave);
        self.give_back()?;
        Ok(self.memory)
    }

    fn ramp(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while self.board.present() < self.plan.connections {
            let (present, gone) = (self.board.present(), self.board.cut_off());
            ensure!(gone == 0, "{gone} viewers were cut off on the way up, at {present}");
            ensure!(
                start.elapsed() < JOIN_TIME_MAX,
                "only {present} of {} viewers could join in {JOIN_TIME_MAX:?}",
                self.plan.connections
            );
            sleep(GLANCE);
        }
        Ok(())
    }

    fn pass(&mut self, time: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            sleep(RSS_INTERVAL.min(until.saturating_duration_since(Instant::now())));
            self.look()?;
        }
        Ok(())
    }

    /// The median of the last looks: what a moment's work takes comes and goes.
    fn median(&self) -> u64 {
        let last = self.memory.samples.iter().rev().take(SOAK_SAMPLES);
        let mut last: Vec<_> = last.map(|(_, rss_bytes)| *rss_bytes).collect();
        last.sort_unstable();
        last.get(last.len() / 2).copied().unwrap_or_default()
    }

    /// Waits until memory is where it should be, or does not get there.
    fn give_back(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            self.memory.left = self.look()?;
            let rest = self.memory.left.saturating_sub(self.memory.start);
            let is_back = self.board.present() == 0 && rest <= SOAK_REST_BYTES_MAX;
            if is_back || start.elapsed() > SOAK_GIVE_BACK_TIME_MAX {
                self.memory.give_back_s = start.elapsed().as_secs_f64();
                return Ok(());
            }
            sleep(RSS_INTERVAL);
        }
    }

    /// The tracker's memory now, in bytes.
    fn look(&mut self) -> anyhow::Result<u64> {
        let Some(usage) = process::usage(self.plan.server_pid) else {
            bail!("the tracker's process {} has ended", self.plan.server_pid);
        };
        let at_s = self.began.elapsed().as_secs_f64();
        self.memory.samples.push((at_s, usage.rss_bytes));
        // Where nobody watches, it is not missed.
        let present = self.board.present();
        let _ = write!(
            io::stderr(),
            "\r{at_s:>6.0} s {present:>6} viewers {:>12}",
            BinaryBytes(usage.rss_bytes)
        );
        Ok(usage.rss_bytes)
    }
}
