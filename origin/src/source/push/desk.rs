//! The source's side of the intake: files that have come are held here until a playlist names them,
//! and playlists are followed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::intake::{Arrival, What};
use super::upload::Held;
use crate::config::Stream;
use crate::limits::PUSH_HELD_TIME;
use crate::source::packaged::{Change, Files, Now, Packager};
use crate::source::{Closed, FilePath, Listing, Round, Sink};

/// What one stream's encoder has sent, and how far it has been delivered.
#[derive(Debug)]
pub(super) struct Desk {
    stream: String,
    main: FilePath,
    pub(super) arriving: mpsc::Receiver<Arrival>,
    pub(super) packager: Packager,
    holding: Holding,
    encoder: u64,
    /// Counts what has arrived.
    arrived: u64,
    /// Of the newest version of each playlist that is followed.
    tickets: HashMap<FilePath, u64>,
    /// When playlists came, and not the main one.
    without_main_since: Option<Instant>,
    /// DASH's manifests that came before any playlist.
    manifests: u32,
}

/// Files that have come whole, and have not been delivered.
#[derive(Debug, Default)]
struct Holding(HashMap<FilePath, Here>);

#[derive(Debug)]
struct Here {
    held: Held,
    /// How many things had arrived before.
    stamp: u64,
    since: Instant,
}

/// How long playlists may come without the main one before somebody is told.
const WITHOUT_MAIN: Duration = Duration::from_secs(10);

/// As many manifests without a playlist mean that none will come.
const MANIFESTS_ALONE: u32 = 3;

impl Desk {
    pub(super) fn new(stream: &Stream, main: FilePath, arriving: mpsc::Receiver<Arrival>) -> Self {
        Desk {
            stream: stream.name.clone(),
            main: main.clone(),
            arriving,
            packager: Packager::new(&stream.name, main, stream.playlist_segments),
            holding: Holding::default(),
            encoder: 0,
            arrived: 0,
            tickets: HashMap::new(),
            without_main_since: None,
            manifests: 0,
        }
    }

    /// Takes something that has come.
    pub(super) fn take(&mut self, arrival: Arrival) {
        let Arrival { encoder, ticket, path, what } = arrival;
        if encoder < self.encoder {
            // It was held up on its way, and another encoder has taken over meanwhile.
            return;
        }
        if encoder != self.encoder {
            tracing::info!(stream = self.stream, "another encoder has taken over");
            self.encoder = encoder;
            self.holding.0.clear();
            self.tickets.clear();
            self.packager.follower.forget();
        }
        self.arrived += 1;
        match what {
            What::Playlist(listing) => self.take_playlist(&path, ticket, listing),
            What::File(held) => {
                let here = Here { held, stamp: self.arrived, since: Instant::now() };
                self.holding.0.insert(path, here);
            }
            What::Deleted => {
                self.holding.0.remove(&path);
            }
            What::Manifest if self.tickets.is_empty() => {
                self.manifests += 1;
                if self.manifests == MANIFESTS_ALONE {
                    let alone =
                        "a DASH manifest alone is not read: have HLS playlists written, too";
                    self.packager.note(format!("{path}: {alone} (ffmpeg: -hls_playlist 1)"));
                }
            }
            What::Manifest => {}
        }
    }

    fn take_playlist(&mut self, path: &FilePath, ticket: u64, listing: Listing) {
        // Encoders send on several connections: what was sent before may come after.
        if self.tickets.get(path).is_some_and(|newest| ticket < *newest) {
            return;
        }
        match self.packager.follower.take(path, listing, Now::read()) {
            Change::Ignored => {
                return self.packager.note(format!("{path}: it is not a playlist of this stream"));
            }
            Change::Restarted => self.distrust_what_was_before(path),
            Change::GoesOn => {}
        }
        self.tickets.insert(path.clone(), ticket);
        if self.tickets.contains_key(&self.main) {
            self.without_main_since = None;
        } else {
            let since = *self.without_main_since.get_or_insert_with(Instant::now);
            if since.elapsed() > WITHOUT_MAIN {
                self.without_main_since = Some(Instant::now());
                let main = &self.main;
                self.packager.note(format!(
                    "{path}: playlists come, but not the main one, {main} (playlist)"
                ));
            }
        }
    }

    /// A restarted encoder gives names again: what an earlier start has left under one of them,
    /// unnamed, must not be taken for what comes. The first thing that the new playlist names and
    /// that is here tells them apart.
    fn distrust_what_was_before(&mut self, path: &FilePath) {
        let named = self.packager.follower.wanted_by(path);
        let stamps = named.filter_map(|file| self.holding.0.get(file).map(|here| here.stamp));
        let first = stamps.min().unwrap_or(self.arrived);
        tracing::info!(stream = self.stream, playlist = %path, "the encoder has started again");
        self.packager.follower.distrust(path, first);
    }

    /// Delivers what is named and here.
    pub(super) async fn deliver(&mut self, sink: &Sink) -> Result<Round, Closed> {
        self.packager.deliver(&mut self.holding, sink).await
    }

    /// Lets go of what nobody has named for long.
    pub(super) fn tidy(&mut self) {
        let follower = &self.packager.follower;
        self.holding.0.retain(|file, here| {
            here.since.elapsed() < PUSH_HELD_TIME || follower.needs_header(file)
        });
    }
}

impl Files for Holding {
    async fn has(&mut self, file: &FilePath, since: u64) -> bool {
        self.0.get(file).is_some_and(|here| here.stamp >= since)
    }

    async fn read(&mut self, file: &FilePath, since: u64) -> Result<Option<Bytes>, String> {
        match self.0.get(file).filter(|here| here.stamp >= since) {
            Some(here) => here.held.read().await.map(Some).map_err(|error| error.to_string()),
            None => Ok(None),
        }
    }

    fn let_go(&mut self, file: &FilePath) {
        self.0.remove(file);
    }
}
