//! The whole life of a child process.

use super::super::super::{Control, JobRun, Worker};
use super::{ChildReport, ChildTask, Message};
use cpu_budget::clock::{monotonic_seconds, process_cpu_seconds};
use service_kit::sampling::WorkerClock;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// How often a child says how far it is: seldom, since saying and reading it
/// costs CPU that is being measured.
const PROGRESS_SECONDS: f64 = 0.5;

/// Does its part of the job and prints its report. It ends at once when its
/// standard input does, so it never outlives its parent.
pub fn child_main(task: &str) -> anyhow::Result<ExitCode> {
    let task: ChildTask = serde_json::from_str(task)?;
    let mut worker = Worker::new(WorkerClock::of_new_thread());
    std::thread::Builder::new().spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(1);
    })?;
    let job = task.job()?;
    let run = JobRun::new(job, task.started, Arc::new(Control::default()));
    let mut count = 0;
    let (mut said_at, mut done) = (task.started, 0);
    for chunk in (task.index..job.chunks()).step_by(task.workers as usize) {
        count += run.do_chunk(chunk, &mut worker);
        done += 1;
        if worker.clock.last_ended() - said_at >= PROGRESS_SECONDS {
            say(&Message::Done(done))?;
            (said_at, done) = (worker.clock.last_ended(), 0);
        }
    }
    // The job is not done before those are there for which nothing is left:
    // starting them costs what starting the others does. The others' tail is
    // added by the parent, which knows when the last one ended.
    let ended = if job.chunks() > task.index {
        task.started
    } else {
        monotonic_seconds()
    };
    say(&Message::Report(ChildReport {
        count,
        account: worker.clock.account(task.started, ended),
        cpu_seconds: process_cpu_seconds(),
    }))?;
    Ok(ExitCode::SUCCESS)
}

/// One line, written at once.
fn say(message: &Message) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    io::stdout().write_all(&line)?;
    Ok(())
}
