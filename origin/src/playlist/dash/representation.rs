//! One track within one period: what it asks of a player, and its segments.

use std::io;

use super::Xml;
use crate::cmaf::{Kind, Times};
use crate::playlist::multivariant::bits_per_second;
use crate::playlist::periods::Period;
use crate::playlist::presentation::TrackWindow;
use crate::playlist::segment::{Header, Segment};

/// One track within a period.
pub(super) struct Representation<'a> {
    pub(super) of: &'a TrackWindow,
    header: &'a Header,
    /// Of the period's beginning, in ticks of the track.
    media_start: u64,
    first_sequence: u64,
    lines: Vec<Line>,
}

/// Segments of one length, one after the other (`S`).
struct Line {
    /// When the first begins, in ticks.
    start: u64,
    /// How long each plays, in ticks.
    ticks: u64,
    count: u64,
}

impl<'a> Representation<'a> {
    /// `None` when nothing of the period is shown.
    pub(super) fn of(of: &'a TrackWindow, period: &'a Period) -> Option<Self> {
        let mut found: Option<Self> = None;
        for segment in of.window.shown().filter(|segment| segment.timeline == period.timeline) {
            let Segment { header: Some(header), times: Some(times), sequence, .. } = segment else {
                continue;
            };
            match found.as_mut().filter(|found| found.takes(header, times)) {
                Some(found) => found.add(times),
                // The first of all; or one which cannot be told of together with those before it.
                None => {
                    let lines = vec![Line::of(times)];
                    let media_start = times.ticks_at(period.media_start);
                    let first_sequence = *sequence;
                    found = Some(Representation { of, header, media_start, first_sequence, lines });
                }
            }
        }
        found
    }

    /// A period has one header a track, and time in it only goes forward.
    fn takes(&self, header: &Header, times: &Times) -> bool {
        let forward = self.lines.last().is_some_and(|last| times.presentation_time > last.start);
        forward && *self.header == *header
    }

    fn add(&mut self, times: &Times) {
        match self.lines.last_mut() {
            Some(last) if last.is_followed_by(times) => last.count += 1,
            _ => self.lines.push(Line::of(times)),
        }
    }

    /// Whether a player may go from one to the other at any segment.
    pub(super) fn is_alternative_to(&self, other: &Self) -> bool {
        let family = |one: &Self| {
            let codecs = one.header.said.leading.codecs.split('.').next().map(str::to_owned);
            (one.of.track.content, one.of.track.language.clone(), codecs)
        };
        family(self) == family(other)
    }

    pub(super) fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let track = &self.of.track;
        let described = &self.header.said.leading;
        let bandwidth = bits_per_second(self.of).to_string();
        let mut element = xml.create_element("Representation").with_attributes([
            ("id", &*track.name),
            ("bandwidth", &bandwidth),
            ("codecs", &described.codecs),
        ]);
        if let Kind::Video { pixels: (width, height) } = described.kind {
            let (width, height) = (width.to_string(), height.to_string());
            element = element.with_attributes([("width", &*width), ("height", &height)]);
        }
        if let Some(frames) = track.frames_per_second {
            element = element.with_attribute(("frameRate", &*fraction(frames)));
        }
        if let Kind::Audio { sample_rate, .. } = described.kind {
            element = element.with_attribute(("audioSamplingRate", &*sample_rate.to_string()));
        }
        element.write_inner_content(|xml| {
            if let Kind::Audio { channels, .. } = described.kind {
                xml.create_element("AudioChannelConfiguration")
                    .with_attributes([
                        ("schemeIdUri", "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"),
                        ("value", &channels.to_string()),
                    ])
                    .write_empty()?;
            }
            self.write_segments(xml, described.timescale)
        })?;
        Ok(())
    }

    fn write_segments(&self, xml: &mut Xml, timescale: u32) -> io::Result<()> {
        let (extension, name) = (self.of.track.container.extension(), &self.of.track.name);
        let template = xml.create_element("SegmentTemplate").with_attributes([
            ("timescale", &*timescale.to_string()),
            ("presentationTimeOffset", &self.media_start.to_string()),
            ("initialization", &self.header.name),
            ("media", &format!("{name}-$Number$.{extension}")),
            ("startNumber", &self.first_sequence.to_string()),
        ]);
        template.write_inner_content(|xml| {
            xml.create_element("SegmentTimeline").write_inner_content(|xml| {
                self.lines.iter().try_for_each(|line| line.write(xml))
            })?;
            Ok(())
        })?;
        Ok(())
    }
}

impl Line {
    fn of(times: &Times) -> Self {
        Line { start: times.presentation_time, ticks: times.ticks, count: 1 }
    }

    fn is_followed_by(&self, times: &Times) -> bool {
        let end = self.start.saturating_add(self.ticks.saturating_mul(self.count));
        times.ticks == self.ticks && times.presentation_time == end
    }

    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let (start, ticks) = (self.start.to_string(), self.ticks.to_string());
        let mut line = xml.create_element("S").with_attributes([("t", &*start), ("d", &ticks)]);
        if self.count > 1 {
            line = line.with_attribute(("r", &*(self.count - 1).to_string()));
        }
        line.write_empty()?;
        Ok(())
    }
}

/// Whole, or in units of 1/1001, as television has them.
fn fraction(frames_per_second: f64) -> String {
    let whole = frames_per_second.round();
    match (frames_per_second - whole).abs() < 0.001 {
        true => format!("{whole}"),
        false => format!("{}/1001", (frames_per_second * 1001.0).round()),
    }
}

#[cfg(test)]
mod tests {
    use quick_xml::Writer;

    use super::*;

    #[test]
    fn segments_that_follow_each_other_are_one_line_and_those_that_do_not_are_several() {
        let times = |presentation_time, ticks| Times {
            decode_time: presentation_time,
            presentation_time,
            ticks,
            timescale: 1_000,
            starts_with_sync_sample: true,
        };
        let mut line = Line::of(&times(500, 2_000));
        for (at, ticks, follows) in
            [(2_500, 2_000, true), (4_500, 1_999, false), (4_499, 2_000, false)]
        {
            assert_eq!(line.is_followed_by(&times(at, ticks)), follows, "{at}");
            line.count += u64::from(follows);
        }
        let mut xml = Writer::new(Vec::new());
        line.write(&mut xml).expect("memory");
        assert_eq!(xml.into_inner(), br#"<S t="500" d="2000" r="1"/>"#);
    }
}
