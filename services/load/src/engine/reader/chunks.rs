//! A chunked body (RFC 9112, section 7.1).

use super::NotHttp;

/// The longest size line, extensions included, and the longest trailer, in bytes.
const LONGEST_LINE_BYTES: usize = 16 * 1024;

/// Where in a chunked body the reader is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Chunks {
    place: Place,
    /// The size as read so far, or what is left of the chunk's data.
    bytes: u64,
    /// Bytes of the line or trailer so far.
    line: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the digits of a size.
    #[default]
    Size,
    /// Behind them.
    Extension,
    Data,
    /// At the end of the data: CR and LF, or LF alone.
    DataEnd,
    /// In the trailer, at the begin of a line.
    LineStart,
    /// In a line of it.
    Line,
}

impl Chunks {
    /// Reads on; how many bytes of `input` belong to the body, when it is whole.
    pub(super) fn read(&mut self, input: &[u8]) -> Result<Option<usize>, NotHttp> {
        let mut at = 0;
        while at < input.len() {
            if self.place == Place::Data {
                let here = self.bytes.min((input.len() - at) as u64);
                at += here as usize;
                self.bytes -= here;
                if self.bytes == 0 {
                    self.place = Place::DataEnd;
                }
                continue;
            }
            let ended = self.step(input[at])?;
            at += 1;
            if ended {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// One byte that is no data; whether the body ends with it.
    fn step(&mut self, byte: u8) -> Result<bool, NotHttp> {
        self.line += 1;
        if self.line > LONGEST_LINE_BYTES {
            return Err(NotHttp);
        }
        match (self.place, byte) {
            (Place::Size, _) if byte.is_ascii_hexdigit() => {
                let digit = (byte as char).to_digit(16).map_or(0, u64::from);
                // A size whose top digit is taken would overflow.
                if self.bytes >> 60 != 0 {
                    return Err(NotHttp);
                }
                self.bytes = self.bytes << 4 | digit;
            }
            (Place::Size, b';' | b' ' | b'\t' | b'\r' | b'\n') if self.line == 1 => {
                return Err(NotHttp);
            }
            (Place::Size | Place::Extension, b'\n') => {
                self.line = 0;
                self.place = if self.bytes == 0 {
                    Place::LineStart
                } else {
                    Place::Data
                };
            }
            (Place::Size, b';' | b' ' | b'\t' | b'\r') => self.place = Place::Extension,
            (Place::Extension, _) | (Place::DataEnd | Place::LineStart, b'\r') => {}
            (Place::DataEnd, b'\n') => {
                self.line = 0;
                self.place = Place::Size;
            }
            (Place::LineStart, b'\n') => return Ok(true),
            (Place::LineStart, _) => self.place = Place::Line,
            (Place::Line, b'\n') => self.place = Place::LineStart,
            (Place::Line, _) => {}
            _ => return Err(NotHttp),
        }
        Ok(false)
    }
}
