//! Whose address counts. Limits per address are for the client's own, which a proxy in front knows
//! and says in `X-Forwarded-For`; and they are for a network rather than an address where one
//! client has a whole network to choose from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};
use origin::ConfigError;

use crate::limits::{FORWARDED_HOPS_MAX, TRUSTED_PROXIES_MAX};

/// The proxies in front that are believed: addresses and prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// What one client has for sure: an IPv4 address, or the /64 that each IPv6 host is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Network {
    V4(Ipv4Addr),
    /// The upper half of the addresses.
    V6(u64),
}

impl TrustedProxies {
    /// The proxies that the configuration names at `key`.
    ///
    /// # Errors
    ///
    /// Key, value and bound of what is no address or prefix, or one too many.
    pub(crate) fn named(key: &str, prefixes: &[String]) -> Result<Self, ConfigError> {
        if prefixes.len() > TRUSTED_PROXIES_MAX {
            return Err(ConfigError {
                key: key.to_owned(),
                value: format!("a list of {}", prefixes.len()),
                bound: format!("a list of {TRUSTED_PROXIES_MAX} at most"),
            });
        }
        let prefixes = prefixes.iter().enumerate().map(|(index, text)| {
            prefix(text).ok_or_else(|| ConfigError {
                key: format!("{key}[{index}]"),
                value: format!("\"{text}\""),
                bound: "an IP address, or a prefix such as \"10.0.0.0/8\"".to_owned(),
            })
        });
        prefixes.collect::<Result<_, _>>().map(Self)
    }

    /// The address of the client behind a connection from `peer`, whose `X-Forwarded-For` headers
    /// are `forwarded_for`, in their order.
    ///
    /// Each proxy appends the address that it was connected from, so only the right end is known
    /// to be true: trusted proxies are skipped from there, and the first other address is the
    /// client's. Who comes from elsewhere may have written the header itself, so it isn't read.
    /// When it makes no sense the proxy is all that is known.
    pub(crate) fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> IpAddr {
        // An IPv4 client of an IPv6 listener is an IPv4 client.
        let peer = peer.to_canonical();
        if !self.contain(peer) {
            return peer;
        }
        let hops = forwarded_for.rev().flat_map(|header| header.rsplit(|&byte| byte == b','));
        for hop in hops.take(FORWARDED_HOPS_MAX) {
            match address(hop) {
                Some(address) if self.contain(address) => {}
                Some(address) => return address,
                None => return peer,
            }
        }
        peer
    }

    /// The network under whose bounds `client` is; `None` for this machine's own address and a
    /// proxy's, which stand for many.
    pub(crate) fn bounded_network(&self, client: IpAddr) -> Option<Network> {
        let exempt = client.is_loopback() || self.contain(client);
        (!exempt).then(|| Network::of(client))
    }

    /// Whether `address` is one of them.
    pub(super) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|prefix| prefix.contains(&address))
    }
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// `192.0.2.1`, `2001:db8::/64`.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4(address) => address.fmt(f),
            Self::V6(upper) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(upper) << 64)),
        }
    }
}

/// An address or a prefix as people write it: `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`.
fn prefix(text: &str) -> Option<IpNet> {
    let prefix = match text.parse() {
        Ok(prefix) => prefix,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    match (prefix, prefix.addr().to_canonical()) {
        // What is compared with it is canonical too.
        (IpNet::V6(mapped), IpAddr::V4(address)) => {
            Ipv4Net::new(address, mapped.prefix_len().checked_sub(96)?).ok().map(IpNet::from)
        }
        (prefix, _) => Some(prefix),
    }
}

/// The address of a hop. Some proxies add the port, and IPv6 has brackets then.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let plain = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = plain.parse::<IpAddr>();
    let address =
        address.or_else(|_| text.parse().map(|with_port: std::net::SocketAddr| with_port.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(prefixes: &[&str]) -> TrustedProxies {
        TrustedProxies(prefixes.iter().map(|text| prefix(text).expect(text)).collect())
    }

    fn client(trusted: &TrustedProxies, peer: &str, headers: &[&str]) -> String {
        let headers = headers.iter().map(|header| header.as_bytes());
        trusted.client(peer.parse().expect(peer), headers).to_string()
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxy_is_the_clients() {
        let trusted = trusted(&["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]);
        for (headers, real) in [
            (&["203.0.113.7"][..], "203.0.113.7"),
            (&["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            (&["203.0.113.7,10.1.2.3 ,\t192.0.2.1"], "203.0.113.7"),
            (&["198.51.100.1", "203.0.113.7", "10.1.2.3"], "203.0.113.7"),
            (&["rubbish, 203.0.113.7, 2001:db8::5"], "203.0.113.7"),
            (&["203.0.113.7:4711"], "203.0.113.7"),
            (&["::ffff:203.0.113.7"], "203.0.113.7"),
            (&["2001:470::1"], "2001:470::1"),
            (&["[2001:470::1]"], "2001:470::1"),
            (&["[2001:470::1]:443"], "2001:470::1"),
        ] {
            assert_eq!(client(&trusted, "10.0.0.1", headers), real, "{headers:?}");
            assert_eq!(client(&trusted, "::ffff:10.0.0.1", headers), real, "{headers:?}");
        }
    }

    #[test]
    fn a_header_that_makes_no_sense_or_never_ends_leaves_the_proxys_own_address() {
        let trusted = trusted(&["10.0.0.0/8"]);
        let long = "10.0.0.2, ".repeat(10_000) + "10.0.0.3";
        let hidden = format!("203.0.113.7, {long}");
        for headers in [
            &[][..],
            &[""],
            &["203.0.113.7, "],
            &["203.0.113.7, unknown"],
            &["203.0.113.7", "256.1.1.1"],
            &["203.0.113.7, 10.0.0.2, for=192.0.2.43"],
            &["\u{e9}"],
            &["10.0.0.2"],
            &[&long],
            &[&hidden],
        ] {
            assert_eq!(client(&trusted, "10.0.0.1", headers), "10.0.0.1", "{headers:?}");
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        for trusted in [trusted(&[]), trusted(&["10.0.0.0/8"])] {
            assert_eq!(client(&trusted, "203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
            assert_eq!(client(&trusted, "::ffff:203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        }
    }

    #[test]
    fn ipv6_is_bounded_by_the_64_and_this_machine_and_proxies_not_at_all() {
        let trusted = trusted(&["10.0.0.0/8", "2001:db8::/32"]);
        let network = |text: &str| {
            let address = text.parse::<IpAddr>().expect(text).to_canonical();
            trusted.bounded_network(address).map(|network| network.to_string())
        };
        assert_eq!(network("203.0.113.7").as_deref(), Some("203.0.113.7"));
        assert_eq!(network("2001:470:0:1::1").as_deref(), Some("2001:470:0:1::/64"));
        assert_eq!(network("2001:470:0:1:ffff::2").as_deref(), Some("2001:470:0:1::/64"));
        assert_eq!(network("2001:470:0:2::1").as_deref(), Some("2001:470:0:2::/64"));
        for exempt in
            ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.9.9.9", "2001:db8::1"]
        {
            assert_eq!(network(exempt), None, "{exempt}");
        }
    }

    #[test]
    fn a_mapped_prefix_is_the_ipv4_prefix_that_it_maps() {
        for (text, meant) in [
            ("10.0.0.1", Some("10.0.0.1/32")),
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("::ffff:10.0.0.1", Some("10.0.0.1/32")),
            ("::ffff:10.0.0.0/104", Some("10.0.0.0/8")),
            ("::ffff:10.0.0.0/64", None),
            ("::1", Some("::1/128")),
            ("10.0.0.0/33", None),
            ("proxy.example.org", None),
            ("", None),
        ] {
            let prefix = prefix(text).map(|prefix| prefix.to_string());
            assert_eq!(prefix.as_deref(), meant, "{text}");
        }
    }
}
