//! What a run shows on standard error while it lasts: a bar for each phase with live figures where
//! a person watches, and one line for each phase where a file does.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{BinaryBytes, HumanCount, MultiProgress, ProgressBar, ProgressStyle};

use crate::phase::Phase;
use crate::samples::Sample;

/// The bars of one run.
#[derive(Debug)]
pub(crate) struct Progress {
    bars: MultiProgress,
    bar: ProgressBar,
    phase: Phase,
    /// Of one run of many: its bars go when it has ended, and the line that replaces them is theirs
    /// who make the many.
    is_one_of_many: bool,
}

impl Progress {
    /// Those of a run that stands alone.
    pub(crate) fn new() -> Self {
        let (bars, bar, phase) = (MultiProgress::new(), ProgressBar::hidden(), Phase::Join);
        Self { bars, bar, phase, is_one_of_many: false }
    }

    /// Those of one run of many, below the name that it has among them.
    pub(crate) fn of_one(name: String) -> Self {
        let progress = Self { is_one_of_many: true, ..Self::new() };
        let head = ProgressBar::new_spinner().with_style(style("{msg}"));
        progress.bars.add(head).finish_with_message(name);
        progress
    }

    /// Starts a phase's bar: up to `length` of whatever [`Progress::show`] counts, or a sign of
    /// life where nobody knows how long it takes.
    pub(crate) fn begin(&mut self, phase: Phase, length: Option<u64>) {
        self.phase = phase;
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = match length {
            Some(_) => "{prefix:>8} {bar:24.cyan/dim} {percent:>3} %  {wide_msg}",
            None => "{prefix:>8} {spinner:24.cyan}        {wide_msg}",
        };
        let style = style(template).progress_chars("━━╌");
        self.bar = self.bars.add(bar.with_style(style).with_prefix(phase.name()));
    }

    /// How far the phase is.
    pub(crate) fn show(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// The phase's live figures.
    pub(crate) fn tell(&self, figures: impl Into<String>) {
        self.bar.set_message(figures.into());
    }

    /// Ends the phase with what it came to.
    pub(crate) fn end(&self, what: String) {
        if !is_watched() && !self.is_one_of_many {
            say(format_args!("{:>8}  {what}", self.phase.name()));
        }
        self.bar.finish_with_message(what);
    }

    /// Ends the run.
    pub(crate) fn close(self) {
        if self.is_one_of_many {
            // Where the terminal has gone there is nothing to clear.
            let _ = self.bars.clear();
        }
    }
}

/// The templates are constants; the default style stands in should one ever be wrong.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes one line for whoever follows.
pub(crate) fn say(line: impl Display) {
    // Without a standard error nobody follows.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Whether standard error is a terminal.
fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// The load in one stretch of time, as a line.
pub(crate) fn figures(sample: &Sample) -> String {
    let per_s = |count| HumanCount(sample.per_s(count).round() as u64);
    let mut line = match sample.phase {
        Phase::Join | Phase::Settle => {
            let (there, joins) = (HumanCount(sample.connections), per_s(sample.counts.opened));
            format!("{there} peers, {joins} connects/s")
        }
        _ => {
            let counts = &sample.counts;
            let (relays, announces) = (per_s(counts.relays()), per_s(counts.announces));
            let peers = HumanCount(sample.connections);
            format!("{relays} relays/s, {announces} announces/s, {peers} peers")
        }
    };
    if let (Some(server), Some(cores)) = (sample.server, sample.server_cores()) {
        let rss = BinaryBytes(server.rss_bytes);
        line += &format!(", server {:.0} % CPU, {rss}", cores * 100.0);
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::Counts;
    use crate::samples::ServerSample;

    #[test]
    fn live_figures_are_per_second_and_name_the_server_where_it_is_known() {
        let counts = Counts { offers: 300, answers: 200, announces: 50, ..Counts::default() };
        let mut sample = Sample {
            phase: Phase::Measure,
            until: Duration::from_secs(9),
            length: Duration::from_millis(250),
            counts,
            connections: 1_234,
            server: None,
        };
        assert_eq!(figures(&sample), "2,000 relays/s, 200 announces/s, 1,234 peers");
        sample.server = Some(ServerSample { cpu: Duration::from_millis(125), rss_bytes: 3 << 20 });
        assert!(figures(&sample).ends_with(", server 50 % CPU, 3.00 MiB"), "{}", figures(&sample));
    }
}
