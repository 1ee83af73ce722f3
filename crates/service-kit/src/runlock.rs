//! One measured run at a time: two at once would spoil both figures.

use std::io;

/// What fits into a socket's name (108 bytes, `unix(7)`) with what it begins with.
const LONGEST_NAME_BYTES: usize = 90;

/// Held while a run goes on; dropping it, or the end of the process, lets the next one start.
///
/// On Linux it is an abstract Unix socket: it needs no file, so it works on a
/// read-only root, it is seen by every process of a container (`docker compose
/// exec … run` too), and the kernel removes it with its holder, however that
/// ends. Such names are per network namespace: processes that are to run side
/// by side in one (several stations on a bare machine) need names of their own.
#[derive(Debug)]
pub struct RunLock {
    _held: platform::Held,
}

/// Why a [`RunLock`] was not given.
#[derive(Debug, thiserror::Error)]
pub enum RunLockError {
    /// A run is going on.
    #[error("a measured run is going on{}", holder(*.pid))]
    Busy {
        /// The process that holds the lock, where this one can see it.
        pid: Option<u32>,
    },
    /// The lock could not be tried.
    #[error("the run lock {name:?} cannot be used")]
    Unusable {
        /// Its name.
        name: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" in process {pid}"))
        .unwrap_or_default()
}

impl RunLock {
    /// Takes the lock called `name`, without waiting.
    ///
    /// `name` is the service and, where several share a network namespace,
    /// the station: up to 90 bytes.
    ///
    /// # Errors
    /// [`RunLockError::Busy`] while another holder lives, in this process or
    /// another; [`RunLockError::Unusable`] for a name that is too long.
    pub fn try_acquire(name: &str) -> Result<Self, RunLockError> {
        if name.len() > LONGEST_NAME_BYTES {
            return Err(RunLockError::Unusable {
                name: name.into(),
                source: io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("a name has at most {LONGEST_NAME_BYTES} bytes"),
                ),
            });
        }
        match platform::try_hold(name) {
            Ok(held) => Ok(Self { _held: held }),
            Err(platform::Refused::Busy { pid }) => Err(RunLockError::Busy { pid }),
            Err(platform::Refused::Failed(source)) => Err(RunLockError::Unusable {
                name: name.into(),
                source,
            }),
        }
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::io;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    pub(super) type Held = UnixListener;

    pub(super) enum Refused {
        Busy { pid: Option<u32> },
        Failed(io::Error),
    }

    pub(super) fn try_hold(name: &str) -> Result<Held, Refused> {
        let address = SocketAddr::from_abstract_name(format!("parlab-run/{name}"))
            .map_err(Refused::Failed)?;
        UnixListener::bind_addr(&address).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => Refused::Busy {
                pid: holder_of(&address),
            },
            _ => Refused::Failed(error),
        })
    }

    /// The process that made the listening socket: the kernel tells a connecting peer (`SO_PEERCRED`, unix(7)).
    fn holder_of(address: &SocketAddr) -> Option<u32> {
        // A full backlog (nobody accepts here) makes a blocking connect wait
        // for ever, so this one must not block.
        let socket = rustix::net::socket_with(
            rustix::net::AddressFamily::UNIX,
            rustix::net::SocketType::STREAM,
            rustix::net::SocketFlags::CLOEXEC | rustix::net::SocketFlags::NONBLOCK,
            None,
        )
        .ok()?;
        let name = address.as_abstract_name()?;
        let address = rustix::net::SocketAddrUnix::new_abstract_name(name).ok()?;
        rustix::net::connect(&socket, &address).ok()?;
        let stream = UnixStream::from(socket);
        let credentials = rustix::net::sockopt::socket_peercred(&stream).ok()?;
        u32::try_from(credentials.pid.as_raw_nonzero().get()).ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::fs::{File, TryLockError};
    use std::io;

    pub(super) type Held = File;

    pub(super) enum Refused {
        Busy { pid: Option<u32> },
        Failed(io::Error),
    }

    pub(super) fn try_hold(name: &str) -> Result<Held, Refused> {
        let file_name = format!("parlab-run-{}.lock", name.replace(['/', '\\'], "-"));
        let file = File::create(std::env::temp_dir().join(file_name)).map_err(Refused::Failed)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Refused::Busy { pid: None }),
            Err(TryLockError::Error(error)) => Err(Refused::Failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn unique(name: &str) -> String {
        format!("{name}-{}", uuid::Uuid::new_v4())
    }

    #[test]
    fn is_held_once_and_free_again_when_dropped() {
        let name = unique("primes");
        let lock = RunLock::try_acquire(&name).unwrap();

        let refused = RunLock::try_acquire(&name).unwrap_err();
        assert!(matches!(refused, RunLockError::Busy { .. }), "{refused}");

        drop(lock);
        RunLock::try_acquire(&name).unwrap();
    }

    #[test]
    fn other_names_are_other_locks() {
        let _one = RunLock::try_acquire(&unique("one")).unwrap();
        RunLock::try_acquire(&unique("two")).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_its_holder_however_often_it_is_asked() {
        let name = unique("primes");
        let _lock = RunLock::try_acquire(&name).unwrap();

        // Each asking leaves an entry in the backlog of at most some thousands.
        for _ in 0..10_000 {
            let refused = RunLock::try_acquire(&name).unwrap_err();
            assert!(matches!(refused, RunLockError::Busy { .. }), "{refused}");
        }

        let name = unique("primes");
        let _lock = RunLock::try_acquire(&name).unwrap();
        let refused = RunLock::try_acquire(&name).unwrap_err().to_string();
        let holder = format!("process {}", std::process::id());
        assert!(refused.contains(&holder), "{refused}");
    }

    #[test]
    fn a_name_that_is_too_long_is_an_error_and_not_busy() {
        let longest = "x".repeat(LONGEST_NAME_BYTES - 36) + &uuid::Uuid::new_v4().to_string();
        RunLock::try_acquire(&longest).unwrap();

        let refused = RunLock::try_acquire(&(longest + "x")).unwrap_err();
        assert!(
            matches!(refused, RunLockError::Unusable { .. }),
            "{refused}"
        );
    }
}
