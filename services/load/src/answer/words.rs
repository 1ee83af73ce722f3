//! Sentences about a run.

use super::{Latencies, OwnAccount, Slip};
use measure::duration;

/// So much of the p99 may be the generator's own lateness, in seconds: about what
/// any thread that shares a CPU waits for its turn.
pub const MOST_ADDED_SECONDS: f64 = 0.001;

/// Or this share of the p99 that was measured, where that is more: rounds differ
/// by as much.
const MOST_ADDED_SHARE: f64 = 0.1;

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
            match too_late(latency, own) {
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
    if let Some((added, allowed)) = too_late(latency, own) {
        let slip = own.schedule_slip.p99.unwrap_or_default();
        let waited = own.waited_seconds.map_or(String::new(), |waited| {
            format!("; it waited {} for a CPU", duration(waited))
        });
        reasons.push(format!(
            "the schedule slipped by {} at p99, and up to {} of the p99 may be of that, where {} \
             is allowed{waited}",
            duration(slip),
            duration(added),
            duration(allowed),
        ));
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The most seconds of the p99 that may be the generator's own lateness.
///
/// Two bounds hold at once. Whoever is asked later answers later by as much, not
/// by more: the slip. And what was late in leaving shows where latencies are
/// counted from the schedule, and not where they are counted from sending: how
/// far the two part, though waiting for a connection parts them too. A slip that
/// mostly met requests faster than the p99 has added nothing to it.
pub(super) fn added(latency: &Latencies, slip: &Slip) -> Option<f64> {
    let parted = latency.corrected.p99? - latency.uncorrected.p99?;
    Some(slip.p99?.min(parted).max(0.0))
}

/// That, and what is allowed of it, where it is more.
fn too_late(latency: &Latencies, own: &OwnAccount) -> Option<(f64, f64)> {
    let added = own.added_to_p99_seconds?;
    let allowed = MOST_ADDED_SECONDS.max(MOST_ADDED_SHARE * latency.corrected.p99?);
    (added > allowed).then_some((added, allowed))
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
    use super::super::Percentiles;
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

    /// The account of a generator that slipped by so much in a run with these
    /// latencies.
    fn own(latency: &Latencies, slip: f64, throttled: u64) -> OwnAccount {
        let schedule_slip = Slip {
            p99: Some(slip),
            max: Some(slip),
        };
        OwnAccount {
            cpu_seconds: 1.0,
            waited_seconds: Some(0.5),
            throttled_seconds: Some(0.2),
            throttled_periods: Some(throttled),
            schedule_slip,
            added_to_p99_seconds: added(latency, &schedule_slip),
        }
    }

    fn said(latency: Latencies, slip: f64) -> String {
        sentence(true, &latency, &own(&latency, slip, 0))
    }

    fn why_void(latency: Latencies, slip: f64, throttled: u64) -> Option<String> {
        void(&latency, &own(&latency, slip, throttled))
    }

    #[test]
    fn the_sentence_says_by_how_much_they_part() {
        let parted = said(latencies(0.48, 0.012), 0.0001);
        for part in ["480", "12", "40 times", "waited for a connection"] {
            assert!(parted.contains(part), "{part}: {parted}");
        }
        let same = said(latencies(0.0105, 0.01), 0.0001);
        assert!(same.contains("the same within 10 %"), "{same}");
        let closed = latencies(1.0, 1.0);
        let closed = sentence(false, &closed, &own(&closed, 0.0, 0));
        assert!(closed.contains("closed loop"), "{closed}");
        let mut none = latencies(1.0, 1.0);
        none.corrected.p50 = None;
        assert!(said(none, 0.0001).contains("No request"));
        // Late by itself: the server had no part in it.
        let late = said(latencies(0.48, 0.012), 0.4);
        assert!(late.contains("the generator itself was late"), "{late}");
    }

    #[test]
    fn the_largest_ratio_is_named() {
        let mut latency = latencies(0.01, 0.01);
        latency.corrected.p99_9 = Some(0.05);
        latency.corrected.max = Some(0.02);
        let said = said(latency, 0.0001);
        assert!(said.starts_with("The p99.9 is"), "{said}");
    }

    #[test]
    fn a_run_is_void_where_its_own_lateness_may_be_more_of_the_p99_than_is_allowed() {
        // Short latencies may have a millisecond of it, …
        assert_eq!(why_void(latencies(0.005, 0.0041), 0.002, 0), None);
        let late = why_void(latencies(0.005, 0.0035), 0.002, 0).unwrap_or_default();
        assert!(late.contains("up to 1.50 ms of the p99"), "{late}");
        // … long ones a tenth of what was measured.
        assert_eq!(why_void(latencies(0.1, 0.091), 0.05, 0), None);
        assert!(why_void(latencies(0.1, 0.089), 0.05, 0).is_some());
    }

    #[test]
    fn a_slip_that_the_p99_does_not_show_voids_nothing() {
        assert_eq!(why_void(latencies(0.012, 0.0119), 0.004, 0), None);
    }

    #[test]
    fn waiting_for_a_connection_is_no_lateness_of_the_generator() {
        assert_eq!(why_void(latencies(0.48, 0.012), 0.0001, 0), None);
    }

    #[test]
    fn a_generator_that_was_throttled_voids_its_run() {
        let throttled = why_void(latencies(0.005, 0.005), 0.0001, 3).unwrap_or_default();
        assert!(throttled.contains("3 periods"), "{throttled}");
    }
}
