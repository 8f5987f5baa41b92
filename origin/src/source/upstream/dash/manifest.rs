//! A DASH manifest in the terms of this origin: its periods with their representations, each of which
//! is a track, and the segments that they have at a moment.

use std::time::{Duration, SystemTime};

use super::mpd::{AdaptationSet, Mpd, Period, Representation, Run, Template};
use super::template::{Values, expand, is_by_time};
use crate::fetch::Place;
use crate::limits::{
    ENTRY_DURATION_MAX, PLAYLIST_ENTRIES_MAX, PLAYLIST_URI_BYTES_MAX, TRACKS_MAX,
    UPSTREAM_PERIODS_MAX,
};
use crate::playlist::{Container, Content, Track};

/// Segments of a template without a timeline that are looked back at.
const SEGMENTS_BACK: u64 = 30;

/// What a manifest says.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) parts: Vec<Part>,
    /// No segment will follow.
    pub(super) is_over: bool,
    /// None when it never changes.
    pub(super) update_period: Option<Duration>,
}

/// A period: its segments share their timestamps.
#[derive(Debug)]
pub(super) struct Part {
    /// The same whenever the manifest is read.
    pub(super) key: String,
    /// The wall clock at its begin.
    begins_at: Option<SystemTime>,
    /// How long it plays, when that is known.
    length: Option<Duration>,
    pub(super) representations: Vec<Described>,
    /// The lengths of the leading representation's segments, by which those without numbers are
    /// numbered.
    grid: Option<Grid>,
}

/// One representation, which is a track.
#[derive(Debug)]
pub(super) struct Described {
    /// Still without a name.
    pub(super) track: Track,
    pub(super) id: String,
    /// Its template for media, for a name.
    pub(super) media: String,
    base: Place,
    template: Template,
}

/// Segments that begin every `ticks`, at `phase` first; in ticks of `timescale`.
#[derive(Debug, Clone, Copy)]
struct Grid {
    ticks: u64,
    phase: u64,
    timescale: u64,
}

/// One segment.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// In ticks; with the period it tells segments apart.
    pub(super) time: u64,
    /// The number that the upstream gives, or that follows from the time. Within a period it grows.
    pub(super) number: u64,
    /// Whether the number follows from the time, so that it may be off by one.
    pub(super) is_by_time: bool,
    pub(super) duration: Duration,
    pub(super) recorded_at: Option<SystemTime>,
}

impl Manifest {
    /// # Errors
    /// What cannot be played from here, and why.
    pub(super) fn read(bytes: &[u8], place: &Place) -> Result<Self, String> {
        let mpd = Mpd::read(bytes)?;
        let periods = mpd.periods.len();
        if periods > UPSTREAM_PERIODS_MAX {
            return Err(format!("{periods} periods, but at most {UPSTREAM_PERIODS_MAX} are read"));
        }
        let base = based(place, &mpd.base_url)?;
        let mut parts: Vec<Part> = Vec::new();
        let mut next_start = Some(Duration::ZERO);
        for (index, period) in mpd.periods.iter().enumerate() {
            let start = period.start().or(next_start);
            let following = mpd.periods.get(index + 1).and_then(Period::start);
            let length = period.duration();
            let length = length.or_else(|| following?.checked_sub(start?));
            let is_last = index + 1 == mpd.periods.len();
            let length = length.or_else(|| mpd.length().filter(|_| is_last)?.checked_sub(start?));
            next_start = start.zip(length).map(|(start, length)| start.saturating_add(length));
            let begins_at =
                mpd.begins_at().zip(start).and_then(|(at, start)| at.checked_add(start));
            let part = Part::read(period, &base, index, begins_at, length)?;
            if !part.representations.is_empty() {
                parts.push(part);
            }
        }
        if parts.is_empty() {
            return Err("it has no picture and no sound in segments by a template".to_owned());
        }
        Ok(Manifest { parts, is_over: mpd.is_over(), update_period: mpd.update_period() })
    }
}

impl Part {
    fn read(
        period: &Period,
        base: &Place,
        index: usize,
        begins_at: Option<SystemTime>,
        length: Option<Duration>,
    ) -> Result<Self, String> {
        let base = based(base, &period.base_url)?;
        let outer = period.template.clone().unwrap_or_default();
        let mut representations = Vec::new();
        for set in &period.sets {
            let base = based(&base, &set.base_url)?;
            let outer = set.template.clone().unwrap_or_default().within(&outer);
            for representation in &set.representations {
                representations.extend(Described::read(set, representation, &base, &outer)?);
            }
        }
        if representations.len() > TRACKS_MAX {
            let count = representations.len();
            return Err(format!("it has {count} tracks, but at most {TRACKS_MAX} are taken"));
        }
        let is_picture = |of: &&Described| of.track.content != Content::Audio;
        let leading = representations.iter().find(is_picture).or(representations.first());
        let grid = leading.and_then(|leading| leading.grid());
        let start =
            period.id.clone().or_else(|| period.start().map(|at| at.as_millis().to_string()));
        let key = start.unwrap_or_else(|| format!("#{index}"));
        Ok(Part { key, begins_at, length, representations, grid })
    }

    /// The representation that is a track: by its id, or else the first of the kind.
    pub(super) fn representation(&self, id: &str, content: Content) -> Option<&Described> {
        let by_id = self.representations.iter().find(|of| of.id == id);
        by_id.or_else(|| self.representations.iter().find(|of| of.track.content == content))
    }

    /// The segments of a representation that are there at `now`, oldest first.
    pub(super) fn segments(&self, of: &Described, now: SystemTime) -> Vec<Segment> {
        let template = &of.template;
        let timescale = template.timescale.unwrap_or(1).max(1);
        let offset = template.presentation_time_offset.unwrap_or(0);
        let first = template.start_number.unwrap_or(1);
        let is_by_time = is_by_time(&of.media);
        let segment = |index: u64, time: u64, ticks: u64| {
            let number = match (is_by_time, self.grid) {
                (true, Some(grid)) => grid.number(time, timescale),
                _ => first.saturating_add(index),
            };
            let since = seconds(time.saturating_sub(offset), timescale);
            let recorded_at =
                self.begins_at.zip(since).and_then(|(at, since)| at.checked_add(since));
            let duration = seconds(ticks, timescale).filter(|of| *of <= ENTRY_DURATION_MAX)?;
            Some(Segment { time, number, is_by_time, duration, recorded_at })
        };
        match (&template.timeline, template.duration) {
            (Some(timeline), _) => {
                let times = times(&timeline.runs).unwrap_or_default();
                let segments = times.iter().enumerate();
                segments.filter_map(|(index, (t, d))| segment(index as u64, *t, *d)).collect()
            }
            (None, Some(ticks)) if ticks > 0 => {
                let count = self.count(ticks, timescale, now);
                let end =
                    template.end_number.map(|end| end.saturating_add(1).saturating_sub(first));
                let count = end.map_or(count, |end| count.min(end));
                let indices = count.saturating_sub(SEGMENTS_BACK)..count;
                let at = |index: u64| index.checked_mul(ticks)?.checked_add(offset);
                indices.filter_map(|index| segment(index, at(index)?, ticks)).collect()
            }
            (None, _) => Vec::new(),
        }
    }

    /// How many segments of this length are complete at `now`.
    fn count(&self, ticks: u64, timescale: u64, now: SystemTime) -> u64 {
        let in_ticks = |length: Duration| length.as_nanos() * u128::from(timescale) / 1_000_000_000;
        let all = self.length.map(|length| in_ticks(length).div_ceil(u128::from(ticks)));
        let since = self.begins_at.and_then(|at| now.duration_since(at).ok());
        let complete = since.map(|since| in_ticks(since) / u128::from(ticks));
        let count = match (all, complete) {
            (Some(all), Some(complete)) => all.min(complete),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 0,
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

impl Described {
    /// `None` for what is neither picture nor sound.
    fn read(
        set: &AdaptationSet,
        of: &Representation,
        base: &Place,
        outer: &Template,
    ) -> Result<Option<Self>, String> {
        let mime = of.mime_type.as_deref().or(set.mime_type.as_deref());
        let kind = mime.or(set.content_type.as_deref()).unwrap_or_default();
        let (kind, format) = kind.split_once('/').unwrap_or((kind, "mp4"));
        let content = match kind {
            "video" => Content::Video,
            "audio" => Content::Audio,
            _ => return Ok(None),
        };
        if format != "mp4" {
            return Err(format!("it has a track that is no MP4 ({kind})"));
        }
        if !(set.protection.is_empty() && of.protection.is_empty()) {
            return Err("its segments are encrypted (it has a ContentProtection)".to_owned());
        }
        let base = based(base, &of.base_url)?;
        let template = of.template.clone().unwrap_or_default().within(outer);
        let Some(media) = template.media.clone() else {
            return Err("it has a track without a SegmentTemplate".to_owned());
        };
        if let Some(timeline) = &template.timeline {
            times(&timeline.runs)?;
        }
        let inherited = |of: &Option<String>, set: &Option<String>| of.clone().or(set.clone());
        let number = |text: Option<String>| text.and_then(|text| text.parse::<u32>().ok());
        let pixels = number(inherited(&of.width, &set.width));
        let pixels = pixels.zip(number(inherited(&of.height, &set.height)));
        let safe = |text: &str, others: &[u8]| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
            (1..=200).contains(&text.len()) && text.bytes().all(fits)
        };
        let track = Track {
            bits_per_second: of.bandwidth,
            codecs: inherited(&of.codecs, &set.codecs).filter(|codecs| safe(codecs, b"., ")),
            pixels,
            frames_per_second: inherited(&of.frame_rate, &set.frame_rate)
                .and_then(|rate| frames(&rate)),
            language: set.lang.clone().filter(|lang| safe(lang, b"-") && lang != "und"),
            ..Track::new("", content, Container::Cmaf)
        };
        Ok(Some(Described { track, id: of.id.clone(), media, base, template }))
    }

    /// The most common length of its segments, and where they begin.
    fn grid(&self) -> Option<Grid> {
        let timescale = self.template.timescale.unwrap_or(1).max(1);
        let runs = &self.template.timeline.as_ref()?.runs;
        let longest = runs.iter().max_by_key(|run| run.r.unwrap_or(0))?;
        let ticks = longest.d;
        let (time, _) = *times(runs).ok()?.iter().find(|(_, d)| *d == ticks)?;
        Some(Grid { ticks, phase: time % ticks, timescale })
    }

    /// How long its segments mostly are.
    pub(super) fn target(&self) -> Option<Duration> {
        let timescale = self.template.timescale.unwrap_or(1).max(1);
        let ticks = self.grid().map(|grid| grid.ticks).or(self.template.duration)?;
        seconds(ticks, timescale)
    }

    /// Whether new segments are there without the manifest saying so.
    pub(super) fn is_by_clock(&self) -> bool {
        self.template.timeline.is_none()
    }

    /// Where a segment is, and its header.
    pub(super) fn places(&self, segment: &Segment) -> Result<(Place, Option<Place>), String> {
        let values = Values {
            representation_id: &self.id,
            bandwidth: self.track.bits_per_second.unwrap_or(0),
            number: segment.number,
            time: segment.time,
        };
        let place = |template: &str| {
            let name = expand(template, values)
                .filter(|name| name.len() <= PLAYLIST_URI_BYTES_MAX)
                .ok_or("it has a template that is not understood")?;
            let place = self.base.join(&name).filter(|place| self.base.may_lead_to(place));
            place.ok_or_else(|| "it names a file that cannot be fetched".to_owned())
        };
        let header = self.template.initialization.as_deref().map(place).transpose()?;
        Ok((place(&self.media)?, header))
    }
}

impl Grid {
    /// The number of the segment that begins nearest to this time.
    fn number(self, time: u64, timescale: u64) -> u64 {
        let time = u128::from(time) * u128::from(self.timescale) / u128::from(timescale);
        let ticks = u128::from(self.ticks);
        let number = (time + ticks / 2).saturating_sub(u128::from(self.phase)) / ticks;
        u64::try_from(number).unwrap_or(u64::MAX)
    }
}

/// When the segments of a timeline begin, and how long they are, in ticks.
fn times(runs: &[Run]) -> Result<Vec<(u64, u64)>, String> {
    let mut times = Vec::new();
    let mut next = 0u64;
    for run in runs {
        let repeats = match run.r {
            Some(repeats) if repeats < 0 => {
                return Err("it has a timeline with a negative S@r, which is not read".to_owned());
            }
            repeats => repeats.unwrap_or(0) as u64,
        };
        if run.d == 0 || times.len() as u64 + repeats >= PLAYLIST_ENTRIES_MAX as u64 {
            return Err(format!("it has more than {PLAYLIST_ENTRIES_MAX} segments, or empty ones"));
        }
        let mut at = run.t.unwrap_or(next);
        for _ in 0..=repeats {
            times.push((at, run.d));
            at = at.checked_add(run.d).ok_or("its timeline does not end")?;
        }
        next = at;
    }
    Ok(times)
}

fn seconds(ticks: u64, timescale: u64) -> Option<Duration> {
    Duration::try_from_secs_f64(ticks as f64 / timescale as f64).ok()
}

/// `30000/1001` or `25`.
fn frames(rate: &str) -> Option<f64> {
    let (above, below) = rate.split_once('/').unwrap_or((rate, "1"));
    let frames = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;
    (frames.is_finite() && frames > 0.0).then_some(frames)
}

/// The place that a BaseURL leads to.
fn based(place: &Place, base_url: &[String]) -> Result<Place, String> {
    let Some(url) = base_url.first() else {
        return Ok(place.clone());
    };
    let based = place.join(url.trim()).filter(|based| place.may_lead_to(based));
    based.ok_or_else(|| "it has a BaseURL that cannot be fetched from".to_owned())
}

#[cfg(test)]
mod tests;
