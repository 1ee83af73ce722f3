#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn model(quota_cpus: f64) -> QuotaModel {
    QuotaModel::new(quota_cpus, 0.1).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn a_quota_binds_only_below_the_busy_cpus() {
    assert!(model(0.5).binds(1.0));
    assert!(model(1.5).binds(2.0));
    assert!(!model(1.0).binds(1.0));
    assert!(!model(1.5).binds(1.0));
    // 3 × 0.1 is not 0.3 in binary.
    assert!(!model(0.1 + 0.2).binds(0.3));
}

#[test]
fn a_job_of_several_refills_stalls_between_them() {
    // 1.02 CPU seconds at half a CPU: 20 refills of 50 ms, then 20 ms.
    let one = model(0.5).wall(1.02, 1.0).unwrap();
    assert!(close(one.wall_seconds, 2.02));
    assert_eq!(one.other_admissible, None);
    // On two CPUs the last 20 ms take 10.
    assert!(close(
        model(0.5).wall(1.02, 2.0).unwrap().wall_seconds,
        2.01
    ));
}

#[test]
fn a_job_within_one_refill_meets_no_stall() {
    assert!(close(
        model(0.5).wall(0.03, 1.0).unwrap().wall_seconds,
        0.03
    ));
}

#[test]
fn where_the_quota_does_not_bind_cpus_decide() {
    let wall = model(1.5).wall(1.02, 1.0).unwrap();
    assert!(close(wall.wall_seconds, 1.02));
    assert_eq!(wall.other_admissible, None);
}

#[test]
fn near_the_end_of_a_refill_one_stall_more_is_admissible() {
    // 2 ms are left of the refill: 20·0.1 + 48 ms, or the stall of 50 ms more.
    let wall = model(0.5).wall(1.048, 1.0).unwrap();
    assert!(close(wall.wall_seconds, 2.048));
    assert!(close(wall.other_admissible.unwrap(), 2.098));
    // 4 ms left: enough on one CPU, not on two.
    assert_eq!(model(0.5).wall(1.046, 1.0).unwrap().other_admissible, None);
    let two = model(0.5).wall(1.046, 2.0).unwrap();
    assert!(close(
        two.other_admissible.unwrap(),
        two.wall_seconds + 0.1 - 0.025
    ));
}

#[test]
fn an_exact_multiple_admits_both_sides_whatever_the_rounding() {
    // 20 refills exactly: at the end of the last one, or after its stall.
    for cpu in [1.0, 1.0 - 1e-13, 1.0 + 1e-13, 0.05 * 20.0] {
        let wall = model(0.5).wall(cpu, 1.0).unwrap();
        assert!(close(wall.wall_seconds, 2.0), "{cpu}");
        assert!(close(wall.other_admissible.unwrap(), 1.95), "{cpu}");
    }
    // A third of a CPU: 0.1/3·30 is 1 only up to rounding.
    let third = QuotaModel::new(1.0 / 3.0, 0.1)
        .unwrap()
        .wall(1.0, 1.0)
        .unwrap();
    assert!(close(third.wall_seconds, 3.0));
}

#[test]
fn fidelity_is_against_the_nearer_admissible_value() {
    let quota = model(0.5);
    assert!(close(quota.fidelity(1.048, 1.0, 2.048).unwrap(), 1.0));
    assert!(close(quota.fidelity(1.048, 1.0, 2.098).unwrap(), 1.0));
    assert!(close(
        quota.fidelity(1.02, 1.0, 2.121).unwrap(),
        2.02 / 2.121
    ));
    assert_eq!(model(1.5).fidelity(1.0, 1.0, 1.0), None);
    assert_eq!(quota.fidelity(1.0, 1.0, 0.0), None);
}

#[test]
fn nonsense_is_no_quota() {
    for (quota, period) in [
        (0.0, 0.1),
        (-1.0, 0.1),
        (1.0, 0.0),
        (f64::NAN, 0.1),
        (1e308, 1e308),
    ] {
        assert_eq!(QuotaModel::new(quota, period), None);
    }
    assert_eq!(model(0.5).wall(f64::INFINITY, 1.0), None);
    assert_eq!(model(0.5).wall(1.0, -1.0), None);
}

proptest! {
    #[test]
    fn the_wall_grows_with_the_work_and_never_by_more_than_a_stall(
        cpu in 0.001..10.0f64,
        more in 0.0..0.01f64,
        quota in 0.05..2.0f64,
    ) {
        let quota = model(quota);
        let wall = |cpu| quota.wall(cpu, 2.0).unwrap().wall_seconds;
        let step = wall(cpu + more) - wall(cpu);
        prop_assert!(step >= -1e-9);
        // 10 ms of work reach into several refills of 5 ms at most.
        let refills = (more / quota.refill_seconds()).ceil() + 1.0;
        prop_assert!(step <= refills * 0.1 + more);
    }
}
