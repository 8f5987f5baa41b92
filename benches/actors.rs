//! What does a relay cost from the wire to the wire, through the actors of one worker and the
//! kernel, when many sockets have something at a time? Unit: relays (offers and answers) per second.
//! The clients are one thread of this process, and so half of the time or more: it tells whether a
//! change of the actors is felt, and `loadtest` what a relay costs.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::expect_used, reason = "a bench may fail")]

mod loopback;

use benches::SDP_BYTES;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loopback::{Pair, start, talk};

fn relay(criterion: &mut Criterion) {
    let address = start();
    let mut group = criterion.benchmark_group("actors");
    for at_a_time in [1, 64] {
        let name = |number: usize| format!("{at_a_time} {number}");
        // A socket may say so much in a millisecond that a single pair would have to rest.
        let mut pairs: Vec<_> =
            (0..64).map(|number| Pair::join(address, &name(number), SDP_BYTES)).collect();
        group.throughput(Throughput::Elements(2 * pairs.len() as u64));
        group.bench_function(format!("64 pairs, {at_a_time} at a time"), |bencher| {
            bencher.iter(|| pairs.chunks_mut(at_a_time).for_each(talk));
        });
    }
    group.finish();
}

criterion_group!(benches, relay);
criterion_main!(benches);
