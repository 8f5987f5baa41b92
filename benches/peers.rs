//! What does it cost to pick whom an announce's offers go to, and does it grow with the swarm? Unit:
//! time per announce with 10 offers, and picks per second. The offers are as short as they get and
//! nothing is written, so that picks and what is noted of them are what is left.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::panic, reason = "a bench may fail")]

use std::time::{Duration, Instant};

use benches::{join, peer_id, short_announce};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tracker_core::{
    Announce, ConnId, Incoming, Input, Limits, Outbox, Outgoing, Settings, Shard, parse,
};

const OFFERS: u64 = 10;

fn picks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("peers");
    group.throughput(Throughput::Elements(OFFERS));
    for members in [50, 1000, 10_000, 100_000] {
        let mut swarm = Crowd::new(members);
        group.bench_function(format!("10 of {members}"), |bencher| {
            bencher.iter_custom(|announces| swarm.announces(announces, SPREAD));
        });
        assert_eq!(swarm.picked, OFFERS * swarm.announced);
    }
    // A swarm that is offered more than it may get: each pick looks for somebody else, in vain.
    let mut swarm = Crowd::new(1000);
    swarm.announces(25_000, AT_ONCE);
    let before = swarm.picked;
    group.bench_function("10 of 1000, who have had enough", |bencher| {
        bencher.iter_custom(|announces| swarm.announces(announces, AT_ONCE));
    });
    assert!(swarm.picked - before < 1000);
    group.finish();
}

/// Time between two announces: so that nobody gets more than it may, or none.
const SPREAD: Duration = Duration::from_secs(1);
const AT_ONCE: Duration = Duration::ZERO;

/// A swarm whose members may bring offers as often as they like.
struct Crowd {
    shard: Shard,
    rng: SmallRng,
    members: u64,
    now: Duration,
    announced: u64,
    picked: u64,
}

impl Crowd {
    fn new(members: u64) -> Self {
        let settings = Settings { min_announce_interval: Duration::ZERO, ..Settings::default() };
        let mut crowd = Self {
            shard: Shard::new(settings, 1),
            rng: SmallRng::seed_from_u64(1),
            members,
            now: Duration::ZERO,
            announced: 0,
            picked: 0,
        };
        for member in 0..members {
            crowd.hear(member, &read(join(&peer_id(member))));
        }
        crowd
    }

    /// Lets others announce in turn. Reading what they say isn't measured.
    fn announces(&mut self, announces: u64, pause: Duration) -> Duration {
        let mut took = Duration::ZERO;
        for _ in 0..announces {
            // A prime's steps: announcers that follow each other don't lie side by side.
            self.announced += 1;
            let announcer = self.announced * 7919 % self.members;
            let announce = read(short_announce(&peer_id(announcer)));
            self.now += pause;
            let began = Instant::now();
            self.hear(announcer, &announce);
            took += began.elapsed();
        }
        took
    }

    fn hear(&mut self, from: u64, announce: &Announce) {
        let mut picked = Picked(0);
        let input = Input::Announce { from: ConnId(from), announce };
        self.shard.handle(input, self.now, &mut self.rng, &mut picked);
        self.picked += picked.0;
    }
}

fn read(frame: Bytes) -> Announce {
    match parse(frame, &Limits::default()) {
        Ok(Incoming::Announce(announce)) => announce,
        other => panic!("no announce: {other:?}"),
    }
}

/// Counts the offers.
struct Picked(u64);

impl Outbox for Picked {
    fn send(&mut self, _: ConnId, message: &Outgoing<'_>) {
        self.0 += u64::from(matches!(message, Outgoing::Offer { .. }));
    }

    fn probe(&mut self, _: ConnId) {}
}

criterion_group!(benches, picks);
criterion_main!(benches);
