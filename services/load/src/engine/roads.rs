//! The addresses of the targets, and how many connections lead to each.

use std::net::SocketAddr;

/// How long no further connection is tried after one has failed, in seconds: it
/// doubles from failure to failure.
const SHORTEST_PAUSE_SECONDS: f64 = 0.1;
const LONGEST_PAUSE_SECONDS: f64 = 1.0;

/// One address of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Road {
    /// Whose it is, in the plan's order.
    pub target: usize,
    /// Where it leads.
    pub address: SocketAddr,
    /// Connections there, those that are being opened too.
    connections: usize,
    /// Whether the name still has this address.
    known: bool,
    /// Nothing should be tried before this moment.
    paused_until: f64,
    /// How long the last pause was; 0 for a road that is not in doubt.
    pause: f64,
    /// When the last failure was that counted.
    doubted: f64,
}

impl Road {
    /// Whether the last that is known of it is a failure.
    pub fn is_in_doubt(&self) -> bool {
        self.pause > 0.0
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Roads {
    all: Vec<Road>,
}

impl Roads {
    /// Takes over what a target's name has come to now. Connections to other
    /// addresses stay until they break.
    pub fn learn(&mut self, target: usize, addresses: &[SocketAddr]) {
        for road in self.all.iter_mut().filter(|road| road.target == target) {
            road.known = addresses.contains(&road.address);
        }
        for address in addresses {
            let is_this = |road: &Road| road.target == target && road.address == *address;
            if !self.all.iter().any(is_this) {
                self.all.push(Road {
                    target,
                    address: *address,
                    connections: 0,
                    known: true,
                    paused_until: f64::NEG_INFINITY,
                    pause: 0.0,
                    doubted: f64::NEG_INFINITY,
                });
            }
        }
    }

    /// The one at this place.
    pub fn get(&self, road: usize) -> &Road {
        &self.all[road]
    }

    /// Where the connection for a request should lead: where fewest do, of those
    /// that are not in doubt; where all are, of all.
    pub fn best(&self, now: f64) -> Option<usize> {
        self.first_by(|road| {
            let paused = now < road.paused_until;
            (!road.known, road.is_in_doubt(), paused, road.connections)
        })
    }

    /// Where one that nobody waits for should lead: also where it is to be found
    /// out whether the road is good again. `None` where all are paused.
    pub fn best_unpaused(&self, now: f64) -> Option<usize> {
        let best =
            self.first_by(|road| (!road.known, now < road.paused_until, road.connections))?;
        let road = self.get(best);
        (road.known && now >= road.paused_until).then_some(best)
    }

    fn first_by<K: Ord>(&self, key: impl Fn(&Road) -> K) -> Option<usize> {
        let all = self.all.iter().enumerate();
        all.min_by_key(|(_, road)| key(road))
            .map(|(place, _)| place)
    }

    /// A road that has two connections more than another could have, if there is
    /// one: of one of its connections both would be better off.
    pub fn crowded(&self, now: f64) -> Option<usize> {
        let least = self.get(self.best_unpaused(now)?).connections;
        let all = self.all.iter().enumerate();
        let (place, road) = all.max_by_key(|(_, road)| road.connections)?;
        (road.connections >= least + 2).then_some(place)
    }

    /// A connection is being opened there. Over a road in doubt it is the only
    /// one for a while.
    pub fn begun(&mut self, road: usize, now: f64) {
        let road = &mut self.all[road];
        road.connections += 1;
        road.paused_until = road.paused_until.max(now + road.pause);
    }

    /// It is open.
    pub fn opened(&mut self, road: usize) {
        let road = &mut self.all[road];
        road.pause = 0.0;
        road.paused_until = f64::NEG_INFINITY;
    }

    /// It is no more, in good order or not.
    pub fn ended(&mut self, road: usize) {
        self.all[road].connections -= 1;
    }

    /// One could not be opened, or has broken: the road is in doubt.
    pub fn doubt(&mut self, road: usize, now: f64) {
        let road = &mut self.all[road];
        // Many connections that fail at once are one failure.
        if now >= road.doubted + SHORTEST_PAUSE_SECONDS {
            road.doubted = now;
            road.pause = (2.0 * road.pause).clamp(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS);
            road.paused_until = now + road.pause;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, last], 80))
    }

    fn roads(last: &[u8]) -> Roads {
        let mut roads = Roads::default();
        let addresses: Vec<_> = last.iter().map(|last| address(*last)).collect();
        roads.learn(0, &addresses);
        roads
    }

    fn open(roads: &mut Roads, now: f64) -> usize {
        let road = roads.best(now).unwrap();
        roads.begun(road, now);
        road
    }

    proptest! {
        #[test]
        fn connections_are_spread_evenly(addresses in 1..9_u8, connections in 0..100_usize) {
            let mut roads = roads(&(1..=addresses).collect::<Vec<_>>());
            for _ in 0..connections {
                open(&mut roads, 0.0);
            }
            let counts = roads.all.iter().map(|road| road.connections);
            prop_assert!(counts.clone().max().unwrap() - counts.min().unwrap() <= 1);
            prop_assert_eq!(roads.crowded(0.0), None);
        }
    }

    #[test]
    fn one_that_fails_is_left_alone_for_longer_and_longer() {
        let mut roads = roads(&[1, 2]);
        let first = open(&mut roads, 0.0);
        roads.ended(first);
        roads.doubt(first, 0.0);
        roads.doubt(first, 0.001);
        let other = 1 - first;
        assert_eq!(roads.best_unpaused(0.05), Some(other));
        roads.begun(other, 0.05);
        assert_eq!(roads.best_unpaused(0.11), Some(first));
        assert_eq!(roads.best(0.11), Some(other), "no request is risked for it");
        // One tries; others leave it alone meanwhile.
        roads.begun(first, 0.11);
        assert_eq!(roads.best_unpaused(0.12), Some(other));
        roads.ended(first);
        roads.doubt(first, 0.12);
        assert_eq!(roads.best_unpaused(0.31), Some(other), "0.2 s now");
        assert_eq!(roads.best_unpaused(0.33), Some(first));
        for round in 0..9 {
            roads.doubt(first, 10.0 + 2.0 * f64::from(round));
        }
        assert_eq!(roads.best_unpaused(26.9), Some(other));
        assert_eq!(roads.best_unpaused(27.1), Some(first), "1 s at most");
        roads.opened(first);
        assert_eq!(roads.best(27.1), Some(first));
    }

    #[test]
    fn where_all_are_in_doubt_one_is_tried_if_someone_insists() {
        let mut roads = roads(&[1]);
        roads.doubt(0, 0.0);
        assert_eq!(roads.best(0.0), Some(0));
        assert_eq!(roads.best_unpaused(0.0), None);
        assert_eq!(Roads::default().best(0.0), None);
    }

    #[test]
    fn one_that_comes_back_gets_its_share() {
        let mut roads = roads(&[1]);
        for _ in 0..4 {
            open(&mut roads, 0.0);
        }
        roads.learn(0, &[address(1), address(2)]);
        assert_eq!(roads.crowded(0.0), Some(0));
        for _ in 0..2 {
            roads.ended(0);
            assert_eq!(open(&mut roads, 0.0), 1);
        }
        assert_eq!(roads.crowded(0.0), None);
    }

    #[test]
    fn an_address_that_the_name_has_no_more_is_not_used_again() {
        let mut roads = roads(&[1, 2]);
        roads.learn(0, &[address(2)]);
        for _ in 0..3 {
            assert_eq!(open(&mut roads, 0.0), 1);
        }
        roads.learn(1, &[address(1)]);
        assert_eq!(roads.get(2).target, 1, "another target's is another road");
    }
}
