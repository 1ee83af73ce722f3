//! What came of it, for people.

use crate::answer::{Percentiles, RunAnswer};
use crate::plan::{Pace, Plan};
use crate::search::{SearchAnswer, Step};
use comfy_table::{CellAlignment, Table, presets};
use measure::duration;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A run.
pub(super) fn of_run(plan: &Plan, answer: &RunAnswer, interrupted: bool) -> String {
    let mut text = format!(
        "{}{}\n\n{}\n\n{}\n",
        head(plan, answer),
        if interrupted {
            ", then interrupted"
        } else {
            ""
        },
        latencies(answer),
        answer.sentence,
    );
    for line in outcomes(answer) {
        let _ = writeln!(text, "{line}");
    }
    let own = &answer.own;
    let _ = write!(
        text,
        "The generator itself: CPU {}",
        duration(own.cpu_seconds)
    );
    if let Some(slip) = own.schedule_slip.p99 {
        let _ = write!(text, " · schedule slipped by {} at p99", duration(slip));
    }
    if let Some(added) = own.added_to_p99_seconds {
        let _ = write!(text, ", up to {} of the p99 is of that", duration(added));
    }
    if let Some(throttled) = own.throttled_seconds.filter(|seconds| *seconds > 0.0) {
        let _ = write!(text, " · throttled for {}", duration(throttled));
    }
    let _ = writeln!(text, "\n{}", verdict(answer));
    text
}

fn head(plan: &Plan, answer: &RunAnswer) -> String {
    let pace = match plan.pace {
        Pace::Open { rate, .. } => format!("open loop at {rate} requests/s"),
        Pace::Closed => "closed loop".to_owned(),
    };
    format!(
        "{pace}, up to {} connections, {:.1} s: {:.1} answers/s",
        plan.connections, answer.seconds, answer.requests_per_second
    )
}

fn latencies(answer: &RunAnswer) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["latency", "from the schedule", "from sending"]);
    let (corrected, uncorrected) = (&answer.latency.corrected, &answer.latency.uncorrected);
    for ((name, corrected), (_, uncorrected)) in
        named(corrected).into_iter().zip(named(uncorrected))
    {
        let cell = |seconds: Option<f64>| seconds.map_or("–".to_owned(), duration);
        table.add_row([name.to_owned(), cell(corrected), cell(uncorrected)]);
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn named(percentiles: &Percentiles) -> [(&'static str, Option<f64>); 6] {
    [
        ("p50", percentiles.p50),
        ("p90", percentiles.p90),
        ("p99", percentiles.p99),
        ("p99.9", percentiles.p99_9),
        ("max", percentiles.max),
        ("mean", percentiles.mean),
    ]
}

fn outcomes(answer: &RunAnswer) -> Vec<String> {
    let counted = |counts: &BTreeMap<String, u64>| {
        let each = counts.iter().map(|(name, count)| format!("{name} {count}"));
        each.collect::<Vec<_>>().join(" · ")
    };
    let failed: BTreeMap<String, u64> = answer
        .failed
        .iter()
        .map(|(kind, count)| ((*kind).to_owned(), *count))
        .collect();
    [
        ("Statuses", &answer.by_status),
        ("Failed", &failed),
        ("Replicas", &answer.by_replica),
        ("Workers", &answer.by_worker),
    ]
    .into_iter()
    .filter(|(_, counts)| !counts.is_empty())
    .map(|(what, counts)| format!("{what}: {}", counted(counts)))
    .collect()
}

fn verdict(answer: &RunAnswer) -> String {
    if let Some(why) = &answer.void {
        return format!(
            "✗ Void: {why}. What was measured is the generator, not the server: ask for a lower \
             rate, or give it a CPU of its own."
        );
    }
    match answer.failures() {
        0 => format!("✓ All {} requests were answered.", answer.answered),
        failed => format!(
            "✗ {failed} of {} requests have no answer; the percentiles are those of the others.",
            answer.sent
        ),
    }
}

/// One step of a search.
pub(super) fn of_step(step: &Step) -> String {
    let rate = match step.rate {
        Some(rate) => format!("{rate:10.1}/s"),
        None => format!("{:>12}", "closed loop"),
    };
    let p99 = step.p99.map_or("–".to_owned(), duration);
    let word = match (&step.void, step.rate, step.kept) {
        (_, None, _) => "to know where to begin".to_owned(),
        (_, _, true) if step.confirms => "kept again".to_owned(),
        (_, _, true) => "kept".to_owned(),
        (None, _, false) => "missed".to_owned(),
        (Some(why), _, false) => format!("void: {why}"),
    };
    format!(
        "{rate}  p99 {p99:>8}  {:10.1} answers/s  {word}",
        step.achieved
    )
}

/// A search.
pub(super) fn of_search(answer: &SearchAnswer) -> String {
    let mark = if answer.rate.is_some() { "✓" } else { "✗" };
    format!("{mark} {}\n", answer.sentence)
}
