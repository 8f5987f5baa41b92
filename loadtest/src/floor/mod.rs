//! The yardstick: what a tracker cannot do without and nothing else, so that whoever measures one
//! can quote how far it is from the least that relaying costs on the same machine.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use anyhow::Context;
use clap::Args;

mod frame;
mod links;
mod message;
mod relay;
mod swarms;

use relay::Relay;

/// Where the floor is.
#[derive(Debug, Args)]
pub(crate) struct FloorArgs {
    /// Where it listens: a port of 127.0.0.1 (0 for a free one), or an address with its port
    #[arg(value_name = "PORT or ADDRESS", default_value = "8000")]
    listen: Listen,
}

/// An address, or a port of this machine's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listen(SocketAddr);

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let own = |port: u16| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let address = text.parse().map(own).ok().or_else(|| text.parse().ok());
        address.map(Self).ok_or("neither a port (0 to 65535) nor an address like 127.0.0.1:8000")
    }
}

/// Relays until it is told to end, by SIGTERM or ctrl-c.
///
/// # Errors
/// When it cannot listen there, or the system's event queue fails.
pub(crate) fn run(args: &FloorArgs) -> anyhow::Result<()> {
    // Where the limit cannot be had, fewer peers fit.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let Listen(address) = args.listen;
    let relay = Relay::new(address).with_context(|| format!("cannot listen at {address}"))?;
    let mut out = io::stdout().lock();
    writeln!(out, "floor listens at ws://{}", relay.address()?)?;
    out.flush()?;
    relay.run().context("the event queue failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_this_machines_own_and_an_address_is_what_it_says() {
        let listens = |text: &str| Listen::from_str(text).map(|listen| listen.0.to_string());
        assert_eq!(listens("8001").as_deref(), Ok("127.0.0.1:8001"));
        assert_eq!(listens("0.0.0.0:80").as_deref(), Ok("0.0.0.0:80"));
        assert_eq!(listens("[::1]:80").as_deref(), Ok("[::1]:80"));
        for wrong in ["65536", "localhost", "127.0.0.1", ""] {
            assert!(listens(wrong).is_err(), "{wrong}");
        }
    }
}
