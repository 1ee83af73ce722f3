//! What the run as a whole shows: groups, comparisons, invariants, changes.

use super::figures::ratios;
use super::names::name_of_key;
use super::paragraph::Paragraph;
use super::style::{Paint, Style};
use crate::report::{Change, Comparison, Interval, Outcome, Predecessor, RunReport};
use crate::verdict::words::count;

/// One sentence for each group of rows.
pub fn groups(report: &RunReport, style: &Style) -> String {
    let sentences = report.groups.iter().map(|group| {
        Paragraph::new(&*group.sentence)
            .head(format!("{}:", group.title), Paint::Bold)
            .render(style)
    });
    section(style, "Groups of rows", sentences.collect())
}

/// The comparisons that the lab named beforehand, and what may be claimed.
pub fn comparisons(report: &RunReport, style: &Style) -> String {
    let answers = report.comparisons.iter().map(|comparison| {
        Paragraph::new(answer(report, comparison))
            .head(&*comparison.question, Paint::Bold)
            .render(style)
    });
    section(style, "Compared round by round", answers.collect())
}

/// What may be claimed, with the figures and the rows that it is drawn from.
pub fn answer(report: &RunReport, comparison: &Comparison) -> String {
    let ratio = &comparison.ratio;
    let fast = format!("{} as fast", ratios(ratio));
    let figures = match comparison.outcome {
        Outcome::Faster => format!("Faster in every round: {fast}"),
        Outcome::Slower => format!(
            "Slower in every round: it took {} as long",
            ratios(&inverse(ratio))
        ),
        Outcome::NoDifferenceSeen if report.quick => {
            format!("Nothing is claimed from a quick run: {fast}")
        }
        Outcome::NoDifferenceSeen => format!("No difference seen: {fast}"),
    };
    format!(
        "{figures}. ({} against {}.)",
        name_of_key(report, &comparison.row),
        name_of_key(report, &comparison.against)
    )
}

fn inverse(ratio: &Interval) -> Interval {
    Interval {
        median: 1.0 / ratio.median,
        low: 1.0 / ratio.high,
        high: 1.0 / ratio.low,
        coverage: ratio.coverage,
    }
}

/// The invariants that did not hold, each with its figures, and how many did.
pub fn invariants(report: &RunReport, style: &Style) -> String {
    let (kept, broken): (Vec<_>, Vec<_>) = report.invariants.iter().partition(|i| i.held);
    let mut text = String::new();
    for invariant in &broken {
        let head = format!(
            "{} It does not hold that {}:",
            style.cross(),
            invariant.name
        );
        let paragraph = Paragraph::new(&*invariant.detail).head(head, Paint::Red);
        text.push_str(&paragraph.render(style));
    }
    if !kept.is_empty() {
        let names: Vec<&str> = kept.iter().map(|i| i.name.as_str()).collect();
        let all = if broken.is_empty() {
            "Every invariant held"
        } else {
            "Held"
        };
        let paragraph = Paragraph::new(format!("{all}: {}.", names.join(", ")));
        text.push_str(&paragraph.head(style.tick(), Paint::Green).render(style));
    }
    text
}

/// What differs from the run compared with, and what that did; which run that
/// was, and why not a newer one.
pub fn changes(report: &RunReport, style: &Style) -> String {
    let mut text: String = report
        .changes
        .iter()
        .map(|change| {
            let mut text = Paragraph::new(knob(change))
                .head(&*change.subject, Paint::Bold)
                .render(style);
            for effect in &change.effects {
                text.push_str(&Paragraph::new(&**effect).indent(2).render(style));
            }
            text
        })
        .collect();
    let compared = &report.compared_with;
    let heading = match &compared.started {
        Some(started) => format!("Changed since the run of {started}"),
        None => "Changed since an earlier run".to_owned(),
    };
    if text.is_empty() && compared.started.is_some() {
        text = Paragraph::new("No limit, no parameter and nothing of the host.").render(style);
    }
    if let Some(why) = passed_over(compared) {
        text.push_str(&Paragraph::new(why).head("!", Paint::Yellow).render(style));
    }
    section(style, &heading, text)
}

/// Why a newer run, or any, is not the one compared with.
pub fn passed_over(compared: &Predecessor) -> Option<String> {
    let (newest, others) = compared.passed_over.split_first()?;
    let others = match others.len() {
        0 => String::new(),
        more => format!(", and {} before it", count(more, "run")),
    };
    let none = match compared.started {
        Some(_) => "",
        None => "There is no earlier run to compare with. ",
    };
    Some(format!(
        "{none}The run of {} was passed over: {}{others}.",
        newest.started, newest.why
    ))
}

pub(super) fn knob(change: &Change) -> String {
    format!("· {}: {} → {}", change.knob, change.before, change.after)
}

fn section(style: &Style, heading: &str, text: String) -> String {
    if text.is_empty() {
        return text;
    }
    style.heading(heading) + &text
}
