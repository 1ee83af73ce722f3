//! A run in Docker beside one with local stations.

use super::figures::{cpus, percent};
use super::names::{known, name_of_key};
use super::paragraph::Paragraph;
use super::plain_table::plain_table;
use super::style::{Paint, Style};
use crate::changes::{Backends, Cost, RowShares, StationLimits, docker_and_local};
use crate::duration::duration;
use crate::report::{Row, RunReport};
use crate::serving::is_of_servers;
use crate::stats::RunsOutcome;
use crate::verdict::thresholds::{SAME_LIMIT, SAME_SHARE};
use crate::verdict::words::count;

/// Limits and shares of both, and what containers cost; empty unless the runs
/// are one of each.
pub fn backends(before: &RunReport, after: &RunReport, style: &Style) -> String {
    let Some([docker, local]) = docker_and_local(before, after) else {
        return String::new();
    };
    let Some(found) = crate::changes::backends(before, after) else {
        return String::new();
    };
    let mut text = style.heading("Backends");
    text.push_str(&stations(&found.stations, style));
    text.push('\n');
    text.push_str(&rows(docker, &found.rows, style));
    text.push('\n');
    let mut say = |head: &str, sentence: String| {
        let paragraph = Paragraph::new(sentence).head(head, Paint::Bold);
        text.push_str(&paragraph.render(style));
    };
    say("Limits:", limits_in_words(&found));
    say("Where the time went:", shares_in_words(docker, &found.rows));
    say("What containers cost:", costs_in_words(docker, &found));
    if let Some(common) = common_in_words(docker, local) {
        say("What that cannot show:", common);
    }
    text
}

fn mark(same: bool, style: &Style) -> String {
    if same { style.tick() } else { style.cross() }.to_owned()
}

fn stations(stations: &[StationLimits], style: &Style) -> String {
    let heads = ["station", "CPUs in Docker", "locally", "difference", ""];
    let lines = stations.iter().map(|station| {
        let [docker, local] = station.cpus.map(|figure| known(figure, cpus));
        vec![
            station.name.clone(),
            docker,
            local,
            known(station.difference(), percent),
            station
                .same()
                .map_or_else(String::new, |same| mark(same, style)),
        ]
    });
    plain_table(style, &heads, &heads[1..4], lines)
}

fn rows(docker: &RunReport, rows: &[RowShares], style: &Style) -> String {
    let heads = [
        "row",
        "differs most",
        "in Docker",
        "locally",
        "points",
        "",
        "host",
    ];
    let lines = rows.iter().map(|row| {
        let [in_docker, locally] = row.shares.map(percent);
        vec![
            name_of_key(docker, &row.key),
            row.state.to_owned(),
            in_docker,
            locally,
            format!("{:.1}", row.difference() * 100.0),
            mark(row.same(), style),
            disturbed_in(row).unwrap_or_default().to_owned(),
        ]
    });
    plain_table(style, &heads, &heads[2..5], lines)
}

/// In which run others had the CPUs.
fn disturbed_in(row: &RowShares) -> Option<&'static str> {
    match row.disturbed {
        [true, true] => Some("in both"),
        [true, false] => Some("in Docker"),
        [false, true] => Some("locally"),
        [false, false] => None,
    }
}

fn limits_in_words(found: &Backends) -> String {
    let within = format!("{} %", cpus(SAME_LIMIT * 100.0));
    let of = |same: Option<bool>| {
        let stations = found.stations.iter().filter(move |s| s.same() == same);
        stations.collect::<Vec<_>>()
    };
    let mut sentences = Vec::new();
    let (alike, wrong) = (of(Some(true)), of(Some(false)));
    if !wrong.is_empty() {
        let names: Vec<_> = wrong.iter().map(|station| station.name.as_str()).collect();
        sentences.push(format!(
            "{}: another limit in one run than in the other, by more than {within}.",
            names.join(", ")
        ));
    }
    if !alike.is_empty() {
        let stations = count(alike.len(), "station");
        sentences.push(format!("The same in both for {stations}, within {within}."));
    }
    for station in of(None) {
        let why = station.refused.iter().flatten().next();
        let why = why.map_or("the kernel did not tell its limit", String::as_str);
        sentences.push(format!("Not compared: {} ({why}).", station.name));
    }
    sentences.join(" ")
}

fn shares_in_words(report: &RunReport, rows: &[RowShares]) -> String {
    let points = SAME_SHARE * 100.0;
    let (same, apart): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.same());
    if rows.is_empty() {
        return "no row has shares in both runs.".to_owned();
    }
    let mut sentences = vec![format!(
        "no share differs by more than {points:.0} points in {} of {}.",
        same.len(),
        count(rows.len(), "row")
    )];
    let host = |row: &&RowShares| disturbed_in(row).is_some();
    let names = |rows: Vec<&&RowShares>| {
        let names = rows.iter().map(|row| name_of_key(report, &row.key));
        names.collect::<Vec<_>>().join("; ")
    };
    let (by_host, open): (Vec<&&RowShares>, Vec<&&RowShares>) =
        apart.iter().partition(|row| host(row));
    if !by_host.is_empty() {
        let names = names(by_host);
        sentences.push(format!(
            "Likely because something else had the CPUs, by its verdict (host): {names}."
        ));
    }
    if !open.is_empty() {
        sentences.push(format!("Without such a reason: {}.", names(open)));
    }
    sentences.join(" ")
}

fn costs_in_words(report: &RunReport, found: &Backends) -> String {
    if is_of_servers(report) {
        return "the rates and latencies of the rows stand above; a server's samples have no wall \
                time that could be set against a baseline's."
            .to_owned();
    }
    let wall = told(report, "Wall time", ("took", "as long"), &found.wall);
    let cpu = told(report, "CPU time", ("used", "as much"), &found.cpu);
    format!("{wall} {cpu}")
}

/// What may be claimed of one figure: "Wall time: a row took 1.05 × as long in
/// Docker; 14 rows within noise."
fn told(
    report: &RunReport,
    what: &str,
    (verb, as_much): (&str, &str),
    costs: &Result<Vec<Cost>, String>,
) -> String {
    let costs = match costs {
        Err(why) => return why.clone(),
        Ok(costs) => costs,
    };
    let mut parts: Vec<String> = costs
        .iter()
        .filter_map(|cost| {
            let (ratio, place) = match cost.outcome {
                RunsOutcome::Faster => (cost.ratio, "in Docker"),
                RunsOutcome::Slower => (1.0 / cost.ratio, "locally"),
                RunsOutcome::WithinNoise | RunsOutcome::TooFewRounds => return None,
            };
            let row = name_of_key(report, &cost.key);
            Some(format!("{row} {verb} {ratio:.2} × {as_much} {place}"))
        })
        .collect();
    for (outcome, words) in [
        (RunsOutcome::WithinNoise, "within noise"),
        (
            RunsOutcome::TooFewRounds,
            "of too few rounds to claim anything",
        ),
    ] {
        let rows = costs.iter().filter(|cost| cost.outcome == outcome).count();
        if rows > 0 {
            parts.push(format!("{} {words}", count(rows, "row")));
        }
    }
    if parts.is_empty() {
        parts.push("no row to compare beside the baseline".to_owned());
    }
    format!("{what}: {}.", parts.join("; "))
}

/// What every row has in common, which dividing by the baseline takes out.
fn common_in_words(docker: &RunReport, local: &RunReport) -> Option<String> {
    let baseline = |report: &RunReport| {
        let row = report.rows.iter().find(|row| row.baseline);
        row.and_then(|row: &Row| row.wall_seconds)
    };
    let [in_docker, locally] = [baseline(docker)?, baseline(local)?].map(|wall| wall.median);
    Some(format!(
        "a cost that all rows share, the baseline too: that took {} in Docker and {} locally, and \
         two runs cannot tell such a difference from a slower hour of the machine. How long the \
         stations took to start and their memory stand in no report.",
        duration(in_docker),
        duration(locally)
    ))
}
