//! One request and its whole answer, within its deadlines.

use super::body::{Body, text};
use super::{Fetcher, decode, fault};
use crate::outcome::ErrorKind;
use http_body_util::Empty;
use hyper::Request;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, LOCATION, RETRY_AFTER, USER_AGENT};
use tokio::time::{Instant, timeout};
use url::Url;

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
            answer.body = Some(self.body(response, end, &mut answer.bytes).await);
        } else {
            self.unwanted(response, end, &mut answer.bytes).await;
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
}
