//! The configuration, in three steps: what its sources say (`sources`: a file, variables, flags),
//! what that is in our keys (`raw`), then what holds (`valid`, and beside it a file for each section
//! that has much to check). wt-tracker's file works unchanged; of the sections that add what it
//! doesn't have, `access`, `cluster`, `origin`, `web`, `dashboard`, `stun` and `metrics` are off
//! unless they are there.
//! `table` says of each key what it is.

mod access;
mod checks;
mod cluster;
mod file;
mod keys;
mod kinds;
mod limits;
mod listener;
mod log;
mod path;
mod player;
mod policy;
mod print;
mod raw;
mod sources;
mod table;
mod valid;

pub use crate::access::{
    Access, DashboardAccess, InfoHashAccess, OriginAccess, Rate, TokenAccess, TrustedProxies,
};
pub use crate::web_root::WebRoot;
pub use cluster::ClusterConfig;
pub(crate) use cluster::Credentials;
pub use keys::{Bounds, Default, KEYS, Key};
pub use limits::Limits;
pub use listener::{PathPattern, ServerConfig};
pub use log::{LogConfig, LogFormat};
pub use player::WebConfig;
pub use policy::Policy;
pub use sources::{Flag, LoadError, Loaded, Sources};
pub(crate) use valid::Written;
pub use valid::{Config, StunConfig};
