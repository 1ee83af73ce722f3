//! Threads that parse, so that the one that fetches never computes for long.

use super::Crawl;
use super::clock::{self, Measured, NetworkWaits};
use crate::outcome::Page;
use crossbeam_channel::{Receiver, Sender, bounded};
use measure::report::WorkerAccount;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, oneshot};

/// Pages that may lie ready for each thread: enough that it need not wait for
/// the fetching thread's turn on a CPU.
const READY_PER_THREAD: usize = 4;

/// A page, if it was to be parsed; `None`: the parser panicked.
type Parsed = Option<Option<Page>>;

struct Work {
    parse: Box<dyn FnOnce() -> Parsed + Send>,
    done: oneshot::Sender<Parsed>,
}

/// A way to the threads; they end when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Parsers {
    give: Sender<Work>,
    places: Places,
    /// What the thread that fetches says of its waiting.
    pub(super) waits: Arc<NetworkWaits>,
}

/// The places of the queue, a permit each.
#[derive(Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    all: usize,
}

impl Places {
    /// Whether it is for these threads that the one which fetches waits, where
    /// it has nothing to do and so many requests are under way: they have pages,
    /// and either there is no place for another one or none is to come.
    pub(super) fn are_waited_for(&self, requests: u64) -> bool {
        match self.free.available_permits() {
            0 => true,
            free => free < self.all && requests == 0,
        }
    }
}

/// The threads themselves.
pub(super) struct Pool(Vec<JoinHandle<Option<WorkerAccount>>>);

/// Starts the threads that a run wants for parsing; none: `None`.
pub(super) fn start(crawl: &Arc<Crawl>) -> io::Result<(Option<Parsers>, Pool)> {
    let size = crawl.pool_size();
    if size == 0 {
        return Ok((None, Pool(Vec::new())));
    }
    let capacity = size * READY_PER_THREAD;
    let (give, take) = bounded(capacity);
    let waits = Arc::<NetworkWaits>::default();
    let threads = (0..size).map(|index| {
        let (crawl, take, waits) = (crawl.clone(), take.clone(), waits.clone());
        std::thread::Builder::new()
            .name(format!("parse-{index}"))
            .spawn(move || work(crawl.measured.as_ref(), &take, &waits))
    });
    let threads = threads.collect::<io::Result<_>>()?;
    let places = Places {
        free: Arc::new(Semaphore::new(capacity)),
        all: capacity,
    };
    let parsers = Parsers {
        give,
        places,
        waits,
    };
    Ok((Some(parsers), Pool(threads)))
}

fn work(
    measured: Option<&Measured>,
    take: &Receiver<Work>,
    waits: &NetworkWaits,
) -> Option<WorkerAccount> {
    clock::begin(measured);
    while let Some(work) = clock::next_page(waits, || take.recv().ok()) {
        // Who asked has given up: the run was cancelled, and waits for this thread.
        if work.done.is_closed() {
            continue;
        }
        clock::take_up(measured);
        let page = (work.parse)();
        clock::put_down();
        let _ = work.done.send(page); // whoever asked may have given up meanwhile
    }
    clock::end(measured)
}

impl Parsers {
    /// The places of the queue. Who holds these keeps no thread from ending.
    pub(super) fn places(&self) -> Places {
        self.places.clone()
    }

    /// Has a page parsed.
    pub(super) async fn parse(&self, parse: impl FnOnce() -> Parsed + Send + 'static) -> Parsed {
        let place = self.places.free.acquire().await.ok()?;
        let (done, page) = oneshot::channel();
        let parse = Box::new(parse);
        // There is room for it: that is what the place says.
        self.give.try_send(Work { parse, done }).ok()?;
        let page = page.await.ok()?;
        drop(place);
        page
    }
}

impl Pool {
    /// Waits until all threads have ended, and adds their accounts.
    pub(super) fn join(self, accounts: &mut Vec<WorkerAccount>) {
        for thread in self.0 {
            if let Ok(Some(account)) = thread.join() {
                accounts.push(account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn what_nobody_waits_for_is_not_parsed() {
        let parsed = Arc::new(AtomicU32::new(0));
        let (give, take) = bounded(3);
        let mut waits = Vec::new();
        for is_waited_for in [true, false, true] {
            let (done, page) = oneshot::channel();
            let parsed = parsed.clone();
            let parse = Box::new(move || {
                parsed.fetch_add(1, Ordering::Relaxed);
                Some(None)
            });
            assert!(give.send(Work { parse, done }).is_ok());
            waits.extend(is_waited_for.then_some(page));
        }
        drop(give);

        work(None, &take, &NetworkWaits::default());

        assert_eq!(parsed.load(Ordering::Relaxed), 2);
        for mut page in waits {
            assert_eq!(page.try_recv(), Ok(Some(None)));
        }
    }
}
