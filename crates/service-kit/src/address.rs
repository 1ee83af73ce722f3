//! The address line: where a service listens, told to whoever started it.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Where a service listens: what a parent reads when it asked for port 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressLine {
    /// The service's API.
    pub api: SocketAddr,
    /// Its admin endpoints.
    pub admin: SocketAddr,
    /// What it serves beside its API; most services serve nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
}

impl AddressLine {
    /// Prints itself on stdout as one JSON line, `{"api":"127.0.0.1:8080","admin":"127.0.0.1:9000"}`.
    ///
    /// Call it when both sockets listen: a reader connects at once.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn announce(&self) -> io::Result<()> {
        self.write(&mut io::stdout().lock())
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let line = serde_json::to_string(self)?;
        writeln!(out, "{line}")?;
        // Behind a pipe stdout keeps lines back until its buffer is full.
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn is_one_json_line_that_reads_back() {
        let line = AddressLine {
            api: "127.0.0.1:1234".parse().unwrap(),
            admin: "[::1]:5678".parse().unwrap(),
            http: None,
        };
        let mut out = Vec::new();

        line.write(&mut out).unwrap();

        assert_eq!(
            String::from_utf8(out.clone()).unwrap(),
            "{\"api\":\"127.0.0.1:1234\",\"admin\":\"[::1]:5678\"}\n"
        );
        assert_eq!(serde_json::from_slice::<AddressLine>(&out).unwrap(), line);

        let serving = AddressLine {
            http: Some("127.0.0.1:3000".parse().unwrap()),
            ..line
        };
        let text = serde_json::to_string(&serving).unwrap();
        assert!(text.ends_with("\"http\":\"127.0.0.1:3000\"}"), "{text}");
        assert_eq!(serde_json::from_str::<AddressLine>(&text).unwrap(), serving);
    }
}
