//! `lab run --local`: from a Compose file to stations that are child processes.

use crate::check::{self, Outcome};
use crate::compose::{Component, Finding, LabModel, Loaded};
use crate::config::{LocalArgs, MeansArgs};
use crate::labs::{Lab, Options};
use crate::model;
use crate::station::local::{
    self, Account, Cgroups, Choice, Components, Local, Means, Places, Postgres, Redis,
};
use crate::{BadFile, Busy, Refused};
use anyhow::{Context, bail};
use measure::report::EnforcementMeans;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use service_kit::runlock::{RunLock, RunLockError};
use service_kit::terminal;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What stations say goes here, below the results.
const LOGS: &str = ".run/logs";

/// The lock that `scripts/lib/lock.sh` takes for a whole run.
const SCRIPTS_LOCK: &str = "/tmp/parlab.lock";

/// Ends this run (it keeps its whole rounds) when the script that called it has
/// ended, even if that was killed and could pass nothing on.
pub fn end_with(script: u32) -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM)).context("cannot ask for a death signal")?;
    // A parent that ended before it was asked for sends no signal.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent.and_then(|pid| u32::try_from(pid).ok()) != Some(script) {
        bail!("the script {script} that called this has ended");
    }
    Ok(())
}

/// Held while stations run here: two runs would measure each other. The kernel
/// frees it with its holder, however that ends.
///
/// The scripts, which run labs in Docker too, have a lock of their own and look
/// at this one. Here it is the other way round, so that of two that start at
/// once at least one sees the other.
pub fn lock(script: Option<u32>) -> anyhow::Result<RunLock> {
    let lock = RunLock::try_acquire("lab-local").map_err(|error| match error {
        RunLockError::Busy { pid } => busy(pid).into(),
        RunLockError::Unusable { .. } => anyhow::Error::from(error),
    })?;
    match holder(Path::new(SCRIPTS_LOCK)) {
        Some(holder) if Some(holder) != script => {
            Err(busy(Some(holder).filter(|&pid| pid != 0)).into())
        }
        _ => Ok(lock),
    }
}

fn busy(process: Option<u32>) -> Busy {
    let process = process.map_or(String::new(), |pid| format!(" (process {pid})"));
    Busy(format!(
        "another lab is running here{process}: two would spoil each other's figures; wait for it, \
         or stop it with Ctrl-C there"
    ))
}

/// Who holds the scripts' lock, 0 where that is not said yet; `None` where it is
/// free or its holder was killed. As `lock_holder` has it there.
fn holder(lock: &Path) -> Option<u32> {
    if !lock.is_dir() {
        return None;
    }
    let said = std::fs::read_to_string(lock.join("pid")).unwrap_or_default();
    let holder = said.trim().parse().unwrap_or(0);
    let lives = || Path::new("/proc").join(holder.to_string()).exists();
    (holder == 0 || lives()).then_some(holder)
}

/// Checks the lab's file, starts its stations, and says on standard error what
/// is wrong and what holds the limits.
pub async fn start(
    (lab, options): (&dyn Lab, &Options),
    args: &LocalArgs,
    results: &Path,
) -> anyhow::Result<Local> {
    let enter = std::env::current_exe().context("where this program is cannot be found")?;
    let programs = programs(args, &enter)?;
    let loaded = check::load(&args.compose_dir, lab.name()).map_err(|findings| {
        say(&findings, args);
        BadFile
    })?;
    let removed = Cgroups::remove_stale();
    if removed > 0 {
        eprintln!("removed {removed} control groups of runs that were killed");
    }
    let (means, passed) = local::find(args.limits, &enter).map_err(Refused)?;
    let outcome = outcome(&loaded, &means, &programs);
    outcome.check_names(lab, options)?;
    say(&outcome.findings, args);
    if !outcome.can_run() {
        return Err(BadFile.into());
    }
    outcome.check_asked(options)?;
    eprintln!("{}", said(&means, args.limits, &passed));

    let refused: BTreeMap<String, String> = outcome
        .stations
        .iter()
        .filter_map(|station| Some((station.name.clone(), station.refused.clone()?)))
        .collect();
    let names: Vec<String> = outcome.stations.into_iter().map(|s| s.name).collect();
    let specs = model::specs(&loaded.model, &refused, &names);
    let plan = local::plan(&loaded.model, &programs, &refused);
    let logs = results.join(LOGS);
    let components = Components {
        redis: redis(&loaded.model, &logs).await?,
        postgres: postgres(&loaded.model, &logs).await?,
    };
    let places = Places { enter, logs };
    Local::start(specs, plan, means, &places, components).await
}

/// A Redis of the run's own, where the lab needs one, and a line that says which.
/// Without one the stations of such a lab have nothing between them.
async fn redis(model: &LabModel, logs: &Path) -> anyhow::Result<Option<Redis>> {
    let name = Component::Redis.name();
    let service = model.services.get(name);
    let Some(service) = service.filter(|_| model.is_component(name)) else {
        return Ok(None);
    };
    std::fs::create_dir_all(logs).with_context(|| format!("{}: cannot be made", logs.display()))?;
    let command = service.command.clone().unwrap_or_default();
    let redis = Redis::start(&command, &logs.join("redis.log")).await;
    let redis = redis.map_err(|error| {
        Refused(format!(
            "this lab needs a Redis, and there is none: {error:#}; install redis-server, or run \
             the lab with Docker: DOCKER=1"
        ))
    })?;
    eprintln!(
        "Redis of this run's own at {} (process {}), gone with what it keeps in {} when the run ends",
        redis.address,
        redis.id(),
        redis.folder().display()
    );
    Ok(Some(redis))
}

/// A PostgreSQL of the run's own, where the lab needs one and the machine has
/// one, and a line that says which.
async fn postgres(model: &LabModel, logs: &Path) -> anyhow::Result<Option<Postgres>> {
    let name = Component::Postgres.name();
    let Some(service) = model
        .services
        .get(name)
        .filter(|_| model.is_component(name))
    else {
        return Ok(None);
    };
    std::fs::create_dir_all(logs).with_context(|| format!("{}: cannot be made", logs.display()))?;
    let account = Account::of(&service.environment_set());
    match Postgres::start(&account, &logs.join("postgres.log")).await {
        Ok(postgres) => {
            eprintln!(
                "PostgreSQL of this run's own at {} (process {}), gone with what it keeps when the \
                 run ends",
                postgres.address,
                postgres.id()
            );
            Ok(Some(postgres))
        }
        Err(error) => {
            eprintln!(
                "no PostgreSQL, so outcomes go into files of JSON lines, each removed with its \
                 sample: {error:#}"
            );
            Ok(None)
        }
    }
}

fn programs(args: &LocalArgs, enter: &Path) -> anyhow::Result<PathBuf> {
    let beside = enter.parent().map(Path::to_owned);
    let folder = args.programs.clone().or(beside);
    let folder = folder.context("this program is in no folder")?;
    std::path::absolute(&folder).with_context(|| format!("{}: is no folder", folder.display()))
}

fn outcome(loaded: &Loaded, means: &Means, programs: &Path) -> Outcome {
    let has_program = |name: &str| local::has_program(programs, name);
    let objections = local::objections(&loaded.model, means, has_program);
    check::examine_local(loaded, objections)
}

fn say(findings: &[Finding], args: &LocalArgs) {
    let folder = args.compose_dir.display().to_string();
    for finding in findings {
        eprintln!("{}", finding.shown_in(&folder));
    }
}

/// One of the means, tried here.
#[derive(Debug, serde::Serialize)]
struct Tried {
    means: EnforcementMeans,
    /// Why it is not to be had; `null`: it is.
    why_not: Option<String>,
    /// What it leaves out, where it is to be had.
    cannot_show: Vec<String>,
}

/// `lab means`: tries each of the means, strongest first, and says what each
/// leaves out.
pub fn means(args: &MeansArgs) -> anyhow::Result<ExitCode> {
    let enter = std::env::current_exe().context("where this program is cannot be found")?;
    let choices = [
        (Choice::Cgroup, EnforcementMeans::Cgroup),
        (Choice::Systemd, EnforcementMeans::Systemd),
        (Choice::Affinity, EnforcementMeans::Affinity),
    ];
    let tried = choices.map(|(choice, means)| match local::find(choice, &enter) {
        Ok((found, _)) => Tried {
            means,
            why_not: None,
            cannot_show: found.enforcement().cannot_show,
        },
        Err(why) => Tried {
            means,
            why_not: Some(why),
            cannot_show: Vec::new(),
        },
    });
    if args.json {
        terminal::print(&(serde_json::to_string_pretty(&tried)? + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in tried {
        let (name, gives) = match one.means {
            EnforcementMeans::Cgroup => ("control groups of its own", "all limits"),
            EnforcementMeans::Systemd => ("scopes of your systemd manager", "all limits"),
            EnforcementMeans::Affinity => ("CPU affinity", "pins and whole CPUs, no fractions"),
        };
        terminal::print(&match one.why_not {
            None => format!("✓ local stations: {gives}, by {name}\n"),
            Some(why) => format!("! local stations: not by {why}\n"),
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What holds the limits, and why nothing stronger does.
fn said(means: &Means, choice: Choice, passed: &[String]) -> String {
    let by = match means {
        Means::Cgroup(_) => "control groups of this run's own",
        Means::Systemd(_) => "scopes of your systemd manager",
        Means::Affinity => "CPU affinity alone: pins and whole CPUs, no fractions",
    };
    let why = match (choice, passed) {
        (Choice::Auto, [_, ..]) => format!(" (not {})", passed.join("; not ")),
        _ => String::new(),
    };
    format!("limits by {by}{why}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_scripts_lock_is_held_by_the_living() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        assert_eq!(holder(&lock), None);

        std::fs::create_dir(&lock).unwrap();
        assert_eq!(holder(&lock), Some(0), "its holder has still to say so");
        let own = std::process::id();
        std::fs::write(lock.join("pid"), format!("{own}\n")).unwrap();
        assert_eq!(holder(&lock), Some(own));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let ended = child.id();
        child.wait().unwrap();
        std::fs::write(lock.join("pid"), format!("{ended}\n")).unwrap();
        assert_eq!(holder(&lock), None, "it was killed");
    }
}
