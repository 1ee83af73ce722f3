//! `lab explain`: a saved run's figures and verdicts, drawn again from its raw
//! rounds and limits alone.

use crate::config::ExplainArgs;
use crate::history;
use crate::labs::by_name;
use measure::report::RunReport;
use measure::text;
use service_kit::terminal;
use std::path::Path;
use std::process::ExitCode;

/// Explains a saved run.
pub fn explain(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let report = again(&args.run)?;
    if args.json {
        terminal::print(&(serde_json::to_string_pretty(&report)? + "\n"))?;
    } else {
        terminal::print(&text::render(&report, &terminal::style()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A saved run with all that is derived drawn again.
pub fn again(run: &Path) -> anyhow::Result<RunReport> {
    let mut report = history::read(run)?;
    measure::analysis::analyse(&mut report);
    if let Some(lab) = by_name(&report.lab) {
        lab.conclude(&mut report);
    }
    Ok(report)
}
