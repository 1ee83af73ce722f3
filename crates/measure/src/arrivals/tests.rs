#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn any_arrivals() -> impl Strategy<Value = Arrivals> {
    prop_oneof![
        Just(Arrivals::Constant),
        Just(Arrivals::Poisson),
        (0..50_u32, 0.01..2.0).prop_map(|(size, every_seconds)| Arrivals::Bursts {
            size,
            every_seconds
        }),
    ]
}

/// How many arrivals of `rate` in `seconds` there may be, chance aside.
fn expected(rate: f64, seconds: f64) -> (f64, f64) {
    (rate * seconds - 1.0, rate * seconds + 1.0)
}

proptest! {
    #[test]
    fn arrivals_are_in_order_and_within_the_time(
        arrivals in any_arrivals(), rate in 0.1..2000.0, seconds in 0.001..5.0, seed: u64,
    ) {
        let moments: Vec<f64> = arrivals.schedule(rate, seconds, seed).collect();
        prop_assert!(moments.is_sorted());
        prop_assert!(moments.iter().all(|moment| (0.0..seconds).contains(moment)));
    }

    #[test]
    fn the_same_arguments_give_the_same_arrivals(
        arrivals in any_arrivals(), rate in 0.1..2000.0, seed: u64,
    ) {
        let one: Vec<f64> = arrivals.schedule(rate, 2.0, seed).collect();
        let other: Vec<f64> = arrivals.schedule(rate, 2.0, seed).collect();
        prop_assert_eq!(&one, &other);
        // A longer time only adds to the end.
        let longer = arrivals.schedule(rate, 3.0, seed).take(one.len());
        prop_assert_eq!(&one, &longer.collect::<Vec<_>>());
    }

    #[test]
    fn constant_arrivals_have_the_rate_and_equal_gaps(
        rate in 0.1..5000.0, seconds in 0.01..5.0, seed: u64,
    ) {
        let moments: Vec<f64> = Arrivals::Constant.schedule(rate, seconds, seed).collect();
        let (least, most) = expected(rate, seconds);
        prop_assert!((least..=most).contains(&(moments.len() as f64)));
        prop_assert!(moments[0].abs() < 1e-12);
        for pair in moments.windows(2) {
            prop_assert!((pair[1] - pair[0] - rate.recip()).abs() < 1e-9);
        }
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_exponential_gaps(rate in 1.0..5000.0, seed: u64) {
        let arrivals = 10_000.0;
        let moments: Vec<f64> =
            Arrivals::Poisson.schedule(rate, arrivals / rate, seed).collect();
        // Six standard deviations of each count.
        prop_assert!((moments.len() as f64 - arrivals).abs() < 6.0 * arrivals.sqrt());
        // Of exponential gaps a share of 1/e is longer than their mean.
        let gaps = moments.windows(2).map(|pair| pair[1] - pair[0]);
        let long = gaps.filter(|gap| *gap > rate.recip()).count() as f64;
        let share = long / (moments.len() - 1) as f64;
        prop_assert!((share - (-1.0_f64).exp()).abs() < 0.03, "{share}");
    }

    #[test]
    fn bursts_come_whole_and_on_time_and_the_rest_evenly_between(
        size in 1..50_u32, every_seconds in 0.05..1.0, more in 0.0..500.0, seed: u64,
    ) {
        let arrivals = Arrivals::Bursts { size, every_seconds };
        let rate = arrivals.least_rate() + more;
        let periods = 4.0;
        let moments: Vec<f64> =
            arrivals.schedule(rate, periods * every_seconds, seed).collect();

        let (least, most) = expected(rate, periods * every_seconds);
        prop_assert!((least..=most).contains(&(moments.len() as f64)));
        for burst in 0..periods as u32 {
            let moment = f64::from(burst) * every_seconds;
            let at_once = moments.iter().filter(|m| (**m - moment).abs() < 1e-9).count();
            prop_assert!(at_once >= size as usize, "{at_once} at {moment}");
        }
        let singles = moments.len() as f64 - periods * f64::from(size);
        let (least, most) = expected(more, periods * every_seconds);
        prop_assert!((least..=most).contains(&singles), "{singles}");
    }

    #[test]
    fn what_is_no_rate_or_time_gives_nothing(
        arrivals in any_arrivals(),
        wrong in prop_oneof![Just(0.0), Just(f64::NAN), Just(f64::INFINITY), -9.0..0.0],
    ) {
        prop_assert_eq!(arrivals.schedule(wrong, 1.0, 1).next(), None);
        prop_assert_eq!(arrivals.schedule(1.0, wrong, 1).next(), None);
        let bursts = Arrivals::Bursts { size: 1, every_seconds: wrong };
        prop_assert_eq!(bursts.schedule(1.0, 1.0, 1).next(), None);
    }
}

#[test]
fn another_seed_gives_other_poisson_arrivals() {
    let first = |seed| Arrivals::Poisson.schedule(1.0, 100.0, seed).next();
    assert_ne!(first(1), first(2));
}

#[test]
fn a_whole_number_of_gaps_is_a_whole_number_of_arrivals() {
    for (rate, seconds) in [(1000.0, 3.0), (0.1, 30.0), (3.0, 7.0), (49.0, 1.0 / 49.0)] {
        let count = Arrivals::Constant.schedule(rate, seconds, 0).count();
        assert_eq!(count, f64::round(rate * seconds) as usize, "{rate}");
    }
}

#[test]
fn bursts_alone_are_bursts_alone() {
    let arrivals = Arrivals::Bursts {
        size: 3,
        every_seconds: 0.1,
    };
    let moments: Vec<f64> = arrivals.schedule(30.0, 0.2, 0).collect();
    assert_eq!(moments, [0.0, 0.0, 0.0, 0.1, 0.1, 0.1]);
}

#[test]
fn they_are_written_as_the_contract_has_it() {
    for (text, arrivals) in [
        (r#""constant""#, Arrivals::Constant),
        (r#""poisson""#, Arrivals::Poisson),
        (
            r#"{"bursts":{"size":8,"every_seconds":0.5}}"#,
            Arrivals::Bursts {
                size: 8,
                every_seconds: 0.5,
            },
        ),
    ] {
        assert_eq!(serde_json::from_str::<Arrivals>(text).unwrap(), arrivals);
        assert_eq!(serde_json::to_string(&arrivals).unwrap(), text);
    }
}
