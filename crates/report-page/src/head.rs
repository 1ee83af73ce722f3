//! What ran, when and where, and what a reader must know before the figures.

use crate::html::Text;
use measure::report::RunReport;
use measure::text::figures::{UNKNOWN, count, run_time};
use measure::text::{backend, busy_host, disagreements_of};

/// The page's header.
pub(crate) fn head(report: &RunReport) -> String {
    let host = &report.host;
    let cpus = host
        .cpus
        .map_or_else(|| format!("{UNKNOWN} CPUs"), |cpus| count(cpus, "CPU"));
    let model = host
        .model
        .as_ref()
        .map_or_else(String::new, |model| format!(" ({model})"));
    format!(
        "<header>\n<h1>{}</h1>\n<p class=\"where\"><time datetime=\"{started}\">{started}</time> · \
         {} · {} · took {}</p>\n{}</header>\n",
        Text(&report.lab),
        Text(format!("{cpus}{model}")),
        backend(report.backend),
        run_time(report.seconds),
        notes(report),
        started = Text(&report.started),
    )
}

/// Warnings, gravest first.
fn notes(report: &RunReport) -> String {
    let mut notes = String::new();
    let mut note = |class: &str, head: &str, text: &str| {
        notes.push_str(&line(class, head, text));
    };
    for invariant in report.invariants.iter().filter(|i| !i.held) {
        let head = format!("✗ {} did not hold:", invariant.name);
        note("bad", &head, &invariant.detail);
    }
    if report.partial {
        let text = "the run was interrupted, and only its whole rounds are in here.";
        note("caution", "Partial:", text);
    }
    if report.quick {
        let text = "fewer rows and rounds, and no comparison is claimed from it.";
        note("caution", "Quick run:", text);
    }
    if let Some(text) = busy_host(report) {
        note("caution", "The machine was busy:", &text);
    }
    for disagreement in disagreements_of(report) {
        match disagreement.station {
            Some(station) => note("bad", &format!("✗ {station}:"), &disagreement.text),
            None => note("caution", "!", &disagreement.text),
        }
    }
    if notes.is_empty() {
        return notes;
    }
    format!("<ul class=\"notes\" aria-label=\"Know this first\">\n{notes}</ul>\n")
}

fn line(class: &str, head: &str, text: &str) -> String {
    let (head, text) = (Text(head), Text(text));
    format!("<li class=\"{class}\"><strong>{head}</strong> {text}</li>\n")
}
