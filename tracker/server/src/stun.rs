//! STUN's binding (RFC 8489) and nothing else of it: a browser asks under which address it is
//! seen. The reply holds that address and no more, since it goes to whatever address the request
//! claims to come from.

use std::net::SocketAddr;

use stun_types::attribute::{Attribute, ErrorCode, UnknownAttributes, XorMappedAddress};
use stun_types::message::{
    BINDING, Message, MessageClass, MessageWrite, MessageWriteExt, MessageWriteVec,
};

/// The reply to a binding request from `from`: 32 bytes for IPv4 and 44 for IPv6. `None` for
/// everything else: replies, indications, other methods, other protocols.
pub(crate) fn answer(request: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let request = Message::from_bytes(request).ok()?;
    if !request.has_method(BINDING) || !request.has_class(MessageClass::Request) {
        return None;
    }
    let unknown: Vec<_> = request
        .iter_attributes()
        .map(|(_, attribute)| attribute.get_type())
        .filter(|kind| kind.comprehension_required())
        .collect();
    if !unknown.is_empty() {
        // Section 6.3.1: the client means something that we can't do. Two bytes for each of at
        // least four of the request.
        let mut reply = Message::builder_error(&request, MessageWriteVec::new());
        reply.add_attribute(&ErrorCode::new(420, "").ok()?).ok()?;
        reply.add_attribute(&UnknownAttributes::new(&unknown)).ok()?;
        return Some(reply.finish());
    }
    let mut reply = Message::builder_success(&request, MessageWriteVec::new());
    let address = XorMappedAddress::new(seen_as(from), request.transaction_id());
    reply.add_attribute(&address).ok()?;
    Some(reply.finish())
}

/// A socket for both versions of IP sees an IPv4 client under an IPv6 address.
fn seen_as(from: SocketAddr) -> SocketAddr {
    SocketAddr::new(from.ip().to_canonical(), from.port())
}

#[cfg(test)]
mod tests {
    use stun_types::attribute::Username;

    use super::*;

    /// RFC 8489, section 5: type 0x0001, length 0, magic cookie, transaction id.
    const REQUEST: &[u8; 20] = b"\x00\x01\x00\x00\x21\x12\xa4\x42twelve bytes";

    #[test]
    fn a_binding_request_gets_its_address_and_nothing_else() {
        let reply = answer(REQUEST, "192.0.2.1:32853".parse().expect("address")).expect("reply");
        // RFC 5769, section 2.2: the XOR of this very address.
        assert_eq!(
            reply,
            b"\x01\x01\x00\x0c\x21\x12\xa4\x42twelve bytes\
              \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
        );
    }

    #[test]
    fn ipv6_and_ipv4_inside_ipv6_get_what_the_world_sees() {
        let seen = |from: &str| {
            let reply = answer(REQUEST, from.parse().expect("address")).expect("reply");
            let message = Message::from_bytes(&reply).expect("STUN");
            let address = message.attribute::<XorMappedAddress>().expect("address");
            (reply.len(), address.addr(message.transaction_id()).to_string())
        };
        assert_eq!(seen("[2001:db8::1]:9"), (44, "[2001:db8::1]:9".to_owned()));
        assert_eq!(seen("[::ffff:192.0.2.1]:9"), (32, "192.0.2.1:9".to_owned()));
    }

    #[test]
    fn what_is_no_binding_request_is_ignored() {
        let from = "192.0.2.1:1".parse().expect("address");
        let altered = |at: usize, byte: u8| {
            let mut message = *REQUEST;
            message[at] = byte;
            answer(&message, from)
        };
        assert_eq!(altered(0, 0x01), None, "a success response");
        assert_eq!(altered(1, 0x11), None, "an indication");
        assert_eq!(altered(1, 0x03), None, "TURN's allocate");
        assert_eq!(altered(3, 0x04), None, "a length that isn't there");
        assert_eq!(altered(4, 0x20), None, "RFC 3489's lack of a cookie");
        assert_eq!(answer(b"", from), None);
        assert_eq!(answer(&REQUEST[..19], from), None);
        assert_eq!(answer(&[0x16; 1200], from), None, "DTLS");
    }

    #[test]
    fn a_request_that_wants_more_is_told_so_in_fewer_bytes() {
        let mut request = Message::builder_request(BINDING, MessageWriteVec::new());
        request.add_attribute(&Username::new("somebody's name").expect("name")).expect("room");
        let request = request.finish();
        let reply = answer(&request, "192.0.2.1:1".parse().expect("address")).expect("reply");
        let message = Message::from_bytes(&reply).expect("STUN");
        assert_eq!(message.attribute::<ErrorCode>().expect("error").code(), 420);
        assert!(message.has_attribute(UnknownAttributes::new(&[]).get_type()));
        assert!(reply.len() <= request.len());
    }
}
