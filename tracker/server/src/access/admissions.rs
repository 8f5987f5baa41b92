//! How many sockets are open, in all and of each network; how many connections of each network are
//! no sockets yet; and how fast each network connects and announces. Each of these holds its
//! [`Admission`] or its [`Arrival`] for as long as it lives, on whatever worker; counting is a matter
//! of atomics, and the table of networks is touched only when one begins, and after a network's last
//! one has ended.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;

use super::addresses::Network;
use super::rates::{Rate, SharedTokenBucket};

/// What is admitted.
#[derive(Debug, Default)]
pub(crate) struct Admissions {
    sockets: AtomicUsize,
    networks: DashMap<Network, Arc<Usage>>,
    /// Networks whose last socket or last arrival has ended, until a sweep finds that they have
    /// neither, and their buckets full: who closes and comes again shall not find fresh ones.
    leaving: Mutex<HashSet<Network>>,
}

/// What one network has in use.
#[derive(Debug)]
struct Usage {
    network: Network,
    sockets: AtomicUsize,
    arrivals: AtomicUsize,
    connections: SharedTokenBucket,
    announces: SharedTokenBucket,
}

/// One open socket. It ends with this.
#[derive(Debug)]
pub(crate) struct Admission {
    of: Arc<Admissions>,
    /// Its network's; `None` for those who are under no bound of a network.
    usage: Option<Arc<Usage>>,
}

/// One connection of a bounded network that is no socket: it shakes hands with TLS, or speaks HTTP.
/// It ends with this, or is a socket from then on.
#[derive(Debug)]
pub(crate) struct Arrival {
    of: Arc<Admissions>,
    usage: Arc<Usage>,
}

/// Why no socket is admitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Full {
    /// As many are open as there may be.
    InAll,
    /// As many of this network are open as there may be.
    OfNetwork,
}

impl Admissions {
    /// Lets a connection of `network` begin, which is `None` when it has `arrivals_max` of them
    /// already. The bound is exact, however many come at once.
    pub(crate) fn arrive(
        self: &Arc<Self>,
        network: Network,
        arrivals_max: usize,
    ) -> Option<Arrival> {
        let usage = self.use_one(network, |usage| &usage.arrivals, arrivals_max)?;
        Some(Arrival { of: self.clone(), usage })
    }

    /// Admits a socket of `network`. Both bounds are exact, however many come at once.
    pub(crate) fn admit(
        self: &Arc<Self>,
        network: Option<Network>,
        sockets_max: usize,
        sockets_per_network_max: usize,
    ) -> Result<Admission, Full> {
        if !counts_one_more(&self.sockets, sockets_max) {
            return Err(Full::InAll);
        }
        // From here on dropping it takes it off the count.
        let mut admission = Admission { of: self.clone(), usage: None };
        if let Some(network) = network {
            let usage = self.use_one(network, |usage| &usage.sockets, sockets_per_network_max);
            admission.usage = Some(usage.ok_or(Full::OfNetwork)?);
        }
        Ok(admission)
    }

    /// Counts one more of what a network has, unless it has `max` of it.
    fn use_one(
        &self,
        network: Network,
        count: impl Fn(&Usage) -> &AtomicUsize,
        max: usize,
    ) -> Option<Arc<Usage>> {
        // Its entry is locked: a sweep doesn't forget it meanwhile.
        let usage = self.networks.entry(network).or_insert_with(|| Usage::of(network));
        counts_one_more(count(&usage), max).then(|| usage.clone())
    }

    /// Open sockets in all.
    pub(crate) fn sockets(&self) -> usize {
        self.sockets.load(Relaxed)
    }

    /// Forgets networks that have left, once a second: so there are never more than sockets and
    /// arrivals that there are, or were a burst's time ago.
    pub(crate) fn sweep(&self, now: Duration) {
        let mut left = std::mem::take(&mut *self.leaving());
        left.retain(|network| {
            self.networks.remove_if(network, |_, usage| usage.is_over(now));
            self.networks.get(network).is_some_and(|usage| !usage.is_in_use())
        });
        self.leaving().extend(left);
    }

    fn leaving(&self) -> MutexGuard<'_, HashSet<Network>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival {
    /// How long the connection has to wait, since its network connects faster than `rate`; `None`
    /// when that is longer than `patience`. It is asked once.
    pub(crate) fn wait(&self, rate: Rate, now: Duration, patience: Duration) -> Option<Duration> {
        self.usage.connections.reserve(rate, now, patience)
    }
}

impl Admission {
    /// Whether the network may connect once more. It is asked of a socket whose connection was no
    /// [`Arrival`] of its network, since it came through a proxy.
    pub(crate) fn may_connect(&self, rate: Rate, now: Duration) -> bool {
        self.usage.as_ref().is_none_or(|usage| usage.connections.take(rate, now))
    }

    /// Whether the network may announce once more. It is asked for each announce.
    pub(crate) fn may_announce(&self, rate: Rate, now: Duration) -> bool {
        self.usage.as_ref().is_none_or(|usage| usage.announces.take(rate, now))
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.of.sockets.fetch_sub(1, Relaxed);
        if let Some(usage) = self.usage.take()
            && usage.sockets.fetch_sub(1, Relaxed) == 1
        {
            self.of.leaving().insert(usage.network);
        }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if self.usage.arrivals.fetch_sub(1, Relaxed) == 1 {
            self.of.leaving().insert(self.usage.network);
        }
    }
}

impl Usage {
    fn of(network: Network) -> Arc<Self> {
        Arc::new(Self {
            network,
            sockets: AtomicUsize::new(0),
            arrivals: AtomicUsize::new(0),
            connections: SharedTokenBucket::default(),
            announces: SharedTokenBucket::default(),
        })
    }

    fn is_in_use(&self) -> bool {
        self.sockets.load(Relaxed) > 0 || self.arrivals.load(Relaxed) > 0
    }

    fn is_over(&self, now: Duration) -> bool {
        !self.is_in_use() && self.connections.is_full(now) && self.announces.is_full(now)
    }
}

fn counts_one_more(count: &AtomicUsize, max: usize) -> bool {
    count.fetch_update(Relaxed, Relaxed, |count| (count < max).then_some(count + 1)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MANY: usize = usize::MAX;

    fn network(number: u8) -> Option<Network> {
        Some(Network::V4(Ipv4Addr::new(203, 0, 113, number)))
    }

    #[test]
    fn each_bound_is_exact_and_a_closed_socket_makes_room() {
        let admissions = Arc::<Admissions>::default();
        let first = admissions.admit(network(1), 3, 2).expect("room");
        let _second = admissions.admit(network(1), 3, 2).expect("room");
        assert_eq!(admissions.admit(network(1), 3, 2).err(), Some(Full::OfNetwork));
        assert_eq!(admissions.sockets(), 2, "who is refused isn't counted");
        let _other = admissions.admit(network(2), 3, 2).expect("room");
        assert_eq!(admissions.admit(network(3), 3, 2).err(), Some(Full::InAll));
        drop(first);
        let _third = admissions.admit(network(1), 3, 2).expect("room again");
        assert_eq!(admissions.sockets(), 3);
    }

    #[test]
    fn connections_that_are_no_sockets_have_a_bound_of_their_own() {
        let admissions = Arc::<Admissions>::default();
        let arrive = |number| admissions.arrive(network(number).expect("a network"), 2);
        let (first, _second) = (arrive(1).expect("room"), arrive(1).expect("room"));
        assert!(arrive(1).is_none());
        let _other = arrive(2).expect("room: it is another network");
        let _socket = admissions.admit(network(1), MANY, 1).expect("room: it is no arrival");
        assert_eq!(admissions.admit(network(1), MANY, 1).err(), Some(Full::OfNetwork));
        assert!(arrive(1).is_none());
        drop(first);
        let _third = arrive(1).expect("room again");
        assert!(arrive(1).is_none(), "and for one only");
    }

    #[test]
    fn who_is_under_no_bound_of_a_network_counts_in_all_only() {
        let admissions = Arc::<Admissions>::default();
        let open: Vec<_> = (0..5).map_while(|_| admissions.admit(None, 4, 1).ok()).collect();
        assert_eq!(open.len(), 4);
        assert!(admissions.networks.is_empty());
        let rate = Rate::per_second(1).expect("a rate");
        assert!((0..100).all(|_| open[0].may_announce(rate, SECOND)));
    }

    #[test]
    fn sockets_of_a_network_share_a_bucket_and_coming_again_doesnt_fill_it() {
        let (admissions, rate) = (Arc::<Admissions>::default(), Rate::per_second(1));
        let (rate, now) = (rate.expect("a rate"), 100 * SECOND);
        let open = [1, 1, 2].map(|n| admissions.admit(network(n), MANY, MANY).expect("room"));
        let taken = (0..100).filter(|n| open[n % 2].may_announce(rate, now)).count();
        assert_eq!(taken, 10);
        assert!(open[2].may_announce(rate, now), "another network has its own");
        drop(open);
        admissions.sweep(now);
        let again = admissions.admit(network(1), MANY, MANY).expect("room");
        assert!(!again.may_announce(rate, now));
    }

    #[test]
    fn a_network_connects_at_its_rate_directly_or_through_a_proxy_and_coming_again_is_no_way_out() {
        let (admissions, rate) = (Arc::<Admissions>::default(), Rate::per_second(1));
        let (rate, now) = (rate.expect("a rate"), 100 * SECOND);
        let one = network(1).expect("a network");
        for n in 0..10 {
            if n % 2 == 0 {
                let arrival = admissions.arrive(one, MANY).expect("room");
                assert_eq!(arrival.wait(rate, now, SECOND), Some(Duration::ZERO));
            } else {
                let socket = admissions.admit(Some(one), MANY, MANY).expect("room");
                assert!(socket.may_connect(rate, now));
            }
            admissions.sweep(now);
        }
        let arrive = || admissions.arrive(one, MANY).expect("room").wait(rate, now, SECOND);
        assert_eq!((arrive(), arrive()), (Some(SECOND), None));
        let socket = admissions.admit(Some(one), MANY, MANY).expect("room");
        assert!(!socket.may_connect(rate, now));
        let other = admissions.admit(network(2), MANY, MANY).expect("room");
        assert!(other.may_connect(rate, now));
    }

    #[test]
    fn a_network_is_forgotten_once_it_has_left_and_its_bucket_is_full() {
        let (admissions, rate) = (Arc::<Admissions>::default(), Rate::per_second(1));
        let mut now = 100 * SECOND;
        let open = admissions.admit(network(1), MANY, MANY).expect("room");
        assert!(open.may_announce(rate.expect("a rate"), now));
        admissions.sweep(now);
        drop(open);
        admissions.sweep(now);
        assert_eq!(admissions.networks.len(), 1, "its bucket isn't full");
        // It is back for a while: the sweep that finds it there forgets neither.
        let back = admissions.admit(network(1), MANY, MANY).expect("room");
        now += SECOND;
        admissions.sweep(now);
        assert_eq!((admissions.networks.len(), admissions.leaving().len()), (1, 0));
        drop(back);
        admissions.sweep(now);
        assert_eq!((admissions.networks.len(), admissions.leaving().len()), (0, 0));
    }

    #[test]
    fn a_network_is_not_forgotten_while_it_has_sockets_or_arrivals() {
        let admissions = Arc::<Admissions>::default();
        let one = network(1).expect("a network");
        let mut now = 100 * SECOND;
        let mut remembered = || {
            now += SECOND;
            admissions.sweep(now);
            (admissions.networks.len(), admissions.leaving().len())
        };
        for arrival_ends_first in [true, false] {
            let arrival = admissions.arrive(one, 1).expect("room");
            let socket = admissions.admit(Some(one), MANY, 1).expect("room");
            let (first, last): (Box<dyn std::any::Any>, Box<dyn std::any::Any>) =
                if arrival_ends_first {
                    (Box::new(arrival), Box::new(socket))
                } else {
                    (Box::new(socket), Box::new(arrival))
                };
            drop(first);
            assert_eq!(remembered(), (1, 0));
            drop(last);
            assert_eq!(remembered(), (0, 0));
        }
    }

    #[test]
    fn counts_hold_when_many_threads_open_and_close() {
        let admissions = Arc::<Admissions>::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..2000 {
                        let network = network(n as u8 % 3);
                        let arrival = admissions.arrive(network.expect("a network"), 2);
                        let open = admissions.admit(network, MANY, 2);
                        drop(arrival);
                        if n % 7 == 0 {
                            admissions.sweep(SECOND);
                        }
                        drop(open);
                    }
                });
            }
        });
        admissions.sweep(SECOND);
        assert_eq!(admissions.sockets(), 0);
        assert!(admissions.networks.is_empty() && admissions.leaving().is_empty());
    }
}
