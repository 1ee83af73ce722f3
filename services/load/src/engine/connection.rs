//! One connection: at most one request on its way.

use super::failure::Failure;
use super::reader::{Progress, Reader};
use super::tally::Request;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

/// A connection, open or being opened.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Over which road it leads.
    pub road: usize,
    /// Whether it is open.
    pub is_open: bool,
    /// When its opening began.
    pub since: f64,
    /// The request on its way, or for which it is being opened.
    pub request: Option<Request>,
    /// How much of the request is written.
    written: usize,
    /// The answer, as far as it has come.
    pub reader: Reader,
}

/// What reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Nothing more for now.
    More,
    /// The answer is whole.
    Whole {
        /// Whether the connection can take another request.
        reusable: bool,
    },
    /// It ended or broke.
    Ended(Failure),
}

impl Connection {
    /// Begins to open one.
    pub fn begin(
        address: SocketAddr,
        road: usize,
        token: Token,
        registry: &Registry,
        identify: bool,
        now: f64,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            road,
            is_open: false,
            since: now,
            request: None,
            written: 0,
            reader: Reader::new(identify),
        })
    }

    /// Looks whether it has become open.
    pub fn finish_opening(&mut self) -> Result<bool, Failure> {
        if let Ok(Some(error)) | Err(error) = self.stream.take_error() {
            return Err(Failure::of_connect(&error));
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                // A request must not wait for the acknowledgement of the one before.
                let _ = self.stream.set_nodelay(true);
                self.is_open = true;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(Failure::of_connect(&error)),
        }
    }

    /// Begins to send its request.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.reader.restart();
        self.written = 0;
        self.write(bytes)
    }

    /// Writes what is left of the request.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        while self.written < bytes.len() {
            match self.stream.write(&bytes[self.written..]) {
                Ok(0) => return Err(Failure::Closed),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Failure::of_end(Some(&error), self.reader.has_begun()));
                }
            }
        }
        Ok(())
    }

    /// Reads what has come. `closing`: the peer has said that it sends no more.
    pub fn read(&mut self, buffer: &mut [u8], closing: bool) -> Input {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return self.ended(None),
                Ok(count) => {
                    if let Some(input) = self.take(&buffer[..count], closing) {
                        return input;
                    }
                    // A short read has emptied the socket: asking once more
                    // would only cost a call (epoll(7)). But where the end was
                    // announced with this, nothing announces it again.
                    if count < buffer.len() && !closing {
                        return Input::More;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Input::More,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.ended(Some(&error)),
            }
        }
    }

    fn take(&mut self, input: &[u8], closing: bool) -> Option<Input> {
        if self.request.is_none() {
            // Nobody asked for this.
            return Some(Input::Ended(Failure::BadAnswer));
        }
        match self.reader.read(input) {
            Ok(Progress::More) => None,
            Ok(Progress::Whole(bytes)) => Some(Input::Whole {
                reusable: self.reader.keeps_alive() && bytes == input.len() && !closing,
            }),
            Err(_) => Some(Input::Ended(Failure::BadAnswer)),
        }
    }

    fn ended(&self, error: Option<&io::Error>) -> Input {
        if error.is_none() && self.reader.ends_with_connection() && self.request.is_some() {
            return Input::Whole { reusable: false };
        }
        Input::Ended(Failure::of_end(error, self.reader.has_begun()))
    }
}
