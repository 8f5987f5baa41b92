//! What the origin counts, as Prometheus reads it. The binary shows it on a listener of its own,
//! the tracker behind its own counts.

use std::fmt::Display;

use crate::exposition::Page;
use crate::source::Intakes;
use crate::store::{Shelf, State, Store, Traffic};

/// Writes the counts of all streams, by name.
pub(crate) fn write(page: &mut Page, store: &Store, intakes: &Intakes) {
    let mut shelves: Vec<(&str, &Shelf)> =
        store.shelves().map(|(name, shelf)| (name, shelf.as_ref())).collect();
    shelves.sort_unstable_by_key(|(name, _)| *name);
    health(page, &shelves);
    // Requests for streams that there are not stand under no name.
    let named = shelves.iter().map(|(name, shelf)| (*name, &shelf.traffic));
    let all: Vec<_> = named.chain([("", &store.strays)]).collect();
    traffic(page, &all);
    memory(page, intakes);
}

fn health(page: &mut Page, shelves: &[(&str, &Shelf)]) {
    let mut states = page.gauge("origin_stream_state", "1 for the state that the stream is in.");
    for (name, shelf) in shelves {
        let now = shelf.status().state;
        for state in State::ALL {
            let labels: [(&str, &dyn Display); 2] = [("stream", name), ("state", &state.label())];
            states.sample("", &labels, u8::from(state == now));
        }
    }
    let ages = shelves.iter().filter_map(|(name, shelf)| Some((name, shelf.segment_age()?)));
    page.gauge("origin_segment_age_seconds", "How long ago the stream's newest segment came.")
        .labelled("stream", ages.map(|(name, age)| (name, age.as_secs_f64())));
    let bits = |shelf: &Shelf| -> u64 {
        shelf.tracks().iter().filter_map(|track| track.bits_per_second).sum()
    };
    page.gauge("origin_bits_per_second", "Of the segments that the stream's playlists show.")
        .labelled("stream", shelves.iter().map(|(name, shelf)| (name, bits(shelf))));
    page.counter("origin_restarts_total", "Times that the stream's source was started again.")
        .labelled("stream", shelves.iter().map(|(name, shelf)| (name, shelf.status().restarts)));
}

fn traffic(page: &mut Page, all: &[(&str, &Traffic)]) {
    let mut requests = page.counter("origin_requests_total", "Requests that were answered.");
    for (name, traffic) in all {
        for (kind, status, count) in traffic.requests() {
            let labels: [(&str, &dyn Display); 3] =
                [("stream", name), ("kind", &kind.label()), ("status", &status)];
            requests.sample("", &labels, count);
        }
    }
    page.counter("origin_sent_bytes_total", "Bytes of files that were handed to clients.")
        .labelled("stream", all.iter().map(|(name, traffic)| (name, traffic.sent_bytes())));
    page.counter("origin_cut_clients_total", "Answers that were cut, as the client was too slow.")
        .labelled("stream", all.iter().map(|(name, traffic)| (name, traffic.cuts())));
    let mut denied =
        page.counter("origin_denied_total", "Requests without the secret or signature they need.");
    for (name, traffic) in all {
        for (why, count) in traffic.denials() {
            let labels: [(&str, &dyn Display); 2] = [("stream", name), ("reason", &why.label())];
            denied.sample("", &labels, count);
        }
    }
}

/// What is in no stream's window.
fn memory(page: &mut Page, intakes: &Intakes) {
    let mut held: Vec<_> = intakes.held_bytes().collect();
    held.sort_unstable();
    let about = "Bytes from encoders that are coming, or have come and are not played yet.";
    page.gauge("origin_held_bytes", about).labelled("stream", held);
    #[cfg(target_os = "linux")]
    page.gauge(
        "origin_pages_bytes",
        "Bytes of segments that the kernel has once more, to send them.",
    )
    .value(crate::store::pages_bytes());
}
