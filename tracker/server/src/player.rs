//! What the player's page starts with: what the configuration names, and for all else what runs
//! here.

use std::net::SocketAddr;

use web::{PlayerSettings, PlayerStream};

use crate::ServerAddress;
use crate::config::WebConfig;
use crate::streams::{Streams, StreamsAddress};

/// The page's settings, where these `streams`, `servers` and `stun` are this process's own.
pub(crate) fn settings(
    config: WebConfig,
    streams: Option<&Streams>,
    servers: &[ServerAddress],
    stun: Option<SocketAddr>,
) -> PlayerSettings {
    if streams.and_then(Streams::address).is_some_and(|at| !at.tls)
        && servers.iter().any(|place| place.tls)
    {
        tracing::warn!("pages that come over TLS can't play streams that don't: origin.listen.tls");
    }
    PlayerSettings {
        streams: config.streams.unwrap_or_else(|| streams.map(of).unwrap_or_default()),
        trackers: config.trackers.unwrap_or_else(|| {
            // The page comes from the first listener in most setups; a path is of its own port.
            servers.iter().take(1).map(|server| server.socket_path.clone()).collect()
        }),
        stun: config
            .stun
            .unwrap_or_else(|| stun.iter().map(|stun| format!(":{}", stun.port())).collect()),
        unchecked_segments: config.unchecked_segments,
        sharing: config.sharing,
    }
}

fn of(streams: &Streams) -> Vec<PlayerStream> {
    // A port of the page's own host, as the page may have come by any of its names.
    let place = streams.address().map_or_else(String::new, |StreamsAddress { address, tls }| {
        format!("http{}://:{}", if tls { "s" } else { "" }, address.port())
    });
    let digests_key = streams.digests_key();
    let playing = |stream: origin::StreamInfo| PlayerStream {
        name: stream.name,
        url: format!("{place}{}", stream.path),
        digests: Some(stream.digests),
        digests_key: digests_key.map(str::to_owned),
    };
    streams.list().into_iter().map(playing).collect()
}
