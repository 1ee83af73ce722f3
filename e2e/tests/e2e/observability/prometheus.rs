//! Prometheus' HTTP API, asked plainly.

use crate::support::Docker;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// A Prometheus that answers.
pub(crate) struct Prometheus {
    address: String,
}

/// One series of an answer, and its value now.
#[derive(Debug)]
pub(crate) struct Sample {
    labels: Value,
    pub(crate) value: f64,
}

impl Sample {
    /// A label's value; empty where it has none, as in Prometheus.
    pub(crate) fn label(&self, name: &str) -> String {
        self.labels[name].as_str().unwrap_or_default().to_owned()
    }
}

impl Prometheus {
    /// The one of the project, which must be up.
    pub(crate) fn of(docker: &Docker) -> Self {
        let container = docker.containers("prometheus");
        assert_eq!(container.len(), 1, "Prometheus is not up");
        let prometheus = Self::at(docker.output(&["port", &container[0], "9090/tcp"]));
        prometheus.until("vector(1)", ANSWER, |one| one.len() == 1);
        prometheus
    }

    /// One at this address, whether it answers or not.
    pub(crate) fn at(address: String) -> Self {
        Self { address }
    }

    /// Where it answers, such as `127.0.0.1:9090`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What a query gives now.
    pub(crate) fn query(&self, query: &str) -> Vec<Sample> {
        self.try_query(query)
            .unwrap_or_else(|why| panic!("{query}: {why}"))
    }

    /// Asks again and again until the answer is as it must be.
    pub(crate) fn until(
        &self,
        query: &str,
        deadline: Duration,
        fits: impl Fn(&[Sample]) -> bool,
    ) -> Vec<Sample> {
        let end = Instant::now() + deadline;
        loop {
            let answer = self.try_query(query);
            match &answer {
                Ok(samples) if fits(samples) => return answer.unwrap(),
                _ if Instant::now() > end => panic!("{query}: after {deadline:?}: {answer:?}"),
                _ => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }

    fn try_query(&self, query: &str) -> Result<Vec<Sample>, String> {
        let json = self.ask("query", &[("query", query)])?;
        let series = json["data"]["result"]
            .as_array()
            .ok_or_else(|| json.to_string())?;
        let sample = |one: &Value| Sample {
            labels: one["metric"].clone(),
            value: one["value"][1].as_str().unwrap().parse().unwrap(),
        };
        Ok(series.iter().map(sample).collect())
    }

    /// What a path below `/api/v1/` answers.
    pub(crate) fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let parameters = parameters.iter().map(|(name, value)| {
            let (name, value) = (encoded(name), encoded(value));
            format!("{name}={value}")
        });
        let parameters: Vec<_> = parameters.collect();
        let path = format!("/api/v1/{path}?{}", parameters.join("&"));
        let json = self.get(&path).map_err(|why| why.to_string())?;
        serde_json::from_str(&json).map_err(|why| why.to_string())
    }

    /// HTTP/1.0, so that the answer ends with the connection.
    fn get(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(ANSWER))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        Ok(body.unwrap_or_default().to_owned())
    }
}

fn encoded(query: &str) -> String {
    let mut text = String::new();
    for byte in query.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => text.push(byte.into()),
            _ => write!(text, "%{byte:02X}").unwrap(),
        }
    }
    text
}
