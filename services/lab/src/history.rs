//! Where runs are kept: `results/<lab>/<time>/run.json`, newest at `latest`.

use anyhow::{Context, anyhow};
use measure::changes::why_not_comparable;
use measure::report::{PassedOver, Predecessor, RunReport, SCHEMA};
use rustix::fs::Access;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How many runs are looked at for one to compare with: reading each takes
/// milliseconds, and what is older was measured under other circumstances.
const LOOKED_AT: usize = 20;

/// The runs of one lab.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
}

impl History {
    /// The runs of `lab` below `results`.
    pub fn of(results: &Path, lab: &str) -> Self {
        Self {
            folder: results.join(lab),
        }
    }

    /// The newest run that `report` can be compared with, and what the report
    /// is to say of the choice.
    pub fn predecessor(&self, report: &RunReport) -> (Option<RunReport>, Predecessor) {
        let mut choice = Predecessor::default();
        for name in self.newest().into_iter().take(LOOKED_AT) {
            let (started, why) = match read(&self.folder.join(&name).join("run.json")) {
                Ok(run) => match why_not_comparable(&run, report) {
                    None => {
                        choice.started = Some(run.started.clone());
                        return (Some(run), choice);
                    }
                    Some(why) => (run.started, why),
                },
                Err(_) => (name, "its run.json cannot be read".into()),
            };
            choice.passed_over.push(PassedOver { started, why });
        }
        (None, choice)
    }

    /// All runs, oldest first; or, of each, what is wrong with its file.
    pub fn runs(&self) -> impl Iterator<Item = anyhow::Result<RunReport>> {
        let names = self.newest().into_iter().rev();
        names.map(|name| read(&self.folder.join(name).join("run.json")))
    }

    /// The folders of the runs, newest first: their names are times in UTC.
    fn newest(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let mut names: Vec<String> = entries
            .flatten()
            // A folder without a run is what a full disk left.
            .filter(|entry| entry.path().join("run.json").is_file())
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort_unstable_by(|a, b| b.cmp(a));
        names
    }

    /// Makes the folder of the runs. Called before anything is measured: what
    /// cannot be kept is not worth minutes.
    pub fn prepare(&self) -> anyhow::Result<()> {
        let prepared = std::fs::create_dir_all(&self.folder)
            .and_then(|()| Ok(rustix::fs::access(&self.folder, Access::WRITE_OK)?));
        prepared.with_context(|| {
            format!(
                "{}: you cannot write there, so no run could be kept; nothing was measured",
                self.folder.display()
            )
        })
    }

    /// Writes a run and points `latest` at it. Returns where it is. Where that
    /// fails nothing of the run is left, and `latest` stays at the one before.
    pub fn save(&self, report: &RunReport) -> anyhow::Result<PathBuf> {
        let name = report.started.replace(':', "-");
        let folder = self.folder.join(&name);
        let shown = folder.display().to_string();
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("{shown}: the folder for the run cannot be made"))?;
        let file = folder.join("run.json");
        let mut json = serde_json::to_vec_pretty(report)?;
        json.push(b'\n');
        // Complete or not there: a half-written run would be taken for one.
        let unfinished = folder.join("run.json.new");
        std::fs::File::create(&unfinished)
            .and_then(|mut file| file.write_all(&json))
            .and_then(|()| std::fs::rename(&unfinished, &file))
            .inspect_err(|_| {
                drop(std::fs::remove_file(&unfinished));
                // Only if there is nothing else in it.
                drop(std::fs::remove_dir(&folder));
            })
            .with_context(|| {
                format!(
                    "{}: the run cannot be written, and is not kept beyond what is printed here",
                    file.display()
                )
            })?;
        self.point_latest_at(&name)
            .with_context(|| format!("{}: cannot point at the run", self.folder.display()))?;
        Ok(file)
    }

    fn point_latest_at(&self, name: &str) -> std::io::Result<()> {
        let unfinished = self.folder.join("latest.new");
        let _ = std::fs::remove_file(&unfinished);
        std::os::unix::fs::symlink(name, &unfinished)?;
        std::fs::rename(&unfinished, self.folder.join("latest"))
    }
}

/// Reads a run report, or says what is wrong with the file.
pub fn read(path: &Path) -> anyhow::Result<RunReport> {
    let shown = path.display();
    if path.is_dir() {
        anyhow::bail!("{shown}: is a folder; name the run.json in it");
    }
    let bytes = std::fs::read(path)
        .map_err(|why| anyhow!("{shown}: cannot be read ({why}); make history lists the runs"))?;
    let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(|why| {
        anyhow!("{shown}: is not whole JSON ({why}), and cannot be mended; name another run")
    })?;
    match json["schema"].as_str() {
        Some(SCHEMA) => {}
        Some(other) => anyhow::bail!(
            "{shown}: is a report of shape {other}, and this program reads {SCHEMA}; read it with \
             the Parlab that wrote it"
        ),
        None => anyhow::bail!(
            "{shown}: is JSON but not a run report (it has no \"schema\"); name a run.json"
        ),
    }
    serde_json::from_value(json)
        .with_context(|| format!("{shown}: is not a whole run report; name another run"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use measure::made::{report, station, timed_row};

    fn run(started: &str) -> RunReport {
        let mut rows = vec![
            timed_row("primes-two", "sequential", 1, &[1.0; 6]),
            timed_row("primes-half", "work-stealing", 1, &[2.0; 6]),
        ];
        rows[0].baseline = true;
        let stations = vec![
            station("primes-half", Some(0.5)),
            station("primes-two", None),
        ];
        RunReport {
            started: started.into(),
            ..report(stations, rows)
        }
    }

    #[test]
    fn the_newest_run_that_compares_is_chosen_and_newer_ones_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::of(folder.path(), "lab-primes");
        let now = run("2025-11-21T13:00:00Z");
        assert_eq!(history.predecessor(&now), (None, Predecessor::default()));

        let whole = run("2025-11-21T09:00:00Z");
        let quick = RunReport {
            quick: true,
            ..run("2025-11-21T10:00:00Z")
        };
        let partial = RunReport {
            partial: true,
            ..run("2025-11-21T11:00:00Z")
        };
        for earlier in [&run("2025-11-21T08:00:00Z"), &whole, &quick, &partial] {
            history.save(earlier).unwrap();
        }
        let unreadable = folder.path().join("lab-primes/2025-11-21T12-00-00Z");
        std::fs::create_dir_all(&unreadable).unwrap();
        std::fs::write(unreadable.join("run.json"), "{").unwrap();

        let (chosen, said) = history.predecessor(&now);
        assert_eq!(chosen, Some(whole));
        assert_eq!(said.started.as_deref(), Some("2025-11-21T09:00:00Z"));
        let passed_over: Vec<_> = said
            .passed_over
            .iter()
            .map(|run| (run.started.as_str(), run.why.as_str()))
            .collect();
        assert_eq!(
            passed_over,
            [
                ("2025-11-21T12-00-00Z", "its run.json cannot be read"),
                ("2025-11-21T11:00:00Z", "it was interrupted"),
                ("2025-11-21T10:00:00Z", "it was quick"),
            ]
        );
    }

    #[test]
    fn a_file_that_is_no_report_is_refused_by_name_and_reason() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = |text: &str| {
            let path = folder.path().join("run.json");
            std::fs::write(&path, text).unwrap();
            format!("{:#}", read(&path).unwrap_err())
        };
        assert!(refusal("{\"schema\": \"parl").contains("is not whole JSON"));
        assert!(refusal("{}").contains("has no \"schema\""));
        assert!(refusal("{\"schema\": \"parlab-run/9\"}").contains("of shape parlab-run/9"));
        assert!(refusal("{\"schema\": \"parlab-run/1\"}").contains("missing field"));
        let missing = read(&folder.path().join("nothing.json")).unwrap_err();
        assert!(missing.to_string().contains("nothing.json: cannot be read"));
    }
}
