//! How long to wait between attempts.

use std::iter::successors;
use std::time::Duration;

/// Pauses that double up to `longest`, each shortened by up to a half at
/// random: without that, all who lost the server at once would be back at once.
pub(super) fn pauses(first: Duration, longest: Duration) -> impl Iterator<Item = Duration> {
    successors(Some(first), move |pause| Some((*pause * 2).min(longest)))
        .map(|pause| pause.mul_f64(0.5 + fastrand::f64() / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_none_is_like_another() {
        let (first, longest) = (Duration::from_millis(50), Duration::from_secs(1));

        let pauses: Vec<_> = pauses(first, longest).take(100).collect();

        for (place, pause) in pauses.iter().enumerate() {
            let full = longest.min(first * (1 << place.min(10)));
            assert!((full / 2..=full).contains(pause), "{place}: {pause:?}");
        }
        assert_ne!(pauses[98], pauses[99]);
    }
}
