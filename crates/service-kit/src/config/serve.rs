//! What every `serve` command can be told: addresses and limits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use crate::server::ServeLimits;

/// Options of every `serve` command; flatten it into the service's own.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Where to listen.
    #[command(flatten)]
    pub addresses: Addresses,

    /// Seconds that requests under way get to finish after SIGTERM or SIGINT, 0 to 3600
    #[arg(long, env = "DRAIN_SECONDS", default_value = "2", value_parser = seconds(0.0))]
    pub drain_seconds: f64,

    /// Bytes that a request's body may have, at least 1
    #[arg(long, env = "BODY_LIMIT_BYTES", default_value_t = 1024 * 1024, value_parser = bytes)]
    pub body_limit_bytes: usize,

    /// Seconds within which a request must be answered, 0.001 to 3600; measured runs are exempt
    #[arg(long, env = "REQUEST_TIMEOUT_SECONDS", default_value = "30", value_parser = seconds(0.001))]
    pub request_timeout_seconds: f64,
}

impl ServeArgs {
    /// The limits that [`crate::server::serve`] keeps to.
    pub fn limits(&self) -> ServeLimits {
        ServeLimits {
            body_bytes: self.body_limit_bytes,
            request_timeout: Duration::from_secs_f64(self.request_timeout_seconds),
            drain_timeout: Duration::from_secs_f64(self.drain_seconds),
            ..ServeLimits::default()
        }
    }
}

/// Where a service listens. `healthcheck` takes the same options, so it finds what `serve` bound.
///
/// The default is this machine only; an image sets `API_HOST=0.0.0.0`,
/// since inside a container the loopback interface reaches nobody.
#[derive(Args, Clone, Debug)]
pub struct Addresses {
    /// IP address of the API
    // Not plain HOST: conda and some shells set that to something else.
    #[arg(long, env = "API_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,

    /// TCP port of the API, 0 to 65535; 0 lets the kernel choose
    #[arg(long, env = "API_PORT", default_value_t = 8080)]
    pub port: u16,

    /// IP address of the admin endpoints [default: that of the API]
    #[arg(long, env = "ADMIN_HOST")]
    pub admin_host: Option<IpAddr>,

    /// TCP port of the admin endpoints, 0 to 65535; 0 lets the kernel choose
    #[arg(long, env = "ADMIN_PORT", default_value_t = 9000)]
    pub admin_port: u16,
}

impl Addresses {
    /// Where the API is to listen.
    pub fn api(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Where the admin endpoints are to listen.
    pub fn admin(&self) -> SocketAddr {
        SocketAddr::new(self.admin_host.unwrap_or(self.host), self.admin_port)
    }

    /// Listens on both.
    ///
    /// # Errors
    /// When an address is taken or not this machine's; the message names it and the option.
    pub async fn bind(&self) -> anyhow::Result<Listeners> {
        self.bind_as("--port").await
    }

    /// The same where the option of the API's port has another name.
    ///
    /// # Errors
    /// As [`Addresses::bind`].
    pub async fn bind_as(&self, api_option: &str) -> anyhow::Result<Listeners> {
        let api_option = format!("{api_option} (API_PORT)");
        let admin = bind(self.admin(), "--admin-port (ADMIN_PORT)").await?;
        Ok(Listeners {
            api: bind(self.api(), &api_option).await?,
            admin: admin
                .into_std()
                .context("cannot hand over the admin socket")?,
        })
    }
}

/// The two sockets of a service, listening.
#[derive(Debug)]
pub struct Listeners {
    /// For [`crate::server::serve`].
    pub api: tokio::net::TcpListener,
    /// For [`crate::admin::start`], which has a runtime of its own.
    pub admin: std::net::TcpListener,
}

async fn bind(address: SocketAddr, option: &str) -> anyhow::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| {
            format!("cannot listen on {address}; {option} chooses another port, 0 any free one")
        })
}

fn seconds(least: f64) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    const MOST: f64 = 3600.0;
    move |text| match text.parse::<f64>() {
        // NaN is in no range, so it is refused with the rest.
        Ok(seconds) if (least..=MOST).contains(&seconds) => Ok(seconds),
        _ => Err(format!("not a number of seconds from {least} to {MOST}")),
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(bytes) if bytes > 0 => Ok(bytes),
        _ => Err("not a whole number of bytes, at least 1".into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn addresses(host: &str, admin_host: Option<&str>) -> Addresses {
        Addresses {
            host: host.parse().unwrap(),
            port: 0,
            admin_host: admin_host.map(|host| host.parse().unwrap()),
            admin_port: 9000,
        }
    }

    #[test]
    fn admin_listens_where_the_api_does_unless_told_otherwise() {
        assert_eq!(
            addresses("0.0.0.0", None).admin(),
            "0.0.0.0:9000".parse().unwrap()
        );
        assert_eq!(
            addresses("0.0.0.0", Some("127.0.0.1")).admin(),
            "127.0.0.1:9000".parse().unwrap()
        );
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_option() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut addresses = addresses("127.0.0.1", None);
        addresses.admin_port = taken.local_addr().unwrap().port();

        let message = format!("{:#}", addresses.bind().await.unwrap_err());

        assert!(
            message.contains(&addresses.admin_port.to_string()),
            "{message}"
        );
        assert!(message.contains("ADMIN_PORT"), "{message}");
    }

    #[test]
    fn seconds_are_finite_and_within_their_range() {
        let parse = seconds(0.001);
        assert_eq!(parse("0.5"), Ok(0.5));
        for refused in ["0", "-1", "NaN", "inf", "1e9", "soon", ""] {
            assert!(parse(refused).is_err(), "{refused}");
        }
        assert!(bytes("0").is_err());
        assert!(bytes("1MB").is_err());
    }
}
