//! What rings once at a moment.

pub(super) use platform::Alarm;

#[cfg(target_os = "linux")]
mod platform {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A timer of the kernel's (timerfd_create(2)), which the runtime waits for
    /// as for a socket.
    #[derive(Debug)]
    pub(in super::super) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        /// One that is not set.
        pub(in super::super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[expect(
                deprecated,
                reason = "its successor is unsafe, for descriptors that may be another's; this one is owned"
            )]
            let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
            Ok(Self(timer))
        }

        /// Has it ring in so long, and not when it was to ring before.
        pub(in super::super) fn set(&self, after: Duration) {
            // Zero would mean never.
            let after = after.max(Duration::from_nanos(1));
            let once = Itimerspec {
                it_interval: Timespec::default(),
                it_value: after.try_into().unwrap_or(Timespec {
                    tv_sec: i64::MAX,
                    tv_nsec: 0,
                }),
            };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)
                .expect("the descriptor is a timer and the moment is one");
        }

        /// Ends when it rings.
        pub(in super::super) async fn rings(&self) {
            let mut ready = self.0.readable().await.expect("its runtime is at work");
            // Setting it again makes it unreadable; there is nothing to read that
            // is of interest.
            ready.clear_ready();
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;
    use std::time::Duration;
    use tokio::sync::watch;
    use tokio::time::Instant;

    /// Tokio's timer, exact to a millisecond or two.
    #[derive(Debug)]
    pub(in super::super) struct Alarm(watch::Sender<Option<Instant>>);

    impl Alarm {
        /// One that is not set.
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self(watch::Sender::new(None)))
        }

        /// Has it ring in so long, and not when it was to ring before.
        pub(in super::super) fn set(&self, after: Duration) {
            self.0.send_replace(Instant::now().checked_add(after));
        }

        /// Ends when it rings.
        pub(in super::super) async fn rings(&self) {
            let mut moments = self.0.subscribe();
            loop {
                let moment = *moments.borrow_and_update();
                let Some(moment) = moment else {
                    let _ = moments.changed().await;
                    continue;
                };
                tokio::select! {
                    () = tokio::time::sleep_until(moment) => {
                        // Until it is set again.
                        self.0.send_if_modified(|now| now.take_if(|now| *now == moment).is_some());
                        return;
                    }
                    _ = moments.changed() => {}
                }
            }
        }
    }
}
