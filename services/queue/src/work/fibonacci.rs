//! Fibonacci numbers by naive recursion: the course's way to use a CPU.

use super::control::{Control, Stop};

/// The largest that is asked for: some seconds of work.
pub const MOST_FIBONACCI: u64 = 45;

/// Below this a number is found in less than 0.1 ms, without a look around.
const WITHOUT_LOOKING: u64 = 20;

/// The `n`th number; the 0th is 0.
pub(super) fn fibonacci(n: u64, control: &Control) -> Result<u64, Stop> {
    let mut progress = Progress {
        control,
        done: 0,
        all: calls(n),
    };
    progress.number(n)
}

/// The work of a call: it is itself a Fibonacci number.
fn calls(n: u64) -> u64 {
    let (mut this, mut next) = (1_u64, 1_u64);
    for _ in 0..n {
        (this, next) = (next, this.saturating_add(next));
    }
    this
}

struct Progress<'c> {
    control: &'c Control,
    done: u64,
    all: u64,
}

impl Progress<'_> {
    fn number(&mut self, n: u64) -> Result<u64, Stop> {
        if n >= WITHOUT_LOOKING {
            return Ok(self.number(n - 1)? + self.number(n - 2)?);
        }
        self.control.check()?;
        let number = naive(n);
        self.done += calls(n);
        self.control.progressed(self.done as f64 / self.all as f64);
        Ok(number)
    }
}

fn naive(n: u64) -> u64 {
    // Hidden from the compiler, which would unroll part of the recursion.
    match std::hint::black_box(n) {
        0 | 1 => n,
        n => naive(n - 1) + naive(n - 2),
    }
}
