//! What the dashboard lists: the largest swarms with their growth, the streams, the other nodes.
//! Lists cost more than numbers do, so they are made now and then, and only while somebody looks.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use origin::StreamReport;
use serde::Serialize;
use tracker_core::{Counts, InfoHash};

use crate::limits::{
    NODES_SHOWN, STREAMS_SHOWN, SURVEYS_REMEMBERED, SWARMS_REMEMBERED, SWARMS_SHOWN,
};
use crate::node::Node;
use crate::swarm_list::hexadecimal;

/// A swarm, as it is shown.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SwarmRow {
    info_hash: String,
    members: usize,
    /// Those of them that have everything.
    complete: usize,
    growth: Option<Growth>,
}

/// How many members more, or fewer, and in how many seconds.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Growth {
    members: i64,
    seconds: u64,
}

/// Another node, as it was when it was heard last.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeRow {
    name: String,
    heard_seconds_ago: u64,
    /// How often it is to be heard.
    every_seconds: u64,
    /// Null from a release that doesn't say it.
    connections: Option<u64>,
    /// Members of swarms.
    peers: Option<u64>,
}

/// The sizes of the largest swarms over the last minute, while somebody looked.
#[derive(Debug, Default)]
pub(super) struct Sizes(VecDeque<(Duration, HashMap<InfoHash, usize>)>);

impl Sizes {
    /// The largest of `swarms`, which are the largest at `now`, and what has become of them since
    /// they were first seen here.
    pub(super) fn take(&mut self, swarms: &[(InfoHash, Counts)], now: Duration) -> Vec<SwarmRow> {
        let shown = swarms.iter().take(SWARMS_SHOWN);
        let rows = shown.map(|(info_hash, counts)| SwarmRow {
            info_hash: hexadecimal(info_hash),
            members: members(counts),
            complete: counts.complete,
            growth: self.growth(info_hash, members(counts), now),
        });
        let rows = rows.collect();
        let remembered = swarms.iter().take(SWARMS_REMEMBERED);
        let sizes = remembered.map(|(info_hash, counts)| (*info_hash, members(counts)));
        if self.0.len() == SURVEYS_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((now, sizes.collect()));
        rows
    }

    fn growth(&self, info_hash: &InfoHash, members: usize, now: Duration) -> Option<Growth> {
        let first = self.0.iter().find_map(|(at, sizes)| Some((at, sizes.get(info_hash)?)));
        first.map(|(at, before)| Growth {
            members: members as i64 - *before as i64,
            seconds: now.saturating_sub(*at).as_secs(),
        })
    }

    /// Forgets what is too old to compare with, after nobody has looked for a while.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn members(counts: &Counts) -> usize {
    counts.complete + counts.incomplete
}

/// As many streams as are shown, those that fail before all others.
pub(super) fn shown(mut streams: Vec<StreamReport>) -> Vec<StreamReport> {
    streams.sort_by_key(|stream| !is_failing(stream));
    streams.truncate(STREAMS_SHOWN);
    streams
}

/// Whether its source has ended and is started again.
pub(super) fn is_failing(stream: &StreamReport) -> bool {
    stream.state == "failing"
}

/// The other nodes by name, up to a bound; `None` on a node that is alone.
pub(super) fn nodes(node: &Node) -> Option<Vec<NodeRow>> {
    let presence = node.cluster.as_ref()?.presence();
    let now = node.now();
    let rows = presence.each().map(|seen| NodeRow {
        name: seen.name.clone(),
        heard_seconds_ago: now.saturating_sub(seen.heard_at).as_secs(),
        every_seconds: seen.every.as_secs(),
        connections: seen.load.map(|load| load.connections),
        peers: seen.load.map(|load| load.peers),
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    rows.truncate(NODES_SHOWN);
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swarm(number: u8, incomplete: usize) -> (InfoHash, Counts) {
        (InfoHash([number; 20]), Counts { complete: 1, incomplete, downloaded: 0 })
    }

    fn growth(row: &SwarmRow) -> Option<(i64, u64)> {
        row.growth.as_ref().map(|growth| (growth.members, growth.seconds))
    }

    #[test]
    fn growth_is_since_a_minute_ago_or_since_the_swarm_was_first_seen() {
        let mut sizes = Sizes::default();
        let mut last = Vec::new();
        for tick in 0..20u64 {
            let mut swarms = vec![swarm(1, 100 + 2 * tick as usize)];
            if tick >= 17 {
                swarms.push(swarm(2, 50 - tick as usize));
            }
            last = sizes.take(&swarms, Duration::from_secs(5 * tick));
            assert_eq!(growth(&last[0]).is_none(), tick == 0);
        }
        assert_eq!((last[0].members, last[0].complete), (139, 1));
        assert_eq!(growth(&last[0]), Some((24, 60)));
        assert_eq!(growth(&last[1]), Some((-2, 10)));
        sizes.clear();
        assert_eq!(growth(&sizes.take(&[swarm(1, 5)], Duration::ZERO)[0]), None);
    }

    #[test]
    fn however_many_swarms_there_are_few_are_shown_and_remembered() {
        let mut sizes = Sizes::default();
        let swarms: Vec<_> = (0..=255).map(|number| swarm(number, 300 - number as usize)).collect();
        for tick in 0..20 {
            assert_eq!(sizes.take(&swarms, Duration::from_secs(tick)).len(), SWARMS_SHOWN);
        }
        assert_eq!(sizes.0.len(), SURVEYS_REMEMBERED);
        assert!(sizes.0.iter().all(|(_, sizes)| sizes.len() == SWARMS_REMEMBERED));
    }
}
