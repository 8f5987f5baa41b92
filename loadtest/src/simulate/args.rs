//! What may be asked of a simulation, and what of it holds.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rand::Rng;

use super::limits::{
    ANNOUNCE_INTERVAL, CHANNELS, CROSS_SHARE, JOINS_MAX, MINUTES, NODES, OFFERS, PEERS,
    POPULATION_BYTES_MAX, VIEWERS, WATCH_MEDIAN,
};
use super::population::{Invalid, Population};
use super::spread::SpreadBy;
use crate::args::{Refused, bounded, count, folder};

/// An evening without sockets.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Viewers who come, all in all
    #[arg(long, default_value_t = 100_000, value_parser = count(&VIEWERS))]
    viewers: u64,
    /// Simulated minutes
    #[arg(long, default_value_t = 30, value_parser = count(&MINUTES))]
    minutes: u64,
    /// Channels, of falling popularity
    #[arg(long, default_value_t = 10, value_parser = count(&CHANNELS))]
    channels: u64,
    /// Nodes, with a bus between them
    #[arg(long, default_value_t = 1, value_parser = count(&NODES))]
    nodes: u64,
    /// How viewers come to their nodes
    #[arg(long, value_enum, default_value_t)]
    spread: SpreadBy,
    /// Offers in a hundred that go to another node although there are others on this one
    #[arg(long, default_value_t = 12, value_parser = count(&CROSS_SHARE))]
    cross_share: u64,
    /// Makes a run the same again; random by default
    #[arg(long)]
    seed: Option<u64>,
    /// The pause between two announces that the tracker asks for
    #[arg(long, default_value = "2m", value_parser = humantime::parse_duration)]
    announce_interval: Duration,
    /// Offers in each announce; P2P Media Loader makes 5
    #[arg(long, default_value_t = 5, value_parser = count(&OFFERS))]
    offers: u64,
    /// Peers of a viewer in a swarm, at most; the population's by default
    #[arg(long, value_parser = count(&PEERS))]
    peers: Option<u64>,
    /// Half of the viewers stay longer; the population's by default
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    watch_median: Option<Duration>,
    /// Who the viewers are, as TOML: networks, qualities, habits. The default, which explains the
    /// keys, is loadtest/src/simulate/evening.toml
    #[arg(long, value_name = "FILE")]
    population: Option<PathBuf>,
    /// Where to write the report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A simulation in full.
#[derive(Clone, Debug)]
pub(super) struct SimulatePlan {
    pub(super) viewers: u32,
    pub(super) duration: Duration,
    pub(super) channels: u32,
    pub(super) nodes: u16,
    pub(super) spread: SpreadBy,
    pub(super) cross_share_percent: u32,
    pub(super) seed: u64,
    pub(super) announce_interval: Duration,
    pub(super) offers: u8,
    pub(super) peers_max: usize,
    pub(super) population: Population,
    pub(super) json: Option<PathBuf>,
}

impl SimulateArgs {
    /// What holds.
    ///
    /// # Errors
    /// The first value that cannot be run with.
    pub(super) fn plan(self) -> Result<SimulatePlan, Refused> {
        bounded("announce-interval", self.announce_interval, ANNOUNCE_INTERVAL)?;
        let mut population = read(self.population.as_deref())?;
        if let Some(median) = self.watch_median {
            bounded("watch-median", median, WATCH_MEDIAN)?;
            population.watching.median_s = median.as_secs_f64();
        }
        let joins = joins_expected(self.viewers, self.minutes, &population);
        if joins > JOINS_MAX {
            return Err(Refused::Joins { viewers: self.viewers, joins, bound: JOINS_MAX });
        }
        folder("json", self.json.as_deref())?;
        Ok(SimulatePlan {
            viewers: self.viewers as u32,
            duration: Duration::from_secs(self.minutes * 60),
            channels: self.channels as u32,
            nodes: self.nodes as u16,
            spread: self.spread,
            cross_share_percent: self.cross_share as u32,
            seed: self.seed.unwrap_or_else(|| rand::rng().next_u64()),
            announce_interval: self.announce_interval,
            offers: self.offers as u8,
            peers_max: self.peers.unwrap_or(population.client.peers_max) as usize,
            population,
            json: self.json,
        })
    }
}

/// Members that a run makes if everybody stays to its end: more than it will.
fn joins_expected(viewers: u64, minutes: u64, population: &Population) -> f64 {
    let switches = population.watching.switches_per_hour * minutes as f64 / 60.0;
    let audio = if population.audio.kbps > 0.0 { 1.0 } else { 0.0 };
    viewers as f64 * (1.0 + audio + switches)
}

fn read(file: Option<&Path>) -> Result<Population, Refused> {
    let Some(file) = file else {
        return Population::evening().map_err(|why| refused(Path::new("evening.toml"), why));
    };
    let mut text = String::new();
    let unreadable = |why: std::io::Error| refused(file, Invalid::Unreadable(why));
    let bytes = File::open(file)
        .and_then(|file| file.take(POPULATION_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(unreadable)?;
    if bytes as u64 > POPULATION_BYTES_MAX {
        return Err(refused(file, Invalid::TooLong));
    }
    Population::read(&text).map_err(|why| refused(file, why))
}

fn refused(file: &Path, why: Invalid) -> Refused {
    Refused::Population { file: file.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn plan(flags: &[&str]) -> Result<SimulatePlan, String> {
        let line = ["loadtest", "simulate"].iter().chain(flags);
        let cli = Cli::try_parse_from(line).map_err(|error| error.to_string())?;
        let Some(Command::Simulate(args)) = cli.command else { panic!("another command") };
        args.plan().map_err(|refused| refused.to_string())
    }

    #[test]
    fn what_cannot_be_is_refused_with_flag_value_and_bound() {
        for (flags, why) in [
            (
                &["--viewers", "0"][..],
                "invalid value '0' for '--viewers <VIEWERS>': 0 is not in 1..=",
            ),
            (&["--nodes", "501"], "501 is not in 1..=500"),
            (&["--cross-share", "101"], "101 is not in 0..=100"),
            (&["--spread", "luck"], "possible values: chance, stream"),
            (&["--minutes", "1441"], "1441 is not in 1..=1440"),
            (&["--offers", "51"], "51 is not in 0..=50"),
            (&["--peers", "501"], "501 is not in 1..=500"),
            (&["--announce-interval", "9s"], "--announce-interval 9s: must be 10s to 1h"),
            (&["--watch-median", "1s"], "--watch-median 1s: must be 10s to 1day"),
            (&["--population", "/none.toml"], "--population /none.toml: No such file"),
            (&["--population", "/dev/zero"], "--population /dev/zero: longer than 65536 bytes"),
            (
                &["--viewers", "10000000", "--minutes", "1440"],
                "--viewers 10000000: join swarms 970000000 times with the changes of quality of so \
                 many minutes, at most 100000000",
            ),
            (&["--json", "/none/x.json"], "--json /none/x.json: no such folder"),
        ] {
            let refused = plan(flags).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn flags_outrank_the_population() {
        let flags = ["--peers", "7", "--watch-median", "90s", "--seed", "5"];
        let plan = plan(&flags).expect("valid");
        assert_eq!((plan.peers_max, plan.seed, plan.viewers), (7, 5, 100_000));
        assert!((plan.population.watching.median_s - 90.0).abs() < 1e-9);
    }
}
