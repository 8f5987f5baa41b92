//! The comparison as a page: the medians side by side, the same plots with a colour for each tracker,
//! and every round.

use maud::{Markup, html};

use super::report::{Report, Tracker};
use super::table::{MEMORY_REMARK, ratio_text, spread};
use crate::record::Kind;
use crate::report::Histogram;
use crate::report::figure::{Figure, all_figures};
use crate::report::page::{Run, drawing, facts, head, latency, over_time, shell, violations};
use crate::report::plot::{Axis, Curve, Plot, Size, count, short};

/// The figures of a round that its line shows.
const ROUND_KEYS: [&str; 9] = [
    "relays_per_s",
    "server.cpu_us_per_relay",
    "server.cpu_us_per_connect",
    "server.rss_bytes_before",
    "server.rss_bytes_joined",
    "server.rss_bytes_end",
    "server.rss_bytes_per_peer",
    "latency_us.offer.p50",
    "latency_us.offer.p99",
];

/// The whole comparison.
///
/// # Errors
/// When a plot cannot be drawn.
pub(crate) fn page(report: &Report) -> anyhow::Result<String> {
    let names: Vec<_> = report.trackers.iter().map(|tracker| tracker.name.as_str()).collect();
    let title = names.join(", ");
    let how = report.load().map(|load| load.sentence()).unwrap_or_default();
    let how = format!("{} rounds in turns: {how}", report.rounds());
    let last = report.trackers.iter().filter_map(|tracker| tracker.rounds.last());
    let ended_at = last.map(|round| round.report.ended_at.as_str()).max().unwrap_or_default();
    let body = html! {
        (head(&title, &how, ended_at))
        @for tracker in &report.trackers { (verdict(tracker)) }
        section {
            h2 { "Medians" }
            div.table { (medians(report)) }
            p.note { (MEMORY_REMARK) }
        }
        section { h2 { "Latency" } (latencies(report)?) }
        section { h2 { "Round by round" } div.pair { (rounds(report)?) } }
        section {
            h2 { "Over time" }
            p.quiet { "What is measured is shaded; between the rounds nothing happens." }
            (timelines(report)?)
        }
        @for tracker in &report.trackers { (each_round(tracker)) }
        @if let Some(load) = report.load() { (facts("The scenario", &load.scenario)?) }
    };
    Ok(shell(&title, &body))
}

fn verdict(tracker: &Tracker) -> Markup {
    let class = if tracker.is_right() { "pill right" } else { "pill wrong" };
    html! {
        p.how {
            b { (tracker.name) } " " (tracker.url) ", " (tracker.wire()) " "
            span class=(class) { (tracker.verdict()) }
        }
    }
}

fn medians(report: &Report) -> Markup {
    let is_known =
        |figure: &Figure| report.trackers.iter().any(|t| t.figures.contains_key(&figure.key));
    html! {
        table.grid {
            thead { tr { th {} @for tracker in &report.trackers { th { (tracker.name) } } } }
            tbody {
                @for figure in all_figures().filter(is_known) {
                    tr {
                        th { (figure.name) }
                        @for (place, tracker) in report.trackers.iter().enumerate() {
                            td { (median(&figure, tracker, place > 0)) }
                        }
                    }
                }
            }
        }
    }
}

fn median(figure: &Figure, tracker: &Tracker, shows_ratio: bool) -> Markup {
    let Some(summary) = tracker.figures.get(&figure.key) else {
        return html! { "-" };
    };
    let [low, high] = [summary.min, summary.max].map(|value| figure.unit.show(value));
    html! {
        (figure.unit.show(summary.median))
        @if let Some(ratio) = summary.ratio.filter(|_| shows_ratio) {
            " " b.ratio { (ratio_text(ratio)) }
        }
        br;
        small title=(format!("{low} to {high}")) { "spread " (spread(summary)) }
    }
}

/// One plot for each kind, all rounds together.
fn latencies(report: &Report) -> anyhow::Result<Markup> {
    let histogram = |tracker: &Tracker| {
        Histogram::sum(tracker.rounds.iter().map(|round| &round.report.latency_us.histogram))
    };
    let histograms: Vec<_> = report.trackers.iter().map(histogram).collect();
    let of_kind = |kind: Kind| {
        let named = report.trackers.iter().zip(&histograms);
        let named: Vec<_> =
            named.map(|(t, histogram)| (t.name.as_str(), histogram, kind)).collect();
        let title = match kind {
            Kind::Reply => "share of replies by how long they took",
            Kind::Offer => "share of offers by how long they took",
            Kind::Answer => "share of answers by how long they took",
            Kind::Join => "share of joins by how long they took",
        };
        latency(title, &named)
    };
    Ok(html! {
        div.pair { @for kind in Kind::ALL { (drawing(&of_kind(kind), Size::Half)?) } }
    })
}

/// Throughput and its cost in each round.
fn rounds(report: &Report) -> anyhow::Result<Markup> {
    let plots = all_figures().filter_map(|figure| match figure.key.as_str() {
        "relays_per_s" => by_round(report, &figure, "relays per second", count),
        "server.cpu_us_per_relay" => by_round(report, &figure, "server CPU per relay, µs", short),
        _ => None,
    });
    Ok(html! { @for plot in plots { (drawing(&plot, Size::Half)?) } })
}

/// `None` where a figure is not known, or was measured but once.
fn by_round(
    report: &Report,
    figure: &Figure,
    title: &str,
    label: fn(f64) -> String,
) -> Option<Plot> {
    let mut curves = Vec::new();
    for (ink, tracker) in (0..).zip(&report.trackers) {
        let values = tracker.rounds.iter();
        let points = values.filter_map(|r| Some((r.round as f64, (figure.of)(&r.report)?)));
        let points: Vec<_> = points.collect();
        if points.len() > 1 {
            curves.push(Curve { name: tracker.name.clone(), ink, points });
        }
    }
    let values = curves.iter().flat_map(|curve| &curve.points).map(|point| point.1);
    let max = values.reduce(f64::max)?;
    let x = Axis::whole(1..=report.rounds() as u32);
    let (title, y) = (title.into(), Axis::up_to(max, label));
    Some(Plot { title, x, y, curves, bands: Vec::new(), is_filled: false })
}

fn timelines(report: &Report) -> anyhow::Result<Markup> {
    let mut runs = Vec::new();
    for (ink, tracker) in (0..).zip(&report.trackers) {
        runs.extend(tracker.rounds.iter().map(|round| Run {
            name: &tracker.name,
            ink,
            at_s: round.at_s,
            timeline: &round.report.timeline,
        }));
    }
    Ok(html! { @for plot in over_time(&runs).iter().take(2) { (drawing(plot, Size::Full)?) } })
}

fn each_round(tracker: &Tracker) -> Markup {
    let is_shown = |figure: &Figure| {
        ROUND_KEYS.contains(&figure.key.as_str()) && tracker.figures.contains_key(&figure.key)
    };
    let figures: Vec<_> = all_figures().filter(is_shown).collect();
    let wrong = tracker.rounds.iter().find(|round| round.report.violations > 0);
    html! {
        section {
            h2 { "Rounds of " (tracker.name) }
            div.table { table.grid {
                thead { tr {
                    th { "round, turn" } @for figure in &figures { th { (figure.name) } }
                    th { "violations" }
                } }
                tbody { @for round in &tracker.rounds { tr {
                    th { (round.round) ", " (round.place) }
                    @for figure in &figures {
                        td { ((figure.of)(&round.report).map_or("-".into(), |v| figure.unit.show(v))) }
                    }
                    td { (round.report.violations) }
                } } }
            } }
        }
        @if let Some(round) = wrong { (violations(&round.report)) }
    }
}
