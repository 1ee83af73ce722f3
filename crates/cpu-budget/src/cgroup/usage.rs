//! The counters of a group: CPU time, throttling, memory.

use std::io::ErrorKind;
use std::path::Path;

use super::file;
use super::group::{Group, Version};

/// What a group has used since it was made. `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuUsage {
    /// CPU time of all its processes, past and present, in CPU seconds.
    pub usage_seconds: Option<f64>,
    /// Quota periods that passed while something in the group could run.
    pub periods: Option<u64>,
    /// Those of them in which the quota was used up and threads were stopped.
    pub throttled_periods: Option<u64>,
    /// For how long they were stopped, summed over CPUs: two CPUs stopped for
    /// 50 ms count 0.1 s. Several threads stopped on one CPU count once.
    pub throttled_seconds: Option<f64>,
}

impl CpuUsage {
    pub(super) fn read(throttling: Option<(Version, &Path)>, usage: Option<&Group>) -> Self {
        let stat = throttling.and_then(|(version, dir)| {
            let text = file::read(&dir.join("cpu.stat")).ok()?;
            Some((version, dir, text))
        });
        let throttled = stat
            .as_ref()
            .map(|(version, _, text)| throttling_in(*version, text));
        let usage_seconds = match (usage, &stat) {
            // On v2 both stand in the same file, which need not be read twice.
            (Some(group), Some((Version::V2, dir, text))) if group.dir == *dir => {
                usage_seconds_v2(text)
            }
            (group, _) => group.and_then(usage_seconds),
        };
        Self {
            usage_seconds,
            ..throttled.unwrap_or_default()
        }
    }

    /// What was added since an earlier reading. A figure that is unknown in
    /// either, or has gone backwards (another group, a reset), is unknown.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            usage_seconds: added_seconds(self.usage_seconds, earlier.usage_seconds),
            periods: added_count(self.periods, earlier.periods),
            throttled_periods: added_count(self.throttled_periods, earlier.throttled_periods),
            throttled_seconds: added_seconds(self.throttled_seconds, earlier.throttled_seconds),
        }
    }
}

fn added_count(now: Option<u64>, earlier: Option<u64>) -> Option<u64> {
    now?.checked_sub(earlier?)
}

fn added_seconds(now: Option<f64>, earlier: Option<f64>) -> Option<f64> {
    Some(now? - earlier?).filter(|added| *added >= 0.0)
}

fn usage_seconds(group: &Group) -> Option<f64> {
    match group.version {
        Version::V1 => Some(group.read_number("cpuacct.usage")? as f64 / 1e9),
        Version::V2 => usage_seconds_v2(&group.read("cpu.stat")?),
    }
}

fn usage_seconds_v2(cpu_stat: &str) -> Option<f64> {
    Some(value(cpu_stat, "usage_usec")? as f64 / 1e6)
}

/// The throttling figures of a `cpu.stat`: time in ns on v1, in µs on v2.
fn throttling_in(version: Version, cpu_stat: &str) -> CpuUsage {
    let (key, per_second) = match version {
        Version::V1 => ("throttled_time", 1e9),
        Version::V2 => ("throttled_usec", 1e6),
    };
    CpuUsage {
        usage_seconds: None,
        periods: value(cpu_stat, "nr_periods"),
        throttled_periods: value(cpu_stat, "nr_throttled"),
        throttled_seconds: value(cpu_stat, key).map(|time| time as f64 / per_second),
    }
}

/// The value of a key in a text of `key value` lines.
fn value(text: &str, key: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_whitespace);
    let mut line = lines.find_map(|mut words| (words.next() == Some(key)).then_some(words))?;
    line.next()?.parse().ok()
}

/// What memory a group uses and may use, in bytes. `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUsage {
    /// In use now, page cache included.
    pub current_bytes: Option<u64>,
    /// The most that was in use at once (v2: since Linux 5.19).
    pub peak_bytes: Option<u64>,
    /// The tightest limit among the groups that can be seen.
    pub limit_bytes: Option<u64>,
    /// No group that can be seen has a limit: what tells that apart from an
    /// unknown one when `limit_bytes` is `None`.
    pub unlimited: bool,
}

impl MemoryUsage {
    pub(super) fn read(group: Option<&Group>, limit: MemoryLimit) -> Self {
        let number = |v1, v2| {
            let group = group?;
            group.read_number(match group.version {
                Version::V1 => v1,
                Version::V2 => v2,
            })
        };
        Self {
            current_bytes: number("memory.usage_in_bytes", "memory.current"),
            peak_bytes: number("memory.max_usage_in_bytes", "memory.peak"),
            limit_bytes: limit.bytes(),
            unlimited: limit == MemoryLimit::Unlimited,
        }
    }
}

/// What the kernel says about a memory limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryLimit {
    Unknown,
    Unlimited,
    Bytes(u64),
}

/// v1 has no word for "no limit"; it shows the largest number of whole pages
/// below 2⁶³. From 2⁶² on it is read so, whatever the size of a page.
const UNLIMITED_V1_BYTES: u64 = 1 << 62;

impl MemoryLimit {
    /// The limit that stands in a group's folder. Without the file there is
    /// none: the controller is off there, or it is the root of v2.
    pub(super) fn at(version: Version, dir: &Path) -> Self {
        let name = match version {
            Version::V1 => "memory.limit_in_bytes",
            Version::V2 => "memory.max",
        };
        match file::read(&dir.join(name)) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::Unlimited,
            Err(_) => Self::Unknown,
        }
    }

    fn parse(text: &str) -> Self {
        match (text.trim(), text.trim().parse()) {
            ("max", _) | (_, Ok(UNLIMITED_V1_BYTES..)) => Self::Unlimited,
            (_, Ok(bytes)) => Self::Bytes(bytes),
            _ => Self::Unknown,
        }
    }

    /// Of two groups, one inside the other, what binds their processes.
    pub(super) fn tighter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bytes(one), Self::Bytes(two)) => Self::Bytes(one.min(two)),
            (limit @ Self::Bytes(_), _) | (_, limit @ Self::Bytes(_)) => limit,
            (Self::Unlimited, Self::Unlimited) => Self::Unlimited,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Unknown | Self::Unlimited => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryLimit::{self, Bytes, Unknown, Unlimited};
    use super::{CpuUsage, Version, throttling_in, value};
    use proptest::prelude::*;

    const V1: &str = "nr_periods 40\nnr_throttled 39\nthrottled_time 2500000000\n";
    const V2: &str = "\
usage_usec 900000
user_usec 800000
system_usec 100000
nr_periods 40
nr_throttled 39
throttled_usec 2500000
nr_bursts 3
burst_usec 7
";

    fn throttled(periods: u64, throttled_periods: u64, throttled_seconds: f64) -> CpuUsage {
        CpuUsage {
            usage_seconds: None,
            periods: Some(periods),
            throttled_periods: Some(throttled_periods),
            throttled_seconds: Some(throttled_seconds),
        }
    }

    #[test]
    fn throttled_time_is_nanoseconds_on_v1_and_microseconds_on_v2() {
        assert_eq!(throttling_in(Version::V1, V1), throttled(40, 39, 2.5));
        assert_eq!(throttling_in(Version::V2, V2), throttled(40, 39, 2.5));
    }

    #[test]
    fn keys_are_found_in_any_order_and_missing_ones_are_unknown() {
        let usage = throttling_in(Version::V1, "throttled_time 5\nnr_bursts 1\nnr_periods 2\n");

        assert_eq!(usage.periods, Some(2));
        assert_eq!(usage.throttled_periods, None);
        assert_eq!(usage.throttled_seconds, Some(5e-9));
        assert_eq!(throttling_in(Version::V2, ""), CpuUsage::default());
    }

    #[test]
    fn a_key_is_a_whole_word_and_its_value_a_number() {
        assert_eq!(
            value("nr_periods_all 5\nnr_periods 6", "nr_periods"),
            Some(6)
        );
        assert_eq!(value("nr_periods", "nr_periods"), None);
        assert_eq!(value("nr_periods -1", "nr_periods"), None);
        assert_eq!(
            value("nr_periods 18446744073709551615", "nr_periods"),
            Some(u64::MAX)
        );
        assert_eq!(value("nr_periods 18446744073709551616", "nr_periods"), None);
    }

    #[test]
    fn a_difference_is_unknown_where_a_figure_is_or_went_backwards() {
        let earlier = CpuUsage {
            usage_seconds: Some(1.0),
            periods: Some(10),
            throttled_periods: None,
            throttled_seconds: Some(2.0),
        };
        let later = CpuUsage {
            usage_seconds: Some(1.5),
            periods: Some(9),
            throttled_periods: Some(4),
            throttled_seconds: Some(2.0),
        };

        let added = later.since(&earlier);

        assert_eq!(added.usage_seconds, Some(0.5));
        assert_eq!(added.periods, None);
        assert_eq!(added.throttled_periods, None);
        assert_eq!(added.throttled_seconds, Some(0.0));
    }

    #[test]
    fn no_memory_limit_is_a_word_on_v2_and_a_huge_number_on_v1() {
        assert_eq!(MemoryLimit::parse("max\n"), Unlimited);
        for pages in [4096, 65536] {
            let largest = i64::MAX.unsigned_abs() / pages * pages;
            assert_eq!(MemoryLimit::parse(&largest.to_string()), Unlimited);
        }
        assert_eq!(MemoryLimit::parse("9223372036854775807"), Unlimited);
        assert_eq!(MemoryLimit::parse("67108864\n"), Bytes(64 << 20));
        assert_eq!(MemoryLimit::parse("0\n"), Bytes(0));
    }

    #[test]
    fn a_memory_limit_that_is_no_number_is_unknown() {
        for text in ["", "-1", "64M", "99999999999999999999999"] {
            assert_eq!(MemoryLimit::parse(text), Unknown, "{text:?}");
        }
    }

    #[test]
    fn the_tighter_memory_limit() {
        assert_eq!(Bytes(5).tighter(Bytes(3)), Bytes(3));
        assert_eq!(Unlimited.tighter(Bytes(3)), Bytes(3));
        assert_eq!(Bytes(3).tighter(Unknown), Bytes(3));
        assert_eq!(Unknown.tighter(Unlimited), Unknown);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", lines in "((nr_periods|nr_throttled)? ?-?[0-9]{0,22}\n){0,4}") {
            let _ = MemoryLimit::parse(&text);
            for text in [&text, &lines] {
                let _ = throttling_in(Version::V1, text);
                let _ = throttling_in(Version::V2, text);
            }
        }
    }
}
