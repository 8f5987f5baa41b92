//! Dates as playlists and manifests write them.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// ISO 8601 with milliseconds, in UTC, as EXT-X-PROGRAM-DATE-TIME and XML want it.
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

pub(crate) fn date(moment: SystemTime) -> String {
    // The format has no part that could be missing, so this cannot fail; an absurd clock would
    // give an empty date, which players ignore.
    OffsetDateTime::from(moment).format(DATE).unwrap_or_default()
}
