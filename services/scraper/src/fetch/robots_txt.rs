//! A host's robots.txt: asked for once, and again where it could not be had.

use super::Fetcher;
use super::hosts::Host;
use crate::outcome::ErrorKind;
use crate::robots::{self, Rules};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use url::{Position, Url};

/// What is known of a host's robots.txt.
#[derive(Debug, Default)]
pub(super) struct RobotsTxt {
    known: Mutex<Option<Known>>,
    /// Held by who asks for it; all others wait for the same answer.
    asking: tokio::sync::Mutex<()>,
}

/// The rules, or why they could not be had.
type Answer = Result<Arc<Rules>, ErrorKind>;

#[derive(Debug, Clone)]
struct Known {
    answer: Answer,
    /// When to ask anew; `None`: never in this run.
    again: Option<Instant>,
}

impl RobotsTxt {
    /// What is known, if it still counts.
    fn known(&self) -> Option<Answer> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref()?;
        let counts = known.again.is_none_or(|again| Instant::now() < again);
        counts.then(|| known.answer.clone())
    }

    /// What `ask` comes to, unless another has asked meanwhile. That the rules
    /// cannot be had is believed for a while only.
    async fn asked(
        &self,
        believed: Duration,
        ask: impl Future<Output = Result<Rules, ErrorKind>>,
    ) -> Answer {
        let _turn = self.asking.lock().await;
        if let Some(answer) = self.known() {
            return answer;
        }
        let answer = ask.await.map(Arc::new);
        let known = Known {
            again: answer.is_err().then(|| Instant::now() + believed),
            answer: answer.clone(),
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        answer
    }
}

impl Fetcher {
    /// Whether the robots.txt of its host lets `url` be fetched.
    pub(super) async fn check_robots(&self, host: &Host, url: &Url) -> Result<(), ErrorKind> {
        let rules = if let Some(answer) = host.robots.known() {
            answer?
        } else {
            let believed = self.shared.options.retry.longest_pause;
            host.robots.asked(believed, self.rules(url)).await?
        };
        if rules.allow(&url[Position::BeforePath..Position::AfterQuery]) {
            Ok(())
        } else {
            Err(ErrorKind::Robots)
        }
    }

    /// The rules of a URL's host, asked for with the same retries as a page.
    ///
    /// | the answer | what may be fetched |
    /// |---|---|
    /// | 2xx | what it says |
    /// | 4xx but 429: there is none (RFC 9309, 2.3.1.3) | all |
    /// | 429, 5xx, or none: not to be had (2.3.1.4) | nothing, until it is |
    ///
    /// The RFC has 429 among the 4xx; but who says that we ask too much says
    /// nothing of having no rules, and is not to be asked for all pages now.
    async fn rules(&self, url: &Url) -> Result<Rules, ErrorKind> {
        let mut robots = url.clone();
        robots.set_path("/robots.txt");
        robots.set_query(None);
        // Without a look at robots.txt: this is it.
        let fetched = Box::pin(self.with_retries(&robots, false)).await;
        match (fetched.body, fetched.status) {
            (Ok(body), _) => Ok(Rules::parse(&body.content, robots::PRODUCT)),
            (Err(ErrorKind::Status), Some(429)) => Err(ErrorKind::Robots),
            (Err(ErrorKind::Status), Some(400..=499)) => Ok(Rules::default()),
            (Err(ErrorKind::Status), _) => Err(ErrorKind::Robots),
            // The reason that a page would be missing for.
            (Err(error), _) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Asks through `robots`; the number of times that it came to that is the
    /// answer's own: the first ones fail.
    async fn ask(robots: &RobotsTxt, times: &AtomicU32, fail: u32, believed: Duration) -> Answer {
        if let Some(answer) = robots.known() {
            return answer;
        }
        let asked = async {
            tokio::task::yield_now().await;
            if times.fetch_add(1, Ordering::Relaxed) < fail {
                Err(ErrorKind::Robots)
            } else {
                Ok(Rules::default())
            }
        };
        robots.asked(believed, asked).await
    }

    #[tokio::test]
    async fn all_who_want_it_at_once_ask_once_and_rules_are_kept() {
        let (robots, times) = (RobotsTxt::default(), AtomicU32::new(0));
        for _ in 0..2 {
            let all = (0..50).map(|_| ask(&robots, &times, 0, Duration::ZERO));
            for answer in futures_util::future::join_all(all).await {
                assert!(answer.is_ok());
            }
        }
        assert_eq!(times.into_inner(), 1);
    }

    #[tokio::test]
    async fn that_it_cannot_be_had_is_believed_for_a_while() {
        let (robots, times) = (RobotsTxt::default(), AtomicU32::new(0));
        let believed = Duration::from_millis(300);
        let all = (0..50).map(|_| ask(&robots, &times, 1, believed));
        for answer in futures_util::future::join_all(all).await {
            assert_eq!(answer, Err(ErrorKind::Robots));
        }
        assert_eq!(times.load(Ordering::Relaxed), 1);

        tokio::time::sleep(believed).await;

        assert!(ask(&robots, &times, 1, believed).await.is_ok());
    }
}
