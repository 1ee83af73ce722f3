//! What Prometheus sees of the WebSocket.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

/// The `queue_socket_*` metrics; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    pub clients: IntGauge,
    commands: IntCounterVec,
    ended: IntCounterVec,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// When `registry` has such metrics already.
    pub fn registered(registry: &Registry) -> prometheus::Result<Self> {
        let clients = "WebSocket clients that are connected.";
        let commands = Opts::new(
            "queue_socket_commands_total",
            "Messages of WebSocket clients, by what became of them.",
        );
        let ended = Opts::new(
            "queue_socket_ended_total",
            "WebSocket connections that have ended, by why.",
        );
        let this = Self {
            clients: IntGauge::new("queue_socket_clients", clients)?,
            commands: IntCounterVec::new(commands, &["command", "outcome"])?,
            ended: IntCounterVec::new(ended, &["reason"])?,
        };
        registry.register(Box::new(this.clients.clone()))?;
        registry.register(Box::new(this.commands.clone()))?;
        registry.register(Box::new(this.ended.clone()))?;
        Ok(this)
    }

    pub fn command(&self, command: &str, outcome: &str) {
        self.commands.with_label_values(&[command, outcome]).inc();
    }

    pub fn ended(&self, reason: &str) {
        self.ended.with_label_values(&[reason]).inc();
    }
}
