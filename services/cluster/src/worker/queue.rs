//! The queue of connections that wait to be accepted, and when to take from it.
//!
//! Where workers share a queue, all are woken for a connection, and whoever has a
//! CPU first takes it; in a burst that one takes them all, while another waits some
//! milliseconds for its CPU. So a worker looks at the [board](crate::board) first,
//! and leaves a connection to one that has fewer open, for a moment.

use crate::board::Seat;
use futures_util::FutureExt as _;
use rustix::net::{SocketFlags, accept_with};
use std::io;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpStream;

/// How long a connection is left to a worker that has fewer. tokio's timers are
/// up to a millisecond late.
const LEAVES_FOR: Duration = Duration::from_millis(1);

/// The most connections that are taken after one wait in vain.
const MOST_AFTER_WAIT: u32 = 16;

/// For how long a wait in vain says something of the others.
const REMEMBERS_FOR: Duration = Duration::from_millis(100);

/// For how long connections are taken out of a queue that is about to be closed.
const CLOSES_FOR: Duration = Duration::from_millis(500);

/// The queue.
#[derive(Debug)]
pub enum Queue {
    /// Nobody else takes from it.
    Own(tokio::net::TcpListener),
    /// Others do too.
    Shared(SharedQueue),
}

/// One from which others take too.
#[derive(Debug)]
pub struct SharedQueue {
    /// tokio's own listener does not tell that a connection is there without
    /// taking it.
    listener: AsyncFd<TcpListener>,
    seat: Seat,
    posted: Option<usize>,
    patience: Patience,
}

impl Queue {
    /// Of this listener, which does not block; with a seat where others take from
    /// it too.
    pub fn new(listener: TcpListener, seat: Option<Seat>) -> io::Result<Self> {
        Ok(match seat {
            None => Self::Own(tokio::net::TcpListener::from_std(listener)?),
            Some(seat) => Self::Shared(SharedQueue::new(listener, seat)?),
        })
    }

    /// Tells the others that so many connections are open here.
    pub fn post(&mut self, open: usize) {
        if let Self::Shared(shared) = self {
            shared.post(open);
        }
    }

    /// The next connection, for a worker that has so many open. Given up and asked
    /// again, it goes on with a wait where it was.
    pub async fn next(&mut self, open: usize) -> io::Result<TcpStream> {
        match self {
            Self::Own(listener) => listener.accept().await.map(|(stream, _)| stream),
            Self::Shared(shared) => shared.next(open).await,
        }
    }

    /// The next connection if one is there.
    pub fn try_next(&self) -> Option<TcpStream> {
        match self {
            Self::Own(listener) => Some(listener.accept().now_or_never()?.ok()?.0),
            Self::Shared(shared) => accept(shared.listener.get_ref()).ok(),
        }
    }

    /// Closes it; with what waits in it, or without.
    pub fn close(self, take_all: bool) -> Vec<TcpStream> {
        let until = Instant::now() + CLOSES_FOR;
        let listener = match self {
            Self::Own(listener) => listener.into_std(),
            Self::Shared(shared) => Ok(shared.listener.into_inner()),
        };
        let mut taken = Vec::new();
        while take_all
            && Instant::now() < until
            && let Ok(listener) = &listener
            && let Ok(stream) = accept(listener)
        {
            taken.push(stream);
        }
        taken
    }
}

impl SharedQueue {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types that do not keep their descriptor: a \
                  listener does"
    )]
    fn new(listener: TcpListener, seat: Seat) -> io::Result<Self> {
        Ok(Self {
            listener: AsyncFd::with_interest(listener, Interest::READABLE)?,
            seat,
            posted: None,
            patience: Patience::default(),
        })
    }

    fn post(&mut self, open: usize) {
        if self.posted != Some(open) {
            self.posted = Some(open);
            self.seat.post(open);
        }
    }

    async fn next(&mut self, open: usize) -> io::Result<TcpStream> {
        loop {
            let mut ready = self.listener.readable().await?;
            let has_fewer = || self.seat.another_has_fewer(open);
            while let Some(until) = self.patience.wait(has_fewer, Instant::now()) {
                tokio::time::sleep_until(until.into()).await;
            }
            let accepted = ready.try_io(|listener| accept(listener.get_ref()));
            self.patience.looked(accepted.is_ok(), Instant::now());
            if let Ok(accepted) = accepted {
                return accepted;
            }
        }
    }
}

fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let accepted = accept_with(listener, flags)?;
    TcpStream::from_std(accepted.into())
}

/// For how long connections are left to others, and how many are taken after
/// that. Pure: the moments are told.
///
/// A wait is in vain when the connection is still there after it, and another
/// worker still has fewer. Then one connection is taken without a further wait, after
/// the next such wait one again, and then 2, 2, 4, 4, 8, 8 and 16. So a burst leaves
/// the others some ten milliseconds in all, and a worker that hangs costs the others
/// one wait for 16 connections.
#[derive(Debug, Default)]
struct Patience {
    /// The end of the wait that goes on.
    until: Option<Instant>,
    /// Connections that may be taken without a wait.
    free: u32,
    /// Waits in vain, one after another.
    waits: u32,
    /// The last of them.
    vain: Option<Instant>,
}

impl Patience {
    /// Until when to wait before the next look at the queue; `None`: now.
    fn wait(&mut self, another_has_fewer: impl Fn() -> bool, now: Instant) -> Option<Instant> {
        if self.vain.is_some_and(|vain| now > vain + REMEMBERS_FOR) {
            *self = Self::default();
        }
        if self.free > 0 {
            return None;
        }
        if !another_has_fewer() {
            self.others_came();
            return None;
        }
        let until = *self.until.get_or_insert(now + LEAVES_FOR);
        (now < until).then_some(until)
    }

    /// A connection was there and was taken, or none was.
    fn looked(&mut self, was_there: bool, now: Instant) {
        if !was_there {
            self.others_came();
        } else if self.until.take().is_some() {
            self.vain = Some(now);
            self.free = MOST_AFTER_WAIT.min(1 << (self.waits / 2).min(31)) - 1;
            self.waits = self.waits.saturating_add(1);
        } else {
            self.free = self.free.saturating_sub(1);
        }
    }

    /// If there was a wait, it was not in vain.
    fn others_came(&mut self) {
        if self.until.take().is_some() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `count` connections, each there at once, while another worker has
    /// fewer; returns how many were taken after each wait.
    fn beside_one_that_hangs(patience: &mut Patience, now: &mut Instant, count: u32) -> Vec<u32> {
        let mut runs = vec![0];
        for _ in 0..count {
            while let Some(until) = patience.wait(|| true, *now) {
                *now = until;
                runs.push(0);
            }
            patience.looked(true, *now);
            *runs.last_mut().expect("one is there from the start") += 1;
        }
        runs
    }

    #[test]
    fn one_that_has_the_fewest_never_waits() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        for _ in 0..100 {
            assert_eq!(patience.wait(|| false, now), None);
            patience.looked(true, now);
        }
    }

    #[test]
    fn one_that_hangs_costs_a_wait_for_sixteen() {
        let (mut patience, began) = (Patience::default(), Instant::now());
        let mut now = began;
        let runs = beside_one_that_hangs(&mut patience, &mut now, 62);
        assert_eq!(runs, [0, 1, 1, 2, 2, 4, 4, 8, 8, 16, 16]);
        assert_eq!(now - began, 10 * LEAVES_FOR);
    }

    #[test]
    fn one_that_comes_is_waited_for_again() {
        for took_all in [true, false] {
            let (mut patience, mut now) = (Patience::default(), Instant::now());
            beside_one_that_hangs(&mut patience, &mut now, 30);

            // It takes what is there, or as many as this one has.
            now = patience.wait(|| true, now).expect("a wait");
            assert_eq!(patience.wait(|| took_all, now), None);
            patience.looked(!took_all, now);

            let runs = beside_one_that_hangs(&mut patience, &mut now, 6);
            assert_eq!(runs, [0, 1, 1, 2, 2], "{took_all}");
        }
    }

    #[test]
    fn a_wait_in_vain_is_forgotten() {
        let (mut patience, mut now) = (Patience::default(), Instant::now());
        beside_one_that_hangs(&mut patience, &mut now, 19);
        assert!(patience.free > 0);
        now += 2 * REMEMBERS_FOR;
        assert_eq!(patience.wait(|| true, now), Some(now + LEAVES_FOR));
    }

    #[test]
    fn a_wait_that_is_asked_about_again_does_not_begin_anew() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        let until = patience.wait(|| true, now);
        assert_eq!(until, Some(now + LEAVES_FOR));
        assert_eq!(patience.wait(|| true, now + LEAVES_FOR / 2), until);
        assert_eq!(patience.wait(|| true, now + LEAVES_FOR), None);
    }
}
