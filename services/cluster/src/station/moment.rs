//! The family at both ends of a sample, and what it did in between.

use super::api::Figures;
use crate::counters::{Counts, Cut};
use crate::master::{Handle, Seen};
use cpu_budget::{SchedStat, Scheduled};
use measure::report::{BlockedOn, WorkerAccount};
use service_kit::sampling::{LiveSample, Watching};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The family at one moment.
pub struct Moment {
    counts: Counts,
    restarts: u64,
    workers: BTreeMap<u64, Serving>,
}

/// A worker that serves.
struct Serving {
    started: f64,
    requests: u64,
    threads: Vec<Thread>,
}

/// One of its threads.
#[derive(Clone)]
struct Thread {
    number: u32,
    /// `None` where the kernel does not count.
    stat: Option<Arc<SchedStat>>,
    used: Option<Scheduled>,
}

impl Moment {
    /// The family now. Of workers that were there `before`, the same threads are
    /// read, whatever has got their numbers since.
    pub fn now(master: &Handle, before: Option<&Self>) -> Self {
        let read = |(number, seen): (u64, &Seen)| {
            let known = before.and_then(|before| before.workers.get(&number));
            let same = known.map(|serving| &serving.threads[..]);
            (number, Serving::read(seen, same.unwrap_or_default()))
        };
        // The clocks first, at once: the counts take their time to arrive.
        let mut workers: BTreeMap<u64, Serving> = master.view.lock().serving().map(read).collect();
        master.count_blocking();
        let seen = master.view.lock();
        for (number, worker) in &mut workers {
            if let Some(seen) = seen.workers.get(number) {
                worker.requests = seen.counts.requests();
            }
        }
        Self {
            counts: seen.counts(),
            restarts: seen.restarts,
            workers,
        }
    }

    /// Enters all threads, so that a scrape sees meanwhile where their time goes.
    pub fn watch(&self, live: &LiveSample) -> Vec<Watching> {
        let threads = self.workers.values().flat_map(|worker| &worker.threads);
        let stats = threads.filter_map(|thread| thread.stat.clone());
        let roster = live.roster();
        stats.filter_map(|stat| roster.enter_other(stat)).collect()
    }
}

impl Serving {
    fn read(seen: &Seen, same: &[Thread]) -> Self {
        let thread = |number: &u32| {
            let open = || SchedStat::of_thread(seen.pid, *number).map(Arc::new);
            let known = same.iter().find(|thread| thread.number == *number);
            let stat = known.map_or_else(open, |thread| thread.stat.clone());
            Thread {
                number: *number,
                used: stat.as_ref().and_then(|stat| stat.read()),
                stat,
            }
        };
        Self {
            started: seen.started,
            requests: seen.counts.requests(),
            threads: seen.threads.iter().map(thread).collect(),
        }
    }
}

/// The accounts of all threads that serve at the end. Of a worker that died in
/// between nobody can tell: it is left out.
pub fn accounts(before: &Moment, after: &Moment, started: f64, ended: f64) -> Vec<WorkerAccount> {
    let mut accounts = Vec::new();
    for (number, worker) in &after.workers {
        let earlier = before.workers.get(number);
        let requests = worker.requests - earlier.map_or(0, |earlier| earlier.requests);
        let began = earlier.map_or(worker.started.max(started), |_| started);
        let items = split(requests, worker.threads.len());
        for (index, (thread, items)) in worker.threads.iter().zip(items).enumerate() {
            let base = match earlier {
                Some(earlier) => earlier.threads.get(index).and_then(|thread| thread.used),
                None => thread.used.map(|_| Scheduled::default()),
            };
            let mut account = account(base, thread.used, ended - began);
            account.items = items;
            account.started_seconds = began;
            account.ended_seconds = ended;
            if account.waited_seconds.is_some() {
                account.blocked_on.start = began - started;
            }
            accounts.push(account);
        }
    }
    accounts
}

/// What a thread did within so many seconds: it ran, was ready to, or had nothing
/// to do.
fn account(base: Option<Scheduled>, used: Option<Scheduled>, seconds: f64) -> WorkerAccount {
    let Some((base, used)) = base.zip(used) else {
        return WorkerAccount::default();
    };
    let since = |later: Duration, earlier: Duration| later.saturating_sub(earlier).as_secs_f64();
    // The kernel's sums move at its ticks, and so may say a little more.
    let on_cpu = since(used.on_cpu, base.on_cpu).min(seconds);
    let waited = since(used.waited, base.waited).min(seconds - on_cpu);
    WorkerAccount {
        on_cpu_seconds: Some(on_cpu),
        waited_seconds: Some(waited),
        blocked_on: BlockedOn {
            idle: seconds - on_cpu - waited,
            ..BlockedOn::default()
        },
        ..WorkerAccount::default()
    }
}

/// `count` in so many parts that differ by one at most.
fn split(count: u64, parts: usize) -> impl Iterator<Item = u64> {
    let parts = parts as u64;
    (0..parts).map(move |part| count / parts + u64::from(part < count % parts))
}

/// What it came to.
pub fn figures(before: &Moment, after: &Moment) -> Figures {
    let requests = |counts: &Counts| counts.requests();
    let of_each = after.workers.iter().map(|(number, worker)| {
        let earlier = before.workers.get(number);
        worker.requests - earlier.map_or(0, |earlier| earlier.requests)
    });
    let (earlier, later) = (&before.counts, &after.counts);
    Figures {
        requests: requests(later) - requests(earlier),
        connections: later.accepted - earlier.accepted,
        restarts: after.restarts - before.restarts,
        fairness: jains_index(of_each),
        refused: later.cut(Cut::Full) - earlier.cut(Cut::Full),
    }
}

/// (Σx)² ÷ (n Σx²), from Jain, Chiu and Hawe, "A Quantitative Measure of
/// Fairness", DEC-TR-301 (1984); `None` where all are 0.
fn jains_index(of_each: impl Iterator<Item = u64>) -> Option<f64> {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for one in of_each.map(|one| one as f64) {
        count += 1.0;
        sum += one;
        squares += one * one;
    }
    (squares > 0.0).then(|| sum * sum / (count * squares))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scheduled(on_cpu: f64, waited: f64) -> Scheduled {
        Scheduled {
            on_cpu: Duration::from_secs_f64(on_cpu),
            waited: Duration::from_secs_f64(waited),
            turns: 1,
        }
    }

    #[test]
    fn what_no_thread_used_it_was_idle() {
        let of = account(Some(scheduled(1.0, 1.0)), Some(scheduled(1.5, 1.25)), 1.0);
        assert_eq!(of.on_cpu_seconds, Some(0.5));
        assert_eq!(of.waited_seconds, Some(0.25));
        assert!((of.blocked_on.idle - 0.25).abs() < 1e-9);
        assert_eq!(
            account(None, Some(scheduled(1.0, 1.0)), 1.0),
            WorkerAccount::default()
        );
    }

    #[test]
    fn fairness_is_one_where_all_are_alike_and_one_nth_where_one_has_all() {
        let near = |of: &[u64], expected: f64| {
            jains_index(of.iter().copied()).is_some_and(|index| (index - expected).abs() < 1e-12)
        };
        assert!(near(&[5, 5, 5], 1.0));
        assert!(near(&[9, 0, 0], 1.0 / 3.0));
        assert!(near(&[1, 3], 0.8));
        assert_eq!(jains_index([0, 0].into_iter()), None);
        assert_eq!(jains_index(std::iter::empty()), None);
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_differ_by_one(count in 0_u64..1000, parts in 1_usize..20) {
            let all: Vec<u64> = split(count, parts).collect();
            prop_assert_eq!(all.len(), parts);
            prop_assert_eq!(all.iter().sum::<u64>(), count);
            prop_assert!(all.iter().max().zip(all.iter().min()).is_some_and(|(most, least)| most - least <= 1));
        }

        #[test]
        fn an_account_is_as_long_as_its_time(
            ran in 0.0_f64..10.0, waited in 0.0_f64..10.0, seconds in 0.1_f64..10.0,
        ) {
            let of = account(Some(Scheduled::default()), Some(scheduled(ran, waited)), seconds);
            let sum = of.on_cpu_seconds.unwrap_or(0.0) + of.waited_seconds.unwrap_or(0.0)
                + of.blocked_on.total();
            prop_assert!((sum - seconds).abs() < 1e-6);
            prop_assert!(of.blocked_on.idle >= -1e-9);
        }
    }
}
