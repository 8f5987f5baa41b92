//! HLS media playlists (RFC 8216), written from the window.

use std::fmt::Write;
use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

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
}
