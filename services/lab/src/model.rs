//! The resolved lab that the host script hands over: what stations there are.

use crate::station::StationSpec;
use anyhow::Context;
use measure::report::Declared;
use serde_json::Value;
use std::path::Path;

/// The stations of the resolved lab in `path`, as `docker compose config
/// --format json` prints it.
pub fn stations(path: &Path) -> anyhow::Result<Vec<StationSpec>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{}: the resolved lab cannot be read", path.display()))?;
    let model: Value = serde_json::from_str(&text)?;
    let services = model["services"].as_object().context("no services")?;
    Ok(services
        .iter()
        .filter(|(_, s)| s["profiles"].is_null())
        .map(|(name, s)| {
            let limits = &s["deploy"]["resources"]["limits"];
            let number = |v: &Value| v.as_f64().or_else(|| v.as_str()?.parse().ok());
            StationSpec {
                name: name.clone(),
                replicas: s["deploy"]["replicas"].as_u64().unwrap_or(1) as usize,
                declared: Declared {
                    cpus: number(&limits["cpus"]),
                    cpuset: s["cpuset"].as_str().map(str::to_owned),
                    memory_bytes: number(&limits["memory"]).map(|b| b as u64),
                },
                refused: None,
            }
        })
        .collect())
}
