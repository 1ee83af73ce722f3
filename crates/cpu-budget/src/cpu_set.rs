//! A set of CPU numbers and the kernel's notation for it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The highest CPU number that a list may name. Linux is built for at most
/// 8192 CPUs (`NR_CPUS`); the bound keeps `0-4000000000` from filling memory.
const MAX_CPU: usize = 65_535;

/// A sorted set of CPU numbers, read and written as the kernel's list format:
/// `0-3,8` is CPUs 0, 1, 2, 3 and 8 (cpuset(7), "List format").
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CpuSet(BTreeSet<usize>);

impl CpuSet {
    /// How many CPUs the set holds.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set holds no CPU.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the set holds this CPU.
    pub fn contains(&self, cpu: usize) -> bool {
        self.0.contains(&cpu)
    }

    /// The CPUs in rising order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().copied()
    }

    /// The CPUs that stand in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(&self.0 & &other.0)
    }

    /// The CPUs that stand in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(&self.0 | &other.0)
    }

    /// The set as runs of adjacent CPUs, each first to last.
    fn runs(&self) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for cpu in self.iter() {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == cpu => *last = cpu,
                _ => runs.push((cpu, cpu)),
            }
        }
        runs
    }
}

impl FromIterator<usize> for CpuSet {
    fn from_iter<I: IntoIterator<Item = usize>>(cpus: I) -> Self {
        Self(cpus.into_iter().collect())
    }
}

/// A text that is not a CPU list in the kernel's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCpuSetError(String);

impl fmt::Display for ParseCpuSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a list of CPUs such as 0-3,8", self.0)
    }
}

impl std::error::Error for ParseCpuSetError {}

impl FromStr for CpuSet {
    type Err = ParseCpuSetError;

    /// Reads a list; blank text is the empty set. A single bad part refuses
    /// the whole: half a cpuset would be a wrong answer.
    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let list = list.trim();
        if list.is_empty() {
            return Ok(Self::default());
        }
        let mut cpus = BTreeSet::new();
        for part in list.split(',') {
            cpus.extend(part_of_list(part.trim()).ok_or_else(|| ParseCpuSetError(list.into()))?);
        }
        Ok(Self(cpus))
    }
}

fn part_of_list(part: &str) -> Option<RangeInclusive<usize>> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let (first, last) = (cpu_number(first)?, cpu_number(last)?);
    (first <= last).then_some(first..=last)
}

fn cpu_number(text: &str) -> Option<usize> {
    // `parse` would take "+1".
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|cpu| digits && *cpu <= MAX_CPU)
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (first, last)) in self.runs().into_iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            if first == last {
                write!(f, "{first}")?;
            } else {
                write!(f, "{first}-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{CpuSet, MAX_CPU};
    use proptest::prelude::*;

    fn set(list: &str) -> CpuSet {
        list.parse().unwrap()
    }

    #[test]
    fn a_list_is_read_in_any_order_and_written_in_the_kernels() {
        assert_eq!(set("8,0-3\n").to_string(), "0-3,8");
        assert_eq!(set("3,1,2,2,0").to_string(), "0-3");
        assert_eq!(set("5").iter().collect::<Vec<_>>(), [5]);
        assert_eq!(set("0,2,4").len(), 3);
    }

    #[test]
    fn blank_text_is_the_empty_set() {
        assert!(set("").is_empty());
        assert!(set(" \n").is_empty());
        assert_eq!(CpuSet::default().to_string(), "");
    }

    #[test]
    fn what_is_not_a_list_is_refused_and_quoted() {
        for bad in [
            "a", "0-", "-1", "3-1", "0,,1", "0-1,x", "+1", "1.5", "0-1-2",
        ] {
            let error = bad.parse::<CpuSet>().unwrap_err().to_string();
            assert!(error.contains(bad), "{error}");
        }
    }

    #[test]
    fn a_huge_range_is_refused_before_it_is_built() {
        assert!("0-18446744073709551615".parse::<CpuSet>().is_err());
        assert!("0-99999999999999999999999".parse::<CpuSet>().is_err());
        assert!(format!("0-{}", MAX_CPU + 1).parse::<CpuSet>().is_err());
    }

    #[test]
    fn intersection_and_union() {
        let (left, right) = (set("0-3"), set("2-5,8"));

        assert_eq!(left.intersection(&right), set("2-3"));
        assert_eq!(left.union(&right), set("0-5,8"));
        assert!(left.contains(3) && !left.contains(4));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = text.parse::<CpuSet>();
        }

        #[test]
        fn reading_never_panics_on_what_resembles_a_list(text in "[0-9,\\- ]{0,40}") {
            let _ = text.parse::<CpuSet>();
        }

        #[test]
        fn what_is_written_reads_back(cpus in prop::collection::btree_set(0usize..200, 0..40)) {
            let written = CpuSet(cpus);
            prop_assert_eq!(set(&written.to_string()), written);
        }
    }
}
