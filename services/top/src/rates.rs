//! What happened between two readings of one replica.

use crate::exposition::Reading;
use measure::report::TimeBudget;

/// What happened between two readings. What cannot be known is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// CPUs used, on average.
    pub used_cpus: Option<f64>,
    /// Of the quota's periods, those in which it ran out, 0 to 1; `None` too
    /// where no period passed with work in it.
    pub throttled_share: Option<f64>,
    /// Where the workers' time went; `None` too where no worker was there.
    pub worker_time: Option<TimeBudget>,
}

impl Rates {
    /// Over `seconds` from one reading to the next; `None` where a counter went
    /// back, which is another process than before.
    pub fn between(before: &Reading, after: &Reading, seconds: f64) -> Option<Self> {
        let mut pairs = before.counters().zip(after.counters());
        if pairs.any(|(before, after)| before.is_some() && before > after) {
            return None;
        }
        let grown = |before: Option<f64>, after: Option<f64>| Some(after? - before?);
        let usage = grown(before.usage_seconds, after.usage_seconds);
        let periods = grown(before.periods, after.periods).filter(|periods| *periods > 0.0);
        let throttled = grown(before.throttled_periods, after.throttled_periods);
        Some(Self {
            used_cpus: usage.filter(|_| seconds > 0.0).map(|usage| usage / seconds),
            throttled_share: throttled.zip(periods).map(|(t, p)| (t / p).min(1.0)),
            worker_time: worker_time(before, after),
        })
    }
}

fn worker_time(before: &Reading, after: &Reading) -> Option<TimeBudget> {
    let [running, throttled, runnable, blocked, stolen] = std::array::from_fn(|state| {
        let (before, after) = (before.worker_seconds[state], after.worker_seconds[state]);
        Some(after? - before?)
    });
    let seconds = TimeBudget {
        running: running?,
        throttled: throttled?,
        runnable: runnable?,
        blocked: blocked?,
        stolen,
    };
    let [running, throttled, runnable, blocked, stolen] = measure::text::shares(&seconds)?;
    Some(TimeBudget {
        running,
        throttled,
        runnable,
        blocked,
        stolen: seconds.stolen.map(|_| stolen),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn reading(usage: f64, periods: f64, throttled: f64) -> Reading {
        Reading {
            usage_seconds: Some(usage),
            periods: Some(periods),
            throttled_periods: Some(throttled),
            ..Reading::default()
        }
    }

    #[test]
    fn rates_are_over_the_real_interval() {
        let rates = Rates::between(
            &reading(10.0, 100.0, 40.0),
            &reading(11.0, 120.0, 55.0),
            2.0,
        );

        let rates = rates.unwrap();
        assert_eq!(rates.used_cpus, Some(0.5));
        assert_eq!(rates.throttled_share, Some(0.75));
        assert_eq!(rates.worker_time, None, "absent metrics are no zeros");
    }

    #[test]
    fn without_a_period_with_work_nothing_is_known_of_throttling() {
        let idle = reading(10.0, 100.0, 40.0);
        let rates = Rates::between(&idle, &idle, 1.0).unwrap();
        assert_eq!((rates.used_cpus, rates.throttled_share), (Some(0.0), None));
    }

    #[test]
    fn a_counter_that_went_back_makes_no_rate() {
        let before = reading(10.0, 100.0, 40.0);
        assert_eq!(
            Rates::between(&before, &reading(9.0, 101.0, 41.0), 1.0),
            None
        );
        let told = Reading {
            worker_seconds: [Some(5.0), Some(5.0), Some(0.0), Some(0.0), None],
            ..before.clone()
        };
        assert_eq!(Rates::between(&told, &before, 1.0), None, "one is gone");
        assert!(Rates::between(&before, &told, 1.0).is_some(), "one is new");
    }

    #[test]
    fn worker_time_comes_as_shares_of_the_interval() {
        let workers = |worker_seconds| Reading {
            worker_seconds,
            ..Reading::default()
        };
        let before = workers([Some(1.0), Some(2.0), Some(0.0), Some(0.5), None]);
        let after = workers([Some(1.5), Some(3.0), Some(0.0), Some(1.0), None]);

        let time = Rates::between(&before, &after, 1.0)
            .unwrap()
            .worker_time
            .unwrap();

        assert_eq!((time.running, time.throttled), (0.25, 0.5));
        assert_eq!((time.blocked, time.stolen), (0.25, None));
        let idle = Rates::between(&after, &after, 1.0).unwrap();
        assert_eq!(idle.worker_time, None, "no worker, no shares");
    }
}
