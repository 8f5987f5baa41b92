//! A multivariant playlist: which tracks a stream has, and where the media playlist of each is.

use quick_m3u8::config::ParsingOptionsBuilder;
use quick_m3u8::tag::hls::{EnumeratedString, Media, MediaType, StreamInf, Tag};

use super::{Line, Lines, PlaylistError};
use crate::limits::PLAYLIST_TRACKS_MAX;
use crate::playlist::Content;

/// The tracks of a stream. What carries neither picture nor sound is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct MultivariantPlaylist {
    /// At least one.
    pub(crate) variants: Vec<Variant>,
    /// Of sound alone.
    pub(crate) renditions: Vec<Rendition>,
}

/// One quality of the stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variant {
    /// Of its media playlist, as it is written.
    pub(crate) uri: String,
    /// At the most, with the sound that goes with it.
    pub(crate) bits_per_second: u64,
    /// Of all that goes with it, as RFC 6381 writes them; checked to be of its characters.
    pub(crate) codecs: Option<String>,
    /// Across and down.
    pub(crate) pixels: Option<(u32, u32)>,
    /// Above 0, and finite.
    pub(crate) frames_per_second: Option<f64>,
    /// The group of renditions that it is played with.
    pub(crate) audio_group: Option<String>,
}

/// One version of the sound.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rendition {
    /// Of its media playlist, as it is written; none when the variants themselves carry it.
    pub(crate) uri: Option<String>,
    pub(crate) group: String,
    /// For people, in any characters: not for URLs.
    pub(crate) name: String,
    /// As BCP 47 writes it; checked to be of its characters.
    pub(crate) language: Option<String>,
    /// Played unless the viewer chooses.
    pub(crate) is_default: bool,
}

impl Variant {
    /// What is in it, when its sound is in it or else apart; and the codecs of that.
    pub(crate) fn carried(&self, is_sound_apart: bool) -> (Content, Option<String>) {
        match &self.codecs {
            Some(codecs) if codecs.split(',').all(is_sound) => {
                (Content::Audio, Some(codecs.clone()))
            }
            Some(codecs) if is_sound_apart => {
                let pictures = codecs.split(',').map(str::trim).filter(|codec| !is_sound(codec));
                (Content::Video, Some(pictures.collect::<Vec<_>>().join(",")))
            }
            None if is_sound_apart => (Content::Video, None),
            codecs => (Content::Muxed, codecs.clone()),
        }
    }

    /// The codecs of the sound that goes with it, in it or apart.
    pub(crate) fn sounds(&self) -> impl Iterator<Item = &str> {
        let codecs = self.codecs.iter().flat_map(|codecs| codecs.split(','));
        codecs.map(str::trim).filter(|codec| is_sound(codec))
    }
}

/// By the registered names of codecs (mp4ra.org), with which RFC 6381 strings begin.
fn is_sound(codec: &str) -> bool {
    let kinds = ["mp4a", "ac-3", "ec-3", "ac-4", "opus", "flac", "alac", "dts", "mp3"];
    let codec = codec.trim().to_ascii_lowercase();
    kinds.iter().any(|kind| codec.starts_with(kind))
}

pub(super) fn read(text: &str) -> Result<MultivariantPlaylist, PlaylistError> {
    let mut options = ParsingOptionsBuilder::new();
    options.with_parsing_for_stream_inf().with_parsing_for_media().with_parsing_for_define();
    let mut lines = Lines::new(text, options.build());
    let mut playlist = MultivariantPlaylist::default();
    let mut described = None;
    while let Some(line) = lines.next()? {
        match line {
            Line::Tag(Tag::StreamInf(stream)) => described = Some(stream),
            Line::Tag(Tag::Media(media)) => playlist.renditions.extend(rendition(&lines, &media)?),
            Line::Tag(Tag::Define(_)) => return Err(lines.not_supported("#EXT-X-DEFINE")),
            Line::Uri(uri) => {
                let stream = described.take().ok_or_else(|| lines.not_understood(uri))?;
                playlist.variants.push(variant(&stream, lines.uri(uri)?));
            }
            Line::Tag(_) | Line::Date(_) => {}
        }
        if playlist.variants.len() + playlist.renditions.len() > PLAYLIST_TRACKS_MAX {
            let what = "variants and renditions";
            return Err(PlaylistError::TooMany { max: PLAYLIST_TRACKS_MAX, what });
        }
    }
    match playlist.variants.is_empty() {
        true => Err(PlaylistError::Missing("#EXT-X-STREAM-INF with a URI")),
        false => Ok(playlist),
    }
}

fn variant(stream: &StreamInf<'_>, uri: String) -> Variant {
    let pixels = stream.resolution().and_then(|pixels| {
        Some((u32::try_from(pixels.width).ok()?, u32::try_from(pixels.height).ok()?))
    });
    let frames = stream.frame_rate().filter(|frames| frames.is_finite() && *frames > 0.0);
    Variant {
        uri,
        bits_per_second: stream.bandwidth(),
        codecs: stream.codecs().filter(|text| is_made_of(text, b"., ")).map(str::to_owned),
        pixels,
        frames_per_second: frames,
        audio_group: stream.audio().map(str::to_owned),
    }
}

fn rendition(lines: &Lines<'_>, media: &Media<'_>) -> Result<Option<Rendition>, PlaylistError> {
    if media.media_type() != EnumeratedString::Known(MediaType::Audio) {
        return Ok(None);
    }
    let language = media.language().filter(|text| is_made_of(text, b"-"));
    Ok(Some(Rendition {
        uri: media.uri().map(|uri| lines.uri(uri)).transpose()?,
        group: media.group_id().to_owned(),
        name: media.name().to_owned(),
        language: language.map(str::to_owned),
        is_default: media.default(),
    }))
}

/// These go into our own playlists, so they are short and hold nothing that could end them early.
fn is_made_of(text: &str, others: &[u8]) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    (1..=200).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::super::HlsPlaylist;
    use super::*;

    fn playlist(lines: &str) -> Result<MultivariantPlaylist, PlaylistError> {
        match HlsPlaylist::read(format!("#EXTM3U\n{lines}").as_bytes())? {
            HlsPlaylist::Multivariant(list) => Ok(list),
            HlsPlaylist::Media(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn variants_and_their_sound_are_read() {
        let read = playlist(
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Français\",LANGUAGE=\"fr\",\
             DEFAULT=YES,URI=\"fr.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Within\"\n\
             #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"x\",URI=\"s.m3u8\"\n\
             #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"iframes.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=2596000,CODECS=\"avc1.42c01f,mp4a.40.2\",\
             RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO=\"a\"\n\
             # a remark\n\
             720/index.m3u8?key=1\n",
        );
        let variant = Variant {
            uri: "720/index.m3u8?key=1".to_owned(),
            bits_per_second: 2_596_000,
            codecs: Some("avc1.42c01f,mp4a.40.2".to_owned()),
            pixels: Some((1280, 720)),
            frames_per_second: Some(29.97),
            audio_group: Some("a".to_owned()),
        };
        let french = Rendition {
            uri: Some("fr.m3u8".to_owned()),
            group: "a".to_owned(),
            name: "Français".to_owned(),
            language: Some("fr".to_owned()),
            is_default: true,
        };
        let within = Rendition {
            uri: None,
            name: "Within".to_owned(),
            language: None,
            is_default: false,
            ..french.clone()
        };
        let renditions = vec![french, within];
        assert_eq!(read, Ok(MultivariantPlaylist { variants: vec![variant], renditions }));
    }

    #[test]
    fn what_only_describes_may_be_odd() {
        let read = playlist(
            "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1\tx\",RESOLUTION=wide,FRAME-RATE=-1\nv\n",
        );
        let variants = read.expect("a playlist").variants;
        assert_eq!((&variants[0].codecs, variants[0].pixels), (&None, None));
        assert_eq!(variants[0].frames_per_second, None);
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        let refusal = |lines: &str| playlist(lines).expect_err("a refusal").to_string();
        let stray = refusal("#EXT-X-STREAM-INF:BANDWIDTH=1\nv\nw\n");
        assert_eq!(stray, "line 4, a URI, is not understood");
        assert_eq!(
            refusal("#EXT-X-STREAM-INF:BANDWIDTH=1\n"),
            "it has no #EXT-X-STREAM-INF with a URI"
        );
        let many = refusal(&"#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n".repeat(PLAYLIST_TRACKS_MAX + 1));
        assert_eq!(many, "it has more than 256 variants and renditions");
    }
}
