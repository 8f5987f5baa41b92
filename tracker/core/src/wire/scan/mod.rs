//! One validating pass over a frame. What is only forwarded is cut out as it stands, so bytes that
//! reach another browser have been checked here once: well-formed JSON, no control characters, no
//! bad escapes, one spelling per name, bounded depth. (That the frame is UTF-8 is checked before.)

#[cfg(test)]
mod tests;

use super::refusal::Reason;

/// A piece of a frame, as offsets in bytes: a raw slice that can cross threads with its frame.
/// A string's span leaves out its quotes; an object's span has its braces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The piece itself, out of the frame it was cut from.
    #[must_use]
    pub fn of<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        &frame[self.start as usize..self.end as usize]
    }

    /// Its length.
    pub(super) fn bytes(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// A JSON value, recognized by its first character and checked to its last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Null,
    Bool,
    Number(Span),
    String(Span),
    Array,
    Object,
}

/// A position in a frame. Each method consumes one piece of JSON or says what is wrong with it.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    depth_max: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `frame`, which must be shorter than 4 GiB. It calls itself for
    /// each of up to `depth_max` levels.
    pub(super) fn new(frame: &'a [u8], depth_max: usize) -> Self {
        Self { text: frame, at: 0, depth: 0, depth_max }
    }

    /// Calls `member` with every key of the object that starts here; it must consume the value.
    /// `Ok(None)`, and nothing consumed, when something else than an object starts here.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a [u8]) -> Result<(), Reason>,
    ) -> Result<Option<Span>, Reason> {
        self.sequence(b'{', b'}', |scanner| {
            let key = scanner.key()?;
            scanner.expect(b':')?;
            member(scanner, key)
        })
    }

    /// Calls `element` at every element of the array that starts here; it must consume it.
    /// `Ok(None)`, and nothing consumed, when something else than an array starts here.
    pub(super) fn array(
        &mut self,
        element: impl FnMut(&mut Self) -> Result<(), Reason>,
    ) -> Result<Option<Span>, Reason> {
        self.sequence(b'[', b']', element)
    }

    /// Consumes any value.
    pub(super) fn value(&mut self) -> Result<Value, Reason> {
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'{') => {
                self.object(|scanner, _| scanner.value().map(drop)).map(|_| Value::Object)
            }
            Some(b'[') => self.array(|scanner| scanner.value().map(drop)).map(|_| Value::Array),
            Some(b't') => self.literal(b"true", Value::Bool),
            Some(b'f') => self.literal(b"false", Value::Bool),
            Some(b'n') => self.literal(b"null", Value::Null),
            _ => self.number(),
        }
    }

    /// Succeeds when nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<(), Reason> {
        self.peek().map_or(Ok(()), |_| Err(self.malformed()))
    }

    /// The next character that isn't white space, which is skipped.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    fn sequence(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), Reason>,
    ) -> Result<Option<Span>, Reason> {
        if self.peek() != Some(open) {
            return Ok(None);
        }
        if self.depth == self.depth_max {
            return Err(Reason::TooDeep { bound: self.depth_max });
        }
        let start = self.at;
        self.depth += 1;
        self.at += 1;
        if self.peek() == Some(close) {
            self.at += 1;
        } else {
            loop {
                item(self)?;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(end) if end == close => break self.at += 1,
                    _ => return Err(self.malformed()),
                }
            }
        }
        self.depth -= 1;
        Ok(Some(self.span(start, self.at)))
    }

    /// A name without escapes. No client writes one with them, and a browser would read
    /// `"t\u0079pe"` as a second `type` behind the one that was checked.
    fn key(&mut self) -> Result<&'a [u8], Reason> {
        self.expect(b'"')?;
        let start = self.at;
        self.at += plain_prefix(&self.text[start..]);
        let key = &self.text[start..self.at];
        if self.text.get(self.at) != Some(&b'"') {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(key)
    }

    fn string(&mut self) -> Result<Span, Reason> {
        let start = self.at + 1;
        self.at = start;
        loop {
            self.at += plain_prefix(&self.text[self.at..]);
            match self.text.get(self.at) {
                Some(b'"') => {
                    let span = self.span(start, self.at);
                    self.at += 1;
                    return Ok(span);
                }
                Some(b'\\') => self.escapes()?,
                _ => return Err(self.malformed()),
            }
        }
    }

    /// Escapes in a row: an SDP's lines end in two.
    fn escapes(&mut self) -> Result<(), Reason> {
        while let [b'\\', rest @ ..] = &self.text[self.at..] {
            self.at += escape_len(rest).ok_or_else(|| self.malformed())?;
        }
        Ok(())
    }

    /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?` (RFC 8259, section 6).
    fn number(&mut self) -> Result<Value, Reason> {
        let start = self.at;
        self.skip(|byte| byte == b'-', 1);
        let first = self.text.get(self.at).copied();
        let digits = self.digits()?;
        if first == Some(b'0') && digits > 1 {
            return Err(self.malformed());
        }
        if self.skip(|byte| byte == b'.', 1) == 1 {
            self.digits()?;
        }
        if self.skip(|byte| byte | 0x20 == b'e', 1) == 1 {
            self.skip(|byte| byte == b'+' || byte == b'-', 1);
            self.digits()?;
        }
        Ok(Value::Number(self.span(start, self.at)))
    }

    fn digits(&mut self) -> Result<usize, Reason> {
        match self.skip(|byte| byte.is_ascii_digit(), usize::MAX) {
            0 => Err(self.malformed()),
            count => Ok(count),
        }
    }

    /// Consumes up to `max` bytes for which `accept` holds, and says how many they were.
    fn skip(&mut self, accept: impl Fn(u8) -> bool, max: usize) -> usize {
        let rest = &self.text[self.at..];
        let count = rest.iter().take(max).take_while(|&&byte| accept(byte)).count();
        self.at += count;
        count
    }

    fn literal(&mut self, text: &[u8], value: Value) -> Result<Value, Reason> {
        if !self.text[self.at..].starts_with(text) {
            return Err(self.malformed());
        }
        self.at += text.len();
        Ok(value)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Reason> {
        if self.peek() != Some(wanted) {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(())
    }

    fn malformed(&self) -> Reason {
        Reason::Malformed { at: self.at }
    }

    #[expect(clippy::cast_possible_truncation, reason = "frames are far shorter than 4 GiB")]
    fn span(&self, start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }
}

/// Length of an escape, by what follows its backslash. Half a surrogate pair is none: browsers
/// read it, other parsers refuse the whole message (RFC 8259, section 8.2).
fn escape_len(rest: &[u8]) -> Option<usize> {
    match *rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'u', a, b, c, d, ref rest @ ..] => match hex([a, b, c, d])? {
            0xd800..=0xdbff => match *rest {
                [b'\\', b'u', a, b, c, d, ..] => {
                    matches!(hex([a, b, c, d])?, 0xdc00..=0xdfff).then_some(12)
                }
                _ => None,
            },
            0xdc00..=0xdfff => None,
            _ => Some(6),
        },
        _ => None,
    }
}

fn hex(digits: [u8; 4]) -> Option<u32> {
    digits.into_iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(digit).to_digit(16)?))
}

/// Length of the longest prefix without a quote, a backslash or a control character. An SDP is
/// 1.5 kB of it in runs of some 40 bytes: sixteen at a time, which compilers turn into vector
/// instructions, say only that a run ends here; eight at a time say where.
fn plain_prefix(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = ONES << 7;
    // The lowest marked byte of each is exact (Bit Twiddling Hacks, "haszero" and "hasless").
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let controls = |word: u64| word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    let special = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';

    let (blocks, _) = text.as_chunks::<16>();
    // Not `any`, which stops at the first and so has a branch per byte.
    let is_plain = |block: &[u8; 16]| !block.iter().fold(false, |any, byte| any | special(byte));
    let plain = blocks.iter().take_while(|block| is_plain(block)).count() * 16;

    let (words, rest) = text[plain..].as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let marks = zeros(word ^ (ONES * u64::from(b'"')))
            | zeros(word ^ (ONES * u64::from(b'\\')))
            | controls(word);
        if marks != 0 {
            return plain + index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    text.len() - rest.len() + rest.iter().position(special).unwrap_or(rest.len())
}
