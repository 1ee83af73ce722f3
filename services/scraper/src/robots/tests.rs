#![allow(clippy::unwrap_used)]
use super::pattern::matches;
use super::*;
use proptest::prelude::*;

fn allowed(robots: &str, path: &str) -> bool {
    Rules::parse(robots.as_bytes(), PRODUCT).allow(path)
}

#[test]
fn the_longest_pattern_decides_and_allow_wins_a_tie() {
    let robots =
        "User-agent: *\nDisallow: /private/\nAllow: /private/open\nDisallow: /both\nAllow: /both\n";
    for (path, expected) in [
        ("/", true),
        ("/private", true),
        ("/private/", false),
        ("/private/1?q", false),
        ("/private/open/1", true),
        ("/both", true),
        ("/robots.txt", true),
    ] {
        assert_eq!(allowed(robots, path), expected, "{path}");
    }
    assert!(allowed("User-agent: *\nDisallow: /\n", "/robots.txt"));
}

#[test]
fn a_group_that_names_the_program_takes_the_place_of_everybodys() {
    let robots = "User-agent: *\nDisallow: /\n\nUser-agent: Parlab-Scraper/1.0\nUser-agent: other\nDisallow: /a\n\
                  User-agent: third\nDisallow: /b\nUser-agent: parlab-scraper\nDisallow: /c\n";
    for (path, expected) in [("/", true), ("/a", false), ("/b", true), ("/c", false)] {
        assert_eq!(allowed(robots, path), expected, "{path}");
    }
    // Named without a rule: nothing is forbidden to it.
    assert!(allowed(
        "User-agent: *\nDisallow: /\nUser-agent: parlab-scraper\nDisallow:\n",
        "/x"
    ));
    // A name that ours begins with is another's.
    assert!(allowed("User-agent: parlab\nDisallow: /\n", "/x"));
}

#[test]
fn comments_blank_lines_and_nonsense_are_passed_over() {
    let robots = "\u{feff}# hi\nDisallow: /before-any-group\nnonsense\nUser-Agent : * # all\n\nSitemap: /s\nDISALLOW: /x # no\r\nCrawl-delay: 3\n";
    assert!(!allowed(robots, "/x"));
    assert!(allowed(robots, "/before-any-group"));
    assert!(allowed("", "/x"));
}

#[test]
fn escapes_are_compared_in_one_spelling() {
    let robots = "User-agent: *\nDisallow: /caf%c3%a9\nDisallow: /%7Euser\nDisallow: /a%2fb\n";
    for (path, expected) in [
        ("/café", false),
        ("/caf%C3%A9", false),
        ("/~user/x", false),
        ("/a/b", true),
        ("/a%2Fb", false),
    ] {
        assert_eq!(allowed(robots, path), expected, "{path}");
    }
}

#[test]
fn stars_and_the_end_mark_match_as_they_should() {
    for (pattern, path, expected) in [
        ("/*.php", "/x/index.php?a", true),
        ("/*.php$", "/index.php", true),
        ("/*.php$", "/index.php?a", false),
        ("/*.php$", "/a.php/b.php", true),
        ("/fish*", "/fishing", true),
        ("/a*b*c", "/axxbyyc1", true),
        ("/a*b*c", "/axxcyyb", false),
        ("/x$", "/x", true),
        ("/x$", "/xy", false),
        ("*", "/", true),
        ("/**a$", "/a", true),
    ] {
        assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
    }
}

/// The same by trying all: short texts only.
fn slowly(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => true,
        [b'$'] => path.is_empty(),
        [b'*', rest @ ..] => (0..=path.len()).any(|skipped| slowly(rest, &path[skipped..])),
        [first, rest @ ..] => path.first() == Some(first) && slowly(rest, &path[1..]),
    }
}

proptest! {
    #[test]
    fn matching_is_what_trying_all_comes_to(pattern in "[ab*]{0,8}\\$?", path in "[ab]{0,10}") {
        prop_assert_eq!(matches(&pattern, &path), slowly(pattern.as_bytes(), path.as_bytes()));
    }

    #[test]
    fn no_file_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..300), path in ".{0,50}") {
        let _ = Rules::parse(&text, PRODUCT).allow(&path);
    }

    #[test]
    fn a_disallowed_prefix_forbids_all_below_it(prefix in "/[a-z]{1,8}", below in "[a-z/?=]{0,12}") {
        let robots = format!("User-agent: *\nDisallow: {prefix}\n");
        let path = format!("{prefix}{below}");
        prop_assert!(!allowed(&robots, &path));
    }
}

#[test]
fn a_hostile_pattern_takes_no_time() {
    let pattern = format!("User-agent: *\nDisallow: /{}b$\n", "a*".repeat(2000));
    let path = format!("/{}", "a".repeat(2000));
    assert!(allowed(&pattern, &path));
}
