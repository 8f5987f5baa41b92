//! The largest swarms of all workers, for whoever may see which there are: operators, on the
//! private listener, and clients where the site lets them scrape everything.

use std::cmp::Reverse;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Query};
use serde::{Deserialize, Serialize};
use tracker_core::{Counts, InfoHash};

use crate::actors::LargestSwarms;
use crate::limits::SWARMS_LISTED_MAX;
use crate::node::Node;

/// What `/swarms.json` lists unless it is asked for another number.
const LISTED: usize = 100;

/// The [`SWARMS_LISTED_MAX`] largest swarms, the largest first; those of equal size by info hash.
/// They are a few seconds old at most.
pub(crate) fn largest(node: &Node) -> impl Future<Output = Vec<(InfoHash, Counts)>> + use<> {
    let questions = node.shards().map(|shard| shard.send(LargestSwarms)).collect::<Vec<_>>();
    async move {
        let answers = futures_util::future::join_all(questions).await;
        let answers = answers.iter().flatten().flat_map(|answer| answer.iter().copied());
        let mut swarms = together(answers);
        let members = |counts: &Counts| counts.complete + counts.incomplete;
        swarms.sort_by_key(|(info_hash, counts)| (Reverse(members(counts)), *info_hash));
        swarms.truncate(SWARMS_LISTED_MAX);
        swarms
    }
}

/// What each worker has of a swarm, added up.
fn together(partitions: impl Iterator<Item = (InfoHash, Counts)>) -> Vec<(InfoHash, Counts)> {
    let mut swarms: Vec<(InfoHash, Counts)> = partitions.collect();
    swarms.sort_by_key(|(info_hash, _)| *info_hash);
    swarms.dedup_by(|(info_hash, counts), (kept, sum)| {
        let same = info_hash == kept;
        if same {
            sum.complete += counts.complete;
            sum.incomplete += counts.incomplete;
            sum.downloaded += counts.downloaded;
        }
        same
    });
    swarms
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    count: Option<String>,
}

/// `/swarms.json`: the largest swarms, as many as `count` says.
pub(crate) async fn page(node: Data<Node>, Query(asked): Query<Asked>) -> HttpResponse {
    let count = match asked.count.as_deref().map(str::parse) {
        None => LISTED,
        Some(Ok(count)) if (1..=SWARMS_LISTED_MAX).contains(&count) => count,
        Some(_) => {
            let bound = format!("count must be a whole number of 1 to {SWARMS_LISTED_MAX}\n");
            return HttpResponse::BadRequest().body(bound);
        }
    };
    let mut swarms = largest(&node).await;
    swarms.truncate(count);
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(List {
        torrents_count: node.swarms(),
        swarms: swarms.into_iter().map(Listed::from).collect(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    /// Of all, listed or not.
    torrents_count: usize,
    swarms: Vec<Listed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    /// In [`hexadecimal`] digits.
    info_hash: String,
    complete: usize,
    incomplete: usize,
    downloaded: u64,
}

impl From<(InfoHash, Counts)> for Listed {
    fn from((info_hash, counts): (InfoHash, Counts)) -> Self {
        let Counts { complete, incomplete, downloaded } = counts;
        Self { info_hash: hexadecimal(&info_hash), complete, incomplete, downloaded }
    }
}

/// As in the files of `access`.
pub(crate) fn hexadecimal(InfoHash(bytes): &InfoHash) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A shard's largest swarms, as it found them last.
pub(crate) type Snapshot = Arc<[(InfoHash, Counts)]>;
