//! The DASH manifest (ISO/IEC 23009-1, live profile) of a stream whose tracks are CMAF, pictures
//! and sound apart. Its times are the wall clock's, counted from the epoch: what a manifest says of
//! a segment is the same in each one that shows it, from each origin, after each restart.

mod representation;

use std::io;
use std::time::{Duration, SystemTime};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, Event};

use super::date::date;
use super::periods::Period;
use super::presentation::Presentation;
use super::track::{Container, Content};
use representation::Representation;

/// Where a player asks what time it is, beside the manifest: its own clock may be wrong by more
/// than the window is long.
pub(crate) const CLOCK: &str = "time";

/// How far behind the newest segment to play, in segments: one is under way, one may be as old as a
/// manifest's copy, and two are in reserve.
const DELAY_SEGMENTS: u32 = 4;

type Xml = Writer<Vec<u8>>;

/// Whether a stream can be played with DASH at all.
pub(crate) fn is_possible(presentation: &Presentation) -> bool {
    presentation
        .tracks()
        .iter()
        .all(|of| of.track.container == Container::Cmaf && of.track.content != Content::Muxed)
}

/// The manifest, or `None` as long as there is no period of which each track has something.
pub(crate) fn render(presentation: &Presentation) -> Option<String> {
    let periods = presentation.periods();
    let shown: Vec<_> = periods.filter_map(|period| Shown::of(presentation, period)).collect();
    if shown.is_empty() {
        return None;
    }
    // Writing to memory cannot fail, and what is written is text.
    String::from_utf8(write(presentation, &shown).ok()?).ok()
}

fn write(presentation: &Presentation, periods: &[Shown<'_>]) -> io::Result<Vec<u8>> {
    let target = presentation.target();
    let shown = || presentation.tracks().iter().flat_map(|of| of.window.shown());
    let longest = shown().map(|segment| segment.duration).max().unwrap_or(target).max(target);
    let published = shown().map(|segment| segment.recorded_at + segment.duration).max();
    let depth = target * u32::try_from(presentation.playlist_segments()).unwrap_or(u32::MAX);

    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mpd = xml.create_element("MPD").with_attributes([
        ("xmlns", "urn:mpeg:dash:schema:mpd:2011"),
        ("profiles", "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"),
        ("type", "dynamic"),
        ("availabilityStartTime", &date(SystemTime::UNIX_EPOCH)),
        ("publishTime", &date(published.unwrap_or(SystemTime::UNIX_EPOCH))),
        ("minimumUpdatePeriod", &iso(target)),
        ("minBufferTime", &iso(target)),
        ("timeShiftBufferDepth", &iso(depth)),
        ("suggestedPresentationDelay", &iso(target * DELAY_SEGMENTS)),
        ("maxSegmentDuration", &iso(longest)),
    ]);
    mpd.write_inner_content(|xml| {
        periods.iter().try_for_each(|period| period.write(xml))?;
        let clock = [("schemeIdUri", "urn:mpeg:dash:utc:http-iso:2014"), ("value", CLOCK)];
        xml.create_element("UTCTiming").with_attributes(clock).write_empty()?;
        Ok(())
    })?;
    Ok(xml.into_inner())
}

/// A period with the tracks of which something is shown.
struct Shown<'a> {
    period: &'a Period,
    representations: Vec<Representation<'a>>,
}

impl<'a> Shown<'a> {
    /// `None` when a track has nothing of it: players want each track in each period. That is so
    /// while a period begins, when it has almost left the window, and when a source broke off.
    fn of(presentation: &'a Presentation, period: &'a Period) -> Option<Self> {
        let tracks = presentation.tracks().iter();
        let representations = tracks.map(|of| Representation::of(of, period));
        Some(Shown { period, representations: representations.collect::<Option<_>>()? })
    }

    /// Its id is its start, which no other has.
    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        let start = self.period.start;
        let (id, start) = (start.as_millis().to_string(), iso(start));
        let period =
            xml.create_element("Period").with_attributes([("id", &*id), ("start", &start)]);
        period.write_inner_content(|xml| {
            let mut sets: Vec<Vec<&Representation<'_>>> = Vec::new();
            for one in &self.representations {
                match sets
                    .iter_mut()
                    .find(|set| set.iter().all(|other| other.is_alternative_to(one)))
                {
                    Some(set) => set.push(one),
                    None => sets.push(vec![one]),
                }
            }
            sets.iter().enumerate().try_for_each(|(id, set)| adaptation_set(xml, id, set))
        })?;
        Ok(())
    }
}

/// Tracks between which a player may choose at any segment.
fn adaptation_set(xml: &mut Xml, id: usize, set: &[&Representation<'_>]) -> io::Result<()> {
    let [first, ..] = set else {
        return Ok(());
    };
    let (content, media_type) = match first.of.track.content {
        Content::Audio => ("audio", "audio/mp4"),
        Content::Video | Content::Muxed => ("video", "video/mp4"),
    };
    let id = id.to_string();
    let mut element = xml.create_element("AdaptationSet").with_attributes([
        ("id", &*id),
        ("contentType", content),
        ("mimeType", media_type),
        ("segmentAlignment", "true"),
        ("startWithSAP", "1"),
    ]);
    if let Some(language) = &first.of.track.language {
        element = element.with_attribute(("lang", language.as_str()));
    }
    element.write_inner_content(|xml| set.iter().try_for_each(|one| one.write(xml)))?;
    Ok(())
}

/// ISO 8601, as XML writes durations.
fn iso(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("PT{}S", duration.as_secs()),
        millis => format!("PT{}.{millis:03}S", duration.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::playlist::samples::{self, aac, h264};
    use crate::playlist::{Delivery, Track};

    /// 2026-11-25T20:00:00Z.
    const STARTED: Duration = Duration::from_secs(1_795_636_800);

    fn tracks() -> Vec<Track> {
        let cmaf = |name, content| Track::new(name, content, Container::Cmaf);
        vec![
            Track {
                frames_per_second: Some(30_000.0 / 1_001.0),
                bits_per_second: Some(90_000),
                ..cmaf("low", Content::Video)
            },
            Track { bits_per_second: Some(200_000), ..cmaf("high", Content::Video) },
            Track {
                language: Some("<en>".to_owned()),
                bits_per_second: Some(16_000),
                ..cmaf("audio", Content::Audio)
            },
        ]
    }

    fn presentation() -> Presentation {
        let mut presentation = Presentation::new(3, UNIX_EPOCH + Duration::from_secs(100));
        presentation.declare(tracks(), Duration::from_secs(1)).expect("tracks that can be played");
        presentation
    }

    /// A segment of each track, at a second after the start; all have the same timestamps.
    fn push(all: &mut Presentation, timeline: u64, second: u64, tracks: &[usize]) {
        for track in tracks {
            let (header, bytes) = if *track == 2 { aac() } else { h264() };
            let delivery = Delivery {
                track: *track,
                timeline,
                recorded_at: UNIX_EPOCH + STARTED + Duration::from_secs(second),
                header: Some(header),
                bytes,
                ..samples::delivery(Container::Cmaf)
            };
            all.push(delivery).expect("a whole segment");
        }
    }

    fn rendered(all: &Presentation) -> String {
        let text = render(all).expect("a manifest");
        // Of these it is known already that they follow from the content.
        let names = text.split("-header-").map(|part| match part.split_once(".mp4") {
            Some((digits, rest)) if digits.len() == 8 => format!("DIGEST.mp4{rest}"),
            _ => part.to_owned(),
        });
        names.collect::<Vec<_>>().join("-header-")
    }

    fn attributes<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
        let begin = format!(" {name}=\"");
        text.split(&*begin).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn a_manifest_is_written_as_players_want_it() {
        let mut all = presentation();
        push(&mut all, 0, 0, &[0, 1, 2]);
        push(&mut all, 1, 7, &[0, 1, 2]);
        let golden = include_str!("../../../tests/samples/manifest.mpd");
        assert_eq!(rendered(&all), golden.trim_end());
    }

    #[test]
    fn a_period_is_shown_when_all_tracks_have_something_of_it() {
        let mut all = presentation();
        push(&mut all, 0, 0, &[0, 1]);
        assert_eq!(render(&all), None);
        push(&mut all, 0, 0, &[2]);
        push(&mut all, 1, 2, &[0, 2]);
        assert_eq!(attributes(&rendered(&all), "start").len(), 1);
        push(&mut all, 1, 2, &[1]);
        assert_eq!(attributes(&rendered(&all), "start").len(), 2);
    }

    #[test]
    fn a_period_keeps_its_id_and_start_as_long_as_anything_of_it_is_shown() {
        let mut all = presentation();
        push(&mut all, 0, 0, &[0, 1, 2]);
        let mut seen = vec![];
        for second in 1..=6 {
            push(&mut all, 1, 10 * second, &[0, 1, 2]);
            let text = rendered(&all);
            seen.push((
                attributes(&text, "id")[0].to_owned(),
                attributes(&text, "start").join(" "),
                attributes(&text, "startNumber").join(" "),
            ));
        }
        let both = "PT1795636799.800S PT1795636809.800S";
        let one = "PT1795636809.800S";
        let starts: Vec<_> = seen.iter().map(|(_, start, _)| start.as_str()).collect();
        assert_eq!(starts, [both, both, one, one, one, one]);
        assert_eq!(seen[5].0, "1795636809800");
        assert_eq!(seen[0].2, "100 100 100 101 101 101");
        // Their timestamps do not go forward, so that each replaces the one before.
        assert_eq!(seen[5].2, "106 106 106");
    }
}
