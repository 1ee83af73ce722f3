//! A URL as given, made into the one form under which it is fetched and stored.

use std::fmt::Write as _;
use url::Url;

/// The most bytes of a URL: the sitemap protocol's own limit, and short enough
/// for a database's index.
pub const MOST_BYTES: usize = 2048;

/// Why a text is no URL to fetch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// No URL at all.
    #[error("is no URL: {0}")]
    Syntax(#[from] url::ParseError),
    /// A scheme that is not fetched.
    #[error("has the scheme {0:?}; only http and https are fetched")]
    Scheme(String),
    /// A user name or password in it.
    #[error("has a user name or password in it, which would be stored with it")]
    Credentials,
    /// Longer than [`MOST_BYTES`].
    #[error("is longer than {MOST_BYTES} bytes")]
    TooLong,
}

/// The URL that `text` names: scheme and host in lower case, without default
/// port, dot segments and fragment, each escape in one spelling. Two texts that
/// come to the same are fetched once.
pub fn normalise(text: &str) -> Result<Url, BadUrl> {
    let text = text.trim();
    if text.len() > MOST_BYTES {
        return Err(BadUrl::TooLong);
    }
    normalised(Url::parse(text)?)
}

/// The same for a URL that was read already, such as a redirect's.
pub fn normalised(mut url: Url) -> Result<Url, BadUrl> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadUrl::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::Credentials);
    }
    url.set_fragment(None);
    if url.path().contains('%') {
        let path = one_spelling(url.path());
        url.set_path(&path);
    }
    if let Some(query) = url.query().filter(|query| query.contains('%')) {
        let query = one_spelling(query);
        url.set_query(Some(&query));
    }
    if url.as_str().len() > MOST_BYTES {
        return Err(BadUrl::TooLong);
    }
    Ok(url)
}

/// Escapes of characters that need none are undone, the others get capital
/// digits (RFC 3986, 6.2.2). Dots stay: `%2e%2e` undone would be a way up,
/// which the parser has seen to already. So does what would make an escape of a
/// `%` that is none: `%0%61` is not `%0a`.
fn one_spelling(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut no_escape) = (text, None);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let Some(byte) = escaped(&rest[at..]) else {
            no_escape = Some(out.len());
            out.push('%');
            rest = &rest[at + 1..];
            continue;
        };
        let joins = no_escape.is_some_and(|percent| out.len() - percent <= 2);
        if !joins && (byte.is_ascii_alphanumeric() || b"-_~".contains(&byte)) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        rest = &rest[at + 3..];
    }
    out + rest
}

/// The byte that the escape at the beginning of `text` stands for.
fn escaped(text: &str) -> Option<u8> {
    let digits = text.get(1..3)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_url_come_to_one() {
        for (given, normal) in [
            ("HTTP://Example.COM", "http://example.com/"),
            (" http://example.com:80/a#part ", "http://example.com/a"),
            (
                "https://example.com:443/a/../b/./c",
                "https://example.com/b/c",
            ),
            (
                "http://example.com/%7euser/%c3%a9?q=%41%2f",
                "http://example.com/~user/%C3%A9?q=A%2F",
            ),
            ("http://example.com/é", "http://example.com/%C3%A9"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://bücher.example/", "http://xn--bcher-kva.example/"),
            ("http://example.com/100%", "http://example.com/100%"),
            ("http://h/?%0%61&%%61b", "http://h/?%0%61&%%61b"),
        ] {
            assert_eq!(normalise(given).unwrap().as_str(), normal, "{given}");
        }
    }

    #[test]
    fn what_is_no_url_to_fetch_is_refused_with_the_reason() {
        for (given, part) in [
            ("", "is no URL"),
            ("example.com", "is no URL"),
            ("http://", "is no URL"),
            ("ftp://example.com/", "\"ftp\""),
            ("file:///etc/passwd", "\"file\""),
            ("http://user:secret@example.com/", "password"),
        ] {
            let refusal = normalise(given).unwrap_err().to_string();
            assert!(refusal.contains(part), "{given}: {refusal}");
        }
        let long = format!("http://example.com/{}", "a".repeat(MOST_BYTES));
        assert_eq!(normalise(&long), Err(BadUrl::TooLong));
    }

    proptest! {
        #[test]
        fn normalising_again_changes_nothing(path in "([a-zA-Z0-9/.~_-]|%|%[0-9a-fA-F]{2}){0,40}", query in "([a-f0-9=&]|%|%[0-9a-fA-F]{2}){0,20}") {
            let once = normalise(&format!("http://Example.com/{path}?{query}"));
            if let Ok(once) = once {
                prop_assert_eq!(normalise(once.as_str()).unwrap(), once);
            }
        }

        #[test]
        fn an_escape_of_a_letter_is_that_letter(letters in "[a-zA-Z0-9_~-]{1,20}") {
            let escaped: Vec<_> = letters.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let escaped = escaped.concat();
            let plain = normalise(&format!("http://h/{letters}?{letters}")).unwrap();
            prop_assert_eq!(normalise(&format!("http://h/{escaped}?{escaped}")).unwrap(), plain);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), after in any::<String>()) {
            let _ = normalise(&text);
            let _ = normalise(&format!("http://h/{after}"));
        }
    }
}
