//! One playlist or segment as an answer: its type, how long it may be cached, and whether the
//! client gets all of it, a part (RFC 9110, 14), or the word that it has it already.

use actix_web::http::header::{
    ACCEPT_RANGES, ByteRangeSpec, CACHE_CONTROL, ContentRange, ContentRangeSpec, ETag, EntityTag,
    Header, HeaderValue, IF_RANGE, IfNoneMatch, RANGE, Range,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::cors;
use crate::store::{File, Freshness};

/// A name that never gets other content: its copy is good for ever (a year, in practice).
const IMMUTABLE_CACHE: &str = "public, max-age=31536000, immutable";

/// What one URL stands for at the moment.
pub(super) struct Object {
    file: File,
    etag: EntityTag,
}

impl Object {
    pub(super) fn new(file: File) -> Self {
        let etag = EntityTag::new_strong(file.etag.to_string());
        Object { file, etag }
    }

    /// The answer to `GET` or `HEAD`.
    pub(super) fn answer(self, request: &HttpRequest) -> HttpResponse {
        if self.is_known_to(request) {
            return self.headed(HttpResponse::NotModified()).finish();
        }
        match self.part_for(request) {
            Part::Whole => {
                let mut response = self.headed(HttpResponse::Ok());
                response.content_type(self.file.media_type).body(self.file.bytes)
            }
            Part::Range { first, last } => {
                let mut response = self.headed(HttpResponse::PartialContent());
                response.insert_header(self.content_range(Some((first, last))));
                // Both lie within `bytes`, so they fit a usize.
                let part = self.file.bytes.slice(first as usize..=last as usize);
                response.content_type(self.file.media_type).body(part)
            }
            Part::OutOfRange => {
                let mut response = cors::open(HttpResponse::RangeNotSatisfiable());
                response.insert_header((CACHE_CONTROL, super::ERROR_CACHE));
                response.insert_header(self.content_range(None));
                let text = format!("The file has {} bytes.\n", self.file.bytes.len());
                response.content_type("text/plain; charset=utf-8").body(text)
            }
        }
    }

    fn is_known_to(&self, request: &HttpRequest) -> bool {
        match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(known)) => known.iter().any(|tag| tag.weak_eq(&self.etag)),
            Err(_) => false,
        }
    }

    /// One range is served; several at once, another unit, or rubbish get the whole, as RFC 9110
    /// allows, and so does a range of another version (`If-Range`).
    fn part_for(&self, request: &HttpRequest) -> Part {
        let headers = request.headers();
        let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
        let Some(range) = range.filter(|_| self.takes_ranges()) else {
            return Part::Whole;
        };
        if headers.get(IF_RANGE).is_some_and(|version| !self.is_of(version)) {
            return Part::Whole;
        }
        let Ok(Range::Bytes(ranges)) = range.parse() else {
            return Part::Whole;
        };
        let [range] = ranges.as_slice() else {
            return Part::Whole;
        };
        match (range.to_satisfiable_range(self.file.bytes.len() as u64), range) {
            (Some((first, last)), _) => Part::Range { first, last },
            (None, ByteRangeSpec::FromTo(from, to)) if from > to => Part::Whole,
            (None, _) => Part::OutOfRange,
        }
    }

    /// A playlist is small, and another one before its parts could be asked for.
    fn takes_ranges(&self) -> bool {
        self.file.freshness == Freshness::Immutable
    }

    fn is_of(&self, version: &HeaderValue) -> bool {
        let version = version.to_str().ok().and_then(|version| version.parse::<EntityTag>().ok());
        version.is_some_and(|version| version.strong_eq(&self.etag))
    }

    fn content_range(&self, range: Option<(u64, u64)>) -> ContentRange {
        let instance_length = Some(self.file.bytes.len() as u64);
        ContentRange(ContentRangeSpec::Bytes { range, instance_length })
    }

    fn headed(&self, response: HttpResponseBuilder) -> HttpResponseBuilder {
        let mut response = cors::open(response);
        response
            .insert_header(ETag(self.etag.clone()))
            .insert_header((CACHE_CONTROL, cache_control(self.file.freshness)));
        if self.takes_ranges() {
            response.insert_header((ACCEPT_RANGES, "bytes"));
        }
        response
    }
}

enum Part {
    Whole,
    /// Both inclusive, `first` at most `last`, and `last` below the length.
    Range {
        first: u64,
        last: u64,
    },
    OutOfRange,
}

/// A live playlist's copy is good for at most half a target duration, so that it is never older
/// than a player notices.
fn cache_control(freshness: Freshness) -> String {
    match freshness {
        Freshness::Immutable => IMMUTABLE_CACHE.to_owned(),
        Freshness::Live(target) => format!("public, max-age={}", target.as_secs() / 2),
    }
}
