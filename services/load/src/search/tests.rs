#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use std::convert::Infallible;

fn request(from: Option<f64>, to: Option<f64>) -> SearchRequest {
    SearchRequest {
        targets: vec!["http://localhost/".into()],
        p99_seconds: 0.05,
        connections: 8,
        seconds: 1.0,
        confirmations: 0,
        from,
        to,
        arrivals: Arrivals::Constant,
        seed: 0,
        work: None,
        timeout_seconds: 5.0,
    }
}

fn search(from: Option<f64>, to: Option<f64>) -> Search {
    request(from, to).search(&AllowList::default()).unwrap()
}

/// A server that keeps the target up to `knee`, in a closed loop gets twice as
/// much, and what is void by its number.
fn against(
    search: &Search,
    knee: f64,
    void: impl Fn(usize) -> bool,
) -> (SearchAnswer, Vec<Option<f64>>) {
    let mut tried = Vec::new();
    let answer = search.run(|plan| {
        let rate = match plan.pace {
            Pace::Closed => None,
            Pace::Open { rate, .. } => Some(rate),
        };
        tried.push(rate);
        let p99 = if rate.is_some_and(|rate| rate <= knee) {
            0.01
        } else {
            0.5
        };
        Ok::<_, Infallible>(Some(Step {
            rate,
            p99: Some(p99),
            achieved: rate.unwrap_or(2.0 * knee),
            void: void(tried.len()).then(|| "slipped".to_owned()),
            kept: false,
            confirms: false,
        }))
    });
    (answer.unwrap(), tried)
}

proptest! {
    #[test]
    fn the_rate_is_found_within_five_per_cent(knee in 1.0..100_000.0, from in proptest::option::of(0.1..50_000.0)) {
        let (answer, tried) = against(&search(from, None), knee, |_| false);
        let rate = answer.rate.unwrap();
        prop_assert!(rate <= knee && knee <= rate * CLOSE, "{rate} of {knee}");
        prop_assert_eq!(answer.bracket.0, Some(rate));
        prop_assert!(tried.len() <= MOST_STEPS);
        prop_assert_eq!(from.is_none(), tried[0].is_none());
    }

    #[test]
    fn whatever_the_steps_come_to_it_ends(kept: Vec<bool>, void: Vec<bool>) {
        let mut step = 0;
        let answer = search(None, None).run(|_| {
            step += 1;
            let at = |list: &[bool]| list.get(step % list.len().max(1)).copied().unwrap_or(false);
            Ok::<_, Infallible>(Some(Step {
                rate: None,
                p99: at(&kept).then_some(0.001),
                achieved: 10.0,
                void: at(&void).then(String::new),
                kept: false,
                confirms: false,
            }))
        });
        prop_assert!(answer.unwrap().steps.len() <= MOST_STEPS);
    }
}

#[test]
fn a_step_that_missed_and_is_void_is_taken_once_more() {
    // 100, 200 and 200 again: void only the first time, and missed both times.
    let (answer, tried) = against(&search(Some(100.0), Some(200.0)), 150.0, |step| step == 2);
    assert_eq!(tried[..3], [Some(100.0), Some(200.0), Some(200.0)]);
    assert!(answer.sentence.ends_with("do not."), "{}", answer.sentence);
    // Void both times: then nobody knows.
    let (answer, _) = against(&search(Some(100.0), Some(200.0)), 150.0, |step| step > 1);
    assert!(
        answer.sentence.contains("is not known"),
        "{}",
        answer.sentence
    );
}

#[test]
fn a_step_that_kept_the_target_though_the_generator_was_late_has_kept_it() {
    let (answer, tried) = against(&search(Some(100.0), Some(100.0)), 1000.0, |_| true);
    assert_eq!(tried, [Some(100.0)]);
    assert_eq!(answer.rate, Some(100.0));
}

/// Searches between 100 and 400 with so many confirmations, against a server that
/// keeps the target up to a knee: this one while the rate is searched, that one
/// when it is repeated. Also each confirmation's rate, seed and seconds.
fn confirmed(confirmations: u64, knees: (f64, f64)) -> (SearchAnswer, Vec<(f64, u64, f64)>) {
    let request = SearchRequest {
        confirmations,
        seed: 7,
        ..request(Some(100.0), Some(400.0))
    };
    let mut again = Vec::new();
    let answer = request.search(&AllowList::default()).unwrap().run(|plan| {
        let Pace::Open { rate, seed, .. } = plan.pace else {
            unreachable!("the first rate is given")
        };
        let is_again = seed != 7;
        let knee = if is_again { knees.1 } else { knees.0 };
        if is_again {
            again.push((rate, seed, plan.seconds));
        }
        Ok::<_, Infallible>(Some(Step {
            rate: Some(rate),
            p99: Some(if rate <= knee { 0.01 } else { 0.5 }),
            achieved: rate,
            void: None,
            kept: false,
            confirms: false,
        }))
    });
    (answer.unwrap(), again)
}

#[test]
fn a_rate_that_was_found_is_repeated_for_longer_and_by_other_chance() {
    let (answer, again) = confirmed(3, (1000.0, 1000.0));
    assert_eq!((answer.rate, answer.confirmed), (Some(400.0), 3));
    assert_eq!(again, [(400.0, 8, 2.0), (400.0, 9, 2.0), (400.0, 10, 2.0)]);
    let confirms = answer.steps.iter().filter(|step| step.confirms);
    assert_eq!(confirms.count(), 3);
    assert!(
        answer.sentence.contains("confirmed 3 times"),
        "{}",
        answer.sentence
    );
}

#[test]
fn a_rate_that_does_not_hold_is_lowered_until_one_does() {
    let (answer, again) = confirmed(2, (1000.0, 375.0));
    let rates: Vec<f64> = again.iter().map(|(rate, ..)| *rate).collect();
    assert_eq!(rates, [400.0, 380.0, 361.0, 361.0]);
    assert_eq!((answer.rate, answer.confirmed), (Some(361.0), 2));
    assert_eq!(answer.bracket, (Some(361.0), Some(380.0)));
}

#[test]
fn a_lowered_rate_that_was_not_tried_any_more_is_no_rate() {
    let mut steps = 0;
    let request = SearchRequest {
        confirmations: 1,
        ..request(Some(100.0), Some(100.0))
    };
    // Kept, missed when it is repeated, and then ended.
    let answer = request.search(&AllowList::default()).unwrap().run(|_| {
        steps += 1;
        Ok::<_, Infallible>((steps <= 2).then_some(Step {
            rate: Some(100.0),
            p99: Some(if steps == 1 { 0.01 } else { 0.5 }),
            achieved: 100.0,
            void: None,
            kept: false,
            confirms: false,
        }))
    });
    let answer = answer.unwrap();
    assert_eq!((answer.rate, answer.bracket.1), (None, Some(100.0)));
}

#[test]
fn what_is_never_confirmed_is_no_rate_and_ends() {
    let (answer, again) = confirmed(3, (1000.0, 0.0));
    assert_eq!((answer.rate, answer.confirmed), (None, 0));
    assert!(again.len() <= MOST_STEPS, "{}", again.len());
    assert!(
        answer.sentence.starts_with("No rate"),
        "{}",
        answer.sentence
    );
}

#[test]
fn it_stays_below_the_highest_rate_and_ends_there() {
    let (answer, tried) = against(&search(Some(100.0), Some(300.0)), 1000.0, |_| false);
    assert_eq!(tried, [Some(100.0), Some(200.0), Some(300.0)]);
    assert_eq!((answer.rate, answer.bracket.1), (Some(300.0), None));
    assert!(
        answer.sentence.contains("300.0 requests"),
        "{}",
        answer.sentence
    );
}

#[test]
fn where_no_rate_keeps_the_target_that_is_said() {
    let (answer, tried) = against(&search(Some(8.0), None), 0.0, |_| false);
    assert_eq!(answer.rate, None);
    assert_eq!(tried.last(), Some(&Some(*RATE.start())));
    assert!(answer.sentence.starts_with("No rate"));
}

#[test]
fn a_search_that_is_ended_says_what_is_known() {
    let mut steps = 0;
    let answer = search(Some(10.0), None).run(|plan| {
        steps += 1;
        let Pace::Open { rate, .. } = plan.pace else {
            unreachable!("the first rate is given")
        };
        Ok::<_, Infallible>((steps <= 2).then_some(Step {
            rate: Some(rate),
            p99: Some(0.001),
            achieved: rate,
            void: None,
            kept: false,
            confirms: false,
        }))
    });
    assert_eq!(answer.unwrap().rate, Some(20.0));
}

#[test]
fn fields_that_cannot_be_are_named() {
    let wrong = |change: fn(&mut SearchRequest)| {
        let mut request = request(Some(10.0), Some(20.0));
        change(&mut request);
        request.search(&AllowList::default()).unwrap_err().field
    };
    assert_eq!(
        wrong(|r| r.targets = vec!["http://example.com".into()]),
        "targets"
    );
    assert_eq!(wrong(|r| r.p99_seconds = f64::NAN), "p99_seconds");
    assert_eq!(wrong(|r| r.seconds = 0.0), "seconds");
    assert_eq!(wrong(|r| r.connections = 0), "connections");
    assert_eq!(wrong(|r| r.confirmations = 11), "confirmations");
    assert_eq!(wrong(|r| r.from = Some(-1.0)), "from");
    assert_eq!(wrong(|r| r.to = Some(5.0)), "to");
    assert_eq!(wrong(|r| r.work = Some(u64::MAX)), "work");
    assert_eq!(wrong(|r| r.timeout_seconds = 1e9), "timeout_seconds");
}
