//! A connection that is made again when it breaks.

use super::link::{Link, Server};
use super::trouble::Trouble;
use std::time::{Duration, Instant};

/// The first pause after trouble; it doubles from one to the next.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The same trouble is logged again after this.
const SAID_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Trouble that goes on: how long to wait, and whether to say it again.
#[derive(Debug, Default)]
pub struct Patience {
    pause: Option<Duration>,
    said: Option<(super::trouble::Kind, Instant)>,
}

impl Patience {
    /// How long to wait before the next try. Logs the trouble, unless it was
    /// logged just now.
    pub fn pause(&mut self, trouble: &Trouble) -> Duration {
        let now = Instant::now();
        let is_new = self.said.is_none_or(|(kind, at)| {
            kind != trouble.kind || now.duration_since(at) >= SAID_AGAIN_AFTER
        });
        if is_new {
            tracing::warn!("{trouble}");
            self.said = Some((trouble.kind, now));
        }
        let pause = self.pause.unwrap_or(FIRST_PAUSE);
        self.pause = Some((pause * 2).min(LONGEST_PAUSE));
        // Replicas that lost the same Redis must not all come back at once.
        pause.mul_f64(0.5 + fastrand::f64())
    }

    /// It works again.
    pub fn over(&mut self) {
        if self.pause.take().is_some() {
            tracing::info!("Redis answers again");
            self.said = None;
        }
    }
}

/// Waits until Redis is there and takes writes.
///
/// # Errors
/// Trouble that waiting does not help, or `None` when `stopped` says so.
pub fn connected(server: &Server, stopped: impl Fn() -> bool) -> Result<Link, Option<Trouble>> {
    let mut patience = Patience::default();
    loop {
        if stopped() {
            return Err(None);
        }
        match server.connect().and_then(writable) {
            Ok(link) => {
                patience.over();
                return Ok(link);
            }
            Err(trouble) if !trouble.passes() => return Err(Some(trouble)),
            Err(trouble) => std::thread::sleep(patience.pause(&trouble)),
        }
    }
}

/// A replica lets one connect and read; only a write tells.
fn writable(mut link: Link) -> Result<Link, Trouble> {
    let mut del = redis::cmd("DEL");
    del.arg(link.server.keys.run("none"));
    link.ask_one(del)?;
    Ok(link)
}
