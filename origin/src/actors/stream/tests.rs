//! A stream whose source, or whose own actor, meets a fault or delivers what can't be taken.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::OriginConfig;
use crate::playlist::{Container, Content, Track};
use crate::source::{Patience, Playing, Sink};
use crate::store::{Status, Store};

/// What its runs do, one after the other; the last for all that follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Panic,
    Rubbish,
    Well,
}

struct Fake {
    runs: Rc<Cell<usize>>,
    does: &'static [Does],
}

struct Idle;

impl Playing for Idle {
    fn stop(self: Box<Self>) -> LocalBoxFuture<'static, Option<String>> {
        Box::pin(async { None })
    }
}

impl Source for Fake {
    fn play(&self, sink: Sink) -> Box<dyn Playing> {
        let run = self.runs.replace(self.runs.get() + 1);
        let does = self.does[run.min(self.does.len() - 1)];
        assert!(does != Does::Panic, "a fault of this run");
        actix::spawn(async move {
            let tracks = vec![Track::new("main", Content::Muxed, Container::MpegTs)];
            let target = Duration::from_secs(2);
            sink.deliver(Supply::Tracks { tracks, target }).await.expect("taken");
            let whole = Bytes::from_static(include_bytes!("../../../clip/clip/0.ts"));
            let bytes = if does == Does::Well { whole } else { whole.slice(1..) };
            for sequence in 0.. {
                let delivery = Delivery {
                    track: 0,
                    sequence: Some(sequence),
                    timeline: 0,
                    duration: target,
                    recorded_at: SystemTime::now(),
                    header: None,
                    bytes: bytes.clone(),
                };
                if sink.deliver(Supply::Segment(delivery)).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Box::new(Idle)
    }

    fn patience(&self) -> Patience {
        let some = Some(Duration::from_millis(500));
        Patience { first: some, next: some }
    }
}

/// A stream whose runs do this.
fn stream(does: &'static [Does]) -> (Addr<StreamActor>, Arc<Shelf>) {
    let config = r#"{ "streams": [{ "name": "tv", "loop": {} }] }"#;
    let config: OriginConfig = serde_json::from_str(config).expect("a config");
    let config = config.validate().expect("a valid config");
    let store = Store::new(["tv".to_owned()].into_iter());
    let shelf = store.shelf("tv").expect("a shelf").clone();
    let runs = Rc::default();
    let make =
        Box::new(move || -> Box<dyn Source> { Box::new(Fake { runs: Rc::clone(&runs), does }) });
    let signer = Arc::new(Signer::fresh().expect("a key"));
    (StreamActor::new(&config.streams[0], make, shelf.clone(), signer).start(), shelf)
}

async fn until(shelf: &Shelf, what: &str, wanted: impl Fn(&Status) -> bool) -> Status {
    for _ in 0..3_000 {
        let status = shelf.status();
        if wanted(&status) {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {what}: {:?}", shelf.status())
}

#[derive(Message)]
#[rtype(result = "()")]
struct Panic;

impl Handler<Panic> for StreamActor {
    type Result = ();

    fn handle(&mut self, Panic: Panic, _: &mut Self::Context) {
        panic!("a fault of the stream");
    }
}

#[actix::test]
async fn a_stream_that_breaks_down_does_not_look_live() {
    let (stream, shelf) = stream(&[Does::Well]);
    until(&shelf, "live", |status| status.state == State::Live).await;
    stream.do_send(Panic);
    let failing = until(&shelf, "failing", |status| status.state == State::Failing).await;
    assert_eq!(failing.last_failure.as_deref(), Some(BROKEN_DOWN));
}

#[actix::test]
async fn a_stream_that_stops_has_not_failed() {
    let (stream, shelf) = stream(&[Does::Well]);
    until(&shelf, "live", |status| status.state == State::Live).await;
    stream.send(StopStream).await.expect("stopped");
    drop(stream);
    tokio::task::yield_now().await;
    assert_eq!(shelf.status().last_failure, None);
}

#[actix::test]
async fn a_source_that_breaks_down_is_followed_by_another() {
    let (_stream, shelf) = stream(&[Does::Panic, Does::Well]);
    let live = until(&shelf, "live", |status| status.state == State::Live).await;
    assert_eq!((live.restarts, live.last_failure.as_deref()), (1, Some(BROKEN_DOWN)));
}

#[actix::test]
async fn a_source_that_delivers_nothing_but_rubbish_counts_as_silent() {
    let (_stream, shelf) = stream(&[Does::Rubbish, Does::Well]);
    let failing = until(&shelf, "failing", |status| status.restarts == 1).await;
    assert_eq!(failing.last_failure.as_deref(), Some("no new segment for 500ms"));
    until(&shelf, "live", |status| status.state == State::Live).await;
}
