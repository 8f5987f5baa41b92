//! The origin: live sources over HTTP, for players and for the CDN in front of them. A
//! running [`Origin`] is an actix System on a thread of its own, so that encoding and files never
//! delay whoever serves its [`Origin::routes`].

mod access;
mod actors;
mod certificate;
mod cmaf;
pub mod config;
pub mod config_file;
mod error;
pub mod exposition;
mod fetch;
mod ffmpeg;
mod file_thread;
mod http;
mod integrity;
pub mod limits;
mod metrics;
mod mpegts;
mod plan;
mod playlist;
mod priority;
mod report;
mod serve;
mod source;
mod store;
pub mod watched;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use actix::{Actor, Addr, System};
use actix_web::web::ServiceConfig;
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::timeout;

pub use access::{Signature, SigningKey};
pub use certificate::{Certificate, Offers};
pub use config::{OriginConfig, Secret, ValidOrigin};
pub use error::{ConfigError, OriginError};
pub use file_thread::on_file_thread;
pub use report::StreamReport;
pub use serve::{Punctual, Server, Times, tcp_listener};

use access::Access;
use actors::{StopStream, StreamActor};
use config::{SourceKind, Stream};
use ffmpeg::{Ability, probe};
use file_thread::keep_fresh;
use integrity::Signer;
use limits::{ORIGIN_STOP_TIMEOUT, STREAMS_STOP_TIMEOUT};
use source::{Intakes, Surroundings, source_of};
use store::Store;
use watched::Refresh;

/// A running origin. Dropping it stops it.
#[derive(Debug)]
pub struct Origin {
    names: Vec<String>,
    store: Arc<Store>,
    intakes: Intakes,
    access: Arc<Access>,
    /// The public key, where it is one that stays.
    digests_key: Option<String>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    thread: JoinHandle<()>,
    /// Dropped to end the thread.
    stop: oneshot::Sender<()>,
    /// Disconnects when the thread has let go of everything.
    ended: mpsc::Receiver<()>,
}

/// What is counted, also when the origin has ended.
#[derive(Debug, Clone)]
pub struct Counts {
    store: Arc<Store>,
    intakes: Intakes,
}

impl Counts {
    /// Writes them.
    pub fn write(&self, page: &mut exposition::Page) {
        metrics::write(page, &self.store, &self.intakes);
    }

    /// How each stream is, by name.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamReport> {
        StreamReport::of_all(&self.store)
    }
}

/// What a stream is called, and where its playlist is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// The name in the config.
    pub name: String,
    /// The path of its playlist, such as `/live/testcard/index.m3u8`.
    pub path: String,
    /// The path of its segments' signed digests.
    pub digests: String,
}

impl Origin {
    /// Starts all streams. Returns at once: requests for a stream that has no segment yet wait for
    /// its first one.
    ///
    /// # Errors
    /// When a folder for segments, a key of this start's own or the thread cannot be made.
    pub fn start(config: ValidOrigin) -> Result<Origin, OriginError> {
        let digests_key = config.signer.as_ref().map(|signer| signer.public().to_owned());
        if let Some(key) = &digests_key {
            tracing::info!("digests are signed by the public key {key}");
        }
        let signer = match config.signer {
            Some(signer) => signer,
            None => Arc::new(Signer::fresh().map_err(|_| OriginError::NoKey)?),
        };
        let folder = Folder::make(config.folder)?;
        let names: Vec<_> = config.streams.iter().map(|stream| stream.name.clone()).collect();
        let store = Arc::new(Store::new(names.iter().cloned()));
        let intakes = Intakes::of(&config.streams)?;
        let (stop, stopped) = oneshot::channel();
        let (alive, ended) = mpsc::channel();
        let thread = thread::Builder::new().name("origin".to_owned());
        let streams = config.streams;
        let (shelves, access, sent) = (store.clone(), config.access, intakes.clone());
        let watched = access.clone();
        let thread = thread.spawn(move || {
            let run = run(streams, &shelves, &watched, sent, folder.path(), &signer, stopped);
            System::new().block_on(run);
            drop(folder);
            drop(alive);
        });
        let thread = thread.map_err(OriginError::Thread)?;
        let running = Some(Running { thread, stop, ended });
        Ok(Origin { names, store, intakes, access, digests_key, running })
    }

    /// Mounts `/live/{stream}/{file}`, and `/push/{stream}/` for encoders, in an actix-web App, on
    /// as many workers as it has.
    pub fn routes(&self) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static + use<> {
        http::routes(self.store.clone(), self.intakes.clone(), self.access.clone())
    }

    /// The streams, in the config's order.
    pub fn streams(&self) -> Vec<StreamInfo> {
        let info = |name: &String| StreamInfo {
            name: name.clone(),
            path: format!("/live/{name}/{}", store::INDEX),
            digests: format!("/live/{name}/{}", integrity::DIGESTS),
        };
        self.names.iter().map(info).collect()
    }

    /// What is counted of the streams: their state, and what was asked of them.
    pub fn counts(&self) -> Counts {
        Counts { store: self.store.clone(), intakes: self.intakes.clone() }
    }

    /// The key that signs the streams' digests, in base64url, for pages to pin; `None` when it is a
    /// fresh one that the next start will not have.
    pub fn digests_key(&self) -> Option<&str> {
        self.digests_key.as_deref()
    }

    /// Reads the files of `access` again, changed or not.
    pub async fn reload(&self) {
        let access = self.access.clone();
        file_thread::refresh_all(move || access.refresh(Refresh::All)).await;
    }

    /// Ends all streams: kills and reaps ffmpeg, and deletes the temporary folder. Blocks its
    /// thread meanwhile, usually for some milliseconds, at most for [`ORIGIN_STOP_TIMEOUT`].
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let Some(Running { thread, stop, ended }) = self.running.take() else {
            return;
        };
        drop(stop);
        if let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(ORIGIN_STOP_TIMEOUT) {
            tracing::error!("the origin did not stop within {ORIGIN_STOP_TIMEOUT:?}");
        } else if thread.join().is_err() {
            tracing::error!("the origin's thread panicked");
        }
    }
}

/// The folder for segments: the operator's, which stays, or a temporary one.
enum Folder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    fn make(configured: Option<PathBuf>) -> Result<Self, OriginError> {
        match configured {
            Some(path) => match std::fs::create_dir_all(&path) {
                Ok(()) => Ok(Folder::Kept(path)),
                Err(reason) => Err(OriginError::Folder { path, reason }),
            },
            None => match tempfile::Builder::new().prefix("origin-").tempdir() {
                Ok(folder) => Ok(Folder::Temporary(folder)),
                Err(reason) => Err(OriginError::Folder { path: std::env::temp_dir(), reason }),
            },
        }
    }

    fn path(&self) -> &Path {
        match self {
            Folder::Kept(path) => path,
            Folder::Temporary(folder) => folder.path(),
        }
    }
}

/// The origin's thread, until `stopped` resolves.
async fn run(
    streams: Vec<Stream>,
    store: &Store,
    access: &Arc<Access>,
    intakes: Intakes,
    folder: &Path,
    signer: &Arc<Signer>,
    mut stopped: oneshot::Receiver<()>,
) {
    let ability = tokio::select! {
        ability = ability_for(&streams) => ability,
        _ = &mut stopped => return,
    };
    let streams = start_all(streams, ability, store, intakes, folder, signer);
    let watch = actix::spawn(keep_fresh(access.clone(), Access::refresh));
    // Resolves with an error, as it is dropped and never sent.
    let _ = stopped.await;
    watch.abort();
    let all_stopped = join_all(streams.values().map(|stream| stream.send(StopStream)));
    if timeout(STREAMS_STOP_TIMEOUT, all_stopped).await.is_err() {
        tracing::error!("a stream did not stop within {STREAMS_STOP_TIMEOUT:?}");
    }
}

/// Asks ffmpeg what it can do, if a stream needs it, and says so when it cannot.
async fn ability_for(streams: &[Stream]) -> Ability {
    if !streams.iter().any(|stream| stream.source.needs_ffmpeg()) {
        return Ability::NONE;
    }
    let ability = probe().await;
    let is_card = |stream: &Stream| matches!(stream.source, SourceKind::Testcard(_));
    if !ability.encodes() && streams.iter().any(is_card) {
        tracing::warn!(
            "no ffmpeg with libx264 and AAC here, so the test card is a looped clip; to get one: \
             `apt install ffmpeg` or `brew install ffmpeg`, and start again"
        );
    }
    ability
}

/// Starts the streams, fallbacks last, as they follow others.
fn start_all(
    mut streams: Vec<Stream>,
    ability: Ability,
    store: &Store,
    intakes: Intakes,
    folder: &Path,
    signer: &Arc<Signer>,
) -> HashMap<String, Addr<StreamActor>> {
    streams.sort_by_key(|stream| matches!(stream.source, SourceKind::Fallback(_)));
    let (folder, running) = (folder.to_owned(), HashMap::new());
    let pseudonym = store.pseudonym.clone();
    let mut surroundings = Surroundings { ability, folder, intakes, pseudonym, streams: running };
    for stream in streams {
        let Some(shelf) = store.shelf(&stream.name).cloned() else {
            continue;
        };
        let (of, found, demand) = (stream.clone(), surroundings.clone(), shelf.demand.clone());
        let memory = Rc::default();
        let make_source = Box::new(move || source_of(&of, &demand, &memory, &found));
        let address = StreamActor::new(&stream, make_source, shelf, signer.clone()).start();
        surroundings.streams.insert(stream.name, address);
    }
    surroundings.streams
}
