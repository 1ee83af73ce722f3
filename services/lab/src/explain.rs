//! `lab explain`: a saved run's figures and verdicts, drawn again from its raw
//! rounds and limits alone.

use crate::config::ExplainArgs;
use crate::history;
use crate::labs::by_name;
use measure::text;
use service_kit::terminal;
use std::process::ExitCode;

/// Explains a saved run.
pub fn explain(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let mut report = history::read(&args.run)?;
    measure::analysis::analyse(&mut report);
    if let Some(lab) = by_name(&report.lab) {
        lab.conclude(&mut report);
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", text::render(&report, &terminal::style()));
    }
    Ok(ExitCode::SUCCESS)
}
