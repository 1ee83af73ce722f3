//! Undoing a body's content encoding, within a limit, pure.

use std::io::{self, Read};

/// What is asked for in `Accept-Encoding`.
pub const ACCEPTED: &str = "gzip, br";

/// Why a body could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecodable {
    /// Broken off, or not what its header says.
    Broken,
    /// Encoded in a way that was not asked for.
    Unknown,
}

/// A body while its content encoding is undone.
pub enum Decoding {
    /// It had none.
    Plain(Vec<u8>),
    /// What gives it, a part at a time.
    Encoded(Box<dyn Read + Send>),
}

impl Decoding {
    /// Of the body that `encoded` holds.
    pub fn of(encoding: &str, encoded: Vec<u8>) -> Result<Self, Undecodable> {
        match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Plain(encoded)),
            // Without a body there is nothing to undo, whatever the header says.
            "gzip" | "x-gzip" | "br" if encoded.is_empty() => Ok(Self::Plain(encoded)),
            "gzip" | "x-gzip" => {
                let decoder = flate2::read::MultiGzDecoder::new(io::Cursor::new(encoded));
                Ok(Self::Encoded(Box::new(decoder)))
            }
            "br" => {
                let decoder =
                    brotli_decompressor::Decompressor::new(io::Cursor::new(encoded), 4096);
                Ok(Self::Encoded(Box::new(decoder)))
            }
            _ => Err(Undecodable::Unknown),
        }
    }
}

/// Reads on until `body` has `length` bytes; `true` when that was all there is.
pub fn read_on(
    decoder: &mut dyn Read,
    body: &mut Vec<u8>,
    length: usize,
) -> Result<bool, Undecodable> {
    let wanted = length.saturating_sub(body.len());
    // Room for just that: a buffer that doubles by itself would hold more.
    body.reserve_exact(wanted);
    let read = decoder.take(wanted as u64).read_to_end(body);
    let read = read.map_err(|_| Undecodable::Broken)?;
    Ok(read < wanted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    #[derive(Debug, Clone, PartialEq)]
    enum Failed {
        TooLarge,
        Undecodable(Undecodable),
    }

    /// All at once, as `fetch` does it step by step.
    fn decode(encoding: &str, encoded: Vec<u8>, limit: usize) -> Result<Vec<u8>, Failed> {
        let mut body = Vec::new();
        match Decoding::of(encoding, encoded).map_err(Failed::Undecodable)? {
            Decoding::Plain(plain) => body = plain,
            Decoding::Encoded(mut decoder) => {
                for length in [1, 7, 64, limit / 2, limit, limit + 1] {
                    if length <= body.len() {
                        continue;
                    }
                    let read = read_on(&mut *decoder, &mut body, length);
                    if read.map_err(Failed::Undecodable)? {
                        break;
                    }
                }
            }
        }
        if body.len() > limit {
            return Err(Failed::TooLarge);
        }
        Ok(body)
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 100_000);
        assert_eq!(decode("gzip", bomb, 1_000_000), Err(Failed::TooLarge));
    }

    #[test]
    fn what_is_broken_or_unknown_is_told_apart() {
        let mut half = gzip(b"some text that is long enough to be broken off");
        half.truncate(half.len() / 2);
        assert_eq!(
            decode("gzip", half, 1000),
            Err(Failed::Undecodable(Undecodable::Broken))
        );
        assert_eq!(
            decode("gzip", b"plain".to_vec(), 1000),
            Err(Failed::Undecodable(Undecodable::Broken))
        );
        assert_eq!(
            decode("zstd", b"x".to_vec(), 1000),
            Err(Failed::Undecodable(Undecodable::Unknown))
        );
        assert_eq!(
            decode("gzip, gzip", b"x".to_vec(), 1000),
            Err(Failed::Undecodable(Undecodable::Unknown))
        );
    }

    proptest! {
        #[test]
        fn a_body_comes_back_unless_it_is_over_the_limit(
            body in proptest::collection::vec(any::<u8>(), 1..2000), limit in 0_usize..2500,
        ) {
            let expected = if body.len() > limit { Err(Failed::TooLarge) } else { Ok(body.clone()) };
            prop_assert_eq!(decode(" GZip", gzip(&body), limit), expected.clone());
            prop_assert_eq!(decode("", body, limit), expected);
        }

        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = decode("gzip", body.clone(), 10_000);
            let _ = decode("br", body, 10_000);
        }
    }
}
