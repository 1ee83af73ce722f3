//! What a run can be asked, with its bounds.

use crate::plan::{Pace, Plan};
use crate::target::{AllowList, Target};
use measure::arrivals::Arrivals;
use serde::Deserialize;
use std::ops::RangeInclusive;
use utoipa::ToSchema;

/// Bounds: load is meant for the lab's own services, and ends by itself.
pub const MOST_TARGETS: usize = 16;
/// Connections at once.
pub const CONNECTIONS: RangeInclusive<u64> = 1..=10_000;
/// Requests per second of an open loop.
pub const RATE: RangeInclusive<f64> = 0.01..=1e6;
/// Seconds of the measured part.
pub const SECONDS: RangeInclusive<f64> = 0.1..=600.0;
/// Seconds of the warm-up.
pub const WARM_UP_SECONDS: RangeInclusive<f64> = 0.0..=60.0;
/// Seconds that a request has for its connection, and again for its answer.
pub const TIMEOUT_SECONDS: RangeInclusive<f64> = 0.001..=60.0;
/// Additions of `?work=`.
pub const WORK: RangeInclusive<u64> = 0..=1_000_000_000_000;
/// Requests of one burst.
const BURST: RangeInclusive<u64> = 1..=100_000;
/// Seconds from burst to burst.
const BURST_EVERY_SECONDS: RangeInclusive<f64> = 0.001..=60.0;
/// How far ahead a start may be, beside the warm-up.
const LONGEST_WAIT_SECONDS: f64 = service_kit::sampling::LONGEST_WAIT_SECONDS;

/// What `POST /run` is asked: one run.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"targets\": [\"http://cluster-one:3000/\"], \"rate\": 1000}"
)]
pub struct RunRequest {
    /// URLs that are asked for with GET, 1 to 16: this machine's or on the
    /// allow-list. Connections are spread over all their addresses.
    #[schema(example = json!(["http://cluster-one:3000/"]))]
    pub targets: Vec<String>,
    /// How requests follow each other.
    #[serde(default, rename = "loop")]
    pub pace: Loop,
    /// Requests per second of an open loop. Bursts have one by themselves: more
    /// is spread evenly between them.
    #[serde(default)]
    #[schema(minimum = 0.01, maximum = 1_000_000)]
    pub rate: Option<f64>,
    /// How an open loop spreads them.
    #[serde(default = "constant")]
    #[schema(value_type = Object, default = json!("constant"))]
    pub arrivals: Arrivals,
    /// The most connections at once; all are opened in the warm-up.
    #[serde(default = "sixty_four")]
    #[schema(default = 64, minimum = 1, maximum = 10_000)]
    pub connections: u64,
    /// Seconds in which the same is done before it is measured.
    #[serde(default = "one")]
    #[schema(default = 1, minimum = 0, maximum = 60)]
    pub warm_up_seconds: f64,
    /// Seconds that are measured.
    #[serde(default = "ten")]
    #[schema(default = 10, minimum = 0.1, maximum = 600)]
    pub seconds: f64,
    /// Begin to measure at this moment of the host's monotonic clock (seconds),
    /// for others that measure from then on too; the warm-up comes before, as
    /// far as there is time for it.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub start_at_seconds: Option<f64>,
    /// What the chance in Poisson arrivals is drawn from.
    #[serde(default)]
    pub seed: u64,
    /// Adds `?work=N` to the targets.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub work: Option<u64>,
    /// Seconds that a request has for its connection, and again for its answer.
    #[serde(default = "five")]
    #[schema(default = 5, minimum = 0.001, maximum = 60)]
    pub timeout_seconds: f64,
    /// Whether to count the workers that answers' bodies name.
    #[serde(default)]
    pub identify: bool,
}

/// How requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Loop {
    /// On a schedule, whatever became of those before.
    #[default]
    Open,
    /// On each connection when the one before is answered.
    Closed,
}

/// A field that cannot be, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its name.
    pub field: &'static str,
    /// A sentence.
    pub detail: String,
}

impl RunRequest {
    /// The run that is asked for, at the moment `now` of the host's monotonic
    /// clock (seconds).
    ///
    /// # Errors
    /// The first field that cannot be.
    pub fn plan(&self, allow: &AllowList, now: f64) -> Result<Plan, Wrong> {
        Ok(Plan {
            targets: targets(&self.targets, self.work, allow)?,
            pace: self.pace()?,
            connections: within("connections", self.connections, &CONNECTIONS)? as usize,
            warm_up_seconds: within("warm_up_seconds", self.warm_up_seconds, &WARM_UP_SECONDS)?,
            seconds: within("seconds", self.seconds, &SECONDS)?,
            start_at_seconds: self.start(now)?,
            timeout_seconds: within("timeout_seconds", self.timeout_seconds, &TIMEOUT_SECONDS)?,
            identify: self.identify,
        })
    }

    fn pace(&self) -> Result<Pace, Wrong> {
        if self.pace == Loop::Closed {
            return match self.rate {
                None => Ok(Pace::Closed),
                Some(_) => Err(wrong("rate", "a closed loop has no rate: leave it out")),
            };
        }
        check_arrivals(self.arrivals)?;
        let least = self.arrivals.least_rate();
        let rate = match self.rate {
            Some(rate) => rate,
            None if least > 0.0 => least,
            None => {
                return Err(wrong(
                    "rate",
                    "an open loop needs a rate, in requests per second",
                ));
            }
        };
        // A rate that was reckoned from the bursts may be a little less.
        if rate < least * (1.0 - 1e-9) {
            let detail = format!("the bursts alone are {least} a second: rate must not be less");
            return Err(wrong("rate", &detail));
        }
        Ok(Pace::Open {
            rate: within("rate", rate, &RATE)?,
            arrivals: self.arrivals,
            seed: self.seed,
        })
    }

    fn start(&self, now: f64) -> Result<Option<f64>, Wrong> {
        let longest = LONGEST_WAIT_SECONDS + self.warm_up_seconds;
        match self.start_at_seconds {
            Some(moment) if !(0.0..=now + longest).contains(&moment) => {
                let detail = format!(
                    "start_at_seconds must be a moment of the host's monotonic clock, which is at \
                     {now:.3}, not negative and at most {longest} s ahead"
                );
                Err(wrong("start_at_seconds", &detail))
            }
            start => Ok(start),
        }
    }
}

/// The targets at `urls`.
///
/// # Errors
/// When one is no target, or may not be sent load.
pub fn targets(
    urls: &[String],
    work: Option<u64>,
    allow: &AllowList,
) -> Result<Vec<Target>, Wrong> {
    if urls.is_empty() || urls.len() > MOST_TARGETS {
        let detail = format!("targets must be 1 to {MOST_TARGETS} URLs");
        return Err(wrong("targets", &detail));
    }
    if let Some(work) = work {
        within("work", work, &WORK)?;
    }
    let target = |url: &String| {
        let target = Target::new(url, work).map_err(|why| wrong("targets", &why))?;
        let allowed = allow.check_host(target.host());
        allowed.map_err(|why| wrong("targets", &why.to_string()))?;
        Ok(target)
    };
    urls.iter().map(target).collect()
}

/// Whether bursts are within their bounds.
///
/// # Errors
/// When they are not.
pub fn check_arrivals(arrivals: Arrivals) -> Result<(), Wrong> {
    if let Arrivals::Bursts {
        size,
        every_seconds,
    } = arrivals
    {
        within("arrivals.bursts.size", u64::from(size), &BURST)?;
        let every = "arrivals.bursts.every_seconds";
        within(every, every_seconds, &BURST_EVERY_SECONDS)?;
    }
    Ok(())
}

/// The value, if it is within its bounds.
///
/// # Errors
/// What is allowed, with the field's name.
pub fn within<T: PartialOrd + Copy + std::fmt::Display>(
    field: &'static str,
    value: T,
    allowed: &RangeInclusive<T>,
) -> Result<T, Wrong> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    let (least, most) = (allowed.start(), allowed.end());
    let detail = format!("{field} must be from {least} to {most}, not {value}");
    Err(wrong(field, &detail))
}

/// A field that cannot be.
pub fn wrong(field: &'static str, detail: &str) -> Wrong {
    Wrong {
        field,
        detail: detail.to_owned(),
    }
}

fn constant() -> Arrivals {
    Arrivals::Constant
}

fn sixty_four() -> u64 {
    64
}

fn one() -> f64 {
    1.0
}

fn ten() -> f64 {
    10.0
}

fn five() -> f64 {
    5.0
}
