//! A run report as text for a terminal: the table, what is odd first, the
//! verdicts, what changed, what to try next.
//!
//! Pure: what the terminal can show is handed in as a [`Style`].

mod bar;
mod figures;
mod findings;
mod style;
mod table;
mod wrap;

#[cfg(test)]
mod tests;

pub use bar::bar;
pub use style::Style;

use crate::report::RunReport;

/// The whole report, section by section.
pub fn render(report: &RunReport, style: &Style) -> String {
    let sections = [
        findings::title(report, style),
        findings::disagreements(report, style),
        table::table(report, style),
        findings::verdicts(report, style),
        findings::groups(report, style),
        findings::comparisons(report, style),
        findings::changes(report, style),
        findings::invariants(report, style),
        findings::next(report, style),
    ];
    let shown: Vec<_> = sections
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    shown.join("\n")
}
