//! What a change did to rows of servers, whose samples have no wall: how many
//! requests they answered and how long the slowest took.

use crate::duration::duration;
use crate::report::{Row, RunReport};
use crate::serving::raw;
use crate::stats::{RunsOutcome, compare_runs, median};
use crate::text::names::name_of_key;
use crate::verdict::words::count;

/// A row that both runs measured.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedRow {
    /// [`Row::key`].
    pub key: String,
    /// Seconds that 99 of 100 requests did not exceed: medians of the rounds in
    /// the earlier run and in the later.
    pub p99_seconds: [f64; 2],
    /// What may be claimed of it; [`RunsOutcome::Faster`] is a shorter one.
    pub p99: RunsOutcome,
    /// Requests answered per second, likewise.
    pub per_second: [f64; 2],
    /// What may be claimed of them; [`RunsOutcome::Faster`] is more.
    pub rate: RunsOutcome,
}

/// The rows that both runs measured, in the order of `after`.
pub fn served_rows(before: &RunReport, after: &RunReport) -> Vec<ServedRow> {
    let rows = after.rows.iter();
    rows.filter_map(|is| {
        let was = before.rows.iter().find(|row| row.key() == is.key())?;
        ServedRow::new(was, is, before.quick || after.quick)
    })
    .collect()
}

impl ServedRow {
    fn new(was: &Row, is: &Row, quick: bool) -> Option<Self> {
        let [p99_was, p99_is] = [was, is].map(p99s);
        // Seconds for one request: so that less is faster, as with a p99.
        let [gap_was, gap_is] = [was, is].map(gaps);
        let claim = |before: &[f64], after: &[f64]| {
            let (_, outcome) = compare_runs(before, after)?;
            Some(if quick {
                RunsOutcome::TooFewRounds
            } else {
                outcome
            })
        };
        Some(Self {
            key: is.key(),
            p99_seconds: [median(&p99_was)?, median(&p99_is)?],
            p99: claim(&p99_was, &p99_is)?,
            per_second: [median(&gap_was)?.recip(), median(&gap_is)?.recip()],
            rate: claim(&gap_was, &gap_is)?,
        })
    }

    /// `p99 52.1 ms → 22.0 ms; 3310 → 6400 requests/s, within noise`.
    fn words(&self, report: &RunReport) -> String {
        let [p99_was, p99_is] = self.p99_seconds.map(duration);
        let [was, is] = self.per_second;
        format!(
            "{}: p99 {p99_was} → {p99_is}{}; {was:.0} → {is:.0} requests/s{}",
            name_of_key(report, &self.key),
            unclaimed(self.p99),
            unclaimed(self.rate)
        )
    }

    fn is_claimed(&self) -> bool {
        [self.p99, self.rate]
            .iter()
            .any(|outcome| unclaimed(*outcome).is_empty())
    }
}

/// What stands behind figures of which nothing may be claimed.
pub fn unclaimed(outcome: RunsOutcome) -> &'static str {
    match outcome {
        RunsOutcome::Faster | RunsOutcome::Slower => "",
        RunsOutcome::WithinNoise => ", within noise",
        RunsOutcome::TooFewRounds => ", of too few rounds to claim anything",
    }
}

/// What each of these rows became.
pub(super) fn effects(
    before: &RunReport,
    after: &RunReport,
    affected: impl Fn(&str) -> bool,
) -> Vec<String> {
    let rows = served_rows(before, after);
    let of = |row: &&ServedRow| {
        let found = after.rows.iter().find(|other| other.key() == row.key);
        found.is_some_and(|found| affected(&found.station))
    };
    let affected: Vec<&ServedRow> = rows.iter().filter(of).collect();
    if affected.is_empty() {
        return vec!["No row of this was measured in both runs.".to_owned()];
    }
    let (claimed, others): (Vec<&ServedRow>, Vec<&ServedRow>) =
        affected.into_iter().partition(|row| row.is_claimed());
    let mut texts: Vec<String> = claimed.iter().map(|row| row.words(after) + ".").collect();
    if !others.is_empty() {
        texts.push(format!(
            "{}: no difference that could be claimed.",
            count(others.len(), "row")
        ));
    }
    texts
}

fn p99s(row: &Row) -> Vec<f64> {
    let rounds = row.rounds.iter();
    rounds
        .filter_map(|round| round.figures.get(raw::P99_SECONDS).copied())
        .collect()
}

fn gaps(row: &Row) -> Vec<f64> {
    let rounds = row.rounds.iter();
    rounds
        .filter_map(|round| {
            let figure = |name: &str| round.figures.get(name).copied();
            let gap = figure(raw::LOAD_SECONDS)? / figure(raw::ANSWERED)?;
            (gap.is_finite() && gap > 0.0).then_some(gap)
        })
        .collect()
}
