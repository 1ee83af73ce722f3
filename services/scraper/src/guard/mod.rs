//! What may be fetched.

use std::net::IpAddr;
use url::Url;

/// Decides what may be fetched: URLs before they are asked for, the first and
/// those that redirects lead to, and addresses before they are connected to.
#[derive(Debug, Clone)]
pub struct Guard;

/// Why something may not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Guard {
    /// One that allows every host and address; http and https only.
    pub fn unrestricted() -> Self {
        Self
    }

    /// Before a URL is asked for: its scheme, host, port, and the address if
    /// its host is one.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        match url.scheme() {
            "http" | "https" => Ok(()),
            other => Err(Refusal(format!("{other} is neither http nor https"))),
        }
    }

    /// Before an address is connected to that the name `host` has.
    pub fn check_address(&self, _host: &str, _address: IpAddr) -> Result<(), Refusal> {
        Ok(())
    }
}
