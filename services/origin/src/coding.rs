//! Content codings: how a page is compressed, and who wants it so.

use std::io::Write as _;

/// As strong as servers mostly compress what they make on the fly.
const GZIP_LEVEL: u32 = 6;
const BROTLI_QUALITY: u32 = 5;

/// A window of 256 KiB, as most pages are smaller: the usual 4 MiB would be
/// made ready for each of them.
const BROTLI_WINDOW_BITS: u32 = 18;

const BUFFER_BYTES: usize = 4096;

/// How a body is coded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    #[default]
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// Brotli (RFC 7932).
    Brotli,
}

impl Coding {
    /// The best that an `Accept-Encoding` allows: what it weighs most, and
    /// brotli before gzip.
    pub fn accepted(header: &str) -> Self {
        let weights: Vec<_> = header.split(',').filter_map(weight).collect();
        let of = |name: &str| {
            let named = |wanted: &str| weights.iter().find(|(name, _)| name == wanted);
            let found = named(name).or_else(|| named("*"));
            found.map_or(0.0, |(_, weight)| *weight)
        };
        let (gzip, brotli) = (of("gzip").max(of("x-gzip")), of("br"));
        if brotli > 0.0 && brotli >= gzip {
            Self::Brotli
        } else if gzip > 0.0 {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// As `Content-Encoding` names it; a body as it is has no name.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// `body` in this coding.
    ///
    /// # Errors
    /// Those of the compressors, which have none while they write to memory.
    pub fn encode(self, body: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(body.to_vec()),
            Self::Gzip => {
                let level = flate2::Compression::new(GZIP_LEVEL);
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
                gzip.write_all(body)?;
                gzip.finish()
            }
            Self::Brotli => {
                let mut coded = Vec::new();
                let mut brotli = brotli::CompressorWriter::new(
                    &mut coded,
                    BUFFER_BYTES,
                    BROTLI_QUALITY,
                    BROTLI_WINDOW_BITS,
                );
                brotli.write_all(body)?;
                // Its end is written when it is dropped.
                drop(brotli);
                Ok(coded)
            }
        }
    }
}

/// `gzip;q=0.5` as name and weight; a weight that is none is no wish at all.
fn weight(part: &str) -> Option<(String, f64)> {
    let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
    let weight = match parameters.trim().split_once('=') {
        Some((q, weight)) if q.trim().eq_ignore_ascii_case("q") => weight.trim().parse().ok()?,
        Some(_) => return None,
        None => 1.0,
    };
    Some((name.trim().to_ascii_lowercase(), weight))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use std::io::Read as _;

    fn decoded(coding: Coding, coded: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        match coding {
            Coding::Identity => body.extend_from_slice(coded),
            Coding::Gzip => {
                flate2::read::GzDecoder::new(coded)
                    .read_to_end(&mut body)
                    .unwrap();
            }
            Coding::Brotli => {
                brotli::Decompressor::new(coded, BUFFER_BYTES)
                    .read_to_end(&mut body)
                    .unwrap();
            }
        }
        body
    }

    #[test]
    fn the_client_decides_and_brotli_goes_first() {
        for (header, coding) in [
            ("", Coding::Identity),
            ("identity", Coding::Identity),
            ("deflate, zstd", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("GZIP", Coding::Gzip),
            ("gzip, br", Coding::Brotli),
            ("gzip;q=1.0, br;q=0.5", Coding::Gzip),
            ("gzip ; q=0.5 , br; Q=0.5", Coding::Brotli),
            ("br;q=0, gzip", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("*", Coding::Brotli),
            ("*, br;q=0", Coding::Gzip),
            ("gzip;q=x", Coding::Identity),
        ] {
            assert_eq!(Coding::accepted(header), coding, "{header}");
        }
    }

    proptest! {
        #[test]
        fn what_is_coded_decodes_to_itself(body: Vec<u8>) {
            for coding in [Coding::Identity, Coding::Gzip, Coding::Brotli] {
                let coded = coding.encode(&body).unwrap();
                prop_assert_eq!(&decoded(coding, &coded), &body, "{:?}", coding);
            }
        }

        #[test]
        fn any_header_has_its_coding(header: String) {
            Coding::accepted(&header);
        }
    }
}
