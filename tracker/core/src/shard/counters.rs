//! What a shard counts of itself.

/// What a shard has done since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Announces that were replied to.
    pub announces: u64,
    /// Offers that were passed on.
    pub offers_relayed: u64,
    /// Offers that weren't, because their announce came before `min interval` had passed.
    pub offers_early: u64,
    /// Offers that weren't, because whoever was picked had received too many.
    pub offers_over_rate: u64,
    /// Answers that were passed on.
    pub answers_relayed: u64,
    /// Offers that were sent to siblings.
    pub cross_offers_sent: u64,
    /// Offers of siblings that were passed on.
    pub cross_offers_relayed: u64,
    /// Offers of siblings that weren't, because nobody was here any more, or whoever was picked had
    /// received too many.
    pub cross_offers_dropped: u64,
    /// Answers that were sent back to siblings.
    pub cross_answers_sent: u64,
    /// Answers from siblings that were passed on.
    pub cross_answers_relayed: u64,
    /// Answers from siblings that weren't, because no offer waited for them any more.
    pub cross_answers_dropped: u64,
    /// Digests that were said, to one sibling or to all.
    pub digests_sent: u64,
    /// Digests that weren't taken, because there were
    /// [`SIBLINGS_MAX`](crate::limits::SIBLINGS_MAX) siblings already.
    pub digests_dropped: u64,
    /// Messages that were refused.
    pub refusals: u64,
}
