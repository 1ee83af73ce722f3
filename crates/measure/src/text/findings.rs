//! The sentences around the table.

use super::figures::{declared, effective, significant};
use super::style::{Style, Tone};
use super::wrap::hanging;
use crate::report::{Backend, Outcome, Row, RunReport, Verdict, VerdictKind};

/// How many things to try next are named.
const MOST_NEXT: usize = 3;

/// What ran, where, and whether it is whole.
pub(super) fn title(report: &RunReport, style: &Style) -> String {
    let host = &report.host;
    let backend = match report.backend {
        Backend::Docker => "in Docker",
        Backend::Local => "as local processes",
        Backend::InProcess => "in this process",
    };
    let cpus = host.cpus.map(|cpus| format!("{cpus} CPUs"));
    let kernel = host
        .kernel
        .as_ref()
        .map(|release| format!("Linux {release}"));
    let cgroup = host
        .cgroup_version
        .as_ref()
        .map(|version| format!("cgroup {version}"));
    let facts: Vec<_> = [
        cpus,
        host.model.clone(),
        kernel,
        cgroup,
        host.engine.clone(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let name = style.paint(Tone::Heading, &report.lab);
    let mut text = hanging(
        "",
        &format!("{name} {backend} on {}", facts.join(", ")),
        style.width,
    );
    if report.quick {
        let note = "A quick run: fewer rows and rounds, so no comparison is claimed from it.";
        text.push_str(&hanging("", note, style.width));
    }
    if report.partial {
        let note = "Interrupted: only whole rounds are shown.";
        text.push_str(&hanging("", &style.paint(Tone::Bad, note), style.width));
    }
    text
}

/// Where the Compose file and the kernel differ, which stations did not run,
/// and where the runtime believes in other CPUs than it has.
pub(super) fn disagreements(report: &RunReport, style: &Style) -> String {
    let mut text = String::new();
    let bad = style.paint(Tone::Bad, "✗ ");
    for station in &report.stations {
        if let Some(why) = &station.refused {
            let line = format!("{} did not run: {why}", station.name);
            text.push_str(&hanging(&bad, &line, style.width));
            continue;
        }
        if station.agree == Some(false) {
            let line = format!(
                "{}: the Compose file says {}, the kernel applied {} CPUs (cpuset {})",
                station.name,
                declared(station),
                effective(&station.effective),
                station.effective.cpuset.as_deref().unwrap_or("unknown"),
            );
            text.push_str(&hanging(&bad, &line, style.width));
        }
        if !station.effective.quota_known && report.backend != Backend::InProcess {
            let line = format!(
                "{}: the kernel does not tell which limits hold",
                station.name
            );
            text.push_str(&hanging("? ", &line, style.width));
        }
    }
    text.push_str(&runtime_beliefs(report, style));
    text
}

/// The stations whose runtime believes in another number of CPUs than the
/// quota gives: it sizes its pools by that.
fn runtime_beliefs(report: &RunReport, style: &Style) -> String {
    let wrong: Vec<_> = report
        .stations
        .iter()
        .filter_map(|station| {
            let (cpus, believed) = (station.effective.cpus?, station.believed_cpus?);
            let differs = (cpus - believed as f64).abs() > 1e-6;
            differs.then(|| format!("{} sees {believed} for {cpus}", station.name))
        })
        .collect();
    if wrong.is_empty() {
        return String::new();
    }
    let line = format!(
        "The runtime counts whole CPUs and sizes its pools by them: {}.",
        wrong.join(", ")
    );
    hanging("! ", &line, style.width)
}

/// The verdict of each row; rows of one kind and text together.
pub(super) fn verdicts(report: &RunReport, style: &Style) -> String {
    let judged = report
        .rows
        .iter()
        .filter_map(|row| Some((row, row.verdict.as_ref()?)));
    let mut text = heading("What bound the work", style);
    let mut any = false;
    for (row, verdict) in judged {
        any = true;
        text.push_str(&verdict_of(row, verdict, style));
    }
    if any { text } else { String::new() }
}

fn verdict_of(row: &Row, verdict: &Verdict, style: &Style) -> String {
    let tone = match verdict.kind {
        VerdictKind::Host | VerdictKind::HiddenLimit | VerdictKind::Unclear => Tone::Bad,
        VerdictKind::Cpu => Tone::Good,
        _ => Tone::Name,
    };
    let kind = style.paint(tone, verdict.kind.name());
    let first = format!("{}: {kind}. {}", label(row), verdict.text);
    let mut text = hanging("", &first, style.width);
    let mut more = vec![verdict.evidence.clone()];
    more.extend(
        verdict
            .also
            .iter()
            .map(|also| format!("{}: {}", also.kind, also.text)),
    );
    for line in more.iter().filter(|line| !line.is_empty()) {
        text.push_str(&hanging("    ", line, style.width));
    }
    text
}

fn label(row: &Row) -> String {
    let workers = if row.workers == 1 {
        "worker"
    } else {
        "workers"
    };
    format!(
        "{} · {} · {} {workers}",
        row.station, row.strategy, row.workers
    )
}

/// One sentence per group of rows.
pub(super) fn groups(report: &RunReport, style: &Style) -> String {
    if report.groups.is_empty() {
        return String::new();
    }
    let mut text = heading("Seen together", style);
    for group in &report.groups {
        let line = format!("{}: {}", group.title, group.sentence);
        text.push_str(&hanging("- ", &line, style.width));
    }
    text
}

/// The comparisons that the lab named beforehand.
pub(super) fn comparisons(report: &RunReport, style: &Style) -> String {
    if report.comparisons.is_empty() {
        return String::new();
    }
    let mut text = heading("Asked beforehand", style);
    for comparison in &report.comparisons {
        let ratio = comparison.ratio;
        let times = format!(
            "{} × ({}–{})",
            significant(ratio.median),
            significant(ratio.low),
            significant(ratio.high)
        );
        let answer = match comparison.outcome {
            Outcome::Faster => format!("faster in every round: {times}"),
            Outcome::Slower => format!("slower in every round: {times}"),
            Outcome::NoDifferenceSeen if report.quick => {
                format!("{times}; a quick run claims nothing from that")
            }
            Outcome::NoDifferenceSeen => format!("no difference seen: {times}"),
        };
        let line = format!("{} {answer}", comparison.question);
        text.push_str(&hanging("- ", &line, style.width));
    }
    text
}

/// What differs from the run before, and its effect.
pub(super) fn changes(report: &RunReport, style: &Style) -> String {
    if report.changes.is_empty() {
        return String::new();
    }
    let mut text = heading("Changed since the last run", style);
    for change in &report.changes {
        let line = format!(
            "{} {}: {} → {}",
            change.subject, change.knob, change.before, change.after
        );
        text.push_str(&hanging("- ", &line, style.width));
        for effect in &change.effects {
            text.push_str(&hanging("    ", effect, style.width));
        }
    }
    text
}

/// What must hold: one line when it did, else each that did not.
pub(super) fn invariants(report: &RunReport, style: &Style) -> String {
    let mut text = String::new();
    for invariant in report.invariants.iter().filter(|invariant| !invariant.held) {
        let mark = style.paint(Tone::Bad, "✗ ");
        let line = format!("{}: {}", invariant.name, invariant.detail);
        text.push_str(&hanging(&mark, &line, style.width));
    }
    if text.is_empty() && !report.invariants.is_empty() {
        let held: Vec<_> = report
            .invariants
            .iter()
            .map(|i| i.detail.as_str())
            .collect();
        let mark = style.paint(Tone::Good, "✓ ");
        text = hanging(&mark, &format!("{}.", held.join("; ")), style.width);
    }
    text
}

/// What to try next: each kind of verdict's advice once, from the row that
/// has most to gain in the report's order.
pub(super) fn next(report: &RunReport, style: &Style) -> String {
    let mut seen = Vec::new();
    let mut text = heading("What to try next", style);
    for row in &report.rows {
        let Some(verdict) = &row.verdict else {
            continue;
        };
        if verdict.next.is_empty() || seen.contains(&verdict.kind) || seen.len() == MOST_NEXT {
            continue;
        }
        seen.push(verdict.kind);
        let line = format!("{}: {}", label(row), verdict.next);
        text.push_str(&hanging("- ", &line, style.width));
    }
    if seen.is_empty() { String::new() } else { text }
}

fn heading(text: &str, style: &Style) -> String {
    format!("{}\n", style.paint(Tone::Heading, text))
}
