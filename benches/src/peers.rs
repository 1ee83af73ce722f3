//! The peer programs: the course's loop in other languages (`benches/peers`).

use crate::jobs::Job;
use crate::programs::{output_of, version};
use crate::table::LeftOut;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How often a program does the job; the fastest counts, by when a JIT has
/// compiled the loop.
pub const RUNS: u32 = 5;

/// A peer program that can be run here.
pub struct Peer {
    /// The language with its version.
    pub name: String,
    /// The parallel forms that the course uses: the program's name for each,
    /// and ours.
    pub parallel_forms: &'static [(&'static str, &'static str)],
    /// Whether its loop takes some twenty times as long as the others'.
    pub slow: bool,
    command: Vec<String>,
}

/// Those whose language is installed, compiled where that is needed, and the
/// languages that are not.
pub fn installed() -> anyhow::Result<(Vec<Peer>, Vec<LeftOut>)> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let compiled = std::env::current_exe()?.with_file_name("peers");
    std::fs::create_dir_all(&compiled)
        .with_context(|| format!("{} cannot be made", compiled.display()))?;
    let (mut peers, mut missing) = (Vec::new(), Vec::new());
    for (language, program, found) in [
        ("Python", "python3", python(&sources)),
        ("Node", "node", node(&sources)),
        ("Java", "javac", java(&sources, &compiled)?),
        ("Go", "go", go(&sources, &compiled)?),
    ] {
        match found {
            Some(peer) => peers.push(peer),
            None => missing.push(LeftOut::not_installed(language, program)),
        }
    }
    Ok((peers, missing))
}

fn python(sources: &Path) -> Option<Peer> {
    Some(Peer {
        name: format!("Python {}", version("python3", "--version")?),
        parallel_forms: &[("pool", "multiprocessing.Pool, equal ranges")],
        slow: true,
        command: command("python3", &[sources.join("primes.py")]),
    })
}

fn node(sources: &Path) -> Option<Peer> {
    Some(Peer {
        name: format!("Node {}", version("node", "--version")?),
        parallel_forms: &[("workers", "worker_threads, equal ranges")],
        slow: false,
        command: command("node", &[sources.join("primes.cjs")]),
    })
}

fn java(sources: &Path, compiled: &Path) -> anyhow::Result<Option<Peer>> {
    let (Some(version), Some(_)) = (version("java", "--version"), version("javac", "--version"))
    else {
        return Ok(None);
    };
    let source = sources.join("Primes.java");
    output_of(Command::new("javac").arg("-d").arg(compiled).arg(source))?;
    Ok(Some(Peer {
        name: format!("Java {version}"),
        parallel_forms: &[
            ("threads", "Thread, equal ranges"),
            ("stream", "parallel stream"),
        ],
        slow: false,
        command: command(
            "java",
            &["-cp".into(), compiled.to_owned(), "Primes".into()],
        ),
    }))
}

fn go(sources: &Path, compiled: &Path) -> anyhow::Result<Option<Peer>> {
    let Some(version) = version("go", "version") else {
        return Ok(None);
    };
    let program = compiled.join("primes-go");
    let source = sources.join("primes.go");
    output_of(
        Command::new("go")
            .args(["build", "-o"])
            .args([&program, &source]),
    )?;
    Ok(Some(Peer {
        name: format!("Go {version}"),
        parallel_forms: &[("goroutines", "goroutines, equal ranges")],
        slow: false,
        command: command(&program.to_string_lossy(), &[]),
    }))
}

fn command(program: &str, arguments: &[PathBuf]) -> Vec<String> {
    let arguments = arguments.iter().map(|a| a.to_string_lossy().into_owned());
    std::iter::once(program.to_owned())
        .chain(arguments)
        .collect()
}

impl Peer {
    /// The seconds of its fastest run of `job` in one form, as it measures them
    /// itself: without its start.
    pub fn best_seconds(&self, form: &str, job: Job, workers: usize) -> anyhow::Result<f64> {
        // An interpreter without JIT does not get faster.
        let runs = if self.slow { 1 } else { RUNS };
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).arg(form).args([
            job.limit.to_string(),
            workers.to_string(),
            runs.to_string(),
        ]);
        let (found, seconds) = count_and_seconds(&output_of(&mut command)?)?;
        job.check(found)?;
        Ok(seconds)
    }
}

fn count_and_seconds(text: &str) -> anyhow::Result<(u64, f64)> {
    let said = || format!("it printed {text:?} and not a count and seconds");
    let (count, seconds) = text.trim().split_once(' ').with_context(said)?;
    Ok((
        count.parse().with_context(said)?,
        seconds.parse().with_context(said)?,
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::jobs::TWO_MILLION;

    #[test]
    fn a_count_and_seconds_are_read_and_nothing_else() {
        assert_eq!(count_and_seconds("25 0.5\n").unwrap(), (25, 0.5));
        assert_eq!(count_and_seconds("25 5e-05\n").unwrap(), (25, 5e-5));
        assert!(count_and_seconds("25\n").is_err());
        assert!(count_and_seconds("Usage: a program\n").is_err());
    }

    #[test]
    fn a_wrong_count_fails() {
        let says = |count: &str| Peer {
            name: "a shell".into(),
            parallel_forms: &[],
            slow: true,
            command: ["sh", "-c", &format!("echo {count} 0.3")]
                .map(str::to_owned)
                .into(),
        };

        let right = says("148933").best_seconds("single", TWO_MILLION, 1);
        let wrong = says("148932").best_seconds("single", TWO_MILLION, 1);

        assert_eq!(right.ok(), Some(0.3));
        assert!(wrong.unwrap_err().to_string().contains("148932"));
    }
}
