//! Times between two readings, as a person writes them.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Reads `1s`, `500ms`, `1m`; a number alone is seconds.
///
/// # Errors
/// What is allowed, where it is no time or out of range.
pub fn interval_within(text: &str, allowed: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds >= 0.0);
    let interval = match seconds.map(Duration::try_from_secs_f64) {
        Some(interval) => interval.ok(),
        None => humantime::parse_duration(text).ok(),
    };
    interval
        .filter(|interval| allowed.contains(interval))
        .ok_or_else(|| {
            let [shortest, longest] =
                [allowed.start(), allowed.end()].map(|end| humantime::format_duration(*end));
            format!("must be a time from {shortest} to {longest}, such as 1s or 500ms")
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::interval_within;
    use std::time::Duration;

    #[test]
    fn intervals_are_times_or_seconds_within_their_range() {
        let allowed = Duration::from_millis(100)..=Duration::from_hours(1);
        for (text, millis) in [("1s", 1000), ("500ms", 500), ("2", 2000), ("0.25", 250)] {
            let read = interval_within(text, &allowed);
            assert_eq!(read, Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "", "0", "99ms", "2h", "-1", "-1s", "NaN", "inf", "1e30", "soon",
        ] {
            let said = interval_within(text, &allowed).unwrap_err();
            assert_eq!(
                said, "must be a time from 100ms to 1h, such as 1s or 500ms",
                "{text}"
            );
        }
    }
}
