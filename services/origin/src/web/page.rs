//! What stands on a page.

use super::Web;
use super::chance::{Chance, Purpose};
use super::words::{self, word};
use std::fmt::Write as _;

/// The smallest page: head, links and a sentence have room.
pub const LEAST_BYTES: usize = 1024;

const TAIL: &str = "</p>\n</main>\n<footer>© Parlab</footer>\n</body>\n</html>\n";

/// A page whose bytes and header disagree about the charset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongCharset {
    /// What the header says.
    pub content_type: &'static str,
    /// The page.
    pub body: Vec<u8>,
}

impl Web {
    /// A page in UTF-8, of exactly [`Web::page_bytes`].
    pub fn page(&self, page: u64) -> String {
        let mut chance = Chance::new(self.seed, Purpose::Text, page);
        let mut html = String::with_capacity(self.page_bytes);
        self.head(page, &mut chance, &mut html);
        let room = self.page_bytes.saturating_sub(html.len() + TAIL.len());
        text(room, &mut chance, &mut html);
        html.push_str(TAIL);
        html
    }

    fn head(&self, page: u64, chance: &mut Chance, html: &mut String) {
        html.push_str(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>",
        );
        let _ = write!(
            html,
            "Page {page}: {} {} {}",
            word(chance),
            word(chance),
            word(chance)
        );
        html.push_str("</title>\n</head>\n<body>\n<nav>\n<ul>\n");
        // Whoever follows the first links has seen every page in the end.
        let next = page % self.pages + 1;
        let others = 2 + chance.below(7);
        for to in std::iter::once(next).chain((0..others).map(|_| 1 + chance.below(self.pages))) {
            let _ = writeln!(html, "<li><a href=\"/page/{to}\">Page {to}</a></li>");
        }
        let _ = write!(html, "</ul>\n</nav>\n<main>\n<h1>Page {page}</h1>\n<p>");
    }

    /// A page that no parser would call valid, and browsers show all the same.
    pub fn malformed(&self, page: u64) -> String {
        self.page(page)
            .replacen("<!DOCTYPE html>\n", "", 1)
            .replace("</li>", "")
            .replace("</p>\n<p>", "<p class=a class=b>")
            .replacen("</head>\n<body>\n", "", 1)
            .replacen(
                "<h1>",
                "<h1 id=\"x><b><i>&nosuch; &#x110000; 1 < 2 & 3</b>\0",
                1,
            )
            .replace("<a href=\"/page/", "<a href=/page/")
            .replace("\">Page", " >Page")
            .replace("</main>\n", "<!-- never closed ")
            .replace("</html>\n", "<div <span ")
    }

    /// A page in another charset than its header says; which one is a function
    /// of the page.
    pub fn wrong_charset(&self, page: u64) -> WrongCharset {
        let html = self.page(page);
        match super::fault::Fault::form(self.seed, page) % 3 {
            0 => WrongCharset {
                content_type: "text/html; charset=utf-8",
                body: latin_1(&html),
            },
            1 => WrongCharset {
                content_type: "text/html; charset=utf-16",
                body: html.into_bytes(),
            },
            _ => WrongCharset {
                content_type: "text/html; charset=x-unknown",
                body: latin_1(&html),
            },
        }
    }
}

/// Sentences in paragraphs that fill `room` to the byte.
fn text(room: usize, chance: &mut Chance, html: &mut String) {
    const PARAGRAPH: usize = 6;
    let end = html.len() + room;
    for count in 1_usize.. {
        let sentence = words::sentence(chance);
        let after = if count % PARAGRAPH == 0 {
            "</p>\n<p>"
        } else {
            " "
        };
        if html.len() + sentence.len() + after.len() > end {
            break;
        }
        html.push_str(sentence);
        html.push_str(after);
    }
    loop {
        let word = words::word(chance);
        if html.len() + word.len() + 1 > end {
            break;
        }
        html.push_str(word);
        html.push(' ');
    }
    let left = end.saturating_sub(html.len());
    html.extend(std::iter::repeat_n('.', left));
}

/// Pages have no letter that this charset lacks.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?'))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::latency::Latency;
    use super::*;
    use proptest::prelude::*;

    fn web(seed: u64, pages: u64, page_bytes: usize) -> Web {
        Web {
            seed,
            pages,
            page_bytes,
            faults: super::super::fault::FaultShares::default(),
            latency: Latency::None,
        }
    }

    fn links(html: &str) -> Vec<u64> {
        let parts = html.split("href=\"/page/").skip(1);
        parts
            .map(|part| part.split('"').next().unwrap().parse().unwrap())
            .collect()
    }

    #[test]
    fn a_page_names_itself_and_links_to_the_next() {
        let html = web(1, 10, 2048).page(10);
        assert!(html.contains("<title>Page 10: "), "{html}");
        assert_eq!(links(&html)[0], 1);
    }

    #[test]
    fn a_malformed_page_keeps_title_and_text_and_loses_its_form() {
        let web = web(1, 10, 4096);
        let (good, bad) = (web.page(3), web.malformed(3));
        let title = |html: &str| {
            html.split("<title>")
                .nth(1)
                .unwrap()
                .split("</")
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(title(&bad), title(&good));
        assert!(!bad.contains("</li>") && !bad.contains("</html>") && bad.contains('\0'));
        assert_eq!(bad.matches("href=/page/").count(), links(&good).len());
    }

    #[test]
    fn the_wrong_charset_has_each_of_its_forms_and_none_is_right() {
        let web = web(1, 100, 1024);
        let mut seen = std::collections::BTreeSet::new();
        for page in 1..=100 {
            let wrong = web.wrong_charset(page);
            seen.insert(wrong.content_type);
            let utf_8 = std::str::from_utf8(&wrong.body).is_ok();
            let right = match wrong.content_type {
                "text/html; charset=utf-8" => utf_8,
                "text/html; charset=utf-16" => !utf_8,
                _ => false,
            };
            assert!(!right, "{page}: {}", wrong.content_type);
        }
        assert_eq!(seen.len(), 3);
    }

    proptest! {
        #[test]
        fn a_page_is_as_large_as_asked_for_and_the_same_each_time(
            seed: u64,
            page in 1_u64..=1_000_000,
            bytes in LEAST_BYTES..20_000,
        ) {
            let web = web(seed, 1_000_000, bytes);
            let html = web.page(page);
            prop_assert_eq!(html.len(), bytes);
            prop_assert_eq!(&html, &web.page(page));
            prop_assert!(html.ends_with("</html>\n"));
        }

        #[test]
        fn links_lead_to_pages_that_there_are(seed: u64, pages in 1_u64..1000, page in 0_u64..1000) {
            let web = web(seed, pages, 2048);
            let links = links(&web.page(1 + page % pages));
            prop_assert!(links.len() >= 3);
            prop_assert!(links.into_iter().all(|to| web.has(to)));
        }
    }
}
