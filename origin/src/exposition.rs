//! A page of counts as Prometheus reads it, in its text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::{Display, Write};

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text so far.
#[derive(Debug, Default)]
pub struct Page(String);

/// A metric whose head is on the page. No value of a label holds a character that would be escaped.
#[derive(Debug)]
pub struct Metric<'a> {
    page: &'a mut Page,
    name: &'static str,
}

impl Page {
    /// Begins a metric that only grows.
    pub fn counter(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, "counter", help)
    }

    /// Begins a metric that goes up and down.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, "gauge", help)
    }

    /// Begins a metric of any type.
    pub fn metric(&mut self, name: &'static str, kind: &str, help: &str) -> Metric<'_> {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Metric { page: self, name }
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

impl Metric<'_> {
    /// The only sample.
    pub fn value(self, value: impl Display) {
        let _ = writeln!(self.page.0, "{} {value}", self.name);
    }

    /// A sample for each value of `label`.
    pub fn labelled<L: Display, V: Display>(
        mut self,
        label: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        for (of, value) in samples {
            self.sample("", &[(label, &of)], value);
        }
    }

    /// One more sample, with several labels, of the metric or (with a suffix) of a part of it.
    pub fn sample(&mut self, suffix: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        let text = &mut self.page.0;
        let _ = write!(text, "{}{suffix}", self.name);
        for (place, (label, of)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(text, "{before}{label}=\"{of}\"");
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(text, "{after} {value}");
    }
}
