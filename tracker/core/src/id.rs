//! The 20-byte names of the protocol. On the wire each is a JSON string of 20 code points U+0000
//! to U+00FF ("binary string" in JavaScript), which is up to 120 bytes long with its escapes.

use std::fmt;

/// Length of every id, in bytes here and in code points on the wire.
pub(crate) const ID_BYTES: usize = 20;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; ID_BYTES]);

        impl $name {
            /// Reads the inside of a JSON string, without its quotes. `None` when it isn't 20
            /// code points of U+0000 to U+00FF. `raw` must have passed the scanner.
            #[must_use]
            pub fn decode(raw: &[u8]) -> Option<Self> {
                decode(raw).map(Self)
            }

            /// Appends the inside of a JSON string that parses to this id.
            pub fn encode(&self, out: &mut Vec<u8>) {
                encode(&self.0, out);
            }
        }

        /// Eight hexadecimal digits: enough to tell ids apart in a log, short enough to read.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "("))?;
                self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                write!(f, "…)")
            }
        }
    };
}

id!(
    /// Names a swarm: for P2P Media Loader one quality of one stream.
    InfoHash
);
id!(
    /// Names a member of a swarm. It belongs to the connection that announced it there.
    PeerId
);
id!(
    /// Names one offer of one peer; the answer to it carries the same id.
    OfferId
);

/// A connection, as whoever owns the sockets numbers them. Opaque to the rules, which only ever
/// compare it and hand it back.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ConnId(pub u64);

fn decode(raw: &[u8]) -> Option<[u8; ID_BYTES]> {
    // Most clients' peer ids, and all of a load test's, are plain ASCII.
    if let Ok(id) = <[u8; ID_BYTES]>::try_from(raw)
        && raw.iter().all(|&byte| byte.is_ascii() && byte != b'\\')
    {
        return Some(id);
    }
    let mut id = [0; ID_BYTES];
    let mut rest = raw;
    for byte in &mut id {
        (*byte, rest) = decode_code_point(rest)?;
    }
    rest.is_empty().then_some(id)
}

/// One code point of U+0000 to U+00FF, and what follows it.
fn decode_code_point(raw: &[u8]) -> Option<(u8, &[u8])> {
    match *raw {
        [b'\\', b'u', a, b, c, d, ref rest @ ..] => {
            let code_point = [a, b, c, d]
                .into_iter()
                .try_fold(0, |sum, digit| Some(sum * 16 + char::from(digit).to_digit(16)?))?;
            Some((u8::try_from(code_point).ok()?, rest))
        }
        [b'\\', escape, ref rest @ ..] => {
            let byte = match escape {
                b'"' | b'\\' | b'/' => escape,
                b'b' => 0x08,
                b'f' => 0x0c,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                _ => return None,
            };
            Some((byte, rest))
        }
        [ascii @ 0..=0x7f, ref rest @ ..] => Some((ascii, rest)),
        // U+0080 to U+00FF are two bytes in UTF-8: 0xc2 or 0xc3, and six bits.
        [lead @ (0xc2 | 0xc3), low @ 0x80..=0xbf, ref rest @ ..] => {
            Some(((lead & 0x03) << 6 | (low & 0x3f), rest))
        }
        _ => None,
    }
}

fn encode(id: &[u8; ID_BYTES], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for &byte in id {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0x00..=0x1f => {
                let [high, low] = [byte >> 4, byte & 0x0f].map(|digit| HEX[usize::from(digit)]);
                out.extend([b'\\', b'u', b'0', b'0', high, low]);
            }
            0x20..=0x7f => out.push(byte),
            0x80..=0xff => out.extend([0xc0 | byte >> 6, 0x80 | byte & 0x3f]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_encoding_and_a_json_parser_agrees() {
        for start in 0..=255u8 {
            let id = PeerId(std::array::from_fn(|i| start.wrapping_add(i as u8)));
            let mut raw = Vec::new();
            id.encode(&mut raw);
            assert_eq!(PeerId::decode(&raw), Some(id));

            let quoted = format!("\"{}\"", String::from_utf8(raw).expect("UTF-8"));
            let parsed: String = serde_json::from_str(&quoted).expect("JSON");
            assert_eq!(parsed, id.0.iter().map(|&byte| char::from(byte)).collect::<String>());
        }
    }

    #[test]
    fn all_spellings_of_an_id_are_one_id() {
        let plain = InfoHash::decode(b"/aaaaaaaaaaaaaaaaaa\t");
        let escaped = InfoHash::decode(br"\/\u0061aaaaaaaaaaaaaaaaa\u0009");
        assert_eq!(escaped, InfoHash::decode(br"/aaaaaaaaaaaaaaaaaa\t"));
        assert_eq!(plain, escaped);
    }

    #[test]
    fn what_is_not_twenty_code_points_of_a_byte_each_is_no_id() {
        for raw in [
            &b""[..],
            b"aaaaaaaaaaaaaaaaaaa",
            b"aaaaaaaaaaaaaaaaaaaaa",
            br"aaaaaaaaaaaaaaaaaaa\u0100",
            "aaaaaaaaaaaaaaaaaaaĀ".as_bytes(),
            "aaaaaaaaaaaaaaaaaa€".as_bytes(),
        ] {
            assert_eq!(InfoHash::decode(raw), None, "{raw:?}");
        }
    }
}
