//! Who is in which swarm, and whose turn it is there to get an offer.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::client::id::Id;

/// All swarms. One that has emptied stays: there are only as many as a load makes.
#[derive(Debug, Default)]
pub(super) struct Swarms {
    by_info_hash: HashMap<Id, u32, FixedState>,
    swarms: Vec<Swarm>,
    /// Places of sockets.
    by_peer_id: HashMap<Id, u32, FixedState>,
}

/// One swarm: places of its members' sockets, in no order.
#[derive(Debug, Default)]
pub(super) struct Swarm {
    members: Vec<u32>,
    /// The member that is next in the row.
    next: usize,
}

/// Where a socket's peer sits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) info_hash: Id,
    peer_id: Id,
    swarm: u32,
    at: u32,
}

impl Swarms {
    /// Seats the peer of the socket at `place`.
    pub(super) fn join(&mut self, place: u32, info_hash: Id, peer_id: Id) -> Seat {
        let swarm = *self.by_info_hash.entry(info_hash).or_insert_with(|| {
            self.swarms.push(Swarm::default());
            self.swarms.len() as u32 - 1
        });
        self.by_peer_id.insert(peer_id, place);
        let members = &mut self.swarms[swarm as usize].members;
        members.push(place);
        Seat { info_hash, peer_id, swarm, at: members.len() as u32 - 1 }
    }

    /// Takes the seat away. Whoever sits there now was at the returned place.
    pub(super) fn leave(&mut self, seat: &Seat) -> Option<u32> {
        self.by_peer_id.remove(&seat.peer_id);
        let members = &mut self.swarms[seat.swarm as usize].members;
        members.swap_remove(seat.at as usize);
        members.get(seat.at as usize).copied()
    }

    pub(super) fn place_of(&self, peer_id: &Id) -> Option<u32> {
        self.by_peer_id.get(peer_id).copied()
    }

    pub(super) fn swarm_of(&mut self, seat: &Seat) -> &mut Swarm {
        &mut self.swarms[seat.swarm as usize]
    }
}

impl Seat {
    /// Takes the place of the last member, which has moved to `at`.
    pub(super) fn move_to(&mut self, at: &Self) {
        self.at = at.at;
    }
}

impl Swarm {
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The next in the row that is not `me`. In a row of fewer than there are members nobody comes
    /// twice.
    pub(super) fn next_but(&mut self, me: u32) -> u32 {
        let mut member = self.step();
        if member == me {
            member = self.step();
        }
        member
    }

    fn step(&mut self) -> u32 {
        if self.next >= self.members.len() {
            self.next = 0;
        }
        self.next += 1;
        self.members[self.next - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_round_the_others_and_a_seat_is_found_again_after_moves() {
        let mut swarms = Swarms::default();
        let seats = [1_u8, 2, 3, 4].map(|n| swarms.join(n.into(), [9; 20], [n; 20]));
        let swarm = swarms.swarm_of(&seats[0]);
        for _ in 0..5 {
            let mut row = [(); 3].map(|()| swarm.next_but(2));
            row.sort_unstable();
            assert_eq!(row, [1, 3, 4]);
        }
        assert_eq!(swarms.leave(&seats[1]), Some(4));
        let mut last = seats[3];
        last.move_to(&seats[1]);
        assert_eq!((swarms.place_of(&[2; 20]), swarms.place_of(&[4; 20])), (None, Some(4)));
        assert_eq!(swarms.leave(&last), Some(3));
        assert_eq!(swarms.swarm_of(&seats[0]).len(), 2);
    }
}
