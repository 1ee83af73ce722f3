//! Where the workers' time went, stacked.

use super::strips::{Strip, nothing, strips, width};
use crate::html::{EachHtml, Text};
use crate::verdicts::anchor;
use measure::report::{Row, RunReport};
use measure::text::figures::percent;
use measure::text::{State, hidden_steal, meaning, shares};

/// From this share on there is room for the percentage, on the narrowest page.
const ROOM_FOR_PERCENT: f64 = 0.12;
/// From this share on there is room for it on a wide page and on paper.
const ROOM_ON_WIDE: f64 = 0.09;
/// From this share on there is room for the state's name too, on a wide page.
const ROOM_FOR_NAME: f64 = 0.22;

/// A stacked bar per row. Empty when no row's time is known.
pub(crate) fn time(report: &RunReport) -> String {
    if report.rows.iter().all(|row| drawn(row).is_none()) {
        return String::new();
    }
    let strips = strips(report, "", |row| match drawn(row) {
        Some(shares) => Strip {
            drawing: bar(shares),
            words: verdict(report, row),
        },
        None => nothing(row),
    });
    format!(
        "<figure>\n<figcaption>Each bar is the time of all workers of a row, from start to end, \
         split by the state that they were in; beside it the verdict. Labels give strategy and \
         workers; * is the baseline.</figcaption>\n{}{strips}</figure>\n",
        legend(report)
    )
}

fn drawn(row: &Row) -> Option<[f64; 5]> {
    shares(row.time_budget.as_ref()?)
}

fn name(state: State) -> &'static str {
    match state {
        State::Running => "running",
        State::Throttled => "throttled",
        State::Runnable => "runnable",
        State::Blocked => "blocked",
        State::Stolen => "stolen",
    }
}

fn bar(shares: [f64; 5]) -> String {
    let mut parts = String::new();
    let mut words = Vec::new();
    let mut from = 0.0;
    for (state, share) in State::ALL.into_iter().zip(shares) {
        let name = name(state);
        // Narrower than this a part would not be seen.
        if share >= 0.002 {
            parts.push_str(&part(name, from, share));
            words.push(format!("{name} {}", percent(share)));
        }
        from += share;
    }
    format!(
        "<svg class=\"bar\" role=\"img\"><title>{}</title>{parts}</svg>",
        words.join(", ")
    )
}

fn part(name: &str, from: f64, share: f64) -> String {
    format!(
        "<rect class=\"{name}\" x=\"{}\" width=\"{}\" height=\"100%\"/>{}",
        width(from),
        width(share),
        inscription(name, from + share / 2.0, share)
    )
}

fn inscription(name: &str, middle: f64, share: f64) -> String {
    let text = |class: &str, text: &str| {
        format!(
            "<text class=\"on-{name} {class}\" x=\"{}\" y=\"50%\">{text}</text>",
            width(middle)
        )
    };
    let percent = percent(share);
    if share >= ROOM_FOR_NAME {
        text("long", &format!("{name} {percent}")) + &text("short", &percent)
    } else if share >= ROOM_FOR_PERCENT {
        text("", &percent)
    } else if share >= ROOM_ON_WIDE {
        text("long", &percent)
    } else {
        String::new()
    }
}

fn verdict(report: &RunReport, row: &Row) -> String {
    let link = row.verdict.as_ref().zip(anchor(report, row));
    link.map_or_else(String::new, |(verdict, anchor)| {
        format!("<a href=\"#{anchor}\">{}</a>", verdict.kind)
    })
}

/// The states that some bar shows, and what they mean.
fn legend(report: &RunReport) -> String {
    let shown = |state: State| {
        let of_rows = report.rows.iter().filter_map(drawn);
        of_rows
            .into_iter()
            .any(|shares| shares[state as usize] >= 0.002)
    };
    let states: String = State::ALL
        .into_iter()
        .filter(|state| shown(*state))
        .html(|state| {
            format!(
                "<li><svg class=\"key\" aria-hidden=\"true\"><rect class=\"{}\" width=\"100%\" \
                 height=\"100%\"/></svg> {}</li>\n",
                name(state),
                Text(meaning(state))
            )
        });
    let hidden = hidden_steal(report)
        .map_or_else(String::new, |hidden| format!("<li>{}</li>\n", Text(hidden)));
    format!("<ul class=\"legend\">\n{states}{hidden}</ul>\n")
}
