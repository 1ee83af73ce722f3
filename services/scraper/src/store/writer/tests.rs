#![allow(clippy::unwrap_used)]
use super::*;
use crate::outcome::Outcome;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::SystemTime;

/// A sink whose answers are written down beforehand; then it works.
#[derive(Debug, Default)]
pub(in crate::store) struct Scripted {
    answers: VecDeque<Result<(), Trouble>>,
    written: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub fn write(&mut self, rows: &[Row]) -> Result<(), Trouble> {
        self.answers.pop_front().unwrap_or(Ok(()))?;
        let urls = rows.iter().map(|row| row.url.clone());
        self.written.lock().unwrap().extend(urls);
        Ok(())
    }
}

fn row(number: usize) -> Row {
    Row::from(Outcome {
        url: format!("http://origin/page/{number}").parse().unwrap(),
        status: None,
        error: None,
        attempts: 1,
        page: None,
        bytes: 0,
        elapsed: Duration::ZERO,
        fetched_at: SystemTime::UNIX_EPOCH,
    })
}

fn trouble(passes: bool) -> Result<(), Trouble> {
    Err(Trouble {
        passes,
        text: "the cable is out".into(),
    })
}

/// A writer on a sink that answers so, and what its users have of it.
struct Bench {
    writer: Writer,
    rows: mpsc::Sender<Row>,
    phase: watch::Sender<Phase>,
    state: Arc<State>,
    written: Arc<Mutex<Vec<String>>>,
}

fn bench(answers: impl IntoIterator<Item = Result<(), Trouble>>) -> Bench {
    let written = Arc::default();
    let sink = Sink::Scripted(Scripted {
        answers: answers.into_iter().collect(),
        written: Arc::clone(&written),
    });
    let (rows, received) = mpsc::channel(8);
    let (phase, phases) = watch::channel(Phase::Running);
    let state = Arc::<State>::default();
    Bench {
        writer: Writer::new(sink, received, phases, state.clone()),
        rows,
        phase,
        state,
        written,
    }
}

#[tokio::test]
async fn what_fails_for_a_while_is_written_once_and_in_order() {
    let bench = bench([trouble(true), trouble(true), Ok(()), trouble(true)]);
    let writing = tokio::spawn(bench.writer.run());

    for number in 0..600 {
        bench.rows.send(row(number)).await.unwrap();
    }
    bench.phase.send_replace(Phase::Ending);
    writing.await.unwrap();

    let expected: Vec<_> = (0..600).map(|number| row(number).url).collect();
    assert_eq!(*bench.written.lock().unwrap(), expected);
    assert_eq!(bench.state.stored.load(Ordering::Relaxed), 600);
    assert_eq!(bench.state.away(), None);
    assert_eq!(bench.state.failed.get(), None);
}

#[tokio::test]
async fn trouble_that_wants_a_person_ends_the_store_with_its_reason() {
    let bench = bench([Ok(()), trouble(false)]);
    let writing = tokio::spawn(bench.writer.run());
    bench.rows.send(row(1)).await.unwrap();
    while bench.state.stored.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }

    bench.rows.send(row(2)).await.unwrap();
    writing.await.unwrap();

    assert!(bench.rows.send(row(3)).await.is_err());
    assert_eq!(bench.state.why_ended().0, "the cable is out");
    assert_eq!(bench.state.stored.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn patience_ends() {
    let mut bench = bench((0..100).map(|_| trouble(true)));
    bench.writer.patience = Duration::from_millis(100);
    bench.rows.send(row(1)).await.unwrap();

    bench.writer.run().await;

    let failed = bench.state.why_ended().0;
    assert!(
        failed.contains("away") && failed.contains("cable"),
        "{failed}"
    );
    assert!(bench.state.away().is_some());
}

#[tokio::test]
async fn what_is_abandoned_ends_in_the_middle_of_a_pause() {
    let bench = bench((0..100).map(|_| trouble(true)));
    let writing = tokio::spawn(bench.writer.run());
    bench.rows.send(row(1)).await.unwrap();
    while bench.state.away().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    bench.phase.send_replace(Phase::Abandoned);

    let ended = tokio::time::timeout(Duration::from_secs(30), writing).await;
    ended.unwrap().unwrap();
    // Who gave it up knows: the store itself did not fail.
    assert_eq!(bench.state.failed.get(), None);
}

#[tokio::test]
async fn a_store_that_nobody_holds_any_more_writes_what_it_has() {
    let bench = bench([trouble(true)]);
    for number in 0..5 {
        bench.rows.send(row(number)).await.unwrap();
    }
    drop((bench.phase, bench.rows));

    bench.writer.run().await;

    assert_eq!(bench.written.lock().unwrap().len(), 5);
}
