//! The lab's own figures: a second table, for labs that have any.

use super::figures::{NONE, UNKNOWN, digits, percent, two_decimals};
use super::names::{by_station, work, workers, workers_head};
use super::plain_table::plain_table;
use super::style::Style;
use crate::duration::duration;
use crate::figures::names;
use crate::report::{Row, RunReport};
use crate::serving;
use crate::waiting::WaitingJob;
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthStr;

/// The lab's own figures as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabFigures {
    /// What stands above the figures; the columns before them are the row's
    /// station, strategy and workers.
    pub heads: Vec<String>,
    /// The rows in the order of the report's other tables.
    pub rows: Vec<LabRow>,
    /// What a reader must know of them.
    pub note: Option<String>,
}

/// A row of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabRow {
    /// The station, the strategy (with the kernel where there are several) and
    /// the workers of the row.
    pub names: [String; 3],
    /// A figure for each head.
    pub figures: Vec<String>,
}

/// What stands above the columns before the figures.
pub fn row_heads(report: &RunReport) -> [&'static str; 3] {
    ["station", "strategy", workers_head(report)]
}

/// A figure's name, what stands above it, and how it is written.
type Column<'a> = (&'a str, &'a str, fn(f64) -> String);

/// The figures that are known here, in the order in which they are shown.
const KNOWN: [Column; 21] = [
    (names::QUEUE_CAPACITY, "queues\nhold", whole),
    (names::ITEMS_PER_SECOND, "items/s", digits),
    (names::IDEAL_SECONDS, "ideal wall", duration),
    (names::REQUESTS_PER_SECOND, "requests/s", digits),
    (names::P50_SECONDS, "p50", duration),
    (names::P99_SECONDS, "p99", duration),
    (names::LATE_SECONDS, "of it\nlate", some),
    (names::P99_9_SECONDS, "p99.9", duration),
    (names::LONGEST_SECONDS, "longest", duration),
    (names::REPLAYED_P99_SECONDS, "p99\nreplayed", duration),
    (names::REPLAYED_P99_9_SECONDS, "p99.9\nreplayed", duration),
    (names::THROTTLED, "throttled", percent),
    (names::REPLAYED_THROTTLED, "throttled\nreplayed", percent),
    (names::STALL_SECONDS, "stall per\nperiod", some),
    (names::CPU_MS_PER_REQUEST, "CPU ms", digits),
    (names::FAIRNESS, "fairness", two_decimals),
    (names::FAILED, "failed", whole),
    (names::HIGHEST_IN_FLIGHT, "most in flight", whole),
    (names::CPU_MS_PER_PAGE, "CPU ms per page", digits),
    (names::MEMORY_BYTES, "memory", mebibytes),
    (names::REPLAYED_P50_SECONDS, "p50\nreplayed", duration),
];

/// The columns of which text leaves out the first ones where it has no room for
/// all, from what is missed least on.
const LEFT_OUT_FIRST: [&str; 10] = [
    "p50\nreplayed",
    "throttled\nreplayed",
    "failed",
    "of it\nlate",
    "CPU ms",
    "fairness",
    "p99.9\nreplayed",
    "longest",
    "stall per\nperiod",
    "p99\nreplayed",
];

/// The lab's own figures of all rows; `None` where no row has any.
pub fn lab_figures(report: &RunReport) -> Option<LabFigures> {
    let all: BTreeSet<&str> = report
        .rows
        .iter()
        .flat_map(|row| row.figures.keys().map(String::as_str))
        .collect();
    if all.is_empty() {
        return None;
    }
    // That nothing failed an invariant says.
    let failed = |row: &Row| row.figures.get(names::FAILED) > Some(&0.0);
    let shown = |name: &str| name != names::FAILED || report.rows.iter().any(failed);
    let known = KNOWN
        .iter()
        .filter(|(name, ..)| all.contains(name) && shown(name))
        .copied();
    let is_known = |name: &str| KNOWN.iter().any(|(known, ..)| *known == name);
    // One that a later version has is shown as it is.
    let others = all.iter().filter(|name| !is_known(name));
    let others = others.map(|name| (*name, *name, digits as fn(f64) -> String));
    let columns: Vec<_> = known.chain(others).collect();
    let scaled = report.rows.iter().any(|row| row.scaled_from().is_some());
    let rows = by_station(report);
    let rows = rows.iter().flat_map(|(_, rows)| rows.iter());
    let mut heads: Vec<String> = columns.iter().map(|(_, head, _)| (*head).into()).collect();
    heads.extend(scaled.then(|| "measured on".to_owned()));
    let line = |row: &&Row| {
        let text = |(name, _, text): &Column| figure(row, row.figures.get(*name).copied(), text);
        let mut figures: Vec<String> = columns.iter().map(text).collect();
        figures.extend(scaled.then(|| measured_on(row)));
        LabRow {
            names: [row.station.clone(), work(report, row), workers(report, row)],
            figures,
        }
    };
    Some(LabFigures {
        heads,
        rows: rows.map(line).collect(),
        note: notes(report, scaled),
    })
}

fn notes(report: &RunReport, scaled: bool) -> Option<String> {
    let waits = report.rows.iter().flat_map(|row| &row.rounds);
    let waits = waits
        .into_iter()
        .any(|round| WaitingJob::of(round).is_some());
    let notes = [
        scaled.then_some(
            "~ A row that was measured on a part of the job is scaled: its wall and its ideal are \
             those of the part ÷ the share.",
        ),
        serving::is_of_servers(report).then_some(
            "Latencies are counted from the moment at which a request was to leave. p50, p99 and \
             p99.9 are what so many of 100 did not exceed, medians over the rounds; of it late is how \
             much of the p99 may come of the load generator's having sent too late; longest and \
             failed are of all rounds together. Replayed is what the same arrivals come to by the \
             refill rule of the quota, with the CPU time per request that was measured before the \
             rounds; stall per period is how long the whole server stands still in each period \
             while it is never out of work.",
        ),
        waits.then_some(
            "Ideal is the waiting alone, ⌈pages ÷ at once⌉ × latency; a wall is predicted by that \
             or by the CPU time of the pages on the baseline's station, whichever takes longer.",
        ),
    ];
    let notes: Vec<&str> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join(" "))
}

/// The same as a table, below the table of all rows. Empty where there are none.
pub fn lab_table(report: &RunReport, style: &Style) -> String {
    let Some(mut table) = lab_figures(report) else {
        return String::new();
    };
    let row_heads = row_heads(report);
    let left_out = table.fit(style.width());
    let heads: Vec<&str> = row_heads[1..]
        .iter()
        .copied()
        .chain(table.heads.iter().map(String::as_str))
        .collect();
    let mut text = plain_table(style, &heads, &heads[1..], table.lines());
    let left_out = (!left_out.is_empty()).then(|| {
        format!(
            "Left out for want of room in {} columns: {}.",
            style.width(),
            left_out.join(", ").replace('\n', " ")
        )
    });
    for note in table.note.into_iter().chain(left_out) {
        text.push_str(&super::paragraph::Paragraph::new(note).render(style));
    }
    text
}

/// Columns that a row's first cell is indented by below its station.
const INDENT: usize = 2;

/// Columns between two of the table.
const GAP: usize = 2;

impl LabFigures {
    /// A line for each station, and below it one for each of its rows.
    fn lines(&self) -> Vec<Vec<String>> {
        let mut lines = Vec::new();
        let mut station = None;
        for LabRow { names, figures } in &self.rows {
            let [of, strategy, workers] = names;
            if station != Some(of) {
                let mut head = vec![String::new(); self.heads.len() + 2];
                head[0].clone_from(of);
                lines.push(head);
                station = Some(of);
            }
            let mut line = vec![format!("{:INDENT$}{strategy}", ""), workers.clone()];
            line.extend(figures.iter().cloned());
            lines.push(line);
        }
        lines
    }

    /// Leaves out columns until the lines are no wider; returns which.
    fn fit(&mut self, width: usize) -> Vec<&'static str> {
        let mut left_out = Vec::new();
        for name in LEFT_OUT_FIRST {
            if self.width() <= width {
                break;
            }
            let Some(index) = self.heads.iter().position(|head| head == name) else {
                continue;
            };
            self.heads.remove(index);
            for row in &mut self.rows {
                row.figures.remove(index);
            }
            left_out.push(name);
        }
        left_out
    }

    /// The lines' width where nothing is wrapped.
    fn width(&self) -> usize {
        let lines = self.lines();
        let of_head = |head: &str| head.lines().map(UnicodeWidthStr::width).max();
        let heads = ["strategy", "workers"].into_iter();
        let heads = heads.chain(self.heads.iter().map(String::as_str));
        let widths = heads.enumerate().map(|(index, head)| {
            let cells = lines.iter().map(|line| line[index].width()).max();
            cells.unwrap_or(0).max(of_head(head).unwrap_or(0)) + GAP
        });
        widths.sum::<usize>() - GAP
    }
}

fn figure(row: &Row, figure: Option<f64>, text: impl Fn(f64) -> String) -> String {
    match figure.filter(|figure| figure.is_finite()) {
        Some(figure) => text(figure),
        None if row.rounds.is_empty() => NONE.to_owned(),
        None => UNKNOWN.to_owned(),
    }
}

/// `all of it`, `2 % of it`.
fn measured_on(row: &Row) -> String {
    match row.scaled_from() {
        Some(share) => format!("{} of it", percent(share)),
        None if row.rounds.is_empty() => NONE.to_owned(),
        None => "all of it".to_owned(),
    }
}

/// A time, where there is any.
fn some(seconds: f64) -> String {
    if seconds > 0.0 {
        duration(seconds)
    } else {
        "none".to_owned()
    }
}

fn whole(figure: f64) -> String {
    format!("{figure:.0}")
}

fn mebibytes(bytes: f64) -> String {
    format!("{} MiB", digits(bytes / f64::from(1 << 20)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::made::{report, row_of, station};
    use crate::report::{ReplicaAccount, Round};
    use std::collections::BTreeMap;

    fn style() -> Style {
        Style::detect(false, false, None)
    }

    fn scraped() -> RunReport {
        let sample = ReplicaAccount {
            ended_seconds: 2.0,
            ..ReplicaAccount::default()
        };
        let part = Round {
            share: 0.02,
            replicas: vec![sample],
            ..Round::default()
        };
        let mut row = row_of("scraper-one", "sequential", 1, vec![part]);
        row.figures = BTreeMap::from([
            (names::IDEAL_SECONDS.to_owned(), 100.0),
            (names::REQUESTS_PER_SECOND.to_owned(), 9.876),
            (names::MEMORY_BYTES.to_owned(), 12.5 * 1_048_576.0),
            ("of_a_later_version".to_owned(), 3.0),
        ]);
        let not_run = row_of("scraper-one", "async", 64, Vec::new());
        report(vec![station("scraper-one", Some(1.0))], vec![row, not_run])
    }

    #[test]
    fn figures_have_units_unknown_ones_a_mark_and_parts_of_the_job_are_said() {
        let table = lab_figures(&scraped()).unwrap();

        assert_eq!(
            table.heads,
            [
                "ideal wall",
                "requests/s",
                "memory",
                "of_a_later_version",
                "measured on"
            ]
        );
        let [sequential, not_run] = &table.rows[..] else {
            panic!("{table:?}")
        };
        assert_eq!(
            sequential.figures,
            ["100 s", "9.88", "12.5 MiB", "3.00", "2.0 % of it"]
        );
        assert_eq!(not_run.figures, [NONE; 5]);
        let text = lab_table(&scraped(), &style());
        assert!(text.contains("is scaled"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 120),
            "{text}"
        );
    }

    #[test]
    fn labs_without_figures_of_their_own_have_no_second_table() {
        let mut without = scraped();
        without.rows[0].figures.clear();
        assert_eq!(lab_figures(&without), None);
        assert_eq!(lab_table(&without, &style()), "");
    }
}
