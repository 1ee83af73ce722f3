//! WebSocket messages out of bytes and back (RFC 6455). Pure: no sockets here.
//!
//! Headers are read and written by tungstenite. Its own reader is not used because
//! it ends the connection at a message that is too large; this one lets such a
//! message pass by without keeping it, and says so.

use std::io::Cursor;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

/// The most bytes that a control frame carries (RFC 6455, section 5.5).
const MOST_CONTROL_BYTES: u64 = 125;

/// The longest header: two bytes, a length of eight, a mask of four.
const MOST_HEADER_BYTES: usize = 14;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    Text(String),
    /// A whole binary message, of which nothing is kept.
    Binary,
    /// A message has grown beyond the limit; nothing more will be heard of it.
    TooLarge,
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseCode>),
}

/// The client broke the protocol in a way after which nothing can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(super) struct Violation {
    pub code: CloseCode,
    pub why: &'static str,
}

impl Violation {
    fn protocol(why: &'static str) -> Self {
        let code = CloseCode::Protocol;
        Self { code, why }
    }
}

/// Puts one client's messages together, whatever pieces their bytes come in.
#[derive(Debug)]
pub(super) struct Assembler {
    most_bytes: usize,
    header: [u8; MOST_HEADER_BYTES],
    header_length: u8,
    frame: Option<Frame>,
    message: Option<Message>,
    control: Vec<u8>,
}

/// A frame of which bytes are still to come.
#[derive(Debug)]
struct Frame {
    opcode: OpCode,
    is_final: bool,
    mask: [u8; 4],
    at: usize,
    left: u64,
}

/// A message of which frames are still to come.
#[derive(Debug)]
struct Message {
    is_text: bool,
    bytes: Vec<u8>,
    /// It was too large, and is read to its end without being kept.
    is_skipped: bool,
}

impl Assembler {
    /// For messages of so many bytes at most.
    pub fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            header: [0; MOST_HEADER_BYTES],
            header_length: 0,
            frame: None,
            message: None,
            control: Vec::new(),
        }
    }

    /// Whether a message or frame has begun and not ended.
    pub fn is_within_a_message(&self) -> bool {
        self.header_length > 0 || self.frame.is_some() || self.message.is_some()
    }

    /// Takes bytes off `input` until something has come in or none are left.
    pub fn take(&mut self, input: &mut &[u8]) -> Result<Option<Incoming>, Violation> {
        loop {
            let Some(mut frame) = self.frame.take() else {
                match self.begun(input)? {
                    None => return Ok(None),
                    Some(frame) => {
                        self.frame = Some(frame);
                        continue;
                    }
                }
            };
            let part = frame.part(input);
            if let Some(too_large) = self.keep(&mut frame, part) {
                self.frame = Some(frame);
                return Ok(Some(too_large));
            }
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            if let Some(incoming) = self.ended(&frame)? {
                return Ok(Some(incoming));
            }
        }
    }

    /// The next frame, when all of its header is there.
    fn begun(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, Violation> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            self.header[usize::from(self.header_length)] = byte;
            self.header_length += 1;
            let so_far = &self.header[..usize::from(self.header_length)];
            let parsed = FrameHeader::parse(&mut Cursor::new(so_far))
                .map_err(|_| Violation::protocol("there is no such kind of frame"))?;
            if let Some((header, length)) = parsed {
                self.header_length = 0;
                self.check(&header, length)?;
                return Ok(Some(Frame {
                    opcode: header.opcode,
                    is_final: header.is_final,
                    mask: header.mask.unwrap_or_default(),
                    at: 0,
                    left: length,
                }));
            }
        }
        Ok(None)
    }

    fn check(&mut self, header: &FrameHeader, length: u64) -> Result<(), Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::protocol("no extension was agreed on"));
        }
        if header.mask.is_none() {
            return Err(Violation::protocol("a client's frames are masked"));
        }
        match (header.opcode, self.message.is_some()) {
            (OpCode::Control(_), _) if length > MOST_CONTROL_BYTES || !header.is_final => {
                return Err(Violation::protocol(
                    "a control frame is one frame of 125 bytes at most",
                ));
            }
            (OpCode::Data(Data::Continue), false) => {
                return Err(Violation::protocol("there is no message to continue"));
            }
            (OpCode::Data(Data::Text | Data::Binary), true) => {
                return Err(Violation::protocol("the message before has not ended"));
            }
            (OpCode::Data(kind @ (Data::Text | Data::Binary)), false) => {
                self.message = Some(Message {
                    is_text: kind == Data::Text,
                    bytes: Vec::new(),
                    is_skipped: false,
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// Keeps a part of `frame`, unless its message is too large, which is said once.
    fn keep(&mut self, frame: &mut Frame, part: &[u8]) -> Option<Incoming> {
        if matches!(frame.opcode, OpCode::Control(_)) {
            frame.unmask(part, &mut self.control);
            return None;
        }
        let message = self.message.as_mut()?;
        if message.is_skipped {
            return None;
        }
        // What is announced counts: there is no need to wait for it.
        let announced = (part.len() as u64).saturating_add(frame.left);
        if (message.bytes.len() as u64).saturating_add(announced) > self.most_bytes as u64 {
            message.bytes = Vec::new();
            message.is_skipped = true;
            return Some(Incoming::TooLarge);
        }
        if message.is_text {
            frame.unmask(part, &mut message.bytes);
        }
        None
    }

    /// What the end of `frame` brings, if anything.
    fn ended(&mut self, frame: &Frame) -> Result<Option<Incoming>, Violation> {
        if let OpCode::Control(control) = frame.opcode {
            let payload = std::mem::take(&mut self.control);
            return Ok(match control {
                Control::Ping => Some(Incoming::Ping(payload)),
                Control::Pong => Some(Incoming::Pong(payload)),
                Control::Close => Some(Incoming::Close(close_code(&payload)?)),
                Control::Reserved(_) => None,
            });
        }
        if !frame.is_final {
            return Ok(None);
        }
        match self.message.take() {
            None => Ok(None),
            Some(message) if message.is_skipped => Ok(None),
            Some(message) if !message.is_text => Ok(Some(Incoming::Binary)),
            Some(message) => match String::from_utf8(message.bytes) {
                Ok(text) => Ok(Some(Incoming::Text(text))),
                Err(_) => Err(Violation {
                    code: CloseCode::Invalid,
                    why: "text is UTF-8",
                }),
            },
        }
    }
}

impl Frame {
    /// As much of its payload as `input` has, which is taken off that.
    fn part<'i>(&mut self, input: &mut &'i [u8]) -> &'i [u8] {
        let here = usize::try_from(self.left).map_or(input.len(), |left| left.min(input.len()));
        let (part, rest) = input.split_at(here);
        *input = rest;
        self.left -= here as u64;
        part
    }

    fn unmask(&mut self, part: &[u8], into: &mut Vec<u8>) {
        let mask = self.mask;
        let from = self.at;
        into.extend((from..).zip(part).map(|(at, byte)| byte ^ mask[at % 4]));
        self.at = (from + part.len()) % 4;
    }
}

/// Why the client closes.
fn close_code(payload: &[u8]) -> Result<Option<CloseCode>, Violation> {
    match payload {
        [] => Ok(None),
        [high, low, reason @ ..] => {
            let code = CloseCode::from(u16::from_be_bytes([*high, *low]));
            if !code.is_allowed() || std::str::from_utf8(reason).is_err() {
                return Err(Violation::protocol("that is no way to close"));
            }
            Ok(Some(code))
        }
        [_] => Err(Violation::protocol("a close code has two bytes")),
    }
}

/// Appends a frame that is a whole message to `out`.
fn write(opcode: OpCode, payload: &[u8], out: &mut Vec<u8>) {
    let header = FrameHeader {
        opcode,
        ..FrameHeader::default()
    };
    header
        .format(payload.len() as u64, out)
        .expect("a Vec takes all that is written");
    out.extend_from_slice(payload);
}

/// Appends a text message.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    write(OpCode::Data(Data::Text), text.as_bytes(), out);
}

/// Appends a ping, of 125 bytes at most.
pub(super) fn write_ping(payload: &[u8], out: &mut Vec<u8>) {
    write(OpCode::Control(Control::Ping), payload, out);
}

/// Appends the answer to a ping.
pub(super) fn write_pong(payload: &[u8], out: &mut Vec<u8>) {
    write(OpCode::Control(Control::Pong), payload, out);
}

/// Appends a close; `why` of 123 bytes at most.
pub(super) fn write_close(code: CloseCode, why: &str, out: &mut Vec<u8>) {
    let mut payload = u16::from(code).to_be_bytes().to_vec();
    payload.extend_from_slice(why.as_bytes());
    write(OpCode::Control(Control::Close), &payload, out);
}

#[cfg(test)]
mod tests;
