//! Which service this is, and in which container it runs.

use prometheus::{IntGauge, Opts, Registry};

/// How many characters of a container's id its host name is, where nobody gave
/// it another one.
const SHORT_ID_LENGTH: usize = 12;

/// A service's name and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// As in `docs/` and Compose: `primes`.
    pub name: &'static str,
    /// As `--version` says it.
    pub version: &'static str,
}

impl Service {
    /// Adds `service_info`, which tells the monitor whose a container is: its
    /// short id is all that the kernel shows of it.
    pub(super) fn register(self, registry: &Registry) -> prometheus::Result<()> {
        let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname");
        let container = short_id(hostname.unwrap_or_default().trim()).to_owned();
        let help = "1; the service, its version, and the short id of the container it runs in.";
        let info = Opts::new("service_info", help)
            .const_label("service", self.name)
            .const_label("version", self.version)
            .const_label("container", container);
        let info = IntGauge::with_opts(info)?;
        info.set(1);
        registry.register(Box::new(info))
    }
}

/// `hostname` where it is a container's short id, else nothing.
fn short_id(hostname: &str) -> &str {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if hostname.len() == SHORT_ID_LENGTH && hostname.bytes().all(hexadecimal) {
        hostname
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::short_id;

    #[test]
    fn only_a_short_id_is_taken_for_one() {
        assert_eq!(short_id("0123456789ab"), "0123456789ab");
        for name in [
            "",
            "primes-half",
            "0123456789a",
            "0123456789abc",
            "0123456789AB",
            "notahexid123",
        ] {
            assert_eq!(short_id(name), "", "{name}");
        }
    }
}
