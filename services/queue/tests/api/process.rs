//! The program itself: over Redis, with many clients, to its end.

use crate::running::eventually;
use crate::websocket::{Client, connect};
use metrics_doc::{differences, section, served};
use reqwest::Client as Http;
use rustix::process::Signal;
use serde_json::{Value, json};
use service_kit::open_files::most_connections;
use serving::{RedisServer, Serving};
use std::process::Command;

/// So many clients, each so much of the program's memory at most: a fiftieth of
/// what ten thousand may have together.
const CLIENTS: u32 = 1000;
const MOST_BYTES_EACH: u64 = 200 * 1024 * 1024 / 10_000;

struct Service {
    serving: Serving,
    // Dropped, and ended, after the service.
    redis: RedisServer,
}

impl Service {
    fn start() -> Option<Self> {
        let redis = RedisServer::start(&[])?;
        let mut program = Command::new(env!("CARGO_BIN_EXE_queue"));
        let url = redis.url();
        let options = ["--socket-port", "0", "--redis-url", &url];
        Some(Self {
            serving: Serving::start(&mut program, options),
            redis,
        })
    }

    fn client(&self) -> Client {
        let socket = self
            .serving
            .line
            .http
            .expect("it says where the WebSocket is");
        connect(socket, "/", &[]).ok().expect("it is accepted")
    }

    fn resident_bytes(&self) -> u64 {
        let status = format!("/proc/{}/status", self.serving.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: u64 = line
            .unwrap()
            .trim()
            .strip_suffix(" kB")
            .unwrap()
            .parse()
            .unwrap();
        kibibytes * 1024
    }
}

#[test]
fn a_thousand_idle_clients_take_little_memory_and_are_told_of_the_end() {
    let Some(mut service) = Service::start() else {
        return;
    };
    assert_eq!(most_connections(CLIENTS, 100), CLIENTS as usize);
    service.client().is_open();
    let before = service.resident_bytes();

    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| service.client()).collect();
    for client in &mut clients {
        client.is_open();
    }

    let grown = service.resident_bytes().saturating_sub(before);
    let most = u64::from(CLIENTS) * MOST_BYTES_EACH;
    eprintln!(
        "{} bytes for each of {CLIENTS} idle clients",
        grown / u64::from(CLIENTS)
    );
    assert!(grown <= most, "{grown} bytes for {CLIENTS} clients");
    service.serving.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.next().unwrap_err().0, 1001);
    }
    assert!(service.serving.ended().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_kept_when_the_api_is_started_again_and_its_metrics_are_documented() {
    let Some(service) = Service::start() else {
        return;
    };
    let line = service.serving.line;
    let http = Http::new();
    let job = json!({"type": "noop"});
    let url = format!("http://{}/jobs", line.api);
    let accepted = serving::eventually_async("Redis is there", async || {
        let answer = http.post(&url).json(&job).send().await.unwrap();
        (answer.status() == 202).then_some(answer)
    });
    let accepted: Value = accepted.await.json().await.unwrap();
    let mut client = tokio::task::block_in_place(|| service.client());
    tokio::task::block_in_place(|| {
        client.is_open();
        client.socket.close(None).unwrap();
        eventually("it is closed", || client.next().is_err().then_some(()));
    });

    let metrics = format!("http://{}/metrics", line.admin);
    let text = http
        .get(metrics)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();

    let mut served = served(&text);
    served.retain(|name, _| name.starts_with("queue_socket_"));
    let documented = section("The WebSocket of queue");
    assert_eq!(differences(&documented, &served), [""; 0]);
    drop(client);
    let redis = service.redis;
    drop(service.serving);
    let mut program = Command::new(env!("CARGO_BIN_EXE_queue"));
    let options = ["--socket-port", "0", "--redis-url", &redis.url()];
    let again = Serving::start(&mut program, options);
    let url = format!(
        "http://{}/jobs/{}",
        again.line.api,
        accepted["id"].as_str().unwrap()
    );
    serving::eventually_async("the job is still there", async || {
        let answer = http.get(&url).send().await.unwrap();
        (answer.status() == 200).then_some(())
    })
    .await;
}
