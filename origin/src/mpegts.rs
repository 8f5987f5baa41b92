//! What has to be known of a segment in MPEG-TS (ISO/IEC 13818-1): that it consists of whole packets,
//! and says which streams it has before it brings any of them, so that a player can begin with it
//! (RFC 8216, 3.2). Of what is in the streams only the mark of a key frame is read, and when each
//! frame is shown. That tells a segment of which more than half is missing. One that was cut behind
//! a packet of its second half looks like one that ends there: nothing in MPEG-TS says how long a
//! segment is, and a picture's length may be left open, and mostly is.

use std::time::Duration;

use thiserror::Error;

/// Bytes of a packet.
const PACKET_BYTES: usize = 188;
/// The first byte of each.
const SYNC: u8 = 0x47;
/// Packet ids: of the table of programs, and of packets that only fill up.
const PAT: u16 = 0;
const NULL: u16 = 0x1fff;

/// Stream types of pictures: MPEG-2, H.264, H.265.
const VIDEO: [u8; 3] = [0x02, 0x1b, 0x24];

/// Why bytes are no whole segment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TsError {
    #[error("{0} bytes are not a number of packets of {PACKET_BYTES} bytes")]
    Length(usize),
    #[error("the packet at {at} begins with {byte:#04x} instead of {SYNC:#04x}")]
    Sync { at: usize, byte: u8 },
    #[error("{0} comes before the table that says which streams there are")]
    Untold(&'static str),
}

/// Whether a whole segment begins with a key frame, as far as its packets say: `None` when it has no
/// picture, or doesn't mark any.
///
/// # Errors
/// What is no whole segment.
pub(crate) fn starts_with_key_frame(segment: &[u8]) -> Result<Option<bool>, TsError> {
    if segment.is_empty() || !segment.len().is_multiple_of(PACKET_BYTES) {
        return Err(TsError::Length(segment.len()));
    }
    for (number, packet) in segment.chunks_exact(PACKET_BYTES).enumerate() {
        if packet[0] != SYNC {
            return Err(TsError::Sync { at: number * PACKET_BYTES, byte: packet[0] });
        }
    }
    let (mut program, mut streams) = (None, None);
    for packet in segment.chunks_exact(PACKET_BYTES).map(Packet) {
        match (packet.id(), program, &streams) {
            (PAT, ..) => program = packet.section().and_then(program_map).or(program),
            (id, Some(map), _) if id == map => {
                streams = packet.section().map(video_stream).or(streams);
            }
            (NULL, ..) => {}
            // Tables of other kinds, such as the names of services.
            (id, ..) if id < 0x20 => {}
            (_, None, _) => return Err(TsError::Untold("a packet")),
            (_, _, None) if packet.starts_unit() => return Err(TsError::Untold("a stream")),
            (_, _, Some(None)) => return Ok(None),
            (id, _, Some(Some(video))) if id == *video && packet.starts_unit() => {
                return Ok(packet.random_access());
            }
            _ => {}
        }
    }
    match streams {
        Some(_) => Ok(None),
        None => Err(TsError::Untold("the end")),
    }
}

/// How long a segment plays but for its last frame, as far as its frames say: those of a picture, or
/// else of a sound. `None` with less than three, which say little.
pub(crate) fn plays(segment: &[u8]) -> Option<Duration> {
    let (mut picture, mut sound) = (Shown::default(), Shown::default());
    for packet in segment.chunks_exact(PACKET_BYTES).map(Packet) {
        match packet.shown_at() {
            Some((0xe0..=0xef, time)) => picture.add(packet.id(), time),
            Some((_, time)) => sound.add(packet.id(), time),
            None => {}
        }
    }
    picture.lasts().or_else(|| sound.lasts())
}

/// When the frames of one stream are shown, in units of 1/90,000 s since the first.
#[derive(Default)]
struct Shown {
    first: Option<(u16, u64)>,
    earliest: i64,
    latest: i64,
    frames: u32,
}

impl Shown {
    /// Another frame, if it is of the same stream.
    fn add(&mut self, id: u16, time: u64) {
        let (of, first) = *self.first.get_or_insert((id, time));
        if of != id {
            return;
        }
        // The clock has 33 bits, and may begin anew in the middle.
        let since = (time.wrapping_sub(first) << 31) as i64 >> 31;
        self.earliest = self.earliest.min(since);
        self.latest = self.latest.max(since);
        self.frames += 1;
    }

    fn lasts(&self) -> Option<Duration> {
        let ticks = self.latest.abs_diff(self.earliest);
        (self.frames >= 3).then(|| Duration::from_micros(ticks * 100 / 9))
    }
}

/// One packet, with its fields at the places of 13818-1, 2.4.3.2.
struct Packet<'a>(&'a [u8]);

impl<'a> Packet<'a> {
    fn id(&self) -> u16 {
        u16::from_be_bytes([self.0[1], self.0[2]]) & 0x1fff
    }

    /// Whether a table or a frame begins in it.
    fn starts_unit(&self) -> bool {
        self.0[1] & 0x40 != 0
    }

    /// The adaptation field without its length; empty where there is none.
    fn adaptation(&self) -> &'a [u8] {
        match self.0[3] & 0x20 {
            0 => &[],
            _ => self.0.get(5..5 + usize::from(self.0[4])).unwrap_or_default(),
        }
    }

    /// `random_access_indicator`, where the packet has flags at all.
    fn random_access(&self) -> Option<bool> {
        self.adaptation().first().map(|flags| flags & 0x40 != 0)
    }

    /// The beginning of a table or a frame.
    fn unit(&self) -> Option<&'a [u8]> {
        let field = if self.0[3] & 0x20 == 0 { 0 } else { 1 + usize::from(self.0[4]) };
        self.0.get(4 + field..).filter(|_| self.starts_unit())
    }

    /// The table that begins in it, from its `table_id` to the packet's end. One that goes on in the
    /// next packet is read as far as it is here: what is looked for stands near its beginning.
    fn section(&self) -> Option<&'a [u8]> {
        let unit = self.unit()?;
        unit.get(1 + usize::from(*unit.first()?)..)
    }

    /// The `stream_id` of the picture or sound of which a frame begins in it, and when that is shown
    /// (2.4.3.6).
    fn shown_at(&self) -> Option<(u8, u64)> {
        let [0, 0, 1, id @ (0xbd | 0xc0..=0xef), _, _, _, flags, _, time @ ..] = self.unit()?
        else {
            return None;
        };
        let [a, b, c, d, e] = *time.first_chunk()?;
        let bits = |byte: u8, above: u32| u64::from(byte >> 1) << above;
        let time = bits(a & 0x0f, 30) | u64::from(b) << 22 | bits(c, 15) | u64::from(d) << 7;
        (flags & 0x80 != 0).then_some((*id, time | bits(e, 0)))
    }
}

/// The packet id of the first program's map (2.4.4.3).
fn program_map(section: &[u8]) -> Option<u16> {
    let programs = section.get(8..)?.chunks_exact(4);
    // Program 0 is the network's own table.
    let mut maps = programs.filter(|entry| entry[0] != 0 || entry[1] != 0);
    maps.next().map(|entry| u16::from_be_bytes([entry[2], entry[3]]) & 0x1fff)
}

/// The packet id of the first picture that a map tells of (2.4.4.8), if it does.
fn video_stream(section: &[u8]) -> Option<u16> {
    let number = |at: usize| {
        let bytes = section.get(at..at + 2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    };
    // The length counts from behind itself, and has the check sum of 4 bytes in it.
    let end = (3 + usize::from(number(1)? & 0x0fff)).saturating_sub(4);
    let mut at = 12 + usize::from(number(10)? & 0x0fff);
    while at + 5 <= end {
        if VIDEO.contains(section.get(at)?) {
            return Some(number(at + 1)? & 0x1fff);
        }
        at += 5 + usize::from(number(at + 3)? & 0x0fff);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: &[u8] = include_bytes!("../clip/clip/0.ts");

    #[test]
    fn ffmpegs_segment_is_whole_and_begins_with_a_key_frame() {
        assert_eq!(starts_with_key_frame(CLIP), Ok(Some(true)));
    }

    #[test]
    fn a_segment_that_is_cut_within_a_packet_is_not_whole() {
        for length in (0..CLIP.len()).filter(|length| !length.is_multiple_of(PACKET_BYTES)) {
            assert_eq!(starts_with_key_frame(&CLIP[..length]), Err(TsError::Length(length)));
        }
    }

    #[test]
    fn a_segments_frames_say_how_long_it_plays_whatever_its_clock_says() {
        let last_frame = Duration::from_millis(40);
        assert_eq!(plays(CLIP), Some(Duration::from_secs(2) - last_frame));
        let half = CLIP.len() / 2 / PACKET_BYTES * PACKET_BYTES;
        let cut = plays(&CLIP[..half]).expect("frames");
        assert!(cut < Duration::from_millis(1500), "{cut:?}");
        assert_eq!(plays(&CLIP[..5 * PACKET_BYTES]), None);

        let mut shown = Shown::default();
        for time in [(1 << 33) - 3_000, 3_000, 0] {
            shown.add(1, time);
        }
        shown.add(2, 1 << 20);
        assert_eq!(shown.lasts(), Some(Duration::from_micros(66_666)));
    }

    #[test]
    fn a_segment_without_its_tables_is_refused() {
        let first = |id: u16| {
            let mut packets = CLIP.chunks_exact(PACKET_BYTES);
            packets.position(|packet| Packet(packet).id() == id).expect("a packet") * PACKET_BYTES
        };
        let map = program_map(Packet(&CLIP[first(PAT)..]).section().expect("a table"));
        let behind_pat = first(PAT) + PACKET_BYTES;
        let behind_map = first(map.expect("a map")) + PACKET_BYTES;
        for behind in [behind_pat, behind_map] {
            let untold = starts_with_key_frame(&CLIP[behind..]);
            assert_eq!(untold, Err(TsError::Untold("a packet")));
        }
        let tables = starts_with_key_frame(&CLIP[..behind_pat]);
        assert_eq!(tables, Err(TsError::Untold("the end")));
    }

    #[test]
    fn a_lost_byte_is_found_by_the_packet_that_it_shifts() {
        let mut shifted = CLIP.to_vec();
        shifted.remove(3 * PACKET_BYTES + 7);
        shifted.push(0);
        let lost = starts_with_key_frame(&shifted);
        assert!(matches!(lost, Err(TsError::Sync { at: 752, .. })), "{lost:?}");
    }

    #[test]
    fn no_garbled_byte_ends_the_process() {
        for at in 0..6 * PACKET_BYTES {
            for byte in [0, 0x1f, 0x7f, 0xff] {
                let mut garbled = CLIP[..6 * PACKET_BYTES].to_vec();
                garbled[at] = byte;
                // It is read or refused; which of them depends on the byte.
                let _ = starts_with_key_frame(&garbled);
                let _ = plays(&garbled);
            }
        }
    }
}
