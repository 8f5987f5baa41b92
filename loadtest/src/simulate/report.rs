//! What a simulation says in the end: the table shows the main figures, the JSON file all of them.

use std::io::{self, Write};

use indicatif::{BinaryBytes, DecimalBytes, HumanCount};
use serde::Serialize;

use super::args::SimulatePlan;
use super::limits::ROWS_MAX;
use super::record::{Outcome, Sample};
use super::spread::SpreadBy;

#[derive(Debug, Serialize)]
pub(super) struct Report {
    viewers: u32,
    minutes: u64,
    channels: u32,
    nodes: u16,
    spread: SpreadBy,
    cross_share_percent: u32,
    seed: u64,
    announce_interval_s: u64,
    offers: u8,
    peers_max: usize,
    outcome: Outcome,
    own: Own,
}

/// This program, which is another one each time.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Own {
    pub(super) wall_s: f64,
    /// 0 where the system doesn't tell.
    pub(super) cpu_s: f64,
    /// Resident memory at the end, with viewers, links and the tracker's tables.
    pub(super) rss_bytes: u64,
}

impl Report {
    pub(super) fn new(plan: &SimulatePlan, outcome: Outcome, own: Own) -> Self {
        Self {
            viewers: plan.viewers,
            minutes: plan.duration.as_secs() / 60,
            channels: plan.channels,
            nodes: plan.nodes,
            spread: plan.spread,
            cross_share_percent: plan.cross_share_percent,
            seed: plan.seed,
            announce_interval_s: plan.announce_interval.as_secs(),
            offers: plan.offers,
            peers_max: plan.peers_max,
            outcome,
            own,
        }
    }

    /// # Errors
    /// Those of `out`.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "{} viewers of {} channels in {} minutes, an announce every {} s with {} offers, \
             at most {} peers, seed {}\n",
            HumanCount(self.viewers.into()),
            self.channels,
            self.minutes,
            self.announce_interval_s,
            self.offers,
            self.peers_max,
            self.seed
        )?;
        self.write_course(out)?;
        let mut line = |name: &str, value: String| writeln!(out, "{name:<46}{value:>16}");
        self.write_tracker(&mut line)?;
        if self.nodes > 1 {
            self.write_bus(&mut line)?;
        }
        self.write_mesh(&mut line)?;
        self.write_bytes(&mut line)?;
        let own = &self.own;
        line("this run took", format!("{:.0} s", own.wall_s))?;
        line("processor time", format!("{:.0} s", own.cpu_s))?;
        line("its memory, viewers and links too", BinaryBytes(own.rss_bytes).to_string())
    }

    /// The samples, or as many of them as fit, the last among them.
    fn write_course(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "{:>6}{:>11}{:>11}{:>11}{:>10}{:>10}{:>8}{:>9}{:>8}{:>9}",
            "minute",
            "viewers",
            "in/s",
            "out/s",
            "Mbit/s",
            "shard MiB",
            "peers",
            "largest",
            "alone",
            "spared"
        )?;
        let samples = &self.outcome.samples;
        for sample in samples.iter().rev().step_by(samples.len().div_ceil(ROWS_MAX)).rev() {
            let mesh = &sample.mesh;
            writeln!(
                out,
                "{:>6}{:>11}{:>11}{:>11}{:>10.1}{:>10.1}{:>8}{:>9}{:>8}{:>9}",
                sample.at_s / 60,
                HumanCount(sample.viewers.into()).to_string(),
                count(sample.per_s.messages_in),
                count(sample.per_s.messages_out),
                (sample.per_s.bytes_in + sample.per_s.bytes_out) * 8e-6,
                sample.tracker_heap_bytes as f64 / f64::from(1 << 20),
                mesh.degree.p50,
                percent(mesh.in_largest),
                percent(mesh.alone as f64 / mesh.can_connect.max(1) as f64),
                percent(sample.flows.share_from_peers()),
            )?;
        }
        writeln!(
            out,
            "in/s, out/s, Mbit/s: of the tracker, both ways, in the minute until then. Of those \
             whose network can\nconnect: median of their peers, share in their swarm's largest \
             component, share without a peer.\n"
        )
    }

    fn write_tracker(
        &self,
        line: &mut impl FnMut(&str, String) -> io::Result<()>,
    ) -> io::Result<()> {
        let Outcome { counts, peak_per_s, .. } = &self.outcome;
        line("viewers at the peak", HumanCount(self.outcome.peak_viewers.into()).to_string())?;
        line("busiest second, messages in", count(peak_per_s.messages_in))?;
        line("busiest second, messages out", count(peak_per_s.messages_out))?;
        line("  at", format!("{} s", self.outcome.peak_at_s))?;
        line("announces", HumanCount(counts.announces).to_string())?;
        line("offers made", HumanCount(counts.offers_made).to_string())?;
        line("  passed on", HumanCount(counts.offers_delivered).to_string())?;
        line("  to viewers who had left", share(counts.offers_to_gone, counts.offers_delivered))?;
        line(
            "  to a quality that was left",
            share(counts.offers_to_former, counts.offers_delivered),
        )?;
        line("answers", HumanCount(counts.answers).to_string())?;
        for (reason, times) in &self.outcome.refusals {
            line(&format!("  refused: {reason:.34}"), HumanCount(*times).to_string())?;
        }
        let weight = |sample: &&Sample| sample.tracker_heap_bytes;
        if let Some(heaviest) = self.outcome.samples.iter().max_by_key(weight) {
            let bytes = heaviest.tracker_heap_bytes as f64;
            line("shard's tables at most", BinaryBytes(bytes as u64).to_string())?;
            let per_member = bytes / heaviest.tracker_members.max(1) as f64;
            line("  per member that it knows", format!("{per_member:.0} B"))?;
            let per_viewer = bytes / f64::from(heaviest.viewers.max(1));
            line("  per viewer who is there", format!("{per_viewer:.0} B"))?;
        }
        line("", String::new())
    }

    /// What it is that there are several nodes.
    fn write_bus(&self, line: &mut impl FnMut(&str, String) -> io::Result<()>) -> io::Result<()> {
        let Outcome { tracker, nodes, bus_peak_per_s, bus, .. } = &self.outcome;
        let node = |all: f64| count(all / f64::from(self.nodes));
        line("nodes", format!("{}", self.nodes))?;
        let messages = nodes.iter().map(|node| node.messages_in + node.messages_out);
        let (most, all) = (messages.clone().max().unwrap_or_default(), messages.sum::<u64>());
        let above = most as f64 * f64::from(self.nodes) / all.max(1) as f64 - 1.0;
        line("  the busiest, above the average", percent(above))?;
        let peak = &self.outcome.peak_per_s;
        line("  a node's messages in the busiest second", node(peak.messages()))?;
        line("offers that crossed", percent(tracker.cross_share()))?;
        line("  reached nobody", share(bus.offers - tracker.cross_offers_relayed, bus.offers))?;
        line("  answers that came too late", {
            share(bus.answers - tracker.cross_answers_relayed, bus.answers)
        })?;
        line("bus, a node in its busiest second: digests sent", node(bus_peak_per_s.digests_sent))?;
        line("  digests heard", node(bus_peak_per_s.digests_arrived))?;
        line("  offers sent", node(bus_peak_per_s.offers))?;
        line("  answers sent", node(bus_peak_per_s.answers))?;
        line("  kB sent", node(bus_peak_per_s.bytes_sent / 1e3))?;
        line("  kB heard", node(bus_peak_per_s.bytes_arrived / 1e3))?;
        line("bus, all in all", DecimalBytes(bus.bytes_sent).to_string())?;
        line("", String::new())
    }

    fn write_mesh(&self, line: &mut impl FnMut(&str, String) -> io::Result<()>) -> io::Result<()> {
        let Outcome { counts, first_peer, .. } = &self.outcome;
        line("pairs of viewers that can connect", percent(self.outcome.pairs_that_connect))?;
        let tried = counts.answers_delivered;
        line("connections failed", share(counts.connections_failed, tried))?;
        line("  of viewers who had one already", share(counts.connections_again, tried))?;
        line("connections made", HumanCount(counts.connections).to_string())?;
        for (name, wait_ms) in
            [("p50", first_peer.p50_ms), ("p90", first_peer.p90_ms), ("p99", first_peer.p99_ms)]
        {
            line(&format!("time to first peer, {name}"), format!("{:.2} s", wait_ms as f64 / 1e3))?;
        }
        line("never had a peer", percent(first_peer.never_share))?;
        line("  of these, network can't", share(first_peer.never_could, first_peer.never))?;
        if let Some(last) = self.outcome.samples.last() {
            let mesh = &last.mesh;
            line("at the end, members who can connect", HumanCount(mesh.can_connect).to_string())?;
            line("  components of two and more", HumanCount(mesh.components).to_string())?;
            line("  swarms that have any", HumanCount(mesh.swarms).to_string())?;
            line("  in their swarm's largest", percent(mesh.in_largest))?;
            line("  without a peer", HumanCount(mesh.alone).to_string())?;
            let degree = &mesh.degree;
            let spread = format!("{} {} {} {}", degree.p10, degree.p50, degree.p90, degree.max);
            line("  peers, p10 p50 p90 max", spread)?;
        }
        line("", String::new())
    }

    fn write_bytes(&self, line: &mut impl FnMut(&str, String) -> io::Result<()>) -> io::Result<()> {
        let bytes = &self.outcome.bytes;
        line("watched", DecimalBytes(bytes.watched as u64).to_string())?;
        line("spared the CDN, on paper", DecimalBytes(bytes.from_peers as u64).to_string())?;
        line("  share", percent(bytes.share))?;
        line("", String::new())
    }
}

fn count(value: f64) -> String {
    HumanCount(value.round() as u64).to_string()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn share(part: u64, all: u64) -> String {
    percent(part as f64 / all.max(1) as f64)
}
