//! A worker: one process of the family, which accepts and answers.

mod activity;
mod answer;
mod body;
mod connection;
mod connections;
pub use connections::MOST_REFUSED;
mod link;
mod queue;
mod shared;
mod work;

use crate::board::{Board, Seat};
use crate::control::{Orders, Said};
use crate::counters::Counters;
use anyhow::Context as _;
use connections::Connections;
use queue::Queue;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use rustix::stdio::{dup2_stdin, dup2_stdout};
use rustix::thread::gettid;
use shared::Shared;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The whole life of a worker.
///
/// # Errors
/// When its orders, its sockets or its threads are not what a worker needs.
pub fn run(orders: &str) -> anyhow::Result<()> {
    let orders: Orders =
        serde_json::from_str(orders).context("a worker is started by its master alone")?;
    end_with(orders.master)?;
    // Shown in place of "exe", which is what the master starts.
    let _ = rustix::thread::set_name(c"cluster-worker");
    let (listener, control) = inherited()?;
    let seat = seat(&orders, &control)?;
    let (runtime, threads) = runtime(orders.threads)?;
    runtime.block_on(async {
        let control = tokio::net::UnixStream::from_std(control)?;
        let queue = Queue::new(listener, seat)?;
        let counters = Arc::new(Counters::default());
        let (link, drain) = link::begin(control, counters.clone());
        let shared = Arc::new(Shared::new(orders, counters, link));
        let connections = Connections::new(shared.clone());
        let threads = all_of(&threads, shared.orders.threads).await;
        shared.link.say(&Said::Ready { threads });
        // On the runtime's own threads: `block_on`'s is none of them where there
        // are several.
        tokio::spawn(connections.serve(queue, drain)).await?;
        let last = shared.counters.read();
        shared.link.clone().say_last(last).await;
        Ok(())
    })
}

/// Ends this process when the one that started it ends, however that happens.
fn end_with(master: u32) -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL)).context("cannot ask for a death signal")?;
    // It may have ended before that was asked.
    let parent = getppid().map(Pid::as_raw_nonzero);
    anyhow::ensure!(
        parent.is_some_and(|parent| u32::try_from(parent.get()) == Ok(master)),
        "the master is gone already"
    );
    Ok(())
}

/// The listening socket and the way to the master, which are this process's
/// standard input and output; nothing else may read or write them.
fn inherited() -> anyhow::Result<(TcpListener, UnixStream)> {
    let listener: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned()?;
    let control: OwnedFd = std::io::stdout().as_fd().try_clone_to_owned()?;
    // Else the socket would stay open when the listener is dropped.
    dup2_stdin(std::fs::File::open("/dev/null")?)?;
    dup2_stdout(std::io::stderr())?;
    let (listener, control) = (TcpListener::from(listener), UnixStream::from(control));
    listener.set_nonblocking(true)?;
    control.set_nonblocking(true)?;
    Ok((listener, control))
}

/// The seat that it was told to take, at the board that comes first of all over
/// `control`.
fn seat(orders: &Orders, control: &UnixStream) -> anyhow::Result<Option<Seat>> {
    let Some(number) = orders.seat else {
        return Ok(None);
    };
    let board = Board::receive(control).context("no board has come from the master")?;
    Ok(Some(Seat::new(Arc::new(board), number)))
}

/// The numbers of all `threads`, which are known when each has begun.
async fn all_of(numbers: &Mutex<Vec<u32>>, threads: usize) -> Vec<u32> {
    loop {
        let known = numbers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if known.len() >= threads {
            return known;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The runtime, and the kernel's numbers of the threads that it runs on.
fn runtime(threads: usize) -> anyhow::Result<(tokio::runtime::Runtime, Arc<Mutex<Vec<u32>>>)> {
    let own = u32::try_from(gettid().as_raw_nonzero().get())?;
    if threads == 1 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        return Ok((runtime, Arc::new(Mutex::new(vec![own]))));
    }
    let numbers = Arc::new(Mutex::new(Vec::new()));
    let seen = numbers.clone();
    // tokio panics where a thread cannot be had, and then waits for those that can.
    let usual = panic::take_hook();
    panic::set_hook(Box::new(|panicked| {
        tracing::error!(%panicked, "cannot start the threads");
        std::process::exit(1);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("serving")
        .on_thread_start(move || {
            let number = u32::try_from(gettid().as_raw_nonzero().get());
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.extend(number);
        })
        .enable_all()
        .build()
        .context("cannot start the threads")?;
    panic::set_hook(usual);
    Ok((runtime, numbers))
}
