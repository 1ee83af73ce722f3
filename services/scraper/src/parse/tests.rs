#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn light(html: &str) -> Page {
    Kernel::Light
        .parse(html.as_bytes(), Some("text/html; charset=utf-8"))
        .unwrap()
}

#[test]
fn title_links_and_words_are_found() {
    let page = light(
        "<!doctype html><html><head><title> A\n page &amp; more </title><style>no words</style></head>\
         <body><h1>Three words here</h1><script>var x = '<a href=1>';</script>\
         <a href=\"/page/2\">next</a> <a name=x>no link</a><A HREF='/3' href='/4'>one</A><!-- not these -->\
         <svg><title>not this</title></svg></body></html>",
    );
    assert_eq!(page.title.as_deref(), Some("A page & more"));
    assert_eq!(page.links, 2);
    assert_eq!(page.words, 3 + 1 + 2 + 1);
}

#[test]
fn malformed_pages_are_read_as_far_as_they_go() {
    for html in [
        "<title>t</title><p>two words<a href=",
        "<title>t</title><<p>>two words",
        "<title>t</title>two words<a",
    ] {
        assert_eq!(light(html).title.as_deref(), Some("t"), "{html}");
    }
    assert_eq!(
        light("<title>never ended").title.as_deref(),
        Some("never ended")
    );
    assert_eq!(light("").words, 0);
}

#[test]
fn the_declared_encoding_is_used_and_a_wrong_one_harms_nothing() {
    let latin = b"<title>caf\xe9</title>";
    let title = |content_type| {
        Kernel::Light
            .parse(latin, content_type)
            .unwrap()
            .title
            .unwrap()
    };
    assert_eq!(title(Some("text/html; charset=\"ISO-8859-1\"")), "café");
    assert_eq!(title(Some("text/html; charset=utf-8")), "caf\u{fffd}");
    assert_eq!(title(Some("text/html; charset=klingon")), "caf\u{fffd}");
    assert_eq!(title(None), "caf\u{fffd}");
}

#[test]
fn what_is_no_text_has_a_hash_alone() {
    let page = Kernel::Light
        .parse(b"<a href=1>x", Some("image/png"))
        .unwrap();
    assert_eq!((page.links, page.words), (0, 0));
    assert_eq!(page.hash, *blake3::hash(b"<a href=1>x").as_bytes());
    assert_eq!(Kernel::None.parse(b"x", None), None);
}

#[test]
fn phrases_are_counted_whatever_their_case_and_punctuation() {
    let found = frequencies("The end. The END, the beginning!", 3);
    let found: Vec<_> = found
        .iter()
        .map(|phrase| (phrase.words.as_str(), phrase.count))
        .collect();
    assert_eq!(found, [("the", 3), ("end", 2), ("end the", 2)]);
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_titles_are_clean(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut html = b"<title>".to_vec();
        html.extend_from_slice(&body);
        for content_type in [None, Some("text/html; charset=shift_jis"), Some("text/html;charset=")] {
            let page = Kernel::Heavy.parse(&html, content_type).unwrap();
            let title = page.title.unwrap_or_default();
            prop_assert!(!title.chars().any(char::is_control));
            prop_assert!(title.chars().count() <= 512);
            prop_assert_eq!(title.trim(), title.as_str());
        }
    }

    #[test]
    fn both_kernels_find_the_same(html in "(<(p|a href=x|title|/title|script|/script|b)>|[a-z ]{0,12}|&amp;|é){0,30}") {
        let parse = |kernel: Kernel| kernel.parse(html.as_bytes(), None);
        prop_assert_eq!(parse(Kernel::Light), parse(Kernel::Heavy));
    }

    #[test]
    fn every_word_is_counted_once(words in proptest::collection::vec("[a-c]{1,2}", 0..60)) {
        let found = frequencies(&words.join(" "), usize::MAX);
        let single = found.iter().filter(|phrase| !phrase.words.contains(' '));
        prop_assert_eq!(single.map(|phrase| phrase.count).sum::<u64>(), words.len() as u64);
        let all: u64 = found.iter().map(|phrase| phrase.count).sum();
        let expected: usize = (1..=words::LONGEST_PHRASE).map(|length| (words.len() + 1).saturating_sub(length)).sum();
        prop_assert_eq!(all, expected as u64);
    }
}
