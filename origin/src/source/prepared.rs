//! A clip out of an operator's folder: an HLS playlist `index.m3u8` with its segments, or one that
//! names other playlists, as any packager writes them. Playlists and headers are read beforehand,
//! and each segment when its turn comes.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use super::clip::{Clip, Cut, Reel};
use super::film::{Film, FilmError, open, resolve};
use crate::cmaf::{self, CmafError, Kind};
use crate::limits::{CLIP_SEGMENT_MIN, CMAF_HEADER_BYTES_MAX, PLAYLIST_BYTES_MAX, TRACKS_MAX};
use crate::playlist::{
    Container, Content, HlsPlaylist, MediaPlaylist, MultivariantPlaylist, PlaylistError, Resource,
    Track, Variant,
};

/// The playlist by which a folder is known.
const INDEX: &str = "index.m3u8";

/// Why a folder cannot be played: the playlist that says so, and what is wrong with it.
#[derive(Debug, Error)]
#[error("{playlist}: {fault}")]
pub(super) struct PreparedError {
    playlist: String,
    fault: Fault,
}

#[derive(Debug, Error)]
enum Fault {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    File(#[from] FilmError),
    #[error(transparent)]
    Playlist(#[from] PlaylistError),
    #[error("the header {name:?}: {reason}")]
    Header { name: String, reason: CmafError },
    #[error("it has no segments")]
    Empty,
    #[error("it has a gap")]
    Gap,
    #[error("its {0} segments play for {1:?}, less than {CLIP_SEGMENT_MIN:?} each")]
    Short(usize, Duration),
    #[error("it names playlists where segments were expected")]
    Nested,
    #[error("it names {0} tracks, more than {TRACKS_MAX}")]
    Tracks(usize),
}

/// Reads a folder; blocks.
pub(super) fn read(folder: &Path) -> Result<Clip, PreparedError> {
    let index = folder.join(INDEX).display().to_string();
    let root = folder.canonicalize();
    let root = root.map_err(|error| PreparedError { playlist: index, fault: error.into() })?;
    let folder = Folder { root: root.into() };
    match folder.playlist(INDEX)? {
        HlsPlaylist::Media(playlist) => {
            Ok(Clip::of(vec![folder.reel(INDEX, &playlist, Content::Muxed, 0)?]))
        }
        HlsPlaylist::Multivariant(list) => folder.clip(&list),
    }
}

/// The folder, by its canonical path.
struct Folder {
    root: Arc<Path>,
}

impl Folder {
    fn clip(&self, list: &MultivariantPlaylist) -> Result<Clip, PreparedError> {
        let sounds = list.renditions.iter().filter_map(|sound| Some((sound, sound.uri.as_ref()?)));
        let count = list.variants.len() + sounds.clone().count();
        if count > TRACKS_MAX {
            return Err(PreparedError { playlist: INDEX.to_owned(), fault: Fault::Tracks(count) });
        }
        let mut reels = Vec::new();
        for (number, variant) in list.variants.iter().enumerate() {
            let apart = |variant: &Variant| {
                sounds.clone().any(|(sound, _)| variant.audio_group.as_ref() == Some(&sound.group))
            };
            let carries = if apart(variant) { Content::Video } else { Content::Muxed };
            let reel = self.reel(&variant.uri, &self.media(&variant.uri)?, carries, number)?;
            reels.push(reel.described(|track| Track {
                pixels: variant.pixels,
                frames_per_second: variant.frames_per_second,
                ..track
            }));
        }
        for (number, (sound, uri)) in sounds.enumerate() {
            let reel = self.reel(uri, &self.media(uri)?, Content::Audio, number)?;
            let language = sound.language.clone();
            reels.push(reel.described(|track| Track { language, ..track }));
        }
        Ok(Clip::of(reels))
    }

    fn media(&self, name: &str) -> Result<MediaPlaylist, PreparedError> {
        match self.playlist(name)? {
            HlsPlaylist::Media(playlist) => Ok(playlist),
            HlsPlaylist::Multivariant(_) => {
                Err(PreparedError { playlist: name.to_owned(), fault: Fault::Nested })
            }
        }
    }

    fn playlist(&self, name: &str) -> Result<HlsPlaylist, PreparedError> {
        let read = || -> Result<HlsPlaylist, Fault> {
            let file = open(&self.root, &resolve(INDEX, name)?, name)?;
            let mut bytes = Vec::new();
            // One more than can be read, which is then refused for its length.
            file.take(PLAYLIST_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
            Ok(HlsPlaylist::read(&bytes)?)
        };
        read().map_err(|fault| PreparedError { playlist: name.to_owned(), fault })
    }

    /// The track of a playlist. In MPEG-TS it carries what the list of tracks says; in CMAF, what
    /// its header says.
    fn reel(
        &self,
        playlist: &str,
        media: &MediaPlaylist,
        carries: Content,
        number: usize,
    ) -> Result<Reel, PreparedError> {
        let reel = self.try_reel(playlist, media, carries, number);
        reel.map_err(|fault| PreparedError { playlist: playlist.to_owned(), fault })
    }

    fn try_reel(
        &self,
        playlist: &str,
        media: &MediaPlaylist,
        carries: Content,
        number: usize,
    ) -> Result<Reel, Fault> {
        let beside = resolve(INDEX, playlist)?;
        let first = media.entries.first().ok_or(Fault::Empty)?;
        let plays: Duration = media.entries.iter().map(|entry| entry.duration).sum();
        let count = media.entries.len();
        if plays < CLIP_SEGMENT_MIN * count as u32 {
            return Err(Fault::Short(count, plays));
        }
        let mut header: Option<(Arc<Resource>, Bytes)> = None;
        let mut cuts = Vec::with_capacity(media.entries.len());
        for entry in &media.entries {
            if entry.is_gap {
                return Err(Fault::Gap);
            }
            // Each is read once, and shared by the segments that need it.
            header = match (&entry.header, header) {
                (None, _) => None,
                (Some(named), Some((known, bytes))) if *named == known => Some((known, bytes)),
                (Some(named), _) => {
                    let film =
                        Film::find(&self.root, &beside, named, CMAF_HEADER_BYTES_MAX as u64)?;
                    Some((named.clone(), film.read()?))
                }
            };
            cuts.push(Cut {
                duration: entry.duration,
                run: entry.timeline - first.timeline,
                header: header.as_ref().map(|(_, bytes)| bytes.clone()),
                film: Film::segment(&self.root, &beside, &entry.file)?,
            });
        }
        let (content, container) = match (&first.header, cuts.first()) {
            (Some(named), Some(Cut { header: Some(header), .. })) => {
                let said = cmaf::Header::read(header);
                let name = named.uri.clone();
                let said = said.map_err(|reason| Fault::Header { name, reason })?;
                (content_of(&said), Container::Cmaf)
            }
            _ => (carries, Container::MpegTs),
        };
        Ok(Reel::of(Track::new(&name_of(content, number), content, container), cuts))
    }
}

fn content_of(header: &cmaf::Header) -> Content {
    match header.leading.kind {
        _ if !header.others.is_empty() => Content::Muxed,
        Kind::Video { .. } => Content::Video,
        Kind::Audio { .. } => Content::Audio,
    }
}

/// What a track is called in URLs, whatever the files are called.
fn name_of(content: Content, number: usize) -> String {
    let name = match content {
        Content::Muxed => "main",
        Content::Video => "video",
        Content::Audio => "audio",
    };
    match number {
        0 => name.to_owned(),
        _ => format!("{name}{}", number + 1),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use tempfile::TempDir;

    use super::*;
    use crate::source::clip::Showing;

    const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clip/clip");

    /// A folder with files of the clip, some under other names, and with playlists.
    fn folder(files: &[(&str, &str)], playlists: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            path
        };
        for (from, to) in files {
            fs::copy(Path::new(CLIP).join(from), path(to)).expect("a file");
        }
        for (name, text) in playlists {
            fs::write(path(name), format!("#EXTM3U\n{text}")).expect("a playlist");
        }
        folder
    }

    fn refusal(folder: &TempDir) -> String {
        read(folder.path()).expect_err("a refusal").to_string()
    }

    const MUXED: &str = "#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n";

    #[test]
    fn a_folder_in_mpeg_ts_plays_in_turn() {
        let folder = folder(&[("0.ts", "0.ts"), ("1.ts", "1.ts")], &[("index.m3u8", MUXED)]);
        let clip = read(folder.path()).expect("a clip");
        let tracks = clip.tracks();
        assert_eq!((&*tracks[0].name, tracks[0].content), ("main", Content::Muxed));
        assert_eq!(clip.on_air_at(SystemTime::UNIX_EPOCH + Duration::from_secs(10)), [5]);
        let film = |sequence| {
            let film = clip.film(Showing { track: 0, sequence }).expect("film");
            film.read().expect("a segment")
        };
        assert_eq!(film(4), fs::read(folder.path().join("0.ts")).expect("a file"));
        assert_eq!(film(3), film(1));
    }

    #[test]
    fn a_folder_in_cmaf_has_a_track_for_each_playlist() {
        let index = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",LANGUAGE=\"en\",\
            URI=\"a/p.m3u8\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1000,RESOLUTION=640x360,AUDIO=\"a\"\nv/p.m3u8\n";
        let track = "#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"h.mp4\"\n#EXTINF:2,\n0.m4s\n\
            #EXT-X-DISCONTINUITY\n#EXTINF:2,\n1.m4s\n";
        let files = [
            ("video-header.mp4", "v/h.mp4"),
            ("video-0.m4s", "v/0.m4s"),
            ("video-1.m4s", "v/1.m4s"),
            ("audio-header.mp4", "a/h.mp4"),
            ("audio-0.m4s", "a/0.m4s"),
            ("audio-1.m4s", "a/1.m4s"),
        ];
        let playlists = [("index.m3u8", index), ("v/p.m3u8", track), ("a/p.m3u8", track)];
        let clip = read(folder(&files, &playlists).path()).expect("a clip");
        let told: Vec<_> =
            clip.tracks().into_iter().map(|track| (track.content, track.language)).collect();
        assert_eq!(told, [(Content::Video, None), (Content::Audio, Some("en".to_owned()))]);
        let timeline = |sequence| {
            let delivery = clip.delivery(Showing { track: 1, sequence }, 0, Bytes::new());
            let delivery = delivery.expect("a delivery");
            (delivery.timeline, delivery.header.map(|header| header.len()))
        };
        assert_eq!([0, 1, 2, 3].map(timeline), [0, 1, 2, 3].map(|run| (run, Some(728))));
    }

    #[test]
    fn nothing_outside_the_folder_is_read() {
        for name in
            ["/etc/passwd", "../0.ts", "a/../../0.ts", "http://example.org/0.ts", ".0.ts", "./0.ts"]
        {
            let playlist = format!("#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{name}\n");
            let folder = folder(&[("0.ts", ".0.ts")], &[("index.m3u8", &playlist)]);
            let expected = format!("index.m3u8: {name:?} does not name a file in the folder");
            assert_eq!(refusal(&folder), expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        let elsewhere = folder(&[("0.ts", "0.ts"), ("1.ts", "1.ts")], &[("index.m3u8", MUXED)]);
        let linked = folder(&[("1.ts", "1.ts")], &[("index.m3u8", MUXED)]);
        std::os::unix::fs::symlink(elsewhere.path().join("0.ts"), linked.path().join("0.ts"))
            .expect("a link");
        let link = "is, or leads through, a symbolic link";
        assert_eq!(refusal(&linked), format!("index.m3u8: \"0.ts\" {link}"));

        let nested = "#EXT-X-STREAM-INF:BANDWIDTH=1000\nv/index.m3u8\n";
        let linked = folder(&[], &[("index.m3u8", nested)]);
        std::os::unix::fs::symlink(elsewhere.path(), linked.path().join("v")).expect("a link");
        assert_eq!(refusal(&linked), format!("v/index.m3u8: \"v/index.m3u8\" {link}"));
    }

    #[test]
    fn what_cannot_be_played_is_told_with_its_playlist() {
        assert!(refusal(&folder(&[], &[])).starts_with("index.m3u8: \"index.m3u8\": No such file"));
        let missing = refusal(&folder(&[("0.ts", "0.ts")], &[("index.m3u8", MUXED)]));
        assert!(missing.starts_with("index.m3u8: \"1.ts\": No such file"), "{missing}");
        let empty = folder(&[], &[("index.m3u8", "#EXT-X-TARGETDURATION:2\n")]);
        assert_eq!(refusal(&empty), "index.m3u8: it has no segments");
        let no_time = "#EXT-X-TARGETDURATION:2\n#EXTINF:0,\n0.ts\n#EXTINF:0.1,\n1.ts\n";
        let no_time = folder(&[("0.ts", "0.ts"), ("1.ts", "1.ts")], &[("index.m3u8", no_time)]);
        let short = "index.m3u8: its 2 segments play for 100ms, less than 100ms each";
        assert_eq!(refusal(&no_time), short);
        let nested = "#EXT-X-STREAM-INF:BANDWIDTH=1000\nindex.m3u8\n";
        let nested = folder(&[], &[("index.m3u8", nested)]);
        assert_eq!(refusal(&nested), "index.m3u8: it names playlists where segments were expected");
        let header = "#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"0.ts\"\n#EXTINF:2,\n1.ts\n";
        let header = folder(&[("0.ts", "0.ts"), ("1.ts", "1.ts")], &[("index.m3u8", header)]);
        let large = refusal(&header);
        assert_eq!(large, "index.m3u8: \"0.ts\" has 83848 bytes, but at most 65536 are read");
    }
}
