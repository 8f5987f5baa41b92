//! A DASH manifest, read again and again for all tracks together, and the segments that it gives each
//! of them. Periods are timelines; numbers are the manifest's, or follow from the times.

mod manifest;
mod mpd;
mod template;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use hyper::header::HeaderValue;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::hls::{ask_for_text, pause};
use super::listing::{Item, Listing, Problem, Spot};
use super::names::{Nameless, names};
use crate::fetch::{Answer, Fetched, Fetcher, Place};
use crate::playlist::{Content, Track};
use manifest::{Manifest, Segment};

/// The manifest, shared by the feeds of its tracks.
struct Source {
    place: Place,
    target: Duration,
    state: Mutex<State>,
    /// By the upstream's clock, so that a wrong one here asks for nothing too early.
    clock: Cell<Clock>,
    /// Periods in the order in which they were first seen: the place is the timeline.
    periods: RefCell<Vec<String>>,
}

struct State {
    manifest: Rc<Manifest>,
    etag: Option<HeaderValue>,
    /// When it was last asked for.
    asked_at: Instant,
    /// Why it could not be read the last time, how often in a row, and when to try again.
    failure: Option<(String, u32, Instant)>,
}

/// How far the upstream's clock is ahead of this machine's, or behind.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    ahead: Duration,
    behind: Duration,
}

/// Follows one track of a manifest.
pub(super) struct DashFeed {
    source: Rc<Source>,
    id: String,
    content: Content,
    due: Instant,
    manifest: Rc<Manifest>,
    is_unread: bool,
    /// The numbers that this origin knows segments by, as long as the manifest has them.
    numbered: BTreeMap<(u64, u64), u64>,
}

/// The tracks of a manifest, a feed for each, and the length of their segments.
pub(super) fn feeds(
    place: &Place,
    fetched: &Fetched,
) -> Result<(Vec<Track>, Vec<DashFeed>, Duration), String> {
    let manifest = Manifest::read(&fetched.bytes, &fetched.place);
    let manifest = manifest.map_err(|error| format!("{place}: {error}"))?;
    let newest = manifest.parts.last().ok_or_else(|| format!("{place}: it has no period"))?;
    let lengths = newest.representations.iter().filter_map(|of| of.target());
    let target = lengths.max().unwrap_or(Duration::from_secs(1)).max(Duration::from_secs(1));
    let nameless = newest.representations.iter().map(|of| Nameless {
        uri: &of.media,
        content: of.track.content,
        height: of.track.pixels.map(|(_, height)| height),
        language: of.track.language.as_deref(),
    });
    let names = names(&nameless.collect::<Vec<_>>());
    let tracks = newest.representations.iter().zip(names);
    let tracks: Vec<_> =
        tracks.map(|(of, name)| (of.id.clone(), Track { name, ..of.track.clone() })).collect();
    let manifest = Rc::new(manifest);
    let state = State {
        manifest: manifest.clone(),
        etag: fetched.etag.clone(),
        asked_at: Instant::now(),
        failure: None,
    };
    let (place, periods) = (place.clone(), RefCell::default());
    let clock = Cell::new(Clock::of(fetched));
    let source = Rc::new(Source { place, target, state: Mutex::new(state), clock, periods });
    let feeds = tracks.iter().map(|(id, track)| {
        let mut feed = DashFeed {
            source: source.clone(),
            id: id.clone(),
            content: track.content,
            due: Instant::now() + target,
            manifest: manifest.clone(),
            is_unread: true,
            numbered: BTreeMap::new(),
        };
        feed.number();
        feed
    });
    let feeds = feeds.collect();
    Ok((tracks.into_iter().map(|(_, track)| track).collect(), feeds, target))
}

impl DashFeed {
    /// What there is above `taken`, as soon as there may be something new.
    pub(super) async fn next(
        &mut self,
        fetcher: &Fetcher,
        taken: Option<u64>,
    ) -> Result<Listing, Problem> {
        if !(std::mem::take(&mut self.is_unread) || self.manifest.is_over) {
            sleep_until(self.due).await;
            let began = Instant::now();
            match self.source.fresh(fetcher).await {
                Ok(manifest) => self.manifest = manifest,
                Err((reason, until)) => {
                    self.due = until;
                    return Err(Problem::Passing(reason));
                }
            }
            let before = self.newest();
            self.number();
            let has_changed = self.newest() != before;
            let target = self.source.target;
            self.due = began + if has_changed { target } else { target / 2 };
        }
        self.listing(taken)
    }

    pub(super) fn hurry(&mut self) {
        self.due = Instant::now();
    }

    pub(super) fn newest(&self) -> Option<u64> {
        self.numbered.last_key_value().map(|(_, number)| *number)
    }

    pub(super) fn is_over(&self) -> bool {
        self.manifest.is_over
    }

    /// Segments of this track that are there, with the timeline of each.
    fn segments(&self) -> Vec<(u64, usize, Segment)> {
        let now = self.source.clock.get().now();
        let mut segments = Vec::new();
        for (index, part) in self.manifest.parts.iter().enumerate() {
            let Some(of) = part.representation(&self.id, self.content) else {
                continue;
            };
            let timeline = self.source.timeline(&part.key);
            segments.extend(part.segments(of, now).into_iter().map(|of| (timeline, index, of)));
        }
        segments
    }

    /// Numbers what is new: by the manifest, unless that would give a number again, as when a period
    /// counts from 1; and what follows from times goes on by one, whatever rounding says.
    fn number(&mut self) {
        let before = std::mem::take(&mut self.numbered);
        let mut last = before.last_key_value().map(|(key, number)| (*key, *number));
        let mut follows = false;
        for (timeline, _, segment) in self.segments() {
            let key = (timeline, segment.time);
            let number = match (before.get(&key), last) {
                (Some(known), _) => *known,
                // Older than what is known: the upstream brought it back.
                (None, Some((newest, _))) if key < newest => continue,
                (None, Some((_, last))) if follows && segment.is_by_time => last.saturating_add(1),
                (None, Some((_, last))) => segment.number.max(last.saturating_add(1)),
                (None, None) => segment.number,
            };
            if last.is_none_or(|(newest, _)| key >= newest) {
                last = Some((key, number));
                follows = true;
            }
            self.numbered.insert(key, number);
        }
    }

    fn listing(&self, taken: Option<u64>) -> Result<Listing, Problem> {
        let lasting = |reason: String| Problem::Lasting(format!("{}: {reason}", self.source.place));
        let mut items: Vec<Item> = Vec::new();
        let mut header: Option<Rc<Spot>> = None;
        for (timeline, index, segment) in self.segments() {
            let number = self.numbered.get(&(timeline, segment.time)).copied();
            let Some(number) = number.filter(|number| taken.is_none_or(|taken| *number > taken))
            else {
                continue;
            };
            let of = self.manifest.parts.get(index);
            let Some(of) = of.and_then(|part| part.representation(&self.id, self.content)) else {
                continue;
            };
            let (place, header_place) = of.places(&segment).map_err(lasting)?;
            let spot = |place| Spot { place, range: None };
            header = match (header_place.map(spot), header) {
                (Some(new), Some(known)) if *known == new => Some(known),
                (new, _) => new.map(Rc::new),
            };
            items.push(Item {
                sequence: number,
                timeline,
                duration: segment.duration,
                recorded_at: segment.recorded_at,
                file: spot(place),
                header: header.clone(),
                is_gap: false,
            });
        }
        let oldest = self.numbered.first_key_value().map(|(_, number)| *number);
        Ok(Listing {
            items,
            numbers: oldest.zip(self.newest()),
            target: self.source.target,
            is_over: self.manifest.is_over,
        })
    }
}

impl Clock {
    /// By the date of an answer that has just come.
    fn of(fetched: &Fetched) -> Self {
        let (now, there) = (SystemTime::now(), fetched.date);
        // What lies within a second may be the date's rounding.
        let off = |off: Duration| if off > Duration::from_secs(1) { off } else { Duration::ZERO };
        let ahead = there.and_then(|there| there.duration_since(now).ok());
        let behind = there.and_then(|there| now.duration_since(there).ok());
        Clock {
            ahead: ahead.map_or(Duration::ZERO, off),
            behind: behind.map_or(Duration::ZERO, off),
        }
    }

    fn now(self) -> SystemTime {
        let now = SystemTime::now();
        now.checked_add(self.ahead).and_then(|now| now.checked_sub(self.behind)).unwrap_or(now)
    }
}

impl Source {
    /// The manifest as it is now: read again when half a segment's length has passed since. The
    /// error says when to ask again.
    async fn fresh(&self, fetcher: &Fetcher) -> Result<Rc<Manifest>, (String, Instant)> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some((reason, _, until)) = state.failure.as_ref().filter(|(.., until)| *until > now)
        {
            return Err((reason.clone(), *until));
        }
        let by_clock = |of: &Manifest| {
            of.parts.iter().flat_map(|part| &part.representations).all(|of| of.is_by_clock())
        };
        let good_for = match state.manifest.update_period {
            // What changes by the clock alone says itself how long it stays.
            Some(period) if by_clock(&state.manifest) => period.max(self.target / 2),
            None if by_clock(&state.manifest) => Duration::MAX,
            _ => self.target / 2,
        };
        // Tracks come for it at nearly the same time, and share one answer.
        if state.failure.is_none() && now - state.asked_at < good_for / 10 * 9 {
            return Ok(state.manifest.clone());
        }
        match self.read(fetcher, state.etag.clone()).await {
            Ok(Some((manifest, etag))) => {
                (state.manifest, state.etag) = (Rc::new(manifest), etag);
            }
            Ok(None) => {}
            Err(reason) => {
                let failures = state.failure.as_ref().map_or(0, |(_, failures, _)| failures + 1);
                let until = Instant::now() + pause(self.target, failures);
                state.failure = Some((reason.clone(), failures, until));
                return Err((reason, until));
            }
        }
        (state.asked_at, state.failure) = (now, None);
        Ok(state.manifest.clone())
    }

    async fn read(
        &self,
        fetcher: &Fetcher,
        etag: Option<HeaderValue>,
    ) -> Result<Option<(Manifest, Option<HeaderValue>)>, String> {
        let told = |reason: String| format!("{}: {reason}", self.place);
        let answer = fetcher.get(&self.place, &ask_for_text(etag)).await;
        match answer.map_err(|error| told(error.to_string()))? {
            Answer::NotModified => Ok(None),
            Answer::Here(fetched) => {
                self.clock.set(Clock::of(&fetched));
                let manifest = Manifest::read(&fetched.bytes, &fetched.place).map_err(told)?;
                Ok(Some((manifest, fetched.etag)))
            }
        }
    }

    /// The timeline of a period: how many others were seen before it.
    fn timeline(&self, key: &str) -> u64 {
        let mut periods = self.periods.borrow_mut();
        let place = periods.iter().position(|known| known == key).unwrap_or_else(|| {
            periods.push(key.to_owned());
            periods.len() - 1
        });
        place as u64
    }
}
