//! How long to wait before the next try, and what to say meanwhile.

use crate::trouble::{Kind, Trouble};
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
    said: Option<(Kind, Instant)>,
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

/// Tries until it works, such as to connect.
///
/// # Errors
/// Trouble that waiting does not help, or `None` when `stopped` says so.
pub fn patiently<T>(
    mut attempt: impl FnMut() -> Result<T, Trouble>,
    stopped: impl Fn() -> bool,
) -> Result<T, Option<Trouble>> {
    let mut patience = Patience::default();
    loop {
        if stopped() {
            return Err(None);
        }
        match attempt() {
            Ok(done) => {
                patience.over();
                return Ok(done);
            }
            Err(trouble) if !trouble.passes() => return Err(Some(trouble)),
            Err(trouble) => std::thread::sleep(patience.pause(&trouble)),
        }
    }
}
