//! What others ask of a master.

use super::view::View;
use crate::shape::Shape;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How long fresh counts are waited for: a worker that is stopped by its quota
/// answers when the next period begins.
const COUNT_TIME: Duration = Duration::from_secs(1);

/// How often it is looked whether they have come.
const COUNT_PAUSE: Duration = Duration::from_millis(1);

/// What a master is asked to do.
#[derive(Debug)]
pub enum Command {
    /// To replace the family by one of another shape; says when all its workers
    /// serve and those before have ended, or why not.
    Reshape(Shape, oneshot::Sender<Result<(), String>>),
    /// To kill the worker with this process number; says whether there is one.
    Kill(u32, oneshot::Sender<bool>),
    /// To ask all workers for their counts.
    Count(u64),
}

/// A way to the master; clones share it.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    /// The family.
    pub view: Arc<View>,
    questions: Arc<AtomicU64>,
}

impl Handle {
    /// To the master that takes these commands.
    pub fn new(commands: mpsc::Sender<Command>, view: Arc<View>) -> Self {
        Self {
            commands,
            view,
            questions: Arc::default(),
        }
    }

    /// Kills a worker; whether there is one with this process number.
    pub async fn kill(&self, pid: u32) -> bool {
        let (sender, killed) = oneshot::channel();
        let sent = self.commands.send(Command::Kill(pid, sender)).await;
        sent.is_ok() && killed.await.unwrap_or(false)
    }

    /// Makes the family have this shape. Call on a thread that may block.
    pub fn reshape(&self, shape: Shape) -> Result<(), String> {
        let (sender, done) = oneshot::channel();
        let command = Command::Reshape(shape, sender);
        let gone = "the master ends".to_owned();
        match self.commands.blocking_send(command) {
            Ok(()) => done.blocking_recv().unwrap_or(Err(gone)),
            Err(_) => Err(gone),
        }
    }

    /// Waits until all workers that serve have said what they have counted by
    /// now.
    pub async fn count(&self) {
        let question = self.next_question();
        let asked = self.commands.send(Command::Count(question)).await;
        let told = async {
            while asked.is_ok() && !self.is_answered(question) {
                tokio::time::sleep(COUNT_PAUSE).await;
            }
        };
        let _ = tokio::time::timeout(COUNT_TIME, told).await;
    }

    /// The same on a thread that may block.
    pub fn count_blocking(&self) {
        let question = self.next_question();
        let asked = self.commands.blocking_send(Command::Count(question));
        let since = Instant::now();
        while asked.is_ok() && !self.is_answered(question) && since.elapsed() < COUNT_TIME {
            std::thread::sleep(COUNT_PAUSE);
        }
    }

    fn next_question(&self) -> u64 {
        self.questions.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn is_answered(&self, question: u64) -> bool {
        let known = self.view.lock();
        let mut serving = known.serving();
        serving.all(|(_, worker)| worker.answered >= question)
    }
}
