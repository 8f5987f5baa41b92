//! Which other nodes there are. Each says hello in every interval; one that is silent for three of
//! them is gone, and so is one whose successor has begun under its name.

use std::collections::BTreeMap;
use std::time::Duration;

use super::records::{Hello, Load};
use super::wire::Incarnation;
use crate::limits::{
    BUS_INTERVAL_MAX, BUS_INTERVAL_MIN, BUS_NODES_MAX, BUS_NODES_PER_TICK_MAX,
    BUS_SILENT_INTERVALS, BUS_STRAGGLER_TIME,
};

/// Another node while it is there: the how-manieth that has come, so that no two ever share one.
/// Ours is 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct NodeSlot(pub(crate) u32);

impl NodeSlot {
    /// This node.
    pub(crate) const OWN: Self = Self(0);

    /// The last that has room in a [`SiblingId`](tracker_core::SiblingId) beside a worker. If a node
    /// came or went in every second, numbers would begin anew after half a year.
    pub(crate) const MAX: Self = Self((1 << 24) - 1);
}

/// The other nodes, as far as we hear them.
#[derive(Debug)]
pub(crate) struct Presence {
    own_name: String,
    nodes: BTreeMap<Incarnation, Seen>,
    /// Those whose successor has begun, and when it did: if they go on, a name is there twice.
    former: BTreeMap<Incarnation, Duration>,
    /// Those that have gone since the last sweep.
    gone: Vec<Gone>,
    /// How many have come since then.
    came: usize,
    last_slot: u32,
}

/// A node that is there.
#[derive(Debug)]
pub(crate) struct Seen {
    slot: NodeSlot,
    pub(crate) name: String,
    workers: u16,
    /// How often it says that it is.
    pub(crate) every: Duration,
    pub(crate) heard_at: Duration,
    /// As it was then; `None` from a release that doesn't say it.
    pub(crate) load: Option<Load>,
}

impl Seen {
    fn gone(self) -> Gone {
        Gone { name: self.name, slot: self.slot, workers: self.workers }
    }
}

/// A node that is there no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Gone {
    pub(crate) name: String,
    pub(crate) slot: NodeSlot,
    /// How many workers it had.
    pub(crate) workers: u16,
}

/// What a hello has changed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Heard {
    /// The node is new, or was gone.
    pub(crate) joined: Option<NodeSlot>,
    /// Another node that lives has its name: this one, or one that we know.
    pub(crate) is_twin: bool,
}

impl Presence {
    pub(crate) fn new(own_name: String) -> Self {
        let (nodes, former) = (BTreeMap::new(), BTreeMap::new());
        Self { own_name, nodes, former, gone: Vec::new(), came: 0, last_slot: 0 }
    }

    /// A node says that it is there. One that would be one too many is heard another time.
    pub(crate) fn hear(&mut self, from: Incarnation, hello: &Hello<'_>, now: Duration) -> Heard {
        let every = Duration::from_millis(hello.every_ms.into());
        let every = every.clamp(BUS_INTERVAL_MIN, BUS_INTERVAL_MAX);
        if let Some(seen) = self.nodes.get_mut(&from) {
            (seen.heard_at, seen.every, seen.load) = (now, every, hello.load);
            return Heard::default();
        }
        let former = self.former.get(&from).copied();
        // What it had said before its successor began may come behind that.
        if former.is_some_and(|since| now < since + BUS_STRAGGLER_TIME)
            || self.nodes.len() >= BUS_NODES_MAX
            || self.came >= BUS_NODES_PER_TICK_MAX
        {
            return Heard::default();
        }
        let mut heard = Heard { is_twin: hello.name == self.own_name, ..Heard::default() };
        let namesakes: Vec<_> = self.named(hello.name).collect();
        if former.is_some() {
            heard.is_twin |= !namesakes.is_empty();
        } else {
            for namesake in namesakes {
                self.forget(namesake);
                // Beyond the bound a straggler of its would count as a twin.
                if self.former.len() < BUS_NODES_MAX {
                    self.former.insert(namesake, now);
                }
            }
        }
        self.former.remove(&from);
        self.last_slot = self.last_slot % NodeSlot::MAX.0 + 1;
        let slot = NodeSlot(self.last_slot);
        let name = hello.name.to_owned();
        let (workers, load) = (hello.workers, hello.load);
        self.nodes.insert(from, Seen { slot, name, workers, every, heard_at: now, load });
        self.came += 1;
        heard.joined = Some(slot);
        heard
    }

    /// A node says goodbye.
    pub(crate) fn forget(&mut self, from: Incarnation) {
        self.gone.extend(self.nodes.remove(&from).map(Seen::gone));
    }

    /// Forgets the nodes that were silent for too long, and returns all that have gone since the
    /// last call: each shard looks for them in all its swarms, which is too much to do for each.
    pub(crate) fn sweep(&mut self, now: Duration) -> Vec<Gone> {
        self.came = 0;
        let silent = |seen: &mut Seen| now > seen.heard_at + seen.every * BUS_SILENT_INTERVALS;
        let gone = self.nodes.extract_if(.., |_, seen| silent(seen));
        self.gone.extend(gone.map(|(_, seen)| seen.gone()));
        let is_recent =
            |since: Duration| now < since + BUS_INTERVAL_MAX * (BUS_SILENT_INTERVALS + 1);
        self.former.retain(|_, since| is_recent(*since));
        std::mem::take(&mut self.gone)
    }

    /// The node that `from` is, if it is there, and how many workers it has.
    pub(crate) fn find(&self, from: Incarnation) -> Option<(NodeSlot, u16)> {
        self.nodes.get(&from).map(|seen| (seen.slot, seen.workers))
    }

    /// The run of a node that is there.
    pub(crate) fn incarnation_of(&self, slot: NodeSlot) -> Option<Incarnation> {
        self.nodes.iter().find(|(_, seen)| seen.slot == slot).map(|(incarnation, _)| *incarnation)
    }

    /// Each of them, in no order that means something.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Seen> {
        self.nodes.values()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = Incarnation> {
        self.nodes.iter().filter(move |(_, seen)| seen.name == name).map(|(key, _)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn hello(name: &str) -> Hello<'_> {
        Hello { name, workers: 2, every_ms: 5000, asks: false, load: None }
    }

    fn gone(name: &str, slot: NodeSlot) -> Gone {
        Gone { name: name.to_owned(), slot, workers: 2 }
    }

    fn presence() -> Presence {
        Presence::new("own".to_owned())
    }

    fn hear(presence: &mut Presence, from: u64, name: &str, second: u32) -> Heard {
        presence.hear(Incarnation(from), &hello(name), SECOND * second)
    }

    #[test]
    fn a_node_is_there_until_it_was_silent_for_three_intervals() {
        let mut presence = presence();
        let joined = hear(&mut presence, 1, "a", 100).joined.expect("new");
        assert_eq!(hear(&mut presence, 1, "a", 105), Heard::default(), "it is known");
        assert_eq!(presence.sweep(SECOND * 120), []);
        assert_eq!(presence.find(Incarnation(1)), Some((joined, 2)));
        assert_eq!(presence.sweep(SECOND * 121), [gone("a", joined)]);
        assert_eq!(presence.len(), 0);
        let again = hear(&mut presence, 1, "a", 130).joined.expect("back");
        assert_ne!(again, joined, "what was known of it counts no more");
    }

    #[test]
    fn a_node_that_starts_again_takes_the_place_of_its_last_run() {
        let mut presence = presence();
        let first = hear(&mut presence, 1, "a", 100).joined.expect("new");
        let other = hear(&mut presence, 2, "b", 100).joined.expect("new");
        let second = hear(&mut presence, 3, "a", 102);
        assert_eq!((presence.sweep(SECOND * 102), second.is_twin), (vec![gone("a", first)], false));
        assert_eq!(presence.find(Incarnation(2)), Some((other, 2)));
        assert_eq!(
            hear(&mut presence, 1, "a", 102),
            Heard::default(),
            "a straggler of its last run"
        );
        assert_eq!(presence.len(), 2);
    }

    #[test]
    fn two_nodes_of_one_name_are_both_there_and_that_is_said_once() {
        let mut presence = presence();
        hear(&mut presence, 1, "a", 100);
        hear(&mut presence, 2, "a", 101);
        assert_eq!(presence.sweep(SECOND * 101).len(), 1, "it seemed to have started again");
        let back = hear(&mut presence, 1, "a", 105);
        assert!(back.joined.is_some() && back.is_twin);
        for second in 106..200 {
            for from in [1, 2] {
                assert_eq!(hear(&mut presence, from, "a", second), Heard::default());
            }
            assert_eq!(presence.sweep(SECOND * second), []);
        }
    }

    #[test]
    fn a_node_of_our_own_name_is_noticed() {
        assert!(hear(&mut presence(), 1, "own", 100).is_twin);
        assert!(!hear(&mut presence(), 1, "another", 100).is_twin);
    }

    #[test]
    fn however_often_a_name_comes_anew_what_is_kept_of_it_is_bounded() {
        let mut presence = presence();
        for from in 0..2 * BUS_NODES_MAX as u64 {
            hear(&mut presence, from, "a", 100);
            presence.sweep(SECOND * 100);
        }
        assert_eq!((presence.len(), presence.former.len()), (1, BUS_NODES_MAX));
    }

    #[test]
    fn however_many_come_and_go_at_once_so_few_are_told_of_and_others_come_later() {
        let mut presence = presence();
        for from in 0..10 * BUS_NODES_PER_TICK_MAX as u64 {
            hear(&mut presence, from, "a", 100);
            presence.forget(Incarnation(from));
        }
        assert_eq!(presence.sweep(SECOND * 100).len(), BUS_NODES_PER_TICK_MAX);
        assert!(hear(&mut presence, u64::MAX, "a", 100).joined.is_some());
        assert_eq!(presence.sweep(SECOND * 100), []);
    }

    #[test]
    fn there_are_so_many_nodes_at_most_and_the_intervals_that_they_say_are_bounded() {
        let mut presence = presence();
        for from in 0..BUS_NODES_MAX as u64 + 10 {
            let name = from.to_string();
            let hello =
                Hello { name: &name, workers: 1, every_ms: u32::MAX, asks: false, load: None };
            presence.hear(Incarnation(from), &hello, SECOND);
            presence.sweep(SECOND);
        }
        assert_eq!(presence.len(), BUS_NODES_MAX);
        let forgotten = presence.sweep(SECOND * 2 + BUS_INTERVAL_MAX * BUS_SILENT_INTERVALS);
        assert_eq!(forgotten.len(), BUS_NODES_MAX);
    }
}
