//! The report as a page: one file that asks for nothing, runs nothing, and can be read in light, in
//! dark and on a telephone. Whatever came from a tracker is escaped by the templates.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use serde_json::Value;

use super::Report;
use super::figure::{Figure, QUANTILES, Unit, all_figures, figures};
use super::plot::{Plot, Size};
use crate::record::Kind;

mod curves;
use curves::between_nodes;
pub(crate) use curves::{Run, latency, over_time};

/// One run's page.
///
/// # Errors
/// When a plot cannot be drawn.
pub(crate) fn page(report: &Report) -> anyhow::Result<String> {
    let title = format!("{} under load", report.url);
    let kinds = Kind::ALL.map(|kind| (kind.name(), &report.latency_us.histogram, kind));
    let how = format!("{}, {}", report.load.sentence(), report.wire);
    let run = [Run { name: "", ink: 0, at_s: 0.0, timeline: &report.timeline }];
    let body = html! {
        (head(&report.url, &how, &report.ended_at))
        p { (verdict(report)) }
        @for remark in report.remarks() { p.note { (remark) } }
        @if let Some(advice) = report.advice() { p.note { (advice) } }
        (cards(report))
        section {
            h2 { "Latency" }
            @if !report.latency_us.histogram.up_to_us.is_empty() {
                (drawing(&latency("share of each kind by how long they took", &kinds), Size::Full)?)
            }
            (latency_table(report))
        }
        section {
            h2 { "Over time" }
            p.quiet { "What is measured is shaded." }
            div.pair {
                @for plot in over_time(&run) { (drawing(&plot, Size::Half)?) }
            }
        }
        (nodes(report)?)
        (violations(report))
        div.beside {
            (table_of_figures(report))
            (facts("The scenario", &report.load.scenario)?)
        }
    };
    Ok(shell(&title, &body))
}

/// The whole document around `body`.
pub(crate) fn shell(title: &str, body: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing is fetched and nothing runs, whatever a tracker has sent.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body { main { (body) } }
        }
    };
    document.into_string()
}

/// What was loaded, how, and when.
pub(crate) fn head(what: &str, how: &str, ended_at: &str) -> Markup {
    html! {
        header {
            p.kind { "loadtest " (env!("CARGO_PKG_VERSION")) " · " time datetime=(ended_at) { (ended_at) } }
            h1 { (what) }
            p.how { (how) }
        }
    }
}

/// Whether all was right.
pub(crate) fn verdict(report: &Report) -> Markup {
    let class = if report.is_right() { "pill right" } else { "pill wrong" };
    html! { @for verdict in report.verdict() { span class=(class) { (verdict) } " " } }
}

/// The figures that are asked for first, as far as they are known.
fn cards(report: &Report) -> Markup {
    let keys = [
        "relays_per_s",
        "server.cpu_us_per_relay",
        "latency_us.offer.p50",
        "latency_us.offer.p99",
        "server.rss_bytes_per_peer",
        "server.cpu_us_per_connect",
        "connects_per_s",
        "announces_per_s",
    ];
    let figures: Vec<_> = all_figures().collect();
    let figure = |key: &str| figures.iter().find(|figure| figure.key == key);
    let known = |figure: &Figure| Some((figure.name.clone(), (figure.of)(report)?, figure.unit));
    let cards = keys.into_iter().filter_map(figure).filter_map(known).take(CARDS);
    html! {
        div.cards {
            @for (name, value, unit) in cards { div { b { (unit.show(value)) } span { (name) } } }
        }
    }
}

/// As many as a wide page has room for beside each other.
const CARDS: usize = 6;

fn table_of_figures(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Figures" }
            table { tbody {
                @for figure in figures() {
                    @if let Some(value) = (figure.of)(report) {
                        tr { th { (figure.name) } td { (figure.unit.show(value)) } }
                    }
                }
                tr { th { "measured" } td { (Unit::Duration.show(report.window_s)) } }
                tr { th { "announces timed out" } td { (report.announce_timeouts) } }
                tr { th { "announces throttled" } td { (report.announces_throttled) } }
                @for (code, times) in &report.closes_by_code {
                    tr { th { "cut off, code " (code) } td { (times) } }
                }
                tr { th { "loadtest CPU" } td { (report.own.cores()) } }
                tr { th { "bottleneck" } td { (report.own.bottleneck.verdict()) } }
            } }
        }
    }
}

/// Several nodes, and what they did for each other; nothing for a tracker that stands alone.
///
/// # Errors
/// When the plot cannot be drawn.
fn nodes(report: &Report) -> anyhow::Result<Markup> {
    let (Some(between), Some(first)) = (&report.between_nodes, report.nodes.first()) else {
        return Ok(html! {});
    };
    Ok(html! {
        section {
            h2 { "Nodes" }
            div.table {
                table.grid {
                    thead { tr { th { "node" } @for (name, _) in first.cells() { th { (name) } } } }
                    tbody {
                        @for node in &report.nodes {
                            tr { th { (node.url) } @for (_, value) in node.cells() { td { (value) } } }
                        }
                    }
                }
            }
            (drawing(&between_nodes(&between.by_second), Size::Full)?)
        }
    })
}

fn latency_table(report: &Report) -> Markup {
    let own = [("own turn", &report.latency_us.own_turn)];
    let rows = Kind::ALL.map(|kind| (kind.name(), report.latency_us.of_kind(kind)));
    let sides = report.between_nodes.iter().flat_map(|between| between.latency_us.named());
    let rows = rows.into_iter().chain(sides).chain(own);
    html! {
        table.grid {
            thead { tr { th { "ms" } @for (_, name, _) in QUANTILES { th { (name) } } } }
            tbody {
                @for (name, quantiles) in rows {
                    tr {
                        th { (name) }
                        @for (_, _, of) in QUANTILES {
                            td { (format!("{:.2}", of(quantiles) as f64 / 1e3)) }
                        }
                    }
                }
            }
        }
    }
}

/// A plot with its name and its legend, drawn for wide pages and for narrow ones.
///
/// # Errors
/// When it cannot be drawn.
pub(crate) fn drawing(plot: &Plot, wide: Size) -> anyhow::Result<Markup> {
    let (wide, narrow) = (plot.svg(wide)?, plot.svg(Size::Narrow)?);
    let legend = plot.legend();
    Ok(html! {
        figure {
            figcaption {
                (plot.title)
                @if legend.len() > 1 {
                    @for (name, ink) in legend {
                        " " span.key { i class=(format!("ink-{}", ink + 1)) {} (name) }
                    }
                }
            }
            div.wide role="img" aria-label=(plot.title) { (PreEscaped(wide)) }
            div.narrow role="img" aria-label=(plot.title) { (PreEscaped(narrow)) }
        }
    })
}

/// Broken promises by kind, and the first in full.
pub(crate) fn violations(report: &Report) -> Markup {
    html! {
        @if report.violations > 0 {
            section {
                h2 { "Violations" }
                table { tbody {
                    @for (kind, times) in &report.violations_by_kind {
                        tr { th { (kind) } td { (times) } }
                    }
                } }
                ul { @for violation in &report.first_violations { li { (violation) } } }
            }
        }
    }
}

/// What a run was asked for, field by field; a text of many lines stays as it was written.
///
/// # Errors
/// When it has no JSON.
pub(crate) fn facts(title: &str, facts: &impl Serialize) -> anyhow::Result<Markup> {
    let facts = serde_json::to_value(facts)?;
    Ok(html! { section { h2 { (title) } table { tbody { (fields(&facts)) } } } })
}

/// A row for each field that says something, and below a field of fields its own.
fn fields(facts: &Value) -> Markup {
    html! {
        @for (key, value) in facts.as_object().into_iter().flatten() {
            @match value {
                Value::Null => {}
                Value::Object(_) => { tr { th.head colspan="2" { (key) } } (fields(value)) }
                Value::String(text) if text.contains('\n') => {
                    tr { th { (key) } td { pre { (text) } } }
                }
                Value::String(text) => { tr { th { (key) } td { (text) } } }
                value => { tr { th { (key) } td { (value) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_fields_are_rows_of_their_own_and_texts_stay_as_written() {
        let scenario = serde_json::json!({ "pace": "closed", "file": "peers = 2\nswarms = 1" });
        let load = serde_json::json!({ "peers": 2, "none": null, "scenario": scenario });
        let page = facts("The load", &load).expect("JSON").into_string();
        assert!(page.contains("<th>peers</th><td>2</td>"), "{page}");
        assert!(page.contains("<th>pace</th><td>closed</td>"), "{page}");
        assert!(page.contains("<pre>peers = 2\nswarms = 1</pre>"), "{page}");
        assert!(!page.contains("none"), "{page}");
    }
}
