//! What a run came to, as a table or as JSON.

use crate::in_process::Report;
use crate::stages::Stage;
use crate::streams::{Fed, Run};
use crate::tally::Tally;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use service_kit::latency::LatencyFigures;

/// A run's summary.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The run's id; null in one process.
    pub run: Option<String>,
    /// Items that the source gave.
    pub given: u64,
    /// Those of them that came to the sink.
    pub arrived: u64,
    /// Those among the dead letters.
    pub dead: u64,
    /// Items that were larger than an item may be.
    pub refused: u64,
    /// Items that came to the sink twice; null where only the sums tell.
    pub doubled: Option<u64>,
    /// Whether each item came to an end exactly once.
    pub exact: bool,
    /// Items that came out at the sink, whatever they stand for.
    pub results: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// A number that tells results apart, whatever their order.
    pub content: String,
    /// Wall seconds from the start to the sink's last item.
    pub seconds: f64,
    /// Items a second.
    pub items_per_second: f64,
    /// From source to sink; null where only the sink knows.
    pub latency: Option<LatencyFigures>,
    /// Each stage, in order.
    pub stages: Vec<StageSummary>,
}

/// One stage of it.
#[derive(Debug, Clone, Serialize)]
pub struct StageSummary {
    /// Which.
    pub stage: Stage,
    /// How many threads; null where others run it.
    pub threads: Option<usize>,
    /// Items it was done with.
    pub taken: u64,
    /// Items it gave on.
    pub given: u64,
    /// Items among the dead letters.
    pub dead: u64,
    /// Its threads' time: shares of the wall; null where others run it.
    pub time: Option<Shares>,
}

/// Where threads' time went, as shares of the wall.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Shares {
    /// On a CPU.
    pub running: f64,
    /// Ready to run, and off the CPU.
    pub waiting_for_cpu: f64,
    /// For an empty queue.
    pub input: f64,
    /// For a full queue.
    pub output: f64,
    /// For something else.
    pub other: f64,
}

impl Summary {
    /// Of a run in this process that started then.
    pub fn of_report(report: &Report, started: f64, refused: u64) -> Self {
        let seconds = report.ended - started;
        let stages = report.stages.iter().map(|stage| StageSummary {
            stage: stage.stage,
            threads: Some(stage.workers.len()),
            taken: stage.figures.taken,
            given: stage.figures.given,
            dead: stage.figures.dead,
            time: shares(&stage.workers, seconds),
        });
        Self {
            run: None,
            given: report.exactness.given,
            arrived: report.exactness.arrived,
            dead: report.exactness.dead,
            exact: report.exactness.holds(),
            doubled: None,
            refused,
            latency: Some(report.latency.figures()),
            stages: stages.collect(),
            ..Self::of_tally(&report.sink, report.exactness.given, seconds)
        }
    }

    /// Of a run over Redis that took so long.
    pub fn of_fed(fed: &Fed, run: &Run, seconds: f64, refused: u64) -> Self {
        let exactness = fed.state.exactness(&fed.dead);
        let stages = fed.state.stages.iter();
        let of_stage = |stage: Stage| {
            let counts = fed.state.stages.get(&stage).copied().unwrap_or_default();
            StageSummary {
                stage,
                threads: None,
                taken: counts.taken,
                given: counts.given,
                dead: counts.dead,
                time: None,
            }
        };
        debug_assert_eq!(stages.len(), run.stages.len());
        Self {
            run: Some(run.id.clone()),
            given: exactness.given,
            arrived: exactness.arrived,
            dead: exactness.dead,
            exact: exactness.holds() && fed.state.doubled == 0,
            doubled: Some(fed.state.doubled),
            refused,
            latency: None,
            stages: run.stages.iter().copied().map(of_stage).collect(),
            ..Self::of_tally(&fed.state.sink, exactness.given, seconds)
        }
    }

    fn of_tally(sink: &Tally, given: u64, seconds: f64) -> Self {
        Self {
            run: None,
            given,
            arrived: sink.weight,
            dead: 0,
            refused: 0,
            doubled: None,
            exact: false,
            results: sink.items,
            bytes: sink.bytes,
            content: format!("{:016x}", sink.content),
            seconds,
            items_per_second: if seconds > 0.0 {
                given as f64 / seconds
            } else {
                0.0
            },
            latency: None,
            stages: Vec::new(),
        }
    }

    /// As a table and some lines.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut header = vec!["stage", "threads", "taken", "given", "dead"];
        let has_time = self.stages.iter().any(|stage| stage.time.is_some());
        if has_time {
            header.extend(["running", "for CPU", "input", "output", "other"]);
        }
        table.set_header(header);
        for stage in &self.stages {
            let threads = stage
                .threads
                .map_or("?".into(), |threads| threads.to_string());
            let mut row = vec![stage.stage.name().to_owned(), threads];
            row.extend([stage.taken, stage.given, stage.dead].map(|count| count.to_string()));
            if let Some(time) = stage.time {
                let shares = [
                    time.running,
                    time.waiting_for_cpu,
                    time.input,
                    time.output,
                    time.other,
                ];
                row.extend(shares.map(|share| format!("{:.0} %", share * 100.0)));
            }
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{table}\n\n{}", self.lines())
    }

    /// What no column holds.
    fn lines(&self) -> String {
        let mut lines = vec![format!(
            "{} items in {:.3} s: {:.0} items/s",
            self.given, self.seconds, self.items_per_second
        )];
        if let Some(latency) = self.latency.as_ref().filter(|latency| latency.items > 0) {
            let millis = |seconds: Option<f64>| seconds.unwrap_or(0.0) * 1e3;
            lines.push(format!(
                "source to sink: half within {:.2} ms, 99 % within {:.2} ms, all within {:.2} ms",
                millis(latency.p50_seconds),
                millis(latency.p99_seconds),
                millis(latency.max_seconds)
            ));
        }
        lines.push(match (self.exact, self.dead) {
            (true, 0) => "each item came to the sink once".to_owned(),
            (true, dead) => {
                format!("each item came to an end once, {dead} of them as dead letters")
            }
            (false, _) => format!("{} items came to the sink, not each once", self.arrived),
        });
        if let Some(run) = &self.run {
            lines.push(format!("run {run}"));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

fn shares(workers: &[measure::report::WorkerAccount], wall: f64) -> Option<Shares> {
    let time = wall * workers.len() as f64;
    if time <= 0.0 {
        return None;
    }
    let sum = |of: fn(&measure::report::WorkerAccount) -> Option<f64>| -> Option<f64> {
        workers.iter().map(of).sum()
    };
    let blocked = |of: fn(&measure::report::BlockedOn) -> f64| -> f64 {
        workers.iter().map(|worker| of(&worker.blocked_on)).sum()
    };
    let (input, output) = (blocked(|on| on.input), blocked(|on| on.output));
    Some(Shares {
        running: sum(|worker| worker.on_cpu_seconds)? / time,
        waiting_for_cpu: sum(|worker| worker.waited_seconds)? / time,
        input: input / time,
        output: output / time,
        other: (blocked(measure::report::BlockedOn::total) - input - output) / time,
    })
}
