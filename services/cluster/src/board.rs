//! How many connections each worker of a family has open, for the others to see.
//!
//! A file in memory that the master makes: eight bytes a seat, one more than the
//! connections of the worker that has it, 0 where none serves. Each worker writes
//! its own seat, and the master clears those of workers that serve no more. Whoever
//! reads while another writes sees a moment that never was; it is a hint, and must
//! not be more.

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// Bytes of one seat.
const SEAT: usize = size_of::<u64>();

/// Seats that are read at once; one reading does for most families.
const SEATS_AT_ONCE: usize = 64;

/// The board of a family.
#[derive(Debug)]
pub struct Board(File);

impl Board {
    /// One at which nobody has a seat.
    pub fn new() -> io::Result<Self> {
        let memory = memfd_create(c"cluster-board", MemfdFlags::CLOEXEC)?;
        Ok(Self(memory.into()))
    }

    /// Hands it to whoever has the other end of `socket`: ahead of all that is said
    /// over it.
    pub fn send(&self, socket: &UnixStream) -> io::Result<()> {
        let files = [self.0.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&files));
        // The kernel hands over no file without a byte.
        sendmsg(
            socket,
            &[IoSlice::new(b"\n")],
            &mut control,
            SendFlags::empty(),
        )?;
        Ok(())
    }

    /// The one that was sent.
    pub fn receive(socket: &UnixStream) -> io::Result<Self> {
        let mut byte = [0];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [IoSliceMut::new(&mut byte)];
        recvmsg(socket, &mut bytes, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let mut files = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => Some(files),
            _ => None,
        });
        let file = files.by_ref().flatten().next();
        let board = file.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self(board.into()))
    }

    fn write(&self, seat: usize, word: u64) {
        // Not written, it misleads for a while: no reason to serve no more.
        let _ = self
            .0
            .write_all_at(&word.to_ne_bytes(), (seat * SEAT) as u64);
    }

    /// The words of all seats.
    fn words(&self, mut each: impl FnMut(usize, u64)) -> io::Result<()> {
        let mut bytes = [0; SEATS_AT_ONCE * SEAT];
        let mut first = 0;
        loop {
            let read = self.0.read_at(&mut bytes, (first * SEAT) as u64)?;
            let (words, _) = bytes[..read].as_chunks();
            for (seat, word) in words.iter().enumerate() {
                each(first + seat, u64::from_ne_bytes(*word));
            }
            if read < bytes.len() {
                return Ok(());
            }
            first += words.len();
        }
    }
}

/// A worker's seat; empty again when dropped.
#[derive(Debug)]
pub struct Seat {
    board: Arc<Board>,
    number: usize,
}

impl Seat {
    /// This one.
    pub fn new(board: Arc<Board>, number: usize) -> Self {
        let seat = Self { board, number };
        seat.clear();
        seat
    }

    /// Its board.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Which one it is, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Its worker serves and has so many connections open.
    pub fn post(&self, open: usize) {
        self.board.write(self.number, open as u64 + 1);
    }

    /// Its worker serves no more.
    pub fn clear(&self) {
        self.board.write(self.number, 0);
    }

    /// Whether another worker that serves has fewer open than `open`. Where the
    /// board cannot be read, none has.
    pub fn another_has_fewer(&self, open: usize) -> bool {
        let mut found = false;
        let read = self.board.words(|seat, word| {
            found |= seat != self.number && (1..=open as u64).contains(&word);
        });
        read.is_ok() && found
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn seats(count: usize) -> Vec<Seat> {
        let board = Arc::new(Board::new().unwrap());
        let seat = |number| Seat::new(board.clone(), number);
        (0..count).map(seat).collect()
    }

    #[test]
    fn who_serves_with_fewer_is_seen_and_nobody_else() {
        let seats = seats(3);
        seats[0].post(2);
        assert!(!seats[0].another_has_fewer(2), "nobody else serves");
        seats[1].post(2);
        assert!(!seats[0].another_has_fewer(2), "as many are not fewer");
        seats[2].post(0);
        assert!(seats[0].another_has_fewer(2));
        assert!(seats[0].another_has_fewer(1));
        assert!(!seats[0].another_has_fewer(0), "nobody has fewer than none");
        seats[2].clear();
        assert!(!seats[0].another_has_fewer(2));
    }

    #[test]
    fn a_dropped_seat_does_not_count() {
        let mut seats = seats(2);
        seats[1].post(0);
        assert!(seats[0].another_has_fewer(5));
        seats.truncate(1);
        assert!(!seats[0].another_has_fewer(5));
    }

    #[test]
    fn the_last_of_many_seats_is_seen() {
        for count in [SEATS_AT_ONCE - 1, SEATS_AT_ONCE, SEATS_AT_ONCE + 1, 512] {
            let seats = seats(count);
            for seat in &seats {
                seat.post(7);
            }
            assert!(!seats[0].another_has_fewer(7));
            seats[count - 1].post(6);
            assert!(seats[0].another_has_fewer(7), "{count}");
        }
    }

    #[test]
    fn what_is_sent_is_the_same_board_and_what_is_said_behind_it_stays() {
        use std::io::{Read as _, Write as _};
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let seats = seats(2);

        seats[0].board().send(&ours).unwrap();
        ours.write_all(b"said").unwrap();
        drop(ours);
        let received = Arc::new(Board::receive(&theirs).unwrap());

        let seat = Seat::new(received, 1);
        seat.post(3);
        assert!(seats[0].another_has_fewer(4));
        let mut rest = String::new();
        theirs.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "said");
    }

    #[test]
    fn without_a_board_an_error_comes_and_no_wait() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        assert!(Board::receive(&theirs).is_err());
        drop(ours);
        assert!(Board::receive(&theirs).is_err());
    }
}
