//! Boxes side by side (ISO/IEC 14496-12, 4.2), and the reading of those that hold no others. Which
//! boxes are looked into is decided here and not by whoever wrote them, so none nests too deep.

use mp4_atom::{Atom, DecodeMaybe, Error, FourCC, Header};

use super::CmafError;

/// One box among others.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) kind: FourCC,
    /// Where it begins, counted from the first of its neighbours.
    pub(super) start: usize,
    /// Where what is in it begins.
    pub(super) body_start: usize,
    /// What is in it.
    pub(super) body: &'a [u8],
}

impl Found<'_> {
    pub(super) fn end(&self) -> usize {
        self.body_start + self.body.len()
    }
}

/// The boxes of which `bytes` consist, to the last byte: a rest that is none is an error, and ends
/// them.
pub(super) struct Boxes<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Named when what lies between two boxes is none.
    parent: FourCC,
}

impl<'a> Boxes<'a> {
    /// Those of a file or segment, which a file's first box stands for in errors.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Boxes { bytes, at: 0, parent: FourCC::new(b"file") }
    }

    /// Those that begin at `from` in a box.
    pub(super) fn within(parent: Found<'a>, from: usize) -> Self {
        Boxes { bytes: parent.body.get(from..).unwrap_or_default(), at: 0, parent: parent.kind }
    }

    /// The first box of a kind, which has to be there.
    pub(super) fn first<T: Atom>(self) -> Result<Found<'a>, CmafError> {
        let parent = self.parent;
        for found in self {
            let found = found?;
            if found.kind == T::KIND {
                return Ok(found);
            }
        }
        let kind = <[u8; 4]>::from(T::KIND);
        Err(CmafError::new(parent, format!("it holds no {}", kind.escape_ascii())))
    }

    fn read(&mut self) -> Result<Found<'a>, CmafError> {
        let rest = &self.bytes[self.at..];
        let mut body = rest;
        let header = match Header::decode_maybe(&mut body) {
            Ok(Some(header)) => header,
            Ok(None) | Err(_) => {
                let what = format!("{} bytes at {} are no box", rest.len(), self.at);
                return Err(CmafError::new(self.parent, what));
            }
        };
        let what = match header.size {
            Some(size) if size <= body.len() => {
                let body_start = self.bytes.len() - body.len();
                let start = std::mem::replace(&mut self.at, body_start + size);
                return Ok(Found { kind: header.kind, start, body_start, body: &body[..size] });
            }
            Some(size) => format!("it has {size} bytes, of which {} are there", body.len()),
            None => "it ends where the file ends, so nobody can tell whether it is whole".into(),
        };
        Err(CmafError::new(header.kind, what))
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<Found<'a>, CmafError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.bytes.len() {
            return None;
        }
        let found = self.read();
        if found.is_err() {
            self.at = self.bytes.len();
        }
        Some(found)
    }
}

/// What a box says that holds no others, and is no longer than `bytes_max`.
pub(super) fn leaf<T: Atom>(found: Found<'_>, bytes_max: usize) -> Result<T, CmafError> {
    let length = found.body.len();
    if length > bytes_max {
        let what = format!("it has {length} bytes, more than {bytes_max}");
        return Err(CmafError::new(found.kind, what));
    }
    let mut rest = found.body;
    match T::decode_body(&mut rest) {
        Ok(_) if !rest.is_empty() => {
            Err(CmafError::new(found.kind, format!("its last {} bytes mean nothing", rest.len())))
        }
        Ok(read) => Ok(read),
        Err(Error::OutOfBounds) => Err(CmafError::new(found.kind, "it ends before what it says")),
        Err(error) => Err(CmafError::new(found.kind, error.to_string())),
    }
}
