//! What a stream consists of: a single track with picture and sound, or one track for each quality
//! of the picture and for the sound.

use std::sync::Arc;

/// One track, as its source describes it before the first segment. What a source doesn't know is
/// read from the track's CMAF header, or not told to players.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Track {
    /// Its place in URLs; unique within the stream, and made of what a stream's name is made of.
    pub(crate) name: Arc<str>,
    pub(crate) content: Content,
    pub(crate) container: Container,
    /// Bits a second at the most.
    pub(crate) bits_per_second: Option<u64>,
    /// As RFC 6381 writes it: `avc1.64001f`.
    pub(crate) codecs: Option<String>,
    /// Across and down.
    pub(crate) pixels: Option<(u32, u32)>,
    pub(crate) frames_per_second: Option<f64>,
    /// Of the sound, as BCP 47 writes it.
    pub(crate) language: Option<String>,
}

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Content {
    /// Picture and sound in one: the stream's only kind of track.
    Muxed,
    Video,
    Audio,
}

/// What a track's segments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Container {
    /// MPEG-TS: HLS alone.
    MpegTs,
    /// Fragmented MP4 with a header of its own (ISO/IEC 23000-19): HLS and DASH.
    Cmaf,
}

impl Track {
    /// A track of which nothing more is known.
    pub(crate) fn new(name: &str, content: Content, container: Container) -> Self {
        Track {
            name: name.into(),
            content,
            container,
            bits_per_second: None,
            codecs: None,
            pixels: None,
            frames_per_second: None,
            language: None,
        }
    }
}

impl Container {
    /// Of a segment's file name.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Container::MpegTs => "ts",
            Container::Cmaf => "m4s",
        }
    }

    /// The media type of a segment (RFC 8216, 3 and RFC 4337).
    pub(crate) fn media_type(self, content: Content) -> &'static str {
        match (self, content) {
            (Container::MpegTs, _) => "video/mp2t",
            (Container::Cmaf, Content::Audio) => "audio/mp4",
            (Container::Cmaf, Content::Muxed | Content::Video) => "video/mp4",
        }
    }
}
