#![allow(clippy::unwrap_used)]
use super::*;
use crate::crawl::feed;
use proptest::prelude::*;

/// What is passed on of a list, what was counted, and what was complained of.
fn all_of(list: &[u8], done: &[&str]) -> (Vec<String>, Counts, Vec<String>) {
    let mut before = UrlSet::default();
    for url in done {
        before.insert(&normalise(url).unwrap());
    }
    let (sender, mut urls) = feed();
    let (found, mut complaints) = (Found::default(), Vec::new());
    let passed_on = std::thread::scope(|scope| {
        let taking = scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let mut taken = Vec::new();
            while let Some(url) = runtime.block_on(urls.next()) {
                taken.push(url.to_string());
            }
            taken
        });
        let all = read(list, &before, &sender, &found, |what| {
            complaints.push(what.to_owned());
        });
        assert!(all.unwrap());
        drop(sender);
        taking.join().unwrap()
    });
    (passed_on, found.counts(), complaints)
}

#[test]
fn what_a_resumed_run_has_is_not_given_again() {
    let (urls, counts, _) = all_of(b"http://h/a\nhttp://h/b\nhttp://h/a#x\n", &["http://H/a"]);

    assert_eq!(urls, ["http://h/b"]);
    assert_eq!(
        (counts.given, counts.done_before, counts.duplicates),
        (1, 1, 1)
    );
}

#[test]
fn a_list_from_elsewhere_is_read_too() {
    let (urls, counts, complaints) = all_of(
        b"\xef\xbb\xbfhttp://h/a\r\n\xff\xfe\r\n  \r\nhttp://h/b",
        &[],
    );

    assert_eq!(urls, ["http://h/a", "http://h/b"]);
    assert_eq!(counts.bad_lines, 1);
    assert_eq!(complaints, ["line 2: is not UTF-8"]);
}

#[test]
fn who_takes_no_more_ends_the_reading() {
    let (sender, urls) = feed();
    drop(urls);
    let endless = std::io::repeat(b'a').chain(&b"\n"[..]);
    let list = b"http://h/a\n".chain(endless);
    let all = read(list, &UrlSet::default(), &sender, &Found::default(), |_| {}).unwrap();
    assert!(!all, "it has no end");
}

proptest! {
    #[test]
    fn every_line_is_counted_once_and_every_url_given_once(
        lines in proptest::collection::vec(prop_oneof![
            (0_u8..20).prop_map(|page| format!("http://h/{page}")),
            Just("nonsense".to_owned()),
            Just("# said nothing".to_owned()),
        ], 0..700),
    ) {
        let (urls, counts, complaints) = all_of(lines.join("\n").as_bytes(), &[]);

        let with_words = lines.iter().filter(|line| !line.starts_with('#')).count() as u64;
        prop_assert_eq!(counts.given + counts.duplicates + counts.bad_lines, with_words);
        let different: std::collections::BTreeSet<_> = urls.iter().collect();
        prop_assert_eq!(different.len(), urls.len());
        prop_assert_eq!(urls.len() as u64, counts.given);
        prop_assert!(complaints.len() <= 11);
    }

    #[test]
    fn no_list_makes_it_panic(list in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = all_of(&list, &[]);
    }
}

proptest! {
    /// What a bar runs up to is what the reading comes to.
    #[test]
    fn the_lines_that_count_are_those_that_are_dealt_with(
        lines in proptest::collection::vec(
            prop_oneof![
                Just(String::new()),
                Just("   ".to_owned()),
                Just("# http://h/a".to_owned()),
                Just("\u{feff}#".to_owned()),
                Just("http://h/a".to_owned()),
                Just("http://h/b ".to_owned()),
                Just("no url".to_owned()),
                Just("x".repeat(LONGEST_LINE + 1)),
                ".{0,20}",
            ],
            0..20,
        ),
        ends in any::<bool>(),
    ) {
        let mut list = lines.join("\n");
        if ends {
            list.push('\n');
        }
        let (_, counts, _) = all_of(list.as_bytes(), &["http://h/b"]);

        let dealt = counts.given + counts.duplicates + counts.done_before + counts.bad_lines;
        prop_assert_eq!(count(list.as_bytes()).unwrap(), dealt);
    }
}
