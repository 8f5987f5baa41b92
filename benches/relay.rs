//! What does the core cost per relay, from frames to bytes in the receivers' buffers, and does it
//! grow with the swarm? And how long does a sweep of a large shard stop its worker? Units: time
//! per round of 1 announce with 10 offers and their 10 answers, and relays per second of it; time
//! per tick. The rules are the default ones: a round is a second, so that nobody is too early.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::expect_used, reason = "a bench may fail")]

use std::ops::AddAssign;
use std::time::{Duration, Instant};

use benches::{Buffers, answer, gathered_announce, join, peer_id, short_announce};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::limits::SWEEP_TICKS;
use tracker_core::{ConnId, Incoming, Input, Limits, Settings, Shard, parse};

const OFFERS: u64 = 10;

fn relay(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("relay");
    group.throughput(Throughput::Elements(2 * OFFERS));
    for members in [50, 1000, 100_000] {
        let mut worker = Worker::with_swarm(members);
        group.bench_function(format!("frames, swarm of {members}"), |bencher| {
            bencher.iter_custom(|rounds| worker.rounds(rounds, Measured::All));
        });
        group.bench_function(format!("shard alone, swarm of {members}"), |bencher| {
            bencher.iter_custom(|rounds| worker.rounds(rounds, Measured::Shard));
        });
        let counters = worker.shard.counters();
        assert_eq!(counters.offers_relayed, counters.answers_relayed);
        assert_eq!(
            (counters.refusals, counters.offers_early, counters.offers_over_rate),
            (0, 0, 0)
        );
    }
    group.finish();
}

/// A tick looks at a sixteenth of the members.
fn sweep(criterion: &mut Criterion) {
    const MEMBERS: u64 = 100_000;
    let mut group = criterion.benchmark_group("sweep, a tick in a swarm of 100000");
    let looked_at = MEMBERS.div_ceil(SWEEP_TICKS as u64);
    group.throughput(Throughput::Elements(looked_at)).sample_size(10);
    let mut worker = Worker::with_swarm(MEMBERS);
    group.bench_function("nobody expires", |bencher| bencher.iter(|| worker.sweep(60)));
    for announcer in 0..MEMBERS {
        worker.hear(announcer, short_announce(&peer_id(announcer)));
        worker.buffers.offered_to.clear();
    }
    group.bench_function("nobody expires, 10 offers each wait", |bencher| {
        bencher.iter(|| worker.sweep(60));
    });
    group.bench_function("all expire", |bencher| {
        bencher.iter_batched_ref(
            || Worker::with_swarm(MEMBERS),
            |worker| worker.sweep(1000),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// What a worker of a server has: a shard, its connections' buffers, and dice.
struct Worker {
    shard: Shard,
    buffers: Buffers,
    rng: SmallRng,
    members: u64,
    round: u64,
}

#[derive(Clone, Copy)]
enum Measured {
    /// Reading the frames, too.
    All,
    Shard,
}

#[derive(Default)]
struct Took {
    reading: Duration,
    handling: Duration,
}

impl AddAssign for Took {
    fn add_assign(&mut self, more: Self) {
        self.reading += more.reading;
        self.handling += more.handling;
    }
}

impl Worker {
    fn with_swarm(members: u64) -> Self {
        let mut worker = Self {
            shard: Shard::new(Settings::default(), 1),
            buffers: Buffers::default(),
            rng: SmallRng::seed_from_u64(1),
            members,
            round: 0,
        };
        for member in 0..members {
            worker.hear(member, join(&peer_id(member)));
        }
        worker
    }

    /// Rounds of one announce and the answers to all its offers. Writing the clients' frames
    /// isn't measured.
    fn rounds(&mut self, rounds: u64, measured: Measured) -> Duration {
        let mut took = Took::default();
        for _ in 0..rounds {
            // A prime's steps: announcers that follow each other don't lie side by side.
            self.round += 1;
            let announcer = self.round * 7919 % self.members;
            let name = peer_id(announcer);
            took += self.hear(announcer, gathered_announce(&name));
            let receivers = std::mem::take(&mut self.buffers.offered_to);
            for (index, receiver) in receivers.iter().enumerate() {
                let frame = answer(&peer_id(receiver.0), &name, index);
                took += self.hear(receiver.0, frame);
            }
        }
        match measured {
            Measured::All => took.reading + took.handling,
            Measured::Shard => took.handling,
        }
    }

    fn hear(&mut self, from: u64, frame: Bytes) -> Took {
        let from = ConnId(from);
        let began = Instant::now();
        let message = parse(frame, &Limits::default()).expect("a valid frame");
        let read = Instant::now();
        let input = match &message {
            Incoming::Announce(announce) => Input::Announce { from, announce },
            Incoming::Answer(answer) => Input::Answer { from, answer },
            Incoming::Scrape(_) => return Took::default(),
        };
        let now = Duration::from_secs(self.round);
        self.shard.handle(input, now, &mut self.rng, &mut self.buffers);
        Took { reading: read - began, handling: read.elapsed() }
    }

    fn sweep(&mut self, now_s: u64) {
        let now = Duration::from_secs(now_s);
        self.shard.handle(Input::Sweep, now, &mut self.rng, &mut self.buffers);
    }
}

criterion_group!(benches, relay, sweep);
criterion_main!(benches);
