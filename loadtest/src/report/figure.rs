//! The figures that a run comes to, each with its name and unit in one place: the table, the page
//! and a comparison show the same ones, and none can call them differently.

use indicatif::{BinaryBytes, HumanCount};

use super::{Quantiles, Report, Server};
use crate::record::Kind;

/// One figure of a [`Report`].
pub(crate) struct Figure {
    /// Where it is in the JSON file.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) of: Reading,
}

/// Finds a figure in a report; `None` where it is not known.
type Reading = Box<dyn Fn(&Report) -> Option<f64>>;

/// A quantile by its key in the JSON file, by the name that is shown, and where it is.
type Quantile = (&'static str, &'static str, fn(&Quantiles) -> u64);

/// What a figure's number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    /// Shown as percent of one core.
    Cores,
    Seconds,
    /// Some seconds and more, of which a tenth is enough.
    Duration,
    Micros,
    /// Too coarse to have anything behind the point.
    WholeMicros,
    /// Told in microseconds, shown in milliseconds.
    Latency,
    Bytes,
    /// Few enough to be shown one by one.
    SingleBytes,
}

/// All of them.
pub(crate) fn all_figures() -> impl Iterator<Item = Figure> {
    figures().into_iter().chain(latencies())
}

/// Throughput, and what the tracker's process took for it.
pub(crate) fn figures() -> Vec<Figure> {
    let known = |key: &str, name: &str, unit, of: fn(&Report) -> f64| Figure {
        key: key.into(),
        name: name.into(),
        unit,
        of: Box::new(move |report| Some(of(report))),
    };
    let server = |key: &str, name: &str, unit, of: fn(&Server) -> Option<f64>| Figure {
        key: format!("server.{key}"),
        name: name.into(),
        unit,
        of: Box::new(move |report| report.server.as_ref().and_then(of)),
    };
    vec![
        known("relays_per_s", "relays/s", Unit::PerSecond, |r| r.relays_per_s),
        known("announces_per_s", "announces/s", Unit::PerSecond, |r| r.announces_per_s),
        known("connects_per_s", "connects/s", Unit::PerSecond, |r| r.connects_per_s),
        server("cores_used", "server CPU", Unit::Cores, |s| Some(s.cores_used)),
        server("cpu_s_per_1000_relays", "CPU per 1,000 relays", Unit::Seconds, |s| {
            s.cpu_s_per_1000_relays
        }),
        server("cpu_us_per_relay", "CPU per relay", Unit::Micros, |s| s.cpu_us_per_relay),
        server("cpu_us_per_connect", "CPU per connect", Unit::WholeMicros, |s| {
            s.cpu_us_per_connect
        }),
        server("rss_bytes_before", "RSS before", Unit::Bytes, |s| Some(s.rss_bytes_before as f64)),
        server("rss_bytes_joined", "RSS, all joined", Unit::Bytes, |s| {
            Some(s.rss_bytes_joined as f64)
        }),
        server("rss_bytes_end", "RSS after the load", Unit::Bytes, |s| {
            Some(s.rss_bytes_end as f64)
        }),
        server("rss_bytes_per_peer", "RSS per peer", Unit::SingleBytes, |s| {
            Some(s.rss_bytes_per_peer)
        }),
    ]
}

/// How late.
pub(crate) const QUANTILES: [Quantile; 4] = [
    ("p50", "p50", |q| q.p50),
    ("p90", "p90", |q| q.p90),
    ("p99", "p99", |q| q.p99),
    ("p99_9", "p99.9", |q| q.p99_9),
];

/// How long messages took: each quantile of each kind.
fn latencies() -> Vec<Figure> {
    let each = Kind::ALL.into_iter().flat_map(|kind| QUANTILES.map(|quantile| (kind, quantile)));
    let figure = |(kind, (key, name, quantile)): (Kind, Quantile)| {
        // A run that relayed nothing was late with nothing.
        let of = move |report: &Report| match quantile(report.latency_us.of_kind(kind)) {
            0 => None,
            us => Some(us as f64),
        };
        Figure {
            key: format!("latency_us.{}.{key}", kind.name()),
            name: format!("{} {name}", kind.name()),
            unit: Unit::Latency,
            of: Box::new(of),
        }
    };
    each.map(figure).collect()
}

impl Unit {
    /// A number with its unit.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::PerSecond => HumanCount(value.round().max(0.0) as u64).to_string(),
            Self::Cores => format!("{:.0} %", value * 100.0),
            Self::Seconds => format!("{value:.5} s"),
            Self::Duration => format!("{value:.1} s"),
            Self::Micros => format!("{value:.2} µs"),
            Self::WholeMicros => format!("{value:.0} µs"),
            Self::Latency => format!("{:.2} ms", value / 1e3),
            Self::Bytes => BinaryBytes(value.round().max(0.0) as u64).to_string(),
            Self::SingleBytes => {
                let sign = if value <= -0.5 { "-" } else { "" };
                format!("{sign}{} B", HumanCount(value.abs().round() as u64))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_figures_share_a_key_or_a_name() {
        let figures: Vec<_> = all_figures().collect();
        for (at, figure) in figures.iter().enumerate() {
            let others = &figures[..at];
            assert!(others.iter().all(|other| other.key != figure.key), "{}", figure.key);
            assert!(others.iter().all(|other| other.name != figure.name), "{}", figure.name);
        }
    }

    #[test]
    fn numbers_have_their_units_and_no_more_digits_than_are_known() {
        for (unit, value, shown) in [
            (Unit::PerSecond, 1_234_567.4, "1,234,567"),
            (Unit::Cores, 0.986, "99 %"),
            (Unit::Seconds, 0.003_21, "0.00321 s"),
            (Unit::Duration, 29.96, "30.0 s"),
            (Unit::Micros, 3.214, "3.21 µs"),
            (Unit::WholeMicros, 45.6, "46 µs"),
            (Unit::Latency, 1_234.0, "1.23 ms"),
            (Unit::Bytes, 1_572_864.0, "1.50 MiB"),
            (Unit::SingleBytes, 1_187.6, "1,188 B"),
            (Unit::SingleBytes, -1_187.6, "-1,188 B"),
        ] {
            assert_eq!(unit.show(value), shown);
        }
    }
}
