//! The lab's own figures, where it has any.

use crate::html::{EachHtml, Text};
use measure::report::RunReport;
use measure::text::{LabRow, lab_figures, row_heads};

/// The table; empty for labs without such figures.
pub(crate) fn table(report: &RunReport) -> String {
    let Some(table) = lab_figures(report) else {
        return String::new();
    };
    let heads = row_heads(report)
        .into_iter()
        .map(str::to_owned)
        .chain(table.heads)
        .html(|head| format!("<th scope=\"col\">{}</th>", Text(head)));
    let lines = table.rows.iter().html(line);
    let note = table
        .note
        .map_or_else(String::new, |note| format!("<p>{}</p>\n", Text(note)));
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Figures of this lab\" tabindex=\"0\">\n\
         <table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table>\n</div>\n{note}"
    )
}

fn line(row: &LabRow) -> String {
    let [station, strategy, workers] = &row.names;
    let cells = row
        .figures
        .iter()
        .html(|figure| format!("<td>{}</td>", Text(figure)));
    format!(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td>{cells}</tr>\n",
        Text(station),
        Text(strategy),
        Text(workers)
    )
}
