//! The server's directory, built from its own files with loom's atomics and locks (`sync`), which
//! try every order in which threads can meet. A [`Node`] is what the models in `tests/` see of it.
//!
//! It is a crate of its own since loom's usual switch, `--cfg loom`, would take tokio's sockets from
//! the server. And these are no unit tests of it, since the directory's own would come along, which
//! run outside of a model.

#![allow(clippy::expect_used, reason = "a finding is a panic")]

#[allow(dead_code, reason = "the models don't need all of it")]
#[path = "../../server/src/directory/mod.rs"]
mod directory;
#[path = "../../server/src/limits/directory.rs"]
mod limits;
mod sync;

use std::sync::Arc;

use tracker_core::{InfoHash, Reason};

use directory::{Directory, Load, Wish};

/// Workers of a [`Node`], which are numbered from 0.
pub const WORKERS: u16 = 3;

/// The directory of a node. Its clones are the same one.
#[derive(Clone, Debug)]
pub struct Node {
    directory: Arc<Directory>,
    swarms_max: usize,
    members_max: usize,
}

/// A place in a swarm, which it leaves when this is dropped.
#[derive(Debug)]
pub struct Place(directory::Place);

impl Node {
    /// Without a swarm. It opens `swarms_max` at most, and a swarm gets another partition when all
    /// that it has are as large as `members_max`.
    #[must_use]
    pub fn new(swarms_max: usize, members_max: usize) -> Self {
        Self { directory: Arc::default(), swarms_max, members_max }
    }

    /// A place in `swarm` for a socket of worker `home`. That worker has the fewest sockets, so that
    /// a swarm or a partition that opens for this socket does so there, and which it is isn't left to
    /// chance.
    ///
    /// # Errors
    ///
    /// [`Reason::TooManySwarmsOpen`] when the swarm would be one too many.
    pub fn place(&self, swarm: InfoHash, home: u16) -> Result<Place, Reason> {
        let load = |worker| Load { busy: 0.0, sockets: usize::from(worker != home) };
        let wish = Wish {
            home: Some(home),
            workers: WORKERS,
            load: &load,
            swarms_max: self.swarms_max,
            members_max: self.members_max,
        };
        self.directory.place(swarm, wish).map(Place)
    }

    /// The workers that have the swarm.
    #[must_use]
    pub fn workers_of(&self, swarm: InfoHash) -> Vec<u16> {
        self.directory.workers_of(&swarm)
    }

    /// The workers beside `own` that have the swarm.
    #[must_use]
    pub fn siblings_of(&self, swarm: InfoHash, own: u16) -> Vec<u16> {
        self.directory.siblings_of(&swarm, own)
    }

    /// Whether the swarm has several partitions.
    #[must_use]
    pub fn is_split(&self, swarm: InfoHash) -> bool {
        self.directory.is_split(&swarm)
    }

    /// How many partitions there are beyond the first of each swarm.
    #[must_use]
    pub fn further_partitions(&self) -> usize {
        self.directory.further_partitions()
    }

    /// Whether nobody else refers to the directory: neither a place, nor what is left of one in the
    /// directory itself.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.directory) == 1
    }
}

impl Place {
    /// The swarm.
    #[must_use]
    pub fn swarm(&self) -> InfoHash {
        self.0.info_hash()
    }

    /// The worker of its partition.
    #[must_use]
    pub fn worker(&self) -> u16 {
        self.0.worker()
    }

    /// The same place once more.
    #[must_use]
    pub fn again(&self) -> Self {
        Self(self.0.again())
    }
}
