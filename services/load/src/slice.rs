//! A shorter slice of CPU time, so that the generator is on time on CPUs that it
//! shares with the server.
//!
//! A thread that is woken waits until whoever runs has used up a slice (some
//! milliseconds) or goes to sleep. Since Linux 6.12 a thread may ask for shorter
//! slices of its own, without any privilege, and then runs sooner when it is
//! woken. It gets no more CPU time by that, only earlier and in smaller pieces
//! (`sched_setattr(2)`, `sched_runtime`; kernel/sched/fair.c, PREEMPT_SHORT).
//!
//! No safe wrapper of that call is known to this workspace, which forbids
//! `unsafe`; `chrt` of util-linux 2.41 makes it.

use std::process::{Command, Stdio};

/// What is asked for: the least that the kernel grants.
const NANOS: &str = "100000";

/// The program that asks.
pub const CHRT: &str = "chrt";

/// Asks for short slices for this thread, and so for all that it starts from now
/// on: call it before any is started. Whether they were granted; older kernels
/// grant them and go on as before, an older `chrt` refuses, and without them the
/// generator is late more often, which it says.
pub fn shorten(chrt: &str) -> bool {
    let ended = command(chrt).status();
    ended.is_ok_and(|status| status.success())
}

fn command(chrt: &str) -> Command {
    let own = std::process::id().to_string();
    let mut command = Command::new(chrt);
    command
        .args(["--other", "--sched-runtime", NANOS, "--pid", "0", &own])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_for_this_process() {
        let command = command(CHRT);
        let arguments: Vec<_> = command
            .get_args()
            .filter_map(|word| word.to_str())
            .collect();
        let own = std::process::id().to_string();
        assert_eq!(
            arguments,
            ["--other", "--sched-runtime", NANOS, "--pid", "0", &own]
        );
    }

    #[test]
    fn where_it_is_refused_or_nobody_can_ask_it_is_not_granted() {
        assert!(shorten("true"));
        assert!(!shorten("false"));
        assert!(!shorten("/nowhere/chrt"));
    }
}
