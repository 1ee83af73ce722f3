//! `lab report`: a saved run as a page, `report.html` beside its `run.json`.

use crate::config::ReportArgs;
use crate::explain;
use anyhow::Context;
use measure::report::RunReport;
use service_kit::terminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Makes the page of a saved run again and says where it is.
pub fn report(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let report = explain::again(&args.run)?;
    let page = write(&report, &args.run)?;
    terminal::print(&format!("{}\n", shown(&page)))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a run beside its file. Returns where it is.
pub fn write(report: &RunReport, run: &Path) -> anyhow::Result<PathBuf> {
    let page = run.with_file_name("report.html");
    // Complete or not there, as the run itself.
    let unfinished = run.with_file_name("report.html.new");
    std::fs::write(&unfinished, report_page::page(report))
        .and_then(|()| std::fs::rename(&unfinished, &page))
        .inspect_err(|_| drop(std::fs::remove_file(&unfinished)))
        .with_context(|| format!("{}: the page cannot be written", page.display()))?;
    Ok(page)
}

/// A file's path for the person outside the container: /results is the
/// checkout's results/.
pub fn shown(file: &Path) -> String {
    let inside = file.starts_with("/results");
    let file = if inside {
        file.strip_prefix("/").unwrap_or(file)
    } else {
        file
    };
    file.display().to_string()
}
