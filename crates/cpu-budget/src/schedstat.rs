//! A thread's scheduler statistics as anybody may read them, while it works.
//!
//! The source is `/proc/<process>/task/<thread>/schedstat`, in nanoseconds
//! (kernel documentation, "Scheduler Statistics"); no privilege is needed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// The statistics of one thread. The files stay open, so a reading is one
/// `pread`, and a number that the kernel gives to another thread later does no
/// harm: of a thread that has ended nothing can be read.
#[derive(Debug)]
pub struct SchedStat {
    schedstat: File,
    folder: String,
}

/// What the kernel had counted of a thread when it was asked.
///
/// Asked from another thread, both durations hold closed intervals only: of a
/// thread that runs, the time since the scheduler's last tick is missing (some
/// milliseconds), and of one that waits for a CPU, the wait that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scheduled {
    /// Time on a CPU.
    pub on_cpu: Duration,
    /// Time ready to run but off the CPU; that in which its group's quota kept
    /// it off is included.
    pub waited: Duration,
    /// How often it was put on a CPU.
    pub turns: u64,
}

impl SchedStat {
    /// Those of the calling thread, for others to read; `None` where the kernel
    /// keeps no such figures (the file is missing, or holds only zeros).
    pub fn of_this_thread() -> Option<Self> {
        let thread = std::fs::read_link("/proc/thread-self").ok()?;
        let stat = Self::open(format!("/proc/{}", thread.to_str()?))?;
        stat.read()?;
        Some(stat)
    }

    /// Those of a process's first thread. It need not have run yet.
    pub fn of_process(id: u32) -> Option<Self> {
        Self::of_thread(id, id)
    }

    /// Those of one thread of a process, by the kernel's numbers of both.
    pub fn of_thread(process: u32, thread: u32) -> Option<Self> {
        Self::open(format!("/proc/{process}/task/{thread}"))
    }

    fn open(folder: String) -> Option<Self> {
        Some(Self {
            schedstat: File::open(format!("{folder}/schedstat")).ok()?,
            folder,
        })
    }

    /// The figures now; `None` when the thread has ended, was never put on a
    /// CPU, or the kernel does not count.
    pub fn read(&self) -> Option<Scheduled> {
        // Three 64-bit figures, two blanks and a newline are at most 63 bytes.
        let mut text = [0; 64];
        let length = self.schedstat.read_at(&mut text, 0).ok()?;
        parse(std::str::from_utf8(&text[..length]).ok()?)
    }

    /// Whether the thread sleeps: it is neither on a CPU nor ready for one.
    /// Costs some microseconds more than [`Self::read`].
    ///
    /// A thread says that it sleeps just before it leaves its CPU: one that is
    /// stopped between the two looks asleep and is not.
    pub fn sleeps(&self) -> Option<bool> {
        let stat = std::fs::read(format!("{}/stat", self.folder)).ok()?;
        state(&stat).map(|state| matches!(state, b'S' | b'D' | b'I'))
    }
}

/// The state in a stat text: `<id> (<name>) <state> …`. The name may hold
/// anything, brackets too.
fn state(stat: &[u8]) -> Option<u8> {
    let name_ends = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(name_ends + 2).copied()
}

/// A schedstat text: `<ns on a CPU> <ns runnable> <times put on a CPU>`. A
/// thread that reads its own file has been put on a CPU, so three zeros come
/// from a kernel that does not count (`proc_pid_schedstat` writes them where
/// `sched_info_on()` is false).
fn parse(schedstat: &str) -> Option<Scheduled> {
    let mut figures = schedstat.split_whitespace().map(str::parse::<u64>);
    let mut next = || figures.next()?.ok();
    let (ran, waited, turns) = (next()?, next()?, next()?);
    (ran > 0 || waited > 0 || turns > 0).then_some(Scheduled {
        on_cpu: Duration::from_nanos(ran),
        waited: Duration::from_nanos(waited),
        turns,
    })
}

#[cfg(test)]
mod tests {
    use super::{Scheduled, parse, state};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn the_figures_stand_in_the_kernels_order() {
        let parsed = Scheduled {
            on_cpu: Duration::from_nanos(123_456),
            waited: Duration::from_nanos(789),
            turns: 42,
        };
        assert_eq!(parse("123456 789 42\n"), Some(parsed));
        assert_eq!(parse("123456 789 42 added later"), Some(parsed));
        assert_eq!(parse("0 0 1\n").map(|p| p.waited), Some(Duration::ZERO));
    }

    #[test]
    fn a_kernel_that_does_not_count_is_unknown_and_not_zero() {
        assert_eq!(parse("0 0 0\n"), None);
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
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_state_stands_behind_the_name_whatever_that_holds() {
        assert_eq!(state(b"7 (worker-1) S 1 7"), Some(b'S'));
        assert_eq!(state(b"7 (a) R (b) R 1 7"), Some(b'R'));
        for text in [&b""[..], b"7", b"7 (", b"7 (a)", b"7 (a) "] {
            assert_eq!(state(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = parse(&text);
            let _ = state(text.as_bytes());
        }
    }
}
