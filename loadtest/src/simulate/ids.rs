//! Ids that are numbers: the simulation keeps no table of them, and reads out of a relayed message
//! who is meant. Each is 20 letters and digits, which need no escape in JSON.

/// Length of every id of the protocol.
pub(super) const ID_BYTES: usize = 20;

pub(super) type Id = [u8; ID_BYTES];

const DIGITS: usize = 8;

/// Which offer: its maker, the maker's announce, and the place in that announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OfferNumber {
    pub(super) maker: u32,
    pub(super) announce: u16,
    pub(super) slot: u8,
}

pub(super) fn info_hash(swarm: u32) -> Id {
    numbered(*b"simulation-s", swarm)
}

pub(super) fn peer_id(member: u32) -> Id {
    numbered(*b"-SM0100-peer", member)
}

impl OfferNumber {
    pub(super) fn id(self) -> Id {
        let mut id = numbered(*b"offer-------", self.maker);
        write_hex(self.announce.into(), &mut id[6..10]);
        write_hex(self.slot.into(), &mut id[10..12]);
        id
    }

    pub(super) fn read(id: &[u8]) -> Self {
        Self {
            maker: number(id),
            announce: read_hex(&id[6..10]) as u16,
            slot: read_hex(&id[10..12]) as u8,
        }
    }
}

/// The number in an id of ours.
pub(super) fn number(id: &[u8]) -> u32 {
    read_hex(&id[ID_BYTES - DIGITS..])
}

fn numbered(prefix: [u8; ID_BYTES - DIGITS], number: u32) -> Id {
    let mut id = [0; ID_BYTES];
    id[..ID_BYTES - DIGITS].copy_from_slice(&prefix);
    write_hex(number, &mut id[ID_BYTES - DIGITS..]);
    id
}

/// Fills `digits` with the last digits of `number`.
fn write_hex(mut number: u32, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

fn read_hex(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| {
        let value = if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 };
        number << 4 | u32::from(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_the_numbers_they_were_made_of() {
        for many in [0, 9, 10, 0xffff_ffff, 123_456_789] {
            let offer = OfferNumber { maker: many, announce: many as u16, slot: many as u8 };
            assert_eq!(OfferNumber::read(&offer.id()), offer);
            assert_eq!((number(&peer_id(many)), number(&info_hash(many))), (many, many));
        }
    }
}
