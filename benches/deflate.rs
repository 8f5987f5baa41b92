//! What does compression cost a message, in both directions, and what does it save? Unit: time per
//! offer of 1.5 kB, and bytes of its text per second; what it becomes is in the bench's name.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::panic, reason = "a bench may fail")]

use std::hint::black_box;

use benches::outgoing_offer;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tracker_websocket::deflate::{Body, Deflater, Inflater};

fn offer(criterion: &mut Criterion) {
    let text = outgoing_offer();
    let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
    let Body::Deflated(deflated) = deflater.deflate(|out| out.extend_from_slice(&text)) else {
        panic!("an offer is worth compressing");
    };
    let deflated = deflated.to_vec();
    let mut group = criterion.benchmark_group("deflate");
    group.throughput(Throughput::Bytes(text.len() as u64));
    let (plain, short) = (text.len(), deflated.len());
    group.bench_function(format!("an offer of {plain} to {short} bytes"), |bencher| {
        bencher.iter(|| match deflater.deflate(|out| out.extend_from_slice(black_box(&text))) {
            Body::Deflated(body) | Body::Plain(body) => black_box(body).len(),
        });
    });
    group.bench_function(format!("an offer of {short} bytes back"), |bencher| {
        bencher.iter(|| {
            let inflated = inflater.inflate(black_box(&deflated), 64 << 10);
            inflated.map(|text| black_box(text).len())
        });
    });
    group.finish();
}

criterion_group!(benches, offer);
criterion_main!(benches);
