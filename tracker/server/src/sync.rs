//! What the directory shares between threads. It comes by this one door so that `tracker/loom` can
//! build the same directory with loom's in its place, and try every order in which threads meet.

pub(crate) use std::sync::atomic::AtomicUsize;

pub(crate) use dashmap::DashMap;
