//! Which part of the job a sample does.

use super::HEAVY;
use crate::labs::PlannedRow;

/// A sample waits about so long; a job that takes longer is measured on a part.
const SAMPLE_SECONDS: f64 = 2.0;

/// Where pages also cost much CPU time, half of the job: 1000 pages of 2 ms
/// take 8 s on a quarter CPU.
const HEAVY_SHARE: f64 = 0.5;

/// Of fewer turns than this the first latency, before which nothing can be
/// parsed, would weigh too much.
const LEAST_HEAVY_TURNS: u64 = 4;

/// The pages that a sample fetches of so many: as many full turns as fit into
/// its seconds, or the whole job. A turn that is not full takes as long as one
/// that is, so a part that ends with one would be scaled to more than there is.
pub fn sampled_pages(row: &PlannedRow, all: u64, latency_seconds: Option<f64>) -> u64 {
    let at_once = row.workers.max(1) as u64;
    let fit = latency_seconds
        .filter(|seconds| *seconds > 0.0)
        .map_or(u64::MAX, |seconds| (SAMPLE_SECONDS / seconds) as u64);
    let of_half = (all as f64 * HEAVY_SHARE) as u64 / at_once;
    let turns = match row.kernel.as_str() {
        HEAVY if of_half >= LEAST_HEAVY_TURNS => fit.min(of_half),
        _ => fit,
    };
    turns.max(1).saturating_mul(at_once).min(all).max(1)
}
