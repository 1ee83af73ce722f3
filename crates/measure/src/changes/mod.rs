//! What differs between two runs of a lab, and what that did.

mod effects;
mod knobs;

use crate::report::{Change, RunReport};
use effects::Runs;
use knobs::{Knob, Scope, knobs};

/// The knobs that differ from the run `before`, each with its effect on the
/// rows that it bears on. Both reports have been analysed. Empty when nothing
/// differs.
///
/// An effect is claimed by the two-run rule: samples divided by their own
/// run's baseline of the same round, six against six that do not overlap.
/// Knobs of one subject that changed together share one effect, which stands
/// at the first of them.
pub fn changes(before: &RunReport, after: &RunReport) -> Vec<Change> {
    let knobs = knobs(before, after);
    let runs = Runs::new(before, after);
    let mut changes: Vec<Change> = Vec::new();
    for knob in &knobs {
        let first = changes
            .iter()
            .find(|c| c.subject == knob.subject && !c.effects.is_empty());
        let effects = match (&knob.scope, first) {
            (Scope::Nothing, _) => Vec::new(),
            (_, Some(first)) => vec![format!(
                "Changed together with {}: their effects cannot be told apart, see there.",
                first.knob
            )],
            (Scope::Station, None) => runs.station_effects(&knob.subject),
            (Scope::AllRows, None) => runs.effects_on_all(),
        };
        changes.push(change(knob, effects));
    }
    changes
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
