//! One playlist or segment as an answer: its type, how long it may be cached, how it is written,
//! and whether the client gets all of it, a part (RFC 9110, 14), or the word that it has it already.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, ByteRangeSpec, CACHE_CONTROL, CONTENT_ENCODING, ContentRange, ContentRangeSpec,
    ETag, EntityTag, Header, HeaderValue, IF_RANGE, IfNoneMatch, RANGE, Range, VARY,
};
use actix_web::http::{Method, Version};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;

use super::loans::{Loans, Recipient};
use super::{coding, cors};
use crate::limits::SLICE_BYTES;
use crate::store::{Coding, File, Freshness, Shelf};

/// What one URL stands for at the moment, as this client wants it written.
pub(super) struct Object {
    file: File,
    coding: Coding,
    bytes: Bytes,
    etag: EntityTag,
    /// Seconds for which the address is good, where it is signed.
    seconds_left: Option<u64>,
}

impl Object {
    pub(super) fn new(file: File, request: &HttpRequest, seconds_left: Option<u64>) -> Self {
        let (coding, bytes) = match file.has_codings() {
            true => file.coded(coding::chosen(request.headers())),
            false => (Coding::Identity, file.bytes.clone()),
        };
        // Strong, so it tells apart what differs in a byte (RFC 9110, 8.8.3.3).
        let etag = match coding {
            Coding::Identity => file.etag.to_string(),
            other => format!("{}-{}", file.etag, other.name()),
        };
        Object { file, coding, bytes, etag: EntityTag::new_strong(etag), seconds_left }
    }

    /// The answer to `GET` or `HEAD`.
    pub(super) fn answer(
        self,
        request: &HttpRequest,
        shelf: &Arc<Shelf>,
        loans: &Rc<Loans>,
    ) -> HttpResponse {
        if self.is_known_to(request) {
            return self.headed(HttpResponse::NotModified()).finish();
        }
        let (mut response, range) = match self.part_for(request) {
            Part::Whole => (self.headed(HttpResponse::Ok()), 0..self.bytes.len()),
            Part::Range { first, last } => {
                let mut response = self.headed(HttpResponse::PartialContent());
                response.insert_header(self.content_range(Some((first, last))));
                // Both lie within `bytes`, so they fit a usize.
                (response, first as usize..last as usize + 1)
            }
            Part::OutOfRange => return self.out_of_range(),
        };
        let Some(body) = body(self.bytes.slice(range.clone()), request, shelf, loans) else {
            return super::busy();
        };
        #[cfg(target_os = "linux")]
        if self.takes_ranges() && range.len() > SLICE_BYTES {
            let bytes = range.start as u64..range.end as u64;
            let (file, shelf) = (self.file.clone(), shelf.clone());
            response.extensions_mut().insert(super::Sendable { file, bytes, shelf });
        }
        response.content_type(self.file.media_type).body(body)
    }

    fn out_of_range(&self) -> HttpResponse {
        let mut response = super::text(StatusCode::RANGE_NOT_SATISFIABLE, super::ERROR_CACHE);
        let why = format!("The file has {} bytes.\n", self.bytes.len());
        response.insert_header(self.content_range(None)).body(why)
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
        match (range.to_satisfiable_range(self.bytes.len() as u64), range) {
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
        let instance_length = Some(self.bytes.len() as u64);
        ContentRange(ContentRangeSpec::Bytes { range, instance_length })
    }

    fn headed(&self, response: HttpResponseBuilder) -> HttpResponseBuilder {
        let mut response = cors::open(response);
        response
            .insert_header(ETag(self.etag.clone()))
            .insert_header((CACHE_CONTROL, cache_control(self.file.freshness, self.seconds_left)));
        if self.takes_ranges() {
            response.insert_header((ACCEPT_RANGES, "bytes"));
        }
        if self.file.has_codings() {
            response.insert_header((VARY, "Accept-Encoding"));
        }
        if self.coding != Coding::Identity {
            response.insert_header((CONTENT_ENCODING, self.coding.name()));
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

/// What fits one slice is handed to HTTP/1 as it is, and so is what HTTP only counts; all else is
/// lent. `None` when too much is.
fn body(
    bytes: Bytes,
    request: &HttpRequest,
    shelf: &Arc<Shelf>,
    loans: &Rc<Loans>,
) -> Option<BoxBody> {
    let is_stream = request.version() == Version::HTTP_2;
    if request.method() == Method::HEAD {
        return Some(BoxBody::new(bytes));
    }
    if !is_stream && bytes.len() <= SLICE_BYTES {
        shelf.traffic.sent(bytes.len());
        return Some(BoxBody::new(bytes));
    }
    let to = if is_stream { Recipient::Stream } else { Recipient::Connection };
    loans.lend(bytes, shelf, to).map(BoxBody::new)
}

/// A live playlist's copy is good for at most half a target duration, so that it is never older
/// than a player notices; a name that never gets other content, for ever (a year, in practice). No
/// copy is good for longer than the address that it has.
fn cache_control(freshness: Freshness, seconds_left: Option<u64>) -> String {
    let (seconds, never_changes) = match freshness {
        Freshness::Immutable => (31_536_000, ", immutable"),
        // HTTP counts whole seconds, and with none no cache would keep it.
        Freshness::Live(target) => ((target.as_secs() / 2).max(1), ""),
    };
    let seconds = seconds_left.map_or(seconds, |left| left.min(seconds));
    format!("public, max-age={seconds}{never_changes}")
}
