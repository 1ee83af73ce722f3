//! Two runs of a lab, row by row.

use super::backends::backends;
use super::conclusions::knob;
use super::figures::{NONE, UNKNOWN, two_decimals};
use super::names::name_of_key;
use super::paragraph::Paragraph;
use super::plain_table::plain_table;
use super::style::{Paint, Style};
use crate::changes::{ComparedRow, ServedRow, changes, compared_rows, served_rows, why_not_alike};
use crate::duration::duration;
use crate::report::{Row, RunReport};
use crate::serving::is_of_servers;
use crate::stats::{ROUNDS_FOR_A_CLAIM, RunsOutcome};

/// What differs between two runs, and what each row of both came to by the rule
/// for two runs; of a run in Docker and a local one, also how the two went.
/// Both have been analysed.
pub fn two_runs(before: &RunReport, after: &RunReport, style: &Style) -> String {
    let mut text = Paragraph::new(format!("{} → {}", before.started, after.started))
        .head(format!("{}:", after.lab), Paint::Bold)
        .render(style);
    if let Some(why) = why_not_alike(before, after) {
        let caution = format!("Of the earlier run: {why}. Read what follows with that in mind.");
        text.push_str(
            &Paragraph::new(caution)
                .head("!", Paint::Yellow)
                .render(style),
        );
    }
    text.push_str(&knobs(before, after, style));
    text.push('\n');
    text.push_str(&if is_of_servers(before) && is_of_servers(after) {
        served_table(after, &served_rows(before, after), style)
    } else {
        match compared_rows(before, after) {
            Ok(rows) => table(before, after, &rows, style),
            Err(why) => Paragraph::new(why).render(style),
        }
    });
    for (run, other, which) in [(before, after, "earlier"), (after, before, "later")] {
        if let Some(names) = only_in(run, other) {
            let head = format!("Only in the {which} run:");
            text.push_str(&Paragraph::new(names).head(head, Paint::Bold).render(style));
        }
    }
    let backends = backends(before, after, style);
    if !backends.is_empty() {
        text.push('\n');
        text.push_str(&backends);
    }
    text
}

fn knobs(before: &RunReport, after: &RunReport, style: &Style) -> String {
    let changes = changes(before, after);
    if changes.is_empty() {
        return Paragraph::new("No limit, no parameter and nothing of the host differs.")
            .render(style);
    }
    changes
        .iter()
        .map(|change| {
            Paragraph::new(knob(change))
                .head(&*change.subject, Paint::Bold)
                .render(style)
        })
        .collect()
}

fn table(before: &RunReport, after: &RunReport, rows: &[ComparedRow], style: &Style) -> String {
    let heads = ["row", "before", "after", "ratio", "claim", "model"];
    let numbers = ["before", "after", "ratio", "model"];
    let baselines = baselines(before, after);
    let lines = rows.iter().map(|row| {
        let [was, is] = row.wall_seconds.map(duration);
        let model = row
            .predicted_ratio
            .map_or_else(|| UNKNOWN.to_owned(), two_decimals);
        let name = name_of_key(after, &row.key);
        vec![name, was, is, two_decimals(row.ratio), claim(row), model]
    });
    let lines: Vec<_> = baselines.into_iter().chain(lines).collect();
    let how = format!(
        "before, after: the time of one job. ratio: before ÷ after, each sample divided by its own \
         run's baseline of the same round; above 1 it became faster. A difference is claimed when \
         {ROUNDS_FOR_A_CLAIM} samples against {ROUNDS_FOR_A_CLAIM} do not overlap. model: the ratio \
         that the limits give."
    );
    plain_table(style, &heads, &numbers, lines) + "\n" + &Paragraph::new(how).render(style)
}

/// Of servers: no wall, and no baseline to measure the machine by.
fn served_table(after: &RunReport, rows: &[ServedRow], style: &Style) -> String {
    let heads = [
        "row",
        "p99 before",
        "p99 after",
        "requests/s before",
        "requests/s after",
    ];
    let mark = |text: String, outcome| match outcome {
        RunsOutcome::Faster | RunsOutcome::Slower => text + " *",
        RunsOutcome::WithinNoise | RunsOutcome::TooFewRounds => text,
    };
    let lines = rows.iter().map(|row| {
        let [p99_was, p99_is] = row.p99_seconds.map(duration);
        let [was, is] = row.per_second.map(|rate| format!("{rate:.0}"));
        let name = name_of_key(after, &row.key);
        vec![
            name,
            p99_was,
            mark(p99_is, row.p99),
            was,
            mark(is, row.rate),
        ]
    });
    let how = format!(
        "Medians of the rounds. * is what may be claimed to differ: {ROUNDS_FOR_A_CLAIM} samples \
         against {ROUNDS_FOR_A_CLAIM} that do not overlap. There is no baseline to divide by: what \
         differs may also be how fast the machine was."
    );
    plain_table(style, &heads, &heads[1..], lines) + "\n" + &Paragraph::new(how).render(style)
}

/// The baselines' line: what the others are measured by.
fn baselines(before: &RunReport, after: &RunReport) -> Option<Vec<String>> {
    let of = |report: &RunReport| {
        let row = report.rows.iter().find(|row| row.baseline)?;
        Some((row.key(), row.wall_seconds?.median))
    };
    let ((_, was), (key, is)) = (of(before)?, of(after)?);
    let none = || NONE.to_owned();
    let name = name_of_key(after, &key);
    Some(vec![
        name,
        duration(was),
        duration(is),
        none(),
        none(),
        none(),
    ])
}

fn claim(row: &ComparedRow) -> String {
    match row.outcome {
        RunsOutcome::Faster => format!("{:.2} × as fast", row.ratio),
        RunsOutcome::Slower => format!("{:.2} × as long", 1.0 / row.ratio),
        RunsOutcome::WithinNoise => "within noise".to_owned(),
        RunsOutcome::TooFewRounds => "too few rounds".to_owned(),
    }
}

/// The measured rows of a run that the other has not.
fn only_in(run: &RunReport, other: &RunReport) -> Option<String> {
    let measured = |report: &RunReport| -> Vec<String> {
        let rows = report.rows.iter().filter(|row| !row.rounds.is_empty());
        rows.map(Row::key).collect()
    };
    let others = measured(other);
    let names: Vec<String> = measured(run)
        .iter()
        .filter(|key| !others.contains(key))
        .map(|key| name_of_key(run, key))
        .collect();
    (!names.is_empty()).then(|| format!("{}.", names.join("; ")))
}
