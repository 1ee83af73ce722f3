//! The jobs that are measured, each with its answer.

use anyhow::ensure;

/// Count the primes below a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// The number after the last.
    pub limit: u64,
    /// How many primes there are.
    primes: u64,
}

/// The course's job: 0.3 s of trial division.
pub const TWO_MILLION: Job = Job {
    limit: 2_000_000,
    primes: 148_933,
};

/// Long enough that starting two workers hardly counts: 1.2 s of trial division.
pub const FIVE_MILLION: Job = Job {
    limit: 5_000_000,
    primes: 348_513,
};

/// For the sieve; its answer is π(10^10) of OEIS A006880.
pub const TEN_BILLION: Job = Job {
    limit: 10_000_000_000,
    primes: 455_052_511,
};

impl Job {
    /// Fails when `found` is not the number of primes.
    pub fn check(&self, found: u64) -> anyhow::Result<()> {
        ensure!(
            found == self.primes,
            "it counted {found} primes below {}, where there are {}",
            self.limit,
            self.primes
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_those_of_another_sieve() {
        for job in [TWO_MILLION, FIVE_MILLION] {
            let below = job.limit as usize - 1;
            assert_eq!(job.primes, primal::StreamingSieve::prime_pi(below) as u64);
            assert!(job.check(job.primes).is_ok());
            assert!(job.check(job.primes - 1).is_err());
        }
    }
}
