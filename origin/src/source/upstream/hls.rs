//! The media playlist of one track, read again and again (RFC 8216, 6.3.4): a target duration after
//! it has changed, half of one when it has not, and after growing pauses while it cannot be read.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::time::{Instant, sleep_until};

use super::listing::{Item, Listing, Problem, Spot};
use crate::fetch::{Answer, Ask, Fetched, Fetcher, Place};
use crate::limits::{
    PLAYLIST_BYTES_MAX, PLAYLIST_TIMEOUT, UPSTREAM_BACKWARDS_TARGETS, UPSTREAM_PAUSE_MAX,
    UPSTREAM_PAUSE_TARGETS,
};
use crate::playlist::{Entry, HlsPlaylist, MediaPlaylist, Resource};

/// Follows one media playlist.
pub(super) struct HlsFeed {
    /// As it was named; where it went by redirects may change.
    place: Place,
    /// What its URIs are relative to.
    base: Place,
    etag: Option<HeaderValue>,
    playlist: MediaPlaylist,
    /// Whether the playlist has not been looked at yet.
    is_unread: bool,
    /// When to ask for it again.
    due: Instant,
    failures: u32,
    /// When it was first seen with numbers below those that it had.
    backwards_since: Option<Instant>,
}

/// How a text file is asked for.
pub(super) fn ask_for_text(etag: Option<HeaderValue>) -> Ask {
    let (bytes_max, within) = (PLAYLIST_BYTES_MAX, PLAYLIST_TIMEOUT);
    Ask { range: None, etag, bytes_max, within, is_text: true }
}

impl HlsFeed {
    /// Begins with a playlist that has been fetched.
    pub(super) fn new(place: Place, fetched: &Fetched, playlist: MediaPlaylist) -> Self {
        HlsFeed {
            place,
            base: fetched.place.clone(),
            etag: fetched.etag.clone(),
            due: Instant::now() + playlist.target,
            playlist,
            is_unread: true,
            failures: 0,
            backwards_since: None,
        }
    }

    pub(super) fn playlist(&self) -> &MediaPlaylist {
        &self.playlist
    }

    /// What there is above `taken`, as soon as there may be something new.
    pub(super) async fn next(
        &mut self,
        fetcher: &Fetcher,
        taken: Option<u64>,
    ) -> Result<Listing, Problem> {
        let is_unread = std::mem::take(&mut self.is_unread);
        if !(is_unread || self.playlist.is_over) {
            sleep_until(self.due).await;
            self.reload(fetcher).await?;
        }
        self.listing(taken)
    }

    /// Somebody wants the track again: it is old, so it is read at once.
    pub(super) fn hurry(&mut self) {
        self.due = Instant::now();
    }

    async fn reload(&mut self, fetcher: &Fetcher) -> Result<(), Problem> {
        let began = Instant::now();
        let target = self.playlist.target;
        let answer = match fetcher.get(&self.place, &ask_for_text(self.etag.clone())).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.fail(error.to_string())),
        };
        let Answer::Here(fetched) = answer else {
            self.failures = 0;
            self.due = began + target / 2;
            return Ok(());
        };
        let playlist = match HlsPlaylist::read(&fetched.bytes) {
            Ok(HlsPlaylist::Media(playlist)) => playlist,
            Ok(HlsPlaylist::Multivariant(_)) => {
                return Err(self.fail("it has become a list of tracks".to_owned()));
            }
            Err(error) => return Err(self.fail(error.to_string())),
        };
        self.check_direction(&playlist, began)?;
        self.failures = 0;
        let has_changed = newest(&playlist) != newest(&self.playlist);
        self.due = began + if has_changed { playlist.target } else { playlist.target / 2 };
        self.base = fetched.place;
        self.etag = fetched.etag;
        self.playlist = playlist;
        Ok(())
    }

    /// A cache in between may be behind for a moment; what stays behind counts anew.
    fn check_direction(&mut self, read: &MediaPlaylist, now: Instant) -> Result<(), Problem> {
        let (before, after) = (newest(&self.playlist), newest(read));
        if after >= before {
            self.backwards_since = None;
            return Ok(());
        }
        let since = *self.backwards_since.get_or_insert(now);
        let number = |number: Option<u64>| number.map_or("none".to_owned(), |n| n.to_string());
        let reason = format!("its numbers went back from {} to {}", number(before), number(after));
        self.due = now + self.playlist.target / 2;
        if now - since < self.playlist.target * UPSTREAM_BACKWARDS_TARGETS {
            return Err(Problem::Passing(format!("{}: {reason}", self.place)));
        }
        Err(Problem::Lasting(format!("{}: {reason}", self.place)))
    }

    fn fail(&mut self, reason: String) -> Problem {
        self.due = Instant::now() + pause(self.playlist.target, self.failures);
        self.failures += 1;
        Problem::Passing(format!("{}: {reason}", self.place))
    }

    fn listing(&self, taken: Option<u64>) -> Result<Listing, Problem> {
        let entries = &self.playlist.entries;
        let new = entries.iter().filter(|entry| taken.is_none_or(|taken| entry.sequence > taken));
        let mut items: Vec<Item> = Vec::new();
        let mut header: Option<(&Arc<Resource>, Rc<Spot>)> = None;
        for entry in new {
            header = match (&entry.header, header) {
                (Some(new), Some((known, spot))) if Arc::ptr_eq(new, known) => Some((known, spot)),
                (Some(new), _) => Some((new, Rc::new(self.spot(new)?))),
                (None, _) => None,
            };
            items.push(self.item(entry, header.as_ref().map(|(_, spot)| spot.clone()))?);
        }
        let numbers = entries.first().zip(entries.last());
        Ok(Listing {
            items,
            numbers: numbers.map(|(first, last)| (first.sequence, last.sequence)),
            target: self.playlist.target,
            is_over: self.playlist.is_over,
        })
    }

    fn item(&self, entry: &Entry, header: Option<Rc<Spot>>) -> Result<Item, Problem> {
        Ok(Item {
            sequence: entry.sequence,
            timeline: entry.timeline,
            duration: entry.duration,
            recorded_at: entry.recorded_at,
            file: self.spot(&entry.file)?,
            header,
            is_gap: entry.is_gap,
        })
    }

    fn spot(&self, resource: &Resource) -> Result<Spot, Problem> {
        match self.base.join(&resource.uri).filter(|place| self.base.may_lead_to(place)) {
            Some(place) => Ok(Spot { place, range: resource.range.clone() }),
            None => {
                let what = "names a file that is not at an http URL, or not at https as it is";
                Err(Problem::Lasting(format!("{}: it {what}", self.place)))
            }
        }
    }
}

/// The newest number of a playlist.
pub(super) fn newest(playlist: &MediaPlaylist) -> Option<u64> {
    playlist.entries.last().map(|entry| entry.sequence)
}

/// How long to wait after so many failures in a row: half a target duration, and twice as long each
/// time, within bounds.
pub(super) fn pause(target: Duration, failures: u32) -> Duration {
    let longest = UPSTREAM_PAUSE_MAX.min(target * UPSTREAM_PAUSE_TARGETS);
    (target / 2).saturating_mul(1 << failures.min(10)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_two_target_durations_and_never_beyond_8_s() {
        let pauses = |target: u64| {
            [0, 1, 2, 3, 100].map(|failures| pause(Duration::from_secs(target), failures))
        };
        assert_eq!(pauses(2), [1, 2, 4, 4, 4].map(Duration::from_secs));
        assert_eq!(pauses(6), [3, 6, 8, 8, 8].map(Duration::from_secs));
    }
}
