//! Whether something else had the CPUs in most rows.

use super::paragraph::Paragraph;
use super::style::{Paint, Style};
use crate::figures::RoundFigures;
use crate::report::{RunReport, VerdictKind};
use crate::stats::median;
use crate::verdict::thresholds::{MOSTLY, STOLEN};
use crate::verdict::words::percent;

/// One paragraph where the machine was busy, else nothing.
pub fn busy(report: &RunReport, style: &Style) -> String {
    busy_host(report).map_or_else(String::new, |text| {
        Paragraph::new(text)
            .head("! The machine was busy:", Paint::Yellow)
            .render(style)
    })
}

/// What had the CPUs and what to do, where more than half of the rows, and not
/// one alone, have the verdict `host`.
pub fn busy_host(report: &RunReport) -> Option<String> {
    let kinds = report.rows.iter().filter_map(|row| row.verdict.as_ref());
    let kinds: Vec<VerdictKind> = kinds.map(|verdict| verdict.kind).collect();
    let busy = kinds.iter().filter(|k| **k == VerdictKind::Host).count();
    if busy < 2 || busy * 2 <= kinds.len() {
        return None;
    }
    if let Some(text) = by_the_load(report, busy, kinds.len()) {
        return Some(text);
    }
    let (had, remedy) = who_had_the_cpus(report);
    Some(format!(
        "in {busy} of {} rows something else had the CPUs{had}. {remedy} and run again: these \
         figures say little of the limits.",
        kinds.len()
    ))
}

/// Where what had them was mostly the lab's own load generator: nothing can be
/// closed then, and the figures are true of the two together.
fn by_the_load(report: &RunReport, busy: usize, rows: usize) -> Option<String> {
    let figures = figures_of_busy_rows(report);
    let of = |figure: fn(&RoundFigures) -> Option<f64>| {
        median(&figures.iter().filter_map(figure).collect::<Vec<_>>())
    };
    let part = of(|f| Some(f.load_share? / f.others_share?)).filter(|part| *part >= MOSTLY)?;
    let others = of(|f| f.others_share)?;
    Some(format!(
        "in {busy} of {rows} rows something else had the CPUs; other processes used {} of them, and \
         {} of that was the lab's own load generator. This machine has too few CPUs to load a server \
         from beside it without their meeting: read the rates as those of the two together.",
        percent(others),
        percent(part.min(1.0))
    ))
}

/// With figures where they are known, and what to do about it.
fn who_had_the_cpus(report: &RunReport) -> (String, &'static str) {
    let figures = figures_of_busy_rows(report);
    let median = |figure: fn(&RoundFigures) -> Option<f64>| {
        median(&figures.iter().filter_map(figure).collect::<Vec<_>>())
    };
    if let Some(stolen) = median(|f| f.stolen_share_of_busy).filter(|s| *s >= STOLEN) {
        let had = format!(
            "; the hypervisor gave them to somebody else for {} of the time",
            percent(stolen)
        );
        return (had, "Wait until the machine that hosts this one is quieter");
    }
    let had = median(|f| f.others_share).map_or_else(String::new, |share| {
        format!("; other processes used {} of them", percent(share))
    });
    (
        had,
        "Close what runs beside it (a build, a browser, another container; `top` names it)",
    )
}

fn figures_of_busy_rows(report: &RunReport) -> Vec<RoundFigures> {
    let is_busy = |kind: VerdictKind| kind == VerdictKind::Host;
    let rows = report.rows.iter();
    rows.filter(|row| row.verdict.as_ref().is_some_and(|v| is_busy(v.kind)))
        .filter_map(|row| Some((row, super::names::station(report, &row.station)?)))
        .flat_map(|(row, station)| {
            let rounds = row.rounds.iter();
            rounds.filter_map(|round| RoundFigures::new(round, station))
        })
        .collect()
}
