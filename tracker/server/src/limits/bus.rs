//! Bounds of the link to other nodes.

use std::time::Duration;

/// How often a node may say that it is there, and what it has of each swarm: the shortest is for
/// tests, and the longest still lets a crashed node be forgotten within minutes.
pub(crate) const BUS_INTERVAL_MIN: Duration = Duration::from_secs(1);
pub(crate) const BUS_INTERVAL_MAX: Duration = Duration::from_secs(60);

/// Intervals of silence after which a node is gone.
pub(crate) const BUS_SILENT_INTERVALS: u32 = 3;

/// How long something that a node's last run had said may come behind what its next one says: the
/// two came by connections of their own.
pub(crate) const BUS_STRAGGLER_TIME: Duration = Duration::from_secs(1);

/// Other nodes: each says hello to all in every interval.
pub(crate) const BUS_NODES_MAX: usize = 1024;

/// Bytes of a node's name.
pub(crate) const BUS_NAME_BYTES_MAX: usize = 64;

/// Bytes of a record between workers or nodes. The longest holds an SDP, which may be as long as
/// a message from a client.
pub(crate) const BUS_RECORD_BYTES_MAX: usize = 16 << 20;

/// Bytes of records in one message between nodes, unless one alone is longer: a few dozen offers, so
/// that what each message costs NATS is shared, and well below the 1 MiB that it takes by default.
pub(crate) const BUS_MESSAGE_BYTES: usize = 64 << 10;

/// What NATS should take as a message: one of [`BUS_MESSAGE_BYTES`] and a last record, which is as
/// long as a message from a client may be by default.
pub(crate) const BUS_PAYLOAD_BYTES_MIN: usize = 2 * BUS_MESSAGE_BYTES + 1024;

/// How long what a worker has for other nodes waits for more, so that one message has it all.
pub(crate) const BUS_FLUSH_AFTER: Duration = Duration::from_millis(2);

/// How long a record may wait for the link. A client drops an offer 50 s after it made it.
pub(crate) const BUS_QUEUE_TIME_MAX: Duration = Duration::from_secs(20);

/// Messages that the link has taken and not written yet; what comes then waits in the queue.
pub(crate) const BUS_LINK_MESSAGES: usize = 256;

/// Messages of one subject that have come and weren't looked at. Beyond it they are dropped.
pub(crate) const BUS_HEARD_MESSAGES: usize = 1024;

/// Subjects of digests, by a hash of the info hash: see docs/decisions/0020.
pub(crate) const BUS_BUCKETS: usize = 256;

/// The longest pause before NATS is tried again.
pub(crate) const BUS_RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(2);

/// NATS servers of which the log hears why they can't be had; a cluster of them may have many.
pub(crate) const BUS_REASONS_TOLD: usize = 3;

/// Bytes of a file with an nkey, credentials or a key for NATS, or with those whom it is trusted by:
/// all authorities that a system trusts take some 200 kB.
pub(crate) const BUS_FILE_BYTES_MAX: u64 = 1 << 20;

/// Bytes of the subjects' common prefix.
pub(crate) const BUS_SUBJECT_BYTES_MAX: usize = 64;

/// How soon what NATS didn't take is offered again.
pub(crate) const BUS_RETRY_AFTER: Duration = Duration::from_millis(20);

/// How often the link looks at the clock: whether it is time for a hello, and who is silent.
pub(crate) const BUS_TICK: Duration = Duration::from_millis(250);

/// Intervals after which a bucket isn't heard any more in which this node says nothing: its
/// partitions say something in every other one.
pub(crate) const BUS_BUCKET_INTERVALS: u32 = 6;

/// Messages in the link's mailbox; subscriptions wait when it is full.
pub(crate) const BUS_MAILBOX_MESSAGES: usize = 1024;

/// How long a stop waits for NATS to take the goodbye.
pub(crate) const BUS_STOP_TIMEOUT: Duration = Duration::from_millis(500);
