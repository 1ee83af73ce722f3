//! What the run as a whole shows: groups, comparisons, invariants, changes.

use super::figures::ratios;
use super::names::name_of_key;
use super::paragraph::Paragraph;
use super::style::{Paint, Style};
use crate::report::{Change, Comparison, Interval, Outcome, RunReport};

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

fn answer(report: &RunReport, comparison: &Comparison) -> String {
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
        let head = format!("{} {} did not hold:", style.cross(), invariant.name);
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

/// What differs from this lab's run before, and what that did.
pub fn changes(report: &RunReport, style: &Style) -> String {
    let changes = report.changes.iter().map(|change| {
        let mut text = Paragraph::new(knob(change))
            .head(&*change.subject, Paint::Bold)
            .render(style);
        for effect in &change.effects {
            text.push_str(&Paragraph::new(&**effect).indent(2).render(style));
        }
        text
    });
    section(style, "Changed since the run before", changes.collect())
}

fn knob(change: &Change) -> String {
    format!("· {}: {} → {}", change.knob, change.before, change.after)
}

fn section(style: &Style, heading: &str, text: String) -> String {
    if text.is_empty() {
        return text;
    }
    style.heading(heading) + &text
}
