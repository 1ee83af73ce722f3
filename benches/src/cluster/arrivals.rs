//! Requests on a schedule, whether the server keeps up or not: at the same offered
//! load the latencies of two servers can be put side by side.

use super::Round;
use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

/// A server that is behind by this much is overloaded.
const DEADLINE: Duration = Duration::from_secs(30);

/// Sends requests at a constant rate, each on a connection of its own, for so
/// long; latencies count from the scheduled moment.
pub fn offer(address: SocketAddr, rate: f64, time: Duration) -> anyhow::Result<Round> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut latencies = runtime.block_on(offered(address, rate, time))?;
    latencies.sort_by(f64::total_cmp);
    Ok(Round {
        per_second: latencies.len() as f64 / time.as_secs_f64(),
        p99_seconds: percentile(&latencies, 0.99).context("no request was sent")?,
    })
}

async fn offered(address: SocketAddr, rate: f64, time: Duration) -> anyhow::Result<Vec<f64>> {
    let began = Instant::now();
    let count = (rate * time.as_secs_f64()) as u32;
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..count {
        let scheduled = began + Duration::from_secs_f64(f64::from(number) / rate);
        sleep_until(scheduled).await;
        requests.spawn(async move {
            timeout(DEADLINE, ask(address))
                .await
                .context("it came too late")??;
            anyhow::Ok(scheduled.elapsed().as_secs_f64())
        });
    }
    let mut latencies = Vec::new();
    while let Some(latency) = requests.join_next().await {
        latencies.push(latency??);
    }
    Ok(latencies)
}

async fn ask(address: SocketAddr) -> anyhow::Result<()> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder()
        .uri("/")
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    ensure!(
        answer.status().is_success(),
        "it answered {}",
        answer.status()
    );
    answer.into_body().collect().await?;
    Ok(())
}

/// The smallest of `sorted` that so large a share is not above.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 0.99), Some(99.0));
        assert_eq!(percentile(&hundred, 1.0), Some(100.0));
        assert_eq!(percentile(&[7.0], 0.99), Some(7.0));
        assert_eq!(percentile(&[], 0.99), None);
    }
}
