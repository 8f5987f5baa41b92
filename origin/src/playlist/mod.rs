//! Playlists as data: the tracks and segments of a live stream, how HLS writes them down, and how
//! playlists of others are read. No clock, no files, no sockets.

mod dash;
mod date;
mod hls;
mod multivariant;
mod periods;
mod presentation;
mod read;
#[cfg(test)]
pub(crate) mod samples;
mod segment;
mod timeline;
mod track;
mod window;

pub(crate) use dash::{CLOCK, is_possible as is_dash_possible, render as manifest};
pub(crate) use date::date;
pub(crate) use hls::render as media_playlist;
pub(crate) use multivariant::render as multivariant_playlist;
pub(crate) use presentation::{Presentation, Refusal, TrackWindow};
pub(crate) use read::{
    Entry, HlsPlaylist, MediaPlaylist, MultivariantPlaylist, PlaylistError, Rendition, Resource,
    Variant,
};
pub(crate) use segment::{Delivery, Segment};
pub(crate) use timeline::since_beginning;
pub(crate) use track::{Container, Content, Track};
