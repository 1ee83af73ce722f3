//! What a station costs: a sample over HTTP against the same job in-process.

use crate::http::Client;
use crate::jobs::TWO_MILLION;
use crate::ours::Primes;
use crate::peers::RUNS;
use crate::rounds::{Contestant, in_turn, ratio};
use crate::table::{Figures, with_range};
use anyhow::Context;
use measure::durations;
use measure::stats::interval;
use serde::Deserialize;
use serde_json::json;
use std::time::Instant;

/// The fastest of some samples, by two clocks.
#[derive(Clone, Copy)]
struct Taken {
    /// As whoever asked saw it.
    asked_seconds: f64,
    /// As whoever did it saw it.
    own_seconds: f64,
}

/// What of a station's answer is looked at.
#[derive(Deserialize)]
struct Answer {
    count: Option<u64>,
    seconds: f64,
}

/// The table of both ratios.
pub fn of_a_station(primes: &Primes, rounds: u32) -> anyhow::Result<Figures> {
    let client = Client::new()?;
    let in_process = || {
        let seconds = primes.best_seconds_alone(TWO_MILLION, RUNS)?;
        Ok(Taken {
            asked_seconds: seconds,
            own_seconds: seconds,
        })
    };
    let contestants = vec![
        Contestant::new("over HTTP", || over_http(primes, &client)),
        Contestant::new("primes run", in_process),
    ];
    let measured = in_turn(rounds, contestants)?;
    let asked = |taken: &[Taken]| taken.iter().map(|t| t.asked_seconds).collect::<Vec<_>>();
    let [http, in_process] = [asked(&measured[0]), asked(&measured[1])];
    let own: Vec<f64> = measured[0].iter().map(|t| t.own_seconds).collect();
    let mut figures = Figures::new(&["Sample over HTTP, by the client's clock", "Ratio", "Of"]);
    for (name, other) in [
        ("÷ `primes run`", in_process),
        ("÷ the station's own seconds", own),
    ] {
        let ratio = ratio(&http, &other).context("no ratio")?;
        let shown = |seconds: &[f64]| interval(seconds).map_or_else(String::new, |s| durations(&s));
        figures.row(&[
            name.to_owned(),
            with_range(&ratio),
            format!("{} ÷ {}", shown(&http), shown(&other)),
        ]);
    }
    Ok(figures)
}

/// A station of its own for each round: like `primes run`, it starts anew.
fn over_http(primes: &Primes, client: &Client) -> anyhow::Result<Taken> {
    let station = primes.serve()?;
    let request = json!({ "limit": TWO_MILLION.limit, "strategy": "sequential", "workers": 1 });
    let mut best = Taken {
        asked_seconds: f64::INFINITY,
        own_seconds: f64::INFINITY,
    };
    for _ in 0..RUNS {
        let began = Instant::now();
        let answer: Answer = client.post(station.addresses.api, "/run", &request)?;
        let asked_seconds = began.elapsed().as_secs_f64();
        TWO_MILLION.check(answer.count.context("the station has no count")?)?;
        if asked_seconds < best.asked_seconds {
            best = Taken {
                asked_seconds,
                own_seconds: answer.seconds,
            };
        }
    }
    Ok(best)
}
