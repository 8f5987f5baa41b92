//! Sockets of two workers that go from swarm to swarm, and what the swarms' workers hear of them:
//! from a socket of their own at once, from another worker's by mailbox (`actors/peer/route.rs`).

use std::collections::VecDeque;
use std::rc::Rc;

use loom::cell::Cell;
use loom::sync::Mutex;
use loom::thread;
use tracker_core::InfoHash;
use tracker_loom::{Node, Place};

use super::{ONE_PARTITION, OTHER, PARTITIONS, SWARM, in_every_order, in_orders_with, join};

/// What a worker hears of a socket that is in its partition of a swarm.
enum Message {
    Announce(InfoHash),
    /// It gives up its place once this has been heard.
    PeerLeft(Place),
}

#[derive(Default)]
struct Worker {
    mailbox: Mutex<VecDeque<Message>>,
    /// Members of its partitions of the two swarms. loom tells when two threads could touch one of
    /// them at once.
    members: [Cell<usize>; 2],
}

/// Two workers. (They are behind an `Rc` since loom's threads have turns on one real thread.)
struct Workers {
    node: Node,
    workers: [Worker; 2],
    /// No swarm has two partitions.
    unsplit: bool,
}

impl Workers {
    /// A socket of worker `own` joins one swarm after the other. It leaves the last one when it is in
    /// the next, and after each its worker has a round.
    fn walk(&self, own: u16, swarms: &[InfoHash]) {
        let mut last = None;
        for swarm in swarms {
            let place = self.node.place(*swarm, own).expect("room");
            self.tell(own, place.worker(), Message::Announce(*swarm));
            if let Some(last) = last.replace(place) {
                self.leave(own, last);
            }
            self.round(own);
        }
        last.into_iter().for_each(|place| self.leave(own, place));
        self.round(own);
    }

    fn leave(&self, own: u16, place: Place) {
        self.tell(own, place.worker(), Message::PeerLeft(place));
    }

    fn tell(&self, own: u16, worker: u16, message: Message) {
        if worker == own {
            self.hear(own, message);
        } else {
            self.mailbox(worker, |mailbox| mailbox.push_back(message));
        }
    }

    /// Worker `own` hears what is in its mailbox.
    fn round(&self, own: u16) {
        let messages = self.mailbox(own, std::mem::take);
        messages.into_iter().for_each(|message| self.hear(own, message));
    }

    fn mailbox<T>(&self, worker: u16, act: impl FnOnce(&mut VecDeque<Message>) -> T) -> T {
        let mailbox = &self.workers[usize::from(worker)].mailbox;
        act(&mut mailbox.lock().expect("nobody has panicked"))
    }

    fn hear(&self, own: u16, message: Message) {
        let swarm = match &message {
            Message::Announce(swarm) => *swarm,
            Message::PeerLeft(place) => place.swarm(),
        };
        let workers = self.node.workers_of(swarm);
        assert!(workers.contains(&own), "worker {own} hears of what is on {workers:?}");
        if self.unsplit {
            assert_eq!(self.members(1 - own, swarm).get(), 0, "members are left there");
        }
        let members = self.members(own, swarm);
        match message {
            Message::Announce(_) => members.set(members.get() + 1),
            Message::PeerLeft(_place) => members.set(members.get() - 1),
        }
    }

    fn members(&self, worker: u16, swarm: InfoHash) -> &Cell<usize> {
        &self.workers[usize::from(worker)].members[usize::from(swarm == OTHER)]
    }
}

/// Sockets of worker 0 and worker 1 walk through these swarms, until all has been heard.
fn walks(unsplit: bool, walks: [&'static [InfoHash]; 2]) -> impl Fn(&Node) {
    move |node| {
        let workers = Rc::new(Workers { node: node.clone(), workers: Default::default(), unsplit });
        let other = thread::spawn({
            let workers = workers.clone();
            move || workers.walk(1, walks[1])
        });
        workers.walk(0, walks[0]);
        join([other]);
        for worker in [0, 1] {
            workers.round(worker);
            assert!([SWARM, OTHER].iter().all(|swarm| workers.members(worker, *swarm).get() == 0));
        }
    }
}

fn sockets_walk(members_max: usize) {
    let unsplit = members_max == ONE_PARTITION;
    let one_returns = walks(unsplit, [&[SWARM], &[SWARM, OTHER, SWARM]]);
    in_every_order(2, members_max, one_returns);
    let both_return = walks(unsplit, [&[OTHER, SWARM, OTHER], &[SWARM, OTHER, SWARM]]);
    in_orders_with(3, 2, members_max, both_return);
}

#[test]
fn a_swarm_opens_on_another_worker_once_the_last_one_has_heard_all_goodbyes() {
    sockets_walk(ONE_PARTITION);
}

#[test]
fn a_partition_is_there_until_its_worker_has_heard_the_last_message_about_it() {
    sockets_walk(PARTITIONS);
}
