//! What jobs do. Pure but for [`Control`], by which the work is watched and ended.

mod control;
mod fibonacci;
mod primes;
mod sum_squares;

pub use control::{Control, Stop};
pub use fibonacci::MOST_FIBONACCI;
pub use primes::MOST_PRIMES_LIMIT;
pub use sum_squares::MOST_SQUARES;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// The longest sleep.
const LONGEST_SLEEP_SECONDS: f64 = 3600.0;

/// How often a thread that sleeps looks whether it is to go on.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A type of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing: what the queue itself costs.
    Noop,
    /// A Fibonacci number by naive recursion.
    Fibonacci,
    /// How many primes there are below a limit.
    Primes,
    /// Waits.
    Sleep,
    /// The sum of the squares below a number.
    SumSquares,
    /// Fails so many times.
    Fail,
    /// Panics.
    Panic,
}

/// What a job needs most of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A CPU: as many go on at once as there are threads.
    Cpu,
    /// Only time: many wait at once.
    Io,
}

/// A job's work, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// See [`Kind::Noop`].
    Noop,
    /// See [`Kind::Fibonacci`].
    Fibonacci {
        /// Which number.
        n: u64,
    },
    /// See [`Kind::Primes`].
    Primes {
        /// Below which number.
        limit: u64,
    },
    /// See [`Kind::Sleep`].
    Sleep(Duration),
    /// See [`Kind::SumSquares`].
    SumSquares {
        /// Below which number.
        n: u64,
    },
    /// See [`Kind::Fail`].
    Fail {
        /// How many times.
        times: u32,
    },
    /// See [`Kind::Panic`].
    Panic,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is done; the result, JSON.
    Done(String),
    /// It failed; why.
    Failed(String),
    /// It was told to end, and why.
    Stopped(Stop),
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Noop,
        Self::Fibonacci,
        Self::Primes,
        Self::Sleep,
        Self::SumSquares,
        Self::Fail,
        Self::Panic,
    ];

    /// Its name, as in a job.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::Fibonacci => "fibonacci",
            Self::Primes => "primes",
            Self::Sleep => "sleep",
            Self::SumSquares => "sum_squares",
            Self::Fail => "fail",
            Self::Panic => "panic",
        }
    }

    /// The one of that name; `calcular_fibonacci` is the course's for the second.
    pub fn named(name: &str) -> Option<Self> {
        let name = match name {
            "calcular_fibonacci" => "fibonacci",
            name => name,
        };
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What its jobs need.
    pub fn class(self) -> Class {
        match self {
            Self::Sleep => Class::Io,
            _ => Class::Cpu,
        }
    }

    /// Why a job of type `name` is dead.
    pub fn unknown(name: &str) -> String {
        let names: Vec<&str> = Self::ALL.iter().map(|kind| kind.name()).collect();
        format!("unknown type {name:?}: there are {}", names.join(", "))
    }
}

impl Task {
    /// What a job of type `kind` is to do with `payload`.
    ///
    /// # Errors
    /// Why no try could do it.
    pub fn read(kind: &str, payload: &str) -> Result<Self, String> {
        let Some(known) = Kind::named(kind) else {
            return Err(Kind::unknown(kind));
        };
        match known {
            Kind::Noop => Ok(Self::Noop),
            Kind::Panic => Ok(Self::Panic),
            Kind::Fibonacci => {
                let Number { n } = fields(payload, "{\"n\": 30}")?;
                at_most("n", n, MOST_FIBONACCI)?;
                Ok(Self::Fibonacci { n })
            }
            Kind::Primes => {
                let Limit { limit } = fields(payload, "{\"limit\": 100000}")?;
                at_most("limit", limit, MOST_PRIMES_LIMIT)?;
                Ok(Self::Primes { limit })
            }
            Kind::SumSquares => {
                let Number { n } = fields(payload, "{\"n\": 10000000}")?;
                at_most("n", n, MOST_SQUARES)?;
                Ok(Self::SumSquares { n })
            }
            Kind::Fail => {
                let Times { times } = fields(payload, "{\"times\": 2}")?;
                Ok(Self::Fail { times })
            }
            Kind::Sleep => {
                let Seconds { seconds } = fields(payload, "{\"seconds\": 0.5}")?;
                if !(0.0..=LONGEST_SLEEP_SECONDS).contains(&seconds) {
                    return Err(format!("seconds must be from 0 to {LONGEST_SLEEP_SECONDS}"));
                }
                Ok(Self::Sleep(Duration::from_secs_f64(seconds)))
            }
        }
    }

    /// What it needs.
    pub fn class(&self) -> Class {
        match self {
            Self::Sleep(_) => Class::Io,
            _ => Class::Cpu,
        }
    }

    /// Does what needs only time. Of what needs a CPU there is nothing to wait for.
    pub async fn wait(&self, control: &Control) -> End {
        let Self::Sleep(duration) = self else {
            return self.work(0, control);
        };
        match control.sleep(*duration).await {
            Ok(()) => Self::slept(*duration),
            Err(stop) => End::Stopped(stop),
        }
    }

    /// Does it on this thread; `failed` is how many tries failed before. A panic
    /// is a try that failed.
    pub fn work(&self, failed: u32, control: &Control) -> End {
        let work = AssertUnwindSafe(|| self.attempt(failed, control));
        match catch_unwind(work) {
            Ok(Ok(end)) => end,
            Ok(Err(stop)) => End::Stopped(stop),
            Err(panic) => End::Failed(format!("the work panicked: {}", said(panic.as_ref()))),
        }
    }

    fn attempt(&self, failed: u32, control: &Control) -> Result<End, Stop> {
        control.check()?;
        Ok(match self {
            Self::Noop => End::Done("null".into()),
            Self::Fibonacci { n } => {
                let value = fibonacci::fibonacci(*n, control)?;
                End::Done(format!(r#"{{"n":{n},"value":{value}}}"#))
            }
            Self::Primes { limit } => {
                let count = primes::count(*limit, control)?;
                End::Done(format!(r#"{{"limit":{limit},"count":{count}}}"#))
            }
            Self::SumSquares { n } => {
                let sum = sum_squares::sum_squares(*n, control)?;
                End::Done(format!(r#"{{"n":{n},"sum":{sum}}}"#))
            }
            Self::Sleep(duration) => {
                let until = Instant::now() + *duration;
                while Instant::now() < until {
                    control.check()?;
                    let left = until.saturating_duration_since(Instant::now());
                    std::thread::sleep(left.min(LOOK_EVERY));
                }
                Self::slept(*duration)
            }
            Self::Fail { times } if failed < *times => {
                let (this, times) = (failed + 1, *times);
                End::Failed(format!("it fails as asked: {this} of {times} times"))
            }
            Self::Fail { times } => End::Done(format!(r#"{{"failed":{times}}}"#)),
            Self::Panic => panic!("as asked"),
        })
    }

    fn slept(duration: Duration) -> End {
        End::Done(format!(r#"{{"seconds":{}}}"#, duration.as_secs_f64()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    n: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    limit: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    times: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seconds {
    seconds: f64,
}

fn fields<T: DeserializeOwned>(payload: &str, example: &str) -> Result<T, String> {
    serde_json::from_str(payload)
        .map_err(|error| format!("the payload cannot be read, such as {example}: {error}"))
}

fn at_most(field: &str, value: u64, most: u64) -> Result<(), String> {
    if value <= most {
        return Ok(());
    }
    Err(format!("{field} must be at most {most}, and is {value}"))
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn done(kind: &str, payload: &str) -> End {
        let task = Task::read(kind, payload).unwrap();
        task.work(0, &Control::default())
    }

    #[test]
    fn results_are_right() {
        for (kind, payload, result) in [
            ("noop", "{}", "null"),
            ("fibonacci", r#"{"n": 0}"#, r#"{"n":0,"value":0}"#),
            (
                "calcular_fibonacci",
                r#"{"n": 25}"#,
                r#"{"n":25,"value":75025}"#,
            ),
            (
                "primes",
                r#"{"limit": 100000}"#,
                r#"{"limit":100000,"count":9592}"#,
            ),
            (
                "sum_squares",
                r#"{"n": 10000000}"#,
                r#"{"n":10000000,"sum":333333283333335000000}"#,
            ),
            ("sleep", r#"{"seconds": 0.001}"#, r#"{"seconds":0.001}"#),
            ("fail", r#"{"times": 0}"#, r#"{"failed":0}"#),
        ] {
            assert_eq!(done(kind, payload), End::Done(result.into()));
        }
    }

    #[test]
    fn what_fails_fails_as_often_as_asked() {
        let task = Task::read("fail", r#"{"times": 2}"#).unwrap();
        let ends = [0, 1, 2].map(|failed| task.work(failed, &Control::default()));
        assert!(matches!(&ends[0], End::Failed(why) if why.contains("1 of 2")));
        assert!(matches!(&ends[1], End::Failed(why) if why.contains("2 of 2")));
        assert!(matches!(&ends[2], End::Done(_)));
    }

    #[test]
    fn a_panic_is_a_failure() {
        let end = done("panic", "{}");
        assert_eq!(end, End::Failed("the work panicked: as asked".into()));
    }

    #[test]
    fn what_no_try_could_do_is_refused() {
        for (kind, payload, why) in [
            ("fibonacci", r#"{"n": 1000000000}"#, "at most"),
            ("fibonacci", r#"{"n": -1}"#, "cannot be read"),
            ("fibonacci", "[]", "cannot be read"),
            ("primes", r#"{"limit": 1e99}"#, "cannot be read"),
            ("sleep", r#"{"seconds": -1}"#, "from 0"),
            ("nonsense", "{}", "unknown type \"nonsense\""),
        ] {
            let reason = Task::read(kind, payload).unwrap_err();
            assert!(reason.contains(why), "{kind} {payload}: {reason}");
        }
    }

    #[test]
    fn what_is_stopped_ends_soon() {
        for (kind, payload) in [
            ("fibonacci", r#"{"n": 45}"#),
            ("primes", r#"{"limit": 100000000}"#),
            ("sum_squares", r#"{"n": 10000000000}"#),
            ("sleep", r#"{"seconds": 3600}"#),
        ] {
            let task = Task::read(kind, payload).unwrap();
            let control = Control::default();
            control.begin(Some(Duration::from_millis(20)));
            let end = task.work(0, &control);
            assert_eq!(end, End::Stopped(Stop::TimedOut), "{kind}");
        }
    }

    #[tokio::test]
    async fn a_sleep_ends_when_it_is_told_to() {
        let task = Task::read("sleep", r#"{"seconds": 3600}"#).unwrap();
        let control = Control::default();
        let told = async {
            tokio::task::yield_now().await;
            control.stop(Stop::Lost);
            control.stop(Stop::GivenBack);
        };
        let (end, ()) = tokio::join!(task.wait(&control), told);
        assert_eq!(end, End::Stopped(Stop::Lost));
    }

    proptest! {
        #[test]
        fn no_payload_makes_it_panic(kind in 0..7usize, payload: String) {
            let _ = Task::read(Kind::ALL[kind].name(), &payload);
        }

        #[test]
        fn primes_are_those_of_an_independent_sieve(limit in 0..50_000u64) {
            let count = primes::count(limit, &Control::default());
            let below = limit.saturating_sub(1) as usize;
            let expected = primal::Sieve::new(50_000).prime_pi(below) as u64;
            prop_assert_eq!(count, Ok(expected));
        }

        #[test]
        fn sums_are_those_of_the_formula(n in 0..100_000u64) {
            let wide = u128::from(n);
            let formula = wide * wide.saturating_sub(1) * (2 * wide).saturating_sub(1) / 6;
            prop_assert_eq!(sum_squares::sum_squares(n, &Control::default()), Ok(formula));
        }
    }
}
