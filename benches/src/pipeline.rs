//! A hop of the pipeline: over Redis, in one process, and the course's in Python.

mod redis;

use crate::programs::{output_of, version_of};
use crate::rounds::{Contestant, in_turn, ratio};
use crate::table::{Figures, Goal, LeftOut, with_range};
use anyhow::{Context, ensure};
use measure::report::Interval;
use measure::stats::interval;
use redis::{Redis, StageProcess};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Stages of which the transform binds.
const WITH_TRANSFORM: &str = "source,transform,sink";

/// What it does for an item: some milliseconds, the same work in each process.
const TRANSFORM_COST: &str = "5000000steps";

/// One way of sending items through queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In one process, two hops with nothing done between them.
    InProcess,
    /// Source to sink through one stream.
    OneHop,
    /// Through three streams, with nothing done between them.
    ThreeHops,
    /// A million items, with 1000 in a queue at most.
    Million,
    /// With a transform that binds, in so many replicas.
    Transform(u64),
    /// The same work in one process, on as many threads.
    TransformAlone(u64),
    /// The course's pipeline of multiprocessing.Queue.
    Queues,
    /// redis-py through one stream.
    RedisPy,
}

/// What it came to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sent {
    /// Items a second.
    rate: f64,
    /// The most memory of Redis, and of the largest stage, bytes.
    memory: Option<[u64; 2]>,
}

/// The summary that `pipeline` prints, as far as it is of use here.
#[derive(Deserialize)]
struct Summary {
    arrived: u64,
    exact: bool,
    items_per_second: f64,
}

/// The table.
pub fn against_peers(rounds: u32) -> anyhow::Result<Figures> {
    let programs = std::env::current_exe().context("this program's own folder is not known")?;
    let pipeline = programs.with_file_name("pipeline");
    let mut figures = Figures::new(&["Figure", "Measured", "Of", "Goal"]);
    let mut ways = vec![Way::InProcess];
    let replicas = replica_counts(std::thread::available_parallelism()?.get() as u64);
    if version_of(Command::new("python3").arg("--version")).is_some() {
        ways.push(Way::Queues);
    } else {
        figures.leave_out([LeftOut::not_installed("the course's pipeline", "python3")]);
    }
    if version_of(Command::new("redis-server").arg("--version")).is_some() {
        ways.extend([Way::OneHop, Way::ThreeHops, Way::Million]);
        for count in &replicas {
            ways.extend([Way::Transform(*count), Way::TransformAlone(*count)]);
        }
        if version_of(Command::new("python3").arg(script()).arg("version")).is_some() {
            ways.push(Way::RedisPy);
        } else {
            figures.leave_out([LeftOut {
                what: "redis-py".to_owned(),
                why: "`redis` is not installed (pip install redis)".to_owned(),
            }]);
        }
    } else {
        figures.leave_out([LeftOut::not_installed("hops over Redis", "redis-server")]);
    }
    let contestants = ways.iter().map(|way| {
        let pipeline = &pipeline;
        Contestant::new(way.name(), move || way.send(pipeline))
    });
    let measured = in_turn(rounds, contestants.collect())?;
    let of = |way: Way| {
        let index = ways.iter().position(|known| *known == way)?;
        Some(measured[index].as_slice())
    };
    fill(&mut figures, &of)?;
    fill_efficiencies(&mut figures, &replicas, &of)?;
    Ok(figures)
}

fn fill<'s>(figures: &mut Figures, of: &dyn Fn(Way) -> Option<&'s [Sent]>) -> anyhow::Result<()> {
    let rates = |way: Way| -> Option<Vec<f64>> {
        Some(of(way)?.iter().map(|sent| sent.rate / 1e3).collect())
    };
    for (way, goal) in [
        (Way::InProcess, Some(Goal::AtLeast(3000.0))),
        (Way::OneHop, Some(Goal::AtLeast(60.0))),
        (Way::ThreeHops, Some(Goal::AtLeast(20.0))),
        (Way::Queues, None),
        (Way::RedisPy, None),
    ] {
        if let Some(rates) = rates(way) {
            let figure = interval(&rates).context("no rounds")?;
            row(figures, &way.name(), &figure, "thousand items/s", goal);
        }
    }
    for (ours, theirs) in [(Way::InProcess, Way::Queues), (Way::OneHop, Way::RedisPy)] {
        if let (Some(ours_rates), Some(their_rates)) = (rates(ours), rates(theirs)) {
            let figure = ratio(&ours_rates, &their_rates).context("no ratio")?;
            let name = format!("{} ÷ {}", ours.name(), theirs.name());
            row(figures, &name, &figure, "items/s", None);
        }
    }
    let Some(million) = of(Way::Million) else {
        return Ok(());
    };
    let names = ["Redis", "the largest stage"];
    for (index, (name, most)) in names.into_iter().zip([64.0, 32.0]).enumerate() {
        let peaks = million.iter().filter_map(|sent| Some(sent.memory?[index]));
        let mebibytes: Vec<f64> = peaks
            .map(|bytes| bytes as f64 / f64::from(1 << 20))
            .collect();
        if let Some(figure) = interval(&mebibytes) {
            let name = format!("memory of {name}, {}", Way::Million.name());
            row(
                figures,
                &name,
                &figure,
                "MiB at most",
                Some(Goal::AtMost(most)),
            );
        }
    }
    Ok(())
}

/// One replica, two, four, as far as there are CPUs for them.
fn replica_counts(cpus: u64) -> Vec<u64> {
    [1, 2, 4]
        .into_iter()
        .filter(|count| *count <= cpus)
        .collect()
}

/// Throughput over that of the model, replicas ÷ cost. The cost is what an item's
/// work takes with as many threads at it, and nothing else to do, in the same round.
fn fill_efficiencies<'s>(
    figures: &mut Figures,
    replicas: &[u64],
    of: &dyn Fn(Way) -> Option<&'s [Sent]>,
) -> anyhow::Result<()> {
    for count in replicas {
        let (Some(over_redis), Some(alone)) =
            (of(Way::Transform(*count)), of(Way::TransformAlone(*count)))
        else {
            continue;
        };
        let rates = |sent: &[Sent]| -> Vec<f64> { sent.iter().map(|sent| sent.rate).collect() };
        let figure = ratio(&rates(over_redis), &rates(alone)).context("no ratio")?;
        let name = format!("efficiency, transform × {count}");
        let goal = Some(Goal::AtLeast(0.95));
        row(figures, &name, &figure, "the model's items/s", goal);
    }
    Ok(())
}

fn row(figures: &mut Figures, name: &str, figure: &Interval, of: &str, goal: Option<Goal>) {
    let goal = goal.map_or("–".to_owned(), |goal| goal.judge(figure));
    figures.row(&[name.to_owned(), with_range(figure), of.to_owned(), goal]);
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/pipeline.py")
}

impl Way {
    fn name(self) -> String {
        let name = match self {
            Self::InProcess => "in one process, two hops",
            Self::OneHop => "one hop over Redis",
            Self::ThreeHops => "three hops over Redis",
            Self::Million => "a million items with 1000 in a queue",
            Self::Transform(replicas) => return format!("transform × {replicas} over Redis"),
            Self::TransformAlone(threads) => {
                return format!("transform on {threads} threads of one process");
            }
            Self::Queues => "multiprocessing.Queue, three hops",
            Self::RedisPy => "one hop with redis-py",
        };
        name.to_owned()
    }

    /// How many items: some seconds of them.
    fn items(self) -> u64 {
        match self {
            Self::InProcess => 10_000_000,
            Self::OneHop => 300_000,
            Self::ThreeHops | Self::RedisPy => 100_000,
            Self::Million => 1_000_000,
            Self::Queues => 50_000,
            Self::Transform(replicas) | Self::TransformAlone(replicas) => 300 * replicas,
        }
    }

    fn send(self, pipeline: &Path) -> anyhow::Result<Sent> {
        match self {
            Self::InProcess => {
                let mut run = Command::new(pipeline);
                run.args(["run", "--stages", "source,pass,sink"]);
                run.args(["--capacity", "4096"]);
                Ok(Sent {
                    rate: self.summed(&mut run)?,
                    memory: None,
                })
            }
            Self::OneHop => self.over_redis(pipeline, "source,sink", 1),
            Self::ThreeHops => self.over_redis(pipeline, "source,pass,upper,sink", 1),
            Self::Million => self.over_redis(pipeline, "source,pass,sink", 1),
            Self::Transform(replicas) => self.over_redis(pipeline, WITH_TRANSFORM, replicas),
            Self::TransformAlone(threads) => {
                let mut run = Command::new(pipeline);
                run.args(["run", "--stages", WITH_TRANSFORM]);
                run.args(["--threads", &format!("transform={threads}")]);
                Ok(Sent {
                    rate: self.summed(&mut run)?,
                    memory: None,
                })
            }
            Self::Queues => self.python(&["queues", &self.items().to_string()]),
            Self::RedisPy => {
                let redis = Redis::start()?;
                let port = redis.port.to_string();
                self.python(&["streams", &self.items().to_string(), &port])
            }
        }
    }

    /// With a process for each stage, and `transforms` for that one.
    fn over_redis(self, pipeline: &Path, stages: &str, transforms: u64) -> anyhow::Result<Sent> {
        let redis = Redis::start()?;
        let mut processes = Vec::new();
        for stage in stages.split(',').skip(1) {
            let replicas = if stage == "transform" { transforms } else { 1 };
            for _ in 0..replicas {
                processes.push(StageProcess::start(pipeline, stages, stage, &redis)?);
            }
        }
        let mut source = Command::new(pipeline);
        source.args(["source", "--stages", stages, "--redis-url", &redis.url()]);
        let rate = self.summed(&mut source)?;
        let stages = processes.iter().filter_map(StageProcess::memory_peak_bytes);
        let memory = redis.memory_peak_bytes().zip(stages.max());
        Ok(Sent {
            rate,
            memory: memory.map(|(redis, stage)| [redis, stage]),
        })
    }

    fn summed(self, command: &mut Command) -> anyhow::Result<f64> {
        let items = self.items();
        command.args(["--items", &items.to_string(), "--format", "json"]);
        command.args(["--transform-cost", TRANSFORM_COST]);
        let text = output_of(command)?;
        let summary: Summary = serde_json::from_str(&text).context("the summary")?;
        ensure!(
            summary.exact && summary.arrived == items,
            "{} items of {items} came",
            summary.arrived
        );
        Ok(summary.items_per_second)
    }

    fn python(self, arguments: &[&str]) -> anyhow::Result<Sent> {
        let text = output_of(Command::new("python3").arg(script()).args(arguments))?;
        let (came, seconds) = from_words(&text)?;
        let items = self.items();
        ensure!(came == items, "{came} items of {items} came");
        Ok(Sent {
            rate: items as f64 / seconds,
            memory: None,
        })
    }
}

fn from_words(text: &str) -> anyhow::Result<(u64, f64)> {
    let said = || format!("it printed {text:?} and not items and seconds");
    let mut words = text.split_whitespace();
    let mut next = || words.next().with_context(said);
    Ok((
        next()?.parse().with_context(said)?,
        next()?.parse().with_context(said)?,
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_python_prints_is_read_and_nothing_else() {
        assert_eq!(from_words("1000 0.5\n").unwrap(), (1000, 0.5));
        assert!(from_words("1000").is_err());
        assert!(from_words("Traceback (most recent call last):").is_err());
    }

    #[test]
    fn each_goal_has_its_row_where_its_programs_were_measured() {
        let sent = |rate| {
            [Sent {
                rate,
                memory: Some([40 << 20, 20 << 20]),
            }; 6]
        };
        let (fast, slow) = (sent(4e6), sent(1e4));
        let mut figures = Figures::new(&["Figure", "Measured", "Of", "Goal"]);

        fill(&mut figures, &|way| match way {
            Way::InProcess => Some(&fast),
            Way::OneHop | Way::Queues | Way::Million => Some(&slow),
            _ => None,
        })
        .unwrap();

        let text = figures.to_string();
        assert!(text.contains("≥ 3000: met"), "{text}");
        assert!(text.contains("≥ 60: not met"), "{text}");
        assert!(text.contains("400.000 (400.000–400.000)"), "{text}");
        assert!(text.contains("≤ 64: met"), "{text}");
        assert!(!text.contains("redis-py"), "{text}");
    }

    #[test]
    fn efficiency_is_against_the_same_work_on_as_many_threads_in_the_same_round() {
        let sent = |rates: [f64; 6]| rates.map(|rate| Sent { rate, memory: None });
        // The machine became twice as fast in the middle.
        let alone = sent([100.0, 100.0, 100.0, 200.0, 200.0, 200.0]);
        let over_redis = sent([97.0, 97.0, 97.0, 194.0, 194.0, 194.0]);
        let mut figures = Figures::new(&["Figure", "Measured", "Of", "Goal"]);

        fill_efficiencies(&mut figures, &replica_counts(3), &|way| match way {
            Way::Transform(1) => Some(&over_redis),
            Way::TransformAlone(1) => Some(&alone),
            _ => None,
        })
        .unwrap();

        let text = figures.to_string();
        assert!(text.contains("0.970 (0.970–0.970)"), "{text}");
        assert!(text.contains("≥ 0.95: met"), "{text}");
        assert!(!text.contains("× 2"), "{text}");
        assert_eq!(replica_counts(3), [1, 2]);
    }
}
