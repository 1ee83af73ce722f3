//! The servers: started, and our own family looked at.

use crate::ours::Ending;
use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;
use service_kit::address::AddressLine;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// No server takes nearly as long for anything here.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long a family is left alone before its memory is looked at.
const REST: Duration = Duration::from_secs(1);

/// Whose server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `cluster`.
    Ours,
    /// `bare-hyper`.
    BareHyper,
    /// `benches/peers/cluster_server.cjs`.
    Node,
}

impl Source {
    /// As progress lines have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "cluster",
            Self::BareHyper => "bare hyper",
            Self::Node => "Node cluster",
        }
    }
}

/// A running server; it ends when it is dropped.
pub struct Server {
    _process: Ending,
    /// Where it serves.
    pub address: SocketAddr,
    /// Where its own API listens; `None` of another's.
    api: Option<SocketAddr>,
}

impl Server {
    /// One with a process for each CPU, whose requests cost so many additions.
    pub fn start(source: Source, work: u64, folder: &Path) -> anyhow::Result<Self> {
        let workers = std::thread::available_parallelism()?.get();
        Self::with(source, work, workers, folder)
    }

    fn with(source: Source, work: u64, workers: usize, folder: &Path) -> anyhow::Result<Self> {
        let (work, workers) = (work.to_string(), workers.to_string());
        let mut command = match source {
            Source::Ours => {
                let mut command = Command::new(folder.join("cluster"));
                command.args(["serve", "--port", "0", "--api-port", "0"]);
                command.args(["--admin-port", "0", "--work", &work]);
                command.args(["--workers", &workers]);
                command
            }
            Source::BareHyper => {
                let mut command = Command::new(folder.join("bare-hyper"));
                command.arg(&workers);
                command
            }
            Source::Node => {
                let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
                let mut command = Command::new("node");
                command.arg(peers.join("cluster_server.cjs"));
                command.args([&work, &workers]);
                command
            }
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", source.name()))?;
        let stdout = child.stdout.take().context("it was asked for")?;
        let process = Ending(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let said = || format!("{} did not say where it listens: {line:?}", source.name());
        let (address, api) = if source == Source::Ours {
            let addresses: AddressLine = serde_json::from_str(&line).with_context(said)?;
            (addresses.http.with_context(said)?, Some(addresses.api))
        } else {
            let port = line.trim().parse().with_context(said)?;
            (SocketAddr::from((Ipv4Addr::LOCALHOST, port)), None)
        };
        Ok(Self {
            _process: process,
            address,
            api,
        })
    }
}

/// The processes of our own server.
#[derive(Debug, Deserialize)]
pub struct Family {
    master: u32,
    workers: Vec<Worker>,
}

#[derive(Debug, Deserialize)]
struct Worker {
    pid: u32,
}

impl Family {
    /// Those of `server`, after a rest.
    pub fn of(server: &Server) -> anyhow::Result<Self> {
        std::thread::sleep(REST);
        Ok(serde_json::from_value(get(
            server.address,
            "GET",
            "/info",
        )?)?)
    }

    /// The memory that the largest worker has resident.
    pub fn largest_worker_mebibytes(&self) -> anyhow::Result<f64> {
        let mut each = self.workers.iter().map(|worker| resident(worker.pid));
        each.try_fold(0.0, |most: f64, one| Ok(most.max(one?)))
    }

    /// That of the master.
    pub fn master_mebibytes(&self) -> anyhow::Result<f64> {
        resident(self.master)
    }
}

/// How long it takes from the kill of a family's only worker until the one
/// that takes its place answers.
pub fn replaced_seconds(folder: &Path) -> anyhow::Result<f64> {
    let server = Server::with(Source::Ours, 0, 1, folder)?;
    let worker = |answer: Value| answer["worker"].as_u64();
    let before = worker(get(server.address, "GET", "/")?).context("who answers")?;
    let api = server.api.context("it is ours")?;
    // Younger ones are not replaced at once.
    std::thread::sleep(REST);
    let killed = Instant::now();
    get(api, "DELETE", &format!("/workers/{before}"))?;
    loop {
        // One that was accepted by the dying gets no answer.
        let answer = get(server.address, "GET", "/").ok().and_then(worker);
        if answer.is_some_and(|pid| pid != before) {
            return Ok(killed.elapsed().as_secs_f64());
        }
        ensure!(killed.elapsed() < DEADLINE, "the worker is not replaced");
    }
}

/// What is resident of a process, in MiB.
fn resident(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    Ok(kib.context("the kernel does not tell what is resident")? / 1024.0)
}

/// The JSON of an answer; null where it has none.
fn get(address: SocketAddr, method: &str, path: &str) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let head = format!("{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    let is_good = head
        .split(' ')
        .nth(1)
        .is_some_and(|code| code.starts_with('2'));
    ensure!(is_good, "{method} {path} was answered {head:?}");
    Ok(serde_json::from_str(body).unwrap_or(Value::Null))
}
