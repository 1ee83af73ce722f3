//! A body: read, and its content encoding undone, within all limits.

use super::decode::{Decoding, Undecodable, read_on};
use super::memory::{Held, Memory};
use super::{Fetcher, fault};
use crate::outcome::ErrorKind;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Of a body that nobody wants, as of a redirect, so much is read: then the
/// connection can be used again.
const MOST_UNWANTED: u64 = 64 * 1024;

/// And if it is there so soon: a new connection takes no longer.
const UNWANTED_WITHIN: Duration = Duration::from_millis(250);

/// What a body may have before its first byte is there: as much as it says, but
/// not on a stranger's word alone.
const MOST_FIRST: u64 = 64 * 1024;

/// And where it says nothing.
const FIRST: usize = 16 * 1024;

/// A page as it came, decompressed.
#[derive(Debug, Default)]
pub struct Body {
    /// Its bytes.
    pub content: Vec<u8>,
    /// What the server says they are.
    pub content_type: Option<String>,
    /// Its share of the memory for bodies, until it is dropped.
    pub held: Held,
}

/// A body that is being read.
struct Reading<'a> {
    memory: &'a Memory,
    limit: usize,
    read_timeout: Duration,
    /// When it must be there. Time that it waits for memory does not count:
    /// that is no fault of the page.
    end: Instant,
    held: Held,
}

impl Fetcher {
    /// The body of a page, until `end`; `bytes` is told how many there are, and
    /// how many there were where it fails.
    pub(super) async fn body(
        &self,
        response: Response<Incoming>,
        end: Instant,
        bytes: &mut u64,
    ) -> Result<Body, ErrorKind> {
        let options = &self.shared.options;
        let mut reading = Reading {
            memory: &self.shared.memory,
            limit: options.body_limit,
            read_timeout: options.read_timeout,
            end,
            held: Held::default(),
        };
        if announced(&response).is_some_and(|bytes| bytes > reading.limit as u64) {
            return Err(ErrorKind::BodyTooLarge);
        }
        let headers = response.headers();
        let encoding = text(headers, &CONTENT_ENCODING).unwrap_or_default();
        let content_type = text(headers, &CONTENT_TYPE);
        let encoded = reading.encoded(response.into_body(), bytes).await?;
        let content = reading.decoded(&encoding, encoded).await?;
        *bytes = content.len() as u64;
        Ok(Body {
            content,
            content_type,
            held: reading.held,
        })
    }

    /// Reads away a body that nobody wants, if that is done at once; whether it
    /// can be had or not changes nothing.
    pub(super) async fn unwanted(
        &self,
        response: Response<Incoming>,
        end: Instant,
        bytes: &mut u64,
    ) {
        if announced(&response).is_some_and(|bytes| bytes > MOST_UNWANTED) {
            return;
        }
        let end = end.min(Instant::now() + UNWANTED_WITHIN);
        let mut body = response.into_body();
        while *bytes <= MOST_UNWANTED
            && let Ok(Ok(Some(data))) = timeout_at(end, next(&mut body)).await
        {
            *bytes += data.len() as u64;
        }
    }
}

impl Reading<'_> {
    /// The body as it was sent.
    async fn encoded(&mut self, mut body: Incoming, bytes: &mut u64) -> Result<Vec<u8>, ErrorKind> {
        let mut room = match body.size_hint().exact() {
            Some(length) => length.min(MOST_FIRST) as usize,
            None => FIRST.min(self.limit),
        };
        self.hold(room).await;
        let mut encoded = Vec::with_capacity(room);
        loop {
            let within = self.end.min(Instant::now() + self.read_timeout);
            let data = timeout_at(within, next(&mut body)).await;
            let Some(data) = data.map_err(|_| ErrorKind::Timeout)?? else {
                return Ok(encoded);
            };
            *bytes += data.len() as u64;
            let length = encoded.len() + data.len();
            if length > self.limit {
                return Err(ErrorKind::BodyTooLarge);
            }
            if length > room {
                room = (2 * room).max(length).min(self.limit);
                self.hold(room).await;
                encoded.reserve_exact(room - encoded.len());
            }
            encoded.extend_from_slice(&data);
        }
    }

    /// The body as it was before its server encoded it: a small one may have
    /// held a thousand times its size.
    async fn decoded(&mut self, encoding: &str, encoded: Vec<u8>) -> Result<Vec<u8>, ErrorKind> {
        let beside = encoded.capacity();
        let mut room = (4 * encoded.len()).max(FIRST);
        let mut decoder = match Decoding::of(encoding, encoded).map_err(kind)? {
            Decoding::Plain(content) => return Ok(content),
            Decoding::Encoded(decoder) => decoder,
        };
        let mut content = Vec::new();
        loop {
            // One more than allowed tells that there is one more.
            room = room.min(self.limit + 1);
            self.hold(beside + room).await;
            if read_on(&mut *decoder, &mut content, room).map_err(kind)? {
                return Ok(content);
            }
            if room > self.limit {
                return Err(ErrorKind::BodyTooLarge);
            }
            room *= 2;
        }
    }

    /// Waits until it may hold so many bytes.
    async fn hold(&mut self, bytes: usize) {
        let asked = Instant::now();
        self.memory.grow(&mut self.held, bytes).await;
        self.end += asked.elapsed();
    }
}

/// The next bytes of a body; none: it ends.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, ErrorKind> {
    while let Some(frame) = body.frame().await {
        match frame
            .map_err(|error| fault::kind(&error, false))?
            .into_data()
        {
            Ok(data) => return Ok(Some(data)),
            Err(_trailers) => {}
        }
    }
    Ok(None)
}

fn kind(error: Undecodable) -> ErrorKind {
    match error {
        Undecodable::Broken | Undecodable::Unknown => ErrorKind::Decode,
    }
}

/// How many bytes a body has, as its head says.
fn announced(response: &Response<Incoming>) -> Option<u64> {
    text(response.headers(), &CONTENT_LENGTH)?.parse().ok()
}

/// A header's text. Some servers write a Location in UTF-8.
pub(super) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}
