//! One replica: a child process, from its start to its end.

use super::means::Hold;
use super::plan::{ADDRESS_OPTIONS, API_PORT_VARIABLE};
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use service_kit::address::AddressLine;
use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::ChildStdout;

/// How long a service may take until it tells its addresses; at 0.01 CPUs its
/// start of some 10 ms takes a second.
const START_DEADLINE: Duration = Duration::from_secs(15);

/// How long a killed process may take to be gone.
const END_DEADLINE: Duration = Duration::from_secs(3);

/// How much of the end of a log is shown when a service does not start.
const SHOWN_LINES: usize = 3;

/// What is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// This program, whose `enter` goes before.
    pub enter: PathBuf,
    /// The service's program.
    pub program: PathBuf,
    /// Its arguments, from `serve` on.
    pub arguments: Vec<String>,
    /// All of its environment.
    pub environment: Vec<(String, String)>,
    /// The port at which what it serves is to be found, if it is free.
    pub published: Option<u16>,
    /// Where its standard error goes.
    pub log: PathBuf,
}

/// A running replica. Dropping it kills it and all that it started.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Kept open: a service that prints must not find its output closed.
    _output: BufReader<ChildStdout>,
    /// Where it answers.
    pub addresses: AddressLine,
    /// What holds its limits; ends after it.
    hold: Hold,
}

impl Process {
    /// Starts it and waits until it tells its addresses; `again`: those that it
    /// had before. Call it on a thread that lives as long as the stations are
    /// to: the death signal comes when that thread ends.
    pub async fn start(
        launch: &Launch,
        hold: Hold,
        again: Option<AddressLine>,
    ) -> anyhow::Result<Self> {
        let log = File::options().create(true).append(true).open(&launch.log);
        let log = log.with_context(|| format!("{}: cannot be written", launch.log.display()))?;
        let mut command = command(launch, &hold, again);
        command.stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be run", command.get_program().display()))?;
        let mut started = Starting { child: Some(child) };
        let output = started.output()?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        let read = tokio::time::timeout(START_DEADLINE, output.read_line(&mut line)).await;
        let bytes = read.map_err(|_| {
            let seconds = START_DEADLINE.as_secs();
            anyhow::anyhow!(
                "it told no address within {seconds} s{}",
                end_of(&launch.log)
            )
        })??;
        if bytes == 0 {
            bail!(
                "it ended at once{}{}",
                started.status(),
                end_of(&launch.log)
            );
        }
        let addresses = serde_json::from_str(&line)
            .with_context(|| format!("it told {:?} instead of its addresses", line.trim()))?;
        Ok(Self {
            child: started.done()?,
            _output: output,
            addresses,
            hold,
        })
    }

    /// Its number, which is also that of its process group.
    #[cfg(test)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to it and to all that it started.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process_group(group_of(&self.child)?, signal).context("it has ended")
    }

    /// Kills it as a fault would: it is gone, and what held it stays.
    pub fn crash(&mut self) {
        end(&mut self.child);
    }

    /// Kills it, and gives back what held it, for another in its place.
    pub fn end(mut self) -> Hold {
        end(&mut self.child);
        std::mem::take(&mut self.hold)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A child that has not told its addresses; dropping it kills it.
struct Starting {
    child: Option<Child>,
}

impl Starting {
    fn output(&mut self) -> anyhow::Result<ChildStdout> {
        let output = self.child.as_mut().and_then(|child| child.stdout.take());
        let output = output.context("its output was not kept")?;
        ChildStdout::from_std(output).context("its output cannot be read")
    }

    /// ` (exit status: 64)`, where it has ended.
    fn status(&mut self) -> String {
        let child = self.child.as_mut();
        let status = child.and_then(|child| child.wait().ok());
        status.map_or(String::new(), |status| format!(" ({status})"))
    }

    fn done(mut self) -> anyhow::Result<Child> {
        self.child.take().context("it was given away already")
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            end(child);
        }
    }
}

fn command(launch: &Launch, hold: &Hold, again: Option<AddressLine>) -> Command {
    let mut words = hold.around(&launch.enter, [&launch.program]);
    words.extend(launch.arguments.iter().map(Into::into));
    let port = |address: Option<SocketAddr>| address.map_or(0, |address| address.port());
    let here = || "127.0.0.1".to_owned();
    let [api, admin] = [again.map(|line| line.api), again.map(|line| line.admin)];
    // Of a service that serves something beside its API `--port` is about that.
    let served = again.and_then(|line| line.http).or(api);
    let served = match served {
        None => launch.published.filter(|port| is_free(*port)).unwrap_or(0),
        before => port(before),
    };
    let values = [here(), here(), served.to_string(), port(admin).to_string()];
    for (option, value) in ADDRESS_OPTIONS.into_iter().zip(values) {
        words.extend([option.into(), value.into()]);
    }
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env_clear()
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .env(API_PORT_VARIABLE, port(api).to_string())
        // Ctrl-C on a terminal is for the runner, which then ends its stations.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Whether a station could listen there: one that cannot is better found at
/// another port than not started.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn group_of(child: &Child) -> anyhow::Result<Pid> {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    id.context("a process number beyond what the kernel has")
}

/// Kills the process and all that it started, and reaps it.
fn end(child: &mut Child) {
    if let Ok(group) = group_of(child) {
        // Nobody in the group any more is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let deadline = Instant::now() + END_DEADLINE;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The last lines of a log, to stand behind a message.
fn end_of(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    match last {
        [] => String::new(),
        last => format!(": {}", last.join(" / ")),
    }
}

/// Starts a log anew: what earlier runs said is no longer of interest.
pub fn new_log(path: &Path) -> anyhow::Result<()> {
    let made = File::create(path).and_then(|mut file| file.write_all(b""));
    made.with_context(|| format!("{}: cannot be written", path.display()))
}
