//! What does it cost to write one message that goes out? Unit: time per message, and bytes of it per
//! second. Beside it what aquatic_ws does for the same: its own types, written by serde_json into a
//! string. Reading what is passed on isn't measured here.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::panic, reason = "a bench may fail")]

use std::hint::black_box;

use aquatic_ws_protocol::common::{AnnounceAction, InfoHash, ScrapeAction};
use aquatic_ws_protocol::incoming::{AnnounceRequest, InMessage};
use aquatic_ws_protocol::outgoing::{
    AnnounceResponse, AnswerOutMessage, OfferOutMessage, OutMessage, ScrapeResponse,
    ScrapeStatistics,
};
use benches::{SCRAPED, answer, first_offer, gathered_announce, peer_id, scrape};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tracker_core::{Counts, Incoming, Limits, Outgoing, Scrape, parse};

const COUNTS: Counts = Counts { complete: 7, incomplete: 43, downloaded: 12 };

fn messages(criterion: &mut Criterion) {
    let (announce, answer) = (gathered_announce(&peer_id(1)), answer(&peer_id(1), &peer_id(2), 0));
    let limits = Limits::default();
    let (
        Ok(Incoming::Announce(announced)),
        Ok(Incoming::Answer(answered)),
        Ok(Incoming::Scrape(Scrape::Swarms(scraped))),
    ) = (
        parse(announce.clone(), &limits),
        parse(answer.clone(), &limits),
        parse(scrape(), &limits),
    )
    else {
        panic!("frames that make sense");
    };
    let files: Vec<_> = scraped.into_iter().map(|info_hash| (info_hash, COUNTS)).collect();
    let (their_announce, their_answer) = (aquatic(&announce), aquatic(&answer));

    let reply = Outgoing::Reply {
        info_hash: announced.info_hash_span.of(&announce),
        interval_s: 120,
        min_interval_s: 30,
        counts: COUNTS,
        warning: None,
    };
    compare(criterion, "reply", &reply, &their_reply(&their_announce));
    let offer = first_offer(&announced);
    compare(criterion, "offer of 1.5 kB", &offer, &their_offer(&their_announce));
    let passed_on = Outgoing::Answer {
        info_hash: answered.info_hash_span.of(&answer),
        peer_id: answered.peer_id_span.of(&answer),
        offer_id: answered.offer_id_span.of(&answer),
        answer: answered.answer.of(&answer),
    };
    compare(criterion, "answer of 1.5 kB", &passed_on, &their_passed_on(&their_answer));
    let found = Outgoing::Scrape { files: &files };
    compare(criterion, "scrape reply of 10 swarms", &found, &their_found());
}

fn compare(criterion: &mut Criterion, name: &str, ours: &Outgoing<'_>, theirs: &OutMessage) {
    let mut group = criterion.benchmark_group(format!("write {name}"));
    group.throughput(Throughput::Bytes(ours.len() as u64));
    let mut outbox = Vec::new();
    group.bench_function("tracker_core", |bencher| {
        bencher.iter(|| {
            outbox.clear();
            // A frame's header needs the length first.
            outbox.reserve(black_box(ours).len());
            black_box(ours).write(&mut outbox);
            outbox.len()
        });
    });
    group.bench_function("aquatic_ws_protocol", |bencher| {
        bencher.iter(|| serde_json::to_string(black_box(theirs)).map(|text| text.len()));
    });
    group.finish();
}

fn aquatic(frame: &[u8]) -> AnnounceRequest {
    match simd_json::serde::from_slice(&mut frame.to_vec()) {
        Ok(InMessage::AnnounceRequest(request)) => request,
        other => panic!("no announce: {other:?}"),
    }
}

fn their_reply(announce: &AnnounceRequest) -> OutMessage {
    OutMessage::AnnounceResponse(AnnounceResponse {
        action: AnnounceAction::Announce,
        info_hash: announce.info_hash,
        complete: COUNTS.complete,
        incomplete: COUNTS.incomplete,
        announce_interval: 120,
    })
}

fn their_offer(announce: &AnnounceRequest) -> OutMessage {
    let Some([offer, ..]) = announce.offers.as_deref() else {
        panic!("an announce with offers");
    };
    OutMessage::OfferOutMessage(OfferOutMessage {
        action: AnnounceAction::Announce,
        peer_id: announce.peer_id,
        info_hash: announce.info_hash,
        offer: offer.offer.clone(),
        offer_id: offer.offer_id,
    })
}

fn their_passed_on(answer: &AnnounceRequest) -> OutMessage {
    let (Some(sdp), Some(offer_id)) = (answer.answer.clone(), answer.answer_offer_id) else {
        panic!("an answer");
    };
    OutMessage::AnswerOutMessage(AnswerOutMessage {
        action: AnnounceAction::Announce,
        peer_id: answer.peer_id,
        info_hash: answer.info_hash,
        answer: sdp,
        offer_id,
    })
}

fn their_found() -> OutMessage {
    let statistics = || ScrapeStatistics {
        complete: COUNTS.complete,
        incomplete: COUNTS.incomplete,
        downloaded: COUNTS.downloaded as usize,
    };
    let files = SCRAPED.map(|info_hash| (InfoHash(*info_hash), statistics()));
    OutMessage::ScrapeResponse(ScrapeResponse {
        action: ScrapeAction::Scrape,
        files: files.into_iter().collect(),
    })
}

criterion_group!(benches, messages);
criterion_main!(benches);
