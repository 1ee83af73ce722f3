//! `lab hold`: any program under limits, held to them as a local station is.

use crate::run::on_a_runtime;
use crate::station::local::{self, Cgroups, Choice, Limits};
use crate::{EXIT_INTERRUPTED, Refused};
use anyhow::Context;
use cpu_budget::CpuSet;
use rustix::process::{Pid, Signal, kill_process_group};
use service_kit::shutdown::Shutdown;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus, Stdio};
use tokio::process::{Child, Command};

/// Options of `hold`.
#[derive(Debug, clap::Args)]
pub struct HoldArgs {
    /// The quota in CPUs, such as 0.5
    #[arg(long, value_parser = quota)]
    pub cpus: Option<f64>,

    /// The CPUs to run on, as the kernel's list: 0-3,8
    #[arg(long)]
    pub cpuset: Option<CpuSet>,

    /// What holds the program to its limits
    #[arg(long, env = "LAB_LIMITS", value_enum, default_value_t = Choice::Auto)]
    pub limits: Choice,

    /// The program and its arguments; it gets no input
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

fn quota(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(cpus) if cpus >= 0.01 && f64::is_finite(cpus) => Ok(cpus),
        _ => Err("must be a number of CPUs, 0.01 or more".to_owned()),
    }
}

/// Runs the program to its end and ends as it did. Nothing of it is left when
/// this one is interrupted.
pub fn hold(args: &HoldArgs) -> anyhow::Result<ExitCode> {
    let enter = std::env::current_exe().context("where this program is cannot be found")?;
    let limits = Limits {
        quota_cpus: args.cpus,
        cpuset: args.cpuset.clone(),
        ..Limits::default()
    };
    Cgroups::remove_stale();
    let (means, _) = local::find(args.limits, &enter).map_err(Refused)?;
    if let Some(why) = means.objection(&limits) {
        return Err(Refused(why).into());
    }
    let hold = means.hold("hold", 0, &limits)?;
    let words = hold.around(&enter, &args.command);
    on_a_runtime(async {
        let shutdown = Shutdown::on_signals()?;
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            // Ctrl-C on a terminal is for this one, which then ends all of it.
            .process_group(0)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be run", words[0].display()))?;
        let group = group_of(&child)?;
        tokio::select! {
            status = child.wait() => Ok(exit_code(status?)),
            _ = shutdown.begun() => {
                // Nobody in the group any more is what is wanted.
                let _ = kill_process_group(group, Signal::KILL);
                child.wait().await?;
                Ok(ExitCode::from(EXIT_INTERRUPTED))
            }
        }
    })
}

fn group_of(child: &Child) -> anyhow::Result<Pid> {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    id.and_then(Pid::from_raw)
        .context("a process number beyond what the kernel has")
}

/// The program's own, or as a shell tells which signal ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let signal = || 128 + status.signal().unwrap_or_default();
    let code = status.code().unwrap_or_else(signal);
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
