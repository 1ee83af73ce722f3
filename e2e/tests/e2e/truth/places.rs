//! Where a load runs under its limits: a container, or a process that the
//! means of local stations hold.

use crate::local::bench::programs;
use crate::support::{Docker, root, turn};
use cpu_budget::{CpuBudget, CpuSet};
use measure::report::EnforcementMeans;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::MutexGuard;

/// The limits of a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The quota in CPUs.
    pub(crate) quota: Option<&'static str>,
    /// The CPUs that it may run on.
    pub(crate) on: On,
}

/// Two CPUs of whatever host this is, so that the cases are the same on 192.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Both,
    TheFirst,
}

/// What a place runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Program {
    KnownLoad,
    Primes,
}

/// Somewhere to run a program under limits.
pub(crate) trait Place {
    /// What the place is called.
    fn name(&self) -> &'static str;

    /// Whether each program gets a control group of its own: without one there
    /// is no quota, and its CPU time is not told from that of others.
    fn has_groups(&self) -> bool {
        true
    }

    /// The program under these limits, its arguments still to come.
    fn command(&self, limits: Limits, program: Program) -> Command;

    /// What it prints.
    fn output(&self, limits: Limits, program: Program, arguments: &str) -> String {
        let mut command = self.command(limits, program);
        let output = command.args(arguments.split_whitespace()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A process that burns CPU until it is dropped; returns once it does.
    fn hog(&self, on: On, threads: usize) -> Hog {
        let limits = Limits { quota: None, on };
        let threads = threads.to_string();
        let mut child = self
            .command(limits, Program::KnownLoad)
            .args(["--hog-seconds", "120", "--items", "1", "--busy-ms", "1"])
            .args(["--workers", &threads])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the hog did not start");
        Hog(child)
    }
}

/// A process that burns CPU. Ended by SIGTERM, which both places pass on.
pub(crate) struct Hog(Child);

impl Drop for Hog {
    fn drop(&mut self) {
        let id = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.0.wait();
    }
}

/// A container for each program.
pub(crate) struct InDocker {
    _docker: Docker,
    /// The control group that containers are put below.
    pub(crate) parent: Option<String>,
}

impl InDocker {
    /// Waits for its turn and builds the images; `None`, said so, without Docker.
    pub(crate) fn take(test: &str) -> Option<Self> {
        let docker = Docker::take(test)?;
        for (program, dockerfile) in [
            (Program::KnownLoad, "e2e/Dockerfile"),
            (Program::Primes, "services/primes/Dockerfile"),
        ] {
            let image = image(program);
            let status = Command::new("docker")
                .args(["build", "-q", "-t", image, "-f", dockerfile, "."])
                .current_dir(root())
                .env("DOCKER_BUILDKIT", "1")
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(status.success(), "{image} cannot be built");
        }
        Some(Self {
            _docker: docker,
            parent: None,
        })
    }
}

fn image(program: Program) -> &'static str {
    match program {
        Program::KnownLoad => "parlab/known-load",
        Program::Primes => "parlab/primes",
    }
}

impl Place for InDocker {
    fn name(&self) -> &'static str {
        "Docker"
    }

    fn command(&self, limits: Limits, program: Program) -> Command {
        let mut command = Command::new("docker");
        // With an init a SIGTERM ends what has no handler for it.
        command.args(["run", "--rm", "--init", "--cpuset-cpus"]);
        command.arg(match limits.on {
            On::Both => "0,1",
            On::TheFirst => "0",
        });
        if let Some(quota) = limits.quota {
            command.args(["--cpus", quota]);
        }
        if let Some(parent) = &self.parent {
            command.args(["--cgroup-parent", parent]);
        }
        command.arg(image(program));
        command
    }
}

/// `lab hold`: a plain process under what holds local stations here.
pub(crate) struct Locally {
    _turn: MutexGuard<'static, ()>,
    means: EnforcementMeans,
    /// Two of the CPUs that this process may use.
    two: CpuSet,
}

impl Locally {
    /// Waits for its turn; `None`, said so, with fewer than two CPUs.
    pub(crate) fn take(test: &str) -> Option<Self> {
        let turn = turn();
        let allowed = CpuBudget::read().cpuset.unwrap();
        let two: CpuSet = allowed.iter().take(2).collect();
        if two.len() < 2 {
            eprintln!("left out, since it takes two CPUs: {test}");
            return None;
        }
        Some(Self {
            _turn: turn,
            means: means(),
            two,
        })
    }
}

/// The strongest means that is to be had.
fn means() -> EnforcementMeans {
    let output = Command::new(programs().join("lab"))
        .args(["means", "--json"])
        .output()
        .unwrap();
    let tried: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let found = tried.iter().find(|one| one["why_not"].is_null()).unwrap();
    serde_json::from_value(found["means"].clone()).unwrap()
}

impl Place for Locally {
    fn name(&self) -> &'static str {
        "local"
    }

    fn has_groups(&self) -> bool {
        self.means != EnforcementMeans::Affinity
    }

    fn command(&self, limits: Limits, program: Program) -> Command {
        let mut command = Command::new(programs().join("lab"));
        let cpus: CpuSet = match limits.on {
            On::Both => self.two.clone(),
            On::TheFirst => self.two.iter().take(1).collect(),
        };
        command
            .env_remove("LAB_LIMITS")
            .args(["hold", "--cpuset", &cpus.to_string()]);
        if let Some(quota) = limits.quota {
            command.args(["--cpus", quota]);
        }
        command.arg("--").arg(programs().join(match program {
            Program::KnownLoad => "known-load",
            Program::Primes => "primes",
        }));
        command
    }
}
