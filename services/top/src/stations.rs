//! Which stations there are to ask, and where.

use measure::now::Now;
use measure::report::Backend;
use measure::report::Declared;
use std::net::SocketAddr;
use std::str::FromStr;

/// The admin endpoints' port inside a container.
const ADMIN_PORT: u16 = 9000;

/// A station to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Its limits in the Compose file; `None` where nobody told.
    pub declared: Option<Declared>,
    /// Where its replicas are.
    pub place: Place,
}

/// Where a station's replicas are.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// All addresses of `host`, a name with a port, as they are at each
    /// refresh: so replicas that come and go are seen.
    Name {
        /// The name and the port.
        host: String,
        /// Where they were when the run began, for those who are not on the
        /// Compose network: no name means anything to them.
        known: Vec<SocketAddr>,
    },
    /// These addresses.
    At(Vec<SocketAddr>),
}

/// A station named by whoever called: `name`, which is its host too, or
/// `name=host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The station.
    pub name: String,
    /// Where its admin endpoints are, a name or an address with a port.
    pub host: String,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, host) = match text.split_once('=') {
            None => (text, format!("{text}:{ADMIN_PORT}")),
            Some((name, host)) => (name, host.to_owned()),
        };
        let port = host.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        if name.is_empty() || host.starts_with(':') || !matches!(port, Some(Ok(1..))) {
            return Err(format!("{text:?} is none: write a name, or name=host:port"));
        }
        Ok(Self {
            name: name.to_owned(),
            host,
        })
    }
}

/// Several of them, separated by blanks or commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(pub Vec<Named>);

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.split([',', ' ', '\n']).filter(|word| !word.is_empty());
        words.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The stations of the run in the order of its lab, then those named besides.
/// `ended`: whether the run is over.
pub fn wanted(now: Option<&Now>, ended: bool, named: &[Named]) -> Vec<Wanted> {
    let of_run = now.into_iter().flat_map(|now| {
        let stations = now.stations.iter();
        stations.filter_map(move |station| {
            let known: Vec<_> = station.replicas.iter().map(|at| at.admin).collect();
            let place = match now.backend {
                Backend::Docker => Place::Name {
                    host: format!("{}:{ADMIN_PORT}", station.name),
                    known,
                },
                // They ended with it, and others may have their ports by now.
                Backend::Local | Backend::InProcess if ended => return None,
                Backend::Local | Backend::InProcess => Place::At(known),
            };
            Some(Wanted {
                name: station.name.clone(),
                declared: Some(station.declared.clone()),
                place,
            })
        })
    });
    let mut all: Vec<Wanted> = of_run.collect();
    for named in named {
        if all.iter().all(|wanted| wanted.name != named.name) {
            all.push(Wanted {
                name: named.name.clone(),
                declared: None,
                place: Place::Name {
                    host: named.host.clone(),
                    known: Vec::new(),
                },
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use measure::now::{Replica, Station};

    fn now(backend: Backend) -> Now {
        Now {
            lab: "lab-primes".into(),
            backend,
            started_seconds: 0.0,
            updated_seconds: 0.0,
            ended_seconds: None,
            round: 0,
            rounds: 6,
            row: None,
            stations: vec![Station {
                name: "half".into(),
                declared: Declared {
                    cpus: Some(0.5),
                    ..Declared::default()
                },
                declared_replicas: 1,
                replicas: vec![Replica {
                    api: "127.0.0.1:41".parse().unwrap(),
                    admin: "127.0.0.1:41".parse().unwrap(),
                }],
            }],
        }
    }

    #[test]
    fn a_station_is_named_alone_or_with_its_place() {
        let Names(named) = "half, one=127.0.0.1:41\ntwo=[::1]:42".parse().unwrap();
        let hosts: Vec<_> = named.iter().map(|named| named.host.as_str()).collect();
        assert_eq!(hosts, ["half:9000", "127.0.0.1:41", "[::1]:42"]);
        for bad in ["=a:1", "a=b", "a=b:x", "a=:1", "a=b:0", "a="] {
            assert!(bad.parse::<Names>().is_err(), "{bad}");
        }
        assert_eq!("".parse(), Ok(Names::default()));
    }

    #[test]
    fn in_docker_a_name_is_asked_for_also_after_the_run() {
        let names: Names = "half other".parse().unwrap();
        for ended in [false, true] {
            let all = wanted(Some(&now(Backend::Docker)), ended, &names.0);
            let known = vec!["127.0.0.1:41".parse().unwrap()];
            let host = "half:9000".to_owned();
            assert_eq!(all[0].place, Place::Name { host, known });
            assert_eq!(all[0].declared.as_ref().unwrap().cpus, Some(0.5));
            assert_eq!((all.len(), all[1].name.as_str()), (2, "other"));
            assert_eq!(all[1].declared, None);
        }
    }

    #[test]
    fn local_stations_are_gone_with_their_run() {
        let run = now(Backend::Local);
        let all = wanted(Some(&run), false, &[]);
        assert_eq!(
            all[0].place,
            Place::At(vec!["127.0.0.1:41".parse().unwrap()])
        );
        assert_eq!(wanted(Some(&run), true, &[]), []);
        assert_eq!(wanted(None, false, &[]), []);
    }
}
