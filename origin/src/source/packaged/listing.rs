//! What a packager's playlist says, with its files as paths below the stream's folder: which tracks
//! there are, or which segments a track has.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;

use super::path::{FilePath, PathError};
use crate::limits::{SEGMENT_DURATION_MAX, STREAM_NAME_CHARS_MAX, TRACKS_MAX};
use crate::playlist::{
    Container, Content, Entry, HlsPlaylist, MediaPlaylist, MultivariantPlaylist, PlaylistError,
    Rendition, Resource, Track, Variant,
};

/// What one playlist says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Listing {
    Tracks(Vec<Listed>),
    Segments(Segments),
}

/// A track of the stream, and its media playlist.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listed {
    /// Its container is known once its first segment is named.
    pub(crate) track: Track,
    pub(crate) playlist: FilePath,
}

/// The segments of one track, oldest first, in consecutive numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segments {
    pub(crate) target: Duration,
    pub(crate) named: Vec<Named>,
    /// No segment will follow (EXT-X-ENDLIST).
    pub(crate) is_over: bool,
}

/// One segment, as its packager names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub(crate) sequence: u64,
    /// Its Discontinuity Sequence Number.
    pub(crate) timeline: u64,
    pub(crate) duration: Duration,
    pub(crate) recorded_at: Option<SystemTime>,
    /// None when the packager says itself that there is none (EXT-X-GAP).
    pub(crate) file: Option<FilePath>,
    /// The CMAF header that it needs.
    pub(crate) header: Option<FilePath>,
}

/// Why a packager's playlist cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ListingError {
    #[error(transparent)]
    Playlist(#[from] PlaylistError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("a part of a file (BYTERANGE) is not taken: let each segment and header be a file")]
    Parts,
    #[error("segment {0} is named with {1:?}, but one may play {SEGMENT_DURATION_MAX:?}")]
    Long(u64, Duration),
    #[error("it has {0} tracks, but {TRACKS_MAX} can be played")]
    Tracks(usize),
}

impl Listing {
    /// Reads the playlist `path`. What begins with `root` may be absolute in it.
    ///
    /// # Errors
    /// What is no playlist of HLS, or names what could not be taken.
    pub(crate) fn read(
        path: &FilePath,
        bytes: &[u8],
        root: Option<&str>,
    ) -> Result<Self, ListingError> {
        let resolve = |uri: &str| path.resolve(uri, root);
        match HlsPlaylist::read(bytes)? {
            HlsPlaylist::Media(media) => segments(media, resolve).map(Listing::Segments),
            HlsPlaylist::Multivariant(list) => tracks(list, resolve).map(Listing::Tracks),
        }
    }
}

impl Listed {
    /// The only track of a stream whose playlist lists segments itself.
    pub(super) fn only(playlist: FilePath) -> Self {
        Listed { track: Track::new("main", Content::Muxed, Container::MpegTs), playlist }
    }
}

fn segments(
    media: MediaPlaylist,
    resolve: impl Fn(&str) -> Result<FilePath, PathError>,
) -> Result<Segments, ListingError> {
    let file = |resource: &Resource| match resource.range {
        Some(_) => Err(ListingError::Parts),
        None => Ok(resolve(&resource.uri)?),
    };
    let named = |entry: Entry| {
        if entry.duration > SEGMENT_DURATION_MAX {
            return Err(ListingError::Long(entry.sequence, entry.duration));
        }
        Ok(Named {
            sequence: entry.sequence,
            timeline: entry.timeline,
            duration: entry.duration,
            recorded_at: entry.recorded_at,
            file: if entry.is_gap { None } else { Some(file(&entry.file)?) },
            header: entry.header.as_deref().map(file).transpose()?,
        })
    };
    let named = media.entries.into_iter().map(named).collect::<Result<_, ListingError>>()?;
    Ok(Segments { target: media.target, named, is_over: media.is_over })
}

fn tracks(
    list: MultivariantPlaylist,
    resolve: impl Fn(&str) -> Result<FilePath, PathError>,
) -> Result<Vec<Listed>, ListingError> {
    let mut tracks: Vec<Listed> = Vec::new();
    let mut seen = HashSet::new();
    let mut sounds = Vec::new();
    for rendition in &list.renditions {
        if let Some(uri) = &rendition.uri {
            let playlist = resolve(uri)?;
            if seen.insert(playlist.clone()) {
                sounds.push((sound(rendition, &list.variants), playlist));
            }
        }
    }
    let has_sounds_of_its_own = |group: &String| {
        list.renditions.iter().any(|sound| sound.group == *group && sound.uri.is_some())
    };
    for variant in &list.variants {
        let playlist = resolve(&variant.uri)?;
        // One that is listed for the sound alone is that rendition.
        if seen.insert(playlist.clone()) {
            let is_silent = variant.audio_group.as_ref().is_some_and(has_sounds_of_its_own);
            tracks.push(Listed { track: quality(variant, is_silent), playlist });
        }
    }
    tracks.extend(sounds.into_iter().map(|(track, playlist)| Listed { track, playlist }));
    if !(1..=TRACKS_MAX).contains(&tracks.len()) {
        return Err(ListingError::Tracks(tracks.len()));
    }
    let mut names = HashSet::new();
    for listed in &mut tracks {
        listed.track.name = unique_name(&listed.playlist, &mut names);
    }
    Ok(tracks)
}

/// A variant whose sound is elsewhere, or in it.
fn quality(variant: &Variant, is_silent: bool) -> Track {
    let (content, codecs) = variant.carried(is_silent);
    Track {
        // It counts the sound, too.
        bits_per_second: (content != Content::Video).then_some(variant.bits_per_second),
        codecs,
        pixels: variant.pixels,
        frames_per_second: variant.frames_per_second,
        ..Track::new("", content, Container::MpegTs)
    }
}

fn sound(rendition: &Rendition, variants: &[Variant]) -> Track {
    let with_it =
        variants.iter().filter(|variant| variant.audio_group.as_ref() == Some(&rendition.group));
    Track {
        codecs: with_it
            .map(|variant| variant.sounds().collect::<Vec<_>>().join(","))
            .find(|codecs| !codecs.is_empty()),
        language: rendition.language.clone(),
        ..Track::new("", Content::Audio, Container::MpegTs)
    }
}

/// A track's name follows from where its playlist is: `v720/index.m3u8` is `v720`.
fn unique_name(playlist: &FilePath, names: &mut HashSet<String>) -> Arc<str> {
    let path = playlist.as_str();
    let path = path.rsplit_once('.').map_or(path, |(path, _)| path);
    let path = match path.rsplit_once('/') {
        Some((folder, "index" | "playlist" | "media" | "main" | "stream")) => folder,
        _ => path,
    };
    let plain = |char: char| match char.to_ascii_lowercase() {
        char @ ('a'..='z' | '0'..='9' | '-' | '_') => char,
        _ => '-',
    };
    let name: String = path.chars().map(plain).collect();
    let name = name.trim_start_matches(['-', '_']);
    // Room for a number behind it. All of it is ASCII.
    let name = &name[..name.len().min(STREAM_NAME_CHARS_MAX - 3)];
    // `index.m3u8` is the stream's own playlist.
    let name = if matches!(name, "" | "index") { "main" } else { name };
    let mut numbered = name.to_owned();
    let mut number = 2;
    while !names.insert(numbered.clone()) {
        numbered = format!("{name}-{number}");
        number += 1;
    }
    numbered.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Result<Listing, ListingError> {
        let path = FilePath::parse(path).expect(path);
        Listing::read(&path, text.as_bytes(), Some("/push/tv/"))
    }

    fn refusal(lines: &str) -> String {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{lines}");
        read("index.m3u8", &text).expect_err("a refusal").to_string()
    }

    #[test]
    fn ffmpegs_list_of_a_ladder_with_sound_apart_is_read() {
        let text = "#EXTM3U\n#EXT-X-VERSION:7\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"group_a\",NAME=\"audio_2\",DEFAULT=YES,\
            LANGUAGE=\"en\",URI=\"s2/index.m3u8?token=abc\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=75900,RESOLUTION=160x90,CODECS=\"avc1.42c00a,mp4a.40.2\",\
            AUDIO=\"group_a\"\ns0/index.m3u8?token=abc\n\n\
            #EXT-X-STREAM-INF:BANDWIDTH=55900,RESOLUTION=80x46,CODECS=\"avc1.42c00a,mp4a.40.2\",\
            AUDIO=\"group_a\"\n/push/tv/S1.m3u8\n\n";
        let Ok(Listing::Tracks(tracks)) = read("master.m3u8", text) else {
            panic!("a list of tracks");
        };
        let told: Vec<_> = tracks
            .iter()
            .map(|of| (&*of.track.name, of.track.content, of.track.codecs.as_deref()))
            .collect();
        let video = Some("avc1.42c00a");
        assert_eq!(
            told,
            [
                ("s0", Content::Video, video),
                ("s1", Content::Video, video),
                ("s2", Content::Audio, Some("mp4a.40.2")),
            ]
        );
        let playlists: Vec<_> = tracks.iter().map(|of| of.playlist.as_str()).collect();
        assert_eq!(playlists, ["s0/index.m3u8", "S1.m3u8", "s2/index.m3u8"]);
        assert_eq!(tracks[2].track.language.as_deref(), Some("en"));
        assert_eq!(tracks[0].track.pixels, Some((160, 90)));
    }

    #[test]
    fn a_ladder_with_sound_in_it_is_muxed_and_names_are_unique() {
        let text = "#EXTM3U\n\
            #EXT-X-STREAM-INF:BANDWIDTH=2,CODECS=\"avc1.42c00a,mp4a.40.2\"\na/b.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1\na-b.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\"\nindex.m3u8\n";
        let Ok(Listing::Tracks(tracks)) = read("master.m3u8", text) else {
            panic!("a list of tracks");
        };
        let told: Vec<_> = tracks
            .iter()
            .map(|of| (&*of.track.name, of.track.content, of.track.bits_per_second))
            .collect();
        assert_eq!(
            told,
            [
                ("a-b", Content::Muxed, Some(2)),
                ("a-b-2", Content::Muxed, Some(1)),
                ("main", Content::Audio, Some(1)),
            ]
        );
    }

    #[test]
    fn segments_are_files_with_their_headers() {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n\
            #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2,\nseg7.m4s?token=x\n\
            #EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:1.5,\nseg8.m4s\n";
        let Ok(Listing::Segments(segments)) = read("v/index.m3u8", text) else {
            panic!("segments");
        };
        let path = |text| Some(FilePath::parse(text).expect(text));
        let named = &segments.named;
        assert_eq!((named.len(), segments.target), (2, Duration::from_secs(2)));
        assert_eq!((named[0].sequence, named[1].sequence), (7, 8));
        assert_eq!((&named[0].file, &named[1].file), (&path("v/seg7.m4s"), &None));
        assert_eq!(named[0].header, path("v/init.mp4"));
        assert_eq!(named[1].timeline, named[0].timeline + 1);
    }

    #[test]
    fn what_cannot_be_taken_is_refused_with_its_reason() {
        assert!(refusal("#EXTINF:1,\n../../etc/passwd\n").contains("leads out of"));
        assert!(refusal("#EXTINF:1,\n.env\n").contains("not begin with a dot"));
        assert!(refusal("#EXT-X-MAP:URI=\"/init.mp4\"\n#EXTINF:1,\na\n").contains("leads out of"));
        let parts = refusal("#EXT-X-BYTERANGE:10@0\n#EXTINF:1,\na.ts\n");
        assert!(parts.contains("BYTERANGE"), "{parts}");
        let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\na.ts\n";
        assert!(refusal(key).contains("encrypted"));
        let many: String = (0..=TRACKS_MAX)
            .map(|track| format!("#EXT-X-STREAM-INF:BANDWIDTH=1\n{track}.m3u8\n"))
            .collect();
        let many = read("index.m3u8", &format!("#EXTM3U\n{many}")).expect_err("a refusal");
        assert_eq!(many.to_string(), "it has 17 tracks, but 16 can be played");
    }
}
