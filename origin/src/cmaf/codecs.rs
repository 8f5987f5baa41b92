//! Codecs by the names that browsers and playlists have for them (RFC 6381, and for each codec the
//! document that binds it to MP4), from the first sample entry of a track.

use mp4_atom::{Atom, Audio, Av1c, Avcc, Buf, Decode, Esds, FourCC, Hvcc, Visual, VpcC};

use super::CmafError;
use super::boxes::{Boxes, Found, leaf};
use crate::limits::CMAF_CONFIG_BYTES_MAX;

/// What a sample entry says.
pub(super) enum Entry {
    Video { codecs: String, pixels: (u32, u32) },
    Audio { codecs: String, sample_rate: u32, channels: u32 },
}

impl Entry {
    pub(super) fn read(entry: Found<'_>) -> Result<Self, CmafError> {
        match entry.kind.as_ref() {
            b"avc1" | b"avc3" => video(entry, |boxes| {
                config(boxes).map(|avc: Avcc| {
                    let profile = avc.avc_profile_indication;
                    let (constraints, level) =
                        (avc.profile_compatibility, avc.avc_level_indication);
                    format!("{}.{profile:02x}{constraints:02x}{level:02x}", name(entry.kind))
                })
            }),
            b"hvc1" | b"hev1" => {
                video(entry, |boxes| config(boxes).map(|hevc| h265(entry.kind, &hevc)))
            }
            b"av01" => video(entry, |boxes| config(boxes).map(|av1| self::av1(&av1))),
            b"vp09" => video(entry, |boxes| {
                config(boxes).map(|vp9: VpcC| {
                    let VpcC { profile, level, bit_depth, .. } = vp9;
                    format!("vp09.{profile:02}.{level:02}.{bit_depth:02}")
                })
            }),
            b"mp4a" => {
                let (audio, boxes) = fields::<Audio>(entry)?;
                let esds: Esds = config(boxes)?;
                let channels = aac_channels(&esds).unwrap_or(u32::from(audio.channel_count));
                Ok(Entry::audio(&audio, aac(&esds), channels))
            }
            b"Opus" | b"ac-3" | b"ec-3" | b"fLaC" => {
                let (audio, _) = fields::<Audio>(entry)?;
                let codecs = name(entry.kind).replace("Opus", "opus");
                Ok(Entry::audio(&audio, codecs, u32::from(audio.channel_count)))
            }
            _ => Err(CmafError::new(entry.kind, "no codec that is known here")),
        }
    }

    fn audio(audio: &Audio, codecs: String, channels: u32) -> Self {
        Entry::Audio { codecs, sample_rate: u32::from(audio.sample_rate.integer()), channels }
    }
}

fn video<'a>(
    entry: Found<'a>,
    codecs: impl FnOnce(Boxes<'a>) -> Result<String, CmafError>,
) -> Result<Entry, CmafError> {
    let (visual, boxes) = fields::<Visual>(entry)?;
    let pixels = (u32::from(visual.width), u32::from(visual.height));
    Ok(Entry::Video { codecs: codecs(boxes)?, pixels })
}

/// What all pictures, or all sounds, have at the beginning of their entry, and the boxes behind it.
fn fields<T: Decode>(entry: Found<'_>) -> Result<(T, Boxes<'_>), CmafError> {
    let mut rest = entry.body;
    let fields =
        T::decode(&mut rest).map_err(|error| CmafError::new(entry.kind, error.to_string()))?;
    Ok((fields, Boxes::within(entry, entry.body.len() - rest.remaining())))
}

/// The record that configures a codec's decoder.
fn config<T: Atom>(boxes: Boxes<'_>) -> Result<T, CmafError> {
    leaf(boxes.first::<T>()?, CMAF_CONFIG_BYTES_MAX)
}

fn name(kind: FourCC) -> String {
    kind.as_ref().escape_ascii().to_string()
}

/// ISO/IEC 14496-15, annex E.3: the compatibility flags with their bits in reverse, and of the
/// constraints the bytes up to the last that is not 0.
fn h265(kind: FourCC, hevc: &Hvcc) -> String {
    let space = ["", "A", "B", "C"][usize::from(hevc.general_profile_space & 3)];
    let profile = hevc.general_profile_idc;
    let compatibility = u32::from_be_bytes(hevc.general_profile_compatibility_flags).reverse_bits();
    let tier = if hevc.general_tier_flag { 'H' } else { 'L' };
    let level = hevc.general_level_idc;
    let constraints = &hevc.general_constraint_indicator_flags;
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let constraints: String = constraints[..used].iter().map(|byte| format!(".{byte:X}")).collect();
    format!("{}.{space}{profile}.{compatibility:X}.{tier}{level}{constraints}", name(kind))
}

/// AV1 in ISOBMFF, section 5; what is left out has its default.
fn av1(av1: &Av1c) -> String {
    let bits = match (av1.high_bitdepth, av1.twelve_bit) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    let tier = if av1.seq_tier_0 { 'H' } else { 'M' };
    format!("av01.{}.{:02}{tier}.{bits:02}", av1.seq_profile, av1.seq_level_idx_0)
}

/// RFC 6381, 3.3: the object type; for MPEG-4 audio, 0x40, its own kind of object after it.
fn aac(esds: &Esds) -> String {
    let config = &esds.es_desc.dec_config;
    match (config.object_type_indication, &config.dec_specific) {
        (0x40, Some(specific)) => format!("mp4a.40.{}", specific.profile),
        (object_type, _) => format!("mp4a.{object_type:02x}"),
    }
}

/// Where the decoder's own configuration says it (ISO/IEC 14496-3, 1.6.3.5): many writers say two in
/// the entry whatever there is.
fn aac_channels(esds: &Esds) -> Option<u32> {
    match esds.es_desc.dec_config.dec_specific.as_ref()?.chan_conf {
        count @ 1..=6 => Some(u32::from(count)),
        7 => Some(8),
        _ => None,
    }
}
