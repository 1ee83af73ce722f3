//! Addresses of names.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};

/// What looks names up; a test has its own.
pub trait Resolve: Debug + Send + Sync {
    /// All addresses of `name`.
    ///
    /// # Errors
    /// When it is not known, or nobody answers.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// As the system does it (`getaddrinfo`): in a container Docker's DNS, which
/// has an address for each replica.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Resolve for System {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = (name, 0).to_socket_addrs().map_err(|error| {
            io::Error::new(error.kind(), format!("{name} cannot be found: {error}"))
        })?;
        Ok(found.map(|socket| socket.ip()).collect())
    }
}
