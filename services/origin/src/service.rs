//! What is answered to a request.

use crate::answers;
use crate::body::{Answer, Broken};
use crate::config::Manner;
use crate::library::Library;
use crate::metrics::Metrics;
use crate::timer::Timer;
use crate::visit::Visit;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, HOST};
use hyper::{Method, Request, Response, StatusCode};
use origin::coding::Coding;
use origin::ledger::{Ledger, PathCount};
use origin::rate_limit::Clients;
use origin::web::Web;
use origin::web::route::Route;
use origin::web::site;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// A web that is served.
#[derive(Debug)]
pub struct Origin {
    pub(crate) library: Arc<Library>,
    pub(crate) manner: Manner,
    metrics: Arc<Metrics>,
    timer: Timer,
    /// On the way of a request, and free but for the moment in which the
    /// account is begun anew.
    account: RwLock<Arc<Account>>,
    started: Instant,
}

/// What `DELETE /stats` begins anew. Requests under way stay in the one that
/// they began in.
#[derive(Debug)]
struct Account {
    ledger: Arc<Ledger>,
    clients: Option<Clients>,
}

impl Account {
    fn new(web: &Web, manner: &Manner) -> Arc<Self> {
        Arc::new(Self {
            ledger: Arc::new(Ledger::new(web)),
            clients: manner.rate_limit.map(Clients::new),
        })
    }
}

impl Origin {
    /// Serves `web` in this manner.
    pub fn new(web: Web, manner: Manner, metrics: Arc<Metrics>, timer: Timer) -> Self {
        Self {
            account: RwLock::new(Account::new(&web, &manner)),
            library: Arc::new(Library::new(web)),
            manner,
            metrics,
            timer,
            started: Instant::now(),
        }
    }

    pub(crate) fn web(&self) -> &Web {
        &self.library.web
    }

    fn account(&self) -> Arc<Account> {
        let account = self.account.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&account)
    }

    fn begin_account_anew(&self) {
        let anew = Account::new(self.web(), &self.manner);
        let mut account = self.account.write().unwrap_or_else(PoisonError::into_inner);
        *account = anew;
    }

    /// Counts a connection that begins.
    pub fn connected(&self) {
        self.account().ledger.connect();
        self.metrics.connections.inc();
    }

    /// Counts the end of a connection.
    pub fn disconnected(&self) {
        self.metrics.connections.dec();
    }

    /// Answers `request` of `client`.
    ///
    /// # Errors
    /// When the connection is to be reset in place of an answer.
    pub async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: IpAddr,
    ) -> Result<Response<Answer>, Broken> {
        let route = Route::of(request.uri().path());
        match route {
            Route::Stats | Route::Faults | Route::Robots | Route::Sitemap => {
                Ok(self.about(route, &request).await)
            }
            route => self.visited(route, &request, client).await,
        }
    }

    /// What tells about the web and is no part of it.
    async fn about(self: Arc<Self>, route: Route, request: &Request<Incoming>) -> Response<Answer> {
        let account = self.account();
        match (route, request.method()) {
            (_, &Method::GET | &Method::HEAD) => {}
            (Route::Stats, &Method::DELETE) => {
                self.begin_account_anew();
                return answers::done();
            }
            (Route::Stats, _) => return answers::uncounted_not_allowed("GET, HEAD, DELETE"),
            _ => return answers::uncounted_not_allowed("GET, HEAD"),
        }
        if let Some(path) = account.ledger.path(route) {
            path.attempt();
            path.serve();
        }
        let host = request.headers().get(HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let host = host.unwrap_or("localhost");
        match route {
            Route::Robots => answers::uncounted("text/plain; charset=utf-8", site::robots(host)),
            Route::Sitemap => answers::uncounted("application/xml", self.web().sitemap(host)),
            Route::Faults => json(move || self.faults()).await,
            _ => {
                let paths = request.uri().query() != Some("paths=false");
                json(move || account.ledger.totals(paths)).await
            }
        }
    }

    fn faults(&self) -> BTreeMap<String, &'static str> {
        let faults = self.web().faulty();
        faults
            .map(|(page, fault)| (Route::Page(page).path(), fault.name()))
            .collect()
    }

    async fn visited(
        &self,
        route: Route,
        request: &Request<Incoming>,
        client: IpAddr,
    ) -> Result<Response<Answer>, Broken> {
        let account = self.account();
        let ledger = Arc::clone(&account.ledger);
        let metrics = Arc::clone(&self.metrics);
        let visit = Visit::begin(ledger, metrics, route, request.method().clone());
        let Some(attempt) = visit.path().map(PathCount::attempt) else {
            let path = request.uri().path();
            account.ledger.attempt_unknown(path);
            return Ok(answers::not_found(visit, path));
        };
        if !matches!(*visit.method(), Method::GET | Method::HEAD) {
            return Ok(answers::not_allowed(visit));
        }
        if let Some(clients) = &account.clients
            && let Err(after) = clients.take(client, self.started.elapsed())
        {
            return Ok(answers::limited(visit, after));
        }
        let latency = self.web().latency(route, attempt);
        if !latency.is_zero() {
            self.timer.sleep(latency).await;
        }
        let coding = self.coding(request);
        match route {
            Route::Page(page) => match self.web().fault(page) {
                Some(fault) if !self.is_over(fault, &visit) => self.faulty(page, fault, visit),
                _ => Ok(self.good(page, coding, visit).await),
            },
            Route::Moved(page) => Ok(self.good(page, coding, visit).await),
            Route::Loop(page) => Ok(answers::redirect(
                visit,
                StatusCode::FOUND,
                Route::Page(page),
            )),
            Route::Private(page) => Ok(answers::good(visit, site::private(page))),
            _ => Ok(answers::good(visit, self.web().index())),
        }
    }

    fn coding(&self, request: &Request<Incoming>) -> Coding {
        if !self.manner.compress {
            return Coding::Identity;
        }
        let accepted = request.headers().get(ACCEPT_ENCODING);
        let accepted = accepted.and_then(|accepted| accepted.to_str().ok());
        accepted.map_or(Coding::Identity, Coding::accepted)
    }

    async fn good(&self, page: u64, coding: Coding, visit: Visit) -> Response<Answer> {
        match self.library.coded(page, coding).await {
            Ok(html) if self.manner.compress => answers::coded(visit, html, coding),
            Ok(html) => answers::good(visit, html),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), page, "cannot be compressed");
                answers::good(visit, self.library.page(page))
            }
        }
    }
}

/// What `tell` tells, worked out where it may take its time: the account of a
/// million pages does.
async fn json<T: serde::Serialize>(tell: impl FnOnce() -> T + Send + 'static) -> Response<Answer> {
    let told = tokio::task::spawn_blocking(move || serde_json::to_vec(&tell()));
    match told.await {
        Ok(Ok(told)) => answers::uncounted("application/json", told),
        Ok(Err(error)) => answers::internal(error),
        Err(error) => answers::internal(error),
    }
}
