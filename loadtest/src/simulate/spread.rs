//! Which node a viewer's socket is on. A load balancer that knows nothing spreads every stream over
//! all nodes; one that hashes by stream keeps each on as few as its size needs.

use clap::ValueEnum;
use serde::Serialize;

use super::draw::popularity;

/// How viewers come to their nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum SpreadBy {
    /// Any node
    #[default]
    Chance,
    /// As few nodes as the stream's viewers need, each as full as any other
    Stream,
}

/// The nodes, and who comes to which.
#[derive(Debug)]
pub(super) struct Spread {
    nodes: u16,
    seed: u64,
    /// By channel: what part of the circle of nodes is for it, from where on and how long, of 1.
    parts: Vec<(f64, f64)>,
}

impl Spread {
    pub(super) fn new(by: SpreadBy, nodes: u16, channels: u32, zipf: f64, seed: u64) -> Self {
        let shares: Vec<f64> = match by {
            SpreadBy::Chance => Vec::new(),
            SpreadBy::Stream => popularity(channels, zipf).collect(),
        };
        let all: f64 = shares.iter().sum();
        let mut begin = 0.0;
        let part = |share: &f64| {
            let part = (begin, share / all);
            begin += part.1;
            part
        };
        Self { nodes, seed, parts: shares.iter().map(part).collect() }
    }

    /// The node of a viewer who watches this channel.
    pub(super) fn node_of(&self, viewer: u32, channel: u32) -> u16 {
        let chance = chance(self.seed ^ u64::from(viewer));
        let (begin, length) = self.parts.get(channel as usize).copied().unwrap_or((0.0, 1.0));
        let node = (begin + length * chance) * f64::from(self.nodes);
        (node as u16).min(self.nodes - 1)
    }
}

/// A number of 0 to 1 that looks like chance and is the same each time: the dice decide about
/// viewers, and this must not change what they show (SplitMix64, Steele et al., 2014).
fn chance(number: u64) -> f64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn chance_fills_all_nodes_alike() {
        let spread = Spread::new(SpreadBy::Chance, 10, 3, 0.9, 7);
        let mut viewers = [0_u32; 10];
        for viewer in 0..100_000 {
            viewers[usize::from(spread.node_of(viewer, viewer % 3))] += 1;
        }
        assert!(viewers.iter().all(|viewers| (9_500..10_500).contains(viewers)), "{viewers:?}");
    }

    #[test]
    fn a_stream_has_as_many_nodes_as_its_viewers_need() {
        // Shares of 6, 3 and 2 elevenths.
        let spread = Spread::new(SpreadBy::Stream, 11, 3, 1.0, 7);
        let nodes = |channel| {
            let nodes = (0..1000).map(|viewer| spread.node_of(viewer, channel));
            nodes.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        assert_eq!(nodes(0), [0, 1, 2, 3, 4, 5]);
        assert_eq!(nodes(1), [6, 7, 8]);
        assert_eq!(nodes(2), [9, 10]);
    }
}
