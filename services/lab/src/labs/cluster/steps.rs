//! What is measured before the rounds: what each station answers at most, and
//! the highest rate that keeps its p99 under the target.

use super::loads::{OPEN_CONNECTIONS, saturated};
use super::{TARGET_P99_SECONDS, own_workers, row, work};
use crate::labs::driven::{Ask, Known, Step, Taken};
use crate::labs::served::SATURATED;
use crate::labs::{Options, PlannedRow};
use measure::report::Station;
use measure::serving::raw;
use serde_json::{Value, json};

/// Seconds of one step of the search: some hundreds of requests.
const STEP_SECONDS: f64 = 1.0;

/// How often the rate that was found must keep the target again: near the capacity
/// it is chance whether one step does.
const CONFIRMATIONS: u64 = 3;

/// What its chance is drawn from, and its confirmations' from the next ones: other
/// than what the rounds' is, whose rates are to hold by chance of their own.
const SEED: u64 = 1000;

/// Where the search begins, as a share of what a closed loop gets: a station
/// that stands still in every period keeps the target at a part of it only.
const FROM_SHARE: f64 = 0.3;

/// And where it ends: no open loop gets more.
const TO_SHARE: f64 = 1.1;

/// Under which name the requests per second of a closed loop are known.
pub fn most_of(station: &str) -> String {
    format!("what {station} answers at most")
}

/// Under which name the rate that kept the target is known.
pub fn found_on(station: &str) -> String {
    format!("the rate that keeps p99 under its target on {station}")
}

/// And the least rate that did not.
pub fn too_many_on(station: &str) -> String {
    format!("the rate that no longer keeps p99 under its target on {station}")
}

/// How often that rate kept it again.
pub fn confirmed_on(station: &str) -> String {
    format!("the confirmations of {}", found_on(station))
}

/// The next step: of each station of the plan a closed loop, and the search
/// where a row's load depends on it.
pub fn next(
    plan: &[PlannedRow],
    stations: &[Station],
    known: &Known,
    options: &Options,
) -> Option<Step> {
    let ran = stations.iter().filter(|station| station.refused.is_none());
    for station in ran {
        let name = station.name.as_str();
        let depends =
            |planned: &PlannedRow| planned.station == name && planned.strategy.starts_with("at-");
        if !plan.iter().any(depends) {
            continue;
        }
        let family = row(name, SATURATED, own_workers(station));
        if !known.is_settled(&most_of(name)) {
            return Some(Step {
                label: format!("measuring {}", most_of(name)),
                name: most_of(name),
                row: family,
                ask: Ask::Sample(saturated(work(options))),
            });
        }
        if !known.is_settled(&found_on(name)) {
            let Ok(most) = known.figure(&most_of(name)) else {
                continue;
            };
            return Some(Step {
                label: format!("searching {}", found_on(name)),
                name: found_on(name),
                row: family,
                ask: Ask::Search(search(most, options)),
            });
        }
    }
    None
}

fn search(most: f64, options: &Options) -> Value {
    json!({
        "p99_seconds": TARGET_P99_SECONDS,
        "arrivals": "poisson",
        "connections": OPEN_CONNECTIONS,
        "seconds": if options.quick { STEP_SECONDS / 2.0 } else { STEP_SECONDS },
        "confirmations": if options.quick { 1 } else { CONFIRMATIONS },
        "from": most * FROM_SHARE,
        "to": most * TO_SHARE,
        "work": work(options),
        "seed": SEED,
    })
}

/// Whether the rate that missed the target tells nothing of the station, since it
/// was the generator that was late.
fn was_late_above(answer: &Value) -> bool {
    let missed = answer["bracket"][1].as_f64();
    let mut steps = answer["steps"].as_array().into_iter().flatten().rev();
    let last = steps.find(|step| {
        let rate = step["rate"].as_f64().zip(missed);
        rate.is_some_and(|(rate, missed)| (rate / missed - 1.0).abs() < 1e-6)
    });
    last.is_some_and(|step| step["void"].is_string())
}

/// What the step's answer tells.
pub fn learn(step: &Step, taken: &Taken, known: &mut Known) {
    let station = &step.row.station;
    let Some(round) = &taken.round else {
        return learn_rate(step, &taken.answer, known);
    };
    let figure = |name: &str| round.figures.get(name).copied();
    let answered = figure(raw::ANSWERED).zip(figure(raw::LOAD_SECONDS));
    known.keep(
        most_of(station),
        answered.map(|(answered, seconds)| answered / seconds),
    );
}

fn learn_rate(step: &Step, answer: &Value, known: &mut Known) {
    let station = &step.row.station;
    known.keep(found_on(station), answer["rate"].as_f64());
    known.keep(confirmed_on(station), answer["confirmed"].as_f64());
    if !was_late_above(answer) {
        known.keep(too_many_on(station), answer["bracket"][1].as_f64());
    }
    if answer["rate"].is_null() {
        let why = answer["sentence"].as_str();
        let why = why.unwrap_or("no rate kept the target");
        known.unknown(&step.name, format!("no rate was found for it: {why}"));
    }
}
