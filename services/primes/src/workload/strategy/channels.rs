//! `channels`: one bounded channel carries chunks to the workers, another
//! carries counts back, as goroutines do it.

use super::super::JobRun;
use super::scoped::OnNewThreads;
use super::{Crew, JobEnd};
use crossbeam_channel::{bounded, select};
use measure::report::WorkerAccount;
use service_kit::sampling::{Cause, Roster};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many chunks may lie ready for each worker: enough that it need not
/// wait for the coordinator's turn on a CPU.
const READY_PER_WORKER: usize = 4;

/// Threads that live for one job, fed through channels.
pub(super) struct Channels {
    workers: usize,
    threads: OnNewThreads,
}

impl Channels {
    /// `workers` threads behind the channels.
    pub(super) fn new(workers: usize, roster: &Roster) -> Self {
        Self {
            workers,
            threads: OnNewThreads::new(workers, roster),
        }
    }
}

impl Crew for Channels {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let capacity = self.workers * READY_PER_WORKER;
        let (give, take) = bounded(capacity);
        let (answer, answers) = bounded(capacity);
        let total = AtomicU64::new(0);
        let mut ending = self.threads.run(
            &run,
            |_, worker| {
                loop {
                    let chunk = match take.try_recv() {
                        Ok(chunk) => chunk,
                        Err(error) if error.is_disconnected() => return 0,
                        Err(_) => match worker.clock.next_item(|| take.recv().ok()) {
                            Some(chunk) => chunk,
                            None => return 0,
                        },
                    };
                    let count = run.do_chunk(chunk, worker);
                    if answer.try_send(count).is_err() {
                        // The coordinator outlives the workers: this cannot fail.
                        let _ = worker.clock.blocked(Cause::Output, || answer.send(count));
                        run.ended_at(worker.clock.last_ended());
                    }
                }
            },
            || {
                // Offered in place of the real channel when nothing is left to
                // give: nobody ever takes from it.
                let (nobody, _takes) = bounded(0);
                let chunks = run.job.chunks();
                let (mut given, mut answered) = (0, 0);
                loop {
                    let more = given < chunks && !run.control().is_cancelled();
                    if !more && answered == given {
                        break;
                    }
                    let to = if more { &give } else { &nobody };
                    select! {
                        send(to, given) -> _ => given += 1,
                        recv(answers) -> count => {
                            total.fetch_add(count.unwrap_or(0), Ordering::Relaxed);
                            answered += 1;
                        }
                    }
                }
                drop(give);
            },
        )?;
        ending.count = total.into_inner();
        Ok(ending)
    }

    fn accounts(self: Box<Self>, _started: f64, _ended: f64) -> Vec<WorkerAccount> {
        self.threads.into_accounts()
    }
}
