//! Bounds of the directory, and of tables like it.

/// Places that a table of sockets or swarms keeps when a crowd has left.
pub(crate) const SLOTS_KEPT: usize = 1024;

/// Members below which a partition gets no sibling, however busy its worker is: what crosses would
/// cost more than it brings.
pub(crate) const PARTITION_MEMBERS_MIN: u32 = 500;

/// The share of a core that a worker uses when it is too busy for its partitions to grow.
pub(crate) const PARTITION_BUSY: f64 = 0.7;

/// How much less busy a worker has to be that takes a part of another's swarm.
pub(crate) const PARTITION_BUSY_STEP: f64 = 0.2;

/// A swarm that has shrunk to this part of what a partition may be, as a divisor, comes together
/// again: those who are new go to its largest partition.
pub(crate) const PARTITION_SHRUNK: usize = 2;
