//! Speaking with a station's replicas: the same HTTP for every backend.

use super::Replica;
use measure::report::ReplicaAccount;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

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

/// Speaks with replicas.
#[derive(Debug, Clone)]
pub struct StationClient {
    http: reqwest::Client,
}

impl StationClient {
    /// A client that keeps no idle connections: a replica may restart.
    pub fn new() -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .connect_timeout(SMALL_REQUEST)
            .build()?;
        Ok(Self { http })
    }

    /// Whether the replica is ready.
    pub async fn is_ready(&self, replica: Replica) -> bool {
        let url = format!("http://{}/readyz", replica.admin);
        let answer = self.http.get(url).timeout(SMALL_REQUEST).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// What the kernel applied to the replica.
    pub async fn budget(&self, replica: Replica) -> anyhow::Result<Budget> {
        self.small(format!("http://{}/budget", replica.admin)).await
    }

    /// What the replica's service says of itself.
    pub async fn describe<T: serde::de::DeserializeOwned>(
        &self,
        replica: Replica,
    ) -> anyhow::Result<T> {
        self.small(format!("http://{}/", replica.api)).await
    }

    async fn small<T: serde::de::DeserializeOwned>(&self, url: String) -> anyhow::Result<T> {
        let request = self.http.get(url).timeout(SMALL_REQUEST);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Takes one sample on one replica; dropping the future cancels it there.
    pub async fn sample(
        &self,
        replica: Replica,
        request: &Value,
        deadline: Duration,
    ) -> Result<Answer, SampleError> {
        let url = format!("http://{}/run", replica.api);
        let sent = self.http.post(url).timeout(deadline).json(request);
        let answer = sent.send().await.map_err(lost)?;
        if answer.status().is_success() {
            return answer.json().await.map_err(lost);
        }
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap_or_default();
        let said = problem["detail"].as_str().or(problem["title"].as_str());
        let said = said.map_or_else(|| status.to_string(), str::to_owned);
        if status.is_server_error() {
            Err(SampleError::Lost(said))
        } else {
            Err(SampleError::Refused(said))
        }
    }
}

#[allow(clippy::needless_pass_by_value)]
fn lost(error: reqwest::Error) -> SampleError {
    if error.is_timeout() {
        return SampleError::Lost("it did not answer in time".into());
    }
    // reqwest's own text repeats the address; the reason is its last cause.
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    SampleError::Lost(format!("the connection broke: {cause}"))
}
