//! Who may send: one encoder at a time, told by its network, and whoever knows the token. Two would
//! play two streams in turn.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::limits::{
    PUSH_TAKEOVER_SILENCE, PUSH_WRONG_NETWORKS_MAX, PUSH_WRONG_TOKEN_EVERY, PUSH_WRONG_TOKENS_MAX,
};

/// Where requests come from: an IPv4 address, or an IPv6 /64, which is one machine's or one site's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(u64);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Network(u64::from(v4.to_bits())),
            // No /64 in use begins with 32 zeros.
            IpAddr::V6(v6) => Network((v6.to_bits() >> 64) as u64),
        }
    }
}

/// The encoder's seat.
#[derive(Debug, Default)]
pub(super) struct Seat {
    taken: Option<(Network, Instant)>,
    /// How often somebody else has sat down.
    encoder: u64,
}

/// Somebody else sits there, and has to be silent for so much longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occupied(pub(super) Duration);

impl Seat {
    /// Sits down, or shows that one still does; which encoder that is, counted from 0.
    pub(super) fn take(&mut self, network: Network, now: Instant) -> Result<u64, Occupied> {
        if let Some((other, last)) = self.taken.filter(|(taken, _)| *taken != network) {
            let silence = now.saturating_duration_since(last);
            if silence < PUSH_TAKEOVER_SILENCE {
                return Err(Occupied(PUSH_TAKEOVER_SILENCE - silence));
            }
            tracing::debug!(?other, "another encoder takes over");
            self.encoder += 1;
        }
        self.taken = Some((network, now));
        Ok(self.encoder)
    }

    /// An upload of this encoder goes on. Whether it is still the one.
    pub(super) fn keep(&mut self, encoder: u64, now: Instant) -> bool {
        if let Some((_, last)) = self.taken.as_mut().filter(|_| self.encoder == encoder) {
            *last = now;
        }
        self.encoder == encoder
    }
}

/// Who has shown wrong tokens of late: each network may do so a few times, and then slowly.
#[derive(Debug, Default)]
pub(super) struct WrongTokens {
    /// When all that a network has shown will be forgotten.
    forgotten_at: HashMap<Network, Instant>,
}

impl WrongTokens {
    /// How long a network has to wait before its token is looked at.
    pub(super) fn wait(&self, network: Network, now: Instant) -> Option<Duration> {
        let debt = self.forgotten_at.get(&network)?.saturating_duration_since(now);
        let allowed = PUSH_WRONG_TOKEN_EVERY * (PUSH_WRONG_TOKENS_MAX - 1);
        debt.checked_sub(allowed).filter(|wait| !wait.is_zero())
    }

    pub(super) fn add(&mut self, network: Network, now: Instant) {
        if self.forgotten_at.len() >= PUSH_WRONG_NETWORKS_MAX {
            self.forgotten_at.retain(|_, at| *at > now);
        }
        if self.forgotten_at.len() >= PUSH_WRONG_NETWORKS_MAX
            && let Some(least) = self.forgotten_at.iter().min_by_key(|(_, at)| **at)
        {
            let least = *least.0;
            self.forgotten_at.remove(&least);
        }
        let at = self.forgotten_at.entry(network).or_insert(now);
        *at = (*at).max(now) + PUSH_WRONG_TOKEN_EVERY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        address.parse::<IpAddr>().expect(address).into()
    }

    #[test]
    fn another_network_takes_over_after_silence_and_not_before() {
        let (first, second) = (network("192.0.2.1"), network("192.0.2.2"));
        let (mut seat, start) = (Seat::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(seat.take(first, start), Ok(0));
        assert_eq!(seat.take(second, after(5)), Err(Occupied(Duration::from_secs(10))));
        assert!(seat.keep(0, after(10)));
        assert_eq!(seat.take(second, after(16)), Err(Occupied(Duration::from_secs(9))));
        assert_eq!(seat.take(second, after(25)), Ok(1));
        assert!(!seat.keep(0, after(26)), "the first has lost it");
        assert!(seat.take(first, after(26)).is_err());
    }

    #[test]
    fn an_ipv6_network_is_one_and_a_mapped_address_is_ipv4() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn ten_wrong_tokens_are_looked_at_and_then_one_every_six_seconds() {
        let (guesser, other) = (network("192.0.2.1"), network("192.0.2.2"));
        let (mut wrong, start) = (WrongTokens::default(), Instant::now());
        for _ in 0..10 {
            assert_eq!(wrong.wait(guesser, start), None);
            wrong.add(guesser, start);
        }
        assert_eq!(wrong.wait(guesser, start), Some(Duration::from_secs(6)));
        assert_eq!(wrong.wait(other, start), None);
        assert_eq!(wrong.wait(guesser, start + Duration::from_secs(6)), None);
        wrong.add(guesser, start + Duration::from_secs(6));
        assert!(wrong.wait(guesser, start + Duration::from_secs(11)).is_some());
        assert_eq!(wrong.wait(guesser, start + Duration::from_secs(90)), None);
    }

    #[test]
    fn no_more_networks_are_remembered_than_there_is_room_for() {
        let (mut wrong, start) = (WrongTokens::default(), Instant::now());
        for address in 0..2 * PUSH_WRONG_NETWORKS_MAX as u32 {
            wrong.add(IpAddr::from(address.to_be_bytes()).into(), start);
        }
        assert_eq!(wrong.forgotten_at.len(), PUSH_WRONG_NETWORKS_MAX);
    }
}
