//! Whether to ask again, and when.

use crate::outcome::ErrorKind;
use std::time::{Duration, SystemTime};

/// How often and how soon to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The most attempts at one URL, the first included.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles from then on.
    pub first_pause: Duration,
    /// No pause of our own is longer.
    pub longest_pause: Duration,
    /// A server that asks for more patience than this is asked no more for that
    /// URL, and for others only after so long.
    pub longest_retry_after: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(10),
            longest_retry_after: Duration::from_secs(30),
        }
    }
}

/// How many times as many attempts a URL gets that is refused by a rate limit
/// alone: the server works, and says when to come again.
const PATIENCE_WITH_LIMITS: u32 = 4;

/// Up to this pauses grow also where a server asks for shorter ones.
const LEAST_GROWN: Duration = Duration::from_secs(1);

/// Whether another attempt may do better: the connection failed, or the server
/// says that it is its own fault or a matter of time. Not after a time-out of
/// ours, as whoever is slow once has used up that time already.
pub fn may_pass(error: ErrorKind, status: Option<u16>) -> bool {
    match error {
        ErrorKind::Dns | ErrorKind::Connect | ErrorKind::Reset => true,
        ErrorKind::Status => matches!(status, Some(429 | 500 | 502 | 503 | 504)),
        _ => false,
    }
}

/// What `Retry-After` asks for: seconds or a date (RFC 9110, 10.2.3). A date
/// that is past asks for nothing.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more seconds than anybody waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

impl Policy {
    /// How long to wait before the next attempt after `made` of them, the last
    /// of which ended in this status and asked for so much patience; `None`:
    /// there is none. `random` is from 0 to 1: without it all who failed at
    /// once would come again at once.
    pub fn pause(
        &self,
        made: u32,
        status: Option<u16>,
        asked: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        let most = if status == Some(429) {
            self.attempts.saturating_mul(PATIENCE_WITH_LIMITS)
        } else {
            self.attempts
        };
        // One attempt means one, whatever the server says.
        if made >= most || self.attempts <= 1 {
            return None;
        }
        let doublings = made.saturating_sub(1).min(31);
        let full = self
            .first_pause
            .saturating_mul(1 << doublings)
            .min(self.longest_pause);
        let own = full.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0);
        match asked {
            Some(asked) if asked > self.longest_retry_after => None,
            // One that asks for next to nothing must not bring all back at once,
            // again and again.
            Some(asked) => Some(asked.max(own.min(LEAST_GROWN)) + own.min(self.first_pause)),
            None => Some(own),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_may_pass_is_asked_again_and_nothing_else() {
        for kind in ErrorKind::ALL {
            let connection = [ErrorKind::Dns, ErrorKind::Connect, ErrorKind::Reset];
            assert_eq!(may_pass(kind, None), connection.contains(&kind), "{kind:?}");
        }
        for status in 400..600 {
            let passing = [429, 500, 502, 503, 504].contains(&status);
            assert_eq!(
                may_pass(ErrorKind::Status, Some(status)),
                passing,
                "{status}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        let seconds = |value| retry_after(value, now).map(|asked| asked.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(seconds("99999999999999999999999"), Some(u64::MAX));
        for nothing in ["", "-1", "1.5", "soon", "+3"] {
            assert_eq!(seconds(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn who_asks_for_too_much_patience_is_asked_no_more() {
        let policy = Policy::default();
        let asked = |seconds| policy.pause(1, Some(503), Some(Duration::from_secs(seconds)), 0.5);
        assert!(asked(30).is_some_and(|pause| pause >= Duration::from_secs(30)));
        assert_eq!(asked(31), None);
        assert_eq!(asked(u64::MAX), None);
    }

    #[test]
    fn a_rate_limit_gets_more_patience_than_a_fault_but_not_without_end() {
        let policy = Policy::default();
        let attempts =
            |status| (1..100).find(|&made| policy.pause(made, Some(status), None, 0.5).is_none());
        assert_eq!(attempts(500), Some(policy.attempts));
        assert_eq!(attempts(429), Some(policy.attempts * PATIENCE_WITH_LIMITS));
        let once = Policy {
            attempts: 1,
            ..policy
        };
        assert_eq!(once.pause(1, Some(429), None, 0.5), None);
    }

    #[test]
    fn a_server_that_asks_for_nothing_gets_pauses_that_grow_to_a_second() {
        let policy = Policy::default();
        let pause = |made| policy.pause(made, Some(429), Some(Duration::ZERO), 0.0);
        assert_eq!(pause(1), Some(Duration::from_millis(200)));
        assert!(pause(3) > pause(2) && pause(2) > pause(1));
        assert_eq!(pause(15), Some(Duration::from_millis(1200)));
    }

    proptest! {
        #[test]
        fn pauses_are_capped_and_random_and_attempts_end(
            made in 0_u32..1000, attempts in 1_u32..50, random in 0.0..1.0,
            first in 0_u64..5000, longest in 0_u64..60_000, asked in proptest::option::of(0_u64..100),
        ) {
            let policy = Policy {
                attempts,
                first_pause: Duration::from_millis(first),
                longest_pause: Duration::from_millis(longest),
                longest_retry_after: Duration::from_secs(30),
            };
            let asked = asked.map(Duration::from_secs);
            let pause = policy.pause(made, None, asked, random);
            match pause {
                Some(pause) => {
                    prop_assert!(made < attempts);
                    prop_assert!(pause >= asked.unwrap_or_default());
                    let most = asked.map_or(policy.longest_pause, |asked| asked.max(LEAST_GROWN) + policy.first_pause);
                    prop_assert!(pause <= most);
                }
                None => prop_assert!(made >= attempts || attempts == 1 || asked > Some(policy.longest_retry_after)),
            }
        }
    }
}
