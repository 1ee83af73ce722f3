//! What bound each row.

use super::names::{by_station, row_name, row_names};
use super::paragraph::Paragraph;
use super::style::{Paint, Style};
use crate::report::{Row, RunReport, Verdict};
use crate::verdict::words::kind;

/// The verdict of every row that has one: what bound it, the figures that
/// prove it, what to try next, and what else shows. Rows of which the same is
/// to be said share a paragraph.
pub fn verdicts(report: &RunReport, style: &Style) -> String {
    let alike = alike(report);
    if alike.is_empty() {
        return String::new();
    }
    let paragraphs: String = alike
        .iter()
        .map(|(verdict, rows)| paragraphs(report, style, verdict, rows))
        .collect();
    style.heading("Verdicts") + &paragraphs
}

/// The rows of each verdict, those together of which the same is to be said, in the order in which the table has the first of them.
pub fn alike(report: &RunReport) -> Vec<(&Verdict, Vec<&Row>)> {
    let mut alike: Vec<(&Verdict, Vec<&Row>)> = Vec::new();
    let stations = by_station(report).into_iter();
    for row in stations.flat_map(|(_, rows)| rows) {
        let Some(verdict) = &row.verdict else {
            continue;
        };
        match alike.iter_mut().find(|(first, _)| same(first, verdict)) {
            Some((_, rows)) => rows.push(row),
            None => alike.push((verdict, vec![row])),
        }
    }
    alike
}

/// Whether all is the same but for the figures that prove it.
fn same(one: &Verdict, other: &Verdict) -> bool {
    let said = |v: &Verdict| (v.kind, v.text.clone(), v.next.clone(), v.also.clone());
    said(one) == said(other)
}

fn paragraphs(report: &RunReport, style: &Style, verdict: &Verdict, rows: &[&Row]) -> String {
    let head = format!("{}: {}", row_names(report, rows), kind(verdict.kind));
    let mut text = Paragraph::new(format!("— {}", verdict.text))
        .head(head, Paint::Bold)
        .render(style);
    for (label, said) in evidence(report, rows) {
        text.push_str(&detail(style, &label, &said));
    }
    text.push_str(&detail(style, "Next:", &verdict.next));
    for also in &verdict.also {
        text.push_str(&detail(
            style,
            &format!("Also ({}):", also.kind),
            &also.text,
        ));
    }
    text
}

/// The figures of the rows, each behind its label: once where they are the same.
pub fn evidence(report: &RunReport, rows: &[&Row]) -> Vec<(String, String)> {
    let figures = |row: &Row| row.verdict.as_ref().map(|v| v.evidence.clone());
    let all: Vec<String> = rows.iter().filter_map(|row| figures(row)).collect();
    let first = all.first().cloned().unwrap_or_default();
    if all.iter().all(|figures| *figures == first) {
        return vec![("Figures:".to_owned(), first)];
    }
    let labels = rows
        .iter()
        .map(|row| format!("Figures of {}:", row_name(report, row)));
    labels.zip(all).collect()
}

fn detail(style: &Style, label: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    Paragraph::new(text)
        .head(label, Paint::Dim)
        .indent(2)
        .render(style)
}
