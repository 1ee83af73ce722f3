//! What came of a run.

use super::Running;
use crate::config::RunConfig;
use crate::resources;
use crate::source::Counts;
use crate::store::{StoreChoice, Stored};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::collections::BTreeMap;

/// What came of a run, as `--format json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    run: String,
    store: String,
    mode: &'static str,
    concurrency: usize,
    parse: &'static str,
    seconds: f64,
    urls: Counts,
    /// URLs that became pages.
    pages: u64,
    /// URLs that did not, by kind.
    failed: BTreeMap<&'static str, u64>,
    /// Outcomes stored; 0 with the store `none`.
    stored: u64,
    lost: u64,
    /// URLs without an outcome: the run was interrupted.
    left: u64,
    requests: u64,
    retries: u64,
    bytes: u64,
    highest_in_flight: u64,
    pages_per_second: f64,
    cpu_seconds: f64,
    memory_peak_bytes: Option<u64>,
}

impl Summary {
    pub(super) fn of(running: &Running, stored: &Stored) -> Self {
        let Running {
            config, progress, ..
        } = running;
        let seconds = running.started.elapsed().as_secs_f64();
        let urls = running.found.counts();
        let failed = progress.failed_by_kind();
        Self {
            run: running.run.to_string(),
            store: store(&config.store),
            mode: config.mode.name(),
            concurrency: config.mode.at_once(config.concurrency),
            parse: config.parse.name(),
            seconds,
            urls,
            pages: progress.pages.get(),
            failed: failed.map(|(kind, count)| (kind.name(), count)).collect(),
            // Who stores nowhere counts what it took.
            stored: match config.store {
                StoreChoice::None => 0,
                _ => stored.rows,
            },
            lost: stored.lost,
            left: urls.given.saturating_sub(progress.done()),
            requests: progress.requests.get(),
            retries: progress.retries.get(),
            bytes: progress.bytes.get(),
            highest_in_flight: progress.highest_in_flight(),
            pages_per_second: progress.done() as f64 / seconds.max(1e-9),
            cpu_seconds: cpu_budget::clock::process_cpu_seconds(),
            memory_peak_bytes: resources::memory_peak_bytes(),
        }
    }

    /// The table for people.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut row = |what: &str, count: u64, more: String| {
            table.add_row([what.to_owned(), count.to_string(), more]);
        };
        let speed = format!(
            "in {:.2} s, {:.0} a second",
            self.seconds, self.pages_per_second
        );
        row("URLs", self.done(), speed);
        row("pages", self.pages, String::new());
        row("failed", self.done() - self.pages, String::new());
        for (kind, count) in &self.failed {
            row(&format!("  {kind}"), *count, String::new());
        }
        for (what, count) in [
            ("duplicates", self.urls.duplicates),
            ("there before", self.urls.done_before),
            ("bad lines", self.urls.bad_lines),
            ("left", self.left),
            ("not stored", self.lost),
        ] {
            if count > 0 {
                row(what, count, String::new());
            }
        }
        let place = if self.is_stored_nowhere() {
            "nowhere; --store says where".into()
        } else {
            format!("{}, run {}", self.store, self.run)
        };
        row("stored", self.stored, place);
        let most = format!(
            "at most {} at once, {} again, {:.1} MB read",
            self.highest_in_flight,
            self.retries,
            self.bytes as f64 / 1e6
        );
        row("requests", self.requests, most);
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let memory = self.memory_peak_bytes.map_or("?".into(), |bytes| {
            format!("{:.0} MiB", bytes as f64 / 1024.0 / 1024.0)
        });
        format!(
            "{}\n{} {}, parsing {} · CPU {:.2} s{} · memory at most {memory}\n",
            table.trim_fmt(),
            self.mode,
            self.concurrency,
            self.parse,
            self.cpu_seconds,
            self.cpu_of_each(),
        )
    }

    /// What each URL took, those without a page included; of none there is no mean.
    fn cpu_of_each(&self) -> String {
        match self.done() {
            0 => String::new(),
            done => format!(", {:.3} ms a URL", self.cpu_seconds * 1000.0 / done as f64),
        }
    }

    /// What there is of it, and how to get the rest.
    pub(super) fn kept(&self) -> String {
        let done = self.done();
        if self.is_stored_nowhere() {
            return format!(
                "{done} URLs were fetched, {} that were read were not; nothing is stored (--store none)",
                self.left
            );
        }
        let lost = match self.lost {
            0 => String::new(),
            lost => format!(", {lost} were fetched and not stored"),
        };
        format!(
            "{} URLs have their outcome stored, {} that were read have none{lost}; \
             --resume {} with the same options fetches the rest",
            self.stored, self.left, self.run
        )
    }

    /// Whether each URL that was read has its outcome where it belongs.
    pub(super) fn has_all(&self) -> bool {
        self.left == 0 && self.lost == 0
    }

    /// Outcomes that are not stored.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// What was wrong with the list, though all its URLs were fetched.
    pub(super) fn bad_list(&self, config: &RunConfig) -> Option<String> {
        let of = config.urls.as_ref()?;
        let has_urls = self.urls.given + self.urls.done_before > 0;
        let others = if has_urls {
            "; all others were fetched"
        } else {
            ", and there are no others"
        };
        match self.urls.bad_lines {
            0 if !has_urls => Some(format!("{of} holds no URL")),
            0 => None,
            1 => Some(format!("one line of {of} is no URL{others}")),
            bad => Some(format!("{bad} lines of {of} are no URLs{others}")),
        }
    }

    /// What may help with URLs that have no page.
    pub(super) fn hint(&self, config: &RunConfig) -> Option<String> {
        let refused = self
            .failed
            .get("refused")
            .filter(|_| !config.allow_private)?;
        Some(format!(
            "{refused} URLs were refused, as they lead to private, loopback or link-local \
             addresses, or on to what is not http; --allow-private fetches from such addresses too"
        ))
    }

    /// URLs that have an outcome.
    fn done(&self) -> u64 {
        self.pages + self.failed.values().sum::<u64>()
    }

    fn is_stored_nowhere(&self) -> bool {
        self.store == "none"
    }
}

fn store(choice: &StoreChoice) -> String {
    match choice {
        StoreChoice::None => "none".into(),
        StoreChoice::Postgres => "postgres".into(),
        StoreChoice::Ndjson(file) => format!("ndjson:{}", file.display()),
    }
}
