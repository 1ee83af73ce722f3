//! A run report as one HTML page that needs nothing beside itself.
//!
//! [`page`] is a pure function. The words are those of [`measure::text`]; here
//! they get headings, tables and plots. The page loads nothing and runs no
//! script, so that it can be mailed, printed and opened years later.

mod conclusions;
mod drills;
mod head;
mod html;
mod method;
mod of_lab;
mod plot;
mod stages;
mod table;
mod verdicts;

use html::{EachHtml, Text, section};
use measure::report::RunReport;

/// The page of a run. The report has been analysed.
pub fn page(report: &RunReport) -> String {
    let sections = [
        ("short", "In short", conclusions::in_short(report)),
        ("changed", "What changed", conclusions::changes(report)),
        ("speedup", "Speedup against workers", plot::speedup(report)),
        ("time", "Where the time went", plot::time(report)),
        ("wall", "Wall time", plot::wall(report)),
        ("figures", "All figures", table::table(report)),
        ("lab", "Figures of this lab", of_lab::table(report)),
        ("stages", "Stages and queues", stages::tables(report)),
        ("drills", "Drills", drills::drills(report)),
        ("verdicts", "Verdicts", verdicts::verdicts(report)),
        ("next", "What to try next", conclusions::next(report)),
        ("method", "Host and method", method::method(report)),
    ];
    let said = || sections.iter().filter(|(_, _, text)| !text.is_empty());
    let links: String =
        said().html(|(id, heading, _)| format!("<li><a href=\"#{id}\">{heading}</a></li>"));
    let body: String = said()
        .map(|(id, heading, content)| section(id, heading, content))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{lab}, {started}</title>\n<style>\n{style}</style>\n</head>\n<body>\n\
         {head}<nav aria-label=\"On this page\"><ul>{links}</ul></nav>\n\
         <main>\n{body}</main>\n</body>\n</html>\n",
        lab = Text(&report.lab),
        started = Text(&report.started),
        style = include_str!("page.css"),
        head = head::head(report),
    )
}
