//! The origin's actors. They run in its own actix System; HTTP never talks to them, it reads what
//! they put into the store.

mod stream;
mod transcoder;

pub(crate) use stream::{SegmentReady, StopStream, StreamActor};
pub(crate) use transcoder::{StopTranscoder, TranscoderActor};
