//! The cgroup trees of the systems that are about, each made of the files that
//! matter, and what must be found in it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod containers;
mod hosts;
mod nested;
mod tree;
mod unknown;

use cpu_budget::{CpuQuota, CpuUsage, Quota};

fn limited(quota_micros: u64) -> CpuQuota {
    CpuQuota::Limited(Quota::new(quota_micros, 100_000).unwrap())
}

fn usage(seconds: f64, periods: u64, throttled: u64, throttled_seconds: f64) -> CpuUsage {
    CpuUsage {
        usage_seconds: Some(seconds),
        periods: Some(periods),
        throttled_periods: Some(throttled),
        throttled_seconds: Some(throttled_seconds),
    }
}
