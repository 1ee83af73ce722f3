//! A Redis of one measurement alone, and the stages around it.

use crate::ours::{Ending, peak_bytes};
use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to be there.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// Its settings: those of the lab.
const SETTINGS: &str = "../redis/pipeline.conf";

/// A Redis on a port of its own, with an append-only file; it ends, and its
/// folder goes, when it is dropped.
pub(super) struct Redis {
    pub(super) port: u16,
    process: Option<Ending>,
    folder: PathBuf,
}

impl Redis {
    pub(super) fn start() -> anyhow::Result<Self> {
        // Free when it is closed; who takes it in between makes this fail.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let folder = std::env::temp_dir().join(format!("parlab-bench-redis-{port}"));
        std::fs::create_dir(&folder).context("a folder for Redis")?;
        let server = Command::new("redis-server")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(SETTINGS))
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server cannot be run")?;
        let redis = Self {
            port,
            process: Some(Ending(server)),
            folder,
        };
        let began = Instant::now();
        while redis.ask("PING").is_err() {
            ensure!(began.elapsed() < STARTS_WITHIN, "Redis does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(redis)
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The most memory that its data ever took.
    pub(super) fn memory_peak_bytes(&self) -> Option<u64> {
        let info = self.ask("INFO memory").ok()?;
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory_peak:"));
        line?.trim().parse().ok()
    }

    /// The answer to a command, as it is sent, up to the connection's end.
    fn ask(&self, command: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(STARTS_WITHIN))?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.ends_with("+OK\r\n"), "Redis answers {answer:?}");
        Ok(answer)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Before its folder.
        self.process = None;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A stage that serves; it ends when it is dropped.
pub(super) struct StageProcess {
    id: u32,
    _process: Ending,
}

impl StageProcess {
    /// Started, and its address said.
    pub(super) fn start(
        program: &Path,
        stages: &str,
        stage: &str,
        redis: &Redis,
    ) -> anyhow::Result<Self> {
        let mut child: Child = Command::new(program)
            .args(["serve", "--port", "0", "--admin-port", "0"])
            .args(["--stages", stages, "--stage", stage])
            .args(["--redis-url", &redis.url()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be run", program.display()))?;
        let stdout = child.stdout.take().expect("it was asked for");
        let stage = Self {
            id: child.id(),
            _process: Ending(child),
        };
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        reader
            .read_line(&mut line)
            .context("a stage said nothing")?;
        ensure!(line.starts_with('{'), "a stage does not start: {line:?}");
        Ok(stage)
    }

    /// The most memory that was resident.
    pub(super) fn memory_peak_bytes(&self) -> Option<u64> {
        peak_bytes(self.id)
    }
}
