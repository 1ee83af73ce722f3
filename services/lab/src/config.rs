//! What the runner can be told.

use crate::Refused;
use crate::labs::{LABS, Lab, Options, Workers, by_name};
use crate::station::local::Choice;
use clap::{Args, Parser, Subcommand};
use service_kit::config::count_within;
use service_kit::problem::nearest;
use std::path::PathBuf;

/// Runs a lab, checks its Compose file, or explains a saved run.
#[derive(Debug, Parser)]
#[command(name = "lab", version)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure a lab's stations and say what bound the work
    Run(Box<RunArgs>),
    /// Check a lab's Compose file against this host
    Check(crate::check::CheckArgs),
    /// Give the verdicts of a saved run again, from its raw rounds alone
    Explain(ExplainArgs),
    /// Make the page of a saved run again: report.html beside its run.json
    Report(ReportArgs),
    /// List the runs of a lab: when, where, what was changed, headline figures
    History(HistoryArgs),
    /// Compare two saved runs row by row
    Compare(CompareArgs),
    /// Do something to a station: scale, crash, kill, pause, resume
    Act(ActArgs),
    /// Say what can hold local stations to their limits here
    Means(MeansArgs),
    /// Show what the local stations of a run under way use, beside what they may
    Stats,
    /// Show what all stations use right now, full screen
    #[command(disable_help_flag = true)]
    Top(crate::top::TopArgs),
    /// Run a program under limits, as local stations are held to theirs
    Hold(crate::hold::HoldArgs),
    /// Serve the newest run as metrics, for Prometheus
    Export(crate::export::ExportArgs),
    /// Become a program inside given control groups; local stations are started by it
    #[command(hide = true)]
    Enter(crate::enter::EnterArgs),
}

/// Which lab, and where its pieces are.
#[derive(Debug, Args)]
pub struct Place {
    /// The lab, `lab-<topic>`
    #[arg(long, env = "LAB")]
    pub lab: String,

    /// The resolved lab, as `docker compose config --format json` prints it
    #[arg(long, env = "LAB_MODEL", default_value = "/run/parlab/model.json")]
    pub model: PathBuf,

    /// Its stations that can run here, in the order of the Compose file,
    /// separated by spaces
    #[arg(long, env = "LAB_STATIONS", default_value = "")]
    pub stations: String,

    /// The folder shared with the host script, for what the runner asks of it
    #[arg(long, env = "LAB_CONTROL", default_value = "/run/parlab/control")]
    pub control: PathBuf,
}

/// Options of stations without Docker.
#[derive(Debug, Clone, Args)]
pub struct LocalArgs {
    /// Run the stations as child processes, without Docker
    #[arg(long)]
    pub local: bool,

    /// The folder of the Compose files, for --local
    #[arg(long, env = "LAB_COMPOSE_DIR", default_value = "compose")]
    pub compose_dir: PathBuf,

    /// The folder of the services' programs, for --local [default: that of this one]
    #[arg(long, env = "LAB_PROGRAMS")]
    pub programs: Option<PathBuf>,

    /// What holds local stations to their limits
    #[arg(long, env = "LAB_LIMITS", value_enum, default_value_t = Choice::Auto)]
    pub limits: Choice,

    /// The script that calls this: the run ends with it, and is under its lock
    #[arg(long, hide = true, requires = "local")]
    pub script: Option<u32>,
}

/// Options of `means`.
#[derive(Debug, Args)]
pub struct MeansArgs {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which lab
    #[command(flatten)]
    pub place: Place,

    /// Stations without Docker
    #[command(flatten)]
    pub local: LocalArgs,

    /// Where runs are kept [default: /results, and with --local results]
    #[arg(long, env = "LAB_RESULTS")]
    pub results: Option<PathBuf>,

    /// The container engine and its version, for the report
    #[arg(long, env = "LAB_ENGINE", default_value = "")]
    pub engine: String,

    /// What is narrowed or changed
    #[command(flatten)]
    pub narrowed: OptionArgs,
}

/// What a person may narrow or change, by variables of make. An empty value is
/// as good as none: Compose passes on every variable, set or not.
#[derive(Debug, Args)]
pub struct OptionArgs {
    /// A short run: 1 for fewer rows and rounds
    #[arg(long, env = "QUICK", default_value = "")]
    pub quick: String,

    /// Only these stations, separated by commas
    #[arg(long, env = "STATION", default_value = "")]
    pub station: String,

    /// Only these strategies, separated by commas
    #[arg(long, env = "STRATEGY", default_value = "")]
    pub strategy: String,

    /// Only these worker counts, separated by commas; auto: as many as use all
    /// of the station's CPUs
    #[arg(long, env = "WORKERS", default_value = "")]
    pub workers: String,

    /// What computes the job
    #[arg(long, env = "KERNEL", default_value = "")]
    pub kernel: String,

    /// The job's size, such as 2000000 or 2e6, 1 to 10^12
    #[arg(long, env = "LIMIT", default_value = "")]
    pub limit: String,

    /// How many rounds
    #[arg(long, env = "ROUNDS", default_value = "")]
    pub rounds: String,

    /// The names of the variables on make's command line, to notice misspelt ones
    #[arg(long, env = "LAB_GIVEN", default_value = "", hide = true)]
    pub given: String,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A saved run
    pub run: PathBuf,

    /// Print the report as JSON instead
    #[arg(long)]
    pub json: bool,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A saved run, `run.json`
    pub run: PathBuf,
}

/// Options of `history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// The lab, with or without its `lab-`; all labs where none is named
    pub lab: Option<String>,

    /// Where runs are kept
    #[arg(long, env = "LAB_RESULTS", default_value = "/results")]
    pub results: PathBuf,
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The earlier run, `run.json`
    pub before: PathBuf,

    /// The later run
    pub after: PathBuf,
}

/// Options of `act`.
#[derive(Debug, Args)]
pub struct ActArgs {
    /// Which lab
    #[command(flatten)]
    pub place: Place,

    /// What to do
    #[arg(value_enum)]
    pub verb: Verb,

    /// The station to do it to
    pub station: String,

    /// How many replicas, for `scale`
    #[arg(required_if_eq("verb", "scale"))]
    pub replicas: Option<usize>,
}

/// What can be done to a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Verb {
    /// Let it run so many replicas
    Scale,
    /// Its processes die; the restart policy brings it back
    Crash,
    /// It is stopped for good
    Kill,
    /// Its processes are frozen
    Pause,
    /// And thawed
    Resume,
}

impl Place {
    /// The lab that was asked for.
    pub fn lab(&self) -> Result<&'static dyn Lab, Refused> {
        the_lab(&self.lab)
    }
}

/// The lab of that name, or what it could have been.
pub fn the_lab(name: &str) -> Result<&'static dyn Lab, Refused> {
    by_name(name).ok_or_else(|| {
        let names = LABS.iter().map(|lab| lab.name());
        let meant = nearest(name, names.clone());
        let hint = meant.map_or(String::new(), |name| format!("; did you mean {name}?"));
        let names: Vec<_> = names.collect();
        Refused(format!(
            "there is no lab {name:?}{hint} (there are {})",
            names.join(", ")
        ))
    })
}

impl RunArgs {
    /// The folder for what others are to see of the run.
    pub fn control(&self) -> PathBuf {
        if self.local.local {
            self.results().join(".run/control")
        } else {
            self.place.control.clone()
        }
    }

    /// Where runs are kept.
    pub fn results(&self) -> PathBuf {
        let default = if self.local.local {
            "results"
        } else {
            "/results"
        };
        self.results.clone().unwrap_or_else(|| default.into())
    }
}

impl OptionArgs {
    /// What was narrowed or changed for a run of `lab`, as far as it can be
    /// judged without its stations.
    pub fn options(&self, lab: &dyn Lab) -> Result<Options, Refused> {
        self.refuse_misspelt()?;
        let quick = match self.quick.as_str() {
            "" | "0" | "false" | "no" => false,
            "1" | "true" | "yes" => true,
            other => return Err(bad("QUICK", other, "1 or 0")),
        };
        let workers = list(&self.workers)
            .iter()
            .map(|text| match (text.as_str(), text.parse()) {
                ("auto", _) => Ok(Workers::Auto),
                (_, Ok(workers @ 1..=1024)) => Ok(Workers::Exactly(workers)),
                _ => Err(bad(
                    "WORKERS",
                    text,
                    "auto, or whole numbers from 1 to 1024, such as 1,2,4",
                )),
            })
            .collect::<Result<_, _>>()?;
        let rounds = match self.rounds.as_str() {
            "" => None,
            text => match text.parse() {
                Ok(rounds @ 1..=100) => Some(rounds),
                _ => return Err(bad("ROUNDS", text, "a whole number from 1 to 100")),
            },
        };
        let limit = match self.limit.as_str() {
            "" => None,
            text => Some(
                count_within(text, lab.sizes())
                    .map_err(|why| Refused(format!("LIMIT={text}: {why}")))?,
            ),
        };
        let kernel = match list(&self.kernel).as_slice() {
            [] => None,
            [kernel] => Some(kernel.clone()),
            _ => return Err(bad("KERNEL", &self.kernel, "one name")),
        };
        Ok(Options {
            quick,
            stations: list(&self.station),
            strategies: list(&self.strategy),
            workers,
            kernel,
            limit,
            rounds,
        })
    }

    /// Refuses a variable of make's command line that is nearly one of these: a
    /// run without it would be another than was asked for. What is near none
    /// may be meant for something else.
    fn refuse_misspelt(&self) -> Result<(), Refused> {
        let command = Self::augment_args(clap::Command::new("make"));
        let ours = command.get_arguments().filter_map(clap::Arg::get_env);
        let ours = ours.filter_map(std::ffi::OsStr::to_str);
        let known: Vec<&str> = ours.chain(OF_THE_SCRIPTS).collect();
        for name in list(&self.given) {
            if known.contains(&name.as_str()) {
                continue;
            }
            if let Some(meant) = nearest(&name, known.iter().copied()) {
                return Err(Refused(format!(
                    "{name}: there is no such variable; did you mean {meant}?"
                )));
            }
        }
        Ok(())
    }
}

/// Variables of a lab's run that the scripts read, or that are about its text.
const OF_THE_SCRIPTS: [&str; 5] = ["LOCAL", "DOCKER", "NO_OBSERVABILITY", "COLUMNS", "NO_COLOR"];

/// The words of a list separated by commas or spaces.
pub fn list(text: &str) -> Vec<String> {
    text.split([',', ' ', '\n'])
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn bad(knob: &str, value: &str, allowed: &str) -> Refused {
    Refused(format!("{knob}={value}: must be {allowed}"))
}
