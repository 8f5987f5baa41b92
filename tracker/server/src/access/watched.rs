//! A file that is read while the tracker runs. Workers take its last good content from an atomic
//! pointer and never wait; whoever reloads it does so on a thread that serves nobody.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::{ArcSwap, Guard};
use origin::ConfigError;

use super::refused;

/// A file's content, as it was when it last made sense.
pub(crate) struct Watched<T> {
    source: Source<T>,
    current: ArcSwap<T>,
    /// What the file was like when it was last looked at; `None` when it couldn't be.
    seen: Mutex<Option<Stamp>>,
}

/// Where content comes from.
pub(crate) struct Source<T> {
    /// The configuration's key that names the file.
    pub(crate) key: &'static str,
    pub(crate) path: PathBuf,
    /// Larger files are refused.
    pub(crate) bytes_max: u64,
    pub(crate) parse: fn(&[u8]) -> Result<T, Flaw>,
}

/// Why a file's content makes no sense.
#[derive(Debug)]
pub(crate) struct Flaw {
    /// The line, from 1; `None` is the file as a whole.
    pub(crate) line: Option<usize>,
    /// What is there, as far as it may be shown.
    pub(crate) value: String,
    /// What should be.
    pub(crate) bound: &'static str,
}

/// Which files to read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refresh {
    /// Those that have changed since they were read.
    Changed,
    /// All of them.
    All,
}

/// What tells that a file has changed: time of the last change, and bytes.
type Stamp = (SystemTime, u64);

impl<T> Watched<T> {
    /// Reads the file for the first time.
    ///
    /// # Errors
    ///
    /// Key, value and bound, when the file can't be read or makes no sense.
    pub(crate) fn load(source: Source<T>) -> Result<Self, ConfigError> {
        let seen = source.stamp().ok();
        let current = ArcSwap::from_pointee(source.read()?);
        Ok(Self { source, current, seen: Mutex::new(seen) })
    }

    /// The last good content.
    pub(crate) fn current(&self) -> Guard<Arc<T>> {
        self.current.load()
    }

    /// Reads the file again. What makes no sense is told to the log, once, and changes nothing.
    pub(crate) fn refresh(&self, which: Refresh) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // The stamp is taken before the content: a change in between is seen the next time.
        let stamp = self.source.stamp().ok();
        if which == Refresh::Changed && *seen == stamp {
            return;
        }
        *seen = stamp;
        match self.source.read() {
            Ok(content) => {
                self.current.store(Arc::new(content));
                let file = self.source.path.display();
                tracing::info!(key = self.source.key, %file, "read again");
            }
            Err(error) => tracing::error!("{error}; what was read before stays in force"),
        }
    }
}

impl<T> Source<T> {
    fn stamp(&self) -> std::io::Result<Stamp> {
        let metadata = fs::metadata(&self.path)?;
        Ok((metadata.modified()?, metadata.len()))
    }

    fn read(&self) -> Result<T, ConfigError> {
        let file = self.path.display();
        let refused_whole = |bound: &str| refused(self.key.to_owned(), format!("'{file}'"), bound);
        let unreadable = |error| refused_whole(&format!("a file that can be read ({error})"));
        // A pipe would never end, and some don't even open.
        if !fs::metadata(&self.path).map_err(unreadable)?.is_file() {
            return Err(refused_whole("a regular file"));
        }
        let mut content = Vec::new();
        File::open(&self.path)
            .and_then(|file| file.take(self.bytes_max + 1).read_to_end(&mut content))
            .map_err(unreadable)?;
        if content.len() as u64 > self.bytes_max {
            return Err(refused_whole(&format!("a file of {} bytes at most", self.bytes_max)));
        }
        (self.parse)(&content).map_err(|Flaw { line, value, bound }| {
            let line = line.map(|line| format!(", line {line},")).unwrap_or_default();
            refused(format!("{}: {file}{line}", self.key), value, bound)
        })
    }
}

/// Without the content, which may be a secret.
impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("path", &self.source.path).finish_non_exhaustive()
    }
}
