//! What the run as a whole shows.

use crate::html::{EachHtml, Text};
use measure::report::{Change, RunReport};
use measure::text::{answer, passed_over, steps};

/// The groups' sentences and the comparisons that were named beforehand.
pub(crate) fn in_short(report: &RunReport) -> String {
    let groups: String = report.groups.iter().html(|group| {
        format!(
            "<li><strong>{}:</strong> {}</li>\n",
            Text(&group.title),
            Text(&group.sentence)
        )
    });
    let answers: String = report.comparisons.iter().html(|comparison| {
        format!(
            "<div><dt>{}</dt>\n<dd>{}</dd></div>\n",
            Text(&comparison.question),
            Text(answer(report, comparison))
        )
    });
    list("ul", "", &groups)
        + &under(
            "Asked beforehand, compared round by round",
            &list("dl", "answers", &answers),
        )
}

/// What differs from the run before, and what that did.
pub(crate) fn changes(report: &RunReport) -> String {
    let compared = &report.compared_with;
    let against = compared
        .started
        .as_ref()
        .map_or_else(String::new, |started| {
            let nothing = if report.changes.is_empty() {
                ": no limit, no parameter and nothing of the host"
            } else {
                ""
            };
            format!("<p>Since the run of {}{nothing}.</p>\n", Text(started))
        });
    let passed_over =
        passed_over(compared).map_or_else(String::new, |why| format!("<p>{}</p>\n", Text(why)));
    against + &list("dl", "answers", &report.changes.iter().html(change)) + &passed_over
}

fn change(change: &Change) -> String {
    let effects: String = change
        .effects
        .iter()
        .html(|effect| format!("<dd>{}</dd>\n", Text(effect)));
    let effects = if effects.is_empty() {
        "<dd>Changes no row&#39;s time by itself.</dd>\n".to_owned()
    } else {
        effects
    };
    format!(
        "<div><dt>{} · {}: {} → {}</dt>\n{effects}</div>\n",
        Text(&change.subject),
        Text(&change.knob),
        Text(&change.before),
        Text(&change.after)
    )
}

/// The rows' advice, most to be won first.
pub(crate) fn next(report: &RunReport) -> String {
    let steps: String = steps(report).iter().html(|(whose, advice)| {
        format!(
            "<li><strong>{}:</strong> {}</li>\n",
            Text(whose),
            Text(advice)
        )
    });
    list("ol", "", &steps)
}

fn list(tag: &str, class: &str, items: &str) -> String {
    if items.is_empty() {
        return String::new();
    }
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    format!("<{tag}{class}>\n{items}</{tag}>\n")
}

fn under(heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!("<h3>{heading}</h3>\n{content}")
}
