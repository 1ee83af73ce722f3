//! One connection: served, or refused.

use super::activity::{Activity, Watched};
use super::answer;
use super::shared::Shared;
use crate::counters::Cut;
use hyper::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use service_kit::problem::{MEDIA_TYPE, Problem};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a client that was refused has to read why.
const LINGERS_FOR: Duration = Duration::from_secs(1);

/// The largest head of a request, in bytes: what Node allows too.
const HEAD_BYTES: usize = 16 * 1024;

/// How HTTP is spoken.
pub fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    // Time limits are those of `activity`. Head and body go out as one piece:
    // two small ones cost more to hand over than to copy. Not `pipeline_flush`,
    // which does that too: while anything of a next request is there it holds
    // answers back, and loses the last one when the connection ends.
    http.header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        .writev(false);
    http
}

/// Serves one connection until it ends.
pub async fn serve(
    stream: TcpStream,
    http: http1::Builder,
    shared: Arc<Shared>,
    activity: Arc<Activity>,
) {
    let socket = Watched::new(stream, activity.clone());
    let service = service_fn(|request| answer::answer(request, &shared, &activity));
    let mut connection = http.serve_connection(socket, service);
    let ended = (&mut connection).await;
    let is_malformed = ended.as_ref().is_err_and(hyper::Error::is_parse);
    if is_malformed || activity.leaves_unread() {
        linger(connection.into_parts().io.into_socket()).await;
    }
    if let Err(error) = ended {
        if is_malformed {
            shared.counters.cut(Cut::Malformed);
            // hyper has answered these itself.
            let status = if error.is_parse_too_large() { 431 } else { 400 };
            shared.counters.status(status);
        }
        tracing::debug!(%error, "connection ended early");
    }
}

/// What a client is told that there is no room for, head and body.
pub fn refusal(shared: &Shared) -> Vec<u8> {
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "as many connections are open as this server takes; try again in a second",
    );
    let body = answer::problem_text(&problem);
    let replica = shared.replica.to_str().unwrap_or_default();
    let mut refusal = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: {MEDIA_TYPE}\r\nretry-after: 1\r\n\
         x-replica: {replica}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    refusal.extend_from_slice(&body);
    refusal
}

/// Closes for writing, and reads on until the client has closed too: a socket that
/// is closed with something unread is reset, which may take the answer with it.
pub async fn linger(mut stream: TcpStream) {
    let reading = async {
        // hyper may have closed it for writing already.
        let _ = stream.shutdown().await;
        let mut rest = [0; 1024];
        while let Ok(1..) = stream.read(&mut rest).await {}
    };
    let _ = tokio::time::timeout(LINGERS_FOR, reading).await;
}
