//! The load generator against wrk on the same server in turn, and how exact its
//! schedule is.

use crate::origin::Origin;
use crate::programs::output_of;
use crate::rounds::{Contestant, in_turn, ratio};
use crate::table::{Figures, Goal, LeftOut, with_range};
use anyhow::{Context, ensure};
use measure::report::Interval;
use measure::stats::interval;
use serde_json::Value;
use std::process::Command;

/// Seconds of each measurement.
const SECONDS: &str = "3";

/// How many connections a closed loop has: one CPU's worth, and more than there
/// are CPUs by far.
const CONNECTIONS: [u32; 2] = [8, 64];

/// Rates of an open loop, requests per second.
const RATES: [u32; 2] = [1_000, 10_000];

/// What is asked of the origin: a page that it has at hand.
const PAGE: &str = "/page/1";

/// What a generator found.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Found {
    requests_per_second: f64,
    p50: f64,
    p99: f64,
    /// Microseconds; ours alone tells them.
    own_cpu_per_request: Option<f64>,
    slip_p99: Option<f64>,
}

/// One way of asking.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Ours(u32),
    Wrk(u32),
    Open(u32),
}

/// The table.
pub fn against_wrk(rounds: u32) -> anyhow::Result<Figures> {
    let origin = Origin::start(&["--pages", "1"])?;
    let mut figures = Figures::new(&["Figure", "Measured", "Of", "Goal"]);
    // It has no option that says something and succeeds.
    let has_wrk = Command::new("wrk").output().is_ok();
    if !has_wrk {
        figures.leave_out([LeftOut::not_installed("wrk", "wrk")]);
    }
    let closed = CONNECTIONS.map(Way::Ours).into_iter();
    let wrk = CONNECTIONS.map(Way::Wrk).into_iter().filter(|_| has_wrk);
    let ways: Vec<Way> = closed.chain(wrk).chain(RATES.map(Way::Open)).collect();
    let contestants = ways.iter().map(|way| {
        let (way, url) = (*way, format!("{}{PAGE}", origin.url));
        Contestant::new(way.name(), move || way.ask(&url))
    });
    let measured = in_turn(rounds, contestants.collect())?;
    let of = |way: Way| {
        let index = ways.iter().position(|one| *one == way)?;
        Some(measured[index].as_slice())
    };
    for connections in CONNECTIONS {
        closed_rows(&mut figures, connections, &of)?;
    }
    for rate in RATES {
        if let Some(samples) = of(Way::Open(rate)) {
            let name = format!("open loop at {rate}/s: schedule slipped by, p99");
            let slips = samples
                .iter()
                .filter_map(|s| Some(s.slip_p99? * 1e3))
                .collect::<Vec<_>>();
            let figure = interval(&slips).context("no rounds")?;
            row(&mut figures, &name, &figure, "ms", Some(Goal::AtMost(1.0)));
        }
    }
    Ok(figures)
}

/// One figure of what was found.
type Figure = fn(&Found) -> f64;

type Samples<'a> = dyn Fn(Way) -> Option<&'a [Found]> + 'a;

fn closed_rows(figures: &mut Figures, connections: u32, of: &Samples<'_>) -> anyhow::Result<()> {
    let ours = of(Way::Ours(connections)).context("ours was measured")?;
    let values =
        |samples: &[Found], value: Figure| -> Vec<f64> { samples.iter().map(value).collect() };
    if let Some(theirs) = of(Way::Wrk(connections)) {
        let kinds: [(&str, Figure, f64, &str); 3] = [
            ("requests/s", |found| found.requests_per_second, 1.0, "/s"),
            ("p50", |found| found.p50, 1e3, "ms"),
            ("p99", |found| found.p99, 1e3, "ms"),
        ];
        for (kind, value, scale, unit) in kinds {
            let (ours, theirs) = (values(ours, value), values(theirs, value));
            let figure = ratio(&ours, &theirs).context("no ratio")?;
            let name = format!("closed loop, {connections} connections: {kind}, ours ÷ wrk");
            let [ours, theirs] = [ours, theirs].map(|values| median(&values, scale));
            row(
                figures,
                &name,
                &figure,
                &format!("{ours} ÷ {theirs} {unit}"),
                None,
            );
        }
    }
    let per_cpu = ours
        .iter()
        .filter_map(|found| Some(1e3 / found.own_cpu_per_request?));
    let figure = interval(&per_cpu.collect::<Vec<_>>()).context("no rounds")?;
    let name =
        format!("closed loop, {connections} connections: thousand requests per CPU second of ours");
    row(
        figures,
        &name,
        &figure,
        "own CPU time",
        Some(Goal::AtLeast(50.0)),
    );
    Ok(())
}

fn row(figures: &mut Figures, name: &str, figure: &Interval, of: &str, goal: Option<Goal>) {
    let goal = goal.map_or("–".to_owned(), |goal| goal.judge(figure));
    figures.row(&[name.to_owned(), with_range(figure), of.to_owned(), goal]);
}

fn median(values: &[f64], scale: f64) -> String {
    measure::stats::median(values).map_or("?".into(), |median| format!("{:.3}", median * scale))
}

impl Way {
    fn name(self) -> String {
        match self {
            Self::Ours(connections) => format!("load, closed, {connections}"),
            Self::Wrk(connections) => format!("wrk, {connections}"),
            Self::Open(rate) => format!("load, open, {rate}/s"),
        }
    }

    fn ask(self, url: &str) -> anyhow::Result<Found> {
        match self {
            Self::Wrk(connections) => {
                let connections = connections.to_string();
                let mut command = Command::new("wrk");
                command.args([
                    "-t",
                    "1",
                    "-c",
                    &connections,
                    "-d",
                    SECONDS,
                    "--latency",
                    url,
                ]);
                of_wrk(&output_of(&mut command)?)
            }
            Self::Ours(connections) => ours(
                url,
                &["--closed", "--connections", &connections.to_string()],
            ),
            Self::Open(rate) => ours(url, &["--rate", &rate.to_string()]),
        }
    }
}

fn ours(url: &str, options: &[&str]) -> anyhow::Result<Found> {
    let program = std::env::current_exe()
        .context("this program's own folder is not known")?
        .with_file_name("load");
    let mut command = Command::new(program);
    command.args([
        "run",
        url,
        "--json",
        "--warm-up",
        "0.5",
        "--seconds",
        SECONDS,
    ]);
    of_ours(&output_of(command.args(options))?)
}

fn of_ours(text: &str) -> anyhow::Result<Found> {
    let answer: Value = serde_json::from_str(text).context("`load run`'s answer")?;
    ensure!(
        answer["failed"] == serde_json::json!({}),
        "requests failed: {}",
        answer["failed"]
    );
    let number = |pointer: &str| answer.pointer(pointer).and_then(Value::as_f64);
    let required = |pointer: &str| number(pointer).with_context(|| format!("no {pointer}"));
    Ok(Found {
        requests_per_second: required("/requests_per_second")?,
        p50: required("/latency/uncorrected/p50")?,
        p99: required("/latency/uncorrected/p99")?,
        // The warm-up is in its CPU time and not in its answers: too high by a
        // sixth, and nothing that flatters.
        own_cpu_per_request: number("/own/cpu_seconds")
            .zip(number("/answered"))
            .map(|(cpu, answered)| cpu * 1e6 / answered),
        slip_p99: number("/own/schedule_slip/p99"),
    })
}

fn of_wrk(text: &str) -> anyhow::Result<Found> {
    let after = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        line.map(str::trim)
            .with_context(|| format!("wrk says no {name}: {text}"))
    };
    ensure!(!text.contains("Socket errors"), "wrk met errors: {text}");
    Ok(Found {
        requests_per_second: after("Requests/sec:")?.parse().context("wrk's rate")?,
        p50: seconds(after("50%")?)?,
        p99: seconds(after("99%")?)?,
        own_cpu_per_request: None,
        slip_p99: None,
    })
}

/// wrk's durations: `5.04ms`, `812.00us`, `1.20s`.
fn seconds(text: &str) -> anyhow::Result<f64> {
    let (number, scale) = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)]
        .into_iter()
        .find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, scale)))
        .with_context(|| format!("{text:?} is no duration"))?;
    Ok(number.parse::<f64>().context("wrk's latency")? * scale)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const WRK: &str = "Running 3s test @ http://127.0.0.1:8080/page/1
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.26ms  312.00us   9.05ms   91.22%
    Req/Sec    51.03k     2.11k   54.01k    80.00%
  Latency Distribution
     50%    1.21ms
     75%    1.33ms
     90%    1.49ms
     99%    2.40ms
  152377 requests in 3.00s, 650.00MB read
Requests/sec:  50791.02
Transfer/sec:    216.66MB
";

    #[test]
    fn what_wrk_prints_is_read() {
        let found = of_wrk(WRK).unwrap();
        assert!((found.requests_per_second - 50_791.02).abs() < 1e-6);
        assert!((found.p50 - 0.00121).abs() < 1e-9);
        assert!((found.p99 - 0.0024).abs() < 1e-9);
        assert!(of_wrk("unable to connect").is_err());
        assert!((seconds("812.00us").unwrap() - 812e-6).abs() < 1e-12);
        assert!((seconds("1.20s").unwrap() - 1.2).abs() < 1e-12);
        assert!(seconds("1.20m").is_err());
    }

    #[test]
    fn a_run_with_failures_is_no_measurement() {
        let answer = |failed: &str| {
            format!(
                r#"{{"failed": {failed}, "requests_per_second": 5.0, "answered": 10,
                    "latency": {{"uncorrected": {{"p50": 0.1, "p99": 0.2}}}},
                    "own": {{"cpu_seconds": 0.001, "schedule_slip": {{"p99": null}}}}}}"#
            )
        };
        let found = of_ours(&answer("{}")).unwrap();
        assert!((found.own_cpu_per_request.unwrap() - 100.0).abs() < 1e-9);
        assert_eq!(found.slip_p99, None);
        assert!(of_ours(&answer(r#"{"reset": 1}"#)).is_err());
    }
}
