//! Messages compressed and back (RFC 7692, section 7.2), without context takeover: each starts from
//! nothing, so one deflater and one inflater serve all sockets of a worker.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::limits::INFLATED_BYTES_MAX;

/// What a flush ends with and a message goes without: an empty stored block.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Bytes of a message above which it is compressed; below it fits into a packet anyway.
const DEFLATE_BYTES_MIN: usize = 1024;

/// The fastest level: this program must be cheaper than what it loads.
const LEVEL: Compression = Compression::new(1);

/// How much the inflater's room grows at a time, in bytes.
const STEP_BYTES: usize = 16 * 1024;

/// Why a compressed message is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InflateError {
    #[error("a compressed message that cannot be inflated")]
    Garbage,
    #[error("a compressed message of more than {INFLATED_BYTES_MAX} bytes when inflated")]
    TooLong,
}

/// Compresses one message at a time.
#[derive(Debug)]
pub(crate) struct Deflater {
    compress: Compress,
    deflated: Vec<u8>,
}

impl Default for Deflater {
    fn default() -> Self {
        Self { compress: Compress::new(LEVEL, false), deflated: Vec::new() }
    }
}

impl Deflater {
    /// The payload of a compressed message, or `None` where `text` is better sent as it is.
    pub(crate) fn deflate(&mut self, text: &[u8]) -> Option<&[u8]> {
        if text.len() <= DEFLATE_BYTES_MIN {
            return None;
        }
        self.compress.reset();
        self.deflated.clear();
        // Room for the worst case, so that one call always ends its flush: fixed codes of 9 bits
        // for each byte, and the blocks' own.
        self.deflated.reserve(text.len() + text.len() / 8 + 64);
        let flush = FlushCompress::Sync;
        self.compress.compress_vec(text, &mut self.deflated, flush).ok()?;
        let payload = self.deflated.strip_suffix(&TAIL)?;
        (payload.len() < text.len()).then_some(payload)
    }
}

/// Puts one compressed message at a time back to what it was.
#[derive(Debug)]
pub(crate) struct Inflater {
    decompress: Decompress,
    /// Lent out with a message in it, and given back for the next.
    plain: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { decompress: Decompress::new(false), plain: Vec::new() }
    }
}

impl Inflater {
    /// The message that `payload` stands for; [`Self::give_back`] takes it for the next one.
    ///
    /// # Errors
    /// When it stands for none, or for one above the bound, of which little more is inflated.
    pub(crate) fn inflate(&mut self, payload: &[u8]) -> Result<Vec<u8>, InflateError> {
        self.decompress.reset(false);
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        let inflated = self.inflate_into(payload, &mut plain).and_then(|is_final| {
            // A final block ends the data; the flush's end would be behind it.
            if is_final { Ok(true) } else { self.inflate_into(&TAIL, &mut plain) }
        });
        match inflated {
            Ok(_) => Ok(plain),
            Err(why) => {
                self.plain = plain;
                Err(why)
            }
        }
    }

    /// Appends what `input` stands for; whether it ended with a block that calls itself final.
    fn inflate_into(
        &mut self,
        mut input: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<bool, InflateError> {
        loop {
            plain.reserve(STEP_BYTES);
            let before = self.decompress.total_in();
            let flush = FlushDecompress::Sync;
            let status = self
                .decompress
                .decompress_vec(input, plain, flush)
                .map_err(|_| InflateError::Garbage)?;
            input = &input[(self.decompress.total_in() - before) as usize..];
            if plain.len() > INFLATED_BYTES_MAX {
                return Err(InflateError::TooLong);
            }
            match status {
                Status::StreamEnd if input.is_empty() => return Ok(true),
                // Another block may follow (RFC 7692, section 7.2.3.4).
                Status::StreamEnd => self.decompress.reset(false),
                // There was room left, so everything has come out.
                _ if plain.len() < plain.capacity() && input.is_empty() => return Ok(false),
                _ if plain.len() < plain.capacity() => return Err(InflateError::Garbage),
                _ => {}
            }
        }
    }

    pub(crate) fn give_back(&mut self, plain: Vec<u8>) {
        self.plain = plain;
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::inflate::decompress_to_vec;

    use super::*;

    fn text(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| b"a=candidate:1 udp 10.0."[at * at % 23]).collect()
    }

    fn deflated(text: &[u8]) -> Vec<u8> {
        Deflater::default().deflate(text).expect("worth it").to_vec()
    }

    #[test]
    fn what_is_compressed_is_understood_by_another_implementation() {
        let mut deflater = Deflater::default();
        for bytes in [1_025, 1_500, 17_000, 65_000] {
            let payload = deflater.deflate(&text(bytes)).expect("worth it");
            assert!(payload.len() < bytes);
            // It wants an end: an empty final block.
            let whole = [payload, &TAIL, b"\x03\x00"].concat();
            assert!(decompress_to_vec(&whole).expect("deflate") == text(bytes), "{bytes} bytes");
        }
    }

    #[test]
    fn messages_are_the_same_when_they_come_back_and_know_nothing_of_each_other() {
        let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
        for bytes in [1_500, INFLATED_BYTES_MAX, 1_500] {
            let payload = deflater.deflate(&text(bytes)).expect("worth it");
            assert_eq!(payload, deflated(&text(bytes)));
            let plain = inflater.inflate(payload).expect("a message");
            assert_eq!(plain, text(bytes));
            inflater.give_back(plain);
        }
        assert_eq!(inflater.inflate(b"\x00"), Ok(Vec::new()), "RFC 7692, section 7.2.3.6");
        // The RFC's own examples (sections 7.2.3.1, 7.2.3.3 and 7.2.3.4).
        for hello in [
            &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
        ] {
            let plain = inflater.inflate(hello);
            assert!(plain == Ok(b"Hello".to_vec()), "{plain:?}");
        }
    }

    #[test]
    fn what_is_short_or_grows_is_sent_as_it_is() {
        let mut deflater = Deflater::default();
        assert_eq!(deflater.deflate(&text(DEFLATE_BYTES_MIN)), None);
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        assert_eq!(deflater.deflate(&noise.take(20_000).collect::<Vec<_>>()), None);
        assert_eq!(deflater.deflate(&text(2_000)), Some(&deflated(&text(2_000))[..]));
    }

    #[test]
    fn a_bomb_is_inflated_no_further_than_the_bound() {
        let mut inflater = Inflater::default();
        let bomb = deflated(&vec![b'a'; 5_000_000]);
        assert_eq!(inflater.inflate(&bomb), Err(InflateError::TooLong));
        assert!(inflater.plain.capacity() < INFLATED_BYTES_MAX * 3);
        let longer = deflated(&text(INFLATED_BYTES_MAX + 1));
        assert_eq!(inflater.inflate(&longer), Err(InflateError::TooLong));
    }

    #[test]
    fn garbage_is_told_and_forgotten() {
        let mut inflater = Inflater::default();
        let good = deflated(&text(2_000));
        let behind_final = [&b"\xf3\x48\xcd\xc9\xc9\x07\x00"[..], b"\x07\x07"].concat();
        for garbage in [&b"\xff\xff\xff"[..], b"\x06garbage", &behind_final] {
            assert_eq!(inflater.inflate(garbage), Err(InflateError::Garbage), "{garbage:?}");
            assert_eq!(inflater.inflate(&good).as_deref(), Ok(&text(2_000)[..]));
        }
    }
}
