//! What the WebSocket is told on the command line.

use super::{Options, Origins, Patience};
use anyhow::Context as _;
use clap::Args;
use service_kit::config::count_within;
use service_kit::open_files;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpListener;

/// Files that are open beside the sockets: listeners, Redis, HTTP clients.
const OTHER_FILES: u64 = 1024;

/// Options of the WebSocket.
#[derive(Args, Clone, Debug)]
pub struct SocketArgs {
    /// TCP port of the WebSocket, 0 to 65535; 0 lets the kernel choose
    #[arg(long, env = "QUEUE_SOCKET_PORT", default_value_t = 8765)]
    pub socket_port: u16,

    /// Origins of web pages that may use the WebSocket beside those of this machine,
    /// such as https://example.org; null: pages from files
    #[arg(long, env = "QUEUE_ORIGINS", value_delimiter = ',')]
    pub origins: Vec<String>,

    /// The most WebSocket clients at once, 1 to 100000
    #[arg(long, env = "QUEUE_MOST_SOCKETS", default_value = "12000", value_parser = clients)]
    pub most_sockets: u64,
}

impl SocketArgs {
    /// Where it listens: on the API's interface.
    pub fn address(&self, host: IpAddr) -> SocketAddr {
        SocketAddr::new(host, self.socket_port)
    }

    /// What the connections are told. Asks for as many open files as clients need.
    pub fn options(&self) -> Options {
        Options {
            origins: Origins::new(self.origins.clone()),
            most_clients: open_files::most_connections(self.most_sockets as u32, OTHER_FILES),
            patience: Patience::default(),
        }
    }
}

/// Listens where the WebSocket is to be.
///
/// # Errors
/// When the address is taken or not this machine's; the message names the option.
pub async fn bind(args: &SocketArgs, host: IpAddr) -> anyhow::Result<TcpListener> {
    let address = args.address(host);
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}; --socket-port (QUEUE_SOCKET_PORT) chooses another port, 0 any free one"
        )
    })
}

fn clients(text: &str) -> Result<u64, String> {
    count_within(text, 1..=100_000)
}
