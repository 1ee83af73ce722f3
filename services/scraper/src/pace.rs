//! When the next request to a host may leave, pure.

use std::time::{Duration, Instant};

/// A host's rate limit: requests leave at least an interval apart, and none
/// while the host has asked for a pause.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    interval: Duration,
    /// Before this nothing leaves.
    next: Option<Instant>,
    /// The end of the last pause.
    paused: Option<Instant>,
    /// How long after it all who waited have left.
    spread: Duration,
}

/// Who waited for a pause's end leaves within as long as the pause was, and
/// within this at most.
const LONGEST_SPREAD: Duration = Duration::from_secs(1);

impl Pace {
    /// At most one request per `interval`; zero: no limit of ours.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: None,
            paused: None,
            spread: Duration::ZERO,
        }
    }

    /// When a request may leave that is ready `now`; takes that place. `random`
    /// is from 0 to 1: without it, and where no interval keeps them apart, all
    /// who waited for a pause's end would meet the host's limit again at once.
    pub fn reserve(&mut self, now: Instant, random: f64) -> Instant {
        let leaves = self.next.map_or(now, |next| next.max(now));
        self.next = Some(leaves + self.interval);
        if self.interval.is_zero() && self.paused == Some(leaves) {
            return leaves + self.spread.mul_f64(random.clamp(0.0, 1.0));
        }
        leaves
    }

    /// Nothing leaves for so long from `now` on.
    pub fn pause(&mut self, now: Instant, length: Duration) {
        let Some(end) = now.checked_add(length) else {
            return;
        };
        self.next = Some(self.next.map_or(end, |next| next.max(end)));
        if self.paused.is_none_or(|paused| paused < end) {
            self.paused = Some(end);
            self.spread = length.min(LONGEST_SPREAD);
        }
    }

    /// Whether a pause goes on beyond a place that was taken before it.
    pub fn paused_after(&self, leaves: Instant) -> bool {
        self.paused.is_some_and(|paused| paused > leaves)
    }

    /// Whether it holds nothing that is still to come.
    pub fn is_idle(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| next <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn requests_leave_an_interval_apart_and_never_early(
            interval in 0_u64..50, arrivals in proptest::collection::vec(0_u64..20, 1..50),
            pause in proptest::option::of((0_usize..50, 0_u64..200)),
        ) {
            let interval = Duration::from_millis(interval);
            let start = Instant::now();
            let (mut pace, mut now) = (Pace::new(interval), start);
            let (mut before, mut paused): (Option<Instant>, Option<Instant>) = (None, None);
            for (index, arrival) in arrivals.into_iter().enumerate() {
                now += Duration::from_millis(arrival);
                if let Some((_, length)) = pause.filter(|(at, _)| *at == index) {
                    let length = Duration::from_millis(length);
                    pace.pause(now, length);
                    paused = Some(now + length);
                }
                let leaves = pace.reserve(now, 0.0);
                prop_assert!(leaves >= now);
                prop_assert!(before.is_none_or(|before| leaves >= before + interval));
                prop_assert!(paused.is_none_or(|paused| leaves >= paused));
                // Nor later than any of these asks for.
                let earliest = [Some(now), before.map(|before| before + interval), paused];
                prop_assert_eq!(Some(leaves), earliest.into_iter().flatten().max());
                before = Some(leaves);
            }
        }
    }

    #[test]
    fn who_waited_for_a_pause_leaves_after_it_and_not_all_at_once() {
        let now = Instant::now();
        for (length, spread) in [(100, 100), (1000, 1000), (30_000, 1000)] {
            let (length, spread) = (Duration::from_millis(length), Duration::from_millis(spread));
            let mut pace = Pace::new(Duration::ZERO);
            pace.pause(now, length);

            let after = |random| pace.clone().reserve(now, random) - (now + length);

            assert_eq!(after(0.0), Duration::ZERO);
            assert_eq!(after(0.5), spread / 2);
            assert_eq!(after(1.0), spread);
            // Who comes later was not part of that crowd.
            let later = now + length + Duration::from_millis(1);
            assert_eq!(pace.reserve(later, 1.0), later);
        }
    }

    #[test]
    fn an_interval_keeps_apart_who_waited_for_a_pause() {
        let now = Instant::now();
        let interval = Duration::from_millis(20);
        let mut pace = Pace::new(interval);
        pace.pause(now, Duration::from_secs(1));

        let leaves = [(); 3].map(|()| pace.reserve(now, 1.0) - now);

        let end = Duration::from_secs(1);
        assert_eq!(leaves, [end, end + interval, end + 2 * interval]);
    }
}
