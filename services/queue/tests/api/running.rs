//! The service under test, in this process, and an HTTP client for it.

use prometheus::Registry;
use queue::api::{Settings, Sites, serve_on};
use queue::metrics::Metrics;
use queue::queue::{Limits, Queue};
use queue::socket::{Options, Origins, Patience};
use queue::worker::{Crew, Settings as WorkerSettings, Shared};
use reqwest::Method;
use serde_json::Value;
use service_kit::server::ServeLimits;
use service_kit::shutdown::{Cause, Shutdown};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Far longer than anything takes that is waited for, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// How the service is set up.
pub(crate) struct Setup {
    pub(crate) workers: usize,
    pub(crate) depth: u64,
    pub(crate) clients: usize,
    pub(crate) origins: Vec<String>,
    pub(crate) patience: Patience,
    /// Workers say how far they are three times within it, and once a second.
    pub(crate) lease: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            workers: 2,
            depth: 1_000_000,
            clients: 1000,
            origins: Vec::new(),
            patience: Patience::default(),
            lease: Duration::from_secs(10),
        }
    }
}

/// A service that runs, until it is dropped.
pub(crate) struct Running {
    pub(crate) api: SocketAddr,
    pub(crate) socket: SocketAddr,
    pub(crate) queue: Queue,
    pub(crate) registry: Registry,
    pub(crate) shutdown: Shutdown,
    client: reqwest::Client,
    service: Option<JoinHandle<anyhow::Result<()>>>,
    #[expect(dead_code, reason = "works until it is dropped")]
    workers: Option<Workers>,
    pub(crate) runtime: Runtime,
}

/// What the service answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    /// Null where it is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::with(Setup::default())
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let queue = Queue::embedded(Limits { depth: setup.depth }).unwrap();
        let workers = (setup.workers > 0).then(|| workers(&queue, &setup));
        Self::serving(queue, workers, setup)
    }

    /// A queue whose jobs others do, if anybody.
    pub(crate) fn serving(queue: Queue, workers: Option<Workers>, setup: Setup) -> Self {
        let runtime = Runtime::new().unwrap();
        let shutdown = Shutdown::new();
        let registry = Registry::new();
        let settings = Settings {
            depth_limit: setup.depth,
            limits: ServeLimits {
                request_timeout: DEADLINE,
                ..ServeLimits::default()
            },
            socket: Options {
                origins: Origins::new(setup.origins),
                most_clients: setup.clients,
                patience: setup.patience,
            },
        };
        let listen = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
        let sites = runtime.block_on(async {
            Sites {
                api: listen().await,
                socket: listen().await,
            }
        });
        let (api, socket) = (
            sites.api.local_addr().unwrap(),
            sites.socket.local_addr().unwrap(),
        );
        let service = runtime.spawn({
            let (queue, registry, shutdown) = (queue.clone(), registry.clone(), shutdown.clone());
            async move { serve_on(queue, settings, sites, &registry, shutdown).await }
        });
        Self {
            api,
            socket,
            queue,
            registry,
            shutdown,
            client: reqwest::Client::builder()
                .timeout(DEADLINE)
                .build()
                .unwrap(),
            service: Some(service),
            workers,
            runtime,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.api);
        self.client.request(method, url)
    }

    pub(crate) fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await.unwrap();
            let body = serde_json::from_str(&text).unwrap_or(Value::Null);
            Answer {
                status,
                headers,
                text,
                body,
            }
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.answer(self.request(Method::GET, path))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.answer(self.request(Method::DELETE, path))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.answer(self.request(Method::POST, path).json(body))
    }

    pub(crate) fn post_text(&self, path: &str, body: impl Into<String>) -> Answer {
        let request = self.request(Method::POST, path).body(body.into());
        self.answer(request.header("content-type", "application/json"))
    }

    /// The value of a metric, summed over its labels that contain `label`.
    pub(crate) fn metric(&self, name: &str, label: &str) -> u64 {
        let families = self.registry.gather();
        let text = prometheus::TextEncoder::new().encode_to_string(&families);
        let text = text.unwrap();
        let lines = text
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// Ends the service as SIGTERM does; how it ended.
    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        self.shutdown.begin(Cause::Terminate);
        let service = self.service.take().unwrap();
        self.runtime.block_on(async {
            let ended = tokio::time::timeout(DEADLINE, service).await;
            ended.expect("the service ends").unwrap()
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.begin(Cause::Request);
        self.queue.close();
    }
}

/// What `probe` finds in the end; panics with `what` when that takes too long.
pub(crate) use serving::eventually;

/// Threads that do the jobs, until they are dropped.
pub(crate) type Workers = Crew;

fn workers(queue: &Queue, setup: &Setup) -> Workers {
    let settings = WorkerSettings {
        threads: setup.workers,
        io: 100,
        prefetch: 100,
        lease: setup.lease,
        ageing: Duration::from_secs(10),
    };
    let name = "in-this-process".into();
    let shared = Shared::new(
        queue.place().clone(),
        settings,
        name,
        Metrics::new().unwrap(),
    );
    Crew::start(&shared).unwrap()
}
