//! A PostgreSQL of a test's own: made in a temporary folder, on a port of its
//! own, ended with the test.

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection as _, PgConnection};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_mins(1);
const USER: &str = "scraper";
pub(crate) const PASSWORD: &str = "swordfish";

/// A PostgreSQL that can be stopped in all ways it may stop in.
pub(crate) struct Cluster {
    binaries: PathBuf,
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Cluster {
    /// One that runs; `None`, with a word on stderr, where its binaries are not installed.
    pub(crate) async fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            eprintln!("left out: no PostgreSQL is installed on this machine");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if let Some((uid, gid)) = other_user() {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let mut cluster = Self {
            binaries,
            folder,
            port: free_port(),
            server: None,
        };
        cluster.make();
        cluster.run().await;
        Some(cluster)
    }

    /// A program of it, as a user who may run it: the server refuses to be root's.
    fn program(&self, name: &str) -> Command {
        let path = self.binaries.join(name);
        match other_user() {
            Some((uid, gid)) => {
                let mut command = Command::new("setpriv");
                command
                    .args([format!("--reuid={uid}"), format!("--regid={gid}")])
                    // Gone with the test, however that ends.
                    .args(["--clear-groups", "--pdeathsig=QUIT", "--"])
                    .arg(path);
                command
            }
            None => Command::new(path),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn make(&self) {
        let password = self.folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        let made = self
            .program("initdb")
            .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "--username", USER, "--pwfile"])
            .arg(&password)
            .arg("--pgdata")
            .arg(self.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    /// Starts the server and waits until it answers.
    pub(crate) async fn run(&mut self) {
        let port = self.port.to_string();
        let server = self
            .program("postgres")
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .args(["-c", "unix_socket_directories=", "-p", &port, "-D"])
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.server = Some(server);
        let asked = Instant::now();
        while self.connect("postgres").await.is_err() {
            assert!(asked.elapsed() < DEADLINE, "PostgreSQL does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it as a crash would: connections break, nothing is written.
    pub(crate) fn crash(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = kill_process(Pid::from_child(&server), Signal::QUIT);
            server.wait().unwrap();
        }
    }

    /// Stops all its processes where they are: connections stay, nothing answers.
    pub(crate) fn pause(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets them go on.
    pub(crate) fn resume(&self) {
        self.signal_all(Signal::CONT);
    }

    fn signal_all(&self, signal: Signal) {
        let server = self.server.as_ref().unwrap();
        // The server first: stopped, it makes no more processes.
        kill_process(Pid::from_child(server), signal).unwrap();
        for process in children_of(server.id()) {
            let _ = kill_process(process, signal);
        }
    }

    /// The URL of a database; the password is not in it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    pub(crate) async fn connect(&self, database: &str) -> sqlx::Result<PgConnection> {
        let url = self.url(database);
        PgConnection::connect(&url.replace('@', &format!(":{PASSWORD}@"))).await
    }

    /// A file with `password`.
    pub(crate) fn password_file(&self, password: &str) -> PathBuf {
        let path = self.folder.path().join(format!("password-{password}"));
        let mut file = std::fs::File::create(&path).unwrap();
        writeln!(file, "{password}").unwrap();
        path
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.resume();
        }
        self.crash();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Where the server's programs are: on the path, or where Debian keeps them.
fn binaries() -> Option<PathBuf> {
    let has_server = |folder: &PathBuf| folder.join("initdb").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path).find(has_server) {
        return Some(found);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<_> = versions.flatten().map(|entry| entry.path()).collect();
    folders.sort_by_key(|folder| version(folder));
    folders
        .iter()
        .rev()
        .map(|folder| folder.join("bin"))
        .find(has_server)
}

fn version(folder: &Path) -> u32 {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}

/// Whom the server is run as when the test is root: PostgreSQL's own user or nobody.
fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_it = fields.next() == Some(name);
            let ids = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            is_it.then_some(ids)
        })
    };
    Some(of("postgres").or_else(|| of("nobody")).unwrap())
}

fn children_of(parent: u32) -> Vec<Pid> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    let ids = children.split_whitespace().filter_map(|id| id.parse().ok());
    ids.filter_map(Pid::from_raw).collect()
}
