//! Reading what the runner tells of the run under way.

use measure::now::Now;
use std::path::Path;

/// What stands in the file; `None` where there is none.
///
/// # Errors
/// What is wrong with it, naming the file.
pub fn read(path: &Path) -> Result<Option<Now>, String> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| format!("{} is not what a runner writes: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use measure::report::Backend;

    const TEXT: &str = r#"{
        "lab": "lab-primes", "backend": "docker", "started_seconds": 1000.5,
        "updated_seconds": 1010.0, "ended_seconds": null, "round": 2, "rounds": 6,
        "row": {"station": "primes-half", "strategy": "channels", "kernel": "trial", "workers": 2},
        "stations": [{"name": "primes-half", "declared_replicas": 1,
            "declared": {"cpus": 0.5, "cpuset": null, "memory_bytes": 268435456},
            "replicas": [{"api": "172.18.0.3:8080", "admin": "172.18.0.3:9000"}]}],
        "a field of the future": 1}"#;

    #[test]
    fn a_runners_file_is_read_and_what_is_new_in_it_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("now.json");
        assert_eq!(read(&path), Ok(None));
        std::fs::write(&path, TEXT).unwrap();

        let now = read(&path).unwrap().unwrap();

        assert_eq!(
            (now.backend, now.round, now.rounds),
            (Backend::Docker, 2, 6)
        );
        assert_eq!(now.row.unwrap().workers, 2);
        assert_eq!(now.stations[0].declared.cpus, Some(0.5));
        assert_eq!(now.stations[0].replicas[0].admin.port(), 9000);
        std::fs::write(&path, &TEXT[..100]).unwrap();
        let said = read(&path).unwrap_err();
        assert!(said.contains("now.json is not what"), "{said}");
    }
}
