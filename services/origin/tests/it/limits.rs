//! The rate limit.

use crate::served::Origin;

#[test]
fn beyond_the_burst_a_client_is_told_when_to_come_again() {
    // The next token takes a hundred seconds: none comes while this runs.
    let origin = Origin::start("--rate-limit 0.01,5 --status-500 1");
    for _ in 0..2 {
        let statuses: Vec<_> = (1..=5)
            .map(|n| origin.get(&format!("/page/{n}")).status())
            .collect();
        assert_eq!(statuses, [Some(500); 5]);
        let seen = origin.get("/page/1");
        assert_eq!(seen.status(), Some(429), "{seen:?}");
        let after: u64 = seen.header("retry-after").unwrap().parse().unwrap();
        assert!((90..=100).contains(&after), "{after}");
        assert!(seen.text().contains("rate limit"));
        assert_eq!(origin.get("/robots.txt").status(), Some(200));
        let stats = origin.stats();
        assert_eq!(stats["by_status"]["429"], 1);
        assert_eq!(stats["paths"]["/page/1"]["attempts"], 2);
        origin.forget();
    }
}

#[test]
fn a_refused_attempt_does_not_use_up_a_fault() {
    let origin = Origin::start("--rate-limit 1,1 --status-500 1 --fault-times 1");
    assert_eq!(origin.get("/page/2").status(), Some(500));
    let mut statuses = Vec::new();
    while statuses.last() != Some(&500) {
        statuses.push(origin.get("/page/1").status().unwrap());
        assert!(statuses.len() < 10_000, "{statuses:?}");
    }
    assert!(!statuses.contains(&200), "{statuses:?}");
}
