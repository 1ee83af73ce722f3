//! `lab history` and `lab compare`: what earlier runs came to.

use crate::Refused;
use crate::config::{CompareArgs, HistoryArgs, the_lab};
use crate::explain;
use crate::history::History;
use crate::labs::LABS;
use measure::changes::backends;
use measure::text;
use service_kit::terminal;
use std::process::ExitCode;

/// Lists the runs of a lab, the newest last; of all labs where none is named.
pub fn history(args: &HistoryArgs) -> anyhow::Result<ExitCode> {
    let labs = match &args.lab {
        Some(name) => vec![the_lab(name)?],
        None => LABS.to_vec(),
    };
    let mut status = ExitCode::SUCCESS;
    for lab in labs {
        let mut runs = Vec::new();
        for run in History::of(&args.results, lab.name()).runs() {
            match run {
                Ok(run) => runs.push(run),
                Err(error) => {
                    eprintln!("✗ {error:#}");
                    status = ExitCode::FAILURE;
                }
            }
        }
        if runs.is_empty() {
            terminal::print(&format!("{}: no run yet; make {0}\n", lab.name()))?;
        } else {
            terminal::print(&format!(
                "{}\n{}",
                lab.name(),
                text::past_runs(&runs, &terminal::style())
            ))?;
        }
    }
    Ok(status)
}

/// Compares two saved runs row by row. Fails where a station's limit in Docker
/// is not the one that it had as a local process; never on speed.
pub fn compare(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let (before, after) = (explain::again(&args.before)?, explain::again(&args.after)?);
    if before.lab != after.lab {
        let why = format!("{} and {} have no rows in common", before.lab, after.lab);
        return Err(Refused(why).into());
    }
    terminal::print(&text::two_runs(&before, &after, &terminal::style()))?;
    let backends = backends(&before, &after);
    Ok(if backends.is_some_and(|both| both.limits_differ()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
