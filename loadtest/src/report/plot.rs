//! Curves as SVG. Colours are left to the page: each ink has a number instead, for which the style
//! has a colour in light and one in dark, so that one drawing is right in both.

use std::ops::{Range, RangeInclusive};

use anyhow::Context;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

/// Curves over one pair of axes.
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) curves: Vec<Curve>,
    /// Stretches of the horizontal axis that are set off, such as what was measured.
    pub(crate) bands: Vec<Range<f64>>,
    /// Whether the space below the curves is tinted; otherwise their points are shown instead.
    pub(crate) is_filled: bool,
}

/// One curve; of many with the same name all have the same ink.
pub(crate) struct Curve {
    pub(crate) name: String,
    /// Which of the page's colours, from 0.
    pub(crate) ink: u8,
    pub(crate) points: Vec<(f64, f64)>,
}

/// An axis and what is written along it.
#[derive(Clone)]
pub(crate) struct Axis {
    range: Range<f64>,
    ticks: Vec<f64>,
    label: fn(f64) -> String,
}

/// How large a drawing is: twice as many units as it has pixels where it is meant to be seen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// As wide as a page.
    Full,
    /// One of two beside each other.
    Half,
    /// As wide as a telephone.
    Narrow,
}

/// Colours that the style knows by number; curves have those below.
const INK_TEXT: RGBColor = RGBColor(0, 0, 0xF0);
const INK_GRID: RGBColor = RGBColor(0, 0, 0xF1);
const INK_BAND: RGBColor = RGBColor(0, 0, 0xF2);

/// About as many ticks as an axis has room for.
const TICKS: usize = 6;

impl Plot {
    /// Draws it.
    ///
    /// # Errors
    /// When the axes cannot be laid out in so little room.
    pub(crate) fn svg(&self, size: Size) -> anyhow::Result<String> {
        let mut svg = String::new();
        self.draw(&mut svg, size).with_context(|| format!("the plot {}", self.title))?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String, size: Size) -> anyhow::Result<()> {
        let area = SVGBackend::with_string(svg, size.units()).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_top(14)
            .margin_right(28)
            .x_label_area_size(48)
            .y_label_area_size(100)
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        for band in &self.bands {
            let corners = [(band.start, self.y.range.end), (band.end, self.y.range.start)];
            chart.draw_series([Rectangle::new(corners, INK_BAND.filled())])?;
        }
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(INK_GRID.stroke_width(2))
            .axis_style(INK_GRID.stroke_width(2))
            .set_all_tick_mark_size(8)
            .label_style(("sans-serif", 30).into_font().color(&INK_TEXT))
            .draw()?;
        // Tints first, so that they cover no curve.
        for curve in self.curves.iter().filter(|_| self.is_filled) {
            let (points, ink) = (curve.points.iter().copied(), curve.rgb());
            chart.draw_series(AreaSeries::new(points, 0.0, ink.mix(0.1)))?;
        }
        for curve in &self.curves {
            let (points, ink) = (curve.points.iter().copied(), curve.rgb());
            chart.draw_series(LineSeries::new(points.clone(), ink.stroke_width(4)))?;
            let dots = points.filter(|_| !self.is_filled);
            chart.draw_series(dots.map(|point| Circle::new(point, 7, ink.filled())))?;
        }
        area.present()?;
        Ok(())
    }

    /// The curves' names and inks, each once.
    pub(crate) fn legend(&self) -> Vec<(&str, u8)> {
        let mut names: Vec<(&str, u8)> = Vec::new();
        for curve in &self.curves {
            if !names.iter().any(|(_, ink)| *ink == curve.ink) {
                names.push((&curve.name, curve.ink));
            }
        }
        names
    }
}

impl Curve {
    /// The style's rule for this ink.
    fn rgb(&self) -> RGBColor {
        RGBColor(0, 0, self.ink + 1)
    }
}

impl Axis {
    /// From 0 to a little above `max`.
    pub(crate) fn up_to(max: f64, label: fn(f64) -> String) -> Self {
        let end = if max > 0.0 { max * 1.06 } else { 1.0 };
        Self::linear(0.0..end, label)
    }

    pub(crate) fn linear(range: Range<f64>, label: fn(f64) -> String) -> Self {
        let coordinates = RangedCoordf64::from(range.clone());
        Self { ticks: coordinates.key_points(TICKS), range, label }
    }

    /// Whole numbers, all of them or as many as there is room for.
    pub(crate) fn whole(range: RangeInclusive<u32>) -> Self {
        let step = (range.end() - range.start()) as usize / (2 * TICKS) + 1;
        let ticks = range.clone().step_by(step).map(f64::from).collect();
        // The first and the last have some room beside them.
        let range = f64::from(*range.start()) - 0.2..f64::from(*range.end()) + 0.2;
        Self { range, ticks, label: short }
    }

    /// Powers of ten at equal distances; what is drawn along it is a logarithm.
    pub(crate) fn decades(range: Range<f64>, label: fn(f64) -> String) -> Self {
        let between: &[f64] = match range.end - range.start {
            few if few < 1.3 => &[1.0, 2.0, 5.0],
            some if some < 2.6 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let whole = range.start.floor() as i32..=range.end.ceil() as i32;
        let ticks = whole.flat_map(|power| between.iter().map(move |of| power as f64 + of.log10()));
        let ticks = ticks.filter(|tick| range.contains(tick)).collect();
        Self { range, ticks, label }
    }
}

/// What plotters asks of an axis.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.range.clone()).map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // There are no lighter lines between the ticks.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        (self.label)(*value)
    }
}

impl Size {
    fn units(self) -> (u32, u32) {
        match self {
            Self::Full => (2080, 600),
            Self::Half => (1000, 520),
            Self::Narrow => (700, 480),
        }
    }
}

/// A count: 1,500 is "1.5k".
pub(crate) fn count(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{}M", short(value / 1e6)),
        value if value >= 1e3 => format!("{}k", short(value / 1e3)),
        value => short(value),
    }
}

/// Up to two digits behind the point, and no more than are needed.
pub(crate) fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The time of which `log10_us` is the logarithm.
pub(crate) fn time(log10_us: f64) -> String {
    let us = 10_f64.powf(log10_us).round();
    match us {
        us if us >= 1e6 => format!("{} s", short(us / 1e6)),
        us if us >= 1e3 => format!("{} ms", short(us / 1e3)),
        us => format!("{us} µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_axis() {
        let axis = Axis::up_to(97_000.0, count);
        let labels: Vec<_> = axis.ticks.iter().map(|tick| count(*tick)).collect();
        assert_eq!(labels.first().map(String::as_str), Some("0"));
        assert!(labels.contains(&"100k".to_owned()) || labels.contains(&"80k".to_owned()));
        let wide = Axis::decades(1.7..5.2, time);
        let labels: Vec<_> = wide.ticks.iter().map(|tick| time(*tick)).collect();
        assert_eq!(labels, ["100 µs", "1 ms", "10 ms", "100 ms"]);
        let narrow = Axis::decades(2.9..4.1, time);
        let labels: Vec<_> = narrow.ticks.iter().map(|tick| time(*tick)).collect();
        assert_eq!(labels, ["1 ms", "2 ms", "5 ms", "10 ms"]);
        assert_eq!(Axis::whole(1..=5).ticks, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!(Axis::whole(1..=99).ticks.len() <= 2 * TICKS);
    }

    #[test]
    fn a_drawing_names_its_colours_by_number_and_its_curves_once() {
        let curve =
            |ink| Curve { name: format!("c{ink}"), ink, points: vec![(0.0, 1.0), (9.0, 2.0)] };
        let plot = Plot {
            title: "two".into(),
            x: Axis::linear(0.0..10.0, short),
            y: Axis::up_to(2.0, short),
            curves: vec![curve(0), curve(1), curve(1)],
            bands: vec![2.0..8.0],
            is_filled: true,
        };
        assert_eq!(plot.legend(), [("c0", 0), ("c1", 1)]);
        let svg = plot.svg(Size::Half).expect("a drawing");
        for ink in ["#000001", "#000002", "#0000F0", "#0000F1", "#0000F2"] {
            assert!(svg.contains(ink), "{ink}: {svg}");
        }
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }
}
