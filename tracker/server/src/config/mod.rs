//! The configuration, in three steps: what its sources say (`sources`: a file, variables, flags),
//! what that is in our keys (`raw`), then what holds (`valid`). wt-tracker's file works unchanged;
//! the sections `access`, `origin`, `web`, `stun` and `metrics` add what wt-tracker doesn't have,
//! each off unless it is there. `table` says of each key what it is.

mod checks;
mod file;
mod keys;
mod kinds;
mod limits;
mod log;
mod path;
mod policy;
mod print;
mod raw;
mod sources;
mod table;
mod valid;

pub use crate::access::{Access, InfoHashAccess, OriginAccess, Rate, TokenAccess, TrustedProxies};
pub use crate::transport::certificate::Certificate;
pub use crate::web_root::WebRoot;
pub use keys::{Bounds, Default, KEYS, Key};
pub use limits::Limits;
pub use log::{LogConfig, LogFormat};
pub use policy::Policy;
pub use sources::{Flag, LoadError, Loaded, Sources};
pub use valid::{Config, PathPattern, ServerConfig, StunConfig, WebConfig};
