//! The scripts' answers as jobs and what came of them. `None` is an answer that
//! no script gives.

use crate::job::{
    Cancelled, Event, Job, JobId, JsonText, PRIORITIES, Seq, State, Stats, Submitted, Totals, What,
    WorkerInfo,
};
use crate::store::{Accepted, Claimed, Taken, Verdict};
use redis::Value;
use redis_link::answer::{array, number, text};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// What became of a group.
pub(super) fn accepted(answer: Value) -> Option<Accepted> {
    let mut words = array(answer).into_iter().map(text);
    match words.next()??.as_str() {
        "ok" => {
            let mut submitted = Vec::new();
            while let Some(id) = words.next() {
                submitted.push(Submitted {
                    id: id?.parse().ok()?,
                    state: State::lettered(&words.next()??)?,
                    existing: words.next()?? == "1",
                });
            }
            Some(Accepted::All(submitted))
        }
        "full" => Some(Accepted::Full(words.next()??.parse().ok()?)),
        "key" => Some(Accepted::KeyReused {
            index: words.next()??.parse().ok()?,
            id: words.next()??.parse().ok()?,
        }),
        _ => None,
    }
}

/// The jobs that a worker got.
pub(super) fn claimed(answer: Value) -> Option<Claimed> {
    let mut words = array(answer).into_iter();
    let due_in = number(&words.next()?)?;
    let now = number(&words.next()?)?;
    let mut claimed = Claimed {
        jobs: Vec::with_capacity(words.len() / 9),
        due_in: (due_in >= 0).then(|| Duration::from_micros(due_in as u64)),
    };
    let mut words = words.map(text);
    while let Some(id) = words.next() {
        let mut word = || words.next().flatten();
        claimed.jobs.push(Taken {
            id: id?.parse().ok()?,
            token: word()?.parse().ok()?,
            kind: word()?,
            payload: word()?,
            priority: word()?.parse().ok()?,
            attempt: word()?.parse().ok()?,
            timeout: match word()?.as_str() {
                "" => None,
                micros => Some(Duration::from_micros(micros.parse().ok()?)),
            },
            waited: since(&word()?, now)?,
            age: since(&word()?, now)?,
        });
    }
    Some(claimed)
}

/// From that moment until `now`; no time where the clock went back.
fn since(moment: &str, now: i64) -> Option<Duration> {
    let micros = now - moment.parse::<i64>().ok()?;
    Some(Duration::from_micros(micros.max(0) as u64))
}

/// What became of a settlement.
pub(super) fn verdict(answer: Value) -> Option<Verdict> {
    let letters = text(answer)?;
    match letters.strip_prefix('!') {
        Some("") => Some(Verdict::Refused(None)),
        Some(letter) => Some(Verdict::Refused(Some(State::lettered(letter)?))),
        None => Some(Verdict::Settled(State::lettered(&letters)?)),
    }
}

/// What became of a request to cancel.
pub(super) fn cancelled(answer: &str) -> Option<Cancelled> {
    match (answer, answer.strip_prefix('!')) {
        ("", _) => Some(Cancelled::Unknown),
        (_, Some(letter)) => Some(Cancelled::Already(State::lettered(letter)?)),
        (letter, None) => Some(Cancelled::Now {
            was: State::lettered(letter)?,
        }),
    }
}

/// A job: when it is due, and its fields.
pub(super) fn job(id: JobId, answer: Vec<Value>) -> Option<Job> {
    let mut words = answer.into_iter().map(text);
    let due_at = words.next()??;
    let mut fields = HashMap::new();
    while let Some(name) = words.next() {
        fields.insert(name?, words.next()??);
    }
    let mut take = |name: &str| fields.remove(name);
    let seconds = |micros: String| Some(micros.parse::<f64>().ok()? / 1e6);
    let whole = |text: Option<String>| text.map_or(Some(0), |text| text.parse().ok());
    let state = State::lettered(&take("s")?)?;
    let created = take("c")?;
    let was_ready = !matches!(state, State::Scheduled);
    let ready = take("r").or_else(|| was_ready.then(|| created.clone()));
    Some(Job {
        id,
        kind: take("t")?,
        payload: JsonText::parse(take("p")?).ok()?,
        state,
        priority: take("q")?.parse().ok()?,
        attempt: whole(take("a"))?,
        attempts: take("m")?.parse().ok()?,
        losses: whole(take("l"))?,
        created_at: seconds(created)?,
        ready_at: ready.and_then(seconds),
        due_at: seconds(due_at),
        started_at: take("u").and_then(seconds),
        finished_at: take("n").and_then(seconds),
        worker: take("w"),
        progress: take("g").and_then(|text| text.parse().ok()),
        result: take("v").and_then(|text| JsonText::parse(text).ok()),
        error: take("E"),
        key: take("k"),
    })
}

/// Where to go on, and ids.
pub(super) fn ids(answer: Value) -> Option<(Option<u64>, Vec<JobId>)> {
    let mut words = array(answer).into_iter();
    let skip = number(&words.next()?)?;
    let ids: Option<_> = words.map(|id| text(id)?.parse().ok()).collect();
    Some((u64::try_from(skip).ok(), ids?))
}

/// What the queue holds.
pub(super) fn stats(answer: Value) -> Option<Stats> {
    let mut parts = array(answer).into_iter();
    let counts: BTreeMap<String, u64> = pairs(parts.next()?)
        .filter_map(|(name, count)| Some((name, count.parse::<i64>().ok()?.max(0) as u64)))
        .collect();
    let count = |name: &str| counts.get(name).copied().unwrap_or(0);
    let mut ended = || number(&parts.next()?).map(|count| count as u64);
    let (succeeded, dead, cancelled) = (ended()?, ended()?, ended()?);
    let oldest = number(&parts.next()?)?;
    let now = number(&parts.next()?)?;
    let mut by_priority = [0; PRIORITIES];
    for (priority, ready) in by_priority.iter_mut().enumerate() {
        *ready = count(&format!("r{priority}"));
    }
    let ready = by_priority.iter().sum();
    let (scheduled, failed) = (count("s"), count("f"));
    Some(Stats {
        waiting: scheduled + ready + failed,
        by_state: [
            (State::Scheduled, scheduled),
            (State::Ready, ready),
            (State::Active, count("a")),
            (State::Failed, failed),
            (State::Succeeded, succeeded),
            (State::Dead, dead),
            (State::Cancelled, cancelled),
        ]
        .into(),
        by_priority,
        oldest_seconds: (oldest >= 0).then(|| oldest as f64 / 1e6),
        totals: Totals {
            submitted: count("submitted"),
            succeeded: count("succeeded"),
            died: count("died"),
            cancelled: count("cancelled"),
            failed_tries: count("failed_tries"),
            lost: count("lost"),
            refused: count("refused"),
            retried: count("retried"),
            dropped: count("dropped"),
        },
        rates: None,
        workers: pairs(parts.next()?)
            .filter_map(|(name, words)| worker(name, &words, now))
            .collect(),
    })
}

/// A worker said `words` at the moment they begin with.
fn worker(name: String, words: &str, now: i64) -> Option<WorkerInfo> {
    let (seen, words) = words.split_once(' ')?;
    let seen: i64 = seen.parse().ok()?;
    let info: WorkerInfo = serde_json::from_str(words).ok()?;
    Some(WorkerInfo {
        name,
        seen_seconds: (now - seen).max(0) as f64 / 1e6,
        ..info
    })
}

fn pairs(answer: Value) -> impl Iterator<Item = (String, String)> {
    let mut words = array(answer).into_iter().map(text);
    std::iter::from_fn(move || Some((words.next()??, words.next()??)))
}

/// After which entry to read, so that all events after `after` are seen: there
/// may be more in its own entry, unless that was read to its end.
pub(super) fn before_entry(after: Seq) -> String {
    let Seq { millis, step, part } = after;
    if part == Seq::WHOLE || after == Seq::default() {
        format!("{millis}-{step}")
    } else if step > 0 {
        format!("{millis}-{}", step - 1)
    } else {
        format!("{}-{}", millis.saturating_sub(1), u64::MAX)
    }
}

/// The events of an `XREAD` of one stream that come after `after`.
pub(super) fn events(answer: Value, after: Seq) -> Vec<Event> {
    let stream = array(answer).into_iter().next();
    let entries = stream.and_then(|stream| array(stream).into_iter().nth(1));
    let entries = entries.map(array).unwrap_or_default();
    let events = entries.into_iter().filter_map(entry).flatten();
    events.filter(|event| event.seq > after).collect()
}

/// The place of the one entry of an `XREVRANGE`.
pub(super) fn last_seq(answer: Value) -> Seq {
    let last = array(answer).into_iter().next();
    let id = last.and_then(|entry| text(array(entry).into_iter().next()?));
    let seq = id.and_then(|id| seq(&id));
    seq.map(Seq::whole).unwrap_or_default()
}

fn seq(id: &str) -> Option<Seq> {
    let (millis, step) = id.split_once('-')?;
    Some(Seq {
        millis: millis.parse().ok()?,
        step: step.parse().ok()?,
        part: 0,
    })
}

fn entry(entry: Value) -> Option<Vec<Event>> {
    let mut parts = array(entry).into_iter();
    let seq = seq(&text(parts.next()?)?)?;
    let words = text(array(parts.next()?).into_iter().nth(1)?)?;
    let events = (0..).zip(words.split(','));
    let events = events.filter_map(|(part, words)| event(Seq { part, ..seq }, words));
    Some(events.collect())
}

/// One event: a letter and an id, a type, and how much is done.
fn event(seq: Seq, words: &str) -> Option<Event> {
    let mut words = words.split(':');
    let head = words.next()?;
    let (letter, id) = head.split_at_checked(1)?;
    Some(Event {
        seq,
        at: seq.millis as f64 / 1e3,
        id: id.parse().ok()?,
        kind: words.next()?.to_owned(),
        what: match letter {
            "p" => What::Progress(words.next()?.parse().ok()?),
            letter => What::State(State::lettered(letter)?),
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn events_go_on_within_an_entry() {
        let seq = |text: &str| text.parse::<Seq>().unwrap();
        assert_eq!(before_entry(seq("7-3-5")), "7-2");
        assert_eq!(before_entry(seq("7-0-5")), format!("6-{}", u64::MAX));
        assert_eq!(before_entry(seq("7-3-5").whole()), "7-3");
        assert_eq!(before_entry(Seq::default()), "0-0");
    }

    #[test]
    fn an_event_is_a_state_or_a_progress() {
        let at = Seq::default();
        let became = event(at, "a17:sleep").unwrap();
        assert_eq!((became.id, became.kind.as_str()), (JobId(17), "sleep"));
        assert_eq!(became.what, What::State(State::Active));
        let done = event(at, "p17:sleep:0.250").unwrap();
        assert_eq!(done.what, What::Progress(0.25));
        for words in [
            "",
            "a",
            "a17",
            "q17:sleep",
            "p17:sleep",
            "ax:sleep",
            "é17:x",
        ] {
            assert_eq!(event(at, words), None, "{words:?}");
        }
    }
}
