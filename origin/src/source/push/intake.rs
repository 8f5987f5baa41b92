//! Where an encoder's requests come in. HTTP's workers check them here and keep what comes; what is
//! whole is handed over, by a bounded queue, to the stream's source in the origin's own System.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::desk::Desk;
use super::refusal::Refusal;
use super::room::{Full, Reserved, Room};
use super::seat::{Network, Occupied, Seat, WrongTokens};
use super::upload::{Held, Upload};
use crate::config::{Push, SourceKind, Stream};
use crate::error::OriginError;
use crate::integrity::{Digest, sha256};
use crate::limits::{PUSH_ARRIVAL_WAIT, PUSH_ARRIVALS_MAX, PUSH_UPLOADS_MAX};
use crate::source::{FilePath, Listing};

/// The intakes of all streams that are pushed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intakes(Arc<HashMap<String, Arc<Intake>>>);

/// One stream's.
#[derive(Debug)]
pub(crate) struct Intake {
    /// Where its files are in URLs: `/push/tv/`.
    pub(super) root: String,
    /// Of the token. Digests have one length, so that comparing them tells nothing about it.
    token: Digest,
    pub(super) folder: Option<PathBuf>,
    held_bytes: usize,
    room: Arc<Room>,
    uploads: Arc<Semaphore>,
    seat: Mutex<Seat>,
    wrong_tokens: Mutex<WrongTokens>,
    tickets: AtomicU64,
    arrivals: mpsc::Sender<Arrival>,
    /// Taken by each run of the source in turn; what has come stays from one to the next.
    pub(super) desk: tokio::sync::Mutex<Desk>,
}

/// Something that an encoder has sent.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) encoder: u64,
    pub(super) ticket: u64,
    pub(super) path: FilePath,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Playlist(Listing),
    File(Held),
    Manifest,
    Deleted,
}

impl Intakes {
    /// An intake for each stream that has one.
    ///
    /// # Errors
    /// When a folder cannot be made.
    pub(crate) fn of(streams: &[Stream]) -> Result<Self, OriginError> {
        let mut intakes = HashMap::new();
        for stream in streams {
            if let SourceKind::Push(push) = &stream.source {
                let intake = Intake::new(stream, push)?;
                intakes.insert(stream.name.clone(), Arc::new(intake));
            }
        }
        Ok(Intakes(Arc::new(intakes)))
    }

    pub(crate) fn get(&self, stream: &str) -> Option<&Arc<Intake>> {
        self.0.get(stream)
    }

    /// Bytes of what has come from encoders, or is coming, and is not played yet, by stream.
    pub(crate) fn held_bytes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(name, intake)| (name.as_str(), intake.room.bytes()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Intake {
    fn new(stream: &Stream, push: &Push) -> Result<Self, OriginError> {
        if let Some(path) = &push.folder {
            std::fs::create_dir_all(path)
                .map_err(|reason| OriginError::Folder { path: path.clone(), reason })?;
        }
        let (arrivals, arriving) = mpsc::channel(PUSH_ARRIVALS_MAX);
        Ok(Intake {
            root: format!("/push/{}/", stream.name),
            token: sha256(push.token.reveal().as_bytes()),
            folder: push.folder.clone(),
            held_bytes: push.held_bytes,
            room: Room::new(push.held_bytes),
            uploads: Arc::new(Semaphore::new(PUSH_UPLOADS_MAX)),
            seat: Mutex::default(),
            wrong_tokens: Mutex::default(),
            tickets: AtomicU64::new(0),
            arrivals,
            desk: tokio::sync::Mutex::new(Desk::new(stream, push.playlist.clone(), arriving)),
        })
    }

    /// Whether a request from there may be heard at all.
    pub(crate) fn admit(&self, from: IpAddr, token: Option<&str>) -> Result<(), Refusal> {
        let (network, now) = (Network::from(from), Instant::now());
        // Who shows the right one is never kept out by those who guess from the same network.
        let shown = token.map(|token| sha256(token.as_bytes()));
        let is_right = |shown: &Digest| verify_slices_are_equal(shown, &self.token).is_ok();
        if shown.as_ref().is_some_and(is_right) {
            return Ok(());
        }
        let mut wrong_tokens = lock(&self.wrong_tokens);
        if let Some(wait) = wrong_tokens.wait(network, now) {
            return Err(Refusal::WrongTokens(wait));
        }
        if shown.is_none() {
            // Many clients show it only once they have been asked to; nothing is guessed by that.
            return Err(Refusal::Token);
        }
        wrong_tokens.add(network, now);
        Err(Refusal::Token)
    }

    /// Begins an upload of one who has been admitted.
    pub(crate) fn begin(self: &Arc<Self>, from: IpAddr, path: &str) -> Result<Upload, Refusal> {
        let path = FilePath::parse(path)?;
        let encoder = self.sit(from)?;
        let one_of_few = self.uploads.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let reserved = match path.is_playlist() {
            true => Reserved::for_playlist(),
            false => self.room.reserve().map_err(|Full| self.full())?,
        };
        Upload::new(self.clone(), path, (encoder, self.ticket()), reserved, one_of_few)
    }

    /// Deletes a file for one who has been admitted. One that has been delivered is played on.
    pub(crate) async fn delete(&self, from: IpAddr, path: &str) -> Result<(), Refusal> {
        let path = FilePath::parse(path)?;
        let encoder = self.sit(from)?;
        let ticket = self.ticket();
        self.hand_over(Arrival { encoder, ticket, path, what: What::Deleted }).await
    }

    fn sit(&self, from: IpAddr) -> Result<u64, Refusal> {
        let taken = lock(&self.seat).take(from.into(), Instant::now());
        taken.map_err(|Occupied(wait)| Refusal::Occupied(wait))
    }

    /// Whether this encoder is still the one that sends.
    pub(super) fn keep(&self, encoder: u64, now: Instant) -> bool {
        lock(&self.seat).keep(encoder, now)
    }

    /// Hands over what has come whole. Where there is room it is done at once, so that a client
    /// which goes when it has said all is heard.
    pub(super) async fn hand_over(&self, arrival: Arrival) -> Result<(), Refusal> {
        let arrival = match self.arrivals.try_send(arrival) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(Refusal::Away),
            Err(mpsc::error::TrySendError::Full(arrival)) => arrival,
        };
        match timeout(PUSH_ARRIVAL_WAIT, self.arrivals.send(arrival)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Refusal::Away),
        }
    }

    pub(super) fn full(&self) -> Refusal {
        Refusal::Full { bytes_max: self.held_bytes }
    }

    fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }
}

/// Nobody panics while he holds one of these, so none of them is ever poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
