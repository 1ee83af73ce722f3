//! One client's socket: messages in, bytes out, and no buffer while nothing comes.

use super::message::{Assembler, Incoming, Violation};
use std::io;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Read at once. It is on the stack: an idle client has no buffer.
const CHUNK_BYTES: usize = 8192;

/// Why nothing more can be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the client is gone")]
    Gone,
    #[error(transparent)]
    Protocol(#[from] Violation),
    #[error("the client reads too slowly")]
    Slow,
    #[error(transparent)]
    Socket(#[from] io::Error),
}

#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    assembler: Assembler,
    /// What was read and is not taken up yet.
    pending: Vec<u8>,
    at: usize,
}

impl Wire {
    /// `read` is what came with the handshake.
    pub fn new(stream: TcpStream, read: Vec<u8>, most_bytes: usize) -> Self {
        Self {
            stream,
            assembler: Assembler::new(most_bytes),
            pending: read,
            at: 0,
        }
    }

    /// Whether a message has begun and not ended.
    pub fn is_within_a_message(&self) -> bool {
        self.assembler.is_within_a_message()
    }

    /// The next message. Whoever stops waiting loses nothing of it.
    pub async fn next(&mut self) -> Result<Incoming, Broken> {
        loop {
            if let Some(incoming) = self.taken_up()? {
                return Ok(incoming);
            }
            self.stream.readable().await?;
            self.read()?;
        }
    }

    fn taken_up(&mut self) -> Result<Option<Incoming>, Violation> {
        let mut left = &self.pending[self.at..];
        let incoming = self.assembler.take(&mut left)?;
        self.at = self.pending.len() - left.len();
        if left.is_empty() {
            self.pending = Vec::new();
            self.at = 0;
        }
        Ok(incoming)
    }

    fn read(&mut self) -> Result<(), Broken> {
        let mut chunk = [0; CHUNK_BYTES];
        match self.stream.try_read(&mut chunk) {
            Ok(0) => Err(Broken::Gone),
            Ok(bytes) => {
                self.pending.extend_from_slice(&chunk[..bytes]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes all of `bytes`, as long as the client takes some of them within `within`.
    pub async fn write(&mut self, bytes: &[u8], within: Duration) -> Result<(), Broken> {
        let mut left = bytes;
        while !left.is_empty() {
            let writing = tokio::time::timeout(within, self.stream.write(left));
            match writing.await {
                Err(_) => return Err(Broken::Slow),
                Ok(Ok(0)) => return Err(Broken::Gone),
                Ok(Ok(written)) => left = &left[written..],
                Ok(Err(error)) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Says that nothing more will come, and waits a moment for the client to
    /// close too: else what it has sent and nobody read would make the kernel
    /// drop what was said last.
    pub async fn end(mut self, within: Duration) {
        let _ = self.stream.shutdown().await;
        let reading = async {
            loop {
                self.pending.clear();
                if self.stream.readable().await.is_err() || self.read().is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(within, reading).await;
    }
}
