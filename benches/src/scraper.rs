//! The scraper against its ideal, and against the course's two ways in Python:
//! aiohttp, and requests in threads.

use crate::origin::Origin;
use crate::programs::{output_of, version_of};
use crate::rounds::{Contestant, in_turn, ratio};
use crate::table::{Figures, Goal, LeftOut, with_range};
use anyhow::{Context, ensure};
use measure::report::Interval;
use measure::stats::interval;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The course's job.
const PAGES: u64 = 1000;
const LATENCY_SECONDS: f64 = 0.1;

/// Which PostgreSQL keeps the pages; `scripts/bench/scraper.sh` starts it.
const DATABASE: &str = "SCRAPER_DATABASE_URL";

/// One way of fetching all pages.
#[derive(Clone, Copy)]
struct Way {
    mode: &'static str,
    at_once: u64,
    parse: &'static str,
    store: &'static str,
}

/// What it came to.
#[derive(Clone, Copy, Deserialize)]
struct Fetched {
    pages: u64,
    seconds: f64,
    cpu_seconds: f64,
    memory_peak_bytes: Option<u64>,
}

/// The ways that are measured, by what the table calls them.
const BARE_64: Way = way("async", 64, "none", "none");
const BARE_256: Way = way("async", 256, "none", "none");
const BARE_1000: Way = way("async", 1000, "none", "none");
const THREADS_64: Way = way("threads", 64, "none", "none");
const LIGHT_64: Way = way("async", 64, "light", "none");
const STORED_64: Way = way("async", 64, "light", "postgres");

const fn way(mode: &'static str, at_once: u64, parse: &'static str, store: &'static str) -> Way {
    Way {
        mode,
        at_once,
        parse,
        store,
    }
}

/// The table.
pub fn against_peers(rounds: u32) -> anyhow::Result<Figures> {
    let programs = std::env::current_exe().context("this program's own folder is not known")?;
    let pages = PAGES.to_string();
    let origin = Origin::start(&["--latency", "100ms", "--pages", &pages])?;
    let has_database = std::env::var_os(DATABASE).is_some();
    let ours = [
        BARE_64, BARE_256, BARE_1000, THREADS_64, LIGHT_64, STORED_64,
    ];
    let mut columns: Vec<(Source, Way)> = ours
        .into_iter()
        .filter(|way| way.store == "none" || has_database)
        .map(|way| (Source::Ours, way))
        .collect();
    let mut figures = Figures::new(&["Figure", "Measured", "Of", "Goal"]);
    for (form, library) in [("aiohttp", "aiohttp"), ("threads", "requests")] {
        if installed(library).is_none() {
            figures.leave_out([LeftOut {
                what: format!("Python's {library}"),
                why: format!("`{library}` is not installed (pip install {library})"),
            }]);
            continue;
        }
        columns.push((Source::Python(form), BARE_64));
        if form == "aiohttp" {
            columns.push((Source::Python(form), BARE_256));
        }
    }
    if !has_database {
        figures.leave_out([LeftOut {
            what: "storing".to_owned(),
            why: format!("`{DATABASE}` names no PostgreSQL"),
        }]);
    }
    let contestants = columns.iter().map(|(source, way)| {
        let (source, way, origin, programs) = (*source, *way, &origin, &programs);
        Contestant::new(source.name(way), move || {
            source.fetch(way, origin, programs)
        })
    });
    let measured = in_turn(rounds, contestants.collect())?;
    let of = |source: Source, way: Way| {
        let index = columns
            .iter()
            .position(|(s, w)| *s == source && w.is(&way))?;
        Some(measured[index].as_slice())
    };
    fill(&mut figures, &of)?;
    Ok(figures)
}

type Samples<'a> = dyn Fn(Source, Way) -> Option<&'a [Fetched]> + 'a;

fn fill(figures: &mut Figures, of: &Samples<'_>) -> anyhow::Result<()> {
    let aiohttp = Source::Python("aiohttp");
    for (source, way, goal) in [
        (Source::Ours, BARE_64, Some(Goal::AtMost(1.10))),
        (Source::Ours, BARE_256, Some(Goal::AtMost(1.15))),
        (Source::Ours, THREADS_64, None),
        (aiohttp, BARE_64, None),
        (aiohttp, BARE_256, None),
        (Source::Python("threads"), BARE_64, None),
    ] {
        if let Some(samples) = of(source, way) {
            let ideal = (PAGES as f64 / way.at_once as f64).ceil() * LATENCY_SECONDS;
            let walls: Vec<f64> = samples.iter().map(|s| s.seconds / ideal).collect();
            let figure = interval(&walls).context("no rounds")?;
            let name = format!("{}: wall ÷ ideal", source.name(way));
            row(figures, &name, &figure, &format!("{ideal} s ideal"), goal);
        }
    }
    let cpu = |samples: &[Fetched]| -> Vec<f64> {
        let each = samples.iter();
        each.map(|s| s.cpu_seconds * 1e3 / PAGES as f64).collect()
    };
    let wall = |samples: &[Fetched]| -> Vec<f64> { samples.iter().map(|s| s.seconds).collect() };
    for (name, ours, theirs, goal) in [
        (
            "CPU per page, async 64 ÷ aiohttp 64",
            BARE_64,
            aiohttp,
            Some(Goal::AtMost(1.0 / 3.0)),
        ),
        (
            "CPU per page, async 64 with light parsing and storing ÷ aiohttp 64 without either",
            STORED_64,
            aiohttp,
            Some(Goal::AtMost(1.0)),
        ),
        (
            "CPU per page, threads 64 ÷ requests in 64 threads",
            THREADS_64,
            Source::Python("threads"),
            None,
        ),
    ] {
        if let (Some(ours), Some(theirs)) = (of(Source::Ours, ours), of(theirs, BARE_64)) {
            let (ours, theirs) = (cpu(ours), cpu(theirs));
            let figure = ratio(&ours, &theirs).context("no ratio")?;
            let of = format!("{} ÷ {} ms", median(&ours), median(&theirs));
            row(figures, name, &figure, &of, goal);
        }
    }
    if let (Some(with), Some(without)) = (of(Source::Ours, STORED_64), of(Source::Ours, LIGHT_64)) {
        let (with, without) = (wall(with), wall(without));
        let figure = ratio(&with, &without).context("no ratio")?;
        let of = format!("{} ÷ {} s", median(&with), median(&without));
        let name = "storing 1000 rows in PostgreSQL: wall with ÷ without";
        row(figures, name, &figure, &of, Some(Goal::AtMost(1.05)));
    }
    if let Some(samples) = of(Source::Ours, BARE_1000) {
        let peaks = samples.iter().filter_map(|s| s.memory_peak_bytes);
        let mebibytes: Vec<f64> = peaks
            .map(|bytes| bytes as f64 / f64::from(1 << 20))
            .collect();
        if let Some(figure) = interval(&mebibytes) {
            let name = "memory with 1000 requests under way";
            row(
                figures,
                name,
                &figure,
                "MiB, resident at most",
                Some(Goal::AtMost(64.0)),
            );
        }
    }
    Ok(())
}

fn row(figures: &mut Figures, name: &str, figure: &Interval, of: &str, goal: Option<Goal>) {
    let goal = goal.map_or("–".to_owned(), |goal| goal.judge(figure));
    figures.row(&[name.to_owned(), with_range(figure), of.to_owned(), goal]);
}

fn median(values: &[f64]) -> String {
    measure::stats::median(values).map_or("?".into(), |median| format!("{median:.3}"))
}

/// The library's version, where Python has it.
fn installed(library: &str) -> Option<String> {
    version_of(
        Command::new("python3")
            .arg(script())
            .args(["version", library]),
    )
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/scrape.py")
}

/// Who fetches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Ours,
    /// A form of `benches/peers/scrape.py`.
    Python(&'static str),
}

impl Way {
    fn is(&self, other: &Self) -> bool {
        (self.mode, self.at_once, self.parse, self.store)
            == (other.mode, other.at_once, other.parse, other.store)
    }
}

impl Source {
    fn name(self, way: Way) -> String {
        let at_once = way.at_once;
        match self {
            Self::Ours if way.store != "none" => format!("{} {at_once}, stored", way.mode),
            Self::Ours if way.parse != "none" => format!("{} {at_once}, {}", way.mode, way.parse),
            Self::Ours => format!("{} {at_once}", way.mode),
            Self::Python("aiohttp") => format!("aiohttp {at_once}"),
            Self::Python(_) => format!("requests in {at_once} threads"),
        }
    }

    fn fetch(self, way: Way, origin: &Origin, programs: &Path) -> anyhow::Result<Fetched> {
        let [pages, at_once] = [PAGES, way.at_once].map(|n| n.to_string());
        let fetched = match self {
            Self::Ours => {
                let mut command = Command::new(programs.with_file_name("scraper"));
                command.args(["run", "--format", "json", "--origin", &origin.url]);
                command.args(["--pages", &pages, "--concurrency", &at_once]);
                command.args([
                    "--mode", way.mode, "--parse", way.parse, "--store", way.store,
                ]);
                let text = output_of(&mut command)?;
                serde_json::from_str(&text).context("`scraper run`'s summary")?
            }
            Self::Python(form) => {
                let mut command = Command::new("python3");
                command
                    .arg(script())
                    .args([form, &origin.url, &pages, &at_once]);
                from_words(&output_of(&mut command)?)?
            }
        };
        ensure!(
            fetched.pages == PAGES,
            "{} pages of {PAGES} came",
            fetched.pages
        );
        Ok(fetched)
    }
}

fn from_words(text: &str) -> anyhow::Result<Fetched> {
    let said = || format!("it printed {text:?} and not pages and seconds");
    let mut words = text.split_whitespace();
    let mut next = || words.next().with_context(said);
    Ok(Fetched {
        pages: next()?.parse().with_context(said)?,
        seconds: next()?.parse().with_context(said)?,
        cpu_seconds: next()?.parse().with_context(said)?,
        memory_peak_bytes: None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_python_prints_is_read_and_nothing_else() {
        let fetched = from_words("1000 1.65 0.2\n").unwrap();
        assert_eq!((fetched.pages, fetched.memory_peak_bytes), (1000, None));
        assert!((fetched.seconds - 1.65).abs() < 1e-12);
        assert!((fetched.cpu_seconds - 0.2).abs() < 1e-12);
        assert!(from_words("1000 1.65").is_err());
        assert!(from_words("Traceback (most recent call last):").is_err());
    }

    #[test]
    fn each_goal_has_its_row_where_its_programs_were_measured() {
        let fetched = |seconds, cpu_seconds| Fetched {
            pages: PAGES,
            seconds,
            cpu_seconds,
            memory_peak_bytes: Some(32 << 20),
        };
        let ours = [fetched(1.68, 0.05); 6];
        let theirs = [fetched(1.7, 0.2); 6];
        let mut figures = Figures::new(&["Figure", "Measured", "Of", "Goal"]);

        fill(&mut figures, &|source, way| match source {
            Source::Ours if way.at_once == 64 => Some(&ours),
            Source::Python("aiohttp") if way.at_once == 64 => Some(&theirs),
            _ => None,
        })
        .unwrap();

        let text = figures.to_string();
        assert!(text.contains("1.050 (1.050–1.050)"), "{text}");
        assert!(text.contains("0.250 (0.250–0.250)"), "{text}");
        assert!(text.contains("≤ 1.05: met"), "{text}");
        assert!(!text.contains("requests"), "{text}");
    }
}
