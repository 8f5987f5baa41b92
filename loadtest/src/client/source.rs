//! Where connections to a tracker on this machine come from. One address has some 28,000 ports, and
//! a tracker may bound its sockets per address; loopback has millions of addresses (RFC 5735,
//! section 3), so that a crowd comes from many, as real ones do.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::limits::SOCKETS_PER_ADDRESS_MAX;

/// The address from which socket `number` should connect to `to`: one of `listed` in turn, if there
/// are any. `None` leaves it to the system, which knows the way to other machines. Other systems
/// than Linux have one loopback address.
pub(crate) fn source(listed: &[IpAddr], to: SocketAddr, number: u32) -> Option<IpAddr> {
    if !listed.is_empty() {
        return listed.get(number as usize % listed.len()).copied();
    }
    if !is_near(to) {
        return None;
    }
    // 127.0.0.1 is left to whoever else is here: the hostile socket, and people.
    let host = 2 + number / SOCKETS_PER_ADDRESS_MAX;
    Some(Ipv4Addr::from_bits(Ipv4Addr::new(127, 0, 0, 0).to_bits() + host).into())
}

/// This machine's address towards others, for who shall be somebody else to a tracker that is on
/// this machine itself; `None` when there is none, or the tracker is elsewhere.
pub(crate) fn outward(to: SocketAddr) -> Option<IpAddr> {
    if !is_near(to) {
        return None;
    }
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Nothing is sent: it only looks for the way (to an address for documentation, RFC 5737).
    socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9)).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_loopback()).then_some(own)
}

/// Whether a tracker is on this machine, where there is more than one address to come from.
fn is_near(to: SocketAddr) -> bool {
    cfg!(target_os = "linux") && to.is_ipv4() && to.ip().is_loopback()
}

/// Looks whether this machine has `address`.
///
/// # Errors
/// Why nothing can come from there.
pub(crate) fn find(address: IpAddr) -> io::Result<()> {
    UdpSocket::bind((address, 0)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_on_this_machine_has_many_addresses_and_others_have_their_own() {
        let near = SocketAddr::from(([127, 0, 0, 1], 8000));
        let addresses = [0, SOCKETS_PER_ADDRESS_MAX - 1, SOCKETS_PER_ADDRESS_MAX, 1 << 20];
        let addresses = addresses.map(|number| source(&[], near, number));
        if cfg!(target_os = "linux") {
            let named = |address: &str| Some(address.parse().expect("an address"));
            assert_eq!(addresses[..2], [named("127.0.0.2"); 2]);
            assert_eq!(addresses[2], named("127.0.0.3"));
            assert!(addresses[3].is_some_and(|address| address.is_loopback()));
        }
        let far = SocketAddr::from(([192, 0, 2, 1], 80));
        assert_eq!(source(&[], far, 1), None);
        let listed = [[192, 0, 2, 7], [192, 0, 2, 8]].map(IpAddr::from);
        let taken = [0, 1, 2].map(|number| source(&listed, far, number));
        assert_eq!(taken, [Some(listed[0]), Some(listed[1]), Some(listed[0])]);
    }
}
