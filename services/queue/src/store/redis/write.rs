//! Jobs and what came of them as words for the scripts.

use crate::job::{NewJob, Start, USUAL_RETENTION};
use crate::store::{Outcome, Settlement};
use crate::work::{Class, Kind};
use redis::{Cmd, ToRedisArgs};
use std::time::Duration;

/// Whole microseconds.
pub(super) fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}

/// How much is done, in thousandths: more would be no news.
pub(super) fn progress(progress: f64) -> String {
    format!("{:.3}", progress.clamp(0.0, 1.0))
}

/// A group of jobs, as `submit` reads it.
pub(super) fn group(call: &mut Cmd, jobs: &[NewJob]) {
    call.arg(jobs.len());
    for job in jobs {
        one(call, job);
    }
}

fn one(call: &mut Cmd, job: &NewJob) {
    let class = Kind::named(&job.kind).map(Kind::class);
    match class {
        Some(Class::Cpu) => call.arg("c"),
        Some(Class::Io) => call.arg("i"),
        None => call.arg(Kind::unknown(&job.kind)),
    };
    match job.start {
        Start::Now => call.arg(""),
        Start::After(delay) => call.arg(format!("+{}", micros(delay))),
        Start::At { unix_micros } => call.arg(format!("@{unix_micros}")),
    };
    match job.ttl {
        Some(ttl) => call.arg(micros(ttl)),
        None => call.arg(""),
    };
    call.arg(job.key.as_deref().unwrap_or_default());
    let mut fields = Fields::default();
    // What is usual is not written: it would be most of a small job.
    let usual = crate::job::Backoff::default();
    let unusual = |duration: Duration, usual| (duration != usual).then(|| micros(duration));
    fields.add("y", (class == Some(Class::Io)).then_some("i"));
    fields.add("b", unusual(job.backoff.first, usual.first));
    fields.add("B", unusual(job.backoff.most, usual.most));
    fields.add("o", job.timeout.map(micros));
    fields.add("z", unusual(job.retention, USUAL_RETENTION));
    fields.add("k", job.key.as_deref());
    fields.add("e", job.effect.as_deref());
    call.arg(fields.words.len() + 8);
    call.arg("t").arg(&job.kind).arg("p").arg(&job.payload);
    call.arg("q").arg(job.priority).arg("m").arg(job.attempts);
    for word in fields.words {
        call.arg(word);
    }
}

/// Fields that a job may have.
#[derive(Default)]
struct Fields {
    words: Vec<Vec<u8>>,
}

impl Fields {
    fn add(&mut self, name: &str, value: Option<impl ToRedisArgs>) {
        if let Some(value) = value {
            self.words.push(name.as_bytes().to_vec());
            value.write_redis_args(&mut self.words);
        }
    }
}

/// What came of a job, as `settle` reads it.
pub(super) fn settlement(call: &mut Cmd, settlement: &Settlement) {
    let (letter, text) = match &settlement.outcome {
        Outcome::Done(result) => ("o", result.as_str()),
        Outcome::Failed(error) => ("f", error.as_str()),
        Outcome::Hopeless(error) => ("h", error.as_str()),
        Outcome::GivenBack => ("b", ""),
    };
    call.arg(settlement.id.0).arg(settlement.token);
    call.arg(letter).arg(text);
    call.arg(settlement.jitter);
}
