//! How records look on the way between workers and nodes: compact, bounded, and such that releases
//! which differ understand each other as far as they can. A record has its kind and its length in
//! front, so one of an unknown kind is stepped over, and what a later release adds to the end of a
//! known one isn't looked at.
//!
//! A message between nodes is a version byte, the sender's incarnation (8 bytes, little endian), and
//! records. Within a node the same records go from worker to worker without that.
//!
//! ```text
//! message  version:1 incarnation:8 record*
//! record   kind:1 length:4 body:length
//! ```
//!
//! Numbers in a body are LEB128, texts and slices have their length in front.

use crate::limits::BUS_RECORD_BYTES_MAX;

/// What a message between nodes begins with. Another one is counted, and not read.
pub(crate) const VERSION: u8 = 1;

/// Bytes before the records of a message between nodes.
pub(crate) const HEAD_BYTES: usize = 9;

/// Bytes before the body of a record.
const RECORD_HEAD_BYTES: usize = 5;

/// A run of a node: random, drawn at its start, so that one which starts again is another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Incarnation(pub(crate) u64);

/// Something that isn't as it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Malformed {
    /// The message is of another version.
    Version(u8),
    /// The message is cut off, or a number, a length or a text makes no sense.
    Cut,
}

/// The head of a message between nodes.
pub(crate) fn write_head(from: Incarnation, out: &mut Vec<u8>) {
    out.push(VERSION);
    out.extend(from.0.to_le_bytes());
}

/// Who has sent a message, and its records.
///
/// # Errors
///
/// When it is of another version, or too short for a head.
pub(crate) fn read_head(message: &[u8]) -> Result<(Incarnation, &[u8]), Malformed> {
    match message.first() {
        Some(&VERSION) => {}
        Some(&other) => return Err(Malformed::Version(other)),
        None => return Err(Malformed::Cut),
    }
    let (from, records) = message[1..].split_first_chunk().ok_or(Malformed::Cut)?;
    Ok((Incarnation(u64::from_le_bytes(*from)), records))
}

/// Appends a record whose body `write` appends.
pub(crate) fn write_record(kind: u8, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    let length_at = out.len();
    out.extend([0; 4]);
    write(out);
    let length = (out.len() - length_at - 4) as u32;
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

/// The records of a message, one after another, each with its kind. It ends behind the first that
/// is cut off or too long, which is an error: what follows it can't be told.
pub(crate) struct Records<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<(u8, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.0);
        if rest.is_empty() {
            return None;
        }
        let Some(([kind, length @ ..], behind)) = rest.split_first_chunk::<RECORD_HEAD_BYTES>()
        else {
            return Some(Err(Malformed::Cut));
        };
        let length = u32::from_le_bytes(*length) as usize;
        match behind.split_at_checked(length) {
            Some((body, behind)) if length <= BUS_RECORD_BYTES_MAX => {
                self.0 = behind;
                Some(Ok((*kind, body)))
            }
            _ => Some(Err(Malformed::Cut)),
        }
    }
}

/// What a body is read with. Nothing that it hands out is copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body<'a>(pub(crate) &'a [u8]);

impl<'a> Body<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (byte, rest) = self.0.split_first().ok_or(Malformed::Cut)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed::Cut);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed::Cut)
    }

    /// A number that fits.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        self.number()?.try_into().map_err(|_| Malformed::Cut)
    }

    pub(crate) fn slice(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.small()?;
        let (slice, rest) = self.0.split_at_checked(length).ok_or(Malformed::Cut)?;
        self.0 = rest;
        Ok(slice)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Malformed::Cut)?;
        self.0 = rest;
        Ok(*array)
    }
}

/// Appends a number.
pub(crate) fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a slice and its length.
pub(crate) fn put_slice(slice: &[u8], out: &mut Vec<u8>) {
    put_number(slice.len() as u64, out);
    out.extend_from_slice(slice);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_slices_come_back_as_they_were() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            put_number(number, &mut out);
            put_slice(b"offer", &mut out);
            let mut body = Body(&out);
            assert_eq!((body.number(), body.slice()), (Ok(number), Ok(&b"offer"[..])));
            assert!(body.0.is_empty());
        }
    }

    #[test]
    fn a_number_that_is_too_large_or_never_ends_is_none() {
        let too_large = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        for bytes in [&too_large[..], &[0x80; 11], &[0x80], &[]] {
            assert_eq!(Body(bytes).number(), Err(Malformed::Cut), "{bytes:?}");
        }
        let mut out = Vec::new();
        put_number(1 << 16, &mut out);
        assert_eq!(Body(&out).small::<u16>(), Err(Malformed::Cut));
    }

    #[test]
    fn a_record_of_a_later_kind_is_stepped_over_and_a_cut_one_ends_the_message() {
        let mut message = Vec::new();
        write_head(Incarnation(7), &mut message);
        write_record(200, &mut message, |out| out.extend_from_slice(b"what is to come"));
        write_record(3, &mut message, |out| out.push(9));
        let (from, records) = read_head(&message).expect("a head");
        let all: Vec<_> = Records(records).collect();
        assert_eq!(from, Incarnation(7));
        assert_eq!(all, [Ok((200, &b"what is to come"[..])), Ok((3, &[9][..]))]);

        let cut: Vec<_> = Records(&records[..records.len() - 1]).collect();
        assert_eq!(cut, [Ok((200, &b"what is to come"[..])), Err(Malformed::Cut)]);
        let long = [&[3][..], &(BUS_RECORD_BYTES_MAX as u32 + 1).to_le_bytes()].concat();
        let long = [long, vec![0; BUS_RECORD_BYTES_MAX + 1]].concat();
        assert_eq!(Records(&long).collect::<Vec<_>>(), [Err(Malformed::Cut)]);
    }

    #[test]
    fn a_message_of_another_version_is_not_read() {
        assert_eq!(read_head(&[2; 20]), Err(Malformed::Version(2)));
        for bytes in [&[][..], &[VERSION], &[VERSION; HEAD_BYTES - 1]] {
            assert_eq!(read_head(bytes), Err(Malformed::Cut));
        }
    }
}
