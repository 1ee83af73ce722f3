//! Figures as they stand in a column.

use std::net::{IpAddr, SocketAddr};

/// What is unknown.
pub const UNKNOWN: &str = "–";

const MIB: f64 = 1_048_576.0;
const GIB: f64 = 1_073_741_824.0;

/// A limit in CPUs, with no more decimals than it has: `0.5`, `2`, `1.33`.
pub fn limit(cpus: Option<f64>) -> String {
    cpus.map_or(UNKNOWN.to_owned(), |cpus| {
        let text = format!("{cpus:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    })
}

/// CPUs in use, four characters wide up to 9999: `0.50`, `12.3`, `101`.
pub fn used(cpus: Option<f64>) -> String {
    let decimals = |cpus: f64| match cpus {
        cpus if cpus < 9.995 => 2,
        cpus if cpus < 99.95 => 1,
        _ => 0,
    };
    cpus.map_or(UNKNOWN.to_owned(), |cpus| {
        format!("{cpus:.*}", decimals(cpus))
    })
}

/// A share as `7%`.
pub fn percent(share: Option<f64>) -> String {
    share.map_or(UNKNOWN.to_owned(), |share| format!("{:.0}%", share * 100.0))
}

/// Memory against its limit: `12/256M`, `1.2/16G`; `12M` where there is none.
pub fn memory(bytes: Option<f64>, limit: Option<f64>) -> String {
    let Some(bytes) = bytes else {
        return UNKNOWN.to_owned();
    };
    let largest = limit.unwrap_or(bytes);
    let (unit, letter, decimals) = if largest < 10.0 * GIB {
        (MIB, 'M', 0)
    } else {
        (GIB, 'G', 1)
    };
    let bytes = format!("{:.decimals$}", bytes / unit);
    match limit {
        Some(limit) => format!("{bytes}/{:.0}{letter}", limit / unit),
        None => format!("{bytes}{letter}"),
    }
}

/// What tells a station's replicas apart: the last part of the address in a
/// network of containers, the port on this machine.
pub fn replica(address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_loopback() => format!(":{}", address.port()),
        IpAddr::V4(ip) => format!(".{}", ip.octets()[3]),
        IpAddr::V6(ip) => format!(":{:x}", ip.segments()[7]),
    }
}

/// How long ago something was: `8 s`, `3 min`, `2 h`.
pub fn ago(seconds: f64) -> String {
    match seconds.max(0.0) {
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_limit_has_no_decimals_that_say_nothing() {
        let limits = [0.5, 2.0, 1.333, 192.0, 10.0].map(|cpus| limit(Some(cpus)));
        assert_eq!(limits, ["0.5", "2", "1.33", "192", "10"]);
        assert_eq!(limit(None), "–");
    }

    #[test]
    fn use_keeps_its_width() {
        let all = [0.0, 0.504, 9.994, 9.996, 99.96].map(|cpus| used(Some(cpus)));
        assert_eq!(all, ["0.00", "0.50", "9.99", "10.0", "100"]);
    }

    #[test]
    fn memory_stands_beside_its_limit_in_one_unit() {
        assert_eq!(memory(Some(12.4 * MIB), Some(256.0 * MIB)), "12/256M");
        assert_eq!(memory(Some(1.24 * GIB), Some(16.0 * GIB)), "1.2/16G");
        assert_eq!(memory(Some(12.4 * MIB), None), "12M");
        assert_eq!(memory(None, Some(GIB)), "–");
    }

    #[test]
    fn replicas_are_told_apart_by_what_differs() {
        let parts = ["172.18.0.5:9000", "127.0.0.1:41233", "[fd00::1:a]:9000"]
            .map(|address| replica(address.parse().unwrap()));
        assert_eq!(parts, [".5", ":41233", ":a"]);
    }

    #[test]
    fn what_was_long_ago_is_said_roughly() {
        let all = [0.4, 99.0, 120.0, 7300.0].map(ago);
        assert_eq!(all, ["0 s", "99 s", "2 min", "2 h"]);
    }
}
