//! What nodes and workers tell each other: that a node is there, how many members a partition has,
//! an offer, an answer. The core's messages go as they are; in front of each is which worker's
//! partition it comes from, and whom it is for.

use tracker_core::{CrossAnswer, CrossOffer, Digest, InfoHash, OfferId, PeerId, ReturnToken};

use super::wire::{Body, Malformed, put_number, put_slice, write_record};
use crate::directory::WorkerId;
use crate::limits::BUS_NAME_BYTES_MAX;

/// Workers of a node: a [`SiblingId`](tracker_core::SiblingId) has a byte for one.
const WORKERS_MAX: u16 = 256;

const HELLO: u8 = 1;
const GOODBYE: u8 = 2;
const DIGEST: u8 = 3;
const OFFER: u8 = 4;
const ANSWER: u8 = 5;

/// Something that a node or a worker says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Record<'a> {
    Hello(Hello<'a>),
    /// A node stops.
    Goodbye,
    Said(Route, Said<'a>),
}

/// A node says that it is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hello<'a> {
    /// What its operator calls it.
    pub(crate) name: &'a str,
    /// How many workers it has.
    pub(crate) workers: u16,
    /// How often it says this, in milliseconds.
    pub(crate) every_ms: u32,
    /// It has just begun, or come back, and wants to know at once who is there.
    pub(crate) asks: bool,
    /// What it carries, for the dashboards of others; `None` from releases that don't say it.
    pub(crate) load: Option<Load>,
}

/// How much a node carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Load {
    pub(crate) connections: u64,
    /// Members of swarms.
    pub(crate) peers: u64,
}

/// Which partitions of a swarm a message is between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Route {
    /// The worker that says it.
    pub(crate) from: WorkerId,
    /// The worker that it is for; `None` is each that has the swarm.
    pub(crate) to: Option<WorkerId>,
}

/// What a partition says to another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said<'a> {
    Digest(InfoHash, Digest),
    Offer(CrossOffer<'a>),
    Answer(CrossAnswer<'a>),
}

impl<'a> Record<'a> {
    /// Appends the record.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => write_record(HELLO, out, |out| hello.write(out)),
            Self::Goodbye => write_record(GOODBYE, out, |_| {}),
            Self::Said(route, said) => said.write(*route, out),
        }
    }

    /// Reads a record. `None` is one of a kind that this release doesn't know.
    ///
    /// # Errors
    ///
    /// When it is cut off, or something in it makes no sense.
    pub(crate) fn read(kind: u8, body: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let body = Body(body);
        Ok(Some(match kind {
            HELLO => Self::Hello(Hello::read(body)?),
            GOODBYE => Self::Goodbye,
            DIGEST | OFFER | ANSWER => {
                let (route, said) = Said::read(kind, body)?;
                Self::Said(route, said)
            }
            _ => return Ok(None),
        }))
    }
}

impl<'a> Hello<'a> {
    fn write(&self, out: &mut Vec<u8>) {
        put_slice(self.name.as_bytes(), out);
        put_number(u64::from(self.workers), out);
        put_number(u64::from(self.every_ms), out);
        out.push(u8::from(self.asks));
        if let Some(Load { connections, peers }) = self.load {
            put_number(connections, out);
            put_number(peers, out);
        }
    }

    fn read(mut body: Body<'a>) -> Result<Self, Malformed> {
        let name = str::from_utf8(body.slice()?).map_err(|_| Malformed::Cut)?;
        let (workers, every_ms) = (body.small()?, body.small()?);
        if !(1..=WORKERS_MAX).contains(&workers) {
            return Err(Malformed::Cut);
        }
        let asks = body.byte()? & 1 != 0;
        // It is told to the log.
        let is_plain = |byte: u8| byte.is_ascii_graphic();
        if name.len() > BUS_NAME_BYTES_MAX || !name.bytes().all(is_plain) {
            return Err(Malformed::Cut);
        }
        let load = (!body.0.is_empty()).then(|| Load::read(body)).transpose()?;
        Ok(Self { name, workers, every_ms, asks, load })
    }
}

impl Load {
    fn read(mut body: Body<'_>) -> Result<Self, Malformed> {
        Ok(Self { connections: body.number()?, peers: body.number()? })
    }
}

impl<'a> Said<'a> {
    /// The swarm that it is about.
    pub(crate) fn info_hash(&self) -> InfoHash {
        match self {
            Self::Digest(info_hash, _) => *info_hash,
            Self::Offer(offer) => offer.info_hash,
            Self::Answer(answer) => answer.info_hash,
        }
    }

    /// Appends the record that says it.
    pub(crate) fn write(&self, route: Route, out: &mut Vec<u8>) {
        let kind = match self {
            Self::Digest(..) => DIGEST,
            Self::Offer(_) => OFFER,
            Self::Answer(_) => ANSWER,
        };
        write_record(kind, out, |out| {
            put_number(u64::from(route.from), out);
            // One more, so that 0 is everybody.
            put_number(route.to.map_or(0, |to| u64::from(to) + 1), out);
            out.extend(self.info_hash().0);
            match *self {
                Self::Digest(_, digest) => {
                    put_number(digest.complete.into(), out);
                    put_number(digest.incomplete.into(), out);
                    out.push(u8::from(digest.opening));
                }
                Self::Offer(CrossOffer { peer_id, offer_id, offer, token, .. }) => {
                    out.extend(peer_id.0);
                    out.extend(offer_id.0);
                    out.extend(token.0.to_le_bytes());
                    put_slice(offer, out);
                }
                Self::Answer(CrossAnswer {
                    peer_id, to_peer_id, offer_id, answer, token, ..
                }) => {
                    out.extend(peer_id.0);
                    out.extend(to_peer_id.0);
                    out.extend(offer_id.0);
                    out.extend(token.0.to_le_bytes());
                    put_slice(answer, out);
                }
            }
        });
    }

    fn read(kind: u8, mut body: Body<'a>) -> Result<(Route, Self), Malformed> {
        let worker = |number: u64| match WorkerId::try_from(number) {
            Ok(worker) if worker < WORKERS_MAX => Ok(worker),
            _ => Err(Malformed::Cut),
        };
        let from = worker(body.number()?)?;
        let to = body.number()?.checked_sub(1).map(worker).transpose()?;
        let info_hash = InfoHash(body.array()?);
        let said = match kind {
            DIGEST => {
                let (complete, incomplete) = (body.small()?, body.small()?);
                let opening = body.byte()? & 1 != 0;
                Self::Digest(info_hash, Digest { complete, incomplete, opening })
            }
            OFFER => Self::Offer(CrossOffer {
                info_hash,
                peer_id: PeerId(body.array()?),
                offer_id: OfferId(body.array()?),
                token: ReturnToken(u64::from_le_bytes(body.array()?)),
                offer: body.slice()?,
            }),
            _ => Self::Answer(CrossAnswer {
                info_hash,
                peer_id: PeerId(body.array()?),
                to_peer_id: PeerId(body.array()?),
                offer_id: OfferId(body.array()?),
                token: ReturnToken(u64::from_le_bytes(body.array()?)),
                answer: body.slice()?,
            }),
        };
        Ok((Route { from, to }, said))
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, RngExt, SeedableRng};

    use super::super::wire::Records;
    use super::*;

    const ID: [u8; 20] = [7; 20];

    fn all() -> Vec<Record<'static>> {
        let route = Route { from: 255, to: Some(0) };
        let digest = Digest { complete: 0, incomplete: u32::MAX, opening: true };
        let offer = CrossOffer {
            info_hash: InfoHash(ID),
            peer_id: PeerId([1; 20]),
            offer_id: OfferId([2; 20]),
            offer: br#"{"type":"offer","sdp":"v=0"}"#,
            token: ReturnToken(u64::MAX - 5),
        };
        let answer = CrossAnswer {
            info_hash: InfoHash(ID),
            peer_id: PeerId([1; 20]),
            to_peer_id: PeerId([3; 20]),
            offer_id: OfferId([2; 20]),
            answer: b"{}",
            token: ReturnToken(0),
        };
        vec![
            Record::Hello(Hello {
                name: "node-1",
                workers: 256,
                every_ms: 5000,
                asks: true,
                load: Some(Load { connections: 18_000, peers: 36_000 }),
            }),
            Record::Goodbye,
            Record::Said(route, Said::Digest(InfoHash(ID), digest)),
            Record::Said(Route { from: 0, to: None }, Said::Digest(InfoHash(ID), Digest::GOODBYE)),
            Record::Said(route, Said::Offer(offer)),
            Record::Said(Route { from: 7, to: Some(255) }, Said::Answer(answer)),
        ]
    }

    fn written(records: &[Record<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        records.iter().for_each(|record| record.write(&mut out));
        out
    }

    #[test]
    fn each_record_comes_back_as_it_was() {
        let out = written(&all());
        let read: Vec<_> = Records(&out)
            .map(|record| record.and_then(|(kind, body)| Record::read(kind, body)))
            .map(|record| record.expect("whole").expect("known"))
            .collect();
        assert_eq!(read, all());
    }

    #[test]
    fn an_earlier_release_says_nothing_of_its_load() {
        let hello = Hello { name: "a", workers: 1, every_ms: 5000, asks: false, load: None };
        let mut out = written(&[Record::Hello(hello)]);
        let body = out.split_off(5);
        assert_eq!(Record::read(out[0], &body), Ok(Some(Record::Hello(hello))));
    }

    #[test]
    fn what_a_later_release_adds_is_not_looked_at_and_its_kinds_are_not_known() {
        for record in all() {
            let mut out = written(&[record]);
            let body = [&out.split_off(5), &b"more"[..]].concat();
            assert_eq!(Record::read(out[0], &body), Ok(Some(record)));
        }
        assert_eq!(Record::read(6, b"?"), Ok(None));
    }

    #[test]
    fn a_record_that_is_cut_anywhere_is_refused() {
        for record in all().into_iter().filter(|record| *record != Record::Goodbye) {
            let mut out = written(&[record]);
            let body = out.split_off(5);
            // An earlier release's hello ends before the load.
            let earlier = match record {
                Record::Hello(hello) => {
                    written(&[Record::Hello(Hello { load: None, ..hello })]).split_off(5).len()
                }
                _ => body.len(),
            };
            for length in (0..body.len()).filter(|length| *length != earlier) {
                let cut = Record::read(out[0], &body[..length]);
                assert_eq!(cut, Err(Malformed::Cut), "{length} of {record:?}");
            }
        }
    }

    /// docs/operating/cluster.md counts on it.
    #[test]
    fn a_digest_takes_few_bytes_and_an_offer_little_more_than_what_it_carries() {
        let route = Route { from: 3, to: Some(4) };
        let digest = |members| Digest { complete: members, incomplete: members, opening: false };
        let said = |digest| Record::Said(route, Said::Digest(InfoHash(ID), digest));
        assert_eq!(written(&[said(digest(1))]).len(), 30);
        assert_eq!(written(&[said(digest(2_000_000))]).len(), 34);
        for (record, more) in all().into_iter().skip(4).zip([77, 97]) {
            let Record::Said(_, said) = record else { panic!("{record:?}") };
            let carried = vec![b' '; 1500];
            let said = match said {
                Said::Offer(offer) => Said::Offer(CrossOffer { offer: &carried, ..offer }),
                Said::Answer(answer) => Said::Answer(CrossAnswer { answer: &carried, ..answer }),
                Said::Digest(..) => panic!("{said:?}"),
            };
            assert_eq!(written(&[Record::Said(route, said)]).len(), 1500 + more);
        }
    }

    #[test]
    fn a_worker_that_no_node_has_is_refused() {
        for (from, to) in [(256, Some(0)), (0, Some(256))] {
            let said = Said::Digest(InfoHash(ID), Digest::GOODBYE);
            let out = written(&[Record::Said(Route { from, to }, said)]);
            assert_eq!(Record::read(DIGEST, &out[5..]), Err(Malformed::Cut), "{from} {to:?}");
        }
        for workers in [0, 257] {
            let hello = Hello { name: "a", workers, every_ms: 1, asks: false, load: None };
            let out = written(&[Record::Hello(hello)]);
            assert_eq!(Record::read(HELLO, &out[5..]), Err(Malformed::Cut));
        }
    }

    #[test]
    fn a_name_that_would_spoil_the_log_is_refused() {
        for name in ["a\nb", "\u{1b}[31m", "ä", &"n".repeat(BUS_NAME_BYTES_MAX + 1)] {
            let hello = Hello { name, workers: 1, every_ms: 1, asks: false, load: None };
            let out = written(&[Record::Hello(hello)]);
            assert_eq!(Record::read(HELLO, &out[5..]), Err(Malformed::Cut), "{name:?}");
        }
    }

    /// Whatever comes, nothing panics, and what is read is written the same way.
    #[test]
    fn garbage_is_refused_or_means_something() {
        let seed = rand::random();
        let mut rng = StdRng::seed_from_u64(seed);
        let good = written(&all());
        let mut understood = 0;
        for _ in 0..50_000 {
            let mut bytes = good.clone();
            match rng.random_range(0..3) {
                0 => {
                    for _ in 0..rng.random_range(1..4) {
                        let at = rng.random_range(0..bytes.len());
                        bytes[at] = rng.random();
                    }
                }
                1 => bytes.truncate(rng.random_range(0..good.len())),
                _ => {
                    bytes.truncate(rng.random_range(0..64));
                    rng.fill_bytes(&mut bytes);
                }
            }
            for (kind, body) in Records(&bytes).map_while(Result::ok) {
                if let Ok(Some(record)) = Record::read(kind, body) {
                    let again = written(&[record]);
                    assert_eq!(Record::read(kind, &again[5..]), Ok(Some(record)), "seed {seed}");
                    understood += 1;
                }
            }
        }
        assert!(understood > 10_000, "{understood} with seed {seed}");
    }
}
