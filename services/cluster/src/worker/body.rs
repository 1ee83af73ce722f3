//! A request's body: nobody needs it, but it stands before the next request.

use super::shared::Shared;
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use service_kit::problem::Problem;

/// Reads a body to its end, so that the connection can be kept.
///
/// # Errors
/// What to answer when it is too large, too slow or broken; then the connection
/// cannot be kept.
pub async fn read(mut body: Incoming, shared: &Shared) -> Result<(), Problem> {
    let most = shared.orders.body_bytes as u64;
    // Where the length is said no byte is read, and none asked for: who sent
    // `Expect: 100-continue` has not sent it yet.
    if body.size_hint().lower() > most {
        return Err(too_large(most));
    }
    let reading = async {
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| {
                Problem::new(StatusCode::BAD_REQUEST, "the request's body is broken")
            })?;
            bytes += frame.data_ref().map_or(0, bytes::Bytes::len) as u64;
            if bytes > most {
                return Err(too_large(most));
            }
        }
        Ok(())
    };
    let time = shared.body_time();
    tokio::time::timeout(time, reading)
        .await
        .unwrap_or_else(|_| {
            let seconds = time.as_secs_f64();
            let detail = format!("the request's body did not arrive within {seconds} s");
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
        })
}

fn too_large(most: u64) -> Problem {
    let detail = format!("the request's body is larger than {most} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}
