//! A program of others that runs for the stations.

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a server may take to accept connections.
const START_DEADLINE: Duration = Duration::from_secs(20);

/// How long it may take to end when it is told to end at once.
const END_DEADLINE: Duration = Duration::from_secs(3);

/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// A process that leads a group of its own; dropping it ends the group, without
/// a checkpoint that nobody reads.
#[derive(Debug)]
pub(super) struct Program(Child);

impl Program {
    /// Starts it.
    pub(super) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn();
        let child = child.context("setpriv, of util-linux, cannot be run")?;
        Ok(Self(child))
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    /// A way to say something to it, once.
    pub(super) fn input(&mut self) -> Option<ChildStdin> {
        self.0.stdin.take()
    }

    /// Waits until it has ended; `None`: it did not so soon.
    pub(super) async fn ended(&mut self, within: Duration) -> anyhow::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + within;
        loop {
            let status = self.0.try_wait()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until it accepts connections; `false`: it ended instead.
    pub(super) async fn accepts(&mut self, address: SocketAddr) -> anyhow::Result<bool> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            if self.0.try_wait()?.is_some() {
                return Ok(false);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if let Ok(Ok(_)) = timeout(left, TcpStream::connect(address)).await {
                return Ok(true);
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("it did not answer within {} s", START_DEADLINE.as_secs())
    }

    /// Sends a signal to all of its group.
    pub(super) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = id {
            // Nobody in the group any more is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    fn ends(&mut self) -> bool {
        let deadline = Instant::now() + END_DEADLINE;
        while Instant::now() < deadline {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its number may be another's by now.
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        self.signal(Signal::QUIT);
        if !self.ends() {
            self.signal(Signal::KILL);
            self.ends();
        }
    }
}
