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
mod tests {
    use super::super::HlsPlaylist;
    use super::*;

    fn playlist(lines: &str) -> Result<MediaPlaylist, PlaylistError> {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{lines}");
        match HlsPlaylist::read(text.as_bytes())? {
            HlsPlaylist::Media(media) => Ok(media),
            HlsPlaylist::Multivariant(other) => panic!("{other:?}"),
        }
    }

    fn entries(lines: &str) -> Vec<Entry> {
        playlist(lines).expect("a playlist").entries
    }

    fn refusal(lines: &str) -> String {
        playlist(lines).expect_err("a refusal").to_string()
    }

    /// 2026-11-23T00:57:40.963Z.
    fn moment() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_395_460_963)
    }

    #[test]
    fn segments_have_numbers_times_and_places() {
        let read = playlist(
            "#EXT-X-MEDIA-SEQUENCE:41\r\n#EXT-X-DISCONTINUITY-SEQUENCE:3\r\n\
             #EXT-X-PROGRAM-DATE-TIME:2026-11-23T01:57:40.963+01:00\r\n\
             #EXTINF:2.002,a title, with a comma\r\nv-41.m4s\r\n\r\n# a remark\r\n\
             #EXT-X-PART:DURATION=0.3,URI=\"v-42.1.m4s\"\r\n\
             #EXT-X-DISCONTINUITY\r\n#EXTINF:1.5\r\nhttps://cdn.example/v-42.m4s?key=1",
        );
        let entry = |sequence, timeline, millis, after_millis, uri: &str| Entry {
            sequence,
            timeline,
            duration: Duration::from_millis(millis),
            recorded_at: Some(moment() + Duration::from_millis(after_millis)),
            file: Resource { uri: uri.to_owned(), range: None },
            header: None,
            is_gap: false,
        };
        let expected = MediaPlaylist {
            target: Duration::from_secs(2),
            entries: vec![
                entry(41, 3, 2002, 0, "v-41.m4s"),
                entry(42, 4, 1500, 2002, "https://cdn.example/v-42.m4s?key=1"),
            ],
            is_over: false,
        };
        assert_eq!(read, Ok(expected));
        assert!(playlist("#EXT-X-ENDLIST").expect("a playlist").is_over);
    }

    #[test]
    fn a_date_is_read_as_rfc_3339_or_ffmpeg_writes_it_and_dates_the_others() {
        for date in ["2026-11-23T00:57:40.963Z", "2026-11-23T01:57:40.963+0100"] {
            let second = format!("#EXT-X-PROGRAM-DATE-TIME:{date}\n#EXTINF:2,\n2.ts\n");
            let dated = entries(&format!("#EXTINF:1,\n1.ts\n{second}#EXTINF:2,\n3.ts\n"));
            let dates = dated.iter().map(|entry| entry.recorded_at.expect("a date"));
            let around = [-1.0, 0.0, 2.0].map(|seconds: f64| match seconds < 0.0 {
                true => moment() - Duration::from_secs_f64(-seconds),
                false => moment() + Duration::from_secs_f64(seconds),
            });
            assert_eq!(dates.collect::<Vec<_>>(), around);
        }
        let odd = entries("#EXT-X-PROGRAM-DATE-TIME:today\n#EXTINF:1,\n1.ts\n");
        assert_eq!(odd[0].recorded_at, None);
        let early = entries("#EXT-X-PROGRAM-DATE-TIME:0001-01-01T00:00:00Z\n#EXTINF:1,\n1.ts\n");
        assert_eq!(early[0].recorded_at, None);
    }

    #[test]
    fn a_header_holds_until_another_and_is_shared() {
        let [one, again, two] = ["one.mp4", "one.mp4", "two.mp4"]
            .map(|uri| format!("#EXT-X-MAP:URI=\"{uri}\",BYTERANGE=\"9@1\"\n#EXTINF:1,\ns\n"));
        let read = entries(&format!("{one}#EXTINF:1,\ns\n{again}{two}"));
        let headers: Vec<_> = read.iter().filter_map(|entry| entry.header.clone()).collect();
        assert!(Arc::ptr_eq(&headers[0], &headers[1]) && Arc::ptr_eq(&headers[1], &headers[2]));
        let second = Resource { uri: "two.mp4".to_owned(), range: Some(1..10) };
        assert_eq!((headers.len(), &*headers[3]), (4, &second));
    }

    #[test]
    fn parts_of_one_file_follow_each_other() {
        let part = |value: &str, uri| format!("#EXT-X-BYTERANGE:{value}\n#EXTINF:1,\n{uri}\n");
        let read = entries(&[part("10@5", "a"), part("20", "a"), part("5@0", "b")].concat());
        let ranges: Vec<_> = read.into_iter().filter_map(|entry| entry.file.range).collect();
        assert_eq!(ranges, [5..15, 15..35, 0..5]);
        for odd in [part("20", "a"), part("10@5", "a") + &part("20", "b"), part("0@5", "a")] {
            assert!(refusal(&odd).ends_with("a URI, is not understood"), "{odd}");
        }
        let beyond = refusal(&part("18446744073709551615@1", "a"));
        assert_eq!(beyond, "line 5, a URI, is not understood");
    }

    #[test]
    fn a_gap_is_told() {
        let read = entries("#EXT-X-GAP\n#EXTINF:1,\n1.ts\n#EXTINF:1,\n2.ts\n");
        assert_eq!(read.iter().map(|entry| entry.is_gap).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn what_is_encrypted_is_refused_unless_it_is_not() {
        let keyed = |value: &str| format!("#EXT-X-KEY:{value}\n#EXTINF:1,\n1.ts\n");
        assert_eq!(entries(&keyed("METHOD=NONE")).len(), 1);
        let aes = refusal(&keyed("METHOD=AES-128,URI=\"https://keys.example/s3cret\""));
        let text = "its segments are encrypted (line 3 has #EXT-X-KEY with METHOD=AES-128)";
        assert_eq!(aes, text);
        assert!(refusal(&keyed("METHOD=ROT13")).contains("METHOD=another"));
        for odd in ["URI=\"k\"", "METHOD", ""] {
            assert_eq!(refusal(&keyed(odd)), "line 3, #EXT-X-KEY, is not understood");
        }
    }

    #[test]
    fn what_would_change_the_playback_must_be_understood() {
        for (lines, tag) in [
            ("#EXTINF:-1,\n1.ts\n", "#EXTINF"),
            ("#EXTINF:nan,\n1.ts\n", "#EXTINF"),
            ("#EXTINF:3601,\n1.ts\n", "#EXTINF"),
            ("#EXT-X-MEDIA-SEQUENCE:x\n", "#EXT-X-MEDIA-SEQUENCE"),
            ("#EXT-X-MEDIA-SEQUENCE:18446744073709551616\n", "#EXT-X-MEDIA-SEQUENCE"),
            ("#EXT-X-MEDIA-SEQUENCE:9007199254740993\n", "#EXT-X-MEDIA-SEQUENCE"),
            ("#EXT-X-DISCONTINUITY-SEQUENCE:-1\n", "#EXT-X-DISCONTINUITY-SEQUENCE"),
            ("#EXT-X-TARGETDURATION:2.5\n", "#EXT-X-TARGETDURATION"),
            ("#EXT-X-TARGETDURATION:99999\n", "#EXT-X-TARGETDURATION"),
            ("#EXT-X-MAP:BYTERANGE=\"1@2\"\n", "#EXT-X-MAP"),
            ("stray.ts\n", "a URI"),
        ] {
            assert_eq!(refusal(lines), format!("line 3, {tag}, is not understood"));
        }
        let late = "#EXTINF:1,\n1.ts\n#EXT-X-MEDIA-SEQUENCE:7\n";
        assert_eq!(refusal(late), "line 5, #EXT-X-MEDIA-SEQUENCE, is not understood");
        let delta = "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n";
        assert_eq!(refusal(delta), "line 3 has #EXT-X-SKIP, which is not supported");
    }

    #[test]
    fn a_playlist_has_bounds() {
        let one = "#EXTINF:1,\n1.ts\n";
        assert_eq!(entries(&one.repeat(PLAYLIST_ENTRIES_MAX)).len(), PLAYLIST_ENTRIES_MAX);
        let many = refusal(&one.repeat(PLAYLIST_ENTRIES_MAX + 1));
        assert_eq!(many, "it has more than 20000 segments");
        let long = refusal(&format!("#EXTINF:1,\n{}\n", "x".repeat(4097)));
        assert_eq!(long, "line 4 has a URI of 4097 bytes, but at most 4096 are read");
    }
}
