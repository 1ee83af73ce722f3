//! A worker's way to its master.

use crate::control::{Said, Told, line};
use crate::counters::{Counters, Counts};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

/// Lines that may wait to be written: a master that is stopped must not make its
/// workers grow.
const MOST_WAITING: usize = 256;

/// How long the master has to tell about the family.
const INFO_TIME: Duration = Duration::from_secs(2);

/// What is said to the master; clones share it.
#[derive(Debug, Clone)]
pub struct Link {
    lines: mpsc::Sender<Vec<u8>>,
    asked: Arc<Asked>,
}

/// Those who wait to be told about the family.
#[derive(Debug, Default)]
struct Asked {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<String>>>,
}

/// The end of a drain's wait: whether to take what is queued first.
pub type DrainOrder = mpsc::Receiver<bool>;

/// Begins to speak with the master over `socket`: what it says of a drain comes
/// out of the receiver, and when it is gone the process ends.
pub fn begin(socket: UnixStream, counters: Arc<Counters>) -> (Link, DrainOrder) {
    let (read, write) = socket.into_split();
    let (lines, to_write) = mpsc::channel(MOST_WAITING);
    let (drain, order) = mpsc::channel(1);
    let link = Link {
        lines,
        asked: Arc::default(),
    };
    tokio::spawn(write_lines(write, to_write));
    tokio::spawn(listen(read, link.clone(), counters, drain));
    (link, order)
}

impl Link {
    /// Says it, or drops it where too much waits already: counts come again.
    pub fn say(&self, said: &Said) {
        let _ = self.lines.try_send(line(said));
    }

    /// Says the last counts, and waits until they are on their way.
    pub async fn say_last(self, counts: Counts) {
        let counts = Box::new(counts);
        let last = line(&Said::Counts {
            counts,
            asked: None,
        });
        if self.lines.send(last).await.is_ok() {
            // An empty line is the sign to go; its receiver is dropped then.
            let _ = self.lines.send(Vec::new()).await;
            self.lines.closed().await;
        }
    }

    /// What the master tells about the family, as JSON; `None` when it does not
    /// in time.
    pub async fn info(&self) -> Option<String> {
        let number = self.asked.next.fetch_add(1, Ordering::Relaxed);
        let (sender, told) = oneshot::channel();
        self.asked.waiting().insert(number, sender);
        self.say(&Said::Info(number));
        let told = tokio::time::timeout(INFO_TIME, told).await;
        self.asked.waiting().remove(&number);
        told.ok()?.ok()
    }
}

impl Asked {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<String>>> {
        // Nothing that can panic runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write_lines(mut socket: OwnedWriteHalf, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if line.is_empty() || socket.write_all(&line).await.is_err() {
            // A master that is gone is noticed by whoever listens.
            return;
        }
    }
}

async fn listen(
    socket: OwnedReadHalf,
    link: Link,
    counters: Arc<Counters>,
    drain: mpsc::Sender<bool>,
) {
    let mut lines = BufReader::new(socket).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Told::Drain { take_queued }) => {
                let _ = drain.try_send(take_queued);
            }
            Ok(Told::Count(asked)) => link.say(&Said::Counts {
                counts: Box::new(counters.read()),
                asked: Some(asked),
            }),
            Ok(Told::Info { number, text }) => {
                if let Some(waiting) = link.asked.waiting().remove(&number) {
                    let _ = waiting.send(text);
                }
            }
            Err(error) => tracing::warn!(%error, "the master says what nobody understands"),
        }
    }
    // Nobody would replace this worker, drain it or know of it.
    tracing::warn!("the master is gone: ending with it");
    std::process::exit(1);
}
