//! What the Compose file declares, what the kernel applied, and what the
//! runtime believes.

use super::machine::unsteady;
use super::names::known;
use super::paragraph::Paragraph;
use super::style::{Paint, Style};
use crate::cpu_list;
use crate::report::{Backend, Declared, RunReport, Station};
use crate::verdict::thresholds::SAME_CPUS;
use crate::verdict::words::{cpu_count, cpus};

/// Stations that did not run, whose limits are not those declared, or whose
/// runtime sees another number of CPUs than it may use; and whether the machine
/// itself was steady.
pub fn disagreements(report: &RunReport, style: &Style) -> String {
    let text: String = disagreements_of(report)
        .into_iter()
        .map(|disagreement| {
            let (head, paint) = match disagreement.station {
                Some(station) => (format!("{} {station}:", style.cross()), Paint::Red),
                None => ("!".to_owned(), Paint::Yellow),
            };
            Paragraph::new(disagreement.text)
                .head(head, paint)
                .render(style)
        })
        .collect();
    if text.is_empty() {
        return text;
    }
    style.heading("Know this first") + &text
}

/// What is not as declared, or not as the runtime believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement<'a> {
    /// The station that is not as declared; `None`: a note on several.
    pub station: Option<&'a str>,
    /// In plain words.
    pub text: String,
}

/// All disagreements of the stations that have rows, those of single stations
/// first.
pub fn disagreements_of(report: &RunReport) -> Vec<Disagreement<'_>> {
    let of_stations = in_this_run(report).filter_map(|station| {
        let text = refusal(station).or_else(|| not_as_declared(station))?;
        Some(Disagreement {
            station: Some(&station.name),
            text,
        })
    });
    let notes = [
        unsteady(report),
        unknown(report),
        sees_more(report),
        sees_fewer(report),
    ];
    let notes = notes.into_iter().flatten().map(|text| Disagreement {
        station: None,
        text,
    });
    of_stations.chain(notes).collect()
}

/// `declared 0.5 CPUs → effective 0.5 CPUs · runtime sees 1`.
pub fn limits(report: &RunReport, station: &Station) -> String {
    if station.refused.is_some() {
        return format!("declared {} · did not run", declared(&station.declared));
    }
    let replicas = match station.replicas {
        0 | 1 => String::new(),
        replicas => format!("{replicas} replicas, each "),
    };
    let arrow = if station.agree == Some(false) {
        "≠"
    } else {
        "→"
    };
    // A service's own run knows nothing of a Compose file.
    let declared = match report.backend {
        Backend::InProcess => String::new(),
        _ => format!("declared {} {arrow} ", declared(&station.declared)),
    };
    format!(
        "{replicas}{declared}effective {} · runtime sees {}",
        effective(station),
        known(station.believed_cpus, |cpus| cpus.to_string())
    )
}

fn declared(declared: &Declared) -> String {
    let cpuset = declared.cpuset.as_ref().map(|set| format!("cpuset {set}"));
    match (declared.cpus.map(cpu_count), cpuset) {
        (Some(cpus), Some(cpuset)) => format!("{cpus} on {cpuset}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => "no limit".to_owned(),
    }
}

fn effective(station: &Station) -> String {
    let cpus = known(station.effective.cpus, cpu_count);
    match (&station.declared.cpuset, &station.effective.cpuset) {
        (Some(_), applied) => format!("{cpus} on cpuset {}", known(applied.clone(), |set| set)),
        (None, _) => cpus,
    }
}

fn refusal(station: &Station) -> Option<String> {
    let why = station.refused.as_ref()?;
    Some(format!("did not run: {why}"))
}

fn not_as_declared(station: &Station) -> Option<String> {
    if station.agree != Some(false) {
        return None;
    }
    let mut differences = Vec::new();
    let (declared, effective) = (&station.declared, &station.effective);
    // What is unknown does not differ: something else here does.
    if effective.quota_known && !same_quota(declared.cpus, effective.quota_cpus) {
        let shown = |quota: Option<f64>| quota.map_or_else(|| "none".to_owned(), cpus);
        differences.push(format!(
            "a quota of {} CPUs is declared, applied is {}",
            shown(declared.cpus),
            shown(effective.quota_cpus)
        ));
    }
    if let (Some(set), Some(applied)) = (&declared.cpuset, &effective.cpuset)
        && cpu_list::parse(set) != cpu_list::parse(applied)
    {
        differences.push(format!("cpuset {set} is declared, applied is {applied}"));
    }
    if differences.is_empty() {
        return Some("not all of its replicas have the limits that are declared.".to_owned());
    }
    Some(format!(
        "{}. What follows is true of the limits applied.",
        differences.join("; ")
    ))
}

/// Quotas are whole microseconds of a period of at least a millisecond.
fn same_quota(declared: Option<f64>, applied: Option<f64>) -> bool {
    match (declared, applied) {
        (Some(declared), Some(applied)) => (declared - applied).abs() < 1e-3,
        (None, None) => true,
        _ => false,
    }
}

fn unknown(report: &RunReport) -> Option<String> {
    let declares = |s: &&Station| s.declared.cpus.is_some() || s.declared.cpuset.is_some();
    let open = ran(report).filter(|station| station.agree.is_none());
    let names: Vec<&str> = open.filter(declares).map(|s| s.name.as_str()).collect();
    let names = some_of(&names)?;
    Some(format!(
        "Whether the limits applied are those declared is unknown, since the kernel does not \
         tell: {names}."
    ))
}

fn sees_more(report: &RunReport) -> Option<String> {
    let stations = beliefs(report, |believed, effective| {
        believed > effective + SAME_CPUS
    })?;
    Some(format!(
        "The runtime sees more CPUs than it may use: {stations}. A pool of that size runs into \
         the limit."
    ))
}

fn sees_fewer(report: &RunReport) -> Option<String> {
    let stations = beliefs(report, |believed, effective| {
        believed < effective - SAME_CPUS
    })?;
    Some(format!(
        "The runtime sees fewer CPUs than it may use: {stations}. A pool of that size leaves the \
         rest unused."
    ))
}

/// The stations whose believed and effective CPUs are in this relation.
fn beliefs(report: &RunReport, relation: impl Fn(f64, f64) -> bool) -> Option<String> {
    let stations: Vec<String> = ran(report)
        .filter_map(|station| {
            let (believed, effective) = (station.believed_cpus?, station.effective.cpus?);
            relation(believed as f64, effective)
                .then(|| format!("{} {believed} of {}", station.name, cpu_count(effective)))
        })
        .collect();
    some_of(&stations)
}

fn some_of<T: AsRef<str>>(names: &[T]) -> Option<String> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn ran(report: &RunReport) -> impl Iterator<Item = &Station> {
    in_this_run(report).filter(|s| s.refused.is_none())
}

/// The stations that have rows: a narrowed run surveys the others too.
fn in_this_run(report: &RunReport) -> impl Iterator<Item = &Station> {
    let has_row = |station: &&Station| report.rows.iter().any(|row| row.station == station.name);
    report.stations.iter().filter(has_row)
}
