//! How NATS is spoken to, from a section `cluster`.

use std::time::Duration;

use async_nats::{ConnectOptions, Server};
use rand::RngExt;

use crate::config::{ClusterConfig, Credentials};
use crate::limits::{
    BUS_HEARD_MESSAGES, BUS_LINK_MESSAGES, BUS_REASONS_TOLD, BUS_RECONNECT_PAUSE_MAX,
};

/// How often NATS is asked whether it is still there, when it says nothing.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// How long it may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The first pause before NATS is tried again; each further one is twice as long.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

/// A connection that is tried until it stands, and again when it breaks.
pub(super) fn options(config: &ClusterConfig) -> ConnectOptions {
    let mut options = ConnectOptions::new()
        .name(&config.node)
        // Nobody needs to hear himself.
        .no_echo()
        .retry_on_initial_connect()
        .connection_timeout(CONNECT_TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .client_capacity(BUS_LINK_MESSAGES)
        .subscription_capacity(BUS_HEARD_MESSAGES)
        .reconnect_delay_callback(pause);
    options = match &config.credentials {
        Credentials::Nobody => options,
        Credentials::User { user, password } => {
            options.user_and_password(user.clone(), password.reveal().to_owned())
        }
        Credentials::Token(token) => options.token(token.reveal().to_owned()),
        Credentials::Nkey(seed) => options.nkey(seed.reveal().to_owned()),
        Credentials::Jwt(file) => match options.credentials(file.reveal()) {
            Ok(options) => options,
            Err(_) => unreachable!("it was read when the configuration was"),
        },
    };
    if let Some(tls) = &config.tls {
        options = options.require_tls(true);
        if let Some(ca) = &tls.ca {
            options = options.add_root_certificates(ca.clone());
        }
        if let Some((certificate, key)) = &tls.own {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
    }
    options
}

/// Why servers could not be had, as far as the client knows: without it for those whose name leads
/// nowhere.
pub(super) fn why_not(servers: &[Server]) -> Option<String> {
    let reason = |server: &Server| {
        let (address, reason) = (&server.addr, server.last_error.as_ref()?);
        Some(format!("{}:{}: {reason}", address.host(), address.port()))
    };
    let reasons: Vec<_> = servers.iter().filter_map(reason).take(BUS_REASONS_TOLD).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// Before the next attempt. No two nodes come back at once.
fn pause(attempts: usize) -> Duration {
    let doubled = RECONNECT_PAUSE * 2u32.pow(attempts.min(10) as u32);
    doubled.min(BUS_RECONNECT_PAUSE_MAX).mul_f64(rand::rng().random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        for attempts in 0..100 {
            let pause = pause(attempts);
            assert!(pause >= RECONNECT_PAUSE / 2 && pause <= BUS_RECONNECT_PAUSE_MAX);
        }
        assert!(pause(100) >= BUS_RECONNECT_PAUSE_MAX / 2);
    }
}
