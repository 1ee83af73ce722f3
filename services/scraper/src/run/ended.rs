//! How a run ended, in words and as an exit code.

use super::bad_input;
use super::summary::Summary;
use crate::config::{Format, RunConfig};
use crate::store::StoreFailed;
use service_kit::shutdown::Cause;
use service_kit::terminal;
use std::process::ExitCode;

/// What a run came to.
pub(super) struct Ended {
    pub summary: Summary,
    /// Why nothing more could be stored.
    pub store_failed: Option<StoreFailed>,
    /// Whether the fetching itself went as it should.
    pub crawled: anyhow::Result<()>,
    /// The signal that came meanwhile.
    pub cause: Option<Cause>,
    /// How the reading of the list ended; `None`: its end was not reached.
    pub read: Option<Result<(), String>>,
}

impl Ended {
    /// Prints what was fetched and stored, however it ended, and then what went
    /// wrong. A fault of the store comes before a signal, which only ended what
    /// could not go on; a signal that came when all was stored changed nothing.
    pub fn report(self, config: &RunConfig) -> anyhow::Result<ExitCode> {
        let summary = &self.summary;
        let text = match config.format {
            Format::Json => serde_json::to_string_pretty(summary)? + "\n",
            Format::Table => summary.table(),
        };
        terminal::print(&text)?;
        if let Some(hint) = summary.hint(config) {
            eprintln!("{hint}");
        }
        if let Some(failed) = &self.store_failed {
            anyhow::bail!("the store gave up: {failed}; {}", summary.kept());
        }
        self.crawled?;
        let is_complete = self.read == Some(Ok(())) && summary.has_all();
        if let Some(cause) = self.cause.filter(|_| !is_complete) {
            let unread = if self.read.is_none() {
                "; the list was not read to its end"
            } else {
                ""
            };
            let name = cause.name();
            eprintln!("✗ interrupted by {name}: {}{unread}", summary.kept());
            return Ok(ExitCode::from(cause.exit_code()));
        }
        if summary.lost() > 0 {
            anyhow::bail!("not all outcomes were stored in time: {}", summary.kept());
        }
        // A list that cannot be read to its end is no list that was fetched.
        if let Some(Err(reason)) = self.read {
            return Ok(bad_input(&reason));
        }
        Ok(match summary.bad_list(config) {
            Some(reason) => bad_input(&reason),
            None => ExitCode::SUCCESS,
        })
    }
}
