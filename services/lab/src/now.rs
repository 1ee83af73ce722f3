//! What a run does at this moment, for those who watch it: `now.json`.
//!
//! The runner replaces the file when the run begins and ends, before each
//! sample, when a station's replicas are known or change, and every half minute
//! besides: whose file stands still for long was killed.

use crate::labs::PlannedRow;
use crate::progress::Progress;
use crate::station::{Replica, StationSpec};
use anyhow::Context;
use measure::now::{BEAT_SECONDS, FILE, Now, Row, Station};
use measure::report::Backend;
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What the runner last wrote into its control folder; `None`: nothing yet.
pub fn read(control: &Path) -> anyhow::Result<Option<Now>> {
    let file = control.join(FILE);
    let text = match std::fs::read_to_string(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("{}: cannot be read", file.display()))?,
    };
    let now = serde_json::from_str(&text);
    now.map(Some)
        .with_context(|| format!("{}: is not what a runner writes", file.display()))
}

/// Seconds since 1970.
pub fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// Writes the file. Nothing depends on it: where it cannot be written, that is
/// said once.
pub struct Writer<'a> {
    control: PathBuf,
    progress: &'a Progress,
    now: RefCell<Option<Now>>,
    said: Cell<bool>,
}

/// Writes the run's end when it is dropped, however the run ends.
pub struct UnderWay<'w, 'a>(&'w Writer<'a>);

impl<'a> Writer<'a> {
    /// Writes into this folder, and says there where it cannot.
    pub fn new(control: &Path, progress: &'a Progress) -> Self {
        Self {
            control: control.to_owned(),
            progress,
            now: RefCell::new(None),
            said: Cell::new(false),
        }
    }

    /// A run begins; it ends with what is returned.
    pub fn begin(
        &self,
        lab: &str,
        backend: Backend,
        started: SystemTime,
        rounds: u32,
        stations: &[StationSpec],
    ) -> UnderWay<'_, 'a> {
        let granted = stations.iter().filter(|spec| spec.refused.is_none());
        *self.now.borrow_mut() = Some(Now {
            lab: lab.to_owned(),
            backend,
            started_seconds: unix_seconds(started),
            updated_seconds: 0.0,
            ended_seconds: None,
            round: 0,
            rounds,
            row: None,
            stations: granted
                .map(|spec| Station {
                    name: spec.name.clone(),
                    declared: spec.declared.clone(),
                    declared_replicas: spec.replicas,
                    replicas: Vec::new(),
                })
                .collect(),
        });
        self.update(|_| ());
        UnderWay(self)
    }

    /// These are the replicas of these stations.
    pub fn replicas<'s>(&self, stations: impl IntoIterator<Item = (&'s str, &'s [Replica])>) {
        self.update(|now| {
            for (name, replicas) in stations {
                let station = now.stations.iter_mut().find(|station| station.name == name);
                if let Some(station) = station {
                    replicas.clone_into(&mut station.replicas);
                }
            }
        });
    }

    /// A sample of this row begins; `round` counts from 1 and is 0 for probes.
    pub fn sample(&self, round: u32, row: &PlannedRow) {
        self.update(|now| {
            now.round = round;
            now.row = Some(Row {
                station: row.station.clone(),
                strategy: row.strategy.clone(),
                kernel: row.kernel.clone(),
                workers: row.workers,
            });
        });
    }

    /// Shows again and again that the run goes on.
    pub async fn beat(&self) -> Infallible {
        loop {
            tokio::time::sleep(Duration::from_secs(BEAT_SECONDS)).await;
            self.update(|_| ());
        }
    }

    fn end(&self) {
        self.update(|now| {
            now.row = None;
            // Local stations end with their run.
            if now.backend == Backend::Local {
                now.stations.iter_mut().for_each(|s| s.replicas.clear());
            }
            now.ended_seconds = Some(now.updated_seconds);
        });
    }

    fn update(&self, change: impl FnOnce(&mut Now)) {
        let mut now = self.now.borrow_mut();
        let Some(now) = now.as_mut() else {
            return;
        };
        now.updated_seconds = unix_seconds(SystemTime::now());
        change(now);
        if let Err(error) = write(&self.control, now)
            && !self.said.replace(true)
        {
            self.progress.notice(&format!(
                "! {}: cannot be written ({error}), so dashboards and make top do not see this \
                 run; it is measured all the same",
                self.control.join(FILE).display()
            ));
        }
    }
}

impl Drop for UnderWay<'_, '_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn write(control: &Path, now: &Now) -> std::io::Result<()> {
    std::fs::create_dir_all(control)?;
    let unfinished = control.join(format!("{FILE}.new"));
    std::fs::write(&unfinished, serde_json::to_vec(now)?)?;
    // Renamed when complete, so that nobody reads half of it.
    std::fs::rename(&unfinished, control.join(FILE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use measure::report::Declared;
    use serde_json::json;

    fn spec(name: &str, refused: Option<&str>) -> StationSpec {
        StationSpec {
            name: name.into(),
            replicas: 4,
            declared: Declared::default(),
            refused: refused.map(Into::into),
        }
    }

    fn row() -> PlannedRow {
        PlannedRow {
            station: "half".into(),
            strategy: "channels".into(),
            kernel: "sieve".into(),
            workers: 3,
            baseline: false,
        }
    }

    #[test]
    fn tells_a_run_from_its_begin_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("control");
        let progress = Progress::new();
        let writer = Writer::new(&control, &progress);
        let written = || read(&control).unwrap().unwrap();
        let replica: Replica =
            serde_json::from_value(json!({"api": "127.0.0.1:1", "admin": "127.0.0.1:2"})).unwrap();
        assert_eq!(read(&control).unwrap(), None);

        let specs = [spec("half", None), spec("huge", Some("too large"))];
        let started = SystemTime::now();
        let under_way = writer.begin("lab-x", Backend::Local, started, 6, &specs);
        let begun = written();
        assert_eq!((begun.round, begun.rounds, begun.row), (0, 6, None));
        assert_eq!(begun.stations.len(), 1, "who cannot run is not there");
        assert_eq!(begun.stations[0].declared_replicas, 4);

        writer.replicas([("half", &[replica][..]), ("nobody", &[])]);
        writer.sample(2, &row());
        let now = written();
        assert_eq!(now.stations[0].replicas, [replica]);
        assert_eq!((now.round, now.row.unwrap().workers), (2, 3));
        assert_eq!(now.ended_seconds, None);
        assert!(now.updated_seconds >= begun.updated_seconds);

        drop(under_way);
        let ended = written();
        assert!(ended.ended_seconds.unwrap() >= ended.started_seconds);
        assert_eq!((ended.row, ended.round), (None, 2));
        assert!(ended.stations[0].replicas.is_empty());
        let left: Vec<_> = std::fs::read_dir(&control).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn where_it_cannot_be_written_that_is_said_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let progress = Progress::new();
        // A file stands where the folder should.
        let writer = Writer::new(file.path(), &progress);

        let under_way = writer.begin("lab-x", Backend::Docker, SystemTime::now(), 6, &[]);
        assert!(writer.said.get());
        writer.sample(1, &row());
        drop(under_way);
    }

    #[test]
    fn half_a_file_is_told_from_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{\"lab\":").unwrap();

        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("now.json"), "{error}");
    }
}
