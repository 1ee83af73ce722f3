//! The CPU quota of a cgroup: so much CPU time in every period, then none
//! until the next (kernel documentation, "CFS Bandwidth Control").

/// CPU time that all threads of a group share in each period. When it is used
/// up they are all stopped, *throttled*, until the next period begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// CPU time granted per period, in microseconds. Above `period_micros`
    /// where more than one CPU is granted.
    pub quota_micros: u64,
    /// Length of a period, in microseconds; 100 000 unless someone changed it.
    pub period_micros: u64,
}

impl Quota {
    /// A quota the kernel could have reported: neither figure is zero.
    pub fn new(quota_micros: u64, period_micros: u64) -> Option<Self> {
        (quota_micros > 0 && period_micros > 0).then_some(Self {
            quota_micros,
            period_micros,
        })
    }

    /// How many CPUs the quota is worth: 0.5 for 50 ms in every 100 ms.
    pub fn cpus(&self) -> f64 {
        self.quota_micros as f64 / self.period_micros as f64
    }

    /// CPU time granted per period, in seconds.
    pub fn quota_seconds(&self) -> f64 {
        self.quota_micros as f64 / 1e6
    }

    /// Length of a period, in seconds.
    pub fn period_seconds(&self) -> f64 {
        self.period_micros as f64 / 1e6
    }
}

/// What the kernel says about a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CpuQuota {
    /// No cgroup file could be found or understood.
    #[default]
    Unknown,
    /// No group that can be seen has a quota.
    Unlimited,
    /// The tightest quota among the groups that can be seen.
    Limited(Quota),
}

impl CpuQuota {
    /// The quota, if there is one.
    pub fn limit(&self) -> Option<Quota> {
        match self {
            Self::Limited(quota) => Some(*quota),
            Self::Unknown | Self::Unlimited => None,
        }
    }

    /// How many CPUs the quota is worth, if there is one.
    pub fn cpus(&self) -> Option<f64> {
        self.limit().map(|quota| quota.cpus())
    }

    /// Of two groups, one inside the other, what binds their processes. A
    /// known quota holds whatever the other group may have; without one, a
    /// single unknown leaves the whole unknown.
    pub(crate) fn tighter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Limited(one), Self::Limited(two)) if two.cpus() < one.cpus() => other,
            (Self::Limited(_), _) => self,
            (_, Self::Limited(_)) => other,
            (Self::Unlimited, Self::Unlimited) => Self::Unlimited,
            _ => Self::Unknown,
        }
    }
}

/// `cpu.cfs_quota_us` and `cpu.cfs_period_us` of cgroup v1, in microseconds;
/// a quota of −1 means none.
pub(crate) fn quota_v1(quota: &str, period: &str) -> CpuQuota {
    if quota.trim().parse::<i64>().is_ok_and(|micros| micros < 0) {
        return CpuQuota::Unlimited;
    }
    quota_of(quota, period)
}

/// `cpu.max` of cgroup v2: `max 100000`, or `50000 100000` in microseconds.
pub(crate) fn quota_v2(cpu_max: &str) -> CpuQuota {
    let mut words = cpu_max.split_whitespace();
    match (words.next(), words.next()) {
        (Some("max"), _) => CpuQuota::Unlimited,
        (Some(quota), Some(period)) => quota_of(quota, period),
        _ => CpuQuota::Unknown,
    }
}

fn quota_of(quota: &str, period: &str) -> CpuQuota {
    match (quota.trim().parse(), period.trim().parse()) {
        (Ok(quota), Ok(period)) => {
            Quota::new(quota, period).map_or(CpuQuota::Unknown, CpuQuota::Limited)
        }
        _ => CpuQuota::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::CpuQuota::{Limited, Unknown, Unlimited};
    use super::{CpuQuota, Quota, quota_v1, quota_v2};
    use proptest::prelude::*;

    fn limited(quota_micros: u64, period_micros: u64) -> CpuQuota {
        Limited(Quota {
            quota_micros,
            period_micros,
        })
    }

    #[test]
    fn v1_is_two_files_and_minus_one_is_no_quota() {
        assert_eq!(quota_v1("50000\n", "100000\n"), limited(50_000, 100_000));
        assert_eq!(quota_v1("-1\n", "100000\n"), Unlimited);
        assert_eq!(quota_v1("-1", ""), Unlimited);
    }

    #[test]
    fn v2_is_one_line_and_max_is_no_quota() {
        assert_eq!(quota_v2("150000 100000\n"), limited(150_000, 100_000));
        assert_eq!(quota_v2("max 100000\n"), Unlimited);
        assert_eq!(quota_v2("max"), Unlimited);
        assert_eq!(
            quota_v2("20000 50000 later additions"),
            limited(20_000, 50_000)
        );
    }

    #[test]
    fn what_the_kernel_would_never_write_is_unknown() {
        for (quota, period) in [
            ("", ""),
            ("50000", ""),
            ("", "100000"),
            ("0", "100000"),
            ("50000", "0"),
            ("50000", "-1"),
            ("half", "100000"),
            ("0.5", "1"),
            ("99999999999999999999999999", "100000"),
        ] {
            assert_eq!(quota_v1(quota, period), Unknown, "v1 {quota:?} {period:?}");
            assert_eq!(
                quota_v2(&format!("{quota} {period}")),
                Unknown,
                "v2 {quota:?} {period:?}"
            );
        }
        assert_eq!(quota_v2("-1 100000"), Unknown);
    }

    #[test]
    fn the_largest_figures_are_read() {
        let huge = u64::MAX.to_string();

        assert_eq!(quota_v2(&format!("{huge} 1")), limited(u64::MAX, 1));
        assert!(
            quota_v2(&format!("{huge} 1"))
                .cpus()
                .is_some_and(f64::is_finite)
        );
    }

    #[test]
    fn a_quota_in_cpus_and_seconds() {
        let quota = Quota {
            quota_micros: 150_000,
            period_micros: 100_000,
        };

        assert!((quota.cpus() - 1.5).abs() < 1e-12);
        assert!((quota.quota_seconds() - 0.15).abs() < 1e-12);
        assert!((quota.period_seconds() - 0.1).abs() < 1e-12);
    }

    #[test]
    fn the_tighter_of_two_is_the_smaller_share_whatever_its_period() {
        let half = limited(50_000, 100_000);
        let tenth = limited(100_000, 1_000_000);

        assert_eq!(half.tighter(tenth), tenth);
        assert_eq!(tenth.tighter(half), tenth);
        assert_eq!(half.tighter(Unknown), half);
        assert_eq!(Unlimited.tighter(half), half);
        assert_eq!(Unlimited.tighter(Unlimited), Unlimited);
        assert_eq!(Unlimited.tighter(Unknown), Unknown);
    }

    proptest! {
        #[test]
        fn reading_never_panics(quota in ".*", period in ".*") {
            let _ = quota_v1(&quota, &period).cpus();
            let _ = quota_v2(&quota).cpus();
        }

        #[test]
        fn any_two_positive_figures_are_a_quota(quota in 1u64.., period in 1u64..) {
            let text = format!("{quota} {period}\n");
            prop_assert_eq!(quota_v2(&text), limited(quota, period));
            prop_assert!(quota_v2(&text).cpus().is_some_and(|cpus| cpus > 0.0));
        }
    }
}
