//! Which URL is next: of no host more than it may be asked for at once.
//!
//! A list that is sorted by host would otherwise have all who fetch wait for the
//! same one. URLs of a host that has enough under way are put aside, a bounded
//! number of them, and the list is read on.

use super::feed::Feed;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use url::{Position, Url};

/// URLs that are put aside at most: some megabytes, of the longest URLs 16.
const MOST_ASIDE: usize = 8192;

/// The URLs of a run, in the order in which they may be fetched.
pub(super) struct Turns {
    feed: Feed,
    has_ended: bool,
    /// `None`: hosts have no limit, and the order is the feed's.
    hosts: Option<Arc<Hosts>>,
}

/// A URL whose turn it is, and its place among those of its host.
pub(super) struct Turn {
    pub url: Url,
    place: Option<Place>,
}

/// Held while a URL is under way.
pub(super) struct Place {
    hosts: Arc<Hosts>,
    host: String,
}

#[derive(Default)]
struct Hosts {
    per_host: usize,
    known: Mutex<Known>,
    /// A URL that was put aside may have its turn.
    free: Notify,
}

#[derive(Default)]
struct Known {
    /// Hosts that have something under way or aside.
    by_name: HashMap<String, Host>,
    /// Hosts with room for a URL that is aside; there may be others in it.
    ready: VecDeque<String>,
    aside: usize,
}

#[derive(Default)]
struct Host {
    under_way: usize,
    aside: VecDeque<Url>,
}

impl Turns {
    /// Those of `feed`, of each host so many at once.
    pub(super) fn new(feed: Feed, per_host: Option<usize>) -> Self {
        let hosts = per_host.map(|per_host| {
            Arc::new(Hosts {
                per_host,
                ..Hosts::default()
            })
        });
        Self {
            feed,
            has_ended: false,
            hosts,
        }
    }

    /// The next one; waits while there are only those of busy hosts. `None`
    /// after the last one.
    pub(super) async fn next(&mut self) -> Option<Turn> {
        let Some(hosts) = self.hosts.clone() else {
            let url = self.feed.next().await?;
            return Some(Turn { url, place: None });
        };
        loop {
            if let Some(turn) = hosts.aside() {
                return Some(turn);
            }
            let aside = hosts.known().aside;
            if self.has_ended && aside == 0 {
                return None;
            }
            let reads_on = !self.has_ended && aside < MOST_ASIDE;
            tokio::select! {
                biased;
                () = hosts.free.notified(), if aside > 0 => {}
                url = self.feed.next(), if reads_on => match url {
                    Some(url) => {
                        if let Some(turn) = hosts.enter(url) {
                            return Some(turn);
                        }
                    }
                    None => self.has_ended = true,
                },
            }
        }
    }
}

impl Turn {
    /// The URL, and its place: to be dropped when it has its outcome.
    pub(super) fn begin(self) -> (Url, Option<Place>) {
        (self.url, self.place)
    }
}

impl Hosts {
    /// Gives a URL its turn, or puts it aside.
    fn enter(self: &Arc<Self>, url: Url) -> Option<Turn> {
        let name = url[..Position::BeforePath].to_owned();
        let mut known = self.known();
        let known = &mut *known;
        let host = known.by_name.entry(name.clone()).or_default();
        if host.under_way >= self.per_host {
            host.aside.push_back(url);
            known.aside += 1;
            return None;
        }
        host.under_way += 1;
        Some(self.turn(url, name))
    }

    /// A URL that was put aside and whose host has room now.
    fn aside(self: &Arc<Self>) -> Option<Turn> {
        let mut known = self.known();
        let known = &mut *known;
        loop {
            let name = known.ready.pop_front()?;
            let Some(host) = known.by_name.get_mut(&name) else {
                continue;
            };
            if host.under_way >= self.per_host {
                continue;
            }
            if let Some(url) = host.aside.pop_front() {
                host.under_way += 1;
                known.aside -= 1;
                return Some(self.turn(url, name));
            }
        }
    }

    fn turn(self: &Arc<Self>, url: Url, host: String) -> Turn {
        let place = Some(Place {
            hosts: self.clone(),
            host,
        });
        Turn { url, place }
    }

    /// One of a host's URLs has its outcome.
    fn leave(&self, name: &str) {
        let mut known = self.known();
        let Some(host) = known.by_name.get_mut(name) else {
            return;
        };
        host.under_way -= 1;
        if !host.aside.is_empty() {
            known.ready.push_back(name.to_owned());
            drop(known);
            self.free.notify_one();
        } else if host.under_way == 0 {
            known.by_name.remove(name);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hosts.leave(&self.host);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures_util::FutureExt as _;
    use proptest::prelude::*;
    use std::time::Duration;

    fn urls(hosts: &[(char, usize)]) -> Vec<Url> {
        let pages = hosts
            .iter()
            .flat_map(|(host, pages)| (0..*pages).map(move |page| format!("http://{host}/{page}")));
        pages.map(|url| url.parse().unwrap()).collect()
    }

    /// The next URL, where there is one that may be fetched now.
    async fn now(turns: &mut Turns) -> Option<Turn> {
        let next = tokio::time::timeout(Duration::from_millis(20), turns.next());
        next.await.ok().flatten()
    }

    fn host(turn: &Turn) -> &str {
        turn.url.host_str().unwrap()
    }

    #[tokio::test]
    async fn a_sorted_list_keeps_several_hosts_busy() {
        let list = urls(&[('a', 10), ('b', 10), ('c', 10)]);
        let mut turns = Turns::new(Feed::list(list), Some(3));

        let mut under_way = Vec::new();
        while let Some(turn) = now(&mut turns).await {
            under_way.push(turn);
        }

        let hosts: String = under_way.iter().map(host).collect();
        assert_eq!(hosts, "aaabbbccc");
        // Whose page ends makes room for one of the same host, in its order.
        drop(under_way.remove(4));
        let next = now(&mut turns).await.unwrap();
        assert_eq!(next.url.as_str(), "http://b/3");
        assert!(now(&mut turns).await.is_none());
    }

    #[tokio::test]
    async fn without_a_limit_the_order_is_the_lists() {
        let list = urls(&[('a', 500), ('b', 500)]);
        let mut turns = Turns::new(Feed::list(list.clone()), None);
        let mut taken = Vec::new();
        while let Some(turn) = turns.next().await {
            taken.push(turn.begin());
        }
        assert!(taken.iter().map(|(url, _)| url).eq(&list));
    }

    #[tokio::test]
    async fn no_more_than_some_are_put_aside() {
        let list = urls(&[('a', 3 * MOST_ASIDE), ('b', 1)]);
        let mut turns = Turns::new(Feed::list(list), Some(1));
        let first = turns.next().await.unwrap();

        assert!(now(&mut turns).await.is_none());

        let hosts = turns.hosts.clone().unwrap();
        assert_eq!(hosts.known().aside, MOST_ASIDE);
        drop(first);
        let mut taken = 1;
        while let Some(turn) = turns.next().await {
            drop(turn);
            taken += 1;
        }
        assert_eq!(taken, 3 * MOST_ASIDE + 1);
        assert!(hosts.known().by_name.is_empty());
    }

    proptest! {
        #[test]
        fn each_url_has_one_turn_and_no_host_too_many(
            list in proptest::collection::vec(0_u8..6, 0..200), per_host in 1_usize..4,
            at_once in 1_usize..8, seed in any::<u64>(),
        ) {
            let list: Vec<Url> = list.iter().enumerate()
                .map(|(page, host)| format!("http://h{host}/{page}").parse().unwrap())
                .collect();
            let mut turns = Turns::new(Feed::list(list.clone()), Some(per_host));
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut taken, mut under_way) = (Vec::new(), Vec::<Turn>::new());
            loop {
                match turns.next().now_or_never() {
                    Some(None) => break,
                    Some(Some(turn)) => {
                        taken.push(turn.url.clone());
                        under_way.push(turn);
                    }
                    // All that is left waits for one of these.
                    None => drop(under_way.swap_remove(random.usize(..under_way.len()))),
                }
                for turn in &under_way {
                    let same = under_way.iter().filter(|other| host(other) == host(turn));
                    prop_assert!(same.count() <= per_host);
                }
                while under_way.len() >= at_once {
                    under_way.swap_remove(random.usize(..under_way.len()));
                }
            }
            drop(under_way);
            prop_assert!(turns.hosts.as_ref().unwrap().known().by_name.is_empty());
            let mut sorted = taken.clone();
            sorted.sort();
            let mut expected = list;
            expected.sort();
            prop_assert_eq!(sorted, expected);
        }
    }
}
