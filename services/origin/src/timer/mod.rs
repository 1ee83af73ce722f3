//! Waits that are as long as they say: tokio's timer counts whole milliseconds
//! and makes 100 ms 101 to 102, which is another latency than the one asked for.

mod alarm;

use alarm::Alarm;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Waits that end within one of these end together, with its end: it bounds how
/// often the timer wakes up, which costs CPU time.
const TICK: Duration = Duration::from_micros(200);

/// A timer; its clones are the same one.
#[derive(Debug, Clone)]
pub struct Timer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    began: Instant,
    alarm: Alarm,
    /// Who waits, by the tick that ends it.
    waits: Mutex<BTreeMap<u64, Arc<Notify>>>,
}

impl Timer {
    /// A timer that a task of this runtime drives.
    ///
    /// # Errors
    /// When the kernel gives no timer: mostly too many open files.
    pub fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            began: Instant::now(),
            alarm: Alarm::new()?,
            waits: Mutex::default(),
        });
        let driven = shared.clone();
        tokio::spawn(async move {
            loop {
                driven.alarm.rings().await;
                driven.wake_due();
            }
        });
        Ok(Self(shared))
    }

    /// Waits for `length`: never less, and on average 0.1 ms more.
    pub async fn sleep(&self, length: Duration) {
        self.0.wait(length).await;
    }
}

impl Shared {
    /// The end of a wait that begins now.
    fn wait(&self, length: Duration) -> impl Future<Output = ()> + use<> {
        let end = (self.began.elapsed() + length).as_nanos();
        let tick = end.div_ceil(TICK.as_nanos()) as u64;
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let end = Arc::clone(waits.entry(tick).or_default()).notified_owned();
        if waits.keys().next() == Some(&tick) {
            self.set_alarm(tick);
        }
        end
    }

    /// Ends the waits whose tick has come.
    fn wake_due(&self) {
        let tick = (self.began.elapsed().as_nanos() / TICK.as_nanos()) as u64;
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let later = waits.split_off(&(tick + 1));
        let due = std::mem::replace(&mut *waits, later);
        if let Some(next) = waits.keys().next() {
            self.set_alarm(*next);
        }
        drop(waits);
        for end in due.into_values() {
            end.notify_waiters();
        }
    }

    fn set_alarm(&self, tick: u64) {
        let since = Duration::from_nanos(tick.saturating_mul(TICK.as_nanos() as u64));
        self.alarm.set(since.saturating_sub(self.began.elapsed()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use tokio::task::JoinSet;

    /// Far longer than anything here takes, on a busy machine too.
    const DEADLINE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn no_wait_is_shorter_than_it_says() {
        let timer = Timer::start().unwrap();
        let mut waits = JoinSet::new();
        for wait in 0..2000_u64 {
            let timer = timer.clone();
            // Later ones often end before earlier ones.
            let length = Duration::from_micros(wait * 7919 % 50_000);
            waits.spawn(async move {
                let began = Instant::now();
                timer.sleep(length).await;
                (length, began.elapsed())
            });
        }

        let waited = tokio::time::timeout(DEADLINE, waits.join_all()).await;

        for (length, took) in waited.expect("all waits end") {
            assert!(took >= length, "{took:?} instead of {length:?}");
        }
        assert!(timer.0.waits.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_holds_back_none() {
        let timer = Timer::start().unwrap();
        let hour = Duration::from_hours(1);
        let given_up = tokio::time::timeout(Duration::from_millis(5), timer.sleep(hour));
        assert!(given_up.await.is_err());

        let short = timer.sleep(Duration::from_millis(5));

        tokio::time::timeout(DEADLINE, short).await.unwrap();
    }

    #[tokio::test]
    async fn a_wait_begins_with_its_call_and_not_with_its_tick() {
        let timer = Timer::start().unwrap();
        let began = Instant::now();
        for _ in 0..20 {
            timer.sleep(Duration::from_millis(1)).await;
        }
        assert!(began.elapsed() >= Duration::from_millis(20));
    }
}
