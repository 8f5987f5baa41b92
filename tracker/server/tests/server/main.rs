//! What the tracker promises, on real sockets: one test binary, a file per promise.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod access;
mod architecture;
mod arrivals;
mod binary;
mod certificates;
mod cluster;
mod cluster_access;
mod cluster_wire;
mod compression;
mod connections;
mod conversation;
mod dashboard;
mod dashboard_access;
mod flags;
mod limits;
mod links;
mod lists;
mod load;
mod log;
mod metrics;
mod mistakes;
mod model;
mod nginx;
mod operating;
mod pace;
mod pages;
mod partitions;
mod pressure;
mod refusals;
mod reload;
mod settings;
mod signals;
mod silence;
mod sources;
mod stop;
mod streams;
mod stun;
mod support;
mod swarm_list;
mod swarms;
mod takeover;
mod tls;
mod tokens;
mod web_root;
