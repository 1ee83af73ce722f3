//! Where runs are kept: `results/<lab>/<time>/run.json`, newest at `latest`.

use anyhow::Context;
use measure::report::{RunReport, SCHEMA};
use std::io::Write;
use std::path::{Path, PathBuf};

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

    /// The newest run, if there is one that can be read.
    pub fn latest(&self) -> Option<RunReport> {
        read(&self.folder.join("latest").join("run.json")).ok()
    }

    /// Writes a run and points `latest` at it. Returns where it is.
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
            .with_context(|| format!("{}: the run cannot be written", file.display()))?;
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
    let text = std::fs::read_to_string(path).with_context(|| format!("{shown}: cannot be read"))?;
    let json: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{shown}: is not whole JSON"))?;
    match json["schema"].as_str() {
        Some(SCHEMA) => {}
        Some(other) => {
            anyhow::bail!("{shown}: is a report of shape {other}, and this program reads {SCHEMA}")
        }
        None => anyhow::bail!("{shown}: is JSON but not a run report (it has no \"schema\")"),
    }
    serde_json::from_value(json).with_context(|| format!("{shown}: is not a whole run report"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
