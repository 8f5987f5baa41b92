//! The origin's actors. They run in its own actix System; HTTP never talks to them, it reads what
//! they put into the store.

mod fallback;
mod source;
mod stream;

pub(crate) use fallback::{FallbackActor, StopFallback};
pub(crate) use source::FromSource;
pub(crate) use stream::{StopStream, StreamActor};
