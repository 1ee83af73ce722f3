//! Laws of speedup for a fixed amount of work.

/// Amdahl's law: the speedup on `n` processors of work whose fraction
/// `parallel` (0 to 1) can be shared out, S = 1 / ((1 − p) + p/n).
/// `None` outside 0 ≤ p ≤ 1, n ≥ 1.
///
/// G. M. Amdahl, "Validity of the single processor approach to achieving large
/// scale computing capabilities", AFIPS 1967.
pub fn amdahl_speedup(parallel: f64, n: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&parallel) || !is_processors(n) {
        return None;
    }
    Some(1.0 / ((1.0 - parallel) + parallel / n))
}

/// Amdahl's law solved for the parallel fraction: p = (1 − 1/S) / (1 − 1/n).
///
/// Not cut off at 1: more than 1 means a speedup above `n`, which Amdahl's
/// law cannot explain (a cache that fits, a baseline that was disturbed), and
/// below 0 a slowdown. `None` unless S > 0 and n > 1.
pub fn parallel_fraction(speedup: f64, n: f64) -> Option<f64> {
    if !is_speedup(speedup) || !is_processors(n) || n <= 1.0 {
        return None;
    }
    Some((1.0 - 1.0 / speedup) / (1.0 - 1.0 / n))
}

/// The Karp–Flatt metric: the serial fraction that a measured speedup on `n`
/// processors shows, e = (1/S − 1/n) / (1 − 1/n). One that grows with `n`
/// points at overhead, a constant one at serial work. `None` unless S > 0 and
/// n > 1.
///
/// A. H. Karp and H. P. Flatt, "Measuring parallel processor performance",
/// Communications of the ACM 33(5), 1990.
pub fn karp_flatt(speedup: f64, n: f64) -> Option<f64> {
    if !is_speedup(speedup) || !is_processors(n) || n <= 1.0 {
        return None;
    }
    Some((1.0 / speedup - 1.0 / n) / (1.0 - 1.0 / n))
}

fn is_speedup(speedup: f64) -> bool {
    speedup.is_finite() && speedup > 0.0
}

fn is_processors(n: f64) -> bool {
    n.is_finite() && n >= 1.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ninety_percent_parallel_work_gains_little_past_a_few_processors() {
        let speedup = |n| amdahl_speedup(0.9, n).unwrap();
        assert!((speedup(1.0) - 1.0).abs() < 1e-12);
        assert!((speedup(2.0) - 1.0 / 0.55).abs() < 1e-12);
        assert!((speedup(10.0) - 1.0 / 0.19).abs() < 1e-12);
        assert!(speedup(1e12) < 10.0);
    }

    #[test]
    fn the_inverse_gives_the_fraction_back() {
        for p in [0.0, 0.3, 0.9, 1.0] {
            for n in [2.0, 3.0, 64.0] {
                let s = amdahl_speedup(p, n).unwrap();
                assert!((parallel_fraction(s, n).unwrap() - p).abs() < 1e-9);
                assert!((karp_flatt(s, n).unwrap() - (1.0 - p)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_speedup_above_n_shows_as_a_negative_serial_fraction() {
        assert!(karp_flatt(2.2, 2.0).unwrap() < 0.0);
        assert!(parallel_fraction(2.2, 2.0).unwrap() > 1.0);
        assert!(karp_flatt(0.5, 2.0).unwrap() > 1.0);
    }

    #[test]
    fn nonsense_is_unknown() {
        assert_eq!(amdahl_speedup(1.1, 2.0), None);
        assert_eq!(amdahl_speedup(0.5, 0.0), None);
        assert_eq!(amdahl_speedup(f64::NAN, 2.0), None);
        assert_eq!(parallel_fraction(0.0, 2.0), None);
        assert_eq!(parallel_fraction(1.0, 1.0), None);
        assert_eq!(karp_flatt(f64::INFINITY, 2.0), None);
        assert_eq!(karp_flatt(1.0, f64::NAN), None);
    }
}
