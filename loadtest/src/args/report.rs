//! What is said in the end, and about how many trackers.

use std::path::PathBuf;

use clap::Args;

use super::{Contender, Refused, Target, TargetArgs, count, folder};
use crate::limits;

/// What becomes of a load's figures.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Where to write the report as a page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// A tracker to compare with others, twice or more: `ours=ws://127.0.0.1:8000,pid=4711`, the
    /// process being there for its CPU time and memory. They take turns, round by round
    #[arg(long, value_name = "NAME=URL[,pid=PID]", conflicts_with_all = ["url", "server_pid"])]
    compare: Vec<Contender>,
    /// How often each of them is loaded; the median counts
    #[arg(long, default_value_t = 5, requires = "compare", value_parser = count(&limits::COMPARE_ROUNDS))]
    rounds: u64,
    /// One of them that may break its promises: that is shown, and the exit code stays 0
    #[arg(long, value_name = "NAME", requires = "compare")]
    tolerate: Vec<String>,
}

/// The same as it holds.
#[derive(Debug)]
pub(crate) struct ReportPlan {
    pub(crate) html: Option<PathBuf>,
    /// `None` for one run against one tracker.
    pub(crate) comparison: Option<Comparison>,
}

/// Who is compared.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// In the order in which they were named; the others are held against the first.
    pub(crate) contenders: Vec<(Contender, Target)>,
    pub(crate) rounds: u64,
}

impl ReportArgs {
    /// What holds for a load on `target`; trackers that are compared are loaded in the same way.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(crate) fn check(self, target: &TargetArgs) -> Result<ReportPlan, Refused> {
        folder("html", self.html.as_deref())?;
        if self.compare.is_empty() {
            return Ok(ReportPlan { html: self.html, comparison: None });
        }
        folder("json", target.json.as_deref())?;
        let mut contenders = self.compare;
        if !limits::COMPARE_TRACKERS.contains(&contenders.len()) {
            return Err(Refused::Contenders { trackers: contenders.len() });
        }
        for at in 1..contenders.len() {
            if contenders[..at].iter().any(|other| other.name == contenders[at].name) {
                return Err(Refused::SameName(contenders[at].name.clone()));
            }
        }
        for name in self.tolerate {
            let named = contenders.iter_mut().find(|contender| contender.name == name);
            named.ok_or(Refused::NoContender(name))?.is_tolerated = true;
        }
        let with_target =
            |contender: Contender| match target.at(&contender.url, contender.server_pid) {
                Ok(target) => Ok((contender, target)),
                Err(why) => Err(Refused::Contender { name: contender.name, why: Box::new(why) }),
            };
        let contenders = contenders.into_iter().map(with_target).collect::<Result<_, Refused>>()?;
        Ok(ReportPlan {
            html: self.html,
            comparison: Some(Comparison { contenders, rounds: self.rounds }),
        })
    }
}
