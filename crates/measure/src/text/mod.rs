//! A run report as text for terminals, files and pipes.
//!
//! Pure: the caller finds out what it writes to and says so in a [`Style`].
//! Each section is a function of its own, so that a caller can print a part;
//! [`render`] puts all of them in order. A section consists of whole lines, or
//! is empty when there is nothing to say.
//!
//! What the sections say is there without their layout too ([`figures`],
//! [`names`], [`alike`], [`steps`] and so on): other renderings use the same words.

mod backends;
mod bar;
mod busy;
mod conclusions;
mod drills;
pub mod figures;
mod legend;
mod limits;
mod machine;
pub mod names;
mod next;
mod of_lab;
mod paragraph;
mod past;
mod pipeline;
mod plain_table;
mod style;
mod table;
mod title;
mod two_runs;
mod verdicts;

#[cfg(test)]
mod tests;

pub use backends::backends;
pub use bar::{CELLS, State, cells, shares};
pub use busy::{busy, busy_host};
pub use conclusions::{answer, changes, comparisons, groups, invariants, passed_over};
pub use drills::{DRILL_HEADS, drill_cells, drill_note, drills};
pub use legend::{brackets, hidden_steal, legend, meaning};
pub use limits::{Disagreement, disagreements, disagreements_of, limits};
pub use next::{next_steps, steps};
pub use of_lab::{LabFigures, LabRow, lab_figures, lab_table, row_heads};
pub use paragraph::is_unit;
pub use past::past_runs;
pub use pipeline::{
    QUEUE_HEADS, QUEUE_NOTE, STAGE_HEADS, STAGE_NOTE, pipelines, queue_lines, stage_lines,
};
pub use style::Style;
pub use table::{table, void_rounds};
pub use title::{backend, title};
pub use two_runs::two_runs;
pub use verdicts::{alike, evidence, verdicts};

use crate::report::RunReport;

/// The whole report: what spoils it and disagreements first, then figures, then what they mean.
pub fn render(report: &RunReport, style: &Style) -> String {
    let sections: [fn(&RunReport, &Style) -> String; 14] = [
        title,
        busy,
        disagreements,
        table,
        legend,
        lab_table,
        pipelines,
        drills,
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
