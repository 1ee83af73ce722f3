//! The table that a part prints, and what it could not measure.

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use measure::report::Interval;
use std::fmt;

/// What the interval of the median must cover before anything is claimed from
/// it; the range of six rounds covers 96.9 %.
const CLAIM_COVERAGE: f64 = 0.95;

/// Rows under heads, as Markdown.
pub struct Figures {
    table: Table,
    left_out: Vec<LeftOut>,
}

/// Something that is not measured here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Where a ratio should lie.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// Not above it.
    AtMost(f64),
    /// Not below it.
    AtLeast(f64),
}

impl LeftOut {
    /// A program that is not on the PATH.
    pub fn not_installed(what: &str, program: &str) -> Self {
        Self {
            what: what.to_owned(),
            why: format!("`{program}` is not installed"),
        }
    }
}

impl Figures {
    /// A table without rows.
    pub fn new(heads: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(heads);
        Self {
            table,
            left_out: Vec::new(),
        }
    }

    /// One row.
    pub fn row(&mut self, cells: &[String]) {
        self.table.add_row(cells);
    }

    /// Names what is not measured.
    pub fn leave_out(&mut self, what: impl IntoIterator<Item = LeftOut>) {
        self.left_out.extend(what);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.table)?;
        if !self.left_out.is_empty() {
            writeln!(f, "\nLeft out:\n")?;
        }
        for LeftOut { what, why } in &self.left_out {
            writeln!(f, "- {what}: {why}")?;
        }
        Ok(())
    }
}

impl Goal {
    /// The goal, and whether the whole interval is on its side, on the other, or
    /// neither is shown: the goal lies within it, or there are too few rounds.
    pub fn judge(self, measured: &Interval) -> String {
        let (goal, met, missed) = match self {
            Self::AtMost(most) => (
                format!("≤ {}", thousandths(most)),
                measured.high <= most,
                measured.low > most,
            ),
            Self::AtLeast(least) => (
                format!("≥ {}", thousandths(least)),
                measured.low >= least,
                measured.high < least,
            ),
        };
        let judged = match (measured.coverage >= CLAIM_COVERAGE, met, missed) {
            (true, true, _) => "met",
            (true, _, true) => "not met",
            _ => "not shown",
        };
        format!("{goal}: {judged}")
    }
}

/// `1.25`, and `0.333` of a third.
fn thousandths(goal: f64) -> f64 {
    (goal * 1e3).round() / 1e3
}

/// `0.93 (0.90–0.97)`; a single round has no range.
pub fn with_range(figure: &Interval) -> String {
    if figure.coverage <= 0.0 {
        return format!("{:.3}", figure.median);
    }
    format!(
        "{:.3} ({:.3}–{:.3})",
        figure.median, figure.low, figure.high
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(low: f64, median: f64, high: f64) -> Interval {
        Interval {
            median,
            low,
            high,
            coverage: 0.969,
        }
    }

    #[test]
    fn a_goal_is_met_or_missed_only_when_all_rounds_agree() {
        let goal = Goal::AtMost(1.25);
        assert_eq!(goal.judge(&rounds(0.8, 0.9, 1.25)), "≤ 1.25: met");
        assert_eq!(goal.judge(&rounds(1.2, 1.3, 1.4)), "≤ 1.25: not shown");
        assert_eq!(goal.judge(&rounds(1.26, 1.3, 1.4)), "≤ 1.25: not met");
        let goal = Goal::AtLeast(0.97);
        assert_eq!(goal.judge(&rounds(0.97, 0.98, 0.99)), "≥ 0.97: met");
        assert_eq!(goal.judge(&rounds(0.9, 0.98, 0.99)), "≥ 0.97: not shown");
        assert_eq!(goal.judge(&rounds(0.9, 0.91, 0.96)), "≥ 0.97: not met");
        assert!(
            Goal::AtMost(1.0 / 3.0)
                .judge(&rounds(0.2, 0.3, 0.3))
                .starts_with("≤ 0.333:")
        );
        let single = Interval {
            coverage: 0.0,
            ..rounds(0.98, 0.98, 0.98)
        };
        assert_eq!(goal.judge(&single), "≥ 0.97: not shown");
    }

    #[test]
    fn the_table_is_markdown_with_what_is_left_out_below() {
        let mut figures = Figures::new(&["Figure", "Ratio"]);
        figures.row(&["Go".into(), with_range(&rounds(0.9, 0.95, 1.0))]);
        figures.leave_out([LeftOut::not_installed("Java", "javac")]);

        let text = figures.to_string();

        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(lines[0].split('|').count(), 4, "{text}");
        assert!(lines[1].chars().all(|c| "|-".contains(c)), "{text}");
        assert!(lines[2].contains("| 0.950 (0.900–1.000) |"), "{text}");
        assert_eq!(lines[6], "- Java: `javac` is not installed", "{text}");
    }
}
