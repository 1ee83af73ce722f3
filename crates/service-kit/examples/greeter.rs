//! The smallest service: what is the same in every `main.rs`.

use std::process::ExitCode;

use axum::{Router, routing::get};
use service_kit::admin::{self, Readiness, Service};
use service_kit::config::{self, Addresses, ServeArgs};
use service_kit::shutdown::Shutdown;
use service_kit::{address::AddressLine, healthcheck, runtime, server, telemetry};

/// Greets
#[derive(clap::Parser)]
#[command(version)]
enum Greeter {
    /// Serves until SIGTERM or SIGINT
    Serve(ServeArgs),
    /// Asks a running `serve` whether it is ready
    Healthcheck(Addresses),
}

fn main() -> ExitCode {
    telemetry::init();
    match config::parse() {
        Greeter::Serve(args) => runtime::run(serve(args)),
        Greeter::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
    }
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let service = Service {
        name: "greeter",
        version: env!("CARGO_PKG_VERSION"),
    };
    let listeners = args.addresses.bind().await?;
    let line = AddressLine {
        api: listeners.api.local_addr()?,
        admin: admin::start(
            service,
            listeners.admin,
            registry.clone(),
            readiness.clone(),
        )?,
        http: None,
    };
    let routes = Router::new().route("/", get(|| async { "hello" }));
    readiness.ready();
    line.announce()?;
    server::serve(routes, listeners.api, args.limits(), &registry, shutdown).await?;
    Ok(())
}
