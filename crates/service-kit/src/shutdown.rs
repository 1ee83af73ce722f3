//! The one notice that tells every part of a process to take no more work and finish.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Why a process stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// SIGTERM: what `docker stop` and orchestrators send.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// The process itself asked for it.
    Request,
}

impl Cause {
    /// The exit code by which a shell tells an interrupted command: 128 + signal number; 0 for [`Cause::Request`].
    ///
    /// For commands that were cut short. A server that drained did what it
    /// was asked to do and exits 0 whatever the cause.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
            Self::Request => 0,
        }
    }

    /// What to call it in a log line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Request => "request",
        }
    }
}

/// A handle on the process's shutdown; clones share it.
///
/// It begins once and never ends: the first cause stays.
#[derive(Clone, Debug)]
pub struct Shutdown {
    cause: Arc<watch::Sender<Option<Cause>>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A shutdown that begins only by [`Shutdown::begin`].
    pub fn new() -> Self {
        Self {
            cause: Arc::new(watch::Sender::new(None)),
        }
    }

    /// A shutdown that SIGTERM or SIGINT begins.
    ///
    /// A second signal ends the process at once with 128 + its number: who
    /// presses Ctrl-C twice does not want to wait for a drain.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        // Installed here and not in the task: a signal that comes before the
        // task first runs must find them.
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(follow_signals(shutdown.clone(), terminate, interrupt));
        Ok(shutdown)
    }

    /// Begins it. Later calls change nothing.
    pub fn begin(&self, cause: Cause) {
        self.cause.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(cause);
            }
            first
        });
    }

    /// Whether it has begun: for loops on threads, which cannot await.
    pub fn has_begun(&self) -> bool {
        self.cause().is_some()
    }

    /// Why it began; `None` while nothing asked for it.
    pub fn cause(&self) -> Option<Cause> {
        *self.cause.borrow()
    }

    /// Waits until it begins, at once if it has.
    pub async fn begun(&self) -> Cause {
        let mut changes = self.cause.subscribe();
        let begun = changes
            .wait_for(Option::is_some)
            .await
            .expect("`self` keeps the sending side open");
        (*begun).expect("`wait_for` ends on a cause only")
    }
}

async fn follow_signals(shutdown: Shutdown, mut terminate: Signal, mut interrupt: Signal) {
    let cause = next_signal(&mut terminate, &mut interrupt).await;
    tracing::info!(signal = cause.name(), "shutting down");
    shutdown.begin(cause);
    let again = next_signal(&mut terminate, &mut interrupt).await;
    tracing::warn!(signal = again.name(), "second signal: ending at once");
    std::process::exit(i32::from(again.exit_code()));
}

async fn next_signal(terminate: &mut Signal, interrupt: &mut Signal) -> Cause {
    tokio::select! {
        _ = terminate.recv() => Cause::Terminate,
        _ = interrupt.recv() => Cause::Interrupt,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn begins_once_and_keeps_its_first_cause() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.has_begun());

        shutdown.begin(Cause::Terminate);
        shutdown.begin(Cause::Interrupt);

        assert_eq!(shutdown.cause(), Some(Cause::Terminate));
        assert_eq!(shutdown.begun().await, Cause::Terminate);
    }

    #[tokio::test]
    async fn wakes_those_who_wait_on_a_clone() {
        let shutdown = Shutdown::new();
        let waiter = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.begun().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());

        shutdown.begin(Cause::Request);

        let cause = timeout(Duration::from_secs(10), waiter).await;
        assert_eq!(cause.unwrap().unwrap(), Cause::Request);
    }
}
