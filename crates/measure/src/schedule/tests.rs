#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

const PERIOD: f64 = 0.1;

fn replica(threads: usize, cpus: f64, quota_cpus: Option<f64>) -> ReplicaLimits {
    ReplicaLimits {
        threads,
        cpus,
        quota: quota_cpus.map(|q| QuotaModel::new(q, PERIOD).unwrap()),
    }
}

fn inputs<'a>(
    cpu_seconds: f64,
    replicas: &'a [ReplicaLimits],
    shares: Option<&'a [f64]>,
) -> Inputs<'a> {
    Inputs {
        cpu_seconds,
        idle_start_seconds: 0.0,
        repeats: 1,
        replicas,
        allowed_cpus: 2.0,
        shares,
    }
}

fn wall(cpu_seconds: f64, replicas: &[ReplicaLimits], shares: Option<&[f64]>) -> f64 {
    predict(&inputs(cpu_seconds, replicas, shares))
        .unwrap()
        .wall_seconds
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9 * a.abs().max(1.0)
}

#[test]
fn equal_sharing_divides_by_the_busy_cpus() {
    assert!(close(wall(3.0, &[replica(1, 2.0, None)], None), 3.0));
    assert!(close(wall(3.0, &[replica(2, 2.0, None)], None), 1.5));
    assert!(close(wall(3.0, &[replica(8, 2.0, None)], None), 1.5));
    assert!(close(wall(3.0, &[replica(2, 2.0, Some(2.0))], None), 1.5));
}

#[test]
fn static_ranges_take_as_long_as_the_slowest() {
    // Trial division up to n costs about n^1.5: halves of the range are 35 : 65.
    let shares = [0.3536, 0.6464];
    assert!(close(
        wall(2.0, &[replica(2, 2.0, None)], Some(&shares)),
        1.2928
    ));
}

#[test]
fn more_static_threads_than_cpus_take_turns_until_few_are_left() {
    // 4 threads of 0.4 0.8 0.8 2.0 CPU seconds on 2 CPUs: until the first ends
    // 1.6/2 = 0.8 s, the two middle ones then 1.2/2 = 0.6 s, the last alone 1.2 s.
    let shares = [0.1, 0.2, 0.2, 0.5];
    assert!(close(
        wall(4.0, &[replica(4, 2.0, None)], Some(&shares)),
        2.6
    ));
}

#[test]
fn a_binding_quota_binds_less_once_threads_have_ended() {
    // Quota 1.0, threads of 0.1 and 0.34 CPU seconds. Both run 50 ms and stall
    // to 100 ms, twice. The second then has 0.24 s left, alone, and 1.0 does
    // not stop one thread.
    let got = wall(0.44, &[replica(2, 2.0, Some(1.0))], Some(&[0.1, 0.34]));
    // 0.2 s of CPU in two periods, then 0.24 s alone.
    assert!(close(got, 0.2 + 0.24), "{got}");
}

#[test]
fn what_a_phase_leaves_of_a_refill_is_there_for_the_next() {
    // Quota 1.0: threads of 30 and 60 ms. Both run 30 ms (60 of 100 ms used),
    // the second has 40 ms of budget for its last 30: no stall at all.
    let got = wall(0.09, &[replica(2, 2.0, Some(1.0))], Some(&[1.0, 2.0]));
    assert!(close(got, 0.06), "{got}");
}

#[test]
fn repeats_run_the_phases_again_and_carry_the_budget() {
    let replicas = [replica(2, 2.0, Some(1.0))];
    let twice = Inputs {
        repeats: 2,
        ..inputs(0.09, &replicas, Some(&[1.0, 2.0]))
    };
    // The second repeat starts at 60 ms with 10 ms of budget: 5 ms of it on two
    // CPUs, a stall until 100 ms, then 25 ms together and 30 alone: 155 ms.
    assert!(close(predict(&twice).unwrap().wall_seconds, 0.155 / 2.0));
}

/// The wall of `repeats` jobs of `cpu` CPU seconds that each idle first.
fn idling(idle: f64, cpu: f64, repeats: u32, replicas: &[ReplicaLimits]) -> f64 {
    let inputs = Inputs {
        idle_start_seconds: idle,
        repeats,
        ..inputs(cpu, replicas, None)
    };
    predict(&inputs).unwrap().wall_seconds * f64::from(repeats)
}

#[test]
fn a_job_that_idles_first_loses_what_its_periods_would_have_brought() {
    let quarter = [replica(1, 2.0, Some(0.25))];
    // 25 ms a period: four refills and 10 ms, after one period.
    assert!(close(idling(0.1, 0.11, 1, &quarter), 0.1 + 0.41));
    // Begun in the middle of a period, its refill is used in the rest of it: the
    // time before costs nothing.
    assert!(close(idling(0.03, 0.11, 1, &quarter), 0.41));
    // With 10 ms left of it only 10 ms can be used: as if 15 ms had been work.
    assert!(close(idling(0.09, 0.11, 1, &quarter), 0.5));
    // Each repeat idles: 110 ms end at 510 ms, and 10 ms into a period. 100 ms
    // later there is another refill: 25 ms until 635 ms, and 85 ms from 700 on.
    assert!(close(idling(0.1, 0.11, 2, &quarter), 0.7 + 0.31));
    assert!(close(idling(0.1, 0.11, 1, &[replica(2, 2.0, None)]), 0.155));
}

#[test]
fn thousands_of_tiny_repeats_cost_what_one_long_job_costs() {
    let replicas = [replica(2, 2.0, Some(0.5))];
    let many = Inputs {
        repeats: 2_000_000,
        ..inputs(1e-6, &replicas, Some(&[0.4, 0.6]))
    };
    // 2 s of CPU at 0.5 CPUs is 4 s, less the last stall.
    let wall = predict(&many).unwrap().wall_seconds * 2e6;
    assert!((3.9..=4.0).contains(&wall), "{wall}");
}

#[test]
fn shares_that_are_equal_take_what_equal_sharing_takes() {
    let both = |p: Prediction| (p.wall_seconds, p.other_admissible.unwrap_or(p.wall_seconds));
    for quota in [0.25, 0.5, 1.0, 1.5] {
        // The second is an exact multiple of each refill, the fourth just less.
        for cpu in [0.33, 1.5, 1.97, 1.498] {
            let replicas = [replica(2, 2.0, Some(quota))];
            let fixed = predict(&inputs(cpu, &replicas, Some(&[0.5, 0.5])))
                .map(both)
                .unwrap();
            let equal = predict(&inputs(cpu, &replicas, None)).map(both).unwrap();
            assert!(
                close(fixed.0, equal.0) && close(fixed.1, equal.1),
                "{quota} {cpu}"
            );
        }
    }
}

#[test]
fn replicas_share_the_job_and_the_cpus() {
    let fleet = [replica(1, 2.0, Some(0.5)); 4];
    // Each has 0.51 CPU seconds at half a CPU: 10 refills and 10 ms, 1.01 s;
    // all of it on 2 CPUs cannot end before 1.02 s.
    assert!(close(wall(2.04, &fleet, None), 1.02));
    let two = [replica(1, 2.0, Some(0.5)); 2];
    assert!(close(wall(1.02, &two, None), 1.01));
    let pinned = Inputs {
        allowed_cpus: 1.0,
        ..inputs(1.0, &two, None)
    };
    assert!(close(predict(&pinned).unwrap().wall_seconds, 1.0));
}

#[test]
fn shares_of_all_replicas_are_dealt_out_in_order() {
    let two = [replica(1, 2.0, None); 2];
    assert!(close(wall(1.0, &two, Some(&[0.3, 0.7])), 0.7));
    assert!(close(wall(1.0, &two, Some(&[1.0])), 0.5));
}

#[test]
fn what_does_not_fit_is_unknown() {
    let one = [replica(2, 2.0, None)];
    assert_eq!(predict(&inputs(1.0, &one, Some(&[0.2, 0.3, 0.5]))), None);
    assert_eq!(predict(&inputs(1.0, &one, Some(&[-1.0, 2.0]))), None);
    assert_eq!(predict(&inputs(f64::NAN, &one, None)), None);
    assert_eq!(predict(&inputs(1.0, &[], None)), None);
    assert_eq!(predict(&inputs(1.0, &[replica(0, 2.0, None)], None)), None);
}

proptest! {
    #[test]
    fn a_larger_quota_is_never_slower(
        cpu in 0.01..20.0f64,
        low in 0.05..4.0f64,
        more in 0.0..2.0f64,
        threads in 1usize..6,
        fixed in any::<bool>(),
        repeats in 1u32..5,
    ) {
        let shares: Vec<f64> = (1..=threads).map(|t| t as f64).collect();
        let at = |quota: f64| {
            let replicas = [replica(threads, 2.0, Some(quota))];
            let shares = fixed.then_some(&shares[..]);
            predict(&Inputs { repeats, ..inputs(cpu, &replicas, shares) }).unwrap().wall_seconds
        };
        prop_assert!(at(low + more) <= at(low) * (1.0 + 1e-9));
    }

    #[test]
    fn the_wall_lies_between_full_speed_and_the_quota_plus_a_period(
        cpu in 0.001..20.0f64,
        quota in 0.05..4.0f64,
        threads in 1usize..6,
    ) {
        let busy = (threads as f64).min(2.0);
        let p = predict(&inputs(cpu, &[replica(threads, 2.0, Some(quota))], None)).unwrap();
        for wall in [Some(p.wall_seconds), p.other_admissible].into_iter().flatten() {
            prop_assert!(wall >= cpu / busy * (1.0 - 1e-9));
            prop_assert!(wall <= (cpu / quota).max(cpu / busy) + PERIOD * (1.0 + 1e-9));
        }
    }

    #[test]
    fn idling_first_costs_no_more_than_its_own_time_and_gains_nothing(
        idle in 0.0..0.5f64,
        cpu in 0.001..5.0f64,
        quota in 0.05..3.0f64,
        threads in 1usize..5,
        repeats in 1u32..4,
    ) {
        let replicas = [replica(threads, 2.0, Some(quota))];
        let (without, with) = (idling(0.0, cpu, repeats, &replicas), idling(idle, cpu, repeats, &replicas));
        let added = idle * f64::from(repeats);
        // Up to the stall that the one may meet at its end and the other not.
        prop_assert!(with <= without + added + PERIOD * (1.0 + 1e-9), "{without} {with}");
        prop_assert!(with >= without - PERIOD * (1.0 + 1e-9), "{without} {with}");
        let busy = (threads as f64).min(2.0);
        prop_assert!(with >= added + cpu * f64::from(repeats) / busy * (1.0 - 1e-9));
    }

    #[test]
    fn more_work_is_never_faster(
        cpu in 0.01..5.0f64,
        more in 0.0..1.0f64,
        quota in 0.1..3.0f64,
    ) {
        let replicas = [replica(3, 2.0, Some(quota))];
        let shares = [1.0, 2.0, 4.0];
        for shares in [None, Some(&shares[..])] {
            let at = |cpu| wall(cpu, &replicas, shares);
            prop_assert!(at(cpu) <= at(cpu + more) * (1.0 + 1e-9));
        }
    }

    #[test]
    fn nothing_yields_what_is_not_a_number(
        cpu in any::<f64>(),
        cpus in any::<f64>(),
        allowed in any::<f64>(),
        quota in any::<f64>(),
        period in any::<f64>(),
        idle in any::<f64>(),
        threads in any::<usize>(),
        shares in proptest::collection::vec(any::<f64>(), 0..4),
        repeats in 0u32..100,
    ) {
        let quota = QuotaModel::new(quota, period);
        for threads in [threads, shares.len()] {
            for shares in [None, Some(&shares[..])] {
                let replicas = [ReplicaLimits { threads, cpus, quota }];
                let p = predict(&Inputs {
                    cpu_seconds: cpu,
                    idle_start_seconds: idle,
                    repeats,
                    replicas: &replicas,
                    allowed_cpus: allowed,
                    shares,
                });
                if let Some(p) = p {
                    prop_assert!(p.wall_seconds.is_finite());
                    prop_assert!(p.other_admissible.is_none_or(f64::is_finite));
                }
            }
        }
    }
}
