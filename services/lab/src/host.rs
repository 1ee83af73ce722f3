//! The machine the lab runs on, as the kernel describes it.

use measure::report::Host;

/// Reads what the kernel tells; the engine's name comes from the host script,
/// since a container cannot see it.
pub fn host(engine: Option<String>) -> Host {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    Host {
        cpus: cpu_budget::CpuBudget::read().host_cpus,
        model: model(&cpuinfo),
        kernel: kernel.map(|release| release.trim().to_owned()),
        cgroup_version: None,
        engine,
    }
}

/// The first processor's name; ARM's kernel gives none.
fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_read_where_there_is_one() {
        let x86 = "processor\t: 0\nmodel name\t: Some CPU @ 2GHz\n";
        assert_eq!(model(x86).as_deref(), Some("Some CPU @ 2GHz"));
        assert_eq!(model("processor\t: 0\nBogoMIPS\t: 50.0\n"), None);
    }
}
