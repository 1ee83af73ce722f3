//! A drill: something is broken on purpose while a load goes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a drill came to, by the account of whoever made the load.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Drill {
    /// What was done, as a clause: "a worker is killed (SIGKILL)".
    pub name: String,
    /// To which station.
    pub station: String,
    /// Worker processes of one replica; 0 where that is no matter.
    pub workers: usize,
    /// Connections of the load.
    pub connections: usize,
    /// Requests that were to leave per second.
    pub offered_per_second: f64,
    /// Seconds of load.
    pub seconds: f64,
    /// When it was asked for, in seconds from the load's start; `null`: it was
    /// not done.
    pub done_at_seconds: Option<f64>,
    /// Why it was not done; then there are no figures.
    pub failed_because: Option<String>,
    /// Why its latencies tell nothing, where the load was not on time; what was
    /// sent and lost is counted all the same.
    pub void: Option<String>,
    /// Requests sent.
    pub sent: u64,
    /// Requests answered, right and in time.
    pub answered: u64,
    /// Those that were not, by kind.
    pub failed: BTreeMap<String, u64>,
    /// Workers that were started in place of dead ones meanwhile; `null`:
    /// unknown, since who counted them died too.
    pub restarts: Option<u64>,
    /// What happened when, in slices of equal length.
    pub timeline: Vec<Slice>,
}

/// A slice of a drill's time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Slice {
    /// Its begin, in seconds from the load's start.
    pub at_seconds: f64,
    /// Requests that were to leave in it.
    pub sent: u64,
    /// Answers that came in it.
    pub answered: u64,
    /// Failures that showed in it.
    pub failed: u64,
    /// The latency that 99 of 100 of its answers did not exceed; `null`: none
    /// came.
    pub p99_seconds: Option<f64>,
}

impl Drill {
    /// Requests that were not answered, right and in time.
    pub fn lost(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Seconds from the drill until the last slice in which a request was lost
    /// was over; 0 where none was lost after it, `None` where it was not done or
    /// requests were still lost at the end.
    pub fn recovery_seconds(&self) -> Option<f64> {
        let done = self.done_at_seconds?;
        let after = |slice: &&Slice| slice.at_seconds + self.slice_seconds() > done;
        let last = self.timeline.iter().rposition(|slice| slice.failed > 0);
        let Some(last) = last.filter(|&last| after(&&self.timeline[last])) else {
            return Some(0.0);
        };
        let next = self.timeline.get(last + 1)?;
        Some((next.at_seconds - done).max(0.0))
    }

    /// Seconds of one slice.
    pub fn slice_seconds(&self) -> f64 {
        match self.timeline.as_slice() {
            [first, second, ..] => second.at_seconds - first.at_seconds,
            _ => self.seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A drill at 0.25 s in which so many are lost in slices of a tenth.
    fn drill(lost: [u64; 6]) -> Drill {
        let slice = |(index, failed): (u32, u64)| Slice {
            at_seconds: f64::from(index) / 10.0,
            sent: 10,
            answered: 10 - failed,
            failed,
            p99_seconds: None,
        };
        Drill {
            done_at_seconds: Some(0.25),
            failed: BTreeMap::from([("reset".to_owned(), lost.iter().sum())]),
            timeline: (0..).zip(lost).map(slice).collect(),
            ..Drill::default()
        }
    }

    #[test]
    fn it_is_over_with_the_last_slice_that_lost_a_request() {
        let recovered = |lost| drill(lost).recovery_seconds();
        assert_eq!(recovered([0; 6]), Some(0.0));
        assert!((recovered([0, 0, 1, 0, 2, 0]).unwrap() - 0.25).abs() < 1e-9);
        assert_eq!(recovered([0, 1, 0, 0, 0, 0]), Some(0.0), "lost before it");
        assert_eq!(recovered([0, 0, 1, 1, 1, 1]), None, "still lost at the end");
        assert_eq!(Drill::default().recovery_seconds(), None);
        assert_eq!(drill([0, 0, 3, 1, 0, 0]).lost(), 4);
    }
}
