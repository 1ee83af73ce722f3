//! Trial division on one thread, against the course's loop in other languages.

use crate::jobs::TWO_MILLION;
use crate::ours::Primes;
use crate::peers::{self, RUNS};
use crate::rounds::{Contestant, in_turn, ratio};
use crate::table::{Figures, Goal, with_range};
use anyhow::Context;
use measure::durations;
use measure::stats::interval;

/// The table of the ratios.
pub fn against_peers(primes: &Primes, rounds: u32) -> anyhow::Result<Figures> {
    let (peers, missing) = peers::installed()?;
    let mut contestants = vec![Contestant::new("ours", || {
        primes.best_seconds_alone(TWO_MILLION, RUNS)
    })];
    contestants.extend(
        peers.iter().map(|peer| {
            Contestant::new(&peer.name, || peer.best_seconds("single", TWO_MILLION, 1))
        }),
    );
    let measured = in_turn(rounds, contestants)?;
    let (ours, theirs) = measured.split_first().context("nothing was measured")?;
    let mut figures = Figures::new(&["Against", "Ours ÷ theirs", "Ours", "Theirs", "Goal"]);
    for (peer, theirs) in peers.iter().zip(theirs) {
        let ratio = ratio(ours, theirs).context("no ratio")?;
        figures.row(&[
            peer.name.clone(),
            with_range(&ratio),
            interval(ours).map_or_else(String::new, |seconds| durations(&seconds)),
            interval(theirs).map_or_else(String::new, |seconds| durations(&seconds)),
            Goal::AtMost(1.0).judge(&ratio),
        ]);
    }
    figures.leave_out(missing);
    Ok(figures)
}
