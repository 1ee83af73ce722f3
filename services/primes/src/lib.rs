//! The part of the service `primes` that benches and other programs can use:
//! what is computed, and how it is shared out.

pub mod workload;
