//! What a stream has at one moment, by file name: its playlists, its headers and its segments, each
//! with what HTTP has to say of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::demand::Wanted;
use super::file::File;
use crate::integrity::DIGESTS;
use crate::playlist::{
    Container, Content, Presentation, Segment, Track, TrackWindow, is_dash_possible, manifest,
    media_playlist, multivariant_playlist,
};

/// The playlist by which players begin.
pub(crate) const INDEX: &str = "index.m3u8";

/// The same for DASH; streams in MPEG-TS have none.
pub(crate) const MANIFEST: &str = "manifest.mpd";

/// The media types of HLS playlists (RFC 8216, 4) and DASH manifests (ISO/IEC 23009-1, annex C).
const HLS: &str = "application/vnd.apple.mpegurl";
const DASH: &str = "application/dash+xml";

/// All files of a stream.
#[derive(Debug)]
pub(crate) struct Edition {
    files: HashMap<Arc<str>, File>,
    /// Playlists of tracks that have no segment yet.
    expected: HashSet<Arc<str>>,
    tracks: Vec<TrackSummary>,
}

/// What `/streams.json` and the metrics say of a track.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrackSummary {
    pub(crate) name: String,
    pub(crate) content: &'static str,
    pub(crate) container: &'static str,
    /// The number of its newest segment.
    pub(crate) newest_sequence: Option<u64>,
    /// Of the segments that its playlist shows.
    pub(crate) bits_per_second: Option<u64>,
}

impl Edition {
    /// The edition of a presentation. What was in the one before is the same file, so that there is
    /// one copy of it in the kernel's pages, too.
    pub(crate) fn of(presentation: &Presentation, before: Option<&Edition>) -> Self {
        let tracks = presentation.tracks().iter().map(summary).collect();
        let mut edition = Edition { files: HashMap::new(), expected: HashSet::new(), tracks };
        let target = presentation.target();
        let mut all_described = true;
        for of in presentation.tracks() {
            all_described &= is_described(of);
            edition.add_track(of, target, before);
        }
        match multivariant_playlist(presentation) {
            Some(list) if all_described => edition.add_playlist(INDEX.into(), list, target),
            Some(_) => edition.expect(INDEX.into()),
            None => edition.name_the_only_track(presentation),
        }
        if is_dash_possible(presentation) {
            match manifest(presentation) {
                Some(text) => edition.add_live(MANIFEST.into(), text, DASH, target),
                None => edition.expect(MANIFEST.into()),
            }
        }
        edition
    }

    /// Adds the signed digests of all segments.
    pub(crate) fn add_digests(&mut self, document: String, target: Duration) {
        self.add_live(DIGESTS.into(), document, "application/json", target);
    }

    fn add_track(&mut self, of: &TrackWindow, target: Duration, before: Option<&Edition>) {
        let name = playlist_of(&of.track);
        if of.window.newest().is_none() {
            self.expect(name);
            return;
        }
        self.add_playlist(name, media_playlist(&of.window, target), target);
        for segment in of.window.kept() {
            self.add_segment(segment, &of.track, before);
        }
    }

    fn add_segment(&mut self, segment: &Segment, track: &Track, before: Option<&Edition>) {
        let media_type = track.container.media_type(track.content);
        let mut add = |name: &Arc<str>, bytes: &Bytes| {
            let same = before.and_then(|before| before.file(name)).cloned();
            let file = || same.unwrap_or_else(|| File::immutable(name, bytes.clone(), media_type));
            self.files.entry(name.clone()).or_insert_with(file);
        };
        add(&segment.name, &segment.bytes);
        if let Some(header) = &segment.header {
            add(&header.name, &header.bytes);
        }
    }

    /// With a single muxed track its playlist is the stream's.
    fn name_the_only_track(&mut self, presentation: &Presentation) {
        for of in presentation.tracks() {
            let name = playlist_of(&of.track);
            match self.files.get(&name).cloned() {
                Some(playlist) => drop(self.files.insert(INDEX.into(), playlist)),
                None => self.expect(INDEX.into()),
            }
        }
    }

    fn add_playlist(&mut self, name: Arc<str>, text: String, target: Duration) {
        self.add_live(name, text, HLS, target);
    }

    fn add_live(&mut self, name: Arc<str>, text: String, media_type: &'static str, of: Duration) {
        self.files.insert(name, File::live(text, media_type, of));
    }

    fn expect(&mut self, name: Arc<str>) {
        self.expected.insert(name);
    }

    pub(crate) fn file(&self, name: &str) -> Option<&File> {
        self.files.get(name)
    }

    pub(crate) fn tracks(&self) -> &[TrackSummary] {
        &self.tracks
    }

    /// Which tracks a request for this name is about. Their names are few, so they are compared.
    pub(super) fn wanted_by(&self, name: &str) -> Wanted {
        if name.ends_with(".mpd") || self.tracks.len() == 1 {
            return Wanted::AllTracks;
        }
        let is_of =
            |track: &str| name.strip_prefix(track).is_some_and(|rest| rest.starts_with(['.', '-']));
        // Of "v" and "v-2", the latter has "v-2-7.ts".
        let of = self.tracks.iter().enumerate().filter(|(_, track)| is_of(&track.name));
        let of = of.max_by_key(|(_, track)| track.name.len());
        of.map_or(Wanted::NoTrack, |(index, _)| Wanted::Track(index))
    }

    /// Whether the stream is about to have it.
    pub(crate) fn expects(&self, name: &str) -> bool {
        self.expected.contains(name)
    }
}

/// Whether a name is that of a playlist, which a stream that starts will have.
pub(super) fn is_playlist(name: &str) -> bool {
    name.ends_with(".m3u8") || name == MANIFEST
}

fn playlist_of(track: &Track) -> Arc<str> {
    format!("{}.m3u8", track.name).into()
}

fn summary(of: &TrackWindow) -> TrackSummary {
    let (mut bits, mut seconds) = (0, 0.0);
    for segment in of.window.shown() {
        bits += 8 * segment.bytes.len() as u64;
        seconds += segment.duration.as_secs_f64();
    }
    TrackSummary {
        name: of.track.name.to_string(),
        content: match of.track.content {
            Content::Muxed => "muxed",
            Content::Video => "video",
            Content::Audio => "audio",
        },
        container: match of.track.container {
            Container::MpegTs => "mpegts",
            Container::Cmaf => "cmaf",
        },
        newest_sequence: of.window.newest().map(|segment| segment.sequence),
        bits_per_second: (seconds > 0.0).then(|| (bits as f64 / seconds) as u64),
    }
}

/// Whether all that a list of tracks has to say of it is known. Players read the list only once.
fn is_described(of: &TrackWindow) -> bool {
    let declared = of.track.bits_per_second.is_some() && of.track.codecs.is_some();
    declared || of.first_bits_per_second().is_some()
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::playlist::samples::{self, TARGET};
    use crate::playlist::{Container, Content, Delivery};

    fn delivery(container: Container, track: usize, timeline: u64) -> Delivery {
        Delivery { track, timeline, ..samples::delivery(container) }
    }

    fn presentation(tracks: Vec<Track>) -> Presentation {
        let mut presentation = Presentation::new(3, SystemTime::UNIX_EPOCH);
        presentation.declare(tracks, TARGET).expect("tracks that can be played");
        presentation
    }

    /// One muxed track with one segment of this timeline.
    pub(in crate::store) fn edition(timeline: u64) -> Edition {
        let mut muxed = presentation(vec![Track::new("main", Content::Muxed, Container::MpegTs)]);
        muxed.push(delivery(Container::MpegTs, 0, timeline)).expect("a segment");
        Edition::of(&muxed, None)
    }

    /// One that has a track, and nothing of it yet.
    pub(in crate::store) fn starting() -> Edition {
        let muxed = Track::new("main", Content::Muxed, Container::MpegTs);
        Edition::of(&presentation(vec![muxed]), None)
    }

    #[test]
    fn two_playlists_have_one_etag_only_when_they_are_the_same() {
        let of = |timeline| edition(timeline).file(INDEX).expect("a playlist").clone();
        assert_eq!(of(4).etag, of(4).etag);
        assert_ne!(of(4).bytes, of(5).bytes);
        assert_ne!(of(4).etag, of(5).etag);
    }

    #[test]
    fn a_name_tells_which_track_is_wanted() {
        let tracks = ["v", "v-2", "a"];
        let edition = Edition::of(
            &presentation(
                tracks.map(|name| Track::new(name, Content::Video, Container::Cmaf)).into(),
            ),
            None,
        );
        for (name, wanted) in [
            (INDEX, Wanted::NoTrack),
            ("v.m3u8", Wanted::Track(0)),
            ("v-7.m4s", Wanted::Track(0)),
            ("v-2-7.m4s", Wanted::Track(1)),
            ("v-2.m3u8", Wanted::Track(1)),
            ("a-header-00000000.mp4", Wanted::Track(2)),
            ("audio.m3u8", Wanted::NoTrack),
            ("manifest.mpd", Wanted::AllTracks),
        ] {
            assert_eq!(edition.wanted_by(name), wanted, "{name}");
        }
        let single = Track::new("main", Content::Muxed, Container::MpegTs);
        assert_eq!(
            Edition::of(&presentation(vec![single]), None).wanted_by(INDEX),
            Wanted::AllTracks
        );
    }

    #[test]
    fn what_was_there_before_is_the_same_file() {
        let mut muxed = presentation(vec![Track::new("main", Content::Muxed, Container::MpegTs)]);
        muxed.push(delivery(Container::MpegTs, 0, 0)).expect("a segment");
        let before = Edition::of(&muxed, None);
        let name = before.files.keys().find(|name| name.ends_with(".ts")).expect("a segment");
        muxed.push(delivery(Container::MpegTs, 0, 0)).expect("another");
        let after = Edition::of(&muxed, Some(&before));
        let [old, new] = [&before, &after].map(|edition| edition.file(name).expect("a segment"));
        assert!(Arc::ptr_eq(&old.etag, &new.etag), "not made anew");
    }

    #[test]
    fn the_list_of_tracks_waits_until_each_is_described() {
        let tracks = [("v", Content::Video), ("a", Content::Audio)];
        let mut both = presentation(
            tracks.map(|(name, content)| Track::new(name, content, Container::Cmaf)).into(),
        );
        both.push(delivery(Container::Cmaf, 0, 0)).expect("a segment");
        let half = Edition::of(&both, None);
        assert!(half.file("v.m3u8").is_some() && half.file("v-0.m4s").is_some());
        assert!(half.file(INDEX).is_none() && half.expects(INDEX) && half.expects("a.m3u8"));
        both.push(delivery(Container::Cmaf, 1, 0)).expect("a segment");
        let whole = Edition::of(&both, None);
        assert!(whole.file(INDEX).is_some() && whole.file("a.m3u8").is_some());
        assert!(whole.files.keys().any(|name| name.starts_with("a-header-")), "{whole:?}");
    }

    #[test]
    fn a_manifest_is_there_when_all_tracks_are_cmaf_and_have_something() {
        let cmaf = |name, content| Track::new(name, content, Container::Cmaf);
        let mut both = presentation(vec![cmaf("v", Content::Video), cmaf("a", Content::Audio)]);
        both.push(delivery(Container::Cmaf, 0, 0)).expect("a segment");
        let half = Edition::of(&both, None);
        assert!(half.file(MANIFEST).is_none() && half.expects(MANIFEST));
        both.push(delivery(Container::Cmaf, 1, 0)).expect("a segment");
        let whole = Edition::of(&both, None);
        assert_eq!(whole.file(MANIFEST).expect("a manifest").media_type, DASH);
        assert!(edition(0).file(MANIFEST).is_none() && !edition(0).expects(MANIFEST));
    }
}
