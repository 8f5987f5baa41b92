//! One file on its way from an encoder: its bytes are kept as they come, within bounds, and it is
//! handed over when its last one has come. Dropped before, it leaves nothing.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use super::intake::{Arrival, Intake, What};
use super::refusal::Refusal;
use super::room::{Full, Reserved};
use crate::limits::{PLAYLIST_BYTES_MAX, PUSH_WRITE_BYTES, SEGMENT_BYTES_MAX};
use crate::source::{FilePath, Listing};

/// A file that comes.
#[derive(Debug)]
pub(crate) struct Upload {
    intake: Arc<Intake>,
    path: FilePath,
    kind: Kind,
    encoder: u64,
    /// Which of the encoder's requests it is: the later one is the newer version.
    ticket: u64,
    body: Body,
    reserved: Reserved,
    _one_of_few: OwnedSemaphorePermit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Playlist,
    /// A segment or a header; which of them, the playlists say.
    Media,
    /// DASH's list of the same files, which is written here anew.
    Manifest,
}

/// Bytes that have come.
#[derive(Debug)]
enum Body {
    Memory(Vec<u8>),
    Disk(OnDisk),
}

/// A file without a name, whose room the system takes back when it is closed, whatever happens.
#[derive(Debug)]
struct OnDisk {
    file: Arc<std::fs::File>,
    unwritten: Vec<u8>,
}

/// A file that has come whole.
#[derive(Debug)]
pub(super) struct Held {
    content: Content,
    _reserved: Reserved,
}

#[derive(Debug)]
enum Content {
    Memory(Bytes),
    Disk { file: Arc<std::fs::File>, bytes: usize },
}

impl Upload {
    pub(super) fn new(
        intake: Arc<Intake>,
        path: FilePath,
        (encoder, ticket): (u64, u64),
        reserved: Reserved,
        one_of_few: OwnedSemaphorePermit,
    ) -> Result<Self, Refusal> {
        let kind = match path.as_str().rsplit('.').next() {
            _ if path.is_playlist() => Kind::Playlist,
            Some("mpd") => Kind::Manifest,
            _ => Kind::Media,
        };
        let body = match &intake.folder {
            Some(folder) if kind == Kind::Media => Body::Disk(OnDisk::new(folder)?),
            _ => Body::Memory(Vec::new()),
        };
        let _one_of_few = one_of_few;
        Ok(Upload { intake, path, kind, encoder, ticket, body, reserved, _one_of_few })
    }

    /// Whether a file of this length is taken, as far as that can be said before it has come.
    pub(crate) fn check_length(&self, bytes: u64) -> Result<(), Refusal> {
        let bytes_max = self.bytes_max();
        if bytes > bytes_max {
            return Err(Refusal::Large { bytes_max });
        }
        Ok(())
    }

    /// Takes the next bytes.
    pub(crate) async fn write(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        self.check_length(self.reserved.bytes() as u64 + chunk.len() as u64)?;
        self.reserved.grow(chunk.len()).map_err(|Full| self.intake.full())?;
        if !self.intake.keep(self.encoder, Instant::now()) {
            return Err(Refusal::TakenOver);
        }
        match &mut self.body {
            Body::Memory(_) if self.kind == Kind::Manifest => Ok(()),
            Body::Memory(bytes) => {
                bytes.extend_from_slice(chunk);
                Ok(())
            }
            Body::Disk(disk) => {
                disk.unwritten.extend_from_slice(chunk);
                match disk.unwritten.len() {
                    ..PUSH_WRITE_BYTES => Ok(()),
                    _ => Ok(disk.write().await?),
                }
            }
        }
    }

    /// The last byte has come.
    pub(crate) async fn finish(mut self) -> Result<(), Refusal> {
        if self.reserved.bytes() == 0 {
            return Err(Refusal::Empty);
        }
        if let Body::Disk(disk) = &mut self.body {
            disk.write().await?;
        }
        let Upload { intake, path, kind, encoder, ticket, body, reserved, .. } = self;
        let what = match (kind, body) {
            (Kind::Manifest, _) => What::Manifest,
            (Kind::Playlist, Body::Memory(bytes)) => {
                let listing = Listing::read(&path, &bytes, Some(&intake.root));
                What::Playlist(listing.map_err(|why| Refusal::Playlist(path.clone(), why))?)
            }
            (_, Body::Memory(mut bytes)) => {
                bytes.shrink_to_fit();
                let content = Content::Memory(bytes.into());
                What::File(Held { content, _reserved: reserved })
            }
            (_, Body::Disk(OnDisk { file, .. })) => {
                let content = Content::Disk { file, bytes: reserved.bytes() };
                What::File(Held { content, _reserved: reserved })
            }
        };
        intake.hand_over(Arrival { encoder, ticket, path, what }).await
    }

    fn bytes_max(&self) -> u64 {
        match self.kind {
            Kind::Media => SEGMENT_BYTES_MAX,
            Kind::Playlist | Kind::Manifest => PLAYLIST_BYTES_MAX as u64,
        }
    }
}

impl OnDisk {
    fn new(folder: &Path) -> io::Result<Self> {
        // Without a name in the folder, so that nothing is left however the origin ends.
        let file = Arc::new(tempfile::tempfile_in(folder)?);
        Ok(OnDisk { file, unwritten: Vec::new() })
    }

    async fn write(&mut self) -> io::Result<()> {
        let (file, bytes) = (self.file.clone(), std::mem::take(&mut self.unwritten));
        spawn_blocking(move || (&*file).write_all(&bytes)).await.map_err(io::Error::other)?
    }
}

impl Held {
    pub(super) async fn read(&self) -> io::Result<Bytes> {
        match &self.content {
            Content::Memory(bytes) => Ok(bytes.clone()),
            Content::Disk { file, bytes } => {
                let (file, length) = (file.clone(), *bytes);
                let read = spawn_blocking(move || read_all(&file, length));
                read.await.map_err(io::Error::other)?
            }
        }
    }
}

fn read_all(mut file: &std::fs::File, length: usize) -> io::Result<Bytes> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}
