//! Prints, in plain words, what CPU the container (or machine) it runs in may
//! use, what has been used, and how many workers suit that.

use cpu_budget::{Cgroup, CpuBudget, CpuQuota, CpuUsage, MemoryUsage};

fn main() {
    let cgroup = Cgroup::of_this_process();
    let budget = cgroup.budget();

    line("cgroup version", &or_unknown(budget.cgroup_version));
    line("host CPUs", &or_unknown(budget.host_cpus));
    line("may run on", &allowed_cpus(&budget));
    line("CPU quota", &quota(&budget));
    line("effective CPUs", &effective(&budget));
    line("runtime believes", &believed(&budget));
    line("throttled so far", &throttled(&cgroup.usage()));
    line("memory limit", &memory(&cgroup.memory()));
    println!("\nWorkers for CPU-bound work: {}.", advice(&budget));
}

fn line(label: &str, text: &str) {
    println!("{label:<18}{text}");
}

fn or_unknown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "unknown".into(), |value| value.to_string())
}

fn allowed_cpus(budget: &CpuBudget) -> String {
    match &budget.cpuset {
        Some(cpus) if cpus.len() == 1 => format!("CPU {cpus} alone"),
        Some(cpus) => format!("CPUs {cpus}, so {} at once", cpus.len()),
        None => "unknown".into(),
    }
}

fn quota(budget: &CpuBudget) -> String {
    match budget.quota {
        CpuQuota::Unknown => "unknown".into(),
        CpuQuota::Unlimited => "none".into(),
        CpuQuota::Limited(quota) => {
            let shared = if budget.quota_set_above {
                "; set on a group above, which shares it"
            } else {
                ""
            };
            format!(
                "{} CPUs: {} ms of CPU time in every {} ms, for all threads together{shared}",
                quota.cpus(),
                quota.quota_seconds() * 1e3,
                quota.period_seconds() * 1e3,
            )
        }
    }
}

fn effective(budget: &CpuBudget) -> String {
    let cpus = or_unknown(budget.effective_cpus());
    match (budget.quota, budget.effective_cpus()) {
        (CpuQuota::Unknown, Some(_)) => format!("at most {cpus}, the quota being unknown"),
        _ => cpus,
    }
}

fn believed(budget: &CpuBudget) -> String {
    let Some(believed) = budget.believed_cpus else {
        return "unknown".into();
    };
    let threads = if believed == 1 { "thread" } else { "threads" };
    let text = format!("{believed} CPU-bound {threads} (available_parallelism)");
    match budget.effective_cpus() {
        Some(cpus) if cpus > believed as f64 => text + ", which leaves part of the budget unused",
        Some(cpus) if cpus < believed as f64 => text + ", more than the budget: expect throttling",
        _ => text,
    }
}

fn throttled(usage: &CpuUsage) -> String {
    match (
        usage.throttled_periods,
        usage.periods,
        usage.throttled_seconds,
    ) {
        (Some(throttled), Some(periods), Some(seconds)) => {
            format!("in {throttled} of {periods} periods, {seconds:.3} s summed over CPUs")
        }
        _ => "unknown".into(),
    }
}

fn memory(memory: &MemoryUsage) -> String {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let limit = match memory.limit_bytes {
        Some(bytes) => mib(bytes),
        None if memory.unlimited => "none".into(),
        None => "unknown".into(),
    };
    let used = memory
        .current_bytes
        .map(|bytes| format!(", {} in use", mib(bytes)));
    limit + &used.unwrap_or_default()
}

fn advice(budget: &CpuBudget) -> String {
    let advice = budget.advice();
    let (few, many) = (advice.avoids_throttling, advice.uses_whole_budget);
    match budget.effective_cpus() {
        None => format!("{many}, as the runtime believes; the budget is unknown"),
        Some(cpus) if cpus < 1.0 => {
            "1, and even that is throttled; more would only be stopped together".into()
        }
        Some(_) if few == many => format!("{many}, one for each CPU of the budget"),
        Some(_) => format!("{few} to stay clear of throttling, {many} to use the whole budget"),
    }
}
