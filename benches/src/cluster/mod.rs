//! The prefork server against the course's in Node, and against the least that
//! one can be with hyper: all with a process for each CPU, on the same CPUs as
//! `wrk`, which loads them in turn.

mod arrivals;
mod servers;
mod wrk;

use crate::programs::version;
use crate::rounds::{Contestant, in_turn, ratio};
use crate::table::{Figures, Goal, LeftOut, with_range};
use anyhow::Context;
use measure::report::Interval;
use measure::stats::{interval, median};
use servers::{Family, Server, Source};
use std::path::Path;
use std::time::Duration;

/// The course's loop.
const LOOP: u64 = 10_000_000;

/// Connections at once, without work and with the loop.
const CONNECTIONS: usize = 64;
const CONNECTIONS_WITH_LOOP: usize = 8;

/// How long a server is loaded before it counts, and while it does.
const WARM_UP: Duration = Duration::from_secs(1);
const LOADED: Duration = Duration::from_secs(3);

/// Of what Node can do with the loop, so much is offered to both.
const OFFERED: f64 = 0.8;

/// For how long.
const OFFERED_FOR: Duration = Duration::from_secs(6);

/// What a round says of one server.
#[derive(Debug, Clone, Copy, Default)]
struct Round {
    per_second: f64,
    p99_seconds: f64,
}

/// What a round says of our own processes.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    worker_mebibytes: f64,
    master_mebibytes: f64,
    replaced_seconds: f64,
}

/// All rounds, by what was measured; empty where it could not be.
#[derive(Default)]
struct Measured {
    idle: [Vec<Round>; 3],
    looped: [Vec<Round>; 2],
    offered: [Vec<Round>; 2],
    own: Vec<Own>,
}

/// How it is measured.
struct Bench<'a> {
    rounds: u32,
    /// Where our programs are.
    folder: &'a Path,
    has_node: bool,
}

/// Measures so many rounds.
pub fn against_peers(rounds: u32) -> anyhow::Result<Figures> {
    let program = std::env::current_exe()?;
    let node = version("node", "--version");
    let bench = Bench {
        rounds,
        folder: program.parent().context("this program is in no folder")?,
        has_node: node.is_some(),
    };
    let mut figures = Figures::new(&["Figure", "Measured", "Of", "Goal"]);
    if node.is_none() {
        figures.leave_out([LeftOut::not_installed("the course's server", "node")]);
    }
    let mut measured = if wrk::is_installed() {
        bench.under_load()?
    } else {
        figures.leave_out([LeftOut::not_installed("requests a second", "wrk")]);
        Measured::default()
    };
    measured.own = bench.own()?;
    fill(&mut figures, &measured, &node.unwrap_or_default());
    Ok(figures)
}

impl Bench<'_> {
    fn under_load(&self) -> anyhow::Result<Measured> {
        let all = [Source::Ours, Source::BareHyper, Source::Node];
        let both = [Source::Ours, Source::Node];
        let without_work = |server: &Server| {
            wrk::load(server.address, "/?work=0", CONNECTIONS, WARM_UP)?;
            wrk::load(server.address, "/?work=0", CONNECTIONS, LOADED)
        };
        let with_loop = |server: &Server| {
            wrk::load(server.address, "/", CONNECTIONS_WITH_LOOP, WARM_UP)?;
            wrk::load(server.address, "/", CONNECTIONS_WITH_LOOP, LOADED)
        };
        let mut measured = Measured {
            idle: self.rounds_of(all, 0, without_work)?,
            looped: self.rounds_of(both, LOOP, with_loop)?,
            ..Measured::default()
        };
        let node = measured.looped[1].iter().map(|round| round.per_second);
        if let Some(capacity) = median(&node.collect::<Vec<_>>()) {
            let offer = |server: &Server| {
                wrk::load(server.address, "/", CONNECTIONS_WITH_LOOP, WARM_UP)?;
                arrivals::offer(server.address, capacity * OFFERED, OFFERED_FOR)
            };
            measured.offered = self.rounds_of(both, LOOP, offer)?;
        }
        Ok(measured)
    }

    /// A list for each source, empty where it is not installed.
    fn rounds_of<const N: usize>(
        &self,
        sources: [Source; N],
        work: u64,
        load: impl Fn(&Server) -> anyhow::Result<Round> + Copy,
    ) -> anyhow::Result<[Vec<Round>; N]> {
        let is_there = |source: Source| self.has_node || source != Source::Node;
        let there = sources.into_iter().filter(|source| is_there(*source));
        let contestant = |source: Source| {
            Contestant::new(source.name(), move || {
                load(&Server::start(source, work, self.folder)?)
            })
        };
        let mut taken = in_turn(self.rounds, there.map(contestant).collect())?.into_iter();
        let of = |source| {
            let rounds = is_there(source).then(|| taken.next());
            rounds.flatten().unwrap_or_default()
        };
        Ok(sources.map(of))
    }

    fn own(&self) -> anyhow::Result<Vec<Own>> {
        let one = || {
            let server = Server::start(Source::Ours, 0, self.folder)?;
            let family = Family::of(&server)?;
            Ok(Own {
                worker_mebibytes: family.largest_worker_mebibytes()?,
                master_mebibytes: family.master_mebibytes()?,
                replaced_seconds: servers::replaced_seconds(self.folder)?,
            })
        };
        let mut all = in_turn(self.rounds, vec![Contestant::new("processes at rest", one)])?;
        Ok(all.remove(0))
    }
}

fn fill(figures: &mut Figures, measured: &Measured, node: &str) {
    let per_second = |rounds: &[Round]| rounds.iter().map(|round| round.per_second).collect();
    let p99 = |rounds: &[Round]| rounds.iter().map(|round| round.p99_seconds * 1e3).collect();
    let [ours, bare, theirs] = &measured.idle;
    let node = format!("Node {node} cluster");
    let mut row = |name: &str, ours: Vec<f64>, theirs: Vec<f64>, unit: &str, goal| {
        if let Some(figure) = ratio(&ours, &theirs) {
            let shown = |all: &[f64]| median(all).map_or("?".into(), |m| format!("{m:.1}"));
            let of = format!("{} ÷ {} {unit}", shown(&ours), shown(&theirs));
            add(figures, name, &figure, &of, goal);
        }
    };
    for (what, ours, theirs, least) in [
        (
            format!("no work, requests a second ÷ {node}"),
            ours,
            theirs,
            1.5,
        ),
        (
            "no work, requests a second ÷ bare hyper".into(),
            ours,
            bare,
            0.9,
        ),
        (
            format!("the loop, requests a second ÷ {node}"),
            &measured.looped[0],
            &measured.looped[1],
            1.0,
        ),
    ] {
        let goal = Goal::AtLeast(least);
        row(&what, per_second(ours), per_second(theirs), "/s", goal);
    }
    for (what, [ours, theirs]) in [
        ("no work, p99", [ours, theirs]),
        (
            "the loop at 80 % of Node's capacity, p99 from the schedule",
            measured.offered.each_ref(),
        ),
    ] {
        let name = format!("{what} ÷ {node}");
        row(&name, p99(ours), p99(theirs), "ms", Goal::AtMost(0.5));
    }
    let own = |of: fn(&Own) -> f64| interval(&measured.own.iter().map(of).collect::<Vec<_>>());
    for (name, figure, unit, most) in [
        (
            "idle worker, resident",
            own(|own| own.worker_mebibytes),
            "MiB",
            8.0,
        ),
        (
            "idle master, resident",
            own(|own| own.master_mebibytes),
            "MiB",
            6.0,
        ),
        (
            "a killed worker, until the next one answers",
            own(|own| own.replaced_seconds),
            "s",
            0.1,
        ),
    ] {
        if let Some(figure) = figure {
            add(figures, name, &figure, unit, Goal::AtMost(most));
        }
    }
}

fn add(figures: &mut Figures, name: &str, figure: &Interval, of: &str, goal: Goal) {
    let cells = [
        name.to_owned(),
        with_range(figure),
        of.to_owned(),
        goal.judge(figure),
    ];
    figures.row(&cells);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goal_has_its_row_where_its_programs_were_measured() {
        let round = |per_second, p99_seconds| {
            vec![
                Round {
                    per_second,
                    p99_seconds,
                };
                6
            ]
        };
        let own = Own {
            worker_mebibytes: 5.0,
            master_mebibytes: 7.0,
            replaced_seconds: 0.02,
        };
        let measured = Measured {
            idle: [round(90.0, 0.002), round(100.0, 0.002), round(50.0, 0.005)],
            looped: [round(100.0, 0.1), round(80.0, 0.2)],
            offered: [round(64.0, 0.1), round(64.0, 0.4)],
            own: vec![own; 6],
        };
        let mut figures = Figures::new(&["Figure", "Measured", "Of", "Goal"]);
        fill(&mut figures, &measured, "20");
        let text = figures.to_string();
        for part in [
            "1.800 (1.800–1.800)",
            "0.900 (0.900–0.900)",
            "1.250 (1.250–1.250)",
            "0.400 (0.400–0.400)",
            "0.250 (0.250–0.250)",
            "≤ 8: met",
            "≤ 6: not met",
            "≤ 0.1: met",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let mut figures = Figures::new(&["Figure", "Measured", "Of", "Goal"]);
        fill(&mut figures, &Measured::default(), "");
        assert!(!figures.to_string().contains("Node"));
    }
}
