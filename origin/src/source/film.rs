//! Where the bytes of a segment are: in this program, or in a file of the operator's folder, which
//! is read when its turn comes. A name in a playlist never leads out of that folder.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Component, Path};
use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use super::folder::{FolderError, open_below};
use crate::limits::SEGMENT_BYTES_MAX;
use crate::playlist::Resource;

/// One segment's bytes.
#[derive(Debug, Clone)]
pub(super) enum Film {
    Memory(Bytes),
    OnDisk { root: Arc<Path>, path: String, range: Range<u64> },
}

/// Why a name in a playlist stands for no file.
#[derive(Debug, Error)]
pub(super) enum FilmError {
    #[error("{0:?} does not name a file in the folder")]
    Outside(String),
    #[error("{0:?} is, or leads through, a symbolic link")]
    Link(String),
    #[error("{name:?}: {source}")]
    Io { name: String, source: io::Error },
    #[error("{name:?} has {bytes} bytes, but at most {bytes_max} are read")]
    TooLarge { name: String, bytes: u64, bytes_max: u64 },
}

impl Film {
    /// The segment that the playlist `beside` names, which is somewhere in `root`.
    pub(super) fn segment(
        root: &Arc<Path>,
        beside: &str,
        named: &Resource,
    ) -> Result<Self, FilmError> {
        Self::find(root, beside, named, SEGMENT_BYTES_MAX)
    }

    /// The same for any file of at most `bytes_max`.
    pub(super) fn find(
        root: &Arc<Path>,
        beside: &str,
        named: &Resource,
        bytes_max: u64,
    ) -> Result<Self, FilmError> {
        let path = resolve(beside, &named.uri)?;
        let name = || named.uri.clone();
        let metadata = open(root, &path, &named.uri)?.metadata();
        let length = metadata.map_err(|source| FilmError::Io { name: name(), source })?.len();
        let range = named.range.clone().unwrap_or(0..length);
        let bytes = range.end.saturating_sub(range.start);
        if bytes > bytes_max {
            return Err(FilmError::TooLarge { name: name(), bytes, bytes_max });
        }
        Ok(Film::OnDisk { root: root.clone(), path, range })
    }

    /// Bytes.
    pub(super) fn len(&self) -> u64 {
        match self {
            Film::Memory(bytes) => bytes.len() as u64,
            Film::OnDisk { range, .. } => range.end.saturating_sub(range.start),
        }
    }

    /// Reads them; from a file, which blocks. One that has become shorter is an error.
    pub(super) fn read(self) -> io::Result<Bytes> {
        let (root, path, range) = match self {
            Film::Memory(bytes) => return Ok(bytes),
            Film::OnDisk { root, path, range } => (root, path, range),
        };
        let mut file = open_below(&root, &path).map_err(io::Error::other)?;
        file.seek(SeekFrom::Start(range.start))?;
        // At most SEGMENT_BYTES_MAX.
        let mut bytes = vec![0; range.end.saturating_sub(range.start) as usize];
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// The path below the folder of what the playlist `beside` calls `name`: plain steps downwards.
pub(super) fn resolve(beside: &str, name: &str) -> Result<String, FilmError> {
    let plain = |step| match step {
        Component::Normal(step) => step.to_str().filter(|step| !step.starts_with('.')),
        _ => None,
    };
    let steps: Option<Vec<_>> = Path::new(name).components().map(plain).collect();
    let steps = steps.filter(|steps| !steps.is_empty() && !name.contains(['\\', ':']));
    let path = steps.ok_or_else(|| FilmError::Outside(name.to_owned()))?.join("/");
    Ok(match beside.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{path}"),
        None => path,
    })
}

/// Opens a path below `root`, called `name` where it is named.
pub(super) fn open(root: &Path, path: &str, name: &str) -> Result<File, FilmError> {
    open_below(root, path).map_err(|error| match error {
        FolderError::Link(_) => FilmError::Link(name.to_owned()),
        FolderError::Io(source) => FilmError::Io { name: name.to_owned(), source },
        other => FilmError::Io { name: name.to_owned(), source: io::Error::other(other) },
    })
}
