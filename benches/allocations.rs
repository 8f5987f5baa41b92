//! What does a relay take of the heap? Counted, and no matter of time: by the allocator of this
//! test's own process, and so of the server alone, since its clients allocate nothing meanwhile.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may fail, and tells its figures"
)]

mod loopback;

use std::alloc::System;

use loopback::{Pair, start, talk};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// So many that none says so much in a millisecond that it has to rest.
const PAIRS: usize = 32;

/// Of all pairs. What a sweep allocates once a second is lost among so many.
const ROUNDS: usize = 60;

/// Allocations, and bytes of them, for an announce with one offer, its reply, and the answer: what a
/// mailbox takes for two messages, the list of offers, and what picks their receivers.
const ALLOCATIONS_MAX: f64 = 7.5;
const BYTES_MAX: f64 = 800.0;

#[test]
fn what_a_relay_allocates_is_little_and_does_not_grow_with_the_message() {
    let address = start();
    for sdp_bytes in [600, 6000] {
        let name = |number: usize| format!("{sdp_bytes} {number}");
        let mut pairs: Vec<_> =
            (0..PAIRS).map(|number| Pair::join(address, &name(number), sdp_bytes)).collect();
        let mut rounds = || (0..ROUNDS).for_each(|_| talk(&mut pairs));
        // Until the buffers are as large as they get.
        rounds();
        let region = Region::new(ALLOCATOR);
        rounds();
        let counted = region.change();
        let per_talk = |count: usize| count as f64 / (PAIRS * ROUNDS) as f64;
        let allocations = per_talk(counted.allocations + counted.reallocations);
        let bytes = per_talk(counted.bytes_allocated);
        println!("{sdp_bytes} bytes of SDP: {allocations:.2} allocations of {bytes:.0} bytes");
        assert!(allocations <= ALLOCATIONS_MAX, "{counted:?}");
        assert!(bytes <= BYTES_MAX, "{counted:?}");
    }
}
