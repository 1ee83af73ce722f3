//! What wakes the engine at the next moment of its schedule.

use mio::{Registry, Token};
use std::io;

/// A timer that is exact where an event loop's own rounds up to a millisecond.
#[derive(Debug)]
pub struct Timer {
    platform: platform::Timer,
    armed: f64,
}

impl Timer {
    /// One that is seen by its `token`.
    pub fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self {
            platform: platform::Timer::new(registry, token)?,
            armed: f64::NAN,
        })
    }

    /// Wakes at this moment of the monotonic clock (seconds), or at once where
    /// it is past. Returns the most seconds for which the loop may sleep: there
    /// are systems whose loop itself must wake.
    pub fn arm(&mut self, moment: f64, now: f64, longest: f64) -> io::Result<f64> {
        // Bit for bit: a moment that is armed already need not be told again.
        if self.armed.to_bits() != moment.to_bits() {
            self.platform.arm(moment)?;
            self.armed = moment;
        }
        Ok(if platform::WAKES {
            longest
        } else {
            longest.min(moment - now).max(0.0)
        })
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::io;
    use std::os::fd::{AsRawFd as _, OwnedFd};

    pub(super) const WAKES: bool = true;

    /// A timerfd, which has no slack, unlike the time-out of `epoll_wait`. It
    /// is never read: to arm it anew clears it.
    #[derive(Debug)]
    pub(super) struct Timer(OwnedFd);

    impl Timer {
        pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
            Ok(Self(timer))
        }

        pub(super) fn arm(&self, moment: f64) -> io::Result<()> {
            // All zeros would disarm it.
            let nanos = (moment * 1e9).max(1.0) as i64;
            let never = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let at = Timespec {
                tv_sec: nanos / 1_000_000_000,
                tv_nsec: nanos % 1_000_000_000,
            };
            let spec = Itimerspec {
                it_interval: never,
                it_value: at,
            };
            timerfd_settime(&self.0, TimerfdTimerFlags::ABSTIME, &spec)?;
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use mio::{Registry, Token};
    use std::io;

    pub(super) const WAKES: bool = false;

    #[derive(Debug)]
    pub(super) struct Timer;

    impl Timer {
        pub(super) fn new(_: &Registry, _: Token) -> io::Result<Self> {
            Ok(Self)
        }

        #[allow(clippy::unnecessary_wraps, clippy::unused_self)]
        pub(super) fn arm(&self, _: f64) -> io::Result<()> {
            Ok(())
        }
    }
}
