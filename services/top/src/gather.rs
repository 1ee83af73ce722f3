//! One round of asking all replicas at once, each with a short deadline.

use crate::exposition::Reading;
use crate::now;
use crate::stations::{Named, Place, Wanted, wanted};
use crate::watch::{Answer, Asked, Round};
use cpu_budget::host::HostCpuTimes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

/// How long a round may take. A station that is stopped by its quota most of
/// the time answers within 0.3 s.
const DEADLINE: Duration = Duration::from_millis(900);

/// Far more than a replica tells.
const LONGEST_ANSWER_BYTES: usize = 1 << 20;

/// Asks the replicas, round by round.
#[derive(Debug)]
pub struct Gatherer {
    now: PathBuf,
    named: Vec<Named>,
    /// Names whose addresses are still being looked for: a resolver that does
    /// not answer may take far longer than a round, and is not asked twice.
    lookups: HashMap<String, JoinHandle<io::Result<Vec<SocketAddr>>>>,
}

impl Gatherer {
    /// Asks the stations of the run that `now`, a file, tells of, and those named.
    pub fn new(now: PathBuf, named: Vec<Named>) -> Self {
        Self {
            now,
            named,
            lookups: HashMap::new(),
        }
    }

    /// Asks all of them once.
    pub async fn round(&mut self) -> Round {
        let deadline = Instant::now() + DEADLINE;
        let unix_seconds = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix_seconds = unix_seconds.map_or(0.0, |since| since.as_secs_f64());
        let now = now::read(&self.now);
        let run = now.as_ref().ok().and_then(Option::as_ref);
        let ended = run.is_some_and(|run| run.ended_at(unix_seconds).is_some());
        let wanted = wanted(run, ended, &self.named);
        let addresses = self.addresses(&wanted, deadline).await;
        let asked = wanted.into_iter().zip(addresses);
        let asked = asked.map(|(wanted, addresses)| ask(wanted, addresses, deadline));
        let stations = join_all(asked).await;
        Round {
            at: Instant::now(),
            unix_seconds,
            now,
            stations,
            host: HostCpuTimes::read(),
        }
    }

    /// The addresses of each station.
    async fn addresses(&mut self, wanted: &[Wanted], deadline: Instant) -> Vec<Vec<SocketAddr>> {
        let hosts = wanted.iter().filter_map(|wanted| match &wanted.place {
            Place::Name { host, .. } => Some(host.clone()),
            Place::At(_) => None,
        });
        for host in hosts {
            let lookup = self.lookups.entry(host.clone());
            lookup.or_insert_with(|| {
                tokio::spawn(async move { Ok(lookup_host(host).await?.collect()) })
            });
        }
        let lookups = self.lookups.drain();
        let found = join_all(lookups.map(async |(host, mut lookup)| {
            let found = timeout_at(deadline.into(), &mut lookup).await;
            let pending = found.is_err().then_some(lookup);
            let found = found.map_or(Vec::new(), |joined| {
                joined.map_or(Vec::new(), Result::unwrap_or_default)
            });
            (host, one_family(found), pending)
        }));
        let mut addresses: HashMap<String, Vec<SocketAddr>> = HashMap::new();
        for (host, found, pending) in found.await {
            if let Some(lookup) = pending {
                self.lookups.insert(host.clone(), lookup);
            }
            addresses.insert(host, found);
        }
        // Where one name is known, another that is not has no replica. The
        // addresses it had may be somebody else's by now.
        let outside = addresses.values().all(Vec::is_empty);
        let of = |wanted: &Wanted| match &wanted.place {
            Place::At(addresses) => addresses.clone(),
            Place::Name { known, .. } if outside => known.clone(),
            Place::Name { host, .. } => addresses.get(host).cloned().unwrap_or_default(),
        };
        wanted.iter().map(of).collect()
    }
}

/// A replica with addresses of both families is one replica; Prometheus, too,
/// asks for those of the older one.
fn one_family(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    if addresses.iter().any(SocketAddr::is_ipv4) {
        addresses.retain(SocketAddr::is_ipv4);
    }
    addresses.sort();
    addresses.dedup();
    addresses
}

async fn ask(wanted: Wanted, addresses: Vec<SocketAddr>, deadline: Instant) -> Asked {
    let answers = addresses.into_iter().map(async |address| {
        let answer = timeout_at(deadline.into(), metrics(address)).await;
        let text = answer.ok().and_then(Result::ok);
        let answer = text.map(|text| Answer {
            // A station that the quota stops answers once it runs again, and
            // reads its counters then: not when it was asked.
            at: Instant::now(),
            reading: Reading::parse(&text),
        });
        (address, answer)
    });
    Asked {
        name: wanted.name,
        declared_cpus: wanted.declared.and_then(|declared| declared.cpus),
        replicas: join_all(answers).await,
    }
}

/// What `/metrics` answers. On a connection of its own: a replica may restart
/// in between. The connection lives in this future, so that dropping it hangs up.
async fn metrics(address: SocketAddr) -> anyhow::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get("/metrics")
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())?;
    let answered = async {
        let answer = sender.send_request(request).await?;
        anyhow::ensure!(answer.status().is_success(), "{}", answer.status());
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER_BYTES);
        let body = body.collect().await.map_err(anyhow::Error::from_boxed)?;
        Ok(String::from_utf8(body.to_bytes().into())?)
    };
    let driven = async {
        // How it ended, the answer's own future says.
        let _ = connection.await;
        pending::<()>().await;
    };
    tokio::select! {
        answer = answered => answer,
        () = driven => unreachable!("it never ends"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A replica that answers every request like this.
    async fn replica(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                if answer.is_empty() {
                    pending::<()>().await; // one that holds the line
                }
            }
        });
        address
    }

    const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nworkers 2";

    #[tokio::test]
    async fn one_that_says_nothing_holds_up_nobody_for_long() {
        let quick = replica(ANSWER).await;
        let mute = replica("").await;
        let broken = replica("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n").await;
        let text = format!("quick={quick},mute={mute},broken={broken},gone=127.0.0.1:1");
        let names: crate::stations::Names = text.parse().unwrap();
        let mut gatherer = Gatherer::new("/nowhere/now.json".into(), names.0);
        let asked = Instant::now();

        let round = gatherer.round().await;

        assert!(asked.elapsed() < Duration::from_secs(10));
        assert!(round.now.unwrap().is_none());
        let answers: Vec<_> = round
            .stations
            .iter()
            .map(|asked| &asked.replicas[0].1)
            .collect();
        assert_eq!(answers[0].as_ref().unwrap().reading.workers, Some(2.0));
        assert_eq!(answers[1..], [&None, &None, &None]);
        // The next round finds them as this one did.
        let again = gatherer.round().await;
        assert!(again.stations[0].replicas[0].1.is_some());
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_is_no_replica() {
        let names: crate::stations::Names = "no-such-station.invalid".parse().unwrap();
        let mut gatherer = Gatherer::new("/nowhere/now.json".into(), names.0);
        let round = gatherer.round().await;
        assert_eq!(round.stations[0].replicas, []);
    }

    #[test]
    fn a_replica_in_both_families_is_one() {
        let both = vec!["[::1]:9".parse().unwrap(), "127.0.0.1:9".parse().unwrap()];
        assert_eq!(one_family(both), ["127.0.0.1:9".parse().unwrap()]);
    }
}
