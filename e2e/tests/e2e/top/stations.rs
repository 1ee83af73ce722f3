//! Stations for `lab top` to watch, and what a runner would tell of them.

use crate::local::bench::{programs, signal};
use serde_json::{Value, json};
use service_kit::address::AddressLine;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A lab's stations, ended when dropped.
pub(super) struct Lab {
    folder: tempfile::TempDir,
    stations: Vec<(String, Vec<Replica>)>,
    quotas: bool,
}

/// A running `primes serve`.
struct Replica {
    child: Child,
    quota: Option<f64>,
    line: AddressLine,
}

/// Measured runs go on beside each other in stations of different names.
static NAMES: AtomicU32 = AtomicU32::new(0);

impl Lab {
    /// Stations of these names and quotas, one replica each.
    pub(super) fn start(stations: &[(&str, Option<f64>)]) -> Self {
        let mut lab = Self {
            folder: tempfile::tempdir().unwrap(),
            stations: Vec::new(),
            quotas: can_hold_quotas(),
        };
        for (name, quota) in stations {
            let quota = quota.filter(|_| lab.quotas);
            let replica = Replica::start(quota, None);
            lab.stations.push(((*name).to_owned(), vec![replica]));
        }
        lab
    }

    /// Whether the stations are held to their quotas.
    pub(super) fn has_quotas(&self) -> bool {
        self.quotas || {
            eprintln!("left out, since quotas need a control group: that they are seen");
            false
        }
    }

    /// What the runner writes, and this test in its place.
    pub(super) fn now(&self) -> PathBuf {
        self.folder.path().join("now.json")
    }

    /// Tells of a run in its second round that measures this station.
    pub(super) fn write_now(&self, measured: Option<&str>) {
        let stations = self.stations.iter().map(|(name, replicas)| {
            let cpus = name.contains("half").then_some(0.5);
            let replicas: Vec<_> = replicas.iter().map(|replica| json!(replica.line)).collect();
            json!({
                "name": name,
                "declared": {"cpus": cpus, "cpuset": null, "memory_bytes": 268_435_456},
                "declared_replicas": 1,
                "replicas": replicas,
            })
        });
        let row = measured.map(|station| {
            json!({"station": station, "strategy": "work-stealing", "kernel": "trial", "workers": 2})
        });
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs_f64();
        let now = json!({
            "lab": "lab-primes", "backend": "local", "started_seconds": seconds,
            "updated_seconds": seconds, "ended_seconds": null, "round": 2, "rounds": 6,
            "row": row, "stations": stations.collect::<Vec<_>>(),
        });
        let unfinished = self.folder.path().join("now.json.new");
        std::fs::write(&unfinished, now.to_string()).unwrap();
        std::fs::rename(&unfinished, self.now()).unwrap();
    }

    fn replicas(&mut self, station: &str) -> &mut Vec<Replica> {
        let mut stations = self.stations.iter_mut();
        &mut stations.find(|(name, _)| name == station).unwrap().1
    }

    /// Where the first replica's admin endpoints are.
    pub(super) fn admin(&self, station: &str) -> SocketAddr {
        let mut stations = self.stations.iter();
        stations.find(|(name, _)| name == station).unwrap().1[0]
            .line
            .admin
    }

    /// A run that takes hours, on its first replica; dropping it ends it.
    pub(super) fn run(&mut self, station: &str) -> TcpStream {
        let api = self.replicas(station)[0].line.api;
        let body = json!({"limit": 1e12, "strategy": "work-stealing", "workers": 2}).to_string();
        let mut head = format!("POST /run HTTP/1.1\r\nHost: {api}\r\n");
        write!(
            head,
            "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut stream = TcpStream::connect(api).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// Ends all replicas of a station.
    pub(super) fn kill(&mut self, station: &str) {
        self.replicas(station).iter_mut().for_each(Replica::end);
    }

    /// Starts its first replica again, where it was.
    pub(super) fn start_again(&mut self, station: &str) {
        let replicas = self.replicas(station);
        let (quota, line) = (replicas[0].quota, replicas[0].line);
        replicas[0] = Replica::start(quota, Some(line));
    }

    /// Lets it have so many replicas, and tells of it.
    pub(super) fn scale(&mut self, station: &str, count: usize) {
        let replicas = self.replicas(station);
        replicas.truncate(count);
        while replicas.len() < count {
            replicas.push(Replica::start(None, None));
        }
        self.write_now(None);
    }
}

/// Whether `lab hold` can give a quota here.
fn can_hold_quotas() -> bool {
    let mut hold = Command::new(programs().join("lab"));
    hold.args(["hold", "--cpus", "0.5", "--", "true"])
        .env_remove("LAB_LIMITS");
    hold.output().unwrap().status.success()
}

impl Replica {
    fn start(quota: Option<f64>, at: Option<AddressLine>) -> Self {
        let primes = programs().join("primes");
        let mut command = match quota {
            None => Command::new(&primes),
            Some(quota) => {
                let mut hold = Command::new(programs().join("lab"));
                hold.args(["hold", "--cpus", &quota.to_string(), "--"])
                    .arg(&primes);
                hold
            }
        };
        let ports = at.map_or([0, 0], |line| [line.api.port(), line.admin.port()]);
        let [port, admin_port] = ports.map(|port| port.to_string());
        let number = NAMES.fetch_add(1, Ordering::Relaxed);
        let name = format!("top-{}-{number}", std::process::id());
        let mut child = command
            .args(["serve", "--port", &port, "--admin-port", &admin_port])
            .env("STATION_NAME", name)
            .env_remove("LAB_LIMITS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut said).unwrap();
        let line: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said:?}"));
        Self {
            child,
            quota,
            line: serde_json::from_value(line).unwrap(),
        }
    }

    /// Ends it at once; what holds it to its quota ends it then.
    fn end(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            match self.quota {
                Some(_) => signal(self.child.id(), "INT"),
                None => self.child.kill().unwrap(),
            }
            self.child.wait().unwrap();
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.end();
    }
}
