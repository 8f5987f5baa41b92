//! What was asked of a stream, and what it was answered: counts for operators, written by every
//! request, so they are atomics in tables of a fixed size, whatever is asked for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::access::Denied;

/// Counts since the origin began.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    requests: [[AtomicU64; STATUSES.len()]; Kind::ALL.len()],
    denied: [AtomicU64; Denied::ALL.len()],
    sent_bytes: AtomicU64,
    cut: AtomicU64,
}

/// Statuses that requests for a stream's files are answered with; the last is for all others.
const STATUSES: [u16; 10] = [200, 204, 206, 304, 403, 404, 405, 416, 503, 0];

/// What is asked for, by how the name ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Playlist,
    Manifest,
    Header,
    Segment,
    Other,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] =
        [Kind::Playlist, Kind::Manifest, Kind::Header, Kind::Segment, Kind::Other];

    pub(crate) fn of(file: &str) -> Self {
        match file.rsplit_once('.') {
            Some((_, "m3u8")) => Kind::Playlist,
            Some((_, "mpd")) => Kind::Manifest,
            Some((_, "mp4")) => Kind::Header,
            Some((_, "ts" | "m4s")) => Kind::Segment,
            _ => Kind::Other,
        }
    }

    /// The label under which it is counted.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Kind::Playlist => "playlist",
            Kind::Manifest => "manifest",
            Kind::Header => "header",
            Kind::Segment => "segment",
            Kind::Other => "other",
        }
    }
}

impl Traffic {
    /// A request was answered.
    pub(crate) fn answered(&self, kind: Kind, status: u16) {
        let place = STATUSES.iter().position(|known| *known == status);
        let count = place.unwrap_or(STATUSES.len() - 1);
        self.requests[kind as usize][count].fetch_add(1, Relaxed);
    }

    /// A request was refused.
    pub(crate) fn denied(&self, why: Denied) {
        self.denied[why.index()].fetch_add(1, Relaxed);
    }

    /// Bytes of a file were handed to HTTP.
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// An answer took too long, and its connection was cut.
    pub(crate) fn cut(&self) {
        self.cut.fetch_add(1, Relaxed);
    }

    /// Answers by kind and status, as far as there were any.
    pub(crate) fn requests(&self) -> impl Iterator<Item = (Kind, u16, u64)> {
        Kind::ALL.into_iter().zip(&self.requests).flat_map(|(kind, counts)| {
            let counts = STATUSES.into_iter().zip(counts);
            let counts = counts.map(move |(status, count)| (kind, status, count.load(Relaxed)));
            counts.filter(|(.., count)| *count > 0)
        })
    }

    pub(crate) fn denials(&self) -> impl Iterator<Item = (Denied, u64)> {
        Denied::ALL.into_iter().zip(self.denied.iter().map(|count| count.load(Relaxed)))
    }

    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Relaxed)
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.cut.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_kind_and_status() {
        let traffic = Traffic::default();
        for (file, status) in
            [("index.m3u8", 200), ("v-1.m4s", 206), ("a.b.ts", 206), ("x", 404), ("v.mpd", 599)]
        {
            traffic.answered(Kind::of(file), status);
        }
        let counted: Vec<_> = traffic.requests().collect();
        let expected = [
            (Kind::Playlist, 200, 1),
            (Kind::Manifest, 0, 1),
            (Kind::Segment, 206, 2),
            (Kind::Other, 404, 1),
        ];
        assert_eq!(counted, expected);
    }
}
