//! Samples that lie far from the others.

use super::median;

/// Beyond this modified z-score a sample is a stray (Iglewicz & Hoaglin 1993,
/// "How to detect and handle outliers").
const MODIFIED_Z: f64 = 3.5;
/// Makes the median absolute deviation of a normal distribution its σ.
const MAD_TO_SIGMA: f64 = 0.6745;
/// The deviation is taken to be at least this share of the median, so that in
/// six samples within 0.1 % one at 0.5 % is not a stray: what lies within about
/// 5 % of the median is drift of the machine, not an event.
const FLOOR: f64 = 0.01;
/// Of two samples neither is the stray.
const FEWEST: usize = 3;

/// Indices of the samples whose modified z-score by the median absolute
/// deviation is above 3.5. Values that are not finite are ignored.
pub fn outliers(samples: &[f64]) -> Vec<usize> {
    let finite = samples.iter().filter(|s| s.is_finite()).count();
    let Some(center) = median(samples).filter(|_| finite >= FEWEST) else {
        return Vec::new();
    };
    let deviations: Vec<f64> = samples.iter().map(|s| (s - center).abs()).collect();
    let spread = median(&deviations).unwrap_or(0.0).max(center.abs() * FLOOR);
    let limit = MODIFIED_Z * spread / MAD_TO_SIGMA;
    (0..samples.len())
        .filter(|&i| deviations[i].is_finite() && deviations[i] > limit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_far_from_tight_others_is_named() {
        assert_eq!(outliers(&[1.0, 1.01, 0.99, 1.0, 1.5, 1.0]), [4]);
    }

    #[test]
    fn a_tiny_spread_flags_nothing_small() {
        assert!(outliers(&[1.0, 1.0, 1.0, 1.0, 1.04, 1.0]).is_empty());
        assert_eq!(outliers(&[1.0, 1.0, 1.0, 1.0, 1.06, 1.0]), [4]);
    }

    #[test]
    fn a_wide_spread_flags_only_what_is_wider() {
        assert!(outliers(&[1.0, 1.2, 0.8, 1.1, 0.9, 1.4]).is_empty());
        assert_eq!(outliers(&[1.0, 1.2, 0.8, 1.1, 0.9, 3.0]), [5]);
    }

    #[test]
    fn two_samples_and_what_is_not_a_number_flag_nothing() {
        assert!(outliers(&[1.0, 9.0]).is_empty());
        assert!(outliers(&[f64::NAN, 1.0, f64::INFINITY, 9.0]).is_empty());
    }
}
