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
    /// now. Call on a thread that may block.
    pub fn count(&self) {
        let question = self.questions.fetch_add(1, Ordering::Relaxed) + 1;
        if self
            .commands
            .blocking_send(Command::Count(question))
            .is_err()
        {
            return;
        }
        let asked = Instant::now();
        let answered = || {
            let known = self.view.lock();
            known
                .serving()
                .all(|(_, worker)| worker.answered >= question)
        };
        while !answered() && asked.elapsed() < COUNT_TIME {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
