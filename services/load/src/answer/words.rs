//! Sentences about a run.

use super::{Latencies, OwnAccount};
use measure::duration;

/// A schedule counts as kept while 99 of 100 moments are noticed within this.
pub const MOST_SLIP_SECONDS: f64 = 0.001;

/// Or within this share of the p99 that was measured, where that is more: then
/// the slip is not what was measured.
const MOST_SLIP_SHARE: f64 = 0.1;

/// Percentiles that differ by less are called the same.
const SAME: f64 = 1.1;

/// Where the two ways of counting part.
pub(super) fn sentence(is_open: bool, latency: &Latencies, own: &OwnAccount) -> String {
    let (from_schedule, from_sending) = (latency.corrected, latency.uncorrected);
    if from_schedule.p50.is_none() {
        return "No request was answered, so there is no latency.".into();
    }
    if !is_open {
        return "A closed loop waits for each answer before it asks again, so whoever would have \
                come during a stall is not counted: take the rate from here and latencies from an \
                open loop."
            .into();
    }
    let parted = [
        ("p50", from_schedule.p50, from_sending.p50),
        ("p90", from_schedule.p90, from_sending.p90),
        ("p99", from_schedule.p99, from_sending.p99),
        ("p99.9", from_schedule.p99_9, from_sending.p99_9),
        ("maximum", from_schedule.max, from_sending.max),
    ]
    .into_iter()
    .filter_map(|(name, corrected, uncorrected)| Some((name, corrected?, uncorrected?)))
    .filter(|(_, corrected, uncorrected)| *corrected > SAME * uncorrected)
    .max_by(|one, two| (one.1 / one.2).total_cmp(&(two.1 / two.2)));
    match parted {
        None => "Counted from the schedule or from sending, latencies are the same within 10 %: \
                 hardly a request waited for a connection."
            .into(),
        Some((name, corrected, uncorrected)) => format!(
            "The {name} is {} counted from the schedule and {} counted from sending, {} times \
             less: {}.",
            duration(corrected),
            duration(uncorrected),
            times(corrected / uncorrected),
            match slipped(latency, own) {
                Some(_) => "the generator itself was late, so this says nothing of the server",
                None =>
                    "requests waited for a connection behind others that were not answered, which \
                     their clients would have felt and a generator that waits for answers hides",
            },
        ),
    }
}

/// Why the figures of an open loop do not count.
pub(super) fn void(latency: &Latencies, own: &OwnAccount) -> Option<String> {
    let mut reasons = Vec::new();
    if own.throttled_periods.is_some_and(|periods| periods > 0) {
        reasons.push(format!(
            "the generator itself was throttled in {} periods, for {}",
            own.throttled_periods.unwrap_or_default(),
            own.throttled_seconds.map_or("?".into(), duration),
        ));
    }
    if let Some((slip, allowed)) = slipped(latency, own) {
        let waited = own.waited_seconds.map_or(String::new(), |waited| {
            format!("; it waited {} for a CPU", duration(waited))
        });
        reasons.push(format!(
            "the schedule slipped by {} at p99 where {} is allowed{waited}",
            duration(slip),
            duration(allowed),
        ));
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The slip and what is allowed of it, in seconds, where it is more than that.
fn slipped(latency: &Latencies, own: &OwnAccount) -> Option<(f64, f64)> {
    let p99 = latency.corrected.p99.unwrap_or_default();
    let allowed = MOST_SLIP_SECONDS.max(MOST_SLIP_SHARE * p99);
    let slip = own.schedule_slip.p99?;
    (slip > allowed).then_some((slip, allowed))
}

fn times(ratio: f64) -> String {
    if ratio < 10.0 {
        format!("{ratio:.1}")
    } else {
        format!("{ratio:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Percentiles, Slip};
    use super::*;

    fn all(seconds: f64) -> Percentiles {
        let seconds = Some(seconds);
        Percentiles {
            p50: seconds,
            p90: seconds,
            p99: seconds,
            p99_9: seconds,
            max: seconds,
            mean: seconds,
        }
    }

    fn latencies(corrected: f64, uncorrected: f64) -> Latencies {
        Latencies {
            corrected: all(corrected),
            uncorrected: all(uncorrected),
        }
    }

    fn own(slip: f64, throttled: u64) -> OwnAccount {
        OwnAccount {
            cpu_seconds: 1.0,
            waited_seconds: Some(0.5),
            throttled_seconds: Some(0.2),
            throttled_periods: Some(throttled),
            schedule_slip: Slip {
                p99: Some(slip),
                max: Some(slip),
            },
        }
    }

    #[test]
    fn the_sentence_says_by_how_much_they_part() {
        let kept = own(0.0001, 0);
        let parted = sentence(true, &latencies(0.48, 0.012), &kept);
        for part in ["480", "12", "40 times", "waited for a connection"] {
            assert!(parted.contains(part), "{part}: {parted}");
        }
        let same = sentence(true, &latencies(0.0105, 0.01), &kept);
        assert!(same.contains("the same within 10 %"), "{same}");
        assert!(sentence(false, &latencies(1.0, 1.0), &kept).contains("closed loop"));
        let mut none = latencies(1.0, 1.0);
        none.corrected.p50 = None;
        assert!(sentence(true, &none, &kept).contains("No request"));
        // Late by itself: the server had no part in it.
        let late = sentence(true, &latencies(0.48, 0.012), &own(0.4, 0));
        assert!(late.contains("the generator itself was late"), "{late}");
    }

    #[test]
    fn the_largest_ratio_is_named() {
        let mut latency = latencies(0.01, 0.01);
        latency.corrected.p99_9 = Some(0.05);
        latency.corrected.max = Some(0.02);
        let said = sentence(true, &latency, &own(0.0001, 0));
        assert!(said.starts_with("The p99.9 is"), "{said}");
    }

    #[test]
    fn a_run_is_void_by_slip_or_throttling() {
        let latency = latencies(0.005, 0.005);
        assert_eq!(void(&latency, &own(0.0009, 0)), None);
        let slipped = void(&latency, &own(0.002, 0)).unwrap_or_default();
        assert!(slipped.contains("slipped by"), "{slipped}");
        let throttled = void(&latency, &own(0.0001, 3)).unwrap_or_default();
        assert!(throttled.contains("3 periods"), "{throttled}");
        // A tenth of what was measured is not what was measured.
        assert_eq!(void(&latencies(0.1, 0.1), &own(0.009, 0)), None);
        assert!(void(&latencies(0.1, 0.1), &own(0.011, 0)).is_some());
    }
}
