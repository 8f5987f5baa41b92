//! What does it cost to read one frame? Unit: time per frame, and bytes of frame per second.
//! Beside it two ways of serde_json: a tree of values, and typed with the SDPs left raw, which
//! is what this parser has to beat to be worth its lines.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::expect_used, reason = "a bench may fail")]

use std::hint::black_box;

use benches::{answer, gathered_announce, p2p_media_loader_announce, peer_id};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tracker_core::{Limits, parse};

fn frames(criterion: &mut Criterion) {
    let limits = Limits::default();
    for (name, frame) in [
        ("announce, 5 offers of 630 B", p2p_media_loader_announce()),
        ("announce, 10 offers of 1.5 kB", gathered_announce(&peer_id(1))),
        ("answer of 1.5 kB", answer(&peer_id(1), &peer_id(2), 0)),
    ] {
        parse(frame.clone(), &limits).expect(name);
        serde_json::from_slice::<Raw<'_>>(&frame).expect(name);
        let mut group = criterion.benchmark_group(format!("parse {name}"));
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function("tracker_core", |bencher| {
            bencher.iter(|| parse(black_box(frame.clone()), &limits));
        });
        group.bench_function("serde_json raw", |bencher| {
            bencher.iter(|| serde_json::from_slice::<Raw<'_>>(black_box(&frame)).map(drop));
        });
        group.bench_function("serde_json value", |bencher| {
            bencher.iter(|| serde_json::from_slice::<Value>(black_box(&frame)).map(drop));
        });
        group.finish();
    }
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
struct RawOffer<'a> {
    #[serde(borrow)]
    offer: &'a RawValue,
    offer_id: String,
}

criterion_group!(benches, frames);
criterion_main!(benches);
