//! The sieve of Eratosthenes as it is usually taught, for the primes up to a
//! root: what both kernels start from.

/// The primes up to `limit`, in order.
pub(super) fn primes_up_to(limit: u64) -> Vec<u64> {
    let mut composite = vec![false; limit as usize + 1];
    let mut primes = Vec::new();
    for n in 2..=limit {
        if !composite[n as usize] {
            primes.push(n);
            for multiple in (n * n..=limit).step_by(n as usize) {
                composite[multiple as usize] = true;
            }
        }
    }
    primes
}
