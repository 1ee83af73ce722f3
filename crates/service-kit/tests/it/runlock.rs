//! The run lock between processes: this test binary starts itself as the other one.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use service_kit::runlock::{RunLock, RunLockError};

use crate::running::DEADLINE;

const NAME_VARIABLE: &str = "RUN_LOCK_TEST_NAME";

/// Not a test by itself: what the other process does.
#[test]
#[ignore = "started by the test below"]
fn other_process() {
    let name = std::env::var(NAME_VARIABLE).unwrap();
    let _lock = RunLock::try_acquire(&name).unwrap();
    println!("\nheld");
    // Until its parent kills it or goes away.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn start_holder(name: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "runlock::other_process",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(NAME_VARIABLE, name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line == "held"));
    child
}

#[test]
fn is_held_across_processes_and_freed_when_the_holder_is_killed() {
    let name = format!("primes-{}", std::process::id());
    let mut holder = start_holder(&name);

    let refused = RunLock::try_acquire(&name).unwrap_err();
    let RunLockError::Busy { pid } = refused else {
        panic!("{refused}");
    };
    if cfg!(target_os = "linux") {
        assert_eq!(pid, Some(holder.id()));
    }

    holder.kill().unwrap();
    holder.wait().unwrap();
    let killed = Instant::now();
    while RunLock::try_acquire(&name).is_err() {
        assert!(killed.elapsed() < DEADLINE, "the lock outlives its holder");
    }
}
