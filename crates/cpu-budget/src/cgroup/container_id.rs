//! Which groups are containers: told by what engines call them.

/// How many digits a container's id has, and how many of them people use.
const ID_DIGITS: usize = 64;
const SHORT_DIGITS: usize = 12;

/// What the base groups of a run of local stations begin with, and its scopes.
const LOCAL_RUN: &str = "parlab-";

/// What tells one container of a host from the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerId {
    /// A container of Docker, Podman, containerd, CRI-O …: 64 hexadecimal digits.
    Engine(String),
    /// A station of a lab that runs without Docker.
    Station {
        /// When the run began or, where that is not in its name, its runner's
        /// process number: a later run has a higher one.
        run: u64,
        /// The station's name and its replica's number: `primes-half-1`.
        replica: String,
    },
}

impl ContainerId {
    /// What people call it: the first twelve digits, or the replica's name.
    pub fn short(&self) -> &str {
        match self {
            Self::Engine(id) => id.get(..SHORT_DIGITS).unwrap_or(id),
            Self::Station { replica, .. } => replica,
        }
    }

    /// The name of a local station, without its replica's number.
    pub fn station(&self) -> Option<&str> {
        match self {
            Self::Engine(_) => None,
            Self::Station { replica, .. } => replica.rsplit_once('-').map(|(name, _)| name),
        }
    }

    /// The container whose group has this name, below a group named `above`;
    /// `None` for groups that are none.
    ///
    /// | name | whose |
    /// |---|---|
    /// | `<id>` | Docker and Kubernetes with the driver `cgroupfs` |
    /// | `docker-<id>.scope` | Docker under systemd |
    /// | `libpod-<id>.scope`, `libpod-<id>` | Podman |
    /// | `cri-containerd-<id>.scope`, `crio-<id>.scope` | Kubernetes under systemd |
    /// | `<station>-<n>` below `parlab-<namespace>-<process>-<start>` | a local station |
    /// | `parlab-<process>-<station>-<n>.scope` | a local station, by systemd |
    pub(super) fn of_group(name: &str, above: &str) -> Option<Self> {
        let scope = name.strip_suffix(".scope");
        let unit = scope.unwrap_or(name);
        if let Some(run) = local_run(above) {
            return is_replica(name).then(|| Self::Station {
                run,
                replica: name.to_owned(),
            });
        }
        let (prefix, id) = unit.rsplit_once('-').unwrap_or(("", unit));
        // Podman and CRI-O give the process that watches a container a group too.
        if is_id(id) && !prefix.ends_with("conmon") {
            return Some(Self::Engine(id.to_owned()));
        }
        let (run, replica) = scope?.strip_prefix(LOCAL_RUN)?.split_once('-')?;
        is_replica(replica).then_some(Self::Station {
            run: run.parse().ok()?,
            replica: replica.to_owned(),
        })
    }
}

fn is_id(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == ID_DIGITS && text.bytes().all(digit)
}

/// When the run began whose base group this is.
fn local_run(group: &str) -> Option<u64> {
    let numbers: Option<Vec<u64>> = group
        .strip_prefix(LOCAL_RUN)?
        .split('-')
        .map(|number| number.parse().ok())
        .collect();
    match numbers?[..] {
        [_, _, started] => Some(started),
        _ => None,
    }
}

fn is_replica(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(station, number)| {
        !station.is_empty() && number.parse::<u16>().is_ok_and(|number| number > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::ContainerId;
    use proptest::prelude::*;

    const ID: &str = "1f0e5d7c2b3a49681f0e5d7c2b3a49681f0e5d7c2b3a49681f0e5d7c2b3a4968";

    fn engine() -> ContainerId {
        ContainerId::Engine(ID.to_owned())
    }

    fn station(run: u64, replica: &str) -> ContainerId {
        let replica = replica.to_owned();
        ContainerId::Station { run, replica }
    }

    #[test]
    fn engines_put_the_id_into_the_name() {
        for name in [
            ID.to_owned(),
            format!("docker-{ID}.scope"),
            format!("libpod-{ID}.scope"),
            format!("libpod-{ID}"),
            format!("cri-containerd-{ID}.scope"),
            format!("crio-{ID}.scope"),
            format!("nerdctl-{ID}.scope"),
        ] {
            let found = ContainerId::of_group(&name, "docker");
            assert_eq!(found, Some(engine()), "{name}");
        }
        assert_eq!(engine().short(), &ID[..12]);
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for name in [
            "docker",
            "docker.service",
            "docker-1f0e.scope",
            &format!("libpod-conmon-{ID}.scope"),
            &format!("crio-conmon-{ID}.scope"),
            &ID.to_uppercase(),
            &ID[1..],
            "primes-half-1",
            "session-1.scope",
            "parlab-1.scope",
            "parlab-x-primes-half-1.scope",
        ] {
            assert_eq!(ContainerId::of_group(name, "system.slice"), None, "{name}");
        }
    }

    #[test]
    fn local_stations_are_found_below_their_runs_group_or_in_a_scope() {
        let base = "parlab-4026531836-71-90210";
        let half = station(90210, "primes-half-1");
        assert_eq!(half.station(), Some("primes-half"));
        let found = ContainerId::of_group("primes-half-1", base);
        assert_eq!(found, Some(half));
        let scope = "parlab-71-primes-half-12.scope";
        assert_eq!(
            ContainerId::of_group(scope, "app.slice"),
            Some(station(71, "primes-half-12"))
        );
        for (name, above) in [
            ("try", base),
            ("primes-half-0", base),
            ("-1", base),
            ("primes-half-1", "parlab-71-90210"),
            ("primes-half-1", "parlab-a-b-c"),
        ] {
            assert_eq!(ContainerId::of_group(name, above), None, "{above}/{name}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(name in "(parlab-|docker-)?.{0,80}(\\.scope)?", above in "(parlab-)?[0-9-]{0,30}|.*") {
            if let Some(id) = ContainerId::of_group(&name, &above) {
                let _ = (id.short(), id.station());
            }
        }
    }
}
