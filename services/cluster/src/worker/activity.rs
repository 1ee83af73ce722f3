//! What a connection does at this moment, and since when.
//!
//! Three time limits hold for each connection, and a timer for each request would
//! cost more than all else that is done for it here. So a connection only notes
//! what it does, by a clock that moves ten times a second, and at each of these
//! ticks the worker looks through all of them.

use crate::counters::Cut;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;

/// How often the clock moves.
pub const TICK: Duration = Duration::from_millis(100);

/// Ticks since the worker began.
#[derive(Debug, Default)]
pub struct Clock(AtomicU64);

impl Clock {
    /// So much time has passed since the worker began.
    pub fn set(&self, since: Duration) {
        self.0.store(ticks(since), Ordering::Relaxed);
    }

    /// Ticks since the worker began.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many whole ticks that is.
pub fn ticks(time: Duration) -> u64 {
    (time.as_millis() / TICK.as_millis()) as u64
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first byte of its next request.
    Idle,
    /// The rest of a head; of a new connection, any byte at all.
    Head,
    /// Nothing: a request is being answered.
    Serving,
}

/// For how long what is allowed, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a head.
    pub head: u64,
    /// From one request to the next.
    pub idle: u64,
}

/// The phase and the tick at which it began, in one word.
#[derive(Debug)]
pub struct Activity {
    word: AtomicU64,
    leaves_unread: AtomicBool,
    clock: Arc<Clock>,
}

impl Activity {
    /// Of a connection that was just accepted.
    pub fn new(clock: Arc<Clock>) -> Self {
        let activity = Self {
            word: AtomicU64::new(0),
            leaves_unread: AtomicBool::new(false),
            clock,
        };
        activity.enter(Phase::Head);
        activity
    }

    /// A request's head is there.
    pub fn serving(&self) {
        self.enter(Phase::Serving);
    }

    /// Its answer is made.
    pub fn served(&self) {
        self.enter(Phase::Idle);
    }

    /// Something of what the client sends will not be read.
    pub fn leave_unread(&self) {
        self.leaves_unread.store(true, Ordering::Relaxed);
    }

    /// Whether that is so.
    pub fn leaves_unread(&self) -> bool {
        self.leaves_unread.load(Ordering::Relaxed)
    }

    /// Something was read.
    fn heard(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// Why the connection is to be cut now, if it is. Idle time counts from
    /// `idle_from` on, if that is later than the last answer.
    pub fn expired(&self, limits: Limits, idle_from: u64) -> Option<Cut> {
        let since = self.word.load(Ordering::Relaxed) >> 2;
        let now = self.clock.now();
        match self.phase() {
            Phase::Serving => None,
            Phase::Head => (now > since + limits.head).then_some(Cut::Slow),
            Phase::Idle => (now > since.max(idle_from) + limits.idle).then_some(Cut::Idle),
        }
    }

    fn enter(&self, phase: Phase) {
        let word = (self.clock.now() << 2) | phase as u64;
        self.word.store(word, Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        match self.word.load(Ordering::Relaxed) & 3 {
            0 => Phase::Idle,
            1 => Phase::Head,
            _ => Phase::Serving,
        }
    }
}

/// A connection's socket, whose readings are noted.
#[derive(Debug)]
pub struct Watched {
    socket: TokioIo<TcpStream>,
    activity: Arc<Activity>,
}

impl Watched {
    /// `socket`, noted in `activity`.
    pub fn new(socket: TcpStream, activity: Arc<Activity>) -> Self {
        Self {
            socket: TokioIo::new(socket),
            activity,
        }
    }

    /// The socket itself.
    pub fn into_socket(self) -> TcpStream {
        self.socket.into_inner()
    }
}

impl Read for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        self.activity.heard();
        Poll::Ready(Ok(()))
    }
}

impl Write for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { head: 10, idle: 50 };

    fn at(clock: &Clock, tick: u64) {
        clock.set(TICK * tick as u32);
    }

    #[test]
    fn a_head_that_does_not_end_is_slow_from_the_first_moment_on() {
        let clock = Arc::new(Clock::default());
        let activity = Activity::new(clock.clone());
        at(&clock, 10);
        activity.heard();
        assert_eq!(activity.expired(LIMITS, 0), None);
        at(&clock, 11);
        assert_eq!(activity.expired(LIMITS, 0), Some(Cut::Slow));
    }

    #[test]
    fn a_request_may_take_as_long_as_it_needs_and_idle_time_begins_behind_it() {
        let clock = Arc::new(Clock::default());
        let activity = Activity::new(clock.clone());
        activity.serving();
        at(&clock, 1000);
        activity.heard();
        assert_eq!(activity.expired(LIMITS, 0), None);
        activity.served();
        at(&clock, 1050);
        assert_eq!(activity.expired(LIMITS, 0), None);
        at(&clock, 1051);
        assert_eq!(activity.expired(LIMITS, 0), Some(Cut::Idle));
        assert_eq!(activity.expired(LIMITS, 1040), None);
        activity.heard();
        assert_eq!(activity.expired(LIMITS, 0), None);
    }
}
