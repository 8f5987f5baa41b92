//! One file of an edition, with what HTTP has to say of it. Text is compressed when somebody first
//! asks for it so, and once: all requests for that version get the same bytes.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

#[cfg(target_os = "linux")]
use super::pages::{Pages, Written};
use crate::integrity::{hex, sha256};

/// Below it a header costs as much as compression saves.
const COMPRESSED_FROM_BYTES: usize = 256;

/// Of 11: 5 takes 0.2 ms for a playlist of 2 kB, as does 6 of gzip's 9.
const BROTLI_QUALITY: i32 = 5;

/// The window of brotli as a power of two: 64 KiB are larger than playlists are.
const BROTLI_WINDOW_BITS: i32 = 16;

/// One file. A clone shares the bytes.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) bytes: Bytes,
    /// Strong: the same on every origin that has the same content.
    pub(crate) etag: Arc<str>,
    pub(crate) media_type: &'static str,
    pub(crate) freshness: Freshness,
    /// For text alone.
    compressed: Option<Arc<Compressed>>,
    #[cfg(target_os = "linux")]
    pages: Pages,
}

/// How long a copy is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The name never gets other content.
    Immutable,
    /// It changes with each segment, of about this length.
    Live(Duration),
}

/// How the bytes are written (RFC 9110, 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
}

/// What has been asked for so far.
#[derive(Debug, Default)]
struct Compressed {
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
}

impl File {
    /// What never changes under its name, which tells it from all others.
    pub(crate) fn immutable(name: &Arc<str>, bytes: Bytes, media_type: &'static str) -> Self {
        let freshness = Freshness::Immutable;
        File {
            bytes,
            etag: name.clone(),
            media_type,
            freshness,
            compressed: None,
            #[cfg(target_os = "linux")]
            pages: Pages::default(),
        }
    }

    /// A text that changes with each segment.
    pub(crate) fn live(text: String, media_type: &'static str, target: Duration) -> Self {
        let bytes = Bytes::from(text);
        let etag = short_digest(&bytes);
        let compressed = (bytes.len() >= COMPRESSED_FROM_BYTES).then(Arc::default);
        File {
            bytes,
            etag,
            media_type,
            freshness: Freshness::Live(target),
            compressed,
            #[cfg(target_os = "linux")]
            pages: Pages::default(),
        }
    }

    /// The bytes as the kernel's pages.
    #[cfg(target_os = "linux")]
    pub(crate) fn pages(&self) -> Option<Arc<Written>> {
        self.pages.of(&self.bytes)
    }

    /// Whether it depends on what the client understands how it is written.
    pub(crate) fn has_codings(&self) -> bool {
        matches!(self.freshness, Freshness::Live(_))
    }

    /// The bytes in a coding, as far as it makes them fewer.
    pub(crate) fn coded(&self, coding: Coding) -> (Coding, Bytes) {
        let identity = (Coding::Identity, self.bytes.clone());
        let Some(compressed) = &self.compressed else {
            return identity;
        };
        let bytes = match coding {
            Coding::Identity => return identity,
            Coding::Gzip => compressed.gzip.get_or_init(|| or_nothing(gzip(&self.bytes))),
            Coding::Brotli => compressed.brotli.get_or_init(|| or_nothing(brotli(&self.bytes))),
        };
        let is_less = !bytes.is_empty() && bytes.len() < self.bytes.len();
        if is_less { (coding, bytes.clone()) } else { identity }
    }
}

/// Writing to memory does not fail; if it ever did, the text would go out as it is.
fn or_nothing(compressed: io::Result<Vec<u8>>) -> Bytes {
    compressed.map(Bytes::from).unwrap_or_default()
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn brotli(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
    let params = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW_BITS,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut bytes, &mut compressed, &params)?;
    Ok(compressed)
}

/// Enough of a digest to tell two versions of one file apart.
fn short_digest(bytes: &Bytes) -> Arc<str> {
    hex(&sha256(bytes)[..8]).into()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn text_is_compressed_once_and_back_it_is_the_same() {
        let text = "#EXTINF:2.000000,\nmain-1764100000.ts\n".repeat(12);
        let file = File::live(text.clone(), "text/plain", Duration::from_secs(2));
        let (coding, gzip) = file.coded(Coding::Gzip);
        assert!(coding == Coding::Gzip && gzip.len() * 3 < text.len(), "{}", gzip.len());
        let mut back = String::new();
        flate2::read::GzDecoder::new(&gzip[..]).read_to_string(&mut back).expect("gzip");
        assert_eq!(back, text);
        assert_eq!(file.clone().coded(Coding::Gzip).1.as_ptr(), gzip.as_ptr(), "once");
        let (coding, smaller) = file.coded(Coding::Brotli);
        assert!(coding == Coding::Brotli && smaller.len() * 3 < text.len(), "{}", smaller.len());
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut &smaller[..], &mut back).expect("brotli");
        assert_eq!(back, text.as_bytes());
    }

    #[test]
    fn what_compression_does_not_make_smaller_goes_out_as_it_is() {
        let short = File::live("#EXTM3U\n".to_owned(), "text/plain", Duration::from_secs(2));
        let name = "main-1.ts".into();
        let segment = File::immutable(&name, Bytes::from(vec![0; 1000]), "video/mp2t");
        for (file, has_codings) in [(short, true), (segment, false)] {
            assert_eq!(file.coded(Coding::Gzip), (Coding::Identity, file.bytes.clone()));
            assert_eq!(file.coded(Coding::Brotli), (Coding::Identity, file.bytes.clone()));
            assert_eq!(file.has_codings(), has_codings);
        }
    }
}
