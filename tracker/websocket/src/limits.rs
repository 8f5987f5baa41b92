//! The bounds of the protocol, with their units and reasons. How long a message may be is the
//! site's choice, and an argument.

/// Payload of a control frame (RFC 6455, section 5.5).
pub const CONTROL_PAYLOAD_BYTES_MAX: usize = 125;

/// Fragments of one message that hold nothing: without a bound they could go on for ever. Those
/// that hold something end with the message's longest length.
pub const EMPTY_FRAGMENTS_MAX: usize = 1024;

/// Bytes that a deflater and an inflater each keep of their buffers: what a message of the default
/// maximum takes.
pub const SCRATCH_BYTES_KEPT_MAX: usize = 64 << 10;

/// Bytes that an inflater begins with, and doubles: an announce of 10 offers is inflated in one go.
pub const INFLATE_STEP_BYTES: usize = 16 << 10;

/// Bytes that a compressed message may take beyond those of its data: headers, the end of a block,
/// and the tail.
pub const DEFLATE_EXTRA_BYTES: usize = 64;
