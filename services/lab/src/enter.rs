//! `lab enter`: the shim between the runner and a local station. It becomes the
//! station's program once it stands where the station is to run.
//!
//! A program of its own, since what happens between fork and exec is the one
//! thing that cannot be written without `unsafe`.

use anyhow::{Context, bail};
use cpu_budget::CpuSet;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use rustix::thread::sched_setaffinity;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Options of `enter`.
#[derive(Debug, clap::Args)]
pub struct EnterArgs {
    /// The runner's process, with which the program ends
    #[arg(long)]
    pub parent: i32,

    /// `cgroup.procs` of a group to run in; once for each hierarchy
    #[arg(long)]
    pub join: Vec<PathBuf>,

    /// The CPUs to run on, as the kernel's list: 0-3,8
    #[arg(long)]
    pub cpus: Option<CpuSet>,

    /// The program and its arguments
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

/// Goes where the options say and becomes the program; returns only when it
/// could not.
pub fn enter(args: &EnterArgs) -> anyhow::Result<ExitCode> {
    set_parent_process_death_signal(Some(Signal::KILL)).context("cannot ask for a death signal")?;
    // A parent that ended before it was asked for sends no signal.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent != Some(args.parent) {
        bail!("the runner {} has ended", args.parent);
    }
    for group in &args.join {
        // 0 is whoever writes it, in either version.
        std::fs::write(group, "0")
            .with_context(|| format!("{}: cannot enter this group", group.display()))?;
    }
    // After the groups: entering a cpuset sets the affinity anew.
    if let Some(cpus) = &args.cpus {
        sched_setaffinity(None, &mask(cpus)?)
            .with_context(|| format!("cannot run on the CPUs {cpus}"))?;
    }
    let (program, arguments) = args.command.split_first().context("no program is named")?;
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("{}: cannot be run", program.display()))
}

fn mask(cpus: &CpuSet) -> anyhow::Result<rustix::thread::CpuSet> {
    let mut mask = rustix::thread::CpuSet::new();
    for cpu in cpus.iter() {
        if cpu >= rustix::thread::CpuSet::MAX_CPU {
            bail!("CPU {cpu} is beyond what an affinity can name");
        }
        mask.set(cpu);
    }
    Ok(mask)
}
