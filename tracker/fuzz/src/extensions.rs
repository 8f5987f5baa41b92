//! What a client may offer in a handshake, and what is agreed on.

use tracker_websocket::PerMessageDeflate;

/// The input is the value of `Sec-WebSocket-Extensions`.
pub fn extensions(data: &[u8]) {
    let Some(agreed) = PerMessageDeflate::negotiate([data]) else { return };
    let response = agreed.response();
    assert!(response.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{response}");
    // Who offers just that agrees on just that.
    assert_eq!(PerMessageDeflate::negotiate([response.as_bytes()]), Some(agreed));
    assert!(agreed.window_holds(1 << 8), "the smallest window holds this");
}
