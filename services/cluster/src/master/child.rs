//! One worker as its master sees it: a child process, listened to until it ends.

use crate::board::Board;
use crate::control::{Orders, Said, Told, line};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// This very program, also when its file has been replaced meanwhile: master and
/// workers must speak the same language.
const PROGRAM: &str = "/proc/self/exe";

/// Messages that may wait for a worker to read them; a worker that does not
/// loses them.
const MOST_WAITING: usize = 64;

/// How long the last words of a worker that has ended are waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What becomes of a worker, by its number.
#[derive(Debug)]
pub enum Event {
    /// It says something.
    Said(u64, Said),
    /// It has ended, in these words.
    Ended(u64, String),
}

/// A running worker. Dropped, it is killed.
#[derive(Debug)]
pub struct Worker {
    pid: u32,
    told: mpsc::Sender<Told>,
    kill: mpsc::Sender<()>,
}

impl Worker {
    /// Starts worker `number`, which serves `listener`, at `board` where it shares
    /// that with others.
    pub fn start(
        number: u64,
        orders: &Orders,
        listener: BorrowedFd<'_>,
        board: Option<&Board>,
        events: mpsc::Sender<Event>,
    ) -> io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        if let Some(board) = board {
            board.send(&ours)?;
        }
        ours.set_nonblocking(true)?;
        let ours = UnixStream::from_std(ours)?;
        let process = Command::new(PROGRAM)
            .arg0(env!("CARGO_PKG_NAME"))
            .arg("worker")
            .arg(serde_json::to_string(orders)?)
            .stdin(listener.try_clone_to_owned()?)
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            // Out of the terminal's reach: Ctrl-C is for the master to handle.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = process.id().unwrap_or_default();
        let (told, to_tell) = mpsc::channel(MOST_WAITING);
        let (kill, killed) = mpsc::channel(1);
        let (read, write) = ours.into_split();
        tokio::spawn(tell(write, to_tell));
        tokio::spawn(attend(number, process, read, killed, events));
        Ok(Self { pid, told, kill })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Tells it something, unless it has stopped listening.
    pub fn tell(&self, told: Told) {
        let _ = self.told.try_send(told);
    }

    /// Kills it: by the one who waits for its end, so that it cannot be another
    /// process that has its number by now.
    pub fn kill(&self) {
        let _ = self.kill.try_send(());
    }
}

/// Apart from listening: a worker that is stopped would make it wait.
async fn tell(mut socket: OwnedWriteHalf, mut to_tell: mpsc::Receiver<Told>) {
    while let Some(told) = to_tell.recv().await {
        if socket.write_all(&line(&told)).await.is_err() {
            return;
        }
    }
}

async fn attend(
    number: u64,
    mut process: Child,
    socket: OwnedReadHalf,
    mut killed: mpsc::Receiver<()>,
    events: mpsc::Sender<Event>,
) {
    let mut lines = BufReader::new(socket).lines();
    let mut is_open = true;
    let ended = loop {
        tokio::select! {
            said = lines.next_line(), if is_open => match said {
                Ok(Some(said)) => pass_on(number, &said, &events).await,
                _ => is_open = false,
            },
            // Closed when the master lets go of it.
            _ = killed.recv() => {
                let _ = process.start_kill();
                break process.wait().await;
            }
            ended = process.wait() => break ended,
        }
    };
    let last_words = async {
        while let Ok(Some(said)) = lines.next_line().await {
            pass_on(number, &said, &events).await;
        }
    };
    let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    let ended = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
    let _ = events.send(Event::Ended(number, ended)).await;
}

async fn pass_on(number: u64, said: &str, events: &mpsc::Sender<Event>) {
    match serde_json::from_str(said) {
        Ok(said) => {
            let _ = events.send(Event::Said(number, said)).await;
        }
        Err(error) => tracing::warn!(%error, said, "a worker says what nobody understands"),
    }
}
