//! The threads of the three modes. Each has a runtime and a client of its own.

use super::pages::Pages;
use super::pool::{self, Parsers, Places};
use super::turns::{Turn, Turns};
use super::{Crawl, Feed, Stage, clock};
use crossbeam_channel::{Receiver, SendTimeoutError, bounded};
use measure::report::WorkerAccount;
use service_kit::sampling::Cause;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

/// How soon who waits for room in the queue notices the run's end.
const LOOK: Duration = Duration::from_millis(50);

type Worker = JoinHandle<io::Result<Option<WorkerAccount>>>;

/// `sequential` and `async`: one thread, with so many pages at once.
pub(super) fn one(
    crawl: &Arc<Crawl>,
    feed: Feed,
    at_once: usize,
) -> io::Result<Vec<WorkerAccount>> {
    let (parsers, pool) = pool::start(crawl)?;
    let turns = Mutex::new(crawl.turns(feed));
    let fetching = worker(crawl, "fetch".into(), parsers, move |runtime, pages| {
        let pages = Arc::new(pages);
        let turns = Arc::new(turns);
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 1..at_once {
                let (pages, turns) = (pages.clone(), turns.clone());
                tasks.spawn(async move { take_turns(&pages, &turns).await });
            }
            take_turns(&pages, &turns).await;
            tasks.join_all().await;
        });
    })?;
    let mut accounts = Vec::new();
    let joined = join(vec![fetching], &mut accounts);
    pool.join(&mut accounts);
    joined?;
    Ok(accounts)
}

/// One page after another, as their turn comes.
async fn take_turns(pages: &Pages, turns: &Mutex<Turns>) {
    let control = pages.control();
    loop {
        let next = async { turns.lock().await.next().await };
        let turn = tokio::select! {
            biased;
            () = control.reached(Stage::Draining) => return,
            turn = next => turn,
        };
        let Some(turn) = turn else { return };
        let (url, _place) = turn.begin();
        pages.page(url).await;
    }
}

/// `threads`: so many threads take URLs from a queue; a sentinel each ends them.
pub(super) fn many(crawl: &Arc<Crawl>, feed: Feed) -> io::Result<Vec<WorkerAccount>> {
    let (give, take) = bounded(crawl.concurrency);
    let mut workers = Vec::with_capacity(crawl.concurrency);
    let mut failed = None;
    for index in 0..crawl.concurrency {
        let (of_thread, take) = (crawl.clone(), take.clone());
        let started = worker(
            crawl,
            format!("fetch-{index}"),
            None,
            move |runtime, pages| {
                one_at_a_time(&of_thread, runtime, &pages, &take);
            },
        );
        match started {
            Ok(worker) => workers.push(worker),
            Err(error) => {
                crawl.control.cancel();
                failed = Some(error);
                break;
            }
        }
    }
    drop(take);
    let mut turns = crawl.turns(feed);
    let given = producing(crawl, &mut turns, |turn| put(crawl, &give, Some(turn)));
    for _ in &workers {
        put_sentinel(&give);
    }
    drop(give);
    let mut accounts = Vec::new();
    let joined = join(workers, &mut accounts);
    match failed {
        Some(error) => Err(error),
        None => given.and(joined).map(|()| accounts),
    }
}

fn one_at_a_time(crawl: &Crawl, runtime: &Runtime, pages: &Pages, take: &Receiver<Option<Turn>>) {
    let measured = crawl.measured.as_ref();
    // A sentinel or the queue's end: no more will come.
    while let Some(turn) = clock::next_item(|| take.recv().ok().flatten()) {
        if crawl.control.stage() > Stage::Running {
            continue; // taken before the run was stopped: not begun
        }
        clock::take_up(measured);
        let (url, _place) = turn.begin();
        runtime.block_on(pages.page(url));
    }
}

/// Gives each URL whose turn it is to `give`, until that takes no more or the
/// run is stopped.
fn producing(crawl: &Crawl, turns: &mut Turns, give: impl Fn(Turn) -> bool) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    loop {
        let turn = runtime.block_on(async {
            tokio::select! {
                biased;
                () = crawl.control.reached(Stage::Draining) => None,
                turn = turns.next() => turn,
            }
        });
        if !turn.is_some_and(&give) {
            return Ok(());
        }
    }
}

/// Waits for room in the queue; `false` when the run was stopped.
fn put(
    crawl: &Crawl,
    give: &crossbeam_channel::Sender<Option<Turn>>,
    mut turn: Option<Turn>,
) -> bool {
    loop {
        match give.send_timeout(turn, LOOK) {
            Ok(()) => return true,
            Err(SendTimeoutError::Disconnected(_)) => return false,
            Err(SendTimeoutError::Timeout(back)) => turn = back,
        }
        if crawl.control.stage() > Stage::Running {
            return false;
        }
    }
}

/// The threads take what is before it, stopped or not, so this ends.
fn put_sentinel(give: &crossbeam_channel::Sender<Option<Turn>>) {
    let _ = give.send(None);
}

/// Starts a thread that does `work` on a runtime of its own.
fn worker(
    crawl: &Arc<Crawl>,
    name: String,
    parsers: Option<Parsers>,
    work: impl FnOnce(&Runtime, Pages) + Send + 'static,
) -> io::Result<Worker> {
    let crawl = crawl.clone();
    std::thread::Builder::new().name(name).spawn(move || {
        let measured = crawl.measured.as_ref();
        clock::begin(measured);
        let runtime = match runtime(&crawl, parsers.as_ref()) {
            Ok(runtime) => runtime,
            Err(error) => {
                // The others would wait for a share that nobody takes.
                crawl.control.cancel();
                return Err(error);
            }
        };
        let pages = {
            // The client wants the runtime's timers.
            let _entered = runtime.enter();
            Pages::new(&crawl, parsers)
        };
        clock::take_up(measured);
        work(&runtime, pages);
        let account = clock::end(measured);
        // Look-ups of names that nobody waits for any more are left to end.
        runtime.shutdown_background();
        Ok(account)
    })
}

fn runtime(crawl: &Crawl, parsers: Option<&Parsers>) -> io::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    if crawl.measured.is_some() {
        let progress = crawl.fetch.progress.clone();
        let places = parsers.map(Parsers::places);
        let waits = parsers.map_or_else(Arc::default, |parsers| parsers.waits.clone());
        builder.on_thread_park(move || {
            let is_of_parsers = |places: &Places| places.are_waited_for(progress.in_flight());
            clock::parked(match &places {
                Some(places) if is_of_parsers(places) => Cause::Output,
                _ => Cause::Io,
            });
        });
        builder.on_thread_unpark(move || clock::unparked(&waits));
    }
    builder.build()
}

/// Waits until all threads have ended, and adds their accounts.
fn join(workers: Vec<Worker>, accounts: &mut Vec<WorkerAccount>) -> io::Result<()> {
    let mut ended = Ok(());
    for worker in workers {
        match worker.join() {
            Ok(Ok(account)) => accounts.extend(account),
            Ok(Err(error)) => ended = Err(error),
            Err(_) => ended = Err(io::Error::other("a thread that fetches panicked")),
        }
    }
    ended
}
