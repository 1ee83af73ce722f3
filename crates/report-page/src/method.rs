//! Where and how it was measured.

use crate::html::{EachHtml, Text};
use measure::report::{RunReport, Station};
use measure::serving::is_of_servers;
use measure::stats::ROUNDS_FOR_A_CLAIM;
use measure::text::backend;
use measure::text::figures::{NONE, UNKNOWN, count, cpus};
use measure::text::names::known;

/// Host, stations, invariants and method.
pub(crate) fn method(report: &RunReport) -> String {
    format!(
        "{}{}{}{}",
        host(report),
        stations(report),
        invariants(report),
        how(report)
    )
}

fn host(report: &RunReport) -> String {
    let host = &report.host;
    let asked: Vec<String> = report
        .parameters
        .iter()
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name} {text}"),
            None => format!("{name} {value}"),
        })
        .collect();
    let facts = [
        ("Backend", backend(report.backend).to_owned()),
        ("CPUs", known(host.cpus, |cpus| cpus.to_string())),
        ("Processor", known(host.model.clone(), |model| model)),
        ("Kernel", known(host.kernel.clone(), |kernel| kernel)),
        (
            "Control groups",
            known(host.cgroup_version.clone(), |version| version),
        ),
        ("Engine", known(host.engine.clone(), |engine| engine)),
        (
            "Asked for",
            if asked.is_empty() {
                NONE.to_owned()
            } else {
                asked.join(", ")
            },
        ),
    ];
    let facts: String = facts
        .iter()
        .html(|(name, fact)| format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", Text(fact)));
    format!("<dl class=\"facts\">\n{facts}</dl>\n")
}

fn stations(report: &RunReport) -> String {
    if report.stations.is_empty() {
        return String::new();
    }
    let heads = [
        "station",
        "replicas",
        "CPUs declared",
        "quota applied",
        "CPUs to use",
        "cpuset declared",
        "cpuset applied",
        "runtime sees",
        "as declared",
    ];
    let heads: String = heads
        .iter()
        .html(|head| format!("<th scope=\"col\">{head}</th>"));
    let lines: String = report.stations.iter().html(station);
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Limits\" tabindex=\"0\">\n<table>\n\
         <caption><span>Limits of one replica: what the Compose file says, what the kernel applied, and \
         how many CPUs a program there believes it has.</span></caption>\n\
         <thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table>\n</div>\n"
    )
}

fn station(station: &Station) -> String {
    let none = || "none".to_owned();
    let (declared, effective) = (&station.declared, &station.effective);
    if let Some(reason) = &station.refused {
        return format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td>\
             <td class=\"not-run\" colspan=\"6\">did not run: {}</td></tr>\n",
            Text(&station.name),
            station.replicas,
            declared.cpus.map_or_else(none, cpus),
            Text(reason)
        );
    }
    let quota = match effective.quota_cpus {
        Some(quota) => cpus(quota),
        None if effective.quota_known => none(),
        None => UNKNOWN.to_owned(),
    };
    let agree = |agree| {
        if agree {
            "yes".to_owned()
        } else {
            "no".to_owned()
        }
    };
    let cells = [
        station.replicas.to_string(),
        declared.cpus.map_or_else(none, cpus),
        quota,
        known(effective.cpus, cpus),
        declared.cpuset.clone().unwrap_or_else(none),
        known(effective.cpuset.clone(), |set| set),
        known(station.believed_cpus, |cpus| cpus.to_string()),
        known(station.agree, agree),
    ];
    let cells: String = cells.iter().html(|cell| format!("<td>{}</td>", Text(cell)));
    format!(
        "<tr><th scope=\"row\">{}</th>{cells}</tr>\n",
        Text(&station.name)
    )
}

fn invariants(report: &RunReport) -> String {
    if report.invariants.is_empty() {
        return String::new();
    }
    let items: String = report.invariants.iter().html(|invariant| {
        let mark = if invariant.held { "✓" } else { "✗" };
        let class = if invariant.held { "good" } else { "bad" };
        format!(
            "<li class=\"{class}\">{mark} <strong>{}</strong>: {}</li>\n",
            Text(&invariant.name),
            Text(&invariant.detail)
        )
    });
    format!("<h3>What must hold whatever the speed</h3>\n<ul class=\"marks\">\n{items}</ul>\n")
}

/// What is predicted, and from what.
fn of_predictions(report: &RunReport) -> &'static str {
    if is_of_servers(report) {
        "Latencies are counted from the moment at which a request was to leave. What is replayed \
         takes the same arrivals, the quota, and what a request cost before the rounds, and nothing \
         that was measured of the row itself."
    } else {
        "The prediction takes the CPU seconds of the baseline in the same round and the limits of \
         the row, and nothing that was measured of the row itself."
    }
}

fn how(report: &RunReport) -> String {
    let rounds = report
        .rows
        .iter()
        .map(|row| row.rounds.len())
        .max()
        .unwrap_or(0);
    format!(
        "<h3>How it was measured</h3>\n<ul>\n\
         <li>{}, each through all rows with one sample per row: rows are compared within a round, \
         and a difference is claimed only when {ROUNDS_FOR_A_CLAIM} rounds all point one way.</li>\n\
         <li>Where the time went is what the kernel counted for each worker: running, ready to run \
         but off the CPU, and throttled periods of its group. What is unknown stays unknown and is \
         never drawn as zero.</li>\n\
         <li>{}</li>\n\
         <li>The times are those of this machine in these minutes. On another one, as little \
         disturbed and under the same limits, shares and verdicts are to be expected again.</li>\n</ul>\n\
         <p class=\"source\">Drawn from the <code>run.json</code> beside this page ({}).</p>\n",
        count(rounds, "round"),
        of_predictions(report),
        Text(&report.schema),
    )
}
