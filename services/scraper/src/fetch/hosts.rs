//! What is known of each host while a run goes on: its slots, its pace, its
//! robots.txt.

use super::robots_txt::RobotsTxt;
use crate::pace::Pace;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

/// With more hosts than this, those that nothing waits for are forgotten.
const MOST_HOSTS: usize = 10_000;

/// All hosts of a run.
#[derive(Debug)]
pub(super) struct Hosts {
    known: Mutex<HashMap<String, Arc<Host>>>,
    slots: Option<usize>,
    interval: Duration,
}

/// One host and port.
#[derive(Debug)]
pub(super) struct Host {
    slots: Option<Semaphore>,
    pace: Mutex<Pace>,
    /// Its rules.
    pub(super) robots: RobotsTxt,
}

impl Hosts {
    /// Hosts of which each gets at most `slots` requests at once, `interval` apart.
    pub(super) fn new(slots: Option<usize>, interval: Duration) -> Self {
        Self {
            known: Mutex::default(),
            slots,
            interval,
        }
    }

    /// The host of a URL.
    pub(super) fn of(&self, url: &Url) -> Arc<Host> {
        let name = &url[..url::Position::BeforePath];
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = known.get(name) {
            return host.clone();
        }
        if known.len() >= MOST_HOSTS {
            let now = Instant::now();
            known.retain(|_, host| Arc::strong_count(host) > 1 || !host.pace().is_idle(now));
        }
        let host = Arc::new(Host {
            slots: self.slots.map(Semaphore::new),
            pace: Mutex::new(Pace::new(self.interval)),
            robots: RobotsTxt::default(),
        });
        known.insert(name.to_owned(), host.clone());
        host
    }
}

impl Host {
    /// Waits for a slot and for the host's pace; the slot is held until dropped.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let slot = match &self.slots {
            // Never closed.
            Some(slots) => slots.acquire().await.ok(),
            None => None,
        };
        loop {
            let now = Instant::now();
            let leaves = self.pace().reserve(now, fastrand::f64());
            if leaves <= now {
                return slot;
            }
            tokio::time::sleep(leaves - now).await;
            // Asked for a pause meanwhile: that place is void.
            if self.pace().paused_after(leaves) {
                continue;
            }
            return slot;
        }
    }

    /// The host asked for a pause.
    pub(super) fn pause(&self, length: Duration) {
        self.pace().pause(Instant::now(), length);
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn url(host: usize) -> Url {
        Url::parse(&format!("http://h{host}/page")).unwrap()
    }

    #[test]
    fn a_host_is_the_same_for_all_its_pages_and_another_for_another_port() {
        let hosts = Hosts::new(None, Duration::ZERO);
        let of = |url: &str| hosts.of(&Url::parse(url).unwrap());

        assert!(Arc::ptr_eq(&of("http://h/a?b"), &of("http://H:80/c")));
        assert!(!Arc::ptr_eq(&of("http://h/"), &of("http://h:81/")));
        assert!(!Arc::ptr_eq(&of("http://h/"), &of("https://h/")));
    }

    #[test]
    fn of_very_many_hosts_those_that_matter_now_are_kept() {
        let hosts = Hosts::new(None, Duration::ZERO);
        let in_use = hosts.of(&url(0));
        hosts.of(&url(1)).pause(Duration::from_hours(1));
        for host in 2..3 * MOST_HOSTS {
            hosts.of(&url(host));
        }

        assert!(hosts.known.lock().unwrap().len() <= MOST_HOSTS + 1);
        assert!(Arc::ptr_eq(&in_use, &hosts.of(&url(0))));
        assert!(!hosts.of(&url(1)).pace().is_idle(Instant::now()));
    }

    #[tokio::test]
    async fn who_waits_for_a_slot_or_a_pause_gets_it_when_it_ends() {
        let hosts = Hosts::new(Some(1), Duration::ZERO);
        let host = hosts.of(&url(0));
        let first = host.turn().await;
        assert!(
            tokio::time::timeout(Duration::from_millis(20), host.turn())
                .await
                .is_err()
        );

        drop(first);

        assert!(host.turn().await.is_some());
    }
}
