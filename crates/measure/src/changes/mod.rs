//! What differs between two runs of a lab, and what that did.

mod backends;
mod comparable;
mod effects;
mod knobs;
mod served;

pub use backends::{Backends, Cost, RowShares, StationLimits, backends, docker_and_local};
pub use comparable::{why_not_alike, why_not_comparable};
pub use effects::{ComparedRow, compared_rows};
pub use served::{ServedRow, served_rows, unclaimed};

use crate::report::{Change, RunReport};
use effects::Runs;
use knobs::{Knob, Scope, knobs};

/// The knobs that differ from the run `before`, each with its effect on the
/// rows that it bears on. Both reports have been analysed. Empty when nothing
/// differs.
///
/// An effect is claimed by the two-run rule: samples divided by their own
/// run's baseline of the same round, six against six that do not overlap.
/// Knobs that changed together and bear on the same rows share one effect,
/// which stands at the first of them: none of them is named as its cause.
pub fn changes(before: &RunReport, after: &RunReport) -> Vec<Change> {
    let knobs = knobs(before, after);
    let runs = Runs::new(before, after);
    let on_all: Vec<&Knob> = knobs.iter().filter(|k| k.scope == Scope::AllRows).collect();
    knobs
        .iter()
        .map(|knob| {
            let effects = match knob.scope {
                Scope::Nothing => Vec::new(),
                Scope::Job => runs.incomparable().into_iter().collect(),
                Scope::Station => of_station(&runs, &knobs, &on_all, knob),
                Scope::AllRows => of_all(&runs, &knobs, &on_all, knob),
            };
            change(knob, effects)
        })
        .collect()
}

/// What a station's knob did to its rows: by itself only where nothing else
/// that bears on them changed.
fn of_station(runs: &Runs, knobs: &[Knob], on_all: &[&Knob], knob: &Knob) -> Vec<String> {
    let of_same = |other: &&Knob| other.scope == Scope::Station && other.subject == knob.subject;
    if let Some(first) = knobs.iter().find(of_same).filter(|first| *first != knob) {
        return vec![see(&first.name)];
    }
    if let Some(why) = runs.incomparable() {
        return vec![why];
    }
    let mut effects = Vec::new();
    if !on_all.is_empty() {
        effects.push(format!(
            "{} changed as well, for every row: what follows came of all that together, \
             and no cause is claimed.",
            names(on_all)
        ));
    }
    effects.extend(runs.station_effects(&knob.subject));
    effects
}

/// What a knob that bears on every row did to the stations that stayed as they
/// were.
fn of_all(runs: &Runs, knobs: &[Knob], on_all: &[&Knob], knob: &Knob) -> Vec<String> {
    match on_all {
        [first, ..] if *first != knob => return vec![see(&name(first))],
        _ => {}
    }
    if let Some(why) = runs.incomparable() {
        return vec![why];
    }
    let mut effects = Vec::new();
    if on_all.len() > 1 {
        effects.push(format!(
            "{} changed as well: what follows came of all that together, and no cause is claimed.",
            names(&on_all[1..])
        ));
    }
    let mut edited: Vec<&str> = knobs
        .iter()
        .filter(|k| k.scope == Scope::Station)
        .map(|k| k.subject.as_str())
        .collect();
    edited.dedup();
    effects.extend(runs.effects_beside(&edited));
    if !edited.is_empty() {
        effects.push(format!(
            "Left out here, since their own limits changed too: {}.",
            edited.join(", ")
        ));
    }
    effects
}

fn see(first: &str) -> String {
    format!("Changed together with {first}: their effects cannot be told apart, see there.")
}

/// The knob where its subject is not at hand.
fn name(knob: &Knob) -> String {
    format!("{} ({})", knob.name, knob.subject)
}

fn names(knobs: &[&Knob]) -> String {
    let names: Vec<_> = knobs.iter().map(|knob| name(knob)).collect();
    names.join(", ")
}

fn change(knob: &Knob, effects: Vec<String>) -> Change {
    Change {
        subject: knob.subject.clone(),
        knob: knob.name.clone(),
        before: knob.before.clone(),
        after: knob.after.clone(),
        effects,
    }
}
