//! Asking one replica which container it is.

use super::Station;
use anyhow::{Context as _, bail};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A station's admin endpoints answer within a fraction of a second, also when
/// it is throttled.
const DEADLINE: Duration = Duration::from_secs(2);

/// Far more than any service's metrics.
const LONGEST_ANSWER_BYTES: usize = 1 << 20;

/// How many digits of a container's id name it.
const SHORT_DIGITS: usize = 12;

/// Where a station's replicas answer: none while it does not run.
pub async fn replicas(station: &Station) -> BTreeSet<SocketAddr> {
    let found = tokio::net::lookup_host((station.name.as_str(), station.port));
    match timeout(DEADLINE, found).await {
        Ok(Ok(addresses)) => addresses.collect(),
        _ => BTreeSet::new(),
    }
}

/// The short id of the container that answers there, where it tells.
pub async fn container_at(address: SocketAddr) -> anyhow::Result<Option<String>> {
    let text = timeout(DEADLINE, metrics_of(address)).await;
    Ok(container_in(&text.context("it did not answer in time")??))
}

/// One request on a connection of its own, which lives in this future: the
/// deadline ends both.
async fn metrics_of(address: SocketAddr) -> anyhow::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get("/metrics")
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .expect("the path and the header are well-formed");
    let answered = async {
        let answer = sender.send_request(request).await?;
        if !answer.status().is_success() {
            bail!("it answered {}", answer.status());
        }
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER_BYTES);
        let body = body
            .collect()
            .await
            .map_err(|why| anyhow::anyhow!("{why}"))?;
        Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
    };
    let driven = async {
        // How it ended, the answer's own future says.
        let _ = connection.await;
        std::future::pending().await
    };
    tokio::select! {
        answer = answered => answer,
        never = driven => never,
    }
}

/// The short id in `service_info{…,container="1f0e5d7c2b3a",…} 1`.
fn container_in(metrics: &str) -> Option<String> {
    let mut lines = metrics.lines();
    let labels = lines.find_map(|line| line.strip_prefix("service_info{"))?;
    let id = labels_of(labels).find_map(|(name, value)| (name == "container").then_some(value))?;
    // A host name that someone chose is no id.
    let is_id = id.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.get(..SHORT_DIGITS).filter(|_| is_id).map(str::to_owned)
}

/// The labels `a="x",b="y"} 1` of a sample. Values with escapes, which no name
/// of ours needs, come as they stand.
fn labels_of(mut text: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        let (name, rest) = text.split_once("=\"")?;
        let mut escaped = false;
        let end = rest.find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let value = &rest[..end];
        text = rest[end + 1..].trim_start_matches(',');
        Some((name.trim(), value))
    })
}

#[cfg(test)]
mod tests {
    use super::{container_in, labels_of};
    use proptest::prelude::*;

    #[test]
    fn the_container_is_a_label_of_the_service() {
        let metrics = "\
# HELP service_info Which service this is.
# TYPE service_info gauge
service_info{container=\"1f0e5d7c2b3a\",service=\"primes\",version=\"0.1.0\"} 1
";
        assert_eq!(container_in(metrics).as_deref(), Some("1f0e5d7c2b3a"));
        let whole = metrics.replace("3a\"", "3a4968\"");
        assert_eq!(container_in(&whole).as_deref(), Some("1f0e5d7c2b3a"));
    }

    #[test]
    fn what_is_no_id_names_no_container() {
        for labels in [
            "",
            "container=\"\"",
            "container=\"my-laptop-is-this\"",
            "container=\"1f0e\"",
            "container",
            "service=\"container\"",
        ] {
            let text = format!("service_info{{{labels}}} 1\n");
            assert_eq!(container_in(&text), None, "{labels}");
        }
        assert_eq!(container_in("up 1\n"), None);
    }

    #[test]
    fn a_value_ends_at_its_own_quote() {
        let labels: Vec<_> = labels_of(r#"a="x\"y\\",b="}"} 1"#).collect();
        assert_eq!(labels, [("a", r#"x\"y\\"#), ("b", "}")]);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", labels in "([a-z]{0,3}=?\"?[\\\\\"é]{0,3}\"?,?){0,4}") {
            let _ = container_in(&text);
            let _ = container_in(&format!("service_info{{container=\"é{labels}"));
            let _ = labels_of(&labels).count();
        }
    }
}
