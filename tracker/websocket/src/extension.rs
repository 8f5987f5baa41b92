//! What a handshake agrees on beyond plain frames: `permessage-deflate` (RFC 7692) without context
//! takeover, so that neither side has to remember one message for the next, and a socket costs no
//! memory for it. Browsers always offer it.

use std::borrow::Cow;

/// The extension as it was agreed on with a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PerMessageDeflate {
    /// The window for what the client is sent, if it asked for one: 8 to 15 bits of distance
    /// (RFC 7692, section 7.1.2.1).
    server_max_window_bits: Option<u8>,
}

impl PerMessageDeflate {
    const NAME: &[u8] = b"permessage-deflate";

    /// The first of a client's offers that can be accepted. `headers` are the values of all
    /// `Sec-WebSocket-Extensions`; what isn't a list of extensions offers nothing, since a client
    /// with a strange header is served just as well in plain frames.
    pub fn negotiate<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        headers.into_iter().find_map(|header| Offers(header).find_map(|offer| offer))
    }

    /// The response's `Sec-WebSocket-Extensions`.
    pub fn response(self) -> String {
        let accepted = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";
        match self.server_max_window_bits {
            None => accepted.to_owned(),
            Some(bits) => format!("{accepted}; server_max_window_bits={bits}"),
        }
    }

    /// Whether a message of `bytes` stays within the client's window, however it is compressed:
    /// in one that is no longer than the window nothing points further back. So one deflater with
    /// the largest window does for all clients, and for 8 bits too, which zlib has not.
    pub fn window_holds(self, bytes: usize) -> bool {
        self.server_max_window_bits.is_none_or(|bits| bits == 15 || bytes <= 1 << bits)
    }
}

/// The extensions in a header's value (RFC 6455, section 9.1), each as what accepting it would
/// mean; `None` for those that can't be accepted. It ends at the first that is malformed.
struct Offers<'a>(&'a [u8]);

impl Iterator for Offers<'_> {
    type Item = Option<PerMessageDeflate>;

    fn next(&mut self) -> Option<Self::Item> {
        // A list may have empty elements (RFC 9110, section 5.6.1.2).
        while self.takes(b',') {}
        let name = self.token()?;
        let mut accepted = (name == PerMessageDeflate::NAME).then(Parameters::default);
        while self.takes(b';') {
            let parameter = self.token()?;
            let value = if self.takes(b'=') { Some(self.value()?) } else { None };
            accepted = accepted.and_then(|seen| seen.and(parameter, value.as_deref()));
        }
        if !self.0.is_empty() && !self.takes(b',') {
            return None;
        }
        let accept = |seen: Parameters| {
            let server_max_window_bits = seen.server_max_window_bits.flatten();
            PerMessageDeflate { server_max_window_bits }
        };
        Some(accepted.map(accept))
    }
}

impl<'a> Offers<'a> {
    /// Takes `byte` and the spaces around it, if it comes next.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_spaces();
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        self.skip_spaces();
        rest.is_some()
    }

    fn skip_spaces(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        let is_inside = |byte: &u8| is_token_byte(*byte);
        let end = self.0.iter().position(|byte| !is_inside(byte)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A token, or one in quotes, where a backslash stands before any byte.
    fn value(&mut self) -> Option<Cow<'a, [u8]>> {
        let Some(mut quoted) = self.0.strip_prefix(b"\"") else {
            return self.token().map(Cow::Borrowed);
        };
        let mut value = Vec::new();
        loop {
            let (byte, rest) = match quoted {
                [b'"', rest @ ..] => {
                    self.0 = rest;
                    return (!value.is_empty()).then_some(Cow::Owned(value));
                }
                [b'\\', byte, rest @ ..] | [byte, rest @ ..] => (*byte, rest),
                [] => return None,
            };
            if !is_token_byte(byte) {
                return None;
            }
            value.push(byte);
            quoted = rest;
        }
    }
}

/// What a token is made of (RFC 9110, section 5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The parameters of an offer so far: which were there, and with what value.
#[derive(Default)]
struct Parameters {
    server_no_context_takeover: Option<()>,
    client_no_context_takeover: Option<()>,
    server_max_window_bits: Option<Option<u8>>,
    client_max_window_bits: Option<Option<u8>>,
}

impl Parameters {
    /// Notes one more; `None` when the offer can't be accepted with it (RFC 7692, section 7.1):
    /// it is unknown, there already, or has a value that it can't have.
    fn and(mut self, name: &[u8], value: Option<&[u8]>) -> Option<Self> {
        match (name, value) {
            (b"server_no_context_takeover", None) => {
                once(&mut self.server_no_context_takeover, ())?;
            }
            (b"client_no_context_takeover", None) => {
                once(&mut self.client_no_context_takeover, ())?;
            }
            (b"server_max_window_bits", Some(bits)) => {
                once(&mut self.server_max_window_bits, Some(window_bits(bits)?))?;
            }
            // Without a value the client only says that it knows the parameter; either way it may
            // be left alone, since our inflater has the largest window.
            (b"client_max_window_bits", bits) => {
                let bits = match bits {
                    Some(bits) => Some(window_bits(bits)?),
                    None => None,
                };
                once(&mut self.client_max_window_bits, bits)?;
            }
            _ => return None,
        }
        Some(self)
    }
}

fn once<T>(parameter: &mut Option<T>, value: T) -> Option<()> {
    parameter.replace(value).is_none().then_some(())
}

/// 8 to 15, without leading zeros.
fn window_bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(headers: &[&str]) -> Option<PerMessageDeflate> {
        PerMessageDeflate::negotiate(headers.iter().map(|header| header.as_bytes()))
    }

    const PLAIN: &str =
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

    #[test]
    fn an_offer_is_accepted_with_what_it_asks_for() {
        let window = |bits| format!("{PLAIN}; server_max_window_bits={bits}");
        for (headers, response) in [
            // Chromium's and Firefox's, Safari's, and RFC 7692's own (section 7.1.3).
            (&["permessage-deflate; client_max_window_bits"][..], PLAIN.to_owned()),
            (&["permessage-deflate"], PLAIN.to_owned()),
            (
                &["permessage-deflate; client_max_window_bits; server_max_window_bits=10"],
                window(10),
            ),
            (&[PLAIN], PLAIN.to_owned()),
            (&["permessage-deflate; client_max_window_bits=9"], PLAIN.to_owned()),
            (&["permessage-deflate; server_max_window_bits=8"], window(8)),
            (&["permessage-deflate; server_max_window_bits=15"], window(15)),
            (&["permessage-deflate;server_max_window_bits=\"12\""], window(12)),
            (&["permessage-deflate;server_max_window_bits=\"1\\2\""], window(12)),
            (&["\tpermessage-deflate ;  server_max_window_bits\t= 9 "], window(9)),
            // The first that can be accepted counts, whatever comes before it, and wherever.
            (&["permessage-deflate; server_max_window_bits=10, permessage-deflate"], window(10)),
            (&["permessage-deflate; mystery, permessage-deflate"], PLAIN.to_owned()),
            (&["bbf-usp-protocol; v=\"1\", ,permessage-deflate,"], PLAIN.to_owned()),
            (&["x-webkit-deflate-frame", "permessage-deflate"], PLAIN.to_owned()),
            (&["what? is this", "permessage-deflate"], PLAIN.to_owned()),
        ] {
            let accepted = negotiated(headers).map(PerMessageDeflate::response);
            assert_eq!(accepted.as_deref(), Some(&response[..]), "{headers:?}");
        }
    }

    #[test]
    fn an_offer_with_what_is_unknown_twice_there_or_out_of_bounds_is_declined() {
        for header in [
            "",
            ",",
            "permessage-bzip2",
            "Permessage-Deflate",
            "permessage-deflate; mystery",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover=true",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=\"\"",
            "permessage-deflate; server_max_window_bits=\"10",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=010",
            "permessage-deflate; server_max_window_bits=+9",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=0",
            "permessage-deflate;",
            "permessage-deflate server_max_window_bits=10",
            "permessage-deflate = 1",
        ] {
            assert_eq!(negotiated(&[header]), None, "{header:?}");
        }
    }

    #[test]
    fn what_is_longer_than_the_clients_window_is_not_for_it() {
        let asked = |bits: u8| {
            let header = format!("permessage-deflate; server_max_window_bits={bits}");
            negotiated(&[&header]).expect("accepted")
        };
        for bits in 8..15 {
            assert!(asked(bits).window_holds(1 << bits));
            assert!(!asked(bits).window_holds((1 << bits) + 1));
        }
        assert!(asked(15).window_holds(usize::MAX), "the deflater looks no further back");
        assert!(negotiated(&["permessage-deflate"]).expect("accepted").window_holds(usize::MAX));
    }
}
