//! The kernel's list format of CPUs (`"0-3,8"`).

use std::collections::BTreeSet;

/// Above the most CPUs any kernel is built for (`NR_CPUS` 8192): a list that
/// names more is nonsense and not worth its memory.
const MOST_CPUS: usize = 65_536;

/// The CPUs that `list` names; `None` when it names none, is malformed, or
/// names more than any kernel has.
///
/// Format: Linux Documentation/admin-guide/cputopology.rst, without strides.
pub(crate) fn parse(list: &str) -> Option<BTreeSet<usize>> {
    let mut cpus = BTreeSet::new();
    for part in list.trim().split(',') {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let low: usize = low.trim().parse().ok()?;
        let high: usize = high.trim().parse().ok()?;
        if low > high || high >= MOST_CPUS {
            return None;
        }
        cpus.extend(low..=high);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_single_cpus_are_read() {
        assert_eq!(parse("0-2,8\n"), Some(BTreeSet::from([0, 1, 2, 8])));
        assert_eq!(parse("0"), Some(BTreeSet::from([0])));
    }

    #[test]
    fn what_is_not_a_list_is_unknown() {
        for bad in [
            "",
            "a",
            "3-1",
            "1-",
            "-1",
            "0,,1",
            "0-4294967295",
            "99999999999999999999",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
