//! A Redis of the run's own: on loopback, in a temporary folder, gone with the
//! run. It is the machine's own program that runs, where one is installed.

use super::addresses::free_address;
use super::folder::{Folder, remove_stale};
use super::program::Program;
use crate::compose::Component;
use anyhow::{Context, bail};
use rustix::process::Signal;
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Its program.
const PROGRAM: &str = "redis-server";

/// A port that was free may be taken a moment later.
const PORTS_TRIED: usize = 3;

/// A running server. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Redis {
    server: Program,
    // After the server, which writes there.
    folder: Folder,
    /// Where it answers.
    pub address: SocketAddr,
}

impl Redis {
    /// Starts one with the settings of the file's `command`, and waits until it
    /// answers. Call it on a thread that lives as long as it is to: the death
    /// signal comes when that thread ends.
    pub async fn start(command: &[String], log: &Path) -> anyhow::Result<Self> {
        let program = program().context("none is installed (redis-server, in the PATH)")?;
        let name = Component::Redis.name();
        remove_stale(name);
        let folder = Folder::make(name, None)?;
        for _ in 0..PORTS_TRIED {
            let address = free_address()?;
            let mut server = serve(&program, command, folder.path(), address, log)?;
            if server.accepts(address).await? {
                return Ok(Self {
                    server,
                    folder,
                    address,
                });
            }
        }
        bail!("it ended at once; see {}", log.display())
    }

    /// Where it keeps what it holds.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.server.id()
    }

    /// Freezes it where it is: connections stay, nothing answers.
    pub fn pause(&self) {
        self.server.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.server.signal(Signal::CONT);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // One that is frozen could not end.
        self.resume();
    }
}

/// Starts it in a process group of its own. It ends with the thread that starts
/// it.
fn serve(
    program: &Path,
    command: &[String],
    folder: &Path,
    address: SocketAddr,
    log: &Path,
) -> anyhow::Result<Program> {
    let log_file = File::options().create(true).append(true).open(log);
    let log = log_file.with_context(|| format!("{}: cannot be written", log.display()))?;
    let mut server = Command::new("setpriv");
    server
        .args(["--pdeathsig", "KILL"])
        .arg(program)
        .args(settings(command))
        // Behind the file's: the last one counts.
        .args(["--bind", &address.ip().to_string()])
        .args(["--port", &address.port().to_string()])
        .arg("--dir")
        .arg(folder)
        .args(["--daemonize", "no"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C")
        .current_dir(folder)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Program::start(&mut server)
}

/// The file's command without the program.
fn settings(command: &[String]) -> &[String] {
    match command {
        [first, settings @ ..] if !first.starts_with('-') => settings,
        all => all,
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path);
    folders.find_map(|folder| Some(folder.join(PROGRAM)).filter(|program| program.is_file()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    /// What it answers to one command.
    async fn said(address: SocketAddr, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(format!("{command}\r\n").as_bytes())
            .await?;
        let mut answer = [0; 256];
        let read = stream.read(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
    }

    #[tokio::test]
    async fn a_server_has_the_files_settings_stands_still_and_ends_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        if program().is_none() {
            eprintln!("left out: Redis is not installed here");
            return;
        }
        let command = ["redis-server", "--appendonly", "yes", "--port", "1"].map(str::to_owned);

        let redis = Redis::start(&command, &folder.path().join("log"))
            .await
            .unwrap();

        let address = redis.address;
        assert_eq!(said(address, "PING").await.unwrap(), "+PONG\r\n");
        let appends = said(address, "CONFIG GET appendonly").await.unwrap();
        assert!(appends.contains("yes"), "{appends}");
        redis.pause();
        let while_paused = timeout(Duration::from_millis(200), said(address, "PING")).await;
        assert!(while_paused.is_err(), "{while_paused:?}");
        redis.resume();
        assert_eq!(said(address, "PING").await.unwrap(), "+PONG\r\n");

        redis.pause();
        let (path, process) = (redis.folder().to_owned(), redis.id());
        drop(redis);
        assert!(!path.exists() && !Path::new("/proc").join(process.to_string()).exists());
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[test]
    fn the_settings_are_what_stands_behind_the_program() {
        let of = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            settings(&words).to_vec()
        };
        assert_eq!(of(&["redis-server", "--save", ""]), ["--save", ""]);
        assert_eq!(of(&["--save", ""]), ["--save", ""]);
        assert!(of(&[]).is_empty());
    }
}
