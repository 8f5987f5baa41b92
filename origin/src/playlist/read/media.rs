//! A media playlist: the segments of one track, with their numbers, times and places.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use quick_m3u8::config::ParsingOptionsBuilder;
use quick_m3u8::tag::hls::{EnumeratedString, Key, Map, Method, Tag};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Line, Lines, PlaylistError, Resource};
use crate::limits::{ENTRY_DURATION_MAX, PLAYLIST_ENTRIES_MAX, SEQUENCE_MAX};
use crate::playlist::hls::DATE_READ;

/// The segments of one track, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MediaPlaylist {
    /// No segment should be longer; 1 s at the least. What is polled is polled this often.
    pub(crate) target: Duration,
    /// Their numbers are consecutive.
    pub(crate) entries: Vec<Entry>,
    /// No segment will follow (EXT-X-ENDLIST).
    pub(crate) is_over: bool,
}

/// One segment of a playlist.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Its Media Sequence Number.
    pub(crate) sequence: u64,
    /// Its Discontinuity Sequence Number: those that share it share a run of timestamps.
    pub(crate) timeline: u64,
    /// At most [`ENTRY_DURATION_MAX`].
    pub(crate) duration: Duration,
    /// The wall clock at its first frame, by its own EXT-X-PROGRAM-DATE-TIME, or by another
    /// segment's and the durations between; none when the playlist has no readable date at all.
    pub(crate) recorded_at: Option<SystemTime>,
    pub(crate) file: Resource,
    /// The CMAF header that it needs (EXT-X-MAP). Shared by all that need it.
    pub(crate) header: Option<Arc<Resource>>,
    /// There is none of this number (EXT-X-GAP).
    pub(crate) is_gap: bool,
}

pub(super) fn read(text: &str) -> Result<MediaPlaylist, PlaylistError> {
    let mut options = ParsingOptionsBuilder::new();
    options.with_parsing_for_targetduration().with_parsing_for_media_sequence();
    options.with_parsing_for_discontinuity_sequence().with_parsing_for_discontinuity();
    options.with_parsing_for_inf().with_parsing_for_byterange().with_parsing_for_map();
    options.with_parsing_for_key().with_parsing_for_gap().with_parsing_for_endlist();
    options.with_parsing_for_define().with_parsing_for_skip().with_parsing_for_i_frames_only();
    let mut reading = Reading::new(Lines::new(text, options.build()));
    while let Some(line) = reading.lines.next()? {
        match line {
            Line::Tag(tag) => reading.tag(tag)?,
            // One that is not understood is as good as none.
            Line::Date(date) => reading.recorded_at = date_of(date).or(reading.recorded_at),
            Line::Uri(uri) => reading.segment(uri)?,
        }
    }
    let target = reading.target.ok_or(PlaylistError::Missing("#EXT-X-TARGETDURATION"))?;
    date_backwards(&mut reading.entries);
    Ok(MediaPlaylist { target, entries: reading.entries, is_over: reading.is_over })
}

/// What has been read, and what holds for the next segment.
struct Reading<'a> {
    lines: Lines<'a>,
    target: Option<Duration>,
    entries: Vec<Entry>,
    is_over: bool,
    sequence: u64,
    timeline: u64,
    duration: Option<Duration>,
    recorded_at: Option<SystemTime>,
    header: Option<Arc<Resource>>,
    part: Option<(u64, Option<u64>)>,
    is_gap: bool,
}

impl<'a> Reading<'a> {
    fn new(lines: Lines<'a>) -> Self {
        Reading {
            lines,
            target: None,
            entries: Vec::new(),
            is_over: false,
            sequence: 0,
            timeline: 0,
            duration: None,
            recorded_at: None,
            header: None,
            part: None,
            is_gap: false,
        }
    }

    fn tag(&mut self, tag: Tag<'_>) -> Result<(), PlaylistError> {
        let line = &self.lines;
        match tag {
            Tag::Targetduration(target) => {
                let target = Duration::from_secs(target.target_duration().max(1));
                let not_understood = || line.not_understood("#EXT-X-TARGETDURATION");
                self.target = Some(duration_within(target).ok_or_else(not_understood)?);
            }
            Tag::MediaSequence(first) => {
                let first = self.first(first.media_sequence());
                let not_understood = || line.not_understood("#EXT-X-MEDIA-SEQUENCE");
                self.sequence = first.ok_or_else(not_understood)?;
            }
            Tag::DiscontinuitySequence(first) => {
                let first = self.first(first.discontinuity_sequence());
                let not_understood = || line.not_understood("#EXT-X-DISCONTINUITY-SEQUENCE");
                self.timeline = first.ok_or_else(not_understood)?;
            }
            Tag::Discontinuity(_) => self.timeline = self.timeline.saturating_add(1),
            Tag::Inf(inf) => {
                let duration = Duration::try_from_secs_f64(inf.duration()).ok();
                let duration = duration.and_then(duration_within);
                self.duration = Some(duration.ok_or_else(|| line.not_understood("#EXTINF"))?);
            }
            Tag::Byterange(part) => self.part = Some((part.length(), part.offset())),
            Tag::Map(map) => self.header = Some(self.header(&map)?),
            Tag::Key(key) => self.key(&key)?,
            Tag::Gap(_) => self.is_gap = true,
            Tag::Endlist(_) => self.is_over = true,
            Tag::Define(_) => return Err(line.not_supported("#EXT-X-DEFINE")),
            Tag::Skip(_) => return Err(line.not_supported("#EXT-X-SKIP")),
            Tag::IFramesOnly(_) => return Err(line.not_supported("#EXT-X-I-FRAMES-ONLY")),
            _ => {}
        }
        Ok(())
    }

    /// The number of the first segment, told before it.
    fn first(&self, number: u64) -> Option<u64> {
        (self.entries.is_empty() && number <= SEQUENCE_MAX).then_some(number)
    }

    /// A header holds until another one is named; what repeats the one before is the same.
    fn header(&self, map: &Map<'_>) -> Result<Arc<Resource>, PlaylistError> {
        let not_understood = || self.lines.not_understood("#EXT-X-MAP");
        let range = match map.byterange() {
            Some(part) => Some(range(part.offset, part.length).ok_or_else(not_understood)?),
            None => None,
        };
        let header = Resource { uri: self.lines.uri(map.uri())?, range };
        match &self.header {
            Some(before) if **before == header => Ok(before.clone()),
            _ => Ok(Arc::new(header)),
        }
    }

    /// Nothing could be checked in what is encrypted, and keys are not this origin's to hand out.
    fn key(&self, key: &Key<'_>) -> Result<(), PlaylistError> {
        let method = match key.method() {
            EnumeratedString::Known(Method::None) => return Ok(()),
            EnumeratedString::Known(Method::Aes128) => "AES-128",
            EnumeratedString::Known(Method::SampleAes) => "SAMPLE-AES",
            EnumeratedString::Known(Method::SampleAesCtr) => "SAMPLE-AES-CTR",
            EnumeratedString::Unknown(_) => "another",
        };
        Err(PlaylistError::Encrypted { line: self.lines.number, method })
    }

    fn segment(&mut self, uri: &str) -> Result<(), PlaylistError> {
        if self.entries.len() == PLAYLIST_ENTRIES_MAX {
            return Err(PlaylistError::TooMany { max: PLAYLIST_ENTRIES_MAX, what: "segments" });
        }
        let not_understood = || self.lines.not_understood(uri);
        let duration = self.duration.take().ok_or_else(not_understood)?;
        let range = match self.part.take() {
            Some((length, offset)) => {
                let offset = offset.or_else(|| self.end_of_the_part_before(uri));
                Some(offset.and_then(|offset| range(offset, length)).ok_or_else(not_understood)?)
            }
            None => None,
        };
        let recorded_at = self.recorded_at;
        self.entries.push(Entry {
            sequence: self.sequence,
            timeline: self.timeline,
            duration,
            recorded_at,
            file: Resource { uri: self.lines.uri(uri)?, range },
            header: self.header.clone(),
            is_gap: std::mem::take(&mut self.is_gap),
        });
        self.recorded_at = recorded_at.and_then(|at| at.checked_add(duration));
        self.sequence += 1;
        Ok(())
    }

    /// RFC 8216, 4.3.2.2: a part without a place begins where the one before ends, in the same file.
    fn end_of_the_part_before(&self, uri: &str) -> Option<u64> {
        let before = self.entries.last().filter(|before| before.file.uri == uri)?;
        before.file.range.as_ref().map(|range| range.end)
    }
}

/// Dates what comes before the first date, by the durations between.
fn date_backwards(entries: &mut [Entry]) {
    let mut next = None;
    for entry in entries.iter_mut().rev() {
        let by_the_next = next.and_then(|at: SystemTime| at.checked_sub(entry.duration));
        entry.recorded_at = entry.recorded_at.or(by_the_next);
        next = entry.recorded_at;
    }
}

fn range(offset: u64, length: u64) -> Option<Range<u64>> {
    let end = offset.checked_add(length)?;
    (length > 0).then_some(offset..end)
}

fn duration_within(duration: Duration) -> Option<Duration> {
    (duration <= ENTRY_DURATION_MAX).then_some(duration)
}

/// RFC 3339, or ffmpeg's way; `None` as well for what is before the epoch.
fn date_of(date: &str) -> Option<SystemTime> {
    let read = OffsetDateTime::parse(date, &Rfc3339);
    let date = read.or_else(|_| OffsetDateTime::parse(date, DATE_READ)).ok()?;
    (date.unix_timestamp() >= 0).then(|| date.into())
}

#[cfg(test)]
mod tests;
