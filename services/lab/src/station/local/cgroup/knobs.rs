//! The files of a group that hold its limits, each read back after it was
//! written: the kernel rounds some, and a file may take what it does not keep.

use super::hierarchy::{Base, inherit_cpuset};
use crate::station::local::limits::{Limits, PERIOD_MICROS};
use anyhow::{Context, bail};
use cpu_budget::CpuSet;
use std::path::Path;

/// The kernel keeps memory limits in whole pages; no page is larger.
const LARGEST_PAGE_BYTES: u64 = 1 << 16;

/// Writes the limits into a group of `base`'s hierarchy.
pub fn apply(folder: &Path, base: &Base, limits: &Limits) -> anyhow::Result<()> {
    let has = |controller| base.controllers.contains(&controller);
    if has("cpuset") {
        if !base.is_v2 {
            inherit_cpuset(folder)?;
        }
        if let Some(cpus) = &limits.cpuset {
            set(&folder.join("cpuset.cpus"), &cpus.to_string(), same_cpus)?;
        }
    }
    if has("cpu")
        && let Some(micros) = limits.quota_micros()
    {
        if base.is_v2 {
            let quota = format!("{micros} {PERIOD_MICROS}");
            set(&folder.join("cpu.max"), &quota, same)?;
        } else {
            let period = PERIOD_MICROS.to_string();
            set(&folder.join("cpu.cfs_period_us"), &period, same)?;
            set(&folder.join("cpu.cfs_quota_us"), &micros.to_string(), same)?;
        }
    }
    if has("memory")
        && let Some(bytes) = limits.memory_bytes
    {
        let file = if base.is_v2 {
            "memory.max"
        } else {
            "memory.limit_in_bytes"
        };
        set(&folder.join(file), &bytes.to_string(), same_pages)?;
    }
    if has("pids")
        && let Some(pids) = limits.pids
    {
        set(&folder.join("pids.max"), &pids.to_string(), same)?;
    }
    Ok(())
}

fn set(file: &Path, value: &str, kept: fn(&str, &str) -> bool) -> anyhow::Result<()> {
    let shown = file.display();
    std::fs::write(file, value).with_context(|| {
        format!("{shown}: the kernel refuses {value}, perhaps since a group above it allows less")
    })?;
    let read = std::fs::read_to_string(file).with_context(|| format!("{shown}: cannot be read"))?;
    if !kept(value, read.trim()) {
        bail!("{shown}: {value} was written, and it reads {}", read.trim());
    }
    Ok(())
}

fn same(written: &str, read: &str) -> bool {
    written == read
}

fn same_cpus(written: &str, read: &str) -> bool {
    let parse = |list: &str| list.parse::<CpuSet>().ok();
    parse(written).is_some() && parse(written) == parse(read)
}

fn same_pages(written: &str, read: &str) -> bool {
    match (written.parse::<u64>(), read.parse::<u64>()) {
        (Ok(written), Ok(read)) => read <= written && written - read < LARGEST_PAGE_BYTES,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{apply, same_cpus, same_pages};
    use crate::station::local::cgroup::hierarchy::Base;
    use crate::station::local::limits::Limits;

    #[test]
    fn on_v2_quota_and_period_stand_in_one_file() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("half-1");
        std::fs::create_dir(&folder).unwrap();
        let base = Base {
            is_v2: true,
            controllers: vec!["cpu", "cpuset", "memory", "pids"],
            folder: base.path().to_owned(),
        };
        let limits = Limits {
            quota_cpus: Some(0.5),
            cpuset: Some("0-1".parse().unwrap()),
            memory_bytes: Some(1 << 20),
            pids: Some(9),
        };

        apply(&folder, &base, &limits).unwrap();

        let read = |file| std::fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(read("cpu.max"), "50000 100000");
        assert_eq!(read("cpuset.cpus"), "0-1");
        assert_eq!(read("memory.max"), "1048576");
        assert_eq!(read("pids.max"), "9");
    }

    #[test]
    fn what_the_kernel_writes_otherwise_is_the_same() {
        assert!(same_cpus("0,1,2", "0-2") && !same_cpus("0", "0-1") && !same_cpus("", "x"));
        assert!(same_pages("5000", "4096") && same_pages("4096", "4096"));
        assert!(!same_pages("4096", "8192") && !same_pages("300000", "4096"));
        assert!(!same_pages("4096", "max"));
    }
}
