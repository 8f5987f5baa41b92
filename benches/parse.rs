//! What does it cost to read one frame? Unit: time per frame, and bytes of frame per second.
//! Beside it what aquatic_ws does, its own types read by simd-json, and two ways of serde_json: a
//! tree of values, and typed with the SDPs left raw, which is what this parser has to beat to be
//! worth its lines.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::expect_used, reason = "a bench may fail")]

use std::hint::black_box;

use aquatic_ws_protocol::incoming::InMessage;
use benches::{answer, gathered_announce, p2p_media_loader_announce, peer_id, scrape};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tracker_core::{Limits, parse};

fn frames(criterion: &mut Criterion) {
    let raw = |frame: &[u8]| serde_json::from_slice::<Raw<'_>>(frame).is_ok();
    let raw_scrape = |frame: &[u8]| serde_json::from_slice::<RawScrape<'_>>(frame).is_ok();
    compare(criterion, "announce, 5 offers of 630 B", &p2p_media_loader_announce(), raw);
    compare(criterion, "announce, 10 offers of 1.5 kB", &gathered_announce(&peer_id(1)), raw);
    compare(criterion, "answer of 1.5 kB", &answer(&peer_id(1), &peer_id(2), 0), raw);
    compare(criterion, "scrape of 10 swarms", &scrape(), raw_scrape);
}

fn compare(criterion: &mut Criterion, name: &str, frame: &Bytes, raw: fn(&[u8]) -> bool) {
    let limits = Limits::default();
    let aquatic = |frame: &mut [u8]| simd_json::serde::from_slice::<InMessage>(frame);
    parse(frame.clone(), &limits).expect(name);
    aquatic(&mut frame.to_vec()).expect(name);
    assert!(raw(frame), "{name}");
    let mut group = criterion.benchmark_group(format!("parse {name}"));
    group.throughput(Throughput::Bytes(frame.len() as u64));
    group.bench_function("tracker_core", |bencher| {
        bencher.iter(|| parse(black_box(frame.clone()), &limits));
    });
    group.bench_function("aquatic_ws_protocol", |bencher| {
        // It reads in place, and what it leaves is no JSON any more. Freeing what it made counts,
        // as with the others.
        let copy = || frame.to_vec();
        bencher.iter_batched_ref(copy, |frame| aquatic(frame).map(drop), BatchSize::SmallInput);
    });
    group.bench_function("serde_json raw", |bencher| bencher.iter(|| raw(black_box(frame))));
    group.bench_function("serde_json value", |bencher| {
        bencher.iter(|| serde_json::from_slice::<Value>(black_box(frame)).map(drop));
    });
    group.finish();
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only reading them is measured")]
struct Raw<'a> {
    action: &'a str,
    info_hash: String,
    peer_id: String,
    to_peer_id: Option<String>,
    offer_id: Option<String>,
    numwant: Option<u32>,
    left: Option<f64>,
    event: Option<&'a str>,
    #[serde(borrow)]
    offers: Option<Vec<RawOffer<'a>>>,
    #[serde(borrow)]
    answer: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only reading them is measured")]
struct RawScrape<'a> {
    action: &'a str,
    info_hash: Vec<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only reading them is measured")]
struct RawOffer<'a> {
    #[serde(borrow)]
    offer: &'a RawValue,
    offer_id: String,
}

criterion_group!(benches, frames);
criterion_main!(benches);
