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
}

impl Pace {
    /// At most one request per `interval`; zero: no limit of ours.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: None,
            paused: None,
        }
    }

    /// When a request may leave that is ready `now`; takes that place.
    pub fn reserve(&mut self, now: Instant) -> Instant {
        let leaves = self.next.map_or(now, |next| next.max(now));
        self.next = Some(leaves + self.interval);
        leaves
    }

    /// Nothing leaves before `moment`.
    pub fn pause_until(&mut self, moment: Instant) {
        self.next = Some(self.next.map_or(moment, |next| next.max(moment)));
        self.paused = Some(self.paused.map_or(moment, |paused| paused.max(moment)));
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
                    let until = now + Duration::from_millis(length);
                    pace.pause_until(until);
                    paused = Some(until);
                }
                let leaves = pace.reserve(now);
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
}
