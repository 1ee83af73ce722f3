//! What to try next: the rows' advice, most to be won first.

use super::names::row_name;
use super::paragraph::Paragraph;
use super::style::{Paint, Style};
use crate::report::{Row, RunReport, Verdict, VerdictKind};
use crate::verdict::words::{count, kind};

/// More than this nobody tries before running again.
const MOST: usize = 3;

/// At most three pieces of advice, one of each kind of verdict: that of the
/// row which lost most to it.
pub fn next_steps(report: &RunReport, style: &Style) -> String {
    let paragraphs: String = (1..)
        .zip(steps(report))
        .map(|(number, (whose, advice))| {
            Paragraph::new(advice)
                .head(format!("{number}. {whose}:"), Paint::Bold)
                .render(style)
        })
        .collect();
    if paragraphs.is_empty() {
        return paragraphs;
    }
    style.heading("What to try next") + &paragraphs
}

/// The pieces of advice, each behind the row that it is for.
pub fn steps(report: &RunReport) -> Vec<(String, &str)> {
    advice(report)
        .into_iter()
        .take(MOST)
        .map(|advice| (advice.whose(report), advice.verdict.next.as_str()))
        .collect()
}

/// A row's advice.
struct Advice<'a> {
    row: &'a Row,
    verdict: &'a Verdict,
    lost: f64,
    /// How many more rows have the same kind of verdict.
    others: usize,
}

impl Advice<'_> {
    fn whose(&self, report: &RunReport) -> String {
        let others = match self.others {
            0 => String::new(),
            others => format!(", as in {}", count(others, "other row")),
        };
        let name = row_name(report, self.row);
        format!("{name} ({}{others})", kind(self.verdict.kind))
    }
}

/// The advice of each kind of verdict, most to be won first. The baseline is
/// slow on purpose: its advice counts when no other row has any.
fn advice(report: &RunReport) -> Vec<Advice<'_>> {
    let mut kinds: Vec<Advice> = Vec::new();
    let others_have_some = all(report).any(|advice| !advice.row.baseline);
    for advice in all(report).filter(|advice| !(advice.row.baseline && others_have_some)) {
        match kinds
            .iter_mut()
            .find(|a| a.verdict.kind == advice.verdict.kind)
        {
            None => kinds.push(advice),
            Some(first) => {
                let others = first.others + 1;
                if advice.lost > first.lost {
                    *first = advice;
                }
                first.others = others;
            }
        }
    }
    kinds.sort_by(|a, b| b.lost.total_cmp(&a.lost));
    kinds
}

fn all(report: &RunReport) -> impl Iterator<Item = Advice<'_>> {
    report.rows.iter().filter_map(|row| {
        let verdict = row.verdict.as_ref().filter(|v| !v.next.is_empty())?;
        Some(Advice {
            row,
            verdict,
            lost: lost(row, verdict.kind),
            others: 0,
        })
    })
}

/// The share of the workers' time, or of the CPUs granted, that went to what
/// the verdict names: what is to be won back at most. Unknown counts as none.
fn lost(row: &Row, kind: VerdictKind) -> f64 {
    let of_time = row.time_budget.map(|time| match kind {
        VerdictKind::Quota | VerdictKind::Bursts => time.throttled,
        VerdictKind::Host => time.runnable + time.stolen.unwrap_or(0.0),
        VerdictKind::HiddenLimit => time.runnable,
        // Threads that take turns do the same work, and all CPUs granted work.
        VerdictKind::Oversubscribed | VerdictKind::Cpu | VerdictKind::Workers => 0.0,
        _ => time.blocked,
    });
    let of_cpus = row
        .cpus_used
        .zip(row.granted_cpus)
        .filter(|_| kind == VerdictKind::Workers)
        .map(|(used, granted)| (1.0 - used / granted).max(0.0));
    of_cpus.or(of_time).unwrap_or(0.0)
}
