//! The bounds of the protocol, with their units and reasons. How long a message may be is the
//! site's choice, and an argument.

/// Payload of a control frame (RFC 6455, section 5.5).
pub const CONTROL_PAYLOAD_BYTES_MAX: usize = 125;

/// Fragments of one message that hold nothing: without a bound they could go on for ever. Those
/// that hold something end with the message's longest length.
pub const EMPTY_FRAGMENTS_MAX: usize = 1024;
