//! Stations that are containers of one Compose project.
//!
//! The runner is a container beside them: it finds a station's replicas by the
//! engine's DNS and has no Docker socket. What must be done to a station from
//! outside it asks of the host script through files in a shared folder.

use super::{Action, Answering, Around, Replica, StationSpec, Stations};
use anyhow::{Context, bail};
use measure::report::Backend;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The ports inside a container.
const API_PORT: u16 = 8080;
const ADMIN_PORT: u16 = 9000;
const SERVED_PORT: u16 = 3000;

/// How long the host script may take for an action.
const ACTION_DEADLINE: Duration = Duration::from_mins(1);

/// The Docker backend.
#[derive(Debug)]
pub struct Docker {
    stations: Vec<StationSpec>,
    around: Around,
    control: PathBuf,
    requests: AtomicU64,
}

impl Docker {
    /// Stations of a resolved lab and what is around them; `control` is the folder shared with the host script.
    pub fn new(stations: Vec<StationSpec>, around: Around, control: &Path) -> Self {
        Self {
            stations,
            around,
            control: control.to_owned(),
            requests: AtomicU64::new(0),
        }
    }

    /// Writes a request for the host script and waits for its answer.
    async fn ask(&self, line: String) -> anyhow::Result<()> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", std::process::id());
        let request = self.control.join(format!("{id}.request"));
        let unfinished = self.control.join(format!("{id}.new"));
        let answer = self.control.join(format!("{id}.answer"));
        // Renamed when complete, so that the script never reads half a line.
        tokio::fs::write(&unfinished, &line)
            .await
            .with_context(|| {
                let folder = self.control.display();
                format!(
                    "{folder}: cannot ask the host script for \"{}\"",
                    line.trim()
                )
            })?;
        tokio::fs::rename(&unfinished, &request).await?;
        let deadline = Instant::now() + ACTION_DEADLINE;
        while Instant::now() < deadline {
            if let Ok(text) = tokio::fs::read_to_string(&answer).await {
                let _ = tokio::fs::remove_file(&answer).await;
                return match text.trim() {
                    "ok" => Ok(()),
                    error => bail!("{}: {error}", line.trim()),
                };
            }
            sleep(Duration::from_millis(50)).await;
        }
        let _ = tokio::fs::remove_file(&request).await;
        bail!(
            "the host script did not answer \"{}\" within {} s; is scripts/lab.sh still running?",
            line.trim(),
            ACTION_DEADLINE.as_secs()
        )
    }
}

impl Stations for Docker {
    fn backend(&self) -> Backend {
        Backend::Docker
    }

    fn list(&self) -> &[StationSpec] {
        &self.stations
    }

    fn around(&self) -> &Around {
        &self.around
    }

    fn replicas<'a>(&'a self, station: &'a str) -> Answering<'a, Vec<Replica>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((station, API_PORT)).await;
            let found = found.with_context(|| format!("{station}: no container of that name"))?;
            let mut replicas: Vec<_> = found
                .map(|api| Replica {
                    api,
                    admin: SocketAddr::new(api.ip(), ADMIN_PORT),
                })
                .collect();
            replicas.sort_unstable();
            replicas.dedup();
            Ok(replicas)
        })
    }

    /// The network's own name, behind which the engine has all replicas.
    fn served<'a>(&'a self, station: &'a str) -> Answering<'a, Vec<String>> {
        Box::pin(async move { Ok(vec![format!("http://{station}:{SERVED_PORT}/")]) })
    }

    fn act<'a>(&'a self, station: &'a str, action: Action) -> Answering<'a, ()> {
        let line = match action {
            Action::Scale(replicas) => format!("scale {station} {replicas}\n"),
            Action::Crash => format!("crash {station}\n"),
            Action::Kill => format!("kill {station}\n"),
            Action::Pause => format!("pause {station}\n"),
            Action::Resume => format!("resume {station}\n"),
        };
        Box::pin(self.ask(line))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Answers the one request that appears in `folder`, as the script does.
    async fn answer_one(folder: PathBuf, answer: &str) -> String {
        loop {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|e| e == "request") {
                    let line = std::fs::read_to_string(&path).unwrap();
                    std::fs::remove_file(&path).unwrap();
                    std::fs::write(path.with_extension("answer"), answer).unwrap();
                    return line;
                }
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn an_action_is_one_line_and_ends_with_the_scripts_answer() {
        let folder = tempfile::tempdir().unwrap();
        let docker = Docker::new(Vec::new(), Around::default(), folder.path());

        let script = answer_one(folder.path().to_owned(), "ok\n");
        let (done, line) = tokio::join!(docker.act("primes-half", Action::Scale(3)), script);
        done.unwrap();
        assert_eq!(line, "scale primes-half 3\n");

        let script = answer_one(folder.path().to_owned(), "error: no such service\n");
        let (done, line) = tokio::join!(docker.act("nobody", Action::Crash), script);
        assert_eq!(line, "crash nobody\n");
        let error = done.unwrap_err().to_string();
        assert_eq!(error, "crash nobody: error: no such service");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
