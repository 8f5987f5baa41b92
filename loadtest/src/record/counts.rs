//! Counts that the main thread reads while workers count.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Declares [`Counts`], and how it is a list of numbers.
macro_rules! counts {
    ($($(#[doc = $doc:literal])* $field:ident,)+) => {
        /// What one worker has done so far. The worker alone adds; once a turn it publishes.
        #[derive(Clone, Copy, Debug, Default)]
        pub(crate) struct Counts {
            $($(#[doc = $doc])* pub(crate) $field: u64,)+
        }

        /// Number of counts.
        const FIELDS: usize = [$(stringify!($field)),+].len();

        impl Counts {
            fn fields(&self) -> [u64; FIELDS] {
                [$(self.$field),+]
            }

            fn from_fields([$($field),+]: [u64; FIELDS]) -> Self {
                Self { $($field),+ }
            }
        }
    };
}

counts! {
    /// Peers whose first announce was replied to.
    joined,
    /// Peers that were cut off, or never got in.
    gone,
    announces,
    replies,
    /// Offers delivered.
    offers,
    /// Answers delivered.
    answers,
    /// Announces given up before everything had arrived.
    timeouts,
    /// Announces whose offers the tracker did not pass on, because they came too early.
    throttled,
    /// Offers of strangers that were answered.
    strangers_answered,
    /// Connections whose first announce was replied to: also those of peers that come again.
    opened,
    /// Those of them that have ended, in whatever way.
    closed,
}

impl Counts {
    /// Connections of peers that are in their swarms.
    pub(crate) fn connections(&self) -> u64 {
        self.opened.saturating_sub(self.closed)
    }

    /// An offer or an answer delivered is one relay.
    pub(crate) fn relays(&self) -> u64 {
        self.offers + self.answers
    }

    /// What happened since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let earlier = earlier.fields();
        let mut fields = self.fields();
        for (field, earlier) in fields.iter_mut().zip(earlier) {
            *field -= earlier;
        }
        Self::from_fields(fields)
    }

    /// These and those.
    pub(crate) fn and(&self, more: &Self) -> Self {
        let more = more.fields();
        let mut fields = self.fields();
        for (field, more) in fields.iter_mut().zip(more) {
            *field += more;
        }
        Self::from_fields(fields)
    }
}

/// One worker's counts where the main thread can see them.
#[derive(Debug, Default)]
pub(crate) struct Board {
    fields: [AtomicU64; FIELDS],
}

impl Board {
    pub(crate) fn publish(&self, counts: &Counts) {
        for (shown, field) in self.fields.iter().zip(counts.fields()) {
            shown.store(field, Relaxed);
        }
    }

    /// All workers' counts together.
    pub(crate) fn total<'a>(boards: impl Iterator<Item = &'a Self>) -> Counts {
        let mut total = [0; FIELDS];
        for board in boards {
            for (sum, shown) in total.iter_mut().zip(&board.fields) {
                *sum += shown.load(Relaxed);
            }
        }
        Counts::from_fields(total)
    }
}
