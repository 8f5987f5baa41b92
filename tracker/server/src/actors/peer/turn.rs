//! How much of its worker's time one socket may take. A viewer says a few words a minute; whoever
//! says more than fits into a turn waits for the next one, and the others do not wait for it.

use std::time::Duration;

use crate::limits::{
    MESSAGE_BYTES_PER_TURN, MESSAGES_PER_TURN, READS_PER_TURN, TURN, TURN_REST_FACTOR,
    TURN_REST_MAX,
};

/// What a socket has had of its turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    began: Duration,
    bytes: u32,
    messages: u32,
    reads: u32,
}

impl Turn {
    /// Begins the next turn if this one is over.
    pub(super) fn renew(&mut self, now: Duration) {
        if now >= self.began + TURN {
            *self = Self { began: now, ..Self::default() };
        }
    }

    /// Notes a read.
    pub(super) fn read(&mut self) {
        self.reads += 1;
    }

    /// Notes a frame that was looked at.
    pub(super) fn frame(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes = self.bytes.saturating_add(bytes as u32);
    }

    /// Notes what a frame became when it was inflated.
    pub(super) fn inflate(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u32);
    }

    /// Notes messages that others are sent on this socket's account.
    pub(super) fn relay(&mut self, messages: usize) {
        self.messages = self.messages.saturating_add(messages as u32);
    }

    /// Notes something that is worth a turn of its own.
    pub(super) fn use_up(&mut self) {
        self.messages = MESSAGES_PER_TURN;
    }

    /// Whether the rest must wait for the next turn.
    pub(super) fn is_used_up(&self) -> bool {
        self.reads >= READS_PER_TURN
            || self.messages >= MESSAGES_PER_TURN
            || self.bytes >= MESSAGE_BYTES_PER_TURN
    }

    /// How long the rest must wait: the dearer the turn was, the longer.
    pub(super) fn rest(&self, now: Duration) -> Duration {
        (now.saturating_sub(self.began) * TURN_REST_FACTOR).clamp(TURN, TURN_REST_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_used_up_by_reads_messages_or_bytes_and_time_renews_it() {
        let used_up = |spend: fn(&mut Turn)| {
            let mut turn = Turn::default();
            let times = (1..).find(|_| {
                spend(&mut turn);
                turn.is_used_up()
            });
            turn.renew(TURN - Duration::from_nanos(1));
            assert!(turn.is_used_up());
            turn.renew(TURN);
            assert!(!turn.is_used_up());
            times
        };
        assert_eq!(used_up(Turn::read), Some(READS_PER_TURN));
        assert_eq!(used_up(|turn| turn.frame(0)), Some(MESSAGES_PER_TURN));
        assert_eq!(used_up(|turn| turn.frame(MESSAGE_BYTES_PER_TURN as usize / 2)), Some(2));
        assert_eq!(used_up(|turn| turn.relay(MESSAGES_PER_TURN as usize / 2)), Some(2));
        assert_eq!(used_up(Turn::use_up), Some(1));
    }

    #[test]
    fn a_socket_gets_a_small_share_of_its_worker_whatever_its_messages_cost() {
        let mut turn = Turn::default();
        turn.renew(TURN);
        let cheap = turn.rest(TURN + TURN / 1000);
        let dear = turn.rest(TURN + 2 * TURN);
        let held_up = turn.rest(TURN + Duration::from_secs(60));
        assert_eq!([cheap, dear, held_up], [TURN, 2 * TURN * TURN_REST_FACTOR, TURN_REST_MAX]);
    }
}
