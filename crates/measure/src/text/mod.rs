//! A run report as text for terminals, files and pipes.
//!
//! Pure: the caller finds out what it writes to and says so in a [`Style`].
//! Each section is a function of its own, so that a caller can print a part;
//! [`render`] puts all of them in order. A section consists of whole lines, or
//! is empty when there is nothing to say.

mod bar;
mod conclusions;
mod figures;
mod legend;
mod limits;
mod names;
mod next;
mod paragraph;
mod style;
mod table;
mod title;
mod verdicts;

#[cfg(test)]
mod tests;

pub use conclusions::{changes, comparisons, groups, invariants};
pub use legend::legend;
pub use limits::disagreements;
pub use next::next_steps;
pub use style::Style;
pub use table::table;
pub use title::title;
pub use verdicts::verdicts;

use crate::report::RunReport;

/// The whole report: disagreements first, then figures, then what they mean.
pub fn render(report: &RunReport, style: &Style) -> String {
    let sections: [fn(&RunReport, &Style) -> String; 10] = [
        title,
        disagreements,
        table,
        legend,
        verdicts,
        groups,
        comparisons,
        invariants,
        changes,
        next_steps,
    ];
    let texts: Vec<String> = sections
        .iter()
        .map(|section| section(report, style))
        .filter(|text| !text.is_empty())
        .collect();
    texts.join("\n")
}
