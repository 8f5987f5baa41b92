//! A segment's bytes once more, as pages of the kernel's, which `sendfile` hands to a socket without
//! a copy. Written when a segment is first asked for in that way, and gone with the last who holds
//! it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rustix::fs::{MemfdFlags, memfd_create};

/// Pages that are there as soon as somebody needs them. A clone shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pages(Arc<OnceLock<Option<Arc<OwnedFd>>>>);

impl Pages {
    /// The pages with these bytes; `None` where the system has no memory or descriptor for them.
    pub(crate) fn of(&self, bytes: &Bytes) -> Option<Arc<OwnedFd>> {
        self.0.get_or_init(|| write(bytes).ok().map(Arc::new)).clone()
    }
}

fn write(bytes: &Bytes) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("segment", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file.into())
}
