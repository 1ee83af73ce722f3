//! The listening sockets of a family. The master opens and keeps them; workers
//! inherit them. So a queue outlives the worker that took from it.

use crate::shape::Strategy;
use anyhow::Context as _;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd};
use tokio::net::TcpSocket;

/// Connections that may wait to be accepted; the kernel allows
/// `net.core.somaxconn` at most.
const BACKLOG: u32 = 4096;

/// Where a family is reached.
#[derive(Debug)]
pub struct Sockets {
    address: SocketAddr,
    strategy: Strategy,
    /// By the worker's place; one alone where all share it.
    open: Vec<Option<TcpListener>>,
}

/// Makes sure that `address` is free, and says which it is where the kernel is
/// to choose the port. Without this another program that shares its ports
/// (`SO_REUSEPORT`), such as a second cluster, would get half of the connections.
pub fn reserve(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    TcpListener::bind(address)
        .and_then(|alone| alone.local_addr())
        .with_context(|| {
            format!(
                "cannot listen on {address}; --port (CLUSTER_PORT) chooses another port, 0 any \
                 free one"
            )
        })
}

impl Sockets {
    /// Those of a family with so many workers.
    pub fn open(address: SocketAddr, strategy: Strategy, workers: usize) -> anyhow::Result<Self> {
        let count = match strategy {
            Strategy::Inherit => 1,
            Strategy::Reuseport => workers,
        };
        let mut sockets = Self {
            address,
            strategy,
            open: (0..count).map(|_| None).collect(),
        };
        for place in 0..count {
            sockets.of(place)?;
        }
        Ok(sockets)
    }

    /// The socket of the worker at this place, opened again if it was let go.
    pub fn of(&mut self, place: usize) -> anyhow::Result<BorrowedFd<'_>> {
        let index = match self.strategy {
            Strategy::Inherit => 0,
            Strategy::Reuseport => place,
        };
        let (address, socket) = (self.address, &mut self.open[index]);
        if socket.is_none() {
            let opened = listen(address).with_context(|| format!("cannot listen on {address}"));
            *socket = Some(opened?);
        }
        Ok(socket.as_ref().expect("it was opened above").as_fd())
    }

    /// Closes the socket of a place that stays empty for a while: else the kernel
    /// would go on giving it a share of the connections, which nobody takes.
    /// Those that wait there are lost. A socket that all share stays.
    pub fn let_go(&mut self, place: usize) {
        if self.strategy == Strategy::Reuseport {
            self.open[place] = None;
        }
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    // With one socket for all, too: then a family that shares the port in the
    // other way can begin to listen before this one has ended.
    socket.set_reuseport(true)?;
    // Linux hands it down to each accepted connection: small answers must not
    // wait for the peer's delayed acknowledgement.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rustix::net::sockopt::tcp_nodelay;
    use std::net::TcpStream;

    #[tokio::test]
    async fn sockets_of_a_family_share_a_port_that_strangers_cannot_have() {
        let address = reserve("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut sockets = Sockets::open(address, Strategy::Reuseport, 3).unwrap();
        assert_eq!(sockets.open.iter().flatten().count(), 3);
        assert!(reserve(address).is_err());
        sockets.let_go(1);
        assert_eq!(sockets.open.iter().flatten().count(), 2);
        sockets.of(1).unwrap();
        assert_eq!(sockets.open.iter().flatten().count(), 3);
        drop(sockets);
        reserve(address).unwrap();
    }

    #[tokio::test]
    async fn accepted_connections_inherit_that_nothing_is_held_back() {
        let address = reserve("127.0.0.1:0".parse().unwrap()).unwrap();
        let sockets = Sockets::open(address, Strategy::Inherit, 2).unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let listener = sockets.open[0].as_ref().unwrap();
        listener.set_nonblocking(false).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert!(tcp_nodelay(accepted).unwrap());
    }
}
