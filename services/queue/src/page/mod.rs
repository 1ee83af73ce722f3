//! `/`: a page that submits jobs and shows them move. It is plain HTML and a
//! script over the WebSocket; nothing in it comes from elsewhere.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// This service alone; `'self'` covers its WebSocket.
const ONLY_FROM_HERE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
     connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The page and what it loads.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(async || sent("text/html; charset=utf-8", PAGE)))
        .route(
            "/page.css",
            get(async || sent("text/css; charset=utf-8", STYLE)),
        )
        .route(
            "/page.js",
            get(async || sent("text/javascript; charset=utf-8", SCRIPT)),
        )
}

fn sent(media_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, ONLY_FROM_HERE),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
