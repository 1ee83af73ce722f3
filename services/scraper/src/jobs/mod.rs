//! `POST /scrape`: a list of URLs as a job.

use axum::Router;

/// Its routes.
pub fn router() -> Router {
    Router::new()
}
