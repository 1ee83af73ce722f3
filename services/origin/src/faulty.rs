//! What a page answers that has a fault.

use crate::answers;
use crate::body::{Answer, Broken};
use crate::metrics::Outcome;
use crate::service::Origin;
use crate::visit::Visit;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use origin::ledger::PathCount;
use origin::web::fault::Fault;
use origin::web::route::Route;

/// How much of an endless body comes at once.
const ENDLESS_PART: usize = 64 << 10;

/// How a page is told to be elsewhere.
const REDIRECTS: [StatusCode; 4] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

impl Origin {
    /// Whether a page has shown its fault often enough.
    pub(crate) fn is_over(&self, fault: Fault, visit: &Visit) -> bool {
        let times = self.manner.fault_times;
        let shown = visit.path().map_or(0, PathCount::fail);
        fault.passes() && times > 0 && shown >= times
    }

    /// The answer of a page that shows its fault.
    ///
    /// # Errors
    /// When the connection is to be reset in place of an answer.
    pub(crate) fn faulty(
        &self,
        page: u64,
        fault: Fault,
        visit: Visit,
    ) -> Result<Response<Answer>, Broken> {
        visit.show(fault);
        let web = self.web();
        let form = Fault::form(web.seed, page);
        let longest = self.manner.longest_body;
        Ok(match fault {
            Fault::Status500 => answers::failure(visit, StatusCode::INTERNAL_SERVER_ERROR),
            Fault::Status503 => {
                let mut response = answers::failure(visit, StatusCode::SERVICE_UNAVAILABLE);
                let seconds = HeaderValue::from(self.manner.retry_after);
                response.headers_mut().insert(RETRY_AFTER, seconds);
                response
            }
            Fault::Reset if form % 2 == 0 => {
                visit.ends(Outcome::Reset);
                return Err(Broken::Reset);
            }
            Fault::Reset => {
                let whole = self.library.page(page);
                answers::page(visit, answers::HTML, |visit| Answer::half(&whole, visit))
            }
            Fault::SlowBody => {
                let (whole, every) = (self.library.page(page), self.manner.slow_body_every);
                answers::page(visit, answers::HTML, |visit| {
                    Answer::slow(whole, every, longest, visit)
                })
            }
            Fault::EndlessBody => {
                let part = web.page(page).repeat(ENDLESS_PART / web.page_bytes + 1);
                answers::page(visit, answers::HTML, |visit| {
                    Answer::endless(part.into(), longest, visit)
                })
            }
            Fault::WrongCharset => {
                let wrong = web.wrong_charset(page);
                let content_type = HeaderValue::from_static(wrong.content_type);
                answers::page(visit, content_type, |visit| {
                    Answer::whole(wrong.body, visit, Outcome::Served)
                })
            }
            Fault::Redirect => {
                let status = REDIRECTS[(form % 4) as usize];
                answers::redirect(visit, status, Route::Moved(page))
            }
            Fault::RedirectLoop => answers::redirect(visit, StatusCode::FOUND, Route::Loop(page)),
            Fault::Malformed => answers::good(visit, web.malformed(page)),
        })
    }
}
