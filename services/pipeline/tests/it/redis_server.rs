//! A Redis of a test's own: in a temporary folder, on a port of its own, ended
//! with the test.

use pipeline::streams::{Link, Server};
use rustix::process::{Pid, Signal, kill_process};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_mins(1);

/// A Redis that can be stopped in all ways it may stop in.
pub(crate) struct RedisServer {
    folder: TempDir,
    port: u16,
    options: Vec<String>,
    server: Option<Child>,
}

/// A port that was free just now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

impl RedisServer {
    /// One that runs; `None`, with a word on stderr, where none is installed.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let mut server = Self::made(options)?;
        server.run();
        Some(server)
    }

    /// One that does not run yet.
    pub(crate) fn made(options: &[&str]) -> Option<Self> {
        let version = Command::new("redis-server").arg("--version").output();
        if version.is_err() {
            eprintln!("left out: no redis-server is installed on this machine");
            return None;
        }
        Some(Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            options: options.iter().map(ToString::to_string).collect(),
            server: None,
        })
    }

    /// Starts it and waits until it answers, whatever it answers.
    pub(crate) fn run(&mut self) {
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
            .unwrap();
        self.server = Some(server);
        let asked = Instant::now();
        while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(asked.elapsed() < DEADLINE, "Redis does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it at once.
    pub(crate) fn crash(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Stops it where it is: connections stay, nothing answers.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let server = self.server.as_ref().unwrap();
        kill_process(Pid::from_child(server), signal).unwrap();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How it is named to the service.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The pipeline of that name in it.
    pub(crate) fn server(&self, pipeline: &str) -> Server {
        Server::new(&self.url(), None, pipeline).unwrap()
    }

    /// A connection to the pipeline of that name.
    pub(crate) fn link(&self, pipeline: &str) -> Link {
        self.server(pipeline).connect().unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.crash();
    }
}
