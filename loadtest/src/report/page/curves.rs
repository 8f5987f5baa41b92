//! What is plotted: how long messages took, and what a run looked like over time.

use std::ops::Range;

use crate::phase::Phase;
use crate::record::Kind;
use crate::report::plot::{Axis, Curve, Plot, count, short, time};
use crate::report::{Histogram, Moment, Stretch};

/// One run over time, as one of those that share a plot.
pub(crate) struct Run<'a> {
    pub(crate) name: &'a str,
    pub(crate) ink: u8,
    /// When it began, in seconds from where the plot begins.
    pub(crate) at_s: f64,
    pub(crate) timeline: &'a [Moment],
}

/// One axis up to what was seen, and what of a moment is drawn along it.
type Trait = (&'static str, fn(&Moment) -> Option<f64>);

/// The share of messages that took about so long, over the logarithm of the time: a curve for each
/// name, of the messages of its kind.
pub(crate) fn latency(title: &str, named: &[(&str, &Histogram, Kind)]) -> Plot {
    let mut curves = Vec::new();
    for (ink, (name, histogram, kind)) in (0..).zip(named) {
        let counts = histogram.of_kind(*kind);
        let all = counts.iter().sum::<u64>().max(1) as f64;
        // A bucket is drawn in its middle; the curve comes from the axis and goes back to it.
        let ends = histogram.up_to_us.iter().map(|us| us.log10());
        let mut points: Vec<_> =
            ends.zip(counts).map(|(end, n)| (end - BUCKET / 2.0, *n as f64 / all * 1e2)).collect();
        if let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) {
            points.insert(0, (first.0 - BUCKET, 0.0));
            points.push((last.0 + BUCKET, 0.0));
        }
        curves.push(Curve { name: (*name).to_owned(), ink, points });
    }
    let range = extent(curves.iter().flat_map(|curve| &curve.points).map(|point| point.0));
    let x = Axis::decades(range, time);
    let y = Axis::up_to(highest(&curves), |percent| format!("{} %", short(percent)));
    Plot { title: title.into(), x, y, curves, bands: Vec::new(), is_filled: true }
}

/// Width of a latency bucket as a logarithm.
const BUCKET: f64 = 1.0 / crate::limits::LATENCY_BUCKETS_PER_DECADE as f64;

/// Throughput, memory, processor time and connections of the runs; without those that are not
/// known.
pub(crate) fn over_time(runs: &[Run<'_>]) -> Vec<Plot> {
    let rates: &[Trait] = &[
        ("relays/s", |moment| unless_drain(moment, moment.relays_per_s)),
        ("announces/s", |moment| unless_drain(moment, moment.announces_per_s)),
    ];
    // Many runs share a plot by their colours, so each has one curve.
    let rates = if runs.len() > 1 { &rates[..1] } else { rates };
    let title = if runs.len() > 1 { "relays per second" } else { "throughput, per second" };
    let mebibytes: Trait = ("", |moment| Some(moment.server_rss_bytes? as f64 / 1_048_576.0));
    let cores: Trait = ("", |moment| unless_drain(moment, moment.server_cores? * 1e2));
    let connections: Trait = ("", |moment| Some(moment.connections as f64));
    let plots = [
        plot(title, runs, rates, count),
        plot("server memory, resident, MiB", runs, &[mebibytes], short),
        plot("server CPU, percent of one core", runs, &[cores], short),
        plot("peers", runs, &[connections], count),
    ];
    plots.into_iter().filter(|plot| !plot.curves.is_empty()).collect()
}

/// What crossed between nodes and what was lost there, by when it was announced.
pub(super) fn between_nodes(stretches: &[Stretch]) -> Plot {
    let curve = |name: &str, ink, of: fn(&Stretch) -> u32| {
        let per_s = |stretch: &Stretch| f64::from(of(stretch)) / stretch.length_s.max(1) as f64;
        let points = stretches.iter().map(|s| ((s.at_s + s.length_s) as f64, per_s(s)));
        Curve { name: name.to_owned(), ink, points: points.collect() }
    };
    let curves = vec![
        curve("crossed", 0, |stretch| stretch.crossed),
        curve("lost", 1, |stretch| stretch.lost_offers + stretch.lost_answers),
    ];
    let end = stretches.last().map_or(1, |last| last.at_s + last.length_s) as f64;
    let x = Axis::linear(0.0..end, |seconds| format!("{} s", short(seconds)));
    let y = Axis::up_to(highest(&curves), count);
    let title = "offers and answers between nodes, per second".to_owned();
    Plot { title, x, y, curves, bands: Vec::new(), is_filled: true }
}

/// What was on its way arrives within milliseconds, which as a rate is a spike that means nothing.
fn unless_drain(moment: &Moment, rate: f64) -> Option<f64> {
    (moment.phase != Phase::Drain.name()).then_some(rate)
}

fn plot(title: &str, runs: &[Run<'_>], traits: &[Trait], label: fn(f64) -> String) -> Plot {
    let mut curves = Vec::new();
    for run in runs {
        for (ink, (name, of)) in (run.ink..).zip(traits) {
            let at = |moment: &Moment| run.at_s + moment.at_s;
            let points = run.timeline.iter().filter_map(|moment| Some((at(moment), of(moment)?)));
            let points: Vec<_> = points.collect();
            let name = if run.name.is_empty() { name } else { run.name };
            if !points.is_empty() {
                curves.push(Curve { name: name.to_owned(), ink, points });
            }
        }
    }
    let end = extent(curves.iter().flat_map(|curve| &curve.points).map(|point| point.0)).end;
    let x = Axis::linear(0.0..end, |seconds| format!("{} s", short(seconds)));
    let y = Axis::up_to(highest(&curves), label);
    let bands = runs.iter().filter_map(measured).collect();
    Plot { title: title.into(), x, y, curves, bands, is_filled: true }
}

/// From when to when a run was measured.
fn measured(run: &Run<'_>) -> Option<Range<f64>> {
    let mut moments = run.timeline.iter().filter(|moment| moment.phase == Phase::Measure.name());
    let first = moments.next()?;
    let last = moments.next_back().unwrap_or(first);
    Some(run.at_s + first.at_s - first.length_s..run.at_s + last.at_s)
}

fn highest(curves: &[Curve]) -> f64 {
    curves.iter().flat_map(|curve| &curve.points).map(|point| point.1).fold(0.0, f64::max)
}

/// From the least to the greatest, and never empty.
fn extent(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low < high { low..high } else { 0.0..1.0 }
}
