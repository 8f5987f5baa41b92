//! Messages compressed and back (RFC 7692, section 7.2). Each starts from nothing, so one deflater
//! and one inflater serve all sockets of a worker, and what they allocate is kept for the next.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::Violation;
use crate::limits::{DEFLATE_EXTRA_BYTES, INFLATE_STEP_BYTES, SCRATCH_BYTES_KEPT_MAX};

/// What a deflater's flush ends with, and a message goes without: an empty stored block.
const TAIL: &[u8] = &[0x00, 0x00, 0xff, 0xff];

/// The level: matches in fixed codes, which saves most per microsecond of what is sent here (see
/// `docs/decisions/0006-deflate-fast-and-without-memory.md`).
const LEVEL: u32 = 1;

/// Compresses one message at a time.
#[derive(Debug)]
pub struct Deflater {
    compress: Compress,
    plain: Vec<u8>,
    /// Its length is what has been written to at some time: a message overwrites, it doesn't clear.
    deflated: Vec<u8>,
}

/// How a message is to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body<'a> {
    /// Compressed, and smaller for it.
    Deflated(&'a [u8]),
    /// As it is.
    Plain(&'a [u8]),
}

/// Puts one compressed message at a time back to what it was.
#[derive(Debug)]
pub struct Inflater {
    decompress: Decompress,
    /// As with [`Deflater::deflated`].
    plain: Vec<u8>,
    /// Bytes of `plain` that are this message's.
    written: usize,
}

/// Where an inflater is after some input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// The next bytes go on.
    Within,
    /// The last byte was the last one of a block that calls itself final.
    BehindFinalBlock,
}

impl Default for Deflater {
    fn default() -> Self {
        Self { compress: fresh(), plain: Vec::new(), deflated: Vec::new() }
    }
}

impl Deflater {
    /// Compresses the message that `write` appends to what it is given.
    pub fn deflate(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Body<'_> {
        let Self { compress, plain, deflated } = self;
        plain.clear();
        plain.shrink_to(SCRATCH_BYTES_KEPT_MAX);
        write(plain);
        // What codes of 9 bits for every byte would take. There has to be room for all of it: the
        // reset of zlib-rs 0.6.8 doesn't forget where it was in what it couldn't write, and panics.
        let room = plain.len() + plain.len().div_ceil(8) + DEFLATE_EXTRA_BYTES;
        if deflated.len() < room || deflated.len() > SCRATCH_BYTES_KEPT_MAX {
            deflated.resize(room, 0);
            deflated.shrink_to(SCRATCH_BYTES_KEPT_MAX);
        }
        compress.reset();
        let outcome = compress.compress(plain, &mut deflated[..room], FlushCompress::Sync);
        let (read, written) = (compress.total_in() as usize, compress.total_out() as usize);
        // A flush that fills its room may have more to say.
        if !matches!(outcome, Ok(Status::Ok)) || read < plain.len() || written == room {
            *compress = fresh();
            return Body::Plain(plain);
        }
        let body = deflated[..written].strip_suffix(TAIL);
        let body = body.filter(|body| body.len() < plain.len());
        body.map_or(Body::Plain(plain), Body::Deflated)
    }
}

fn fresh() -> Compress {
    Compress::new(Compression::new(LEVEL), false)
}

impl Default for Inflater {
    fn default() -> Self {
        Self { decompress: Decompress::new(false), plain: Vec::new(), written: 0 }
    }
}

impl Inflater {
    /// The message that was compressed to `deflated`, of at most `bytes_max`. It works no further
    /// than one byte past that, whatever the input would become.
    ///
    /// A message that breaks off within a block is what came until then, as with zlib everywhere:
    /// its text is cut, and refused for that.
    ///
    /// # Errors
    ///
    /// [`Violation::TooBig`] when it is longer, [`Violation::NotDeflate`] when it can't be read.
    pub fn inflate(&mut self, deflated: &[u8], bytes_max: usize) -> Result<&[u8], Violation> {
        self.decompress.reset(false);
        self.written = 0;
        self.plain.truncate(SCRATCH_BYTES_KEPT_MAX);
        self.plain.shrink_to(SCRATCH_BYTES_KEPT_MAX);
        // Some end with a final block and nothing behind it; section 7.2.3.4 has one that is as it
        // should be, with the start of another block.
        if self.take(deflated, bytes_max)? == Place::Within {
            self.take(TAIL, bytes_max)?;
        }
        Ok(&self.plain[..self.written])
    }

    fn take(&mut self, mut deflated: &[u8], bytes_max: usize) -> Result<Place, Violation> {
        loop {
            if self.written == self.plain.len() {
                self.plain.resize((2 * self.written).max(INFLATE_STEP_BYTES), 0);
            }
            let end = self.plain.len().min(bytes_max + 1);
            let (read_before, written_before) =
                (self.decompress.total_in(), self.decompress.total_out());
            let room = &mut self.plain[self.written..end];
            let outcome = self.decompress.decompress(deflated, room, FlushDecompress::Sync);
            let status = outcome.map_err(|_| Violation::NotDeflate)?;
            let read = (self.decompress.total_in() - read_before) as usize;
            let written = (self.decompress.total_out() - written_before) as usize;
            deflated = &deflated[read..];
            self.written += written;
            if self.written > bytes_max {
                return Err(Violation::TooBig);
            }
            if status == Status::StreamEnd {
                self.decompress.reset(false);
                if deflated.is_empty() {
                    return Ok(Place::BehindFinalBlock);
                }
            } else if deflated.is_empty() && self.written < end {
                return Ok(Place::Within);
            } else if read == 0 && written == 0 {
                return Err(Violation::NotDeflate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
    use miniz_oxide::deflate::stream::deflate;
    use miniz_oxide::inflate::decompress_to_vec;
    use miniz_oxide::{MZFlush, MZStatus};
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    const MIB: usize = 1 << 20;

    /// What another implementation makes of a message.
    fn inflated_elsewhere(deflated: &[u8]) -> Vec<u8> {
        // It wants an end: an empty final block in fixed codes.
        decompress_to_vec(&[deflated, TAIL, &[0x03, 0x00]].concat()).expect("deflate")
    }

    /// A message as another implementation compresses it.
    fn deflated_elsewhere(plain: &[u8], level: i32) -> Vec<u8> {
        let flags = create_comp_flags_from_zip_params(level, -15, 0);
        let mut out = vec![0; 2 * plain.len() + 1000];
        let mut compressor = CompressorOxide::new(flags);
        let result = deflate(&mut compressor, plain, &mut out, MZFlush::Sync);
        assert_eq!((result.status, result.bytes_consumed), (Ok(MZStatus::Ok), plain.len()));
        out.truncate(result.bytes_written);
        out.strip_suffix(TAIL).expect("a flush").to_vec()
    }

    /// Text, noise, or a mixture with repetitions near and far.
    fn message(rng: &mut SmallRng) -> Vec<u8> {
        let letters = [1, 2, 20, 64, 256][rng.random_range(0..5)];
        let bytes = [0, 1, 300, 5000, 70_000][rng.random_range(0..5)];
        let mut plain: Vec<u8> =
            (0..rng.random_range(0..=bytes)).map(|_| rng.random_range(0..letters) as u8).collect();
        for _ in 0..rng.random_range(0..50) {
            let (from, to) = (rng.random_range(0..=plain.len()), rng.random_range(0..=plain.len()));
            let copied = plain[from.min(to)..from.max(to)].to_vec();
            plain.extend(copied.iter().take(1000));
        }
        plain
    }

    #[test]
    fn the_examples_of_rfc_7692_are_read() {
        let mut inflater = Inflater::default();
        for (what, deflated) in [
            ("7.2.3.1: fixed codes", &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]),
            ("7.2.3.3: a stored block", b"\x00\x05\x00\xfa\xffHello\x00"),
            ("7.2.3.4: a final block", b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
            ("7.2.3.5: two blocks", b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
            ("a final block and nothing more", b"\xf3\x48\xcd\xc9\xc9\x07\x00"),
        ] {
            assert_eq!(inflater.inflate(deflated, 5), Ok(&b"Hello"[..]), "{what}");
            assert_eq!(inflater.inflate(deflated, 4), Err(Violation::TooBig), "{what}");
        }
        // 7.2.3.6, and what some send instead.
        assert_eq!(inflater.inflate(b"\x00", 0), Ok(&b""[..]));
        assert_eq!(inflater.inflate(b"", 0), Ok(&b""[..]));
        // 7.2.3.2: it points into the message before, which we asked for not to be.
        assert!(inflater.inflate(b"\xf2\x48\xcd\xc9\xc9\x07\x00", 5).is_ok());
        let shared = inflater.inflate(b"\xf2\x00\x11\x00\x00", 5);
        assert_eq!(shared, Err(Violation::NotDeflate));
    }

    #[test]
    fn what_is_no_deflate_is_refused_and_the_next_message_is_read() {
        let mut inflater = Inflater::default();
        for garbage in [
            &b"\xff"[..],
            b"\x06\x00",
            b"a plain text",
            b"\x00\x05\x00\x00\x00Hello",
            b"\xf2\x48\xcd\xc9\xc9\x07\xff\xff",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\xff",
        ] {
            assert_eq!(inflater.inflate(garbage, MIB), Err(Violation::NotDeflate), "{garbage:x?}");
            let hello = inflater.inflate(b"\xf2\x48\xcd\xc9\xc9\x07\x00", MIB);
            assert_eq!(hello, Ok(&b"Hello"[..]));
        }
    }

    #[test]
    fn what_is_sent_can_be_read_elsewhere_and_the_other_way_round() {
        let seed = rand::random();
        let mut rng = SmallRng::seed_from_u64(seed);
        let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
        let mut smaller = 0;
        for _ in 0..100 {
            let plain = message(&mut rng);
            match deflater.deflate(|out| out.extend_from_slice(&plain)) {
                Body::Plain(body) => assert_eq!(body, plain, "seed {seed}"),
                Body::Deflated(body) => {
                    assert!(body.len() < plain.len(), "seed {seed}");
                    assert_eq!(inflated_elsewhere(body), plain, "seed {seed}");
                    smaller += 1;
                }
            }
            let deflated = deflated_elsewhere(&plain, rng.random_range(0..=9));
            let bound = plain.len() + rng.random_range(0..3);
            assert_eq!(inflater.inflate(&deflated, bound), Ok(&plain[..]), "seed {seed}");
            if let Some(bound) = plain.len().checked_sub(1) {
                assert_eq!(
                    inflater.inflate(&deflated, bound),
                    Err(Violation::TooBig),
                    "seed {seed}"
                );
            }
        }
        assert!(smaller > 25, "seed {seed}: {smaller}");
    }

    #[test]
    fn noise_never_panics_and_never_passes_its_bound() {
        let seed = rand::random();
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut inflater = Inflater::default();
        for _ in 0..500 {
            let mut plain = message(&mut rng);
            plain.truncate(4000);
            let mut deflated = deflated_elsewhere(&plain, 6);
            deflated.truncate(rng.random_range(0..=deflated.len()));
            for byte in &mut deflated {
                if rng.random_bool(0.01) {
                    *byte = rng.random();
                }
            }
            if let Ok(plain) = inflater.inflate(&deflated, 1000) {
                assert!(plain.len() <= 1000, "seed {seed}");
            }
            assert!(inflater.plain.len() <= SCRATCH_BYTES_KEPT_MAX, "seed {seed}");
        }
    }

    #[test]
    fn what_would_not_get_smaller_is_sent_as_it_is() {
        let mut deflater = Deflater::default();
        for plain in [&b""[..], b"a", b"Hello", b"{}"] {
            assert_eq!(deflater.deflate(|out| out.extend_from_slice(plain)), Body::Plain(plain));
        }
        // The long ones are more than the deflater holds back.
        for bytes in [10_000, 300_000, 300_000, 100_000] {
            let noise: Vec<u8> = (0..bytes).map(|_| rand::random()).collect();
            assert_eq!(deflater.deflate(|out| out.extend_from_slice(&noise)), Body::Plain(&noise));
            let text = deflater.deflate(|out| out.resize(bytes, b'a'));
            assert!(matches!(text, Body::Deflated(body) if body.len() < bytes / 50), "{text:?}");
        }
    }

    #[test]
    fn a_bomb_costs_what_its_bound_allows_and_a_long_message_is_not_remembered() {
        let bomb = deflated_elsewhere(&vec![b' '; 64 * MIB], 9);
        assert!(bomb.len() < 70_000);
        let mut inflater = Inflater::default();
        assert_eq!(inflater.inflate(&bomb, 65_536), Err(Violation::TooBig));
        assert_eq!(inflater.decompress.total_out(), 65_537);
        assert!(inflater.plain.capacity() <= 4 * 65_536);
        assert_eq!(inflater.inflate(&bomb, 64 * MIB).map(<[u8]>::len), Ok(64 * MIB));
        assert!(inflater.inflate(b"\x00", 0).is_ok());
        assert!(inflater.plain.capacity() <= SCRATCH_BYTES_KEPT_MAX);

        let mut deflater = Deflater::default();
        let _ = deflater.deflate(|out| out.resize(MIB, b' '));
        let _ = deflater.deflate(|out| out.push(b' '));
        assert!(deflater.plain.capacity() <= SCRATCH_BYTES_KEPT_MAX);
        assert!(deflater.deflated.capacity() <= SCRATCH_BYTES_KEPT_MAX);
    }
}
