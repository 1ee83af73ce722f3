//! Our own program: `primes`, as it is built beside this one.

use crate::jobs::Job;
use crate::programs::text_of;
use anyhow::{Context, ensure};
use measure::report::{Round, RunReport};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use service_kit::address::AddressLine;

/// How often a run's memory is looked at. The kernel keeps the peak, so that
/// only what is allocated in a run's last moment is missed.
const LOOK: Duration = Duration::from_millis(50);

/// The program `primes`.
pub struct Primes {
    program: PathBuf,
    /// A name of our own, so that no other run on this host is in the way.
    station: String,
}

/// A run of it.
pub struct Run {
    /// Its report, every answer in it checked.
    pub report: RunReport,
    /// The most memory it had resident; `None` where the kernel does not tell.
    pub peak_bytes: Option<u64>,
}

impl Primes {
    /// The program in the folder of this one.
    pub fn beside_this_program() -> anyhow::Result<Self> {
        let program = std::env::current_exe()
            .context("this program's own folder is not known")?
            .with_file_name("primes");
        ensure!(
            program.exists(),
            "{} is missing: cargo build --release -p primes",
            program.display()
        );
        Ok(Self {
            program,
            station: format!("bench-{}", std::process::id()),
        })
    }

    /// `primes run` with these options.
    pub fn run(&self, job: Job, options: &[&str]) -> anyhow::Result<Run> {
        let run = Command::new(&self.program)
            .args(["run", "--format", "json", "--station", &self.station])
            .args(["--limit", &job.limit.to_string()])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be run", self.program.display()))?;
        let process = run.id();
        let (output, peak_bytes) = std::thread::scope(|scope| {
            let ended = scope.spawn(move || run.wait_with_output());
            let mut peak = None;
            while !ended.is_finished() {
                peak = peak_bytes(process).or(peak);
                std::thread::sleep(LOOK);
            }
            (ended.join().expect("waiting does not panic"), peak)
        });
        let text = text_of(
            output.context("`primes run` cannot be waited for")?,
            "`primes run`",
        )?;
        let report: RunReport = serde_json::from_str(&text).context("`primes run`'s report")?;
        for round in report.rows.iter().flat_map(|row| &row.rounds) {
            job.check(round.replicas[0].answer.context("a sample has no answer")?)?;
        }
        Ok(Run { report, peak_bytes })
    }

    /// The seconds of the fastest of some runs of `job` in one process on one
    /// thread.
    pub fn best_seconds_alone(&self, job: Job, runs: u32) -> anyhow::Result<f64> {
        let rounds = runs.to_string();
        let once = ["--min-seconds", "0.01", "--rounds", &rounds];
        let run = self.run(job, &[&["--strategy", "sequential"], &once[..]].concat())?;
        Ok(best_seconds(&run.report.rows[0].rounds))
    }

    /// Starts a station on ports of the system's choosing.
    pub fn serve(&self) -> anyhow::Result<Station> {
        let mut child = Command::new(&self.program)
            .args(["serve", "--port", "0", "--admin-port", "0"])
            .args(["--station", &self.station])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be run", self.program.display()))?;
        let stdout = child.stdout.take().expect("it was asked for");
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        // From here on the process is ended whatever happens.
        let child = Ending(child);
        read.context("the station said nothing")?;
        let addresses: AddressLine =
            serde_json::from_str(&line).context("the station did not say where it listens")?;
        Ok(Station {
            _process: child,
            addresses,
        })
    }
}

/// The seconds of one job in the fastest sample.
pub fn best_seconds(rounds: &[Round]) -> f64 {
    rounds
        .iter()
        .map(Round::job_seconds)
        .fold(f64::INFINITY, f64::min)
}

/// A station that ends when it is dropped.
pub struct Station {
    _process: Ending,
    /// Where it listens.
    pub addresses: AddressLine,
}

/// A process that is ended when this is dropped.
pub struct Ending(pub Child);

impl Drop for Ending {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to be done.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The most memory the process had resident so far.
pub fn peak_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    peak_of_status(&status)
}

fn peak_of_status(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_process_status() {
        let status = "Name:\tprimes\nVmPeak:\t  300000 kB\nVmHWM:\t   14336 kB\n";
        assert_eq!(peak_of_status(status), Some(14 << 20));
        // A process that has ended but is not yet waited for has no memory.
        assert_eq!(peak_of_status("Name:\tprimes\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn this_process_has_a_peak() {
        assert!(peak_bytes(std::process::id()).is_some_and(|bytes| bytes > 0));
    }
}
