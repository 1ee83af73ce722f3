//! `lab check`: the preflight. Says what is wrong with a lab's Compose file,
//! with file and line, and which of its stations this host can grant.

mod host;
mod limits;

pub use host::Host;
pub use limits::{Objection, refused};

use crate::Refused;
use crate::compose::{self, Environment, Finding, Loaded, Service, Severity, show_bytes};
use crate::config::OptionArgs;
use crate::labs::{Lab, Options, by_name};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The input is wrong (sysexits.h, `EX_DATAERR`).
pub const EXIT_BAD_FILE: u8 = 65;

/// Options of `check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The folder of the Compose files
    #[arg(long, env = "LAB_COMPOSE_DIR", default_value = "compose")]
    pub compose_dir: PathBuf,

    /// The lab, `primes` or `lab-primes`
    #[arg(long, env = "LAB")]
    pub lab: String,

    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// What messages call the folder
    #[arg(long, default_value = "compose")]
    pub display_dir: String,

    /// Check for a host of this many CPUs instead of this one
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=8192))]
    pub host_cpus: Option<u16>,

    /// What a run is to narrow or change, which is checked too
    #[command(flatten)]
    pub narrowed: OptionArgs,
}

/// What goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// All findings, then a line per station
    Text,
    /// The names of the stations that can be granted; findings go to stderr
    Stations,
    /// What a run starts: `station` or `beside`, and a name; findings go to
    /// stderr
    Services,
}

/// What is to be printed, and whether the lab can run.
pub struct Outcome {
    /// All that is to be said, in the order of the files.
    pub findings: Vec<Finding>,
    /// The stations, in the order of the file.
    pub stations: Vec<Station>,
    /// What runs beside them: components of others first, then services of ours.
    pub beside: Vec<String>,
}

/// A service of the lab that a plain `up` starts.
pub struct Station {
    /// Its name.
    pub name: String,
    declared: String,
    /// Why it cannot run here.
    pub refused: Option<String>,
}

/// Checks and prints. Exit status 0: at least one station can be granted.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let lab = by_name(&args.lab);
    let options = lab.map(|lab| args.narrowed.options(lab)).transpose()?;
    let host = args
        .host_cpus
        .map_or_else(Host::read, |cpus| Host::with_cpus(cpus.into()));
    let outcome = check(load(&args.compose_dir, &args.lab), &host);
    if let (Some(lab), Some(options)) = (lab, &options) {
        outcome.check_names(lab, options)?;
    }
    print(&outcome, args);
    if !outcome.can_run() {
        return Ok(ExitCode::from(EXIT_BAD_FILE));
    }
    if let Some(options) = &options {
        outcome.check_asked(options)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a lab, `primes` or `lab-primes`, with the variables that are set here.
pub fn load(compose_dir: &Path, lab: &str) -> Result<Loaded, Vec<Finding>> {
    // Names that are not text cannot stand in a file that is.
    let env: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let stem = lab.strip_prefix("lab-").unwrap_or(lab);
    compose::load(compose_dir, &format!("lab-{stem}.yml"), &env)
}

fn check(loaded: Result<Loaded, Vec<Finding>>, host: &Host) -> Outcome {
    match loaded {
        Ok(loaded) => examine(&loaded, &limits::objections(&loaded.model, host)),
        Err(findings) => Outcome {
            findings,
            stations: Vec::new(),
            beside: Vec::new(),
        },
    }
}

/// What these objections make of the lab.
fn examine(loaded: &Loaded, objections: &[Objection]) -> Outcome {
    let refused = limits::reasons(objections);
    let findings = objections.iter().map(|objection| Finding {
        severity: objection.severity,
        place: loaded.place(&objection.service, objection.key),
        service: Some(objection.service.clone()),
        message: objection.message.clone(),
        hint: objection.hint.clone(),
    });
    let mut findings: Vec<Finding> = loaded.warnings.iter().cloned().chain(findings).collect();
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    let services = loaded.model.services.iter();
    let mut stations: Vec<Station> = services
        .filter(|(name, _)| loaded.model.is_station(name))
        .map(|(name, service)| Station {
            name: name.clone(),
            declared: declared(service),
            refused: refused.get(name).cloned(),
        })
        .collect();
    // In the order of the file, which is the order of the lesson.
    stations.sort_by_key(|station| loaded.place(&station.name, ""));
    let components = loaded.model.needs().map(|one| one.name().to_owned());
    let beside = loaded.model.beside().map(str::to_owned);
    Outcome {
        findings,
        stations,
        beside: components.chain(beside).collect(),
    }
}

/// Checks the lab for local stations: `local` says what these cannot give.
pub fn examine_local(loaded: &Loaded, local: Vec<Objection>) -> Outcome {
    let objections = limits::with_others(&loaded.model, &Host::read(), local);
    examine(loaded, &objections)
}

impl Outcome {
    /// Refuses a name in the options that this lab has not. A broken file has
    /// no names, and what is wrong with it comes first.
    pub fn check_names(&self, lab: &dyn Lab, options: &Options) -> Result<(), Refused> {
        let names: Vec<String> = self.stations.iter().map(|s| s.name.clone()).collect();
        if names.is_empty() {
            return Ok(());
        }
        lab.check(options, &names, &lab.abilities())
            .map_err(Refused)
    }

    /// Refuses a run of stations that are all refused. Called after the findings
    /// have been printed, which say where and what to do.
    pub fn check_asked(&self, options: &Options) -> Result<(), Refused> {
        let why_not = |name: &str| {
            let station = self.stations.iter().find(|station| station.name == name);
            station.and_then(|station| station.refused.clone())
        };
        options
            .in_vain(why_not)
            .map_or(Ok(()), |why| Err(Refused(why)))
    }

    /// The names of the stations that can be granted.
    fn granted(&self) -> impl Iterator<Item = &String> {
        let granted = |station: &&Station| station.refused.is_none() && self.can_run();
        self.stations.iter().filter(granted).map(|one| &one.name)
    }

    /// A refused runner would leave nobody to measure the stations.
    pub fn can_run(&self) -> bool {
        let is_station = |name: &str| self.stations.iter().any(|station| station.name == name);
        let runner_refused = self.findings.iter().any(|finding| {
            let service = finding.service.as_deref();
            finding.severity == Severity::Error && service.is_none_or(|name| !is_station(name))
        });
        !runner_refused
            && self
                .stations
                .iter()
                .any(|station| station.refused.is_none())
    }
}

/// The limits in a line: `4 × 0.5 CPUs, cpuset 0, 256 MiB`.
fn declared(service: &Service) -> String {
    let mut parts = Vec::new();
    if let Some(cpus) = service.quota_cpus() {
        parts.push(count(cpus, "CPU"));
    }
    if let Some(cpuset) = &service.cpuset {
        parts.push(format!("cpuset {cpuset}"));
    }
    if let Some(bytes) = service.memory_bytes() {
        parts.push(show_bytes(bytes));
    }
    if parts.is_empty() {
        parts.push("no limits".to_owned());
    }
    let each = parts.join(", ");
    match service.replicas() {
        1 => each,
        replicas => format!("{replicas} × {each}"),
    }
}

/// `1 CPU`, `0.5 CPUs`.
fn count(number: f64, noun: &str) -> String {
    let plural = if (number - 1.0).abs() < 1e-9 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn print(outcome: &Outcome, args: &CheckArgs) {
    let findings = outcome
        .findings
        .iter()
        .map(|finding| finding.shown_in(&args.display_dir).to_string());
    match args.format {
        Format::Text => {
            let lines = findings.chain(summary(&outcome.stations));
            service_output(&mut std::io::stdout().lock(), lines);
        }
        Format::Stations => {
            service_output(&mut std::io::stderr().lock(), findings);
            service_output(&mut std::io::stdout().lock(), outcome.granted().cloned());
        }
        Format::Services => {
            let stations = outcome.granted().map(|name| format!("station {name}"));
            let beside = outcome.beside.iter().map(|name| format!("beside {name}"));
            service_output(&mut std::io::stderr().lock(), findings);
            if outcome.can_run() {
                service_output(&mut std::io::stdout().lock(), stations.chain(beside));
            }
        }
    }
}

/// Writes lines; a reader that goes away (`| head`) is no error.
fn service_output(to: &mut dyn std::io::Write, lines: impl Iterator<Item = String>) {
    for line in lines {
        if writeln!(to, "{line}").is_err() {
            return;
        }
    }
}

fn summary(stations: &[Station]) -> impl Iterator<Item = String> {
    let width = |text: fn(&Station) -> &str| {
        let lengths = stations.iter().map(|station| text(station).chars().count());
        lengths.max().unwrap_or(0)
    };
    let (names, limits) = (
        width(|station| &station.name),
        width(|station| &station.declared),
    );
    stations.iter().map(move |station| {
        let verdict = match &station.refused {
            None => "granted".to_owned(),
            Some(why) => format!("refused: {why}"),
        };
        let (name, declared) = (&station.name, &station.declared);
        format!("{name:names$}  {declared:limits$}  {verdict}")
    })
}

#[cfg(test)]
mod tests;
