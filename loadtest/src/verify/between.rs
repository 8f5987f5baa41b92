//! What goes from node to node of a cluster, and what of it is lost. An offer that reaches nobody
//! doesn't say whom it was for: each may cross by chance, as a coin falls, so one announce proves
//! nothing. All of them together do: as many may be missing from their own nodes as chance explains.

use std::time::Instant;

use super::departure::Excuse;
use super::round::{LostFar, Round};
use crate::limits::CHANCE_OF_WRONG;
use crate::plan::Plan;

/// Both sides of a cluster's work: what stayed on a node, and what crossed.
#[derive(Clone, Debug)]
pub(crate) struct Between {
    /// By how many of an announce's offers stay that don't cross by chance: how likely that is.
    staying: Vec<f64>,
    /// By how many others were on the maker's node, no more than offers in an announce: announces
    /// that are done with.
    announces: Vec<u64>,
    began: Instant,
    /// Delivered on the node of the maker.
    pub(crate) near: Delivered,
    /// Delivered on another one.
    pub(crate) far: Delivered,
    /// Offers that went to somebody elsewhere who had one of the same announce: there nodes choose
    /// each for itself.
    pub(crate) crowded: u64,
    /// Answers that were refused, whose own node knew no way to the other one.
    pub(crate) refused: u64,
    /// Counted as lost, and arrived after all.
    pub(crate) late: u64,
    pub(crate) lost: Delivered,
    /// Offers of them that have stayed on their node.
    kept: u64,
    /// Those that may have gone to somebody there who left.
    excused: u64,
    /// By the second of the run in which the announce was sent.
    pub(crate) by_second: Vec<Second>,
}

/// Of each kind of message so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) offers: u64,
    pub(crate) answers: u64,
}

/// One second of announces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Second {
    /// Offers and answers that crossed.
    pub(crate) crossed: u32,
    pub(crate) lost_offers: u32,
    pub(crate) lost_answers: u32,
}

/// Offers that stayed on their node, and what is held against that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kept {
    /// As many at least, on average.
    pub(crate) owed: f64,
    /// That many fewer are chance.
    pub(crate) margin: f64,
    pub(crate) kept: u64,
    /// Those that may have gone to somebody who left.
    pub(crate) excused: u64,
}

impl Between {
    /// `None` for a tracker that stands alone.
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        plan.is_cluster().then(|| Self {
            staying: staying(plan.offers, plan.cross_share),
            announces: vec![0; usize::from(plan.offers) + 1],
            began: Instant::now(),
            near: Delivered::default(),
            far: Delivered::default(),
            crowded: 0,
            refused: 0,
            late: 0,
            lost: Delivered::default(),
            kept: 0,
            excused: 0,
            by_second: Vec::new(),
        })
    }

    /// An offer of `round` arrived on its node, or on another; perhaps one that counts as lost.
    pub(super) fn offer_arrived(&mut self, round: &mut Round, is_far: bool) {
        let side = if is_far { &mut self.far } else { &mut self.near };
        side.offers += 1;
        round.near += u16::from(!is_far);
        self.kept += u64::from(!is_far && round.is_closed);
        let second = self.second(round.sent);
        second.crossed += u32::from(is_far);
        if round.lost_far.offers > 0 {
            round.lost_far.offers -= 1;
            second.lost_offers -= 1;
            self.lost.offers -= 1;
            self.late += 1;
        }
    }

    /// An answer to an offer of `round` arrived from its node, or from another.
    pub(super) fn answer_arrived(&mut self, round: &mut Round, is_far: bool) {
        let side = if is_far { &mut self.far } else { &mut self.near };
        side.answers += 1;
        let second = self.second(round.sent);
        second.crossed += u32::from(is_far);
        if is_far && round.lost_far.answers > 0 {
            round.lost_far.answers -= 1;
            second.lost_answers -= 1;
            self.lost.answers -= 1;
            self.late += 1;
        }
    }

    /// An announce is done with: so many of its offers stayed on its node, others would have but
    /// for those who `excused` them by leaving. Once for each.
    pub(super) fn close(&mut self, round: &mut Round, excused: u16) {
        if round.is_closed || round.others_near == 0 {
            return;
        }
        round.is_closed = true;
        let others = usize::from(round.others_near).min(self.announces.len() - 1);
        self.announces[others] += 1;
        self.kept += u64::from(round.near);
        self.excused += u64::from(excused);
    }

    /// Nobody waits for `round` any more: what has not arrived of it counts as lost between nodes,
    /// but for what is excused. Once for each.
    pub(super) fn write_off(&mut self, round: &mut Round, excuse: Excuse) {
        self.close(round, excuse.offers);
        round.lost_far = round.loss_far(excuse);
        if !round.has_lost_far() {
            return;
        }
        let LostFar { offers, answers } = round.lost_far;
        self.lost.offers += u64::from(offers);
        self.lost.answers += u64::from(answers);
        let second = self.second(round.sent);
        second.lost_offers += u32::from(offers);
        second.lost_answers += u32::from(answers);
    }

    /// What has stayed on its node, of what was owed.
    pub(crate) fn kept(&self) -> Kept {
        let announces = self.announces.iter().enumerate().filter(|(_, count)| **count > 0);
        let kinds: Vec<_> = announces.map(|(others, count)| (*count as f64, others)).collect();
        let owed = kinds.iter().map(|(count, others)| count * self.mean(*others)).sum();
        // Chernoff's bound: that so many more cross than on average is less likely than the chance
        // that is allowed, by whichever of these powers says so with the fewest.
        let sure = -CHANCE_OF_WRONG.ln();
        let margin = (0..CHERNOFF_POWERS.1).map(|step| {
            let power = CHERNOFF_POWERS.0 * 1.1_f64.powi(step);
            let growth = |(count, others): &(f64, usize)| count * self.growth(*others, power);
            (kinds.iter().map(growth).sum::<f64>() + sure) / power
        });
        let margin = margin.fold(f64::INFINITY, f64::min);
        Kept {
            owed,
            margin: if kinds.is_empty() { 0.0 } else { margin },
            kept: self.kept,
            excused: self.excused,
        }
    }

    /// How many of an announce's offers stay with so many others, on average: those that don't
    /// cross by chance, as far as there is somebody.
    fn mean(&self, others: usize) -> f64 {
        self.outcomes(others).map(|(stay, chance)| chance * stay).sum()
    }

    /// The logarithm of the mean of e^(power * how many fewer stay than on average).
    fn growth(&self, others: usize, power: f64) -> f64 {
        let mean = self.mean(others);
        let grown = |(stay, chance): (f64, f64)| chance * (power * (mean - stay)).exp();
        self.outcomes(others).map(grown).sum::<f64>().ln()
    }

    /// How many of an announce's offers stay with so many others, and how likely each is.
    fn outcomes(&self, others: usize) -> impl Iterator<Item = (f64, f64)> {
        let outcomes = self.staying.iter().enumerate().filter(|(_, chance)| **chance > 0.0);
        outcomes.map(move |(stay, chance)| (stay.min(others) as f64, *chance))
    }

    /// Offers that were lost on their own node: more than chance explains, and no more than are
    /// missing at all.
    pub(crate) fn lost_near(&self) -> u64 {
        let Kept { owed, margin, kept, excused } = self.kept();
        let arrived = (kept + excused) as f64;
        // A tenth is for what floating point leaves where nothing crosses by chance.
        let missing = (owed - margin - arrived - 0.1).ceil().max(0.0) as u64;
        missing.min(self.lost.offers)
    }

    /// Those of another worker, too.
    pub(crate) fn add(&mut self, other: &Self) {
        self.near.add(other.near);
        self.far.add(other.far);
        self.lost.add(other.lost);
        self.crowded += other.crowded;
        self.refused += other.refused;
        self.late += other.late;
        for (count, other) in self.announces.iter_mut().zip(&other.announces) {
            *count += other;
        }
        self.kept += other.kept;
        self.excused += other.excused;
        if self.by_second.len() < other.by_second.len() {
            self.by_second.resize(other.by_second.len(), Second::default());
        }
        for (second, other) in self.by_second.iter_mut().zip(&other.by_second) {
            second.add(*other);
        }
    }

    /// The second of the run that holds `at`. A run ends within a day and some minutes.
    fn second(&mut self, at: Instant) -> &mut Second {
        let number = at.saturating_duration_since(self.began).as_secs() as usize;
        if self.by_second.len() <= number {
            self.by_second.resize(number + 1, Second::default());
        }
        &mut self.by_second[number]
    }
}

/// By how many of `offers` don't cross by chance: how likely that is.
fn staying(offers: u16, cross_share: f64) -> Vec<f64> {
    let mut staying = vec![1.0];
    for _ in 0..offers {
        let mut next = vec![0.0; staying.len() + 1];
        for (stay, chance) in staying.iter().enumerate() {
            next[stay] += chance * cross_share;
            next[stay + 1] += chance * (1.0 - cross_share);
        }
        staying = next;
    }
    staying
}

/// The lowest power that Chernoff's bound is tried with, for very many offers, and how many there
/// are, each a tenth above the one before it: up to 2e5, for none that cross by chance.
const CHERNOFF_POWERS: (f64, i32) = (1e-4, 226);

impl Delivered {
    fn add(&mut self, other: Self) {
        self.offers += other.offers;
        self.answers += other.answers;
    }
}

impl Second {
    /// This one and another as one.
    pub(crate) fn add(&mut self, other: Self) {
        self.crossed += other.crossed;
        self.lost_offers += other.lost_offers;
        self.lost_answers += other.lost_answers;
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::SmallRng};

    use super::*;
    use crate::plan::tests::small_plan;

    fn between(offers: u16, cross_share: f64) -> Between {
        let plan = small_plan();
        let nodes = vec![plan.nodes[0].clone(); 2];
        Between::of(&Plan { nodes, offers, cross_share, ..plan }).expect("two nodes")
    }

    #[test]
    fn so_many_offers_stay_as_do_not_cross_and_there_are_others() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a}, {b}");
        let five = between(5, 0.12);
        close(five.mean(5), 5.0 * 0.88);
        // One other gets one, unless all five cross.
        close(five.mean(1), 1.0 - 0.12_f64.powi(5));
        assert_eq!([0, 1, 2, 3].map(|others| between(3, 0.0).mean(others)), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(between(2, 1.0).mean(2), 0.0);
    }

    #[test]
    fn chance_is_given_six_deviations_and_no_room_where_there_is_none() {
        let mut many = between(10, 0.12);
        many.announces[10] = 10_000;
        let deviation = (100_000.0 * 0.12 * 0.88_f64).sqrt();
        let margin = many.kept().margin / deviation;
        // The normal distribution's tail is 1e-9 at 6.0; a bound is a bit above.
        assert!((6.0..7.0).contains(&margin), "{margin}");
        let mut few = between(10, 0.12);
        few.announces[2] = 10_000;
        // With two others, at least nine of ten would have to cross.
        assert!(few.kept().margin < 4.0, "{}", few.kept().margin);
        let mut none = between(10, 0.0);
        none.announces[10] = 10_000;
        assert!(none.kept().margin < 0.01, "{}", none.kept().margin);
        assert_eq!(between(10, 0.12).kept().margin, 0.0);
    }

    #[test]
    fn chance_alone_is_no_loss_and_two_in_a_hundred_are() {
        let seed = rand::rng().random();
        let mut rng = SmallRng::seed_from_u64(seed);
        for lost_share in [0.0, 0.02] {
            let mut between = between(5, 0.12);
            for _ in 0..20_000 {
                let stay = (0..5).filter(|_| !rng.random_bool(0.12)).count().min(4);
                let kept = (0..stay).filter(|_| !rng.random_bool(lost_share)).count() as u64;
                between.announces[4] += 1;
                between.kept += kept;
                between.lost.offers += 5 - kept;
            }
            assert_eq!(between.lost_near() > 0, lost_share > 0.0, "seed {seed}: {lost_share}");
        }
    }
}
