//! What of the host decides whether a limit can be granted.

use cpu_budget::CpuSet;

/// The host's CPUs and memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// How many CPUs are online: the most that Docker grants as a quota.
    pub cpus: usize,
    /// Which CPUs are online: those a cpuset may name.
    pub online: CpuSet,
    /// Memory in bytes; `None`: unknown.
    pub memory_bytes: Option<u64>,
}

impl Host {
    /// Reads it from the kernel, which tells a container the host's figures
    /// here. Where it tells nothing (macOS): what the runtime believes.
    pub fn read() -> Self {
        let text = |path| std::fs::read_to_string(path).ok();
        let online = text("/sys/devices/system/cpu/online")
            .and_then(|list| list.parse::<CpuSet>().ok())
            .filter(|online| !online.is_empty());
        let believed = || std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            memory_bytes: text("/proc/meminfo").and_then(|text| memory_bytes(&text)),
            ..Self::with_online(online.unwrap_or_else(|| (0..believed()).collect()))
        }
    }

    /// A host of so many CPUs, numbered from 0, its memory unknown.
    pub fn with_cpus(cpus: usize) -> Self {
        Self::with_online((0..cpus).collect())
    }

    fn with_online(online: CpuSet) -> Self {
        Self {
            cpus: online.len(),
            online,
            memory_bytes: None,
        }
    }

    /// "2 CPUs" or "1 CPU".
    pub(super) fn shown(&self) -> String {
        super::count(self.cpus as f64, "CPU")
    }
}

/// `MemTotal` of /proc/meminfo, whose kB are 1024 bytes (`proc_meminfo(5)`).
fn memory_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::{Host, memory_bytes};

    #[test]
    fn this_host_has_at_least_one_cpu_and_they_agree() {
        let host = Host::read();
        assert!(host.cpus >= 1);
        assert_eq!(host.cpus, host.online.len());
    }

    #[test]
    fn memory_is_in_kibibytes_or_unknown() {
        assert_eq!(
            memory_bytes("MemTotal:    2048 kB\nMemFree: 1 kB\n"),
            Some(2 << 20)
        );
        for text in ["", "MemFree: 5 kB\n", "MemTotal: x kB\n", "MemTotal: 5\n"] {
            assert_eq!(memory_bytes(text), None, "{text:?}");
        }
        assert_eq!(memory_bytes("MemTotal: 18446744073709551615 kB\n"), None);
    }
}
