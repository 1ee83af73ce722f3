//! How many numbers per second each kernel tests: near the start, where the
//! lab counts, and near the largest limit.
//!
//! `cargo bench -p primes`, with a name behind `--` for some of them alone.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use primes::workload::{Counter, Kernel};
use std::hint::black_box;
use std::ops::Range;

/// The first numbers of a range, and how many each kernel tests in one go.
const RANGES: [(&str, u64); 3] = [
    ("0", 0),
    ("10^10", 10_000_000_000),
    ("10^12", 999_000_000_000),
];

fn numbers(kernel: Kernel, start: u64) -> Range<u64> {
    let length = match kernel {
        Kernel::Trial => 2000,
        Kernel::Sieve => 1 << 27,
    };
    start..start + length
}

fn kernels(criterion: &mut Criterion) {
    for kernel in [Kernel::Trial, Kernel::Sieve] {
        let mut group = criterion.benchmark_group(kernel.name());
        group.sample_size(10);
        for (name, start) in RANGES {
            let numbers = numbers(kernel, start);
            let mut counter = Counter::new(kernel, numbers.end);
            group.throughput(Throughput::Elements(numbers.end - numbers.start));
            group.bench_function(format!("from {name}"), |bencher| {
                bencher.iter(|| counter.count(black_box(numbers.clone())));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
