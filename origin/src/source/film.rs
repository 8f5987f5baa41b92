//! Where the bytes of a segment are: in this program, or in a file of the operator's folder, which
//! is read when its turn comes. A name in a playlist never leads out of that folder.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use thiserror::Error;

use crate::limits::SEGMENT_BYTES_MAX;
use crate::playlist::Resource;

/// One segment's bytes.
#[derive(Debug, Clone)]
pub(super) enum Film {
    Memory(Bytes),
    OnDisk { path: PathBuf, range: Range<u64> },
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
    /// The segment that a playlist names whose own place is `folder`, somewhere in `root`. Both are
    /// canonical.
    pub(super) fn segment(root: &Path, folder: &Path, named: &Resource) -> Result<Self, FilmError> {
        Self::find(root, folder, named, SEGMENT_BYTES_MAX)
    }

    /// The same for any file of at most `bytes_max`.
    pub(super) fn find(
        root: &Path,
        folder: &Path,
        named: &Resource,
        bytes_max: u64,
    ) -> Result<Self, FilmError> {
        let path = inside(root, folder, &named.uri)?;
        let name = || named.uri.clone();
        let length =
            path.metadata().map_err(|source| FilmError::Io { name: name(), source })?.len();
        let range = named.range.clone().unwrap_or(0..length);
        let bytes = range.end.saturating_sub(range.start);
        if bytes > bytes_max {
            return Err(FilmError::TooLarge { name: name(), bytes, bytes_max });
        }
        Ok(Film::OnDisk { path, range })
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
        let (path, range) = match self {
            Film::Memory(bytes) => return Ok(bytes),
            Film::OnDisk { path, range } => (path, range),
        };
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(range.start))?;
        // At most SEGMENT_BYTES_MAX.
        let mut bytes = vec![0; range.end.saturating_sub(range.start) as usize];
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// The canonical path of what `name` stands for, seen from `folder`: a file below `root`, in plain
/// steps downwards, without links on the way.
pub(super) fn inside(root: &Path, folder: &Path, name: &str) -> Result<PathBuf, FilmError> {
    let named = Path::new(name);
    let plain = |step: Component<'_>| match step {
        Component::Normal(step) => !step.to_string_lossy().starts_with('.'),
        _ => false,
    };
    if name.is_empty() || name.contains(['\\', ':']) || !named.components().all(plain) {
        return Err(FilmError::Outside(name.to_owned()));
    }
    let path = folder.join(named);
    let found = path.canonicalize();
    let found = found.map_err(|source| FilmError::Io { name: name.to_owned(), source })?;
    if found != path || !found.starts_with(root) {
        return Err(FilmError::Link(name.to_owned()));
    }
    Ok(path)
}
