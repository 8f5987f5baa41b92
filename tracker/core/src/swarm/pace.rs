//! How often a member announces (BEP 3's `min interval`). Offers that come too early cost a warning
//! and nothing else; who goes on like that is not answered any more until it has paused.

use super::members::Member;
use crate::limits::{EARLY_ANNOUNCES_MAX, EARLY_GRACE_S};
use crate::wire::{Event, Reason, Warning};

impl Member {
    /// Takes note of an announce at `now_s`, which brings offers or not. A warning is for offers
    /// that must not be relayed.
    ///
    /// An announce is early for `min_interval_s` after the last one whose offers were let through,
    /// or after one that wasn't early; but for the last [`EARLY_GRACE_S`] of it. Only a plain
    /// announce is ever warned: webtorrent says `completed` right before `started`, and a page that
    /// comes back to a stream begins anew.
    ///
    /// # Errors
    ///
    /// [`Reason::TooEarly`] when [`EARLY_ANNOUNCES_MAX`] others in a row were.
    pub(super) fn keep_pace(
        &mut self,
        event: Event,
        brings_offers: bool,
        min_interval_s: u32,
        now_s: u32,
    ) -> Result<Option<Warning>, Reason> {
        if min_interval_s == 0 {
            return Ok(None);
        }
        let early_s = self.early_until_s.saturating_sub(now_s);
        if early_s <= EARLY_GRACE_S.min(min_interval_s - 1) {
            (self.early, self.has_offered) = (0, false);
            self.early_until_s = now_s.saturating_add(min_interval_s);
        } else if self.early == EARLY_ANNOUNCES_MAX {
            return Err(Reason::TooEarly { early_s, bound: EARLY_ANNOUNCES_MAX });
        } else {
            self.early += 1;
        }
        if brings_offers {
            if self.has_offered && event == Event::Update {
                return Ok(Some(Warning::OffersTooEarly { early_s, min_interval_s }));
            }
            self.has_offered = true;
            self.early_until_s = now_s.saturating_add(min_interval_s);
        }
        Ok(None)
    }
}
