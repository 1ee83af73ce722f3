//! What was broken on purpose, and what that cost.

use crate::html::{EachHtml, Text};
use measure::report::RunReport;
use measure::text::{DRILL_HEADS, drill_cells, drill_note};

/// The table; empty for labs that break nothing.
pub(crate) fn drills(report: &RunReport) -> String {
    if report.drills.is_empty() {
        return String::new();
    }
    let heads = DRILL_HEADS
        .iter()
        .html(|head| format!("<th scope=\"col\">{}</th>", Text(head)));
    let lines = report.drills.iter().html(|drill| {
        if let Some(why) = &drill.failed_because {
            return format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"not-run\" \
                 colspan=\"{}\">{}</td></tr>\n",
                Text(&drill.station),
                Text(&drill.name),
                DRILL_HEADS.len() - 2,
                Text(why)
            );
        }
        let [station, others @ ..] = drill_cells(drill);
        let cells = others
            .iter()
            .html(|cell| format!("<td>{}</td>", Text(cell)));
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", Text(station))
    });
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Drills\" tabindex=\"0\">\n\
         <table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table>\n</div>\n\
         <p>{}</p>\n",
        Text(drill_note(report))
    )
}
