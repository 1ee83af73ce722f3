//! What the process needs of the system, and uses of it.

/// What bodies of pages may have together: a quarter of the memory limit of this
/// process. The rest is for connections, for parsing and for the store's buffer.
pub fn memory_for_bodies() -> usize {
    const WITHOUT_LIMIT: u64 = 256 << 20;
    let limit = cpu_budget::CpuBudget::read().memory_limit_bytes;
    limit.map_or(WITHOUT_LIMIT, |bytes| bytes / 4) as usize
}

/// The most memory that was resident, since the start or the last
/// [`forget_memory_peak`]; `None` where the kernel does not tell.
pub fn memory_peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Begins to look for the peak anew; where that may not be, it is that of all
/// the process's life.
pub fn forget_memory_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
