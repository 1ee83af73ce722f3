//! How long the calling thread ran, and how long it was ready to run but not
//! on a CPU. Wall time less both is the time it was blocked.
//!
//! Both are about the thread that asks: read from another thread, the wait
//! that is going on at that moment would be missing.

use std::fs::File;
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time that the calling thread has used since it began
/// (`CLOCK_THREAD_CPUTIME_ID`), exact to the moment of the call.
pub fn on_cpu() -> Option<Duration> {
    clock_gettime(ClockId::ThreadCPUTime).try_into().ok()
}

/// How long the calling thread has waited for a CPU since it began: runnable,
/// not running. Time in which its group's quota kept it off is included.
///
/// The source is the second figure of `/proc/thread-self/schedstat`, in
/// nanoseconds (kernel documentation, "Scheduler Statistics"); no privilege is
/// needed. The file stays open, so a reading is one `pread`.
///
/// A clock belongs to the thread that opened it, and cannot leave it:
///
/// ```compile_fail,E0277
/// let clock = cpu_budget::thread::WaitClock::open();
/// std::thread::spawn(move || clock);
/// ```
#[derive(Debug)]
pub struct WaitClock {
    schedstat: File,
    not_send: PhantomData<*const ()>,
}

impl WaitClock {
    /// The clock of the calling thread, or `None` where the kernel keeps no
    /// such figures (the file is missing, or holds only zeros).
    pub fn open() -> Option<Self> {
        let clock = Self {
            schedstat: File::open("/proc/thread-self/schedstat").ok()?,
            not_send: PhantomData,
        };
        clock.read()?;
        Some(clock)
    }

    /// Time waited so far.
    pub fn read(&self) -> Option<Duration> {
        // Three 64-bit figures, two blanks and a newline are at most 63 bytes.
        let mut text = [0; 64];
        let length = self.schedstat.read_at(&mut text, 0).ok()?;
        waited(std::str::from_utf8(&text[..length]).ok()?)
    }
}

/// The wait in a schedstat text: `<ns on a CPU> <ns runnable> <times put on a
/// CPU>`. A thread that reads its own file has been put on a CPU, so three
/// zeros come from a kernel that does not count (`proc_pid_schedstat` writes
/// them where `sched_info_on()` is false).
fn waited(schedstat: &str) -> Option<Duration> {
    let mut figures = schedstat.split_whitespace().map(str::parse::<u64>);
    let mut next = || figures.next()?.ok();
    let (ran, waited, turns) = (next()?, next()?, next()?);
    (ran > 0 || waited > 0 || turns > 0).then_some(Duration::from_nanos(waited))
}

#[cfg(test)]
mod tests {
    use super::waited;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn the_wait_is_the_second_figure() {
        assert_eq!(waited("123456 789 42\n"), Some(Duration::from_nanos(789)));
        assert_eq!(waited("0 0 1\n"), Some(Duration::ZERO));
        assert_eq!(waited("1 2 3 added later"), Some(Duration::from_nanos(2)));
    }

    #[test]
    fn a_kernel_that_does_not_count_is_unknown_and_not_zero() {
        assert_eq!(waited("0 0 0\n"), None);
    }

    #[test]
    fn missing_and_bad_figures_are_unknown() {
        for text in [
            "",
            "\n",
            "1 2",
            "1 -2 3",
            "a b c",
            "1 99999999999999999999999 3",
        ] {
            assert_eq!(waited(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = waited(&text);
        }
    }
}
