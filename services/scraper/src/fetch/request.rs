//! One request and its whole answer, within its deadlines.

use super::decode::{self, Undecodable, decode};
use super::{Body, Fetcher, fault};
use crate::outcome::ErrorKind;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName,
    LOCATION, RETRY_AFTER, USER_AGENT,
};
use hyper::{Request, Response};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

/// Of a body that nobody wants, as of a redirect, so much is read: then the
/// connection can be used again.
const MOST_UNWANTED: usize = 64 * 1024;

/// And if it is there so soon: a new connection takes no longer.
const UNWANTED_WITHIN: Duration = Duration::from_millis(250);

/// An answer, as far as it came.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: Option<u16>,
    pub(super) location: Option<String>,
    pub(super) retry_after: Option<String>,
    /// Bytes of the body: decompressed, or as sent where it did not come to that.
    pub(super) bytes: u64,
    /// The body of a 2xx, or why there is none.
    pub(super) body: Option<Result<Body, ErrorKind>>,
}

impl Answer {
    fn failed(error: ErrorKind) -> Self {
        Self {
            body: Some(Err(error)),
            ..Self::default()
        }
    }
}

impl Fetcher {
    /// Asks once for `url`, following nothing.
    pub(super) async fn ask(&self, url: &Url) -> Answer {
        let Ok(request) = self.request(url) else {
            return Answer::failed(ErrorKind::Internal);
        };
        let options = &self.shared.options;
        let end = Instant::now() + options.total_timeout;
        let _in_flight = self.shared.progress.request();
        let head = (options.connect_timeout + options.read_timeout).min(options.total_timeout);
        let response = match timeout(head, self.client.send(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Answer::failed(fault::kind(&error, error.is_connect())),
            Err(_) => return Answer::failed(ErrorKind::Timeout),
        };
        let mut answer = Answer {
            status: Some(response.status().as_u16()),
            location: text(response.headers(), &LOCATION),
            retry_after: text(response.headers(), &RETRY_AFTER),
            ..Answer::default()
        };
        if response.status().is_success() {
            let body = timeout_at(end, self.body(response, &mut answer.bytes)).await;
            answer.body = Some(body.unwrap_or(Err(ErrorKind::Timeout)));
        } else if announced(&response).is_none_or(|bytes| bytes <= MOST_UNWANTED as u64) {
            // Whether it can be had or not changes nothing.
            let unwanted = read(
                response.into_body(),
                MOST_UNWANTED,
                options.read_timeout,
                &mut answer.bytes,
            );
            let end = end.min(Instant::now() + UNWANTED_WITHIN);
            let _ = timeout_at(end, unwanted).await;
        }
        answer
    }

    fn request(&self, url: &Url) -> Result<Request<Empty<bytes::Bytes>>, hyper::http::Error> {
        Request::get(&url[..url::Position::AfterQuery])
            .header(USER_AGENT, &self.shared.options.user_agent)
            .header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header(ACCEPT_ENCODING, decode::ACCEPTED)
            .body(Empty::new())
    }

    async fn body(&self, response: Response<Incoming>, bytes: &mut u64) -> Result<Body, ErrorKind> {
        let options = &self.shared.options;
        let limit = options.body_limit;
        if announced(&response).is_some_and(|bytes| bytes > limit as u64) {
            return Err(ErrorKind::BodyTooLarge);
        }
        let headers = response.headers();
        let encoding = text(headers, &CONTENT_ENCODING).unwrap_or_default();
        let content_type = text(headers, &CONTENT_TYPE);
        let encoded = read(response.into_body(), limit, options.read_timeout, bytes).await?;
        let content = decode(&encoding, encoded, limit).map_err(|error| match error {
            Undecodable::TooLarge => ErrorKind::BodyTooLarge,
            Undecodable::Broken | Undecodable::Unknown => ErrorKind::Decode,
        })?;
        *bytes = content.len() as u64;
        Ok(Body {
            content,
            content_type,
        })
    }
}

/// How many bytes a body has, as its head says.
fn announced(response: &Response<Incoming>) -> Option<u64> {
    text(response.headers(), &CONTENT_LENGTH)?.parse().ok()
}

/// A whole body of at most `limit` bytes.
async fn read(
    mut body: Incoming,
    limit: usize,
    read_timeout: Duration,
    bytes: &mut u64,
) -> Result<Vec<u8>, ErrorKind> {
    // As much as it says at the start, but not on a stranger's word alone.
    let expected = body.size_hint().lower().min(MOST_UNWANTED as u64);
    let mut content = Vec::with_capacity(expected as usize);
    loop {
        let frame = match timeout(read_timeout, body.frame()).await {
            Err(_) => return Err(ErrorKind::Timeout),
            Ok(None) => return Ok(content),
            Ok(Some(Err(error))) => return Err(fault::kind(&error, false)),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else {
            continue; // trailers
        };
        *bytes += data.len() as u64;
        if content.len() + data.len() > limit {
            return Err(ErrorKind::BodyTooLarge);
        }
        content.extend_from_slice(&data);
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    // Some servers write a Location in UTF-8.
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}
