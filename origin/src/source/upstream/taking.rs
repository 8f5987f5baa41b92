//! Takes one segment, whole or not at all. What is missing is asked for a few times, what fails is
//! tried again after growing pauses, and all of it within a time after which nobody could play it
//! any more.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::listing::{Item, Spot};
use crate::cmaf;
use crate::fetch::{Answer, Ask, FetchError, Fetcher};
use crate::limits::{
    CMAF_HEADER_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_MISSING_PAUSE, SEGMENT_MISSING_TRIES,
    SEGMENT_RETRY_PAUSE, SEGMENT_TIMEOUT_MIN,
};
use crate::mpegts;
use crate::playlist::Container;

/// Takes the segments of one track.
pub(super) struct Taker {
    pub(super) fetcher: Fetcher,
    pub(super) container: Container,
    pub(super) permits: Arc<Semaphore>,
    /// The header last used: the next segment mostly needs the same.
    pub(super) header: Mutex<Option<Header>>,
}

/// A header that was taken.
#[derive(Clone)]
pub(super) struct Header {
    spot: Rc<Spot>,
    bytes: Bytes,
    read: Rc<cmaf::Header>,
}

/// A whole segment.
pub(super) struct Taken {
    pub(super) header: Option<Bytes>,
    pub(super) bytes: Bytes,
    /// Dropped when the segment has been delivered.
    pub(super) _permit: Option<OwnedSemaphorePermit>,
}

impl Taker {
    /// The error says why there will be none.
    pub(super) async fn take(&self, item: &Item) -> Result<Taken, String> {
        if item.is_gap {
            return Err("the upstream has a gap there".to_owned());
        }
        // Nobody closes it.
        let permit = self.permits.clone().acquire_owned().await.ok();
        let within = SEGMENT_TIMEOUT_MIN.max(item.duration * 3 / 2);
        let give_up = Instant::now() + within * 2;
        let (mut missing, mut pause) = (0, SEGMENT_RETRY_PAUSE);
        loop {
            let error = match self.try_take(item, within).await {
                Ok((header, bytes)) => return Ok(Taken { header, bytes, _permit: permit }),
                Err(error) => error,
            };
            let is_missing = matches!(&error, TakeError::Fetch(error) if error.is_missing());
            missing += u32::from(is_missing);
            let next = if is_missing { SEGMENT_MISSING_PAUSE } else { pause };
            if missing >= SEGMENT_MISSING_TRIES || Instant::now() + next >= give_up {
                return Err(format!("{}: {error}", item.file.place));
            }
            sleep(next).await;
            pause *= 2;
        }
    }

    async fn try_take(
        &self,
        item: &Item,
        within: Duration,
    ) -> Result<(Option<Bytes>, Bytes), TakeError> {
        if self.container == Container::MpegTs {
            let bytes = self.fetch(&item.file, SEGMENT_BYTES_MAX as usize, within).await?;
            mpegts::starts_with_key_frame(&bytes)?;
            return Ok((None, bytes));
        }
        let spot = item.header.as_ref().ok_or(TakeError::NoHeader)?;
        let header = self.header(spot, within).await?;
        let bytes = self.fetch(&item.file, SEGMENT_BYTES_MAX as usize, within).await?;
        let plays = header.read.times(&bytes)?.duration();
        // A cut between two fragments leaves a shorter segment, which is whole in itself.
        if plays < item.duration / 2 {
            return Err(TakeError::Short { plays, told: item.duration });
        }
        Ok((Some(header.bytes), bytes))
    }

    /// The header, fetched once: whoever needs the same waits for it.
    async fn header(&self, spot: &Rc<Spot>, within: Duration) -> Result<Header, TakeError> {
        let mut known = self.header.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.spot == *spot) {
            return Ok(known.clone());
        }
        let bytes = self.fetch(spot, CMAF_HEADER_BYTES_MAX, within).await;
        let bytes = bytes.map_err(|error| TakeError::Header(Box::new(error)))?;
        let read = cmaf::Header::read(&bytes)
            .map_err(|error| TakeError::Header(Box::new(error.into())))?;
        let header = Header { spot: spot.clone(), bytes, read: Rc::new(read) };
        *known = Some(header.clone());
        Ok(header)
    }

    async fn fetch(
        &self,
        spot: &Spot,
        bytes_max: usize,
        within: Duration,
    ) -> Result<Bytes, TakeError> {
        let ask = Ask { range: spot.range.clone(), etag: None, bytes_max, within, is_text: false };
        match self.fetcher.get(&spot.place, &ask).await? {
            Answer::Here(fetched) => Ok(fetched.bytes),
            // Not asked conditionally.
            Answer::NotModified => Err(TakeError::Fetch(FetchError::Status(304))),
        }
    }
}

/// Why a segment could not be taken this time.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("no whole segment: {0}")]
    Cmaf(#[from] cmaf::CmafError),
    #[error("no whole segment: {0}")]
    Ts(#[from] mpegts::TsError),
    #[error("its header: {0}")]
    Header(Box<TakeError>),
    #[error("its playlist names no header for it, as CMAF needs one")]
    NoHeader,
    #[error("it plays for {plays:?}, but its playlist says {told:?}")]
    Short { plays: Duration, told: Duration },
}
