//! The HLS multivariant playlist (RFC 8216, 4.3.4): which tracks there are, and what each of them
//! asks of a player. A stream with a single muxed track needs none.

use std::fmt::Write;

use super::presentation::{Presentation, TrackWindow};
use super::track::{Content, Track};

/// All sound is one group: each quality of the picture goes with any of it.
const AUDIO_GROUP: &str = "audio";

/// Bits a second of a track about which nothing is known; players only compare these.
const UNKNOWN_BITS_PER_SECOND: u64 = 1_000_000;

/// The playlist that names all tracks, or `None` when the only one is the stream.
pub(crate) fn render(presentation: &Presentation) -> Option<String> {
    let tracks = presentation.tracks();
    if let [only] = tracks
        && only.track.content == Content::Muxed
    {
        return None;
    }
    let mut text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    let (sounds, pictures): (Vec<_>, Vec<_>) =
        tracks.iter().partition(|of| of.track.content == Content::Audio);
    if pictures.is_empty() {
        for sound in sounds {
            variant(&mut text, &sound.track, bits_per_second(sound), None);
        }
        return Some(text);
    }
    for (index, sound) in sounds.iter().enumerate() {
        rendition(&mut text, &sound.track, index == 0);
    }
    let loudest = sounds.iter().max_by_key(|sound| bits_per_second(sound));
    for picture in pictures {
        let sound_bits = loudest.map_or(0, |sound| bits_per_second(sound));
        let sound = loudest.map(|sound| &sound.track);
        variant(&mut text, &picture.track, bits_per_second(picture) + sound_bits, sound);
    }
    Some(text)
}

/// What a player has to be able to download: what the source says, or what the first segment took.
pub(crate) fn bits_per_second(of: &TrackWindow) -> u64 {
    let declared = of.track.bits_per_second;
    declared.or(of.first_bits_per_second()).unwrap_or(UNKNOWN_BITS_PER_SECOND)
}

fn rendition(text: &mut String, track: &Track, is_default: bool) {
    let name = &track.name;
    let default = if is_default { "YES" } else { "NO" };
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{AUDIO_GROUP}\",NAME=\"{name}\",DEFAULT={default},\
         AUTOSELECT=YES"
    );
    if let Some(language) = &track.language {
        let _ = write!(text, ",LANGUAGE=\"{language}\"");
    }
    let _ = writeln!(text, ",URI=\"{name}.m3u8\"");
}

fn variant(text: &mut String, track: &Track, bits_per_second: u64, sound: Option<&Track>) {
    let _ = write!(text, "#EXT-X-STREAM-INF:BANDWIDTH={bits_per_second}");
    // Half a list would be wrong: a player takes it for all that it has to decode.
    let codecs = match (&track.codecs, sound.map(|sound| &sound.codecs)) {
        (Some(picture), Some(Some(sound))) => Some(format!("{picture},{sound}")),
        (Some(alone), None) => Some(alone.clone()),
        (None, _) | (_, Some(None)) => None,
    };
    if let Some(codecs) = codecs {
        let _ = write!(text, ",CODECS=\"{codecs}\"");
    }
    if let Some((width, height)) = track.pixels {
        let _ = write!(text, ",RESOLUTION={width}x{height}");
    }
    if let Some(frames) = track.frames_per_second {
        let _ = write!(text, ",FRAME-RATE={frames:.3}");
    }
    if sound.is_some() {
        let _ = write!(text, ",AUDIO=\"{AUDIO_GROUP}\"");
    }
    let _ = writeln!(text, "\n{}.m3u8", track.name);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::playlist::Container;

    fn rendered(tracks: Vec<Track>) -> Option<String> {
        let mut presentation = Presentation::new(3, SystemTime::UNIX_EPOCH);
        presentation.declare(tracks, Duration::from_secs(2)).expect("tracks that can be played");
        render(&presentation)
    }

    fn video(name: &str, height: u32, kilobits: u64) -> Track {
        Track {
            bits_per_second: Some(kilobits * 1000),
            codecs: Some("avc1.42c01f".to_owned()),
            pixels: Some((height * 16 / 9, height)),
            frames_per_second: Some(30.0),
            ..Track::new(name, Content::Video, Container::Cmaf)
        }
    }

    fn audio(language: Option<&str>) -> Track {
        Track {
            bits_per_second: Some(96_000),
            codecs: Some("mp4a.40.2".to_owned()),
            language: language.map(str::to_owned),
            ..Track::new("audio", Content::Audio, Container::Cmaf)
        }
    }

    #[test]
    fn a_ladder_shares_its_sound() {
        let tracks = vec![video("v720", 720, 2500), video("v360", 360, 800), audio(Some("en"))];
        assert_eq!(
            rendered(tracks).as_deref(),
            Some(
                "#EXTM3U\n\
                 #EXT-X-VERSION:6\n\
                 #EXT-X-INDEPENDENT-SEGMENTS\n\
                 #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\",DEFAULT=YES,\
                 AUTOSELECT=YES,LANGUAGE=\"en\",URI=\"audio.m3u8\"\n\
                 #EXT-X-STREAM-INF:BANDWIDTH=2596000,CODECS=\"avc1.42c01f,mp4a.40.2\",\
                 RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO=\"audio\"\n\
                 v720.m3u8\n\
                 #EXT-X-STREAM-INF:BANDWIDTH=896000,CODECS=\"avc1.42c01f,mp4a.40.2\",\
                 RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO=\"audio\"\n\
                 v360.m3u8\n"
            )
        );
    }

    #[test]
    fn codecs_are_told_whole_or_not_at_all() {
        let unknown = Track { codecs: None, ..audio(None) };
        let text = rendered(vec![video("v", 720, 2500), unknown]).expect("a playlist");
        assert!(!text.contains("CODECS"), "{text}");
    }

    #[test]
    fn sound_alone_is_a_variant_and_one_muxed_track_needs_no_list() {
        let text = rendered(vec![audio(None)]).expect("a playlist");
        assert!(text.contains("BANDWIDTH=96000,CODECS=\"mp4a.40.2\"\naudio.m3u8\n"), "{text}");
        assert!(!text.contains("EXT-X-MEDIA:"), "{text}");
        let muxed = Track::new("main", Content::Muxed, Container::MpegTs);
        assert_eq!(rendered(vec![muxed]), None);
    }
}
