//! Reads HLS playlists that others wrote (RFC 8216): an upstream's, a packager's, an encoder's. What
//! would change which bytes are played must be understood, or the whole is refused; a line that
//! merely describes may be odd. No text from them is passed on, so what is not read here is lost.

mod media;
mod multivariant;

use std::ops::Range;

use quick_m3u8::config::ParsingOptions;
use quick_m3u8::tag::{KnownTag, hls::Tag};
use quick_m3u8::{HlsLine, Reader};
use thiserror::Error;

pub(crate) use media::{Entry, MediaPlaylist};
pub(crate) use multivariant::{MultivariantPlaylist, Rendition, Variant};

use crate::limits::{PLAYLIST_BYTES_MAX, PLAYLIST_URI_BYTES_MAX};

/// What a file `*.m3u8` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum HlsPlaylist {
    /// The segments of one track.
    Media(MediaPlaylist),
    /// The tracks of a stream, each with a media playlist of its own.
    Multivariant(MultivariantPlaylist),
}

/// Where something is: a whole file, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    /// As it is written: mostly relative to the playlist's own place. At most
    /// [`PLAYLIST_URI_BYTES_MAX`] long, and not checked otherwise.
    pub(crate) uri: String,
    /// The bytes of it, by EXT-X-BYTERANGE; never empty.
    pub(crate) range: Option<Range<u64>>,
}

/// Why something is no playlist that can be played. No part of a URI is in the text, as URIs may
/// hold keys.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum PlaylistError {
    #[error("it is no playlist: it does not begin with #EXTM3U")]
    NotAPlaylist,
    #[error("it has {0} bytes, but at most {PLAYLIST_BYTES_MAX} are read")]
    TooLarge(usize),
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("line {line}, {tag}, is not understood")]
    NotUnderstood { line: usize, tag: String },
    #[error("line {line} has {tag}, which is not supported")]
    NotSupported { line: usize, tag: &'static str },
    #[error("its segments are encrypted (line {line} has #EXT-X-KEY with METHOD={method})")]
    Encrypted { line: usize, method: &'static str },
    #[error(
        "line {line} has a URI of {bytes} bytes, but at most {PLAYLIST_URI_BYTES_MAX} are read"
    )]
    LongUri { line: usize, bytes: usize },
    #[error("it has more than {max} {what}")]
    TooMany { max: usize, what: &'static str },
    #[error("it has no {0}")]
    Missing(&'static str),
}

impl HlsPlaylist {
    /// Reads the whole file.
    ///
    /// # Errors
    /// The first thing in it that is not understood, or a bound that it exceeds.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, PlaylistError> {
        if bytes.len() > PLAYLIST_BYTES_MAX {
            return Err(PlaylistError::TooLarge(bytes.len()));
        }
        let text = str::from_utf8(bytes).map_err(|_| PlaylistError::NotUtf8)?;
        if text.lines().next().map(str::trim_end) != Some("#EXTM3U") {
            return Err(PlaylistError::NotAPlaylist);
        }
        let lists_tracks =
            |line: &str| line.starts_with("#EXT-X-STREAM-INF") || line.starts_with("#EXT-X-MEDIA:");
        match text.lines().any(lists_tracks) {
            true => multivariant::read(text).map(HlsPlaylist::Multivariant),
            false => media::read(text).map(HlsPlaylist::Media),
        }
    }
}

/// A line that may matter. One at a time, so its size is nobody's concern.
#[allow(clippy::large_enum_variant, reason = "no line is kept")]
enum Line<'a> {
    Tag(Tag<'a>),
    /// Of `#EXT-X-PROGRAM-DATE-TIME`, whose value is read here, as ffmpeg writes it in its own way.
    Date(&'a str),
    Uri(&'a str),
}

/// The lines of a playlist, counted.
struct Lines<'a> {
    text: &'a str,
    options: ParsingOptions,
    number: usize,
}

impl<'a> Lines<'a> {
    /// `options` are the tags that matter: one of these that is not understood ends it all.
    fn new(text: &'a str, options: ParsingOptions) -> Self {
        Lines { text, options, number: 0 }
    }

    fn next(&mut self) -> Result<Option<Line<'a>>, PlaylistError> {
        while !self.text.is_empty() {
            let (line, rest) = self.text.split_once('\n').unwrap_or((self.text, ""));
            self.text = rest;
            self.number += 1;
            if let Some(line) = self.line(line.trim_end())? {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    fn line(&self, line: &'a str) -> Result<Option<Line<'a>>, PlaylistError> {
        if let Some(date) = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:") {
            return Ok(Some(Line::Date(date)));
        }
        if !line.starts_with('#') {
            return Ok((!line.is_empty()).then_some(Line::Uri(line)));
        }
        let not_understood = || self.not_understood(line);
        let mut one = Reader::from_str(line, self.options.clone());
        match one.read_line().map_err(|_| not_understood())? {
            Some(HlsLine::KnownTag(KnownTag::Hls(tag))) => Ok(Some(Line::Tag(tag))),
            // One that matters, with a value that makes no sense.
            Some(HlsLine::UnknownTag(tag)) if tag.validation_error().is_some() => {
                Err(not_understood())
            }
            _ => Ok(None),
        }
    }

    /// The error that the line at hand is not understood. Of the line only the tag's name is told.
    fn not_understood(&self, line: &str) -> PlaylistError {
        let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"#-".contains(byte);
        let tag = match line.starts_with('#') {
            true => line.bytes().take_while(name).take(40).map(char::from).collect(),
            false => "a URI".to_owned(),
        };
        PlaylistError::NotUnderstood { line: self.number, tag }
    }

    fn not_supported(&self, tag: &'static str) -> PlaylistError {
        PlaylistError::NotSupported { line: self.number, tag }
    }

    /// The URI of the line at hand, within its bound.
    fn uri(&self, uri: &str) -> Result<String, PlaylistError> {
        match uri.len() <= PLAYLIST_URI_BYTES_MAX {
            true => Ok(uri.to_owned()),
            false => Err(PlaylistError::LongUri { line: self.number, bytes: uri.len() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, RngExt, SeedableRng};

    use super::*;

    const MEDIA: &str = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-MEDIA-SEQUENCE:41\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n\
        #EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:URI=\"header.mp4\",BYTERANGE=\"700@0\"\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-11-23T00:57:40.963Z\n#EXTINF:2.000,title\n\
        #EXT-X-BYTERANGE:1000@700\nall.mp4\n#EXT-X-DISCONTINUITY\n#EXTINF:1.5,\n\
        #EXT-X-BYTERANGE:500\nall.mp4\n#EXT-X-GAP\n#EXTINF:2,\nnone.mp4\n#EXT-X-ENDLIST\n";
    const MULTIVARIANT: &str = "#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",URI=\"en.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=2596000,CODECS=\"avc1.42c01f,mp4a.40.2\",\
        RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO=\"a\"\nv720.m3u8?key=s3cret\n";

    #[test]
    fn what_is_no_playlist_is_refused() {
        let refusal = |bytes: &[u8]| HlsPlaylist::read(bytes).expect_err("a refusal").to_string();
        for other in ["", "<html></html>", "\u{feff}#EXTM3U\n", "#EXTM3UX\n", " #EXTM3U\n"] {
            assert!(refusal(other.as_bytes()).starts_with("it is no playlist"), "{other}");
        }
        assert_eq!(refusal(b"#EXTM3U\n\xff"), "it is not UTF-8");
        let large = vec![b'#'; PLAYLIST_BYTES_MAX + 1];
        assert_eq!(refusal(&large), "it has 2097153 bytes, but at most 2097152 are read");
        assert_eq!(refusal(b"#EXTM3U\n"), "it has no #EXT-X-TARGETDURATION");
    }

    #[test]
    fn a_refusal_names_the_line_and_nothing_that_could_be_secret() {
        let text = MULTIVARIANT.replace("BANDWIDTH=2596000,", "");
        let error = HlsPlaylist::read(text.as_bytes()).expect_err("a refusal").to_string();
        assert_eq!(error, "line 3, #EXT-X-STREAM-INF, is not understood");
        let text = MEDIA.replace("#EXTINF:1.5,\n", "").replace("all.mp4", "all.mp4?key=s3cret");
        let error = HlsPlaylist::read(text.as_bytes()).expect_err("a refusal").to_string();
        assert_eq!(error, "line 14, a URI, is not understood");
    }

    /// What strangers wrote is read or refused, never trusted with our life or memory.
    #[test]
    fn damage_is_read_or_refused() {
        let seed = rand::rng().next_u64();
        let mut random = StdRng::seed_from_u64(seed);
        for whole in [MEDIA.as_bytes(), MULTIVARIANT.as_bytes()] {
            assert!(HlsPlaylist::read(whole).is_ok());
            for end in 0..whole.len() {
                let _ = HlsPlaylist::read(&whole[..end]);
            }
            for _ in 0..4_000 {
                let mut damaged = whole.to_vec();
                for _ in 0..random.random_range(1..6) {
                    let at = random.random_range(8..damaged.len());
                    match random.random_range(0..4) {
                        0 => damaged[at] ^= 1 << random.random_range(0..8),
                        1 => damaged[at] = *b"\n\r,:=\"@#9-\0".get(at % 11).unwrap_or(&0),
                        2 => drop(damaged.drain(at..)),
                        _ => {
                            let from = random.random_range(8..=at);
                            let copy = damaged[from..at].to_vec();
                            damaged.splice(at..at, copy);
                        }
                    }
                    if damaged.len() <= 8 {
                        break;
                    }
                }
                let read = std::panic::catch_unwind(|| HlsPlaylist::read(&damaged));
                let text = String::from_utf8_lossy(&damaged);
                assert!(read.is_ok(), "seed {seed} panics with {text:?}");
                if let Ok(Ok(HlsPlaylist::Media(media))) = read {
                    let numbers = media.entries.iter().map(|entry| entry.sequence);
                    assert!(numbers.clone().zip(numbers.skip(1)).all(|(a, b)| a + 1 == b));
                    let parts = media.entries.iter().filter_map(|entry| entry.file.range.as_ref());
                    assert!(parts.into_iter().all(|range| !range.is_empty()), "seed {seed}");
                }
            }
        }
    }
}
