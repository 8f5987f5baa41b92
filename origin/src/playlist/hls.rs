//! HLS media playlists (RFC 8216): the one that viewers get is written here from the window, and
//! the one by which ffmpeg hands over its segments is read here. ffmpeg's own cannot go out as it
//! is: it knows neither the run before a restart nor EXT-X-DISCONTINUITY-SEQUENCE.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::date::date;
use super::segment::{Header, Segment};
use super::window::Window;

/// ffmpeg writes the offset without a colon: `2026-11-23T00:57:40.963+0000`.
pub(super) const DATE_READ: &[BorrowedFormatItem<'_>] = format_description!(
    "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond]\
     [offset_hour sign:mandatory][offset_minute]"
);

/// The media playlist of a window that is not empty, for segments of about `target` each.
pub(crate) fn render(window: &Window, target: Duration) -> String {
    let shown = window.shown();
    let mut text = String::with_capacity(256 + shown.len() * 128);
    let (mut timeline, mut header) = (None, None);
    for entry in shown {
        match timeline {
            None => head(&mut text, entry, target_seconds(window, target)),
            // One for each that this track skipped, too, since the other tracks have it.
            Some(before) => (before..entry.timeline).for_each(|_| {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }),
        }
        timeline = Some(entry.timeline);
        map(&mut text, header, entry.header.as_deref());
        header = entry.header.as_deref();
        let (seconds, date) = (entry.duration.as_secs_f64(), date(entry.recorded_at));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{date}");
        let _ = writeln!(text, "#EXTINF:{seconds:.6},\n{}", entry.name);
    }
    text
}

/// A header holds until another one is named (RFC 8216, 4.3.2.5).
fn map(text: &mut String, before: Option<&Header>, header: Option<&Header>) {
    if let Some(header) = header.filter(|header| Some(*header) != before) {
        let _ = writeln!(text, "#EXT-X-MAP:URI=\"{}\"", header.name);
    }
}

/// No tag stands before the first entry: when the entry after a discontinuity becomes the first,
/// the tag goes and EXT-X-DISCONTINUITY-SEQUENCE counts it (RFC 8216, 6.2.2).
fn head(text: &mut String, first: &Segment, target_seconds: u64) {
    let (sequence, timeline) = (first.sequence, first.timeline);
    let _ = write!(
        text,
        "#EXTM3U\n\
         #EXT-X-VERSION:6\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-TARGETDURATION:{target_seconds}\n\
         #EXT-X-MEDIA-SEQUENCE:{sequence}\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:{timeline}\n"
    );
}

/// The target duration must not change (RFC 8216, 4.3.3.1), so it is the one that the source aims
/// at, unless a segment came out longer than that (rounded to the nearest second).
pub(crate) fn target_seconds(window: &Window, target: Duration) -> u64 {
    let rounded = |duration: Duration| (duration.as_secs_f64().round() as u64).max(1);
    window.shown().map(|entry| rounded(entry.duration)).max().unwrap_or(1).max(rounded(target))
}

/// One entry of a playlist that ffmpeg wrote.
#[derive(Debug, PartialEq)]
pub(crate) struct Written {
    pub(crate) sequence: u64,
    pub(crate) duration: Duration,
    pub(crate) recorded_at: SystemTime,
    pub(crate) file: String,
}

/// What ffmpeg wrote cannot be read as a playlist.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("ffmpeg's playlist has the line {0:?}, which is not understood")]
pub(crate) struct ReadError(String);

/// Reads a playlist of ffmpeg's HLS muxer with the flag `program_date_time`.
pub(crate) fn read(playlist: &str) -> Result<Vec<Written>, ReadError> {
    let mut entries = Vec::new();
    let (mut sequence, mut duration, mut recorded_at) = (0, None, None);
    for line in playlist.lines() {
        let broken = || ReadError(line.to_owned());
        if let Some(number) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
            sequence = number.parse().map_err(|_| broken())?;
        } else if let Some(seconds) = line.strip_prefix("#EXTINF:") {
            let seconds = seconds.split(',').next().unwrap_or_default();
            let seconds = seconds.parse().map_err(|_| broken())?;
            duration = Some(Duration::try_from_secs_f64(seconds).map_err(|_| broken())?);
        } else if let Some(date) = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:") {
            let date = OffsetDateTime::parse(date, DATE_READ).map_err(|_| broken())?;
            recorded_at = Some(date.into());
        } else if !line.is_empty() && !line.starts_with('#') {
            let (Some(duration), Some(recorded_at)) = (duration.take(), recorded_at.take()) else {
                return Err(broken());
            };
            entries.push(Written { sequence, duration, recorded_at, file: line.to_owned() });
            sequence += 1;
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// 2026-11-23T00:57:40.963Z.
    fn moment() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_395_460_963)
    }

    fn window(timelines: &[u64]) -> Window {
        let mut window = Window::new(3);
        for (index, timeline) in timelines.iter().enumerate() {
            window.push(Segment {
                name: format!("card-{}.ts", 7 + index).into(),
                sequence: 7 + index as u64,
                timeline: *timeline,
                duration: Duration::from_millis(2000),
                recorded_at: moment() + Duration::from_secs(2) * index as u32,
                header: None,
                times: None,
                digest: [0; 32],
                bytes: Bytes::new(),
            });
        }
        window
    }

    #[test]
    fn a_playlist_is_written_as_rfc_8216_wants_it() {
        assert_eq!(
            render(&window(&[4, 4, 5]), Duration::from_secs(2)),
            "#EXTM3U\n\
             #EXT-X-VERSION:6\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-TARGETDURATION:2\n\
             #EXT-X-MEDIA-SEQUENCE:7\n\
             #EXT-X-DISCONTINUITY-SEQUENCE:4\n\
             #EXT-X-PROGRAM-DATE-TIME:2026-11-23T00:57:40.963Z\n\
             #EXTINF:2.000000,\n\
             card-7.ts\n\
             #EXT-X-PROGRAM-DATE-TIME:2026-11-23T00:57:42.963Z\n\
             #EXTINF:2.000000,\n\
             card-8.ts\n\
             #EXT-X-DISCONTINUITY\n\
             #EXT-X-PROGRAM-DATE-TIME:2026-11-23T00:57:44.963Z\n\
             #EXTINF:2.000000,\n\
             card-9.ts\n"
        );
    }

    #[test]
    fn a_discontinuity_that_left_the_playlist_is_counted() {
        let text = render(&window(&[4, 4, 5, 5, 6]), Duration::from_secs(2));
        assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:9\n"), "{text}");
        assert!(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:5\n"), "{text}");
        assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{text}");
    }

    #[test]
    fn the_target_is_the_sources_unless_a_segment_is_longer() {
        let window = window(&[1]);
        assert_eq!(target_seconds(&window, Duration::from_secs(4)), 4);
        assert_eq!(target_seconds(&window, Duration::from_secs(1)), 2);
    }

    #[test]
    fn ffmpegs_playlist_is_read() {
        let playlist = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n\
            #EXT-X-MEDIA-SEQUENCE:41\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXTINF:2.000000,\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-11-23T01:57:40.963+0100\ncard-41.ts\n\
            #EXTINF:1.500000,\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-11-23T01:57:42.963+0100\ncard-42.ts\n#EXT-X-ENDLIST\n";
        let entry = |sequence, millis, after| Written {
            sequence,
            duration: Duration::from_millis(millis),
            recorded_at: moment() + Duration::from_secs(after),
            file: format!("card-{sequence}.ts"),
        };
        assert_eq!(read(playlist), Ok(vec![entry(41, 2000, 0), entry(42, 1500, 2)]));
    }

    #[test]
    fn a_playlist_that_is_not_understood_is_refused_with_its_line() {
        for line in ["#EXTINF:-1,", "#EXT-X-MEDIA-SEQUENCE:x", "#EXT-X-PROGRAM-DATE-TIME:today"] {
            assert_eq!(read(line), Err(ReadError(line.to_owned())));
        }
        assert_eq!(read("stray.ts"), Err(ReadError("stray.ts".to_owned())));
    }
}
