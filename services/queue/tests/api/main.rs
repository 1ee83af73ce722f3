//! The HTTP API, the WebSocket, the events and the page, on real sockets.
#![allow(clippy::unwrap_used)]

mod backpressure;
mod browser;
mod course;
mod documented;
mod events;
mod http;
mod process;
mod running;
mod sessions;
mod socket;
mod strangers;
mod websocket;
