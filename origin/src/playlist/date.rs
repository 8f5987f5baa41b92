//! Dates as playlists and manifests write them.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// ISO 8601 with milliseconds, in UTC, as EXT-X-PROGRAM-DATE-TIME and XML want it.
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

pub(crate) fn date(moment: SystemTime) -> String {
    // Whoever wrote a playlist may have written any date. One beyond the year 9999 is left empty,
    // which players ignore.
    let since_epoch = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let since_epoch = time::Duration::try_from(since_epoch).ok();
    let date = since_epoch.and_then(|since| OffsetDateTime::UNIX_EPOCH.checked_add(since));
    date.and_then(|date| date.format(DATE).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_date_that_no_calendar_has_is_left_empty() {
        let after = |seconds| date(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(after(253_402_300_799), "9999-12-31T23:59:59.000Z");
        assert_eq!(after(253_402_300_800), "");
        assert_eq!(after(1 << 61), "");
    }
}
