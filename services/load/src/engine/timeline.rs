//! What happened in each tenth of a second.

use hdrhistogram::Histogram;

/// A step is a tenth of a second. Not as seconds: 0.3 ÷ 0.1 is below 3.
const STEPS_PER_SECOND: f64 = 10.0;

/// Steps that are kept: a run and its end never have more.
const MOST_STEPS: usize = 8_000;

/// Enough for a p99 that is read from a chart.
const DIGITS: u8 = 2;

/// Counts in steps from the start of the measured part; outcomes in the step
/// in which they came.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    steps: Vec<Step>,
    /// Latencies of the step under way, and which that is.
    current: Option<(usize, Histogram<u64>)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Step {
    sent: u64,
    answered: u64,
    failed: u64,
    /// Nanoseconds, and how many answers took so long.
    latencies: Vec<(u64, u64)>,
}

/// One step, for people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Seconds from the start of the measured part to that of the step.
    pub offset_seconds: f64,
    /// Requests that were to leave in it.
    pub sent: u64,
    /// Answers that came in it.
    pub answered: u64,
    /// Requests of which it became known in it that there is no answer.
    pub failed: u64,
    /// Of these answers, counted from when they were to leave; `None` without any.
    pub p99_seconds: Option<f64>,
}

impl Timeline {
    /// A request was to leave then.
    pub fn sent(&mut self, moment: f64) {
        self.step(moment).sent += 1;
    }

    /// An answer came now, after so many nanoseconds.
    pub fn answered(&mut self, now: f64, latency_nanos: u64) {
        let place = place(now);
        self.step(now).answered += 1;
        if self.current.as_ref().is_none_or(|(step, _)| *step != place) {
            let before = self.close();
            let empty = || Histogram::new_with_max(u64::MAX / 2, DIGITS);
            if let Some(histogram) = before.or_else(|| empty().ok()) {
                self.current = Some((place, histogram));
            }
        }
        if let Some((_, histogram)) = &mut self.current {
            histogram.saturating_record(latency_nanos);
        }
    }

    /// A failure became known now.
    pub fn failed(&mut self, now: f64) {
        self.step(now).failed += 1;
    }

    /// Puts the latencies of the step under way where they belong.
    pub fn close(&mut self) -> Option<Histogram<u64>> {
        let (place, mut histogram) = self.current.take()?;
        let latencies = histogram.iter_recorded();
        self.steps[place].latencies = latencies
            .map(|of| (of.value_iterated_to(), of.count_at_value()))
            .collect();
        histogram.reset();
        Some(histogram)
    }

    /// How many steps are over and have their latencies.
    pub fn closed(&self) -> usize {
        let under_way = self.current.as_ref().map(|(place, _)| *place);
        under_way.unwrap_or(self.steps.len())
    }

    /// Adds another thread's counts; both closed.
    pub fn merge(&mut self, other: &Self) {
        if self.steps.len() < other.steps.len() {
            self.steps.resize(other.steps.len(), Step::default());
        }
        for (sum, of) in self.steps.iter_mut().zip(&other.steps) {
            sum.sent += of.sent;
            sum.answered += of.answered;
            sum.failed += of.failed;
            sum.latencies.extend(&of.latencies);
        }
    }

    /// The steps, closed.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.steps.iter().enumerate().map(|(place, step)| Row {
            offset_seconds: place as f64 / STEPS_PER_SECOND,
            sent: step.sent,
            answered: step.answered,
            failed: step.failed,
            p99_seconds: p99(&step.latencies),
        })
    }

    /// The latencies of a closed step, in nanoseconds, with their counts.
    pub fn latencies(&self, step: usize) -> &[(u64, u64)] {
        self.steps
            .get(step)
            .map_or(&[], |step| step.latencies.as_slice())
    }

    fn step(&mut self, moment: f64) -> &mut Step {
        let place = place(moment);
        if self.steps.len() <= place {
            self.steps.resize(place + 1, Step::default());
        }
        &mut self.steps[place]
    }
}

fn place(moment: f64) -> usize {
    ((moment.max(0.0) * STEPS_PER_SECOND) as usize).min(MOST_STEPS - 1)
}

fn p99(latencies: &[(u64, u64)]) -> Option<f64> {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    let all: u64 = sorted.iter().map(|(_, count)| count).sum();
    let rank = (all as f64 * 0.99).ceil() as u64;
    let mut seen = 0;
    let reached = sorted.iter().find(|(_, count)| {
        seen += count;
        seen >= rank
    });
    reached.map(|(nanos, _)| *nanos as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn closed(mut timeline: Timeline) -> Timeline {
        timeline.close();
        timeline
    }

    #[test]
    fn each_thing_stands_in_the_step_in_which_it_happened() {
        let mut timeline = Timeline::default();
        timeline.sent(0.05);
        timeline.sent(0.11);
        timeline.failed(0.19);
        for answer in 0..100 {
            timeline.answered(0.3 + 0.0001 * f64::from(answer), 1_000_000);
        }
        timeline.answered(0.39, 500_000_000);
        let rows: Vec<Row> = closed(timeline).rows().collect();

        let counts: Vec<_> = rows
            .iter()
            .map(|r| (r.sent, r.answered, r.failed))
            .collect();
        assert_eq!(counts, [(1, 0, 0), (1, 0, 1), (0, 0, 0), (0, 101, 0)]);
        let offsets: Vec<String> = rows.iter().map(|r| r.offset_seconds.to_string()).collect();
        assert_eq!(offsets, ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(rows[0].p99_seconds, None);
        let p99 = rows[3].p99_seconds.unwrap();
        assert!((p99 - 0.001).abs() < 0.0001, "{p99}");
    }

    #[test]
    fn of_two_threads_the_p99_is_that_of_all() {
        let (mut one, mut two) = (Timeline::default(), Timeline::default());
        for _ in 0..99 {
            one.answered(0.0, 1_000_000);
        }
        two.answered(0.0, 9_000_000);
        two.answered(0.1, 9_000_000);
        let (mut one, two) = (closed(one), closed(two));
        one.merge(&two);
        let rows: Vec<Row> = one.rows().collect();
        assert_eq!((rows[0].answered, rows[1].answered), (100, 1));
        assert!(rows[0].p99_seconds.unwrap() < 0.002);
        assert!(rows[1].p99_seconds.unwrap() > 0.008);
    }

    #[test]
    fn it_is_bounded() {
        let mut timeline = Timeline::default();
        timeline.sent(1e12);
        timeline.answered(f64::INFINITY, u64::MAX);
        assert_eq!(closed(timeline).steps.len(), MOST_STEPS);
    }
}
