//! Speaking with a station's replicas: the same HTTP for every backend.

use super::Replica;
use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use measure::report::ReplicaAccount;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a small request may take: admin answers within a fraction of a
/// second even at half a CPU under full load.
const SMALL_REQUEST: Duration = Duration::from_secs(5);

/// What a replica's kernel applied, as its admin endpoint tells.
pub type Budget = service_kit::admin::BudgetReport;

/// A replica's answer to a sample.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// The account.
    pub account: ReplicaAccount,
    /// The strategy's own fixed schedule, where it has one.
    pub work_shares: Option<Vec<f64>>,
    /// What the service counted of its own, by name.
    #[serde(default)]
    pub figures: BTreeMap<String, Option<f64>>,
}

/// Why a sample failed.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The replica refused it: a request that cannot be, or another run.
    #[error("{0}")]
    Refused(String),
    /// The replica went away or did not answer in time.
    #[error("{0}")]
    Lost(String),
}

/// Whether the replica is ready.
pub async fn is_ready(replica: Replica) -> bool {
    let answer = timeout(SMALL_REQUEST, get(replica.admin, "/readyz")).await;
    matches!(answer, Ok(Ok((status, _))) if status.is_success())
}

/// What the kernel applied to the replica.
pub async fn budget(replica: Replica) -> anyhow::Result<Budget> {
    small(replica.admin, "/budget").await
}

/// What the replica's service says of itself.
pub async fn describe<T: serde::de::DeserializeOwned>(replica: Replica) -> anyhow::Result<T> {
    small(replica.api, "/").await
}

/// What a service beside the stations counted, as it tells it.
pub async fn account(replica: Replica, path: &str) -> anyhow::Result<Value> {
    small(replica.api, path).await
}

/// What a server answers at this path, as JSON.
pub async fn answer_of(address: SocketAddr, path: &str) -> anyhow::Result<Value> {
    small(address, path).await
}

/// Makes a service forget or end what stands at this path (DELETE).
pub async fn forget(replica: Replica, path: &str) -> anyhow::Result<()> {
    let address = replica.api;
    let sent = exchange(address, Method::DELETE, path, String::new());
    let answer = timeout(SMALL_REQUEST, sent).await;
    let (status, _) = answer
        .with_context(|| format!("{address} did not answer in time"))?
        .with_context(|| format!("{address} cannot be asked"))?;
    if !status.is_success() {
        bail!("{address} answered {status} to DELETE {path}");
    }
    Ok(())
}

/// Takes one sample on one replica; dropping the future cancels it there.
pub async fn sample(
    replica: Replica,
    request: &Value,
    deadline: Duration,
) -> Result<Answer, SampleError> {
    ask(replica, "/run", request, deadline).await
}

/// Has a replica do something that may take long, and waits for its answer;
/// dropping the future cancels it there.
pub async fn ask<T: serde::de::DeserializeOwned>(
    replica: Replica,
    path: &str,
    request: &Value,
    deadline: Duration,
) -> Result<T, SampleError> {
    let sent = exchange(replica.api, Method::POST, path, request.to_string());
    let answered = timeout(deadline, sent)
        .await
        .map_err(|_| SampleError::Lost("it did not answer in time".into()))?;
    let (status, body) =
        answered.map_err(|why| SampleError::Lost(format!("the connection broke: {why}")))?;
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|why| SampleError::Lost(format!("its answer cannot be read: {why}")));
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = problem["detail"].as_str().or(problem["title"].as_str());
    let said = said.map_or_else(|| status.to_string(), str::to_owned);
    if status.is_server_error() {
        Err(SampleError::Lost(said))
    } else {
        Err(SampleError::Refused(said))
    }
}

async fn small<T: serde::de::DeserializeOwned>(
    address: SocketAddr,
    path: &str,
) -> anyhow::Result<T> {
    let answer = timeout(SMALL_REQUEST, get(address, path)).await;
    let (status, body) = answer
        .with_context(|| format!("{address} did not answer in time"))?
        .with_context(|| format!("{address} cannot be asked"))?;
    if !status.is_success() {
        bail!("{address} answered {status} to GET {path}");
    }
    serde_json::from_slice(&body).with_context(|| format!("{address}{path} cannot be read"))
}

async fn get(address: SocketAddr, path: &str) -> Result<(StatusCode, Bytes), Broken> {
    exchange(address, Method::GET, path, String::new()).await
}

/// A connection that could not be made, or broke.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{0}")]
    Connecting(#[from] std::io::Error),
    #[error("{0}")]
    Speaking(#[from] hyper::Error),
}

/// One request on a connection of its own: a replica may restart in between.
/// The connection lives in this future, so that dropping it hangs up.
async fn exchange(
    address: SocketAddr,
    method: Method,
    path: &str,
    body: String,
) -> Result<(StatusCode, Bytes), Broken> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, address.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .expect("the method, path and headers are well-formed");
    let answered = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    };
    let driven = async {
        // How it ended, the answer's own future says.
        let _ = connection.await;
        pending().await
    };
    tokio::select! {
        answer = answered => answer,
        never = driven => never,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// What a sample comes to on a replica that takes the request, says this
    /// much and dies.
    async fn sample_cut_short(said: &str) -> SampleError {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replica = Replica {
            api: address,
            admin: address,
        };
        let dies = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(said.as_bytes()).await.unwrap();
        };
        let far_off = Duration::from_hours(1);
        let request = Value::Null;
        let both = async { tokio::join!(sample(replica, &request, far_off), dies).0 };
        let noticed = timeout(Duration::from_secs(20), both).await;
        noticed
            .expect("noticed long before the deadline")
            .unwrap_err()
    }

    #[tokio::test]
    async fn a_replica_that_dies_while_it_measures_is_noticed_at_once() {
        let begun = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"account\"";
        for said in ["", "HTTP/1.1 2", begun] {
            let error = sample_cut_short(said).await;
            let lost = matches!(&error, SampleError::Lost(why) if why.starts_with("the connection broke: "));
            assert!(lost, "after {said:?}: {error}");
        }
    }
}
