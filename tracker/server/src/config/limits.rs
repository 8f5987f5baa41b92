//! The section `limits`: each key as it is written, its default and its bounds, and what becomes
//! of it. In all of them 0 is no limit, as in wt-tracker's `maxConnections`.

use std::time::Duration;

use origin::ConfigError;
use serde::{Deserialize, Serialize};
use tracker_core::limits::JSON_DEPTH_CEILING;

use super::checks::within;
use super::kinds::whole;
use crate::access::Rate;
use crate::limits::FRAMES_PER_ANNOUNCE;

/// What one client, and all of them, may take up. Whoever comes from this machine or is one of
/// `trustedProxies` is under no bound per IP.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RawLimits {
    /// Open sockets. Beyond it the handshake gets 503.
    #[serde(deserialize_with = "whole")]
    connections: u64,
    /// Open sockets of one IPv4 address, or of one IPv6 /64. Beyond it the handshake gets 429. As
    /// many further connections may be no sockets, or none yet.
    #[serde(deserialize_with = "whole")]
    connections_per_ip: u64,
    /// Connections a second of one IPv4 address, or of one IPv6 /64; ten seconds' worth may come at
    /// once. Further ones wait for their turn for 5 s at most, or are closed; behind a trusted proxy
    /// the handshake gets 429.
    #[serde(deserialize_with = "whole")]
    connections_per_second_per_ip: u64,
    /// Seconds from the connection to the end of the handshake; and in which a kept-alive
    /// connection's next request has to be there in whole.
    #[serde(deserialize_with = "whole")]
    handshake_seconds: u64,
    /// Levels to which objects and arrays may nest in a message; 128 at most, and with 0.
    #[serde(deserialize_with = "whole")]
    json_depth: u64,
    /// Offers of one announce that are looked at; further ones are ignored.
    #[serde(deserialize_with = "whole")]
    offers_per_announce: u64,
    /// Bytes of an SDP as it stands in its message. A longer one is refused.
    #[serde(deserialize_with = "whole")]
    sdp_bytes: u64,
    /// Pairs of a swarm and a peer id that one socket may be in.
    #[serde(deserialize_with = "whole")]
    swarms_per_socket: u64,
    /// Peer ids that one socket may use.
    #[serde(deserialize_with = "whole")]
    peer_ids_per_socket: u64,
    /// Announces and scrapes a second of one socket, and messages that are neither those nor
    /// answers; ten seconds' worth may come at once. Twenty times as many frames of any kind are
    /// read.
    #[serde(deserialize_with = "whole")]
    announces_per_second_per_socket: u64,
    /// The same of all sockets of one IPv4 address, or of one IPv6 /64, together.
    #[serde(deserialize_with = "whole")]
    announces_per_second_per_ip: u64,
    /// Offers a second that one peer is sent; ten seconds' worth may come at once. Further ones
    /// go to other peers, or nowhere.
    #[serde(deserialize_with = "whole")]
    offers_per_second_per_receiver: u64,
    /// Open swarms. Beyond it no swarm is opened.
    #[serde(deserialize_with = "whole")]
    swarms: u64,
    /// Members of a swarm that one worker has before another one takes newcomers.
    #[serde(deserialize_with = "whole")]
    partition_members: u64,
    /// Bytes that may wait for a client that doesn't read. Beyond it the socket is closed.
    #[serde(deserialize_with = "whole")]
    outbox_bytes: u64,
}

/// The limits that the server looks at; the rules have their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open sockets; [`usize::MAX`] is no limit, here and below.
    pub connections: usize,
    /// Open sockets of one IPv4 address or IPv6 /64, and connections that are none.
    pub connections_per_ip: usize,
    /// Connections of one IPv4 address or IPv6 /64; any number without it.
    pub connection_rate_per_ip: Option<Rate>,
    /// From the connection to the end of the handshake; for ever without it.
    pub handshake: Option<Duration>,
    /// Pairs of a swarm and a peer id of one socket.
    pub swarms_per_socket: usize,
    /// Peer ids of one socket.
    pub peer_ids_per_socket: usize,
    /// Announces and the like of one socket; any number without it.
    pub announces_per_socket: Option<Rate>,
    /// Frames of any kind of one socket; any number without it.
    pub frames_per_socket: Option<Rate>,
    /// Announces and the like of one IPv4 address or IPv6 /64; any number without it.
    pub announces_per_ip: Option<Rate>,
    /// Open swarms.
    pub swarms: usize,
    /// Members of one worker's partition of a swarm.
    pub partition_members: usize,
    /// Bytes that may wait for one client.
    pub outbox_bytes: usize,
}

impl Default for RawLimits {
    fn default() -> Self {
        let rules = tracker_core::Limits::default();
        Self {
            // A machine's memory and descriptors are the operator's to know.
            connections: 0,
            // Hundreds of viewers may share the address of an office or of a carrier's NAT.
            connections_per_ip: 1000,
            // They come back after a break within seconds; a page opens one, and one or two more
            // for what HTTP it speaks with this program.
            connections_per_second_per_ip: 50,
            handshake_seconds: 10,
            json_depth: rules.json_depth as u64,
            offers_per_announce: rules.offers_per_announce as u64,
            sdp_bytes: rules.sdp_bytes as u64,
            // A page has one for each quality and track of what it plays.
            swarms_per_socket: 128,
            peer_ids_per_socket: 128,
            // A page announces each of its swarms once in `announceInterval`.
            announces_per_second_per_socket: 10,
            announces_per_second_per_ip: 200,
            offers_per_second_per_receiver: u64::from(rules.offers_per_second_per_receiver),
            // Far more than anybody watches at a time, and still bounded memory.
            swarms: 1_000_000,
            // An eighth of what keeps a worker busy, so that two even out while a crowd comes.
            partition_members: 2500,
            // Some 150 offers, half a minute of a busy swarm: more than a live client falls behind.
            outbox_bytes: 256 << 10,
        }
    }
}

impl RawLimits {
    /// What the rules look at, and what the server does.
    pub(super) fn validate(self) -> Result<(tracker_core::Limits, Limits), ConfigError> {
        let within = |name: &str, value, most| within(&format!("limits.{name}"), value, 0..=most);
        let size = |name: &str, value, most| within(name, value, most).map(|value| value as usize);
        let count = |name: &str, value, most| within(name, value, most).map(unless_0);
        let rate = |name: &str, value| within(name, value, 1_000_000).map(|value| value as u32);
        let handshake = within("handshakeSeconds", self.handshake_seconds, 3600)?;
        let connections = rate("connectionsPerSecondPerIp", self.connections_per_second_per_ip)?;
        let of_socket = rate("announcesPerSecondPerSocket", self.announces_per_second_per_socket)?;
        let of_ip = rate("announcesPerSecondPerIp", self.announces_per_second_per_ip)?;
        let of_receiver = rate("offersPerSecondPerReceiver", self.offers_per_second_per_receiver)?;
        let rules = tracker_core::Limits {
            json_depth: size("jsonDepth", self.json_depth, JSON_DEPTH_CEILING as u64)?,
            offers_per_announce: size("offersPerAnnounce", self.offers_per_announce, 1 << 16)?,
            sdp_bytes: size("sdpBytes", self.sdp_bytes, 16 << 20)?,
            offers_per_second_per_receiver: of_receiver,
        };
        let server = Limits {
            connections: count("connections", self.connections, 1 << 24)?,
            connections_per_ip: count("connectionsPerIp", self.connections_per_ip, 1 << 24)?,
            connection_rate_per_ip: Rate::per_second(connections),
            handshake: (handshake != 0).then_some(Duration::from_secs(handshake)),
            swarms_per_socket: count("swarmsPerSocket", self.swarms_per_socket, 1 << 24)?,
            peer_ids_per_socket: count("peerIdsPerSocket", self.peer_ids_per_socket, 1 << 24)?,
            announces_per_socket: Rate::per_second(of_socket),
            frames_per_socket: Rate::per_second(of_socket * FRAMES_PER_ANNOUNCE),
            announces_per_ip: Rate::per_second(of_ip),
            swarms: count("swarms", self.swarms, 1 << 32)?,
            partition_members: count("partitionMembers", self.partition_members, 1 << 32)?,
            outbox_bytes: count("outboxBytes", self.outbox_bytes, 1 << 30)?,
        };
        Ok((rules, server))
    }
}

/// 0 in the file is no limit.
fn unless_0(count: u64) -> usize {
    if count == 0 { usize::MAX } else { count as usize }
}
