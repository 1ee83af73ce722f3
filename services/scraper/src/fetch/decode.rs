//! Undoing a body's content encoding, within a limit, pure.

use std::io::{self, Read};

/// What is asked for in `Accept-Encoding`.
pub const ACCEPTED: &str = "gzip, br";

/// Why a body could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecodable {
    /// More than the limit.
    TooLarge,
    /// Broken off, or not what its header says.
    Broken,
    /// Encoded in a way that was not asked for.
    Unknown,
}

/// The body that `encoded` holds, of at most `limit` bytes: a small file may
/// hold a thousand times its size.
pub fn decode(encoding: &str, encoded: Vec<u8>, limit: usize) -> Result<Vec<u8>, Undecodable> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" if encoded.len() > limit => Err(Undecodable::TooLarge),
        "" | "identity" => Ok(encoded),
        // Without a body there is nothing to undo, whatever the header says.
        "gzip" | "x-gzip" | "br" if encoded.is_empty() => Ok(encoded),
        "gzip" | "x-gzip" => read(flate2::read::MultiGzDecoder::new(&encoded[..]), limit),
        "br" => read(
            brotli_decompressor::Decompressor::new(&encoded[..], 4096),
            limit,
        ),
        _ => Err(Undecodable::Unknown),
    }
}

fn read(decoder: impl Read, limit: usize) -> Result<Vec<u8>, Undecodable> {
    let mut body = Vec::new();
    let read: io::Result<usize> = decoder.take(limit as u64 + 1).read_to_end(&mut body);
    match read {
        Ok(bytes) if bytes > limit => Err(Undecodable::TooLarge),
        Ok(_) => Ok(body),
        Err(_) => Err(Undecodable::Broken),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 100_000);
        assert_eq!(decode("gzip", bomb, 1_000_000), Err(Undecodable::TooLarge));
    }

    #[test]
    fn what_is_broken_or_unknown_is_told_apart() {
        let mut half = gzip(b"some text that is long enough to be broken off");
        half.truncate(half.len() / 2);
        assert_eq!(decode("gzip", half, 1000), Err(Undecodable::Broken));
        assert_eq!(
            decode("gzip", b"plain".to_vec(), 1000),
            Err(Undecodable::Broken)
        );
        assert_eq!(
            decode("zstd", b"x".to_vec(), 1000),
            Err(Undecodable::Unknown)
        );
        assert_eq!(
            decode("gzip, gzip", b"x".to_vec(), 1000),
            Err(Undecodable::Unknown)
        );
    }

    proptest! {
        #[test]
        fn a_body_comes_back_unless_it_is_over_the_limit(
            body in proptest::collection::vec(any::<u8>(), 1..2000), limit in 0_usize..2500,
        ) {
            let expected = if body.len() > limit { Err(Undecodable::TooLarge) } else { Ok(body.clone()) };
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
