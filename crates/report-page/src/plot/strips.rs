//! A strip per row below its station: label, drawing, words.

use crate::html::{EachHtml, Text};
use measure::report::{Row, RunReport};
use measure::text::limits;
use measure::text::names::{by_station, station, work, workers};

/// What a strip shows.
pub(super) struct Strip {
    /// The drawing, or words where there is nothing to draw.
    pub(super) drawing: String,
    /// What stands beside it, as HTML.
    pub(super) words: String,
}

/// The strips of all rows, in the order of the table.
pub(super) fn strips(report: &RunReport, axis: &str, strip: impl Fn(&Row) -> Strip) -> String {
    by_station(report).iter().html(|(name, rows)| {
        let limits = station(report, name).map(|station| limits(report, station));
        let items: String = rows.iter().html(|row| item(report, row, &strip(row)));
        format!(
            "<h3 class=\"station\"><span>{}</span> <small>{}</small></h3>\n\
                 <ul class=\"strips\">\n{items}{axis}</ul>\n",
            Text(name),
            Text(limits.unwrap_or_default())
        )
    })
}

fn item(report: &RunReport, row: &Row, strip: &Strip) -> String {
    format!(
        "<li><span class=\"who\">{}</span>{}<span class=\"what\">{}</span></li>\n",
        Text(label(report, row)),
        strip.drawing,
        strip.words
    )
}

/// `work-stealing · 2`.
fn label(report: &RunReport, row: &Row) -> String {
    let baseline = if row.baseline { " *" } else { "" };
    format!("{} · {}{baseline}", work(report, row), workers(report, row))
}

/// Why a row has nothing to draw.
pub(super) fn nothing(row: &Row) -> Strip {
    let why = match &row.not_run {
        Some(reason) => format!("not run: {reason}"),
        None => "unknown".to_owned(),
    };
    Strip {
        drawing: format!("<span class=\"nothing\">{}</span>", Text(why)),
        words: String::new(),
    }
}

/// A share as a length of the drawing's width.
pub(super) fn width(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}
