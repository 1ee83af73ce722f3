//! Invariants that are asked of every sample by itself.

use measure::report::{Invariant, Round, Row, RunReport};
use measure::text::names::row_name;

/// What a sample shows of one question.
pub enum Seen {
    /// It is so.
    Held,
    /// It is not, and why.
    Broken(String),
    /// Somebody's figure is not known.
    Unknown,
    /// What was set for this sample lets it be otherwise, and what that is.
    NotAsked(&'static str),
}

/// The invariant of that name: whether no sample is known to break it and some
/// tell.
pub fn check(report: &RunReport, name: &str, ask: impl Fn(&Round) -> Seen) -> Invariant {
    let (mut broken, mut held, mut unknown) = (Vec::new(), 0, 0);
    let mut not_asked = Vec::new();
    for (row, round) in samples(report) {
        match ask(round) {
            Seen::Held => held += 1,
            Seen::Unknown => unknown += 1,
            Seen::NotAsked(why) => not_asked.push(why),
            Seen::Broken(why) => {
                let row = row_name(report, row);
                broken.push(format!("{row} {why} in round {}", round.round + 1));
            }
        }
    }
    let others = broken.len().saturating_sub(1);
    let detail = match (broken.first(), held) {
        (Some(first), _) if others > 0 => {
            format!("{first}, and {others} more samples are like it")
        }
        (Some(first), _) => first.clone(),
        (None, _) if !not_asked.is_empty() => format!(
            "so it was in {held} samples, and is not asked of {}: {}",
            not_asked.len(),
            not_asked[0]
        ),
        (None, 0) => "this was not checked, since no sample tells".into(),
        (None, _) if unknown > 0 => format!("so it was in {held} samples; unknown in {unknown}"),
        (None, _) => format!("so it was in all {held} samples"),
    };
    Invariant {
        name: name.into(),
        held: broken.is_empty() && held + not_asked.len() > 0,
        detail,
    }
}

fn samples(report: &RunReport) -> impl Iterator<Item = (&Row, &Round)> {
    let rows = report.rows.iter();
    rows.flat_map(|row| row.rounds.iter().map(move |round| (row, round)))
}
