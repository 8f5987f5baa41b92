//! A CMAF segment (ISO/IEC 23000-19, 7.3.3): one or more fragments, each a `moof` that says when
//! its samples play and where in the following `mdat` they lie. Other boxes may stand before them
//! (`styp`, `sidx`, `emsg`, `prft`), and are left alone.

use std::time::Duration;

use mp4_atom::{Atom, Mdat, Moof, Sidx, Tfdt, Tfhd, Traf, Trun, TrunEntry, TrunSamples};

use super::CmafError;
use super::boxes::{Boxes, Found, leaf};
use super::header::{Defaults, Header};
use crate::limits::{CMAF_MOOF_BYTES_MAX, SEGMENT_DURATION_MAX};

/// When a segment plays, by its leading track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// When its first sample is decoded, in ticks of the track's timescale.
    pub(crate) decode_time: u64,
    /// When its first picture is shown, in the same ticks: later than it is decoded when pictures
    /// are decoded in another order than shown.
    pub(crate) presentation_time: u64,
    /// How long it plays, in the same ticks. Never 0.
    pub(crate) ticks: u64,
    /// Ticks a second.
    pub(crate) timescale: u32,
    /// Whether a player can start with it.
    pub(crate) starts_with_sync_sample: bool,
}

impl Times {
    /// How long it plays.
    pub(crate) fn duration(&self) -> Duration {
        self.time_of(self.ticks)
    }

    /// When its first picture is shown, by its own timestamps.
    pub(crate) fn presentation(&self) -> Duration {
        self.time_of(self.presentation_time)
    }

    fn time_of(&self, ticks: u64) -> Duration {
        let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(self.timescale);
        let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
        Duration::new(seconds, (nanos % 1_000_000_000) as u32)
    }

    /// What its timestamps say at `time`, to the nearest.
    pub(crate) fn ticks_at(&self, time: Duration) -> u64 {
        let ticks = (time.as_nanos() * u128::from(self.timescale) + 500_000_000) / 1_000_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

/// What fragments of one track have said so far.
struct Run {
    times: Times,
    /// When the last fragment ends.
    end: u64,
    /// When the last fragment begins.
    last: u64,
}

/// The samples of a `moof`, until its `mdat` has shown that they are there.
struct Promised {
    /// Where they begin and end in the segment.
    start: u64,
    end: u64,
}

impl Header {
    /// Reads a segment that belongs to this header. One that is cut off is refused, wherever it is
    /// cut; but for a cut between two fragments, which makes a shorter segment that is whole: who
    /// knows its duration has to compare.
    ///
    /// # Errors
    /// What is not whole, is no segment, has no samples of the leading track, or plays for longer
    /// than [`SEGMENT_DURATION_MAX`].
    pub(crate) fn times(&self, segment: &[u8]) -> Result<Times, CmafError> {
        let mut run = None;
        let mut promised = None;
        for found in Boxes::of(segment) {
            let found = found?;
            match found.kind {
                kind if kind == Moof::KIND => {
                    if promised.is_some() {
                        return Err(CmafError::new(kind, "it follows a moof without its mdat"));
                    }
                    promised = Some(self.read_moof(found, &mut run)?);
                }
                kind if kind == Mdat::KIND => match promised.take() {
                    Some(promised) => promised.lies_in(found)?,
                    None => return Err(CmafError::new(kind, "it follows no moof")),
                },
                kind if kind == Sidx::KIND => check_index(found, segment.len())?,
                _ => {}
            }
        }
        if promised.is_some() {
            return Err(CmafError::new(Mdat::KIND, "the last moof has none"));
        }
        let Some(Run { mut times, end, .. }) = run else {
            return Err(CmafError::new(Moof::KIND, "there is none with samples of the track"));
        };
        times.ticks = end.saturating_sub(times.decode_time);
        if times.ticks == 0 {
            return Err(CmafError::new(Trun::KIND, "no sample has a duration"));
        }
        if times.duration() > SEGMENT_DURATION_MAX {
            let what =
                format!("it plays {:?}, more than {SEGMENT_DURATION_MAX:?}", times.duration());
            return Err(CmafError::new(Moof::KIND, what));
        }
        Ok(times)
    }

    /// Adds a fragment's times to those of the leading track, and returns where its samples are.
    fn read_moof(&self, moof: Found<'_>, run: &mut Option<Run>) -> Result<Promised, CmafError> {
        if moof.body.len() > CMAF_MOOF_BYTES_MAX {
            let what = format!("{} bytes, more than {CMAF_MOOF_BYTES_MAX}", moof.body.len());
            return Err(CmafError::new(moof.kind, what));
        }
        let start = moof.start as u64;
        let mut promised = Promised { start: u64::MAX, end: 0 };
        for found in Boxes::within(moof, 0) {
            let found = found?;
            if found.kind != Traf::KIND {
                continue;
            }
            let tfhd: Tfhd = leaf(Boxes::within(found, 0).first::<Tfhd>()?, CMAF_MOOF_BYTES_MAX)?;
            if tfhd.base_data_offset.is_some() {
                let what = "its samples are told by their place in a file, not in the fragment";
                return Err(CmafError::new(Tfhd::KIND, what));
            }
            let track = self.track(tfhd.track_id);
            let defaults = track.map(|track| track.defaults).unwrap_or_default();
            let samples = Samples::read(found, defaults.with(&tfhd), start, &mut promised)?;
            if tfhd.track_id == self.leading.id && samples.count > 0 {
                let tfdt = Boxes::within(found, 0).first::<Tfdt>()?;
                let tfdt: Tfdt = leaf(tfdt, CMAF_MOOF_BYTES_MAX)?;
                samples.extend(run, tfdt.base_media_decode_time, self.leading.timescale)?;
            }
        }
        Ok(promised)
    }
}

impl Defaults {
    fn with(self, tfhd: &Tfhd) -> Self {
        Defaults {
            duration: tfhd.default_sample_duration.unwrap_or(self.duration),
            size: tfhd.default_sample_size.unwrap_or(self.size),
            flags: tfhd.default_sample_flags.unwrap_or(self.flags),
        }
    }
}

/// What the runs of samples in one `traf` add up to.
#[derive(Default)]
struct Samples {
    count: u64,
    /// In ticks.
    duration: u64,
    /// The first picture shown, in ticks after the first one decoded.
    shown_after: i64,
    first_flags: u32,
}

impl Samples {
    fn read(
        traf: Found<'_>,
        defaults: Defaults,
        moof_start: u64,
        promised: &mut Promised,
    ) -> Result<Self, CmafError> {
        let mut samples = Samples { shown_after: i64::MAX, ..Samples::default() };
        let mut next = moof_start;
        for found in Boxes::within(traf, 0) {
            let found = found?;
            if found.kind != Trun::KIND {
                continue;
            }
            let trun: Trun = leaf(found, CMAF_MOOF_BYTES_MAX)?;
            let start = match trun.data_offset {
                Some(offset) => moof_start.saturating_add_signed(i64::from(offset)),
                None => next,
            };
            next = start.saturating_add(samples.add(&trun.samples, defaults));
            promised.start = promised.start.min(start);
            promised.end = promised.end.max(next);
        }
        Ok(samples)
    }

    /// Adds one run, and returns its bytes. Sums stay at their ends instead of going beyond: what
    /// comes near to them is refused for its length.
    fn add(&mut self, run: &TrunSamples, defaults: Defaults) -> u64 {
        if let Some(first) = run.get(0).filter(|_| self.count == 0) {
            self.first_flags = first.flags.unwrap_or(defaults.flags);
        }
        self.count = self.count.saturating_add(run.len() as u64);
        let entries = match run {
            TrunSamples::Explicit(entries) => entries.as_slice(),
            TrunSamples::Inherited { count: 0, .. } => return 0,
            TrunSamples::Inherited { count, .. } => {
                // All alike, and shown in the order in which they are decoded.
                self.show(0);
                let count = u64::from(*count);
                self.duration = self.duration.saturating_add(count * u64::from(defaults.duration));
                return count * u64::from(defaults.size);
            }
        };
        let mut bytes = 0;
        for TrunEntry { duration, size, cts, .. } in entries {
            self.show(cts.unwrap_or(0));
            let duration = u64::from(duration.unwrap_or(defaults.duration));
            self.duration = self.duration.saturating_add(duration);
            bytes += u64::from(size.unwrap_or(defaults.size));
        }
        bytes
    }

    /// The next sample is shown `later` than it is decoded, or earlier.
    fn show(&mut self, later: i64) {
        let decoded_after = i64::try_from(self.duration).unwrap_or(i64::MAX);
        self.shown_after = self.shown_after.min(decoded_after.saturating_add(later));
    }

    /// Goes on with a run of fragments, or begins one.
    fn extend(
        &self,
        run: &mut Option<Run>,
        decode_time: u64,
        timescale: u32,
    ) -> Result<(), CmafError> {
        let Some(end) = decode_time.checked_add(self.duration) else {
            return Err(CmafError::new(Tfdt::KIND, format!("{decode_time} is out of all time")));
        };
        match run {
            None => {
                let times = Times {
                    decode_time,
                    presentation_time: decode_time.saturating_add_signed(self.shown_after),
                    ticks: 0,
                    timescale,
                    starts_with_sync_sample: self.first_flags & NON_SYNC == 0,
                };
                *run = Some(Run { times, end, last: decode_time });
            }
            Some(run) if decode_time < run.last => {
                let what = format!("{decode_time} comes after {}", run.last);
                return Err(CmafError::new(Tfdt::KIND, what));
            }
            Some(run) => {
                run.end = run.end.max(end);
                run.last = decode_time;
            }
        }
        Ok(())
    }
}

/// `sample_is_non_sync_sample` (ISO/IEC 14496-12, 8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

impl Promised {
    fn lies_in(&self, mdat: Found<'_>) -> Result<(), CmafError> {
        let Promised { start, end } = *self;
        let (from, to) = (mdat.body_start as u64, mdat.end() as u64);
        if start >= end || (start >= from && end <= to) {
            return Ok(());
        }
        let what = format!("the moof tells of samples at {start} to {end}, this is {from} to {to}");
        Err(CmafError::new(mdat.kind, what))
    }
}

/// An index knows how long what follows it is.
fn check_index(found: Found<'_>, segment_bytes: usize) -> Result<(), CmafError> {
    let sidx: Sidx = leaf(found, CMAF_MOOF_BYTES_MAX)?;
    // At most 65,535 references of 31 bits.
    let length: u64 = sidx.references.iter().map(|part| u64::from(part.referenced_size)).sum();
    let end = (found.end() as u64).saturating_add(sidx.first_offset).saturating_add(length);
    if end > segment_bytes as u64 {
        let what = format!("it tells of {end} bytes, of which {segment_bytes} are there");
        return Err(CmafError::new(found.kind, what));
    }
    Ok(())
}
