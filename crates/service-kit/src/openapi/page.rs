//! `/docs`: a page on which `/openapi.json` is read and tried.
//!
//! It is Swagger UI, vendored (`assets/swagger-ui/README.md`), so that it needs no
//! internet; and its answers forbid the browser any request to another host.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// The version of what is vendored: it stands in the paths, so that browsers may
/// keep the files for ever.
const VERSION: &str = "5.32.6";

const SCRIPT: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz");
const STYLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz");
const LICENCE: &str = concat!(
    include_str!("../../assets/swagger-ui/NOTICE"),
    "\n",
    include_str!("../../assets/swagger-ui/LICENSE"),
);

/// The page itself. The links are relative: it works behind a prefix too.
const PAGE: &str = include_str!("page.html");

/// What starts Swagger UI; a file of its own, since no script may stand in the page.
const START: &str = include_str!("page.js");

/// This service alone. Swagger UI sets styles in elements and draws its icons from
/// data URLs.
const ONLY_FROM_HERE: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The route `/docs` and what its page loads. The service serves `/openapi.json` itself.
pub fn page<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let file = |name: &str| format!("/docs/{VERSION}/{name}");
    Router::new()
        .route("/docs", get(async || html()))
        .route("/docs/start.js", get(async || text(JAVASCRIPT, START)))
        .route("/docs/licence.txt", get(async || text(PLAIN, LICENCE)))
        .route(
            &file("swagger-ui-bundle.js"),
            get(async || compressed(JAVASCRIPT, SCRIPT)),
        )
        .route(
            &file("swagger-ui.css"),
            get(async || compressed(CSS, STYLE)),
        )
}

fn html() -> Response {
    let page = PAGE.replace("{version}", VERSION);
    let policy = (header::CONTENT_SECURITY_POLICY, ONLY_FROM_HERE);
    ([policy, (header::CONTENT_TYPE, HTML)], page).into_response()
}

fn text(media_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}

/// Sent compressed as it is kept, also to the rare client that did not ask for it.
fn compressed(media_type: &'static str, bytes: &'static [u8]) -> Response {
    let headers = [
        (header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        (header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER)),
    ];
    let body = Bytes::from_static(bytes);
    (headers, [(header::CONTENT_TYPE, media_type)], body).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    /// The SHA-256 of what `compressed` decompresses to.
    fn sum_of(compressed: &[u8]) -> String {
        let mut summing = Command::new("sh")
            .args(["-c", "gzip -dc | sha256sum"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        summing.stdin.take().unwrap().write_all(compressed).unwrap();
        let output = summing.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().next().unwrap().to_owned()
    }

    #[test]
    fn what_is_vendored_is_what_its_readme_says() {
        let readme = include_str!("../../assets/swagger-ui/README.md");
        assert!(readme.starts_with(&format!("# Swagger UI {VERSION},")));
        for (name, bytes) in [("swagger-ui-bundle.js", SCRIPT), ("swagger-ui.css", STYLE)] {
            let line = format!("| `{name}` | `{}` |", sum_of(bytes));
            assert!(readme.contains(&line), "{line}");
        }
    }

    #[test]
    fn the_page_names_no_other_host() {
        for text in [PAGE, START] {
            for elsewhere in ["http:", "https:", "\"//", "'//"] {
                assert!(!text.contains(elsewhere), "{elsewhere}: {text}");
            }
        }
    }
}
