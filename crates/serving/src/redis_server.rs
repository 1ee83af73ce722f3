//! A Redis of a test's own: in a temporary folder, on a port of its own, ended
//! with the test.

use crate::eventually;
use rustix::process::{Pid, Signal, kill_process};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A Redis that can be stopped in all ways it may stop in.
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    options: Vec<String>,
    server: Option<Child>,
}

/// A port that was free just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

impl RedisServer {
    /// One that runs; `None`, with a word on stderr, where none is installed.
    pub fn start(options: &[&str]) -> Option<Self> {
        let mut server = Self::made(options)?;
        server.run();
        Some(server)
    }

    /// One that does not run yet.
    pub fn made(options: &[&str]) -> Option<Self> {
        let version = Command::new("redis-server").arg("--version").output();
        if version.is_err() {
            eprintln!("left out: no redis-server is installed on this machine");
            return None;
        }
        Some(Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            port: free_port(),
            options: options.iter().map(ToString::to_string).collect(),
            server: None,
        })
    }

    /// Starts it and waits until it answers, whatever it answers.
    pub fn run(&mut self) {
        // Gone with the test, however that ends.
        let server = Command::new("setpriv")
            .args(["--pdeathsig=KILL", "--", "redis-server"])
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--appendonly", "yes", "--save", ""])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        self.server = Some(server);
        let address = (Ipv4Addr::LOCALHOST, self.port);
        eventually("Redis answers", || TcpStream::connect(address).ok());
    }

    /// Kills it at once.
    pub fn crash(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("it is a child of this process");
            server.wait().expect("it was killed");
        }
    }

    /// Stops it where it is: connections stay, nothing answers.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let server = self.server.as_ref().expect("it runs");
        kill_process(Pid::from_child(server), signal).expect("it has not ended");
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How it is named to the service.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.crash();
    }
}
