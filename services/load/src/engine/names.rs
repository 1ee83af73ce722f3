//! Counts by name, for names that others choose.

use std::collections::BTreeMap;

/// The most different names; more are counted together.
const MOST_NAMES: usize = 64;

/// The longest name that is kept, in bytes.
const LONGEST_NAME_BYTES: usize = 64;

/// What the rest is counted under.
pub const OTHERS: &str = "others";

/// Counts by name. Most are counted under the same few names, so that a list is
/// faster than a map.
#[derive(Debug, Default, Clone)]
pub struct Names {
    counts: Vec<(Vec<u8>, u64)>,
    others: u64,
}

impl Names {
    /// Counts one.
    pub fn count(&mut self, name: &[u8]) {
        self.add(name, 1);
    }

    fn add(&mut self, name: &[u8], count: u64) {
        let name = &name[..name.len().min(LONGEST_NAME_BYTES)];
        if let Some((_, sum)) = self.counts.iter_mut().find(|(known, _)| known == name) {
            *sum += count;
        } else if self.counts.len() < MOST_NAMES {
            self.counts.push((name.to_owned(), count));
        } else {
            self.others += count;
        }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            self.add(name, *count);
        }
        self.others += other.others;
    }

    /// The counts by name, for people.
    pub fn named(&self) -> BTreeMap<String, u64> {
        let mut named = BTreeMap::new();
        for (name, count) in &self.counts {
            let name = String::from_utf8_lossy(name).into_owned();
            *named.entry(name).or_default() += count;
        }
        if self.others > 0 {
            *named.entry(OTHERS.to_owned()).or_default() += self.others;
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_and_bounded() {
        let mut names = Names::default();
        for round in 0..3 {
            for name in 0..100 {
                names.count(format!("name-{name}").as_bytes());
            }
            names.count("x".repeat(1000 + round).as_bytes());
        }
        let mut twice = names.clone();
        twice.merge(&names);
        let counts = twice.named();
        assert_eq!(counts.len(), MOST_NAMES + 1);
        assert_eq!(counts["name-0"], 6);
        assert_eq!(counts.values().sum::<u64>(), 2 * 3 * 101);
        assert!(counts.keys().all(|name| name.len() <= LONGEST_NAME_BYTES));
    }
}
