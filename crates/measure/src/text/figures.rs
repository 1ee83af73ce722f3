//! Figures as people read them; what is unknown is `?`.

use crate::report::{Effective, Interval, Station};

/// Seconds with three significant digits, in the unit that suits.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds >= 0.9995 {
        format!("{} s", significant(seconds))
    } else if seconds >= 0.999_5e-3 {
        format!("{} ms", significant(seconds * 1e3))
    } else {
        format!("{} µs", significant(seconds * 1e6))
    }
}

/// `630 ms (629–651)`.
pub(super) fn interval(interval: Interval) -> String {
    let (unit, scale) = if interval.median >= 0.9995 {
        ("s", 1.0)
    } else if interval.median >= 0.999_5e-3 {
        ("ms", 1e3)
    } else {
        ("µs", 1e6)
    };
    let digits = |value: f64| significant(value * scale);
    format!(
        "{} {unit} ({}–{})",
        digits(interval.median),
        digits(interval.low),
        digits(interval.high)
    )
}

/// Three significant digits.
pub(super) fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    // Rounded first: 9.996 is 10.0 and not 10.00.
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let decimals = (2 - rounded.abs().log10().floor() as i32).max(0);
    format!("{rounded:.*}", decimals as usize)
}

/// A figure or `?`.
pub(super) fn known<T>(figure: Option<T>, show: impl Fn(T) -> String) -> String {
    figure.map_or_else(|| "?".into(), show)
}

/// The limits that the Compose file declares, of one replica.
pub(super) fn declared(station: &Station) -> String {
    let declared = &station.declared;
    let mut parts = Vec::new();
    if let Some(cpus) = declared.cpus {
        parts.push(cpus.to_string());
    }
    if let Some(cpuset) = &declared.cpuset {
        parts.push(format!("cpu {cpuset}"));
    }
    if parts.is_empty() {
        parts.push("none".into());
    }
    let one = parts.join(", ");
    match station.replicas {
        1 => one,
        replicas => format!("{replicas} × {one}"),
    }
}

/// The CPUs that the kernel grants one replica.
pub(super) fn effective(effective: &Effective) -> String {
    known(effective.cpus, |cpus| cpus.to_string())
}
