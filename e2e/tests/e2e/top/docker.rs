//! `make top` beside stations in Docker, which it asks from a container.

use super::terminal::Terminal;
use super::{away, row};
use crate::support::{Docker, said};

/// The lines of the fleet; in Docker its replicas are told apart by address.
fn fleet(text: &str) -> Vec<String> {
    let lines = text.lines();
    let of_fleet = lines.filter(|line| line.starts_with("primes-fleet"));
    of_fleet.map(str::to_owned).collect()
}

/// Of the quota's periods, those in which it ran out, in per cent.
fn throttled(text: &str, station: &str) -> Option<f64> {
    let mut words = row(text, station)?.split_whitespace();
    words.find_map(|word| word.strip_suffix('%')?.parse().ok())
}

#[test]
fn make_top_shows_containers_while_they_work_and_are_scaled() {
    let Some(docker) = Docker::take("make top beside containers") else {
        return;
    };
    let checkout = docker.checkout();
    let nothing = checkout.run(&["top"]);
    assert!(
        said(&nothing).contains("no station is up"),
        "{}",
        said(&nothing)
    );
    // So that the stations are up.
    let lab = checkout.run(&["lab-primes", "STATION=primes-half", "ROUNDS=1", "LIMIT=2e5"]);
    assert!(lab.status.success(), "{}", said(&lab));
    let half = &docker.containers("primes-half")[0];
    docker.output(&["exec", "-d", half, "primes", "run", "--rounds", "100"]);

    let once = checkout.run(&["top", "ONCE=1"]);

    assert!(once.status.success(), "{}", said(&once));
    let text = String::from_utf8(once.stdout).unwrap();
    assert!(
        throttled(&text, "primes-half").is_some_and(|share| share > 40.0),
        "{text}"
    );
    assert!(row(&text, "primes-pinned").is_some(), "{text}");
    assert_eq!(fleet(&text).len(), 4, "{text}");

    let Some(mut terminal) = Terminal::open("make top in a terminal", 100, 24) else {
        return;
    };
    let folder = checkout.path("");
    terminal.line(&format!("cd {} && make top", folder.display()));
    terminal.until("the stations", |text| fleet(text).len() == 4);
    let file = checkout.path("compose/lab-primes.yml");
    let scaled = [
        "compose",
        "-p",
        "parlab",
        "-f",
        file.to_str().unwrap(),
        "up",
        "-d",
    ];
    let to_two = [
        "--no-build",
        "--no-recreate",
        "--scale",
        "primes-fleet=2",
        "primes-fleet",
    ];
    docker.output(&[&scaled[..], &to_two].concat());
    terminal.until("two replicas are left", |text| {
        let fleet = fleet(text);
        fleet.len() == 2 && away(&fleet) == 0
    });

    // An open view does not keep the network from being removed.
    let down = checkout.run(&["down"]);
    assert!(down.status.success(), "{}", said(&down));
    terminal.is_clean("2");
    let left = docker.output(&["ps", "-q", "--filter", "label=org.parlab.view"]);
    assert_eq!(left, "");
}
