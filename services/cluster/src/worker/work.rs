//! The handler's loop, as the course has it: so many additions, really made.
//!
//! It runs on the very threads that accept connections, and not on threads of
//! its own as CPU work does elsewhere in this repository: how many threads
//! compute is what `--threads` says, and must not be one more. So it runs in
//! slices, with a look at the sockets after each. Nobody waits for longer than a
//! slice to be accepted, or for an answer that costs nothing.

use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How long a loop runs before others get a look in.
const SLICE: Duration = Duration::from_micros(200);

/// Additions between two glances at the clock, some ten microseconds.
const BLOCK: u64 = 16_384;

/// Up to so many additions a loop is run in one go: a fraction of a slice.
const IN_ONE_GO: u64 = 4 * BLOCK;

/// The sum of the whole numbers below `work`, by as many additions.
///
/// Loops take turns, in the order of their coming, as many at once as there are
/// `turns`: were equal loops all run a little in each round, all would end when
/// the last one does, and the mean wait would be twice as long.
pub async fn compute(work: u64, turns: &Semaphore) -> u64 {
    if work <= IN_ONE_GO {
        return add(0, work, 0);
    }
    // It is never closed; and without a turn the loop would still be right.
    let _turn = turns.acquire().await;
    let (mut from, mut sum) = (0, 0);
    loop {
        (from, sum) = slice(from, work, sum);
        if from == work {
            return sum;
        }
        // Woken when the sockets have been asked, and behind all that is ready.
        tokio::task::yield_now().await;
    }
}

/// Adds for [`SLICE`] at most; returns how far it came.
fn slice(mut from: u64, work: u64, mut sum: u64) -> (u64, u64) {
    let began = Instant::now();
    loop {
        let to = work.min(from + BLOCK);
        sum = add(from, to, sum);
        from = to;
        if from == work || began.elapsed() >= SLICE {
            return (from, sum);
        }
    }
}

/// Each number goes through `black_box`: else the compiler would put Gauss'
/// formula in the loop's place.
fn add(from: u64, to: u64, mut sum: u64) -> u64 {
    for number in from..to {
        sum = sum.wrapping_add(black_box(number));
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    #[test]
    fn ten_million_additions_are_the_courses_result() {
        let sum = runtime().block_on(compute(10_000_000, &Semaphore::new(1)));
        assert_eq!(sum, 49_999_995_000_000);
    }

    #[test]
    fn others_run_between_slices_and_loops_end_in_their_order() {
        runtime().block_on(async {
            let turns = Arc::new(Semaphore::new(1));
            let (glances, ended) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
            let loops: Vec<_> = (0..3)
                .map(|place| {
                    let (turns, ended) = (turns.clone(), ended.clone());
                    tokio::spawn(async move {
                        compute(1_000_000, &turns).await;
                        (place, ended.fetch_add(1, Ordering::Relaxed))
                    })
                })
                .collect();
            let looking = tokio::spawn({
                let glances = glances.clone();
                async move {
                    loop {
                        glances.fetch_add(1, Ordering::Relaxed);
                        tokio::task::yield_now().await;
                    }
                }
            });
            for one in loops {
                let (place, ended) = one.await.unwrap();
                assert_eq!(place, ended);
            }
            looking.abort();
            assert!(glances.load(Ordering::Relaxed) > 3);
        });
    }

    proptest! {
        #[test]
        fn the_sum_is_gauss_formula(work in 0_u64..300_000) {
            let sum = runtime().block_on(compute(work, &Semaphore::new(1)));
            prop_assert_eq!(sum, work * work.saturating_sub(1) / 2);
        }

        #[test]
        fn slices_join(work in 1_u64..2_000_000) {
            let (mut from, mut sum) = (0, 0);
            while from < work {
                let (to, more) = slice(from, work, sum);
                prop_assert!(to > from && to <= work);
                (from, sum) = (to, more);
            }
            prop_assert_eq!(sum, work * (work - 1) / 2);
        }
    }
}
