//! `/proc/meminfo`: the memory of the host.

/// The host's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What the kernel manages.
    pub total_bytes: u64,
    /// What programs could have without swapping; older kernels do not say.
    pub available_bytes: Option<u64>,
}

impl Memory {
    /// Reads the text; `None` where the total is missing or none.
    pub fn parse(meminfo: &str) -> Option<Self> {
        Some(Self {
            total_bytes: bytes(meminfo, "MemTotal").filter(|total| *total > 0)?,
            available_bytes: bytes(meminfo, "MemAvailable"),
        })
    }

    /// In use, 0 to 100: what is not available.
    pub fn used_percent(&self) -> Option<f64> {
        let available = self.available_bytes?.min(self.total_bytes);
        Some((1.0 - available as f64 / self.total_bytes as f64) * 100.0)
    }
}

/// The value of `key:   123 kB`; the kernel's kB is 1024 bytes.
fn bytes(meminfo: &str, key: &str) -> Option<u64> {
    let mut lines = meminfo.lines();
    let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let mut words = value.split_whitespace();
    let kib: u64 = words.next()?.parse().ok()?;
    (words.next() == Some("kB"))
        .then(|| kib.checked_mul(1024))
        .flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::Memory;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_available_is_used() {
        let text = "MemTotal:        8000 kB\nMemFree:    100 kB\nMemAvailable:   6000 kB\n";
        let memory = Memory::parse(text).unwrap();

        assert_eq!(memory.total_bytes, 8000 * 1024);
        assert_eq!(memory.available_bytes, Some(6000 * 1024));
        assert_eq!(memory.used_percent(), Some(25.0));
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        let old = Memory::parse("MemTotal: 8000 kB\nMemFree: 100 kB\n").unwrap();
        assert_eq!(old.used_percent(), None);
        for text in [
            "",
            "MemTotal: 0 kB",
            "MemTotal: 5",
            "MemTotalX: 5 kB",
            "MemTotal: x kB",
        ] {
            assert_eq!(Memory::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_use_is_a_share(total in 0u64.., available in 0u64..) {
            let text = format!("MemTotal: {total} kB\nMemAvailable: {available} kB\n");
            let used = Memory::parse(&text).and_then(|memory| memory.used_percent());
            prop_assert!(used.is_none_or(|used| (0.0..=100.0).contains(&used)));
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = Memory::parse(&text);
        }
    }
}
