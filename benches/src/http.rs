//! One HTTP request, as a client would send it.

use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// No job that is asked for takes nearly as long.
const DEADLINE: Duration = Duration::from_mins(1);

/// Sends requests from one thread.
pub struct Client(Runtime);

impl Client {
    /// A client without a connection: each request makes its own.
    pub fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start a runtime for HTTP")?;
        Ok(Self(runtime))
    }

    /// Posts JSON and reads the whole answer.
    pub fn post<T: DeserializeOwned>(
        &self,
        address: SocketAddr,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<T> {
        let answered = self
            .0
            .block_on(async { timeout(DEADLINE, exchange(address, path, body)).await });
        let body = answered.context("the station did not answer in time")??;
        serde_json::from_slice(&body).context("the station's answer cannot be read")
    }
}

async fn exchange(
    address: SocketAddr,
    path: &str,
    body: &serde_json::Value,
) -> anyhow::Result<Bytes> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // How the connection ends, the answer itself says.
    tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, address.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_string())))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    ensure!(
        status.is_success(),
        "the station answered {status}: {}",
        String::from_utf8_lossy(&body)
    );
    Ok(body)
}
