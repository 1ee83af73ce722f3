//! The WebSocket: jobs submitted over it, and what becomes of them pushed back.
//!
//! | module | what it is |
//! |---|---|
//! | `message` | bytes to messages and back (RFC 6455), pure |
//! | `wire` | a client's socket |
//! | `command`, `say` | what a client may say, and what it is told |
//! | `connection` | one client's connection, a task |
//! | `session` | what a client is still to be told, across its connections |
//! | [`hub`] | what happens to jobs, brought to the sessions that want to know |
//! | [`origin`] | which web pages may |

mod command;
mod config;
mod connection;
pub mod hub;
mod message;
mod metrics;
pub mod origin;
mod say;
mod session;
mod wire;

pub use config::{SocketArgs, bind};
pub use connection::Patience;
use connection::{Connection, MOST_MESSAGE_BYTES, Shared};
use hub::Hub;
use metrics::Metrics;
pub use origin::Origins;
use wire::Wire;

use crate::api::{Front, Refused};
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use prometheus::Registry;
use serde::Deserialize;
use service_kit::problem::Problem;
use service_kit::server::{self, ServeLimits};
use service_kit::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tungstenite::handshake::derive_accept_key;

/// The header of the handshake's answer that names the session.
pub const SESSION_HEADER: HeaderName = HeaderName::from_static("x-queue-session");

/// What the WebSocket is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which pages may use it.
    pub origins: Origins,
    /// The most clients at once.
    pub most_clients: usize,
    /// How long they are waited for.
    pub patience: Patience,
}

/// All connections.
#[derive(Clone)]
pub struct Sockets {
    shared: Arc<Shared>,
    origins: Origins,
    places: Arc<Semaphore>,
    most_clients: usize,
}

impl Sockets {
    /// None yet. What happens to jobs is brought to them until `shutdown`.
    ///
    /// # Errors
    /// When `registry` has such metrics already.
    pub fn new(
        front: Arc<Front>,
        options: Options,
        registry: &Registry,
        shutdown: Shutdown,
    ) -> prometheus::Result<Self> {
        let hub = Hub::new(front.queue().clone());
        tokio::spawn(hub.clone().follow(shutdown.clone()));
        // An acquire of all of them must be possible.
        let most_clients = options.most_clients.min(u32::MAX as usize);
        Ok(Self {
            shared: Arc::new(Shared {
                front,
                hub,
                metrics: Metrics::registered(registry)?,
                patience: options.patience,
                shutdown,
            }),
            origins: options.origins,
            places: Arc::new(Semaphore::new(most_clients)),
            most_clients,
        })
    }

    /// The WebSocket at `path`.
    pub fn router(&self, path: &str) -> Router {
        Router::new()
            .route(path, any(upgrade))
            .with_state(self.clone())
    }

    /// Serves the WebSocket at `/` on a port of its own until `shutdown`.
    pub async fn serve(&self, listener: TcpListener, limits: ServeLimits, shutdown: &Shutdown) {
        let nothing = || async { Problem::new(StatusCode::NOT_FOUND, "the WebSocket is at /") };
        let router = self.router("/").fallback(nothing);
        server::serve_bare(router, listener, limits, shutdown).await;
        self.ended(limits.drain_timeout).await;
    }

    /// Waits until all connections have ended, for so long at most. They end by
    /// themselves when shutdown begins.
    async fn ended(&self, within: Duration) {
        let all = self.places.acquire_many(self.most_clients as u32);
        // Whether it was in time shows in nothing: the process ends.
        let _ = tokio::time::timeout(within, all).await;
    }
}

/// What the address may say.
#[derive(Debug, Deserialize)]
struct Asked {
    /// The session to go on with.
    session: Option<String>,
}

async fn upgrade(
    State(sockets): State<Sockets>,
    Query(asked): Query<Asked>,
    mut request: Request,
) -> Response {
    let accept = match accepted(request.method(), request.headers()) {
        Ok(accept) => accept,
        Err(response) => return *response,
    };
    if !sockets.origins.allow(request.headers()) {
        let detail =
            "pages of this origin may not use this queue; QUEUE_ORIGINS lists those that may";
        return Problem::new(StatusCode::FORBIDDEN, detail).into_response();
    }
    let Ok(place) = sockets.places.clone().try_acquire_owned() else {
        let detail = "as many clients are connected as may be";
        return Refused::for_now(StatusCode::SERVICE_UNAVAILABLE, detail, 5).into_response();
    };
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return wanted("this connection cannot become a WebSocket");
    };
    let hub = &sockets.shared.hub;
    let seat = asked.session.and_then(|name| hub.resume(&name));
    let seat = seat.unwrap_or_else(|| hub.sit());
    let session = HeaderValue::from_str(seat.session.id()).expect("a UUID is a header's value");
    let shared = sockets.shared.clone();
    tokio::spawn(async move {
        match upgrade.await.map(parts) {
            Ok(Some((stream, read))) => {
                let wire = Wire::new(stream, read, MOST_MESSAGE_BYTES);
                serve(Connection::new(shared.clone(), wire, seat), &shared, place).await;
            }
            Ok(None) => tracing::error!("a WebSocket came over something else than TCP"),
            Err(error) => tracing::debug!(%error, "a client went away during the handshake"),
        }
    });
    let headers = [
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
        (SESSION_HEADER, session),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn serve(connection: Connection, shared: &Shared, place: OwnedSemaphorePermit) {
    shared.metrics.clients.inc();
    connection.run().await;
    shared.metrics.clients.dec();
    drop(place);
}

/// The socket itself, without the buffers of the HTTP server around it.
fn parts(upgraded: Upgraded) -> Option<(TcpStream, Vec<u8>)> {
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    Some((parts.io.into_inner(), parts.read_buf.into()))
}

/// The `Sec-WebSocket-Accept` of a handshake as RFC 6455 (section 4.2.1) wants it.
fn accepted(method: &Method, headers: &HeaderMap) -> Result<HeaderValue, Box<Response>> {
    let names = |header: &HeaderName, token: &str| {
        let values = headers.get_all(header).iter();
        let mut tokens = values
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','));
        tokens.any(|given| given.trim().eq_ignore_ascii_case(token))
    };
    if !names(&header::CONNECTION, "upgrade") || !names(&header::UPGRADE, "websocket") {
        return Err(Box::new(wanted(
            "this is a WebSocket: connect to it with a WebSocket client",
        )));
    }
    if !names(&header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Box::new(wanted("the WebSocket's version is 13")));
    }
    let refused =
        |detail: &str| Box::new(Problem::new(StatusCode::BAD_REQUEST, detail).into_response());
    if method != Method::GET {
        return Err(refused("a WebSocket begins with GET"));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    // 16 bytes in base64.
    let key = key.filter(|key| key.len() == 24 && key.as_bytes().ends_with(b"=="));
    let key = key.ok_or_else(|| refused("Sec-WebSocket-Key must be 16 bytes in base64"))?;
    let accept = derive_accept_key(key.as_bytes());
    Ok(HeaderValue::from_str(&accept).expect("base64 is a header's value"))
}

fn wanted(detail: &str) -> Response {
    let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, detail);
    let headers = [
        (header::UPGRADE, "websocket"),
        (header::CONNECTION, "upgrade"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
    ];
    (headers, problem).into_response()
}
