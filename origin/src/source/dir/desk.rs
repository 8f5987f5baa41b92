//! Looks after one packager's folder: reads its playlists when they change, and its segments when
//! they are named and nobody writes to them any more.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use crate::config::Dir;
use crate::limits::{DIR_SETTLED_AFTER, DIR_VERSIONS_MAX, PLAYLIST_BYTES_MAX, SEGMENT_BYTES_MAX};
use crate::source::folder::{FolderError, Version, open};
use crate::source::packaged::{Change, Files, Now, Packager, patience};
use crate::source::{Closed, FilePath, Listing, Round, Sink};

/// What is known of one folder.
#[derive(Debug)]
pub(super) struct Desk {
    stream: String,
    main: FilePath,
    files: Folder,
    pub(super) packager: Packager,
    /// The versions of playlists that have been taken, or are not worth it.
    taken: HashMap<FilePath, Version>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    versions: HashMap<FilePath, Seen>,
}

/// A version of a file, and since when it has been the same.
#[derive(Debug, Clone, Copy)]
struct Seen {
    version: Version,
    since: Instant,
    /// It has been delivered, or is of no use as it is.
    is_done: bool,
}

impl Desk {
    pub(super) fn new(stream: &str, dir: &Dir, first_segments: usize) -> Self {
        Desk {
            stream: stream.to_owned(),
            main: dir.playlist.clone(),
            files: Folder { path: dir.folder.clone(), versions: HashMap::new() },
            packager: Packager::new(stream, dir.playlist.clone(), first_segments),
            taken: HashMap::new(),
        }
    }

    /// Reads the playlists that have changed, and delivers what they name.
    pub(super) async fn look(&mut self, sink: &Sink) -> Result<Round, Closed> {
        self.look_at_playlist(self.main.clone()).await;
        for playlist in self.packager.follower.listed() {
            if playlist != self.main {
                self.look_at_playlist(playlist).await;
            }
        }
        self.packager.deliver(&mut self.files, sink).await
    }

    async fn look_at_playlist(&mut self, path: FilePath) {
        let (version, bytes, is_settled) = match self.files.playlist(&path).await {
            Ok(Some(read)) => read,
            Ok(None) => return,
            Err(problem) => return self.packager.note(format!("{path}: {problem}")),
        };
        if self.taken.get(&path) == Some(&version) {
            return;
        }
        // Half a playlist may look like a whole one of a packager that has started again.
        let listing = match Listing::read(&path, &bytes, None) {
            Ok(listing) if bytes.ends_with(b"\n") || is_settled => listing,
            Err(problem) if is_settled => {
                self.taken.insert(path.clone(), version);
                return self.packager.note(format!("{path}: {problem}"));
            }
            _ => return,
        };
        if !is_settled && self.packager.follower.is_restarted_by(&path, &listing) {
            return;
        }
        let is_first = self.taken.insert(path.clone(), version).is_none();
        if is_first && let Some(why) = is_stale(&listing, version) {
            return self.packager.note(format!("{path}: {why}"));
        }
        match self.packager.follower.take(&path, listing, Now::read()) {
            Change::Restarted => {
                tracing::info!(stream = self.stream, playlist = %path, "the packager has started again");
            }
            Change::Ignored => {
                self.packager.note(format!("{path}: it lists tracks, and is no track's"))
            }
            Change::GoesOn => {}
        }
    }
}

/// Why what a folder holds at first is left alone: it is no live stream, or was one.
fn is_stale(listing: &Listing, version: Version) -> Option<String> {
    let Listing::Segments(segments) = listing else {
        return None;
    };
    if segments.is_over {
        return Some("it has ended already; waiting for another one".to_owned());
    }
    let age = version.modified.and_then(|at| SystemTime::now().duration_since(at).ok())?;
    let fresh = patience(segments.target);
    let seconds = age.as_secs();
    (age > fresh).then(|| format!("it was written {seconds} s ago; waiting for a newer one"))
}

impl Folder {
    /// A playlist, and whether nobody has written to it for a while.
    async fn playlist(
        &mut self,
        path: &FilePath,
    ) -> Result<Option<(Version, Bytes, bool)>, FolderError> {
        let (folder, file) = (self.path.clone(), path.clone());
        let read = spawn_blocking(move || {
            let Some(opened) = open(&folder, &file)? else {
                // So that a folder that is gone is told from a file that is.
                folder.metadata()?;
                return Ok::<_, FolderError>(None);
            };
            let version = opened.version;
            Ok(opened.read(PLAYLIST_BYTES_MAX as u64)?.map(|bytes| (version, bytes)))
        });
        let read = read.await.map_err(std::io::Error::other)?;
        let Some((version, bytes)) = read? else {
            return Ok(None);
        };
        let is_settled = self.is_settled(path, version);
        Ok(Some((version, bytes, is_settled)))
    }

    /// A segment or header, once nobody writes to it.
    async fn media(&mut self, path: &FilePath) -> Result<Option<Bytes>, FolderError> {
        let (folder, file) = (self.path.clone(), path.clone());
        let opened = spawn_blocking(move || open(&folder, &file)).await;
        let Some(opened) = opened.map_err(std::io::Error::other)?? else {
            return Ok(None);
        };
        let version = opened.version;
        let is_done = |seen: &Seen| seen.is_done && seen.version == version;
        if self.versions.get(path).is_some_and(is_done) || !self.is_settled(path, version) {
            return Ok(None);
        }
        let read = spawn_blocking(move || opened.read(SEGMENT_BYTES_MAX)).await;
        read.map_err(std::io::Error::other)?
    }

    /// Whether a file has been the same for a while, by our own clock or by what its date says.
    fn is_settled(&mut self, path: &FilePath, version: Version) -> bool {
        if self.versions.len() > DIR_VERSIONS_MAX {
            self.versions.clear();
        }
        let now = Seen { version, since: Instant::now(), is_done: false };
        let seen = self.versions.entry(path.clone()).or_insert(now);
        if seen.version != version {
            *seen = now;
        }
        let age = version.modified.and_then(|at| SystemTime::now().duration_since(at).ok());
        let is_old = age.is_some_and(|age| age > OLD);
        is_old || seen.since.elapsed() >= DIR_SETTLED_AFTER
    }
}

/// What has been the same for so long needs no second look.
const OLD: Duration = Duration::from_secs(2);

impl Files for Folder {
    async fn has(&mut self, file: &FilePath, _: u64) -> bool {
        let (folder, file) = (self.path.clone(), file.clone());
        let opened =
            spawn_blocking(move || open(&folder, &file).is_ok_and(|found| found.is_some()));
        opened.await.unwrap_or_default()
    }

    async fn read(&mut self, file: &FilePath, _: u64) -> Result<Option<Bytes>, String> {
        self.media(file).await.map_err(|error| error.to_string())
    }

    fn let_go(&mut self, file: &FilePath) {
        if let Some(seen) = self.versions.get_mut(file) {
            seen.is_done = true;
        }
    }
}
