//! `wrk`, a closed-loop load generator: as fast as the server lets it.

use super::Round;
use crate::programs::output_of;
use anyhow::{Context, ensure};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Whether it can be run here; asked for its version it fails.
pub fn is_installed() -> bool {
    let quiet = Command::new("wrk")
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok()
}

/// Loads a server for so long.
pub fn load(
    address: SocketAddr,
    path: &str,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Round> {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t", "1", "-c", &connections.to_string()])
        .args(["-d", &format!("{}s", time.as_secs()), "--latency"])
        // Slow is no error, and wrk gives up after 2 s by itself.
        .args(["--timeout", "30s"])
        .arg(format!("http://{address}{path}"));
    read(&output_of(&mut wrk)?)
}

/// What it prints, if no request has failed.
fn read(text: &str) -> anyhow::Result<Round> {
    for failure in ["Socket errors", "Non-2xx"] {
        let line = text.lines().find(|line| line.contains(failure));
        ensure!(
            line.is_none(),
            "wrk says: {}",
            line.unwrap_or_default().trim()
        );
    }
    let field = |name: &str| {
        let mut lines = text.lines().map(str::trim);
        let value = lines.find_map(|line| line.strip_prefix(name));
        value
            .map(str::trim)
            .with_context(|| format!("wrk says no {name}"))
    };
    Ok(Round {
        per_second: field("Requests/sec:")?.parse().context("wrk's rate")?,
        p99_seconds: seconds(field("99%")?).context("wrk's 99th percentile")?,
    })
}

/// `1.27ms`, `950.00us`, `1.02s`.
fn seconds(text: &str) -> Option<f64> {
    let digits = text.find(|sign: char| sign.is_ascii_alphabetic())?;
    let scale = match &text[digits..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Some(text[..digits].parse::<f64>().ok()? * scale)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SAID: &str = "Running 1s test @ http://127.0.0.1:1/\n  Latency Distribution\n     50%    1.27ms\n     99%   25.46ms\n  26669 requests in 1.00s, 4.00MB read\nRequests/sec:  26669.16\n";

    #[test]
    fn what_it_prints_is_read() {
        let round = read(SAID).unwrap();
        assert!((round.per_second - 26_669.16).abs() < 1e-6);
        assert!((round.p99_seconds - 0.025_46).abs() < 1e-9);
        assert_eq!(seconds("950.00us").map(|s| (s * 1e6).round()), Some(950.0));
        assert_eq!(seconds("1.5s"), Some(1.5));
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn failed_requests_are_no_figures() {
        let said = format!("{SAID}  Non-2xx or 3xx responses: 5\n");
        let why = read(&said).unwrap_err().to_string();
        assert!(why.contains("responses: 5"), "{why}");
    }
}
