//! Clients that keep a cluster busy, and know what became of each request.

use crate::wire::Wire;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// A request without an answer.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    /// The worker that answered on this connection before; `None` on a new one.
    pub(crate) worker: Option<u32>,
    pub(crate) sent: Instant,
    pub(crate) failed: Instant,
    pub(crate) why: String,
}

/// What became of all requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    /// By worker.
    pub(crate) by_worker: BTreeMap<u32, u64>,
    pub(crate) connections: u64,
    pub(crate) lost: Vec<Lost>,
    /// Answers that were none as they should be.
    pub(crate) wrong: Vec<String>,
}

/// Clients that send one request after another, each on its own connection.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    tally: Arc<Mutex<Tally>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// So many of them, who ask for `path`. Each opens a new connection after so
    /// many requests.
    pub(crate) fn start(to: SocketAddr, clients: usize, path: &str, per_connection: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tally = Arc::new(Mutex::new(Tally::default()));
        let client = |_| {
            let (stop, tally, path) = (stop.clone(), tally.clone(), path.to_owned());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    connection(to, &path, per_connection, &stop, &tally);
                }
            })
        };
        Self {
            clients: (0..clients).map(client).collect(),
            stop,
            tally,
        }
    }

    /// How many requests were answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.tally.lock().unwrap().answered
    }

    /// Ends it, and tells.
    pub(crate) fn stop(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        self.tally.lock().unwrap().clone()
    }
}

fn connection(to: SocketAddr, path: &str, requests: u64, stop: &AtomicBool, tally: &Mutex<Tally>) {
    let mut worker = None;
    let mut sent = Instant::now();
    let lose = |worker, sent, why: String| {
        let failed = Instant::now();
        let lost = Lost {
            worker,
            sent,
            failed,
            why,
        };
        tally.lock().unwrap().lost.push(lost);
    };
    let mut wire = match Wire::open(to) {
        Ok(wire) => wire,
        Err(error) => {
            lose(None, sent, format!("connect: {error}"));
            return;
        }
    };
    tally.lock().unwrap().connections += 1;
    for _ in 0..requests {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        sent = Instant::now();
        tally.lock().unwrap().sent += 1;
        let seen = match wire.ask(path) {
            Ok(seen) => seen,
            Err(error) => {
                lose(worker, sent, error.to_string());
                return;
            }
        };
        let answer = serde_json::from_slice::<serde_json::Value>(&seen.body).unwrap_or_default();
        worker = answer["worker"].as_u64().map(|pid| pid as u32);
        let mut tally = tally.lock().unwrap();
        match worker {
            Some(pid) if seen.status == 200 => {
                tally.answered += 1;
                *tally.by_worker.entry(pid).or_default() += 1;
            }
            _ => tally.wrong.push(format!("{seen:?}")),
        }
        drop(tally);
        if seen.is_last() {
            return;
        }
    }
}
