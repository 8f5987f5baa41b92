//! A CMAF header (ISO/IEC 23000-19, 7.3.1), called initialization segment by DASH and HLS: `ftyp`
//! and a `moov` without samples. It says what the track is, and what its fragments leave out.

use mp4_atom::{FourCC, Hdlr, Mdat, Mdhd, Mdia, Minf, Moov, Mvex, Stbl, Stsd, Tkhd, Trak, Trex};

use super::CmafError;
use super::boxes::{Boxes, Found, leaf};
use super::codecs::Entry;
use crate::limits::{CMAF_CONFIG_BYTES_MAX, CMAF_HEADER_BYTES_MAX, CMAF_TRACKS_MAX};

/// Pictures and sounds of one file: one in CMAF proper, two where somebody muxed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The one that stands for all: the picture, where there is one.
    pub(crate) leading: Track,
    pub(crate) others: Vec<Track>,
}

/// What a header says of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Track {
    /// By which fragments name it.
    pub(super) id: u32,
    pub(crate) kind: Kind,
    /// As browsers and playlists name it (RFC 6381).
    pub(crate) codecs: String,
    /// Ticks a second, in which it is timed. Never 0.
    pub(crate) timescale: u32,
    /// What a fragment means that doesn't say otherwise.
    pub(super) defaults: Defaults,
}

/// Whether a track is seen or heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Video { pixels: (u32, u32) },
    Audio { sample_rate: u32, channels: u32 },
}

/// Of one sample, by the header (`trex`) or by a fragment (`tfhd`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Defaults {
    /// Ticks of the track's timescale.
    pub(super) duration: u32,
    /// Bytes.
    pub(super) size: u32,
    pub(super) flags: u32,
}

impl Header {
    /// # Errors
    /// What is no header, is cut off, or has no track whose codec is known.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, CmafError> {
        if bytes.len() > CMAF_HEADER_BYTES_MAX {
            let what = format!("it has {} bytes, more than {CMAF_HEADER_BYTES_MAX}", bytes.len());
            return Err(CmafError::new(FourCC::new(b"file"), what));
        }
        let mut moov = None;
        for found in Boxes::of(bytes) {
            let found = found?;
            if found.kind == kind::<Mdat>() {
                return Err(CmafError::new(found.kind, "a header holds no samples"));
            }
            if found.kind == kind::<Moov>() && moov.replace(found).is_some() {
                return Err(CmafError::new(found.kind, "there are two"));
            }
        }
        let moov = moov.ok_or_else(|| CmafError::new(kind::<Moov>(), "there is none"))?;
        let mut tracks = Vec::new();
        for found in Boxes::within(moov, 0) {
            let found = found?;
            if found.kind != kind::<Trak>() {
                continue;
            }
            if tracks.len() == CMAF_TRACKS_MAX {
                let what = format!("there are more than {CMAF_TRACKS_MAX}");
                return Err(CmafError::new(found.kind, what));
            }
            tracks.extend(Track::read(found)?);
        }
        if tracks.is_empty() {
            return Err(CmafError::new(moov.kind, "it has neither a picture nor a sound"));
        }
        let mvex = Boxes::within(moov, 0).first::<Mvex>()?;
        for found in Boxes::within(mvex, 0) {
            let found = found?;
            if found.kind == kind::<Trex>() {
                let trex: Trex = leaf(found, CMAF_CONFIG_BYTES_MAX)?;
                for track in tracks.iter_mut().filter(|track| track.id == trex.track_id) {
                    track.defaults = Defaults {
                        duration: trex.default_sample_duration,
                        size: trex.default_sample_size,
                        flags: trex.default_sample_flags,
                    };
                }
            }
        }
        let picture = tracks.iter().position(|track| matches!(track.kind, Kind::Video { .. }));
        let leading = tracks.remove(picture.unwrap_or(0));
        Ok(Header { leading, others: tracks })
    }

    /// The track of this number.
    pub(super) fn track(&self, id: u32) -> Option<&Track> {
        std::iter::once(&self.leading).chain(&self.others).find(|track| track.id == id)
    }

    /// The codecs of all tracks, as a playlist lists them.
    pub(crate) fn codecs(&self) -> String {
        let others = self.others.iter().map(|track| format!(",{}", track.codecs));
        std::iter::once(self.leading.codecs.clone()).chain(others).collect()
    }
}

impl Track {
    /// `None` for what is neither seen nor heard, such as subtitles.
    fn read(trak: Found<'_>) -> Result<Option<Self>, CmafError> {
        let tkhd: Tkhd = leaf(Boxes::within(trak, 0).first::<Tkhd>()?, CMAF_CONFIG_BYTES_MAX)?;
        let mdia = Boxes::within(trak, 0).first::<Mdia>()?;
        let hdlr = Boxes::within(mdia, 0).first::<Hdlr>()?;
        // Version and flags, and four bytes that mean nothing, stand before it.
        if !matches!(hdlr.body.get(8..12), Some(b"vide" | b"soun")) {
            return Ok(None);
        }
        let mdhd: Mdhd = leaf(Boxes::within(mdia, 0).first::<Mdhd>()?, CMAF_CONFIG_BYTES_MAX)?;
        if mdhd.timescale == 0 {
            return Err(CmafError::new(kind::<Mdhd>(), "its timescale is 0"));
        }
        let minf = Boxes::within(mdia, 0).first::<Minf>()?;
        let stbl = Boxes::within(minf, 0).first::<Stbl>()?;
        let stsd = Boxes::within(stbl, 0).first::<Stsd>()?;
        // Version and flags, and the number of entries. Any further ones are for other fragments of
        // the same track, and are of the same codec (ISO/IEC 23000-19, 7.5.10).
        let entry = Boxes::within(stsd, 8).next();
        let entry = entry.ok_or_else(|| CmafError::new(stsd.kind, "it has no entry"))??;
        let (kind, codecs) = match Entry::read(entry)? {
            Entry::Video { codecs, pixels } => (Kind::Video { pixels }, codecs),
            Entry::Audio { codecs, sample_rate, channels } => {
                (Kind::Audio { sample_rate, channels }, codecs)
            }
        };
        let (id, timescale) = (tkhd.track_id, mdhd.timescale);
        Ok(Some(Track { id, kind, codecs, timescale, defaults: Defaults::default() }))
    }
}

fn kind<T: mp4_atom::Atom>() -> FourCC {
    T::KIND
}
