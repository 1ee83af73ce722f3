//! What bound each row.

use crate::html::{EachHtml, Text, with_code};
use measure::report::{Row, RunReport, Verdict};
use measure::text::names::row_name;
use measure::text::{alike, evidence};

/// The verdicts; rows of which the same is to be said share one.
pub(crate) fn verdicts(report: &RunReport) -> String {
    (0..)
        .zip(alike(report))
        .html(|(index, (verdict, rows))| article(report, index, verdict, &rows))
}

/// Where on the page the row's verdict stands.
pub(crate) fn anchor(report: &RunReport, row: &Row) -> Option<String> {
    let holds = |rows: &[&Row]| rows.iter().any(|other| std::ptr::eq(*other, row));
    let index = alike(report).iter().position(|(_, rows)| holds(rows))?;
    Some(format!("verdict-{index}"))
}

fn article(report: &RunReport, index: usize, verdict: &Verdict, rows: &[&Row]) -> String {
    let names: String = rows
        .iter()
        .html(|row| format!("<li>{}</li>", Text(row_name(report, row))));
    let mut details = String::new();
    for (label, figures) in evidence(report, rows) {
        details.push_str(&detail(label.trim_end_matches(':'), &figures));
    }
    details.push_str(&detail("Next", &verdict.next));
    for also in &verdict.also {
        details.push_str(&detail(&format!("Also ({})", also.kind), &also.text));
    }
    let details = if details.is_empty() {
        details
    } else {
        format!("<dl>\n{details}</dl>\n")
    };
    format!(
        "<article id=\"verdict-{index}\">\n<h3>{}</h3>\n<ul class=\"rows\">{names}</ul>\n\
         <p>{}</p>\n{details}</article>\n",
        verdict.kind,
        with_code(&verdict.text),
    )
}

fn detail(label: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("<dt>{}</dt>\n<dd>{}</dd>\n", Text(label), with_code(text))
}
