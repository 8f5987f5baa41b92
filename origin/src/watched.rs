//! A file, or a few that belong together, that is read again while the program runs. Workers take the
//! last good content from an atomic pointer and never wait; whoever reloads it does so on a thread
//! that serves nobody.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::{ArcSwap, Guard};

use crate::error::ConfigError;

/// What `N` files say together, as it was when it last made sense.
pub struct Watched<T, const N: usize = 1> {
    source: Source<T, N>,
    current: ArcSwap<T>,
    /// What the files were like when they were last looked at; `None` when one couldn't be.
    seen: Mutex<[Option<Stamp>; N]>,
}

/// Where content comes from.
pub struct Source<T, const N: usize = 1> {
    /// The files, each behind the configuration's key that names it.
    pub files: [(String, PathBuf); N],
    /// Larger files are refused.
    pub bytes_max: u64,
    /// Makes sense of them.
    pub parse: fn([&[u8]; N]) -> Result<T, Flaw>,
}

/// Why a file's content makes no sense.
#[derive(Debug)]
pub struct Flaw {
    /// Which of the files it is, from 0.
    pub file: usize,
    /// The line, from 1; `None` is the file as a whole.
    pub line: Option<usize>,
    /// What is there, as far as it may be shown.
    pub value: String,
    /// What should be.
    pub bound: &'static str,
}

/// Which files to read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refresh {
    /// Those that have changed since they were read.
    Changed,
    /// All of them.
    All,
}

/// What tells that a file has changed: time of the last change, and bytes.
type Stamp = (SystemTime, u64);

impl<T, const N: usize> Watched<T, N> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    ///
    /// Key, value and bound, when a file can't be read or makes no sense.
    pub fn load(source: Source<T, N>) -> Result<Self, ConfigError> {
        let seen = source.stamps();
        let current = ArcSwap::from_pointee(source.read()?);
        Ok(Self { source, current, seen: Mutex::new(seen) })
    }

    /// The content of files that are read once.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn once(source: &Source<T, N>) -> Result<T, ConfigError> {
        source.read()
    }

    /// The last good content.
    pub fn current(&self) -> Guard<Arc<T>> {
        self.current.load()
    }

    /// Reads the files again. What makes no sense is told to the log, once, and changes nothing.
    pub fn refresh(&self, which: Refresh) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // The stamps are taken before the content: a change in between is seen the next time.
        let stamps = self.source.stamps();
        if which == Refresh::Changed && *seen == stamps {
            return;
        }
        *seen = stamps;
        match self.source.read() {
            Ok(content) => {
                self.current.store(Arc::new(content));
                for (key, path) in &self.source.files {
                    tracing::info!(key, file = %path.display(), "read again");
                }
            }
            Err(error) => tracing::error!("{error}; what was read before stays in force"),
        }
    }
}

impl<T, const N: usize> Source<T, N> {
    fn stamps(&self) -> [Option<Stamp>; N] {
        self.files.each_ref().map(|(_, path)| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }

    fn read(&self) -> Result<T, ConfigError> {
        let mut contents = [const { Vec::new() }; N];
        for ((key, path), content) in self.files.iter().zip(&mut contents) {
            *content = read_file(path, self.bytes_max).map_err(|bound| ConfigError {
                key: key.clone(),
                value: format!("'{}'", path.display()),
                bound,
            })?;
        }
        let parsed = (self.parse)(contents.each_ref().map(Vec::as_slice));
        parsed.map_err(|Flaw { file, line, value, bound }| {
            let (key, path) = &self.files[file];
            let line = line.map(|line| format!(", line {line},")).unwrap_or_default();
            let key = format!("{key}: {}{line}", path.display());
            ConfigError { key, value, bound: bound.to_owned() }
        })
    }
}

/// Reads a file of `bytes_max` at most; the error is what it should be instead.
fn read_file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error| format!("a file that can be read ({error})");
    // A pipe would never end, and some don't even open.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("a regular file".to_owned());
    }
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max + 1).read_to_end(&mut content))
        .map_err(unreadable)?;
    if content.len() as u64 > bytes_max {
        return Err(format!("a file of {bytes_max} bytes at most"));
    }
    Ok(content)
}

/// Without the content, which may be a secret.
impl<T, const N: usize> fmt::Debug for Watched<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("files", &self.source.files).finish_non_exhaustive()
    }
}
