//! Playlists as data: the window of segments that a live stream shows, how HLS writes it down, and
//! how ffmpeg's own playlist is read. No clock, no files, no sockets.

mod hls;
mod timeline;
mod window;

pub(crate) use hls::{ReadError, Written, read, render};
pub(crate) use timeline::first_timeline;
pub(crate) use window::{Segment, Window};
