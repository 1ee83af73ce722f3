//! A token bucket per client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many clients are remembered; each costs some 50 bytes.
const MOST_CLIENTS: usize = 65_536;

/// What a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Requests a second, in the long run.
    pub per_second: f64,
    /// Requests at once, at least 1.
    pub burst: f64,
}

impl FromStr for RateLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str, least: f64| {
            let number = text.trim().parse().ok();
            number.filter(|number| (least..=1e6).contains(number))
        };
        let (rate, burst) = match text.split_once(',') {
            Some((rate, burst)) => (rate, number(burst, 1.0)),
            // Without a burst, what a second allows.
            None => (text, number(text, 0.0).map(|rate| rate.max(1.0))),
        };
        // Slower than one in a thousand seconds is a misprint.
        match (number(rate, 0.001), burst) {
            (Some(per_second), Some(burst)) => Ok(Self { per_second, burst }),
            _ => Err(
                "must be requests per second, such as 50, or with a burst, 50,100 (at least 1)"
                    .into(),
            ),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    /// When it had them.
    at: Duration,
}

impl RateLimit {
    fn full(self, at: Duration) -> Bucket {
        Bucket {
            tokens: self.burst,
            at,
        }
    }

    fn refilled(self, bucket: Bucket, now: Duration) -> Bucket {
        let passed = now.saturating_sub(bucket.at).as_secs_f64();
        Bucket {
            tokens: (bucket.tokens + passed * self.per_second).min(self.burst),
            at: now.max(bucket.at),
        }
    }
}

/// The clients' buckets.
#[derive(Debug)]
pub struct Clients {
    limit: RateLimit,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl Clients {
    /// All have a full bucket.
    pub fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            buckets: Mutex::default(),
        }
    }

    /// Takes a token from `client`'s bucket; `now` is the time since any fixed moment.
    ///
    /// # Errors
    /// After how long there will be one.
    pub fn take(&self, client: IpAddr, now: Duration) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_CLIENTS && !buckets.contains_key(&client) {
            // A full bucket says no more than none.
            buckets.retain(|_, bucket| self.limit.refilled(*bucket, now).tokens < self.limit.burst);
            if buckets.len() >= MOST_CLIENTS {
                return Err(Duration::from_secs(1));
            }
        }
        let bucket = buckets
            .entry(client)
            .or_insert_with(|| self.limit.full(now));
        *bucket = self.limit.refilled(*bucket, now);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            Ok(())
        } else {
            Err(Duration::from_secs_f64(
                (1.0 - bucket.tokens) / self.limit.per_second,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn clients(text: &str) -> Clients {
        Clients::new(text.parse().unwrap())
    }

    #[test]
    fn a_limit_is_a_rate_and_perhaps_a_burst() {
        let limit = |per_second, burst| Ok(RateLimit { per_second, burst });
        assert_eq!("50".parse(), limit(50.0, 50.0));
        assert_eq!("0.5".parse(), limit(0.5, 1.0));
        assert_eq!("50,100".parse(), limit(50.0, 100.0));
        for text in [
            "", "0", "-1", "50,", "50,0", "NaN", "inf", "1e7", "many", "1,2,3",
        ] {
            assert!(text.parse::<RateLimit>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let clients = clients("10,3");
        for _ in 0..3 {
            assert_eq!(clients.take(CLIENT, MS(0)), Ok(()));
        }
        assert_eq!(clients.take(CLIENT, MS(0)), Err(MS(100)));
        assert_eq!(clients.take(CLIENT, MS(50)), Err(MS(50)));
        assert_eq!(clients.take(OTHER, MS(50)), Ok(()));
        assert_eq!(clients.take(CLIENT, MS(100)), Ok(()));
        assert!(clients.take(CLIENT, MS(100)).is_err());
    }

    #[test]
    fn as_many_clients_are_remembered_as_there_is_room_for() {
        let clients = clients("1,1");
        let address = |n: usize| IpAddr::V4(Ipv4Addr::from_bits(n as u32));
        for n in 0..MOST_CLIENTS {
            assert_eq!(clients.take(address(n), MS(0)), Ok(()));
        }
        assert!(clients.take(address(MOST_CLIENTS), MS(500)).is_err());
        assert_eq!(clients.take(address(MOST_CLIENTS), MS(1000)), Ok(()));
        assert_eq!(clients.buckets.lock().unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn no_more_pass_than_burst_and_rate_allow_and_who_waits_as_told_passes(
            rate in 1.0..1000.0_f64,
            burst in 1.0..50.0_f64,
            gaps in proptest::collection::vec(0_u64..50, 1..300),
        ) {
            let clients = Clients::new(RateLimit { per_second: rate, burst });
            let mut now = Duration::ZERO;
            let mut passed = 0.0;
            for gap in gaps {
                now += MS(gap);
                match clients.take(CLIENT, now) {
                    Ok(()) => passed += 1.0,
                    Err(after) => {
                        now += after + Duration::from_micros(1);
                        prop_assert_eq!(clients.take(CLIENT, now), Ok(()));
                        passed += 1.0;
                    }
                }
                prop_assert!(passed <= burst + rate * now.as_secs_f64() + 1e-6);
            }
        }
    }
}
