//! The bodies of answers: whole ones, and those with a fault.

use crate::metrics::Outcome;
use crate::visit::Visit;
use hyper::Method;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// How often a part of an endless body comes: enough to reach any cap soon, and
/// no more CPU than pages leave.
const ENDLESS_EVERY: Duration = Duration::from_millis(1);

/// How long half a body is left to reach the client before the reset, which
/// would take back what is not sent yet.
const HALF_FOR: Duration = Duration::from_millis(20);

/// Why an answer ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The connection is to be reset (RST).
    #[error("reset on purpose")]
    Reset,
    /// The connection is to be closed: its body went on for long enough.
    #[error("the body's time is over")]
    Cut,
}

/// An answer's body.
#[derive(Debug)]
pub struct Answer {
    content: Content,
    /// The request that it answers; none for what is not counted.
    visit: Option<Visit>,
}

#[derive(Debug)]
enum Content {
    /// All at once; then the request has this outcome.
    Whole(Bytes, Outcome),
    /// Nothing more.
    Ended,
    /// Part by part. Boxed, as it is rare and large.
    Paced(Box<Paced>),
}

#[derive(Debug)]
struct Paced {
    rest: Rest,
    /// When the next part comes.
    next: Pin<Box<Sleep>>,
    /// When the connection ends.
    end: Instant,
}

#[derive(Debug)]
enum Rest {
    /// A byte each time.
    Slow { bytes: Bytes, every: Duration },
    /// The same part each time.
    Endless { part: Bytes },
    /// The first half of so many bytes.
    Half { part: Bytes, length: u64 },
}

impl Answer {
    /// `bytes`, not counted.
    pub fn uncounted(bytes: impl Into<Bytes>) -> Self {
        Self {
            content: Content::Whole(bytes.into(), Outcome::Served),
            visit: None,
        }
    }

    /// `bytes`; `visit` ends with `outcome` when they are handed over.
    pub fn whole(bytes: impl Into<Bytes>, visit: Visit, outcome: Outcome) -> Self {
        let mut whole = Self {
            content: Content::Whole(bytes.into(), outcome),
            visit: None,
        };
        if *visit.method() == Method::HEAD {
            // Nobody will ask for the body.
            visit.ends(outcome);
        } else {
            whole.visit = Some(visit);
        }
        whole
    }

    /// A byte of `bytes` each time `every` has passed, for `longest` at most.
    pub fn slow(bytes: Bytes, every: Duration, longest: Duration, visit: Visit) -> Self {
        Self::paced(Rest::Slow { bytes, every }, longest, visit)
    }

    /// `part` again and again, for `longest`.
    pub fn endless(part: Bytes, longest: Duration, visit: Visit) -> Self {
        Self::paced(Rest::Endless { part }, longest, visit)
    }

    /// Half of `bytes` and a reset.
    pub fn half(bytes: &Bytes, visit: Visit) -> Self {
        let part = bytes.slice(..bytes.len() / 2);
        let length = bytes.len() as u64;
        Self::paced(Rest::Half { part, length }, HALF_FOR, visit)
    }

    fn paced(rest: Rest, longest: Duration, visit: Visit) -> Self {
        let paced = Paced {
            rest,
            next: Box::pin(sleep(Duration::ZERO)),
            end: Instant::now() + longest,
        };
        Self {
            content: Content::Paced(Box::new(paced)),
            visit: Some(visit),
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.content = Content::Ended;
        if let Some(visit) = self.visit.take() {
            visit.ends(outcome);
        }
    }
}

impl Paced {
    fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Broken>> {
        ready!(self.next.as_mut().poll(context));
        let now = Instant::now();
        if now >= self.end {
            return Poll::Ready(Err(match self.rest {
                Rest::Half { .. } => Broken::Reset,
                Rest::Slow { .. } | Rest::Endless { .. } => Broken::Cut,
            }));
        }
        let (part, next) = match &mut self.rest {
            Rest::Slow { bytes, every } => (bytes.split_to(bytes.len().min(1)), now + *every),
            Rest::Endless { part } => (part.clone(), now + ENDLESS_EVERY),
            Rest::Half { part, .. } => (std::mem::take(part), self.end),
        };
        self.next.as_mut().reset(next.min(self.end));
        Poll::Ready(Ok(part))
    }

    fn is_whole(&self) -> bool {
        matches!(&self.rest, Rest::Slow { bytes, .. } if bytes.is_empty())
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        match &mut this.content {
            Content::Ended => Poll::Ready(None),
            Content::Whole(bytes, outcome) => {
                let (bytes, outcome) = (std::mem::take(bytes), *outcome);
                this.end(outcome);
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Content::Paced(paced) => {
                let part = ready!(paced.poll_part(context));
                let whole = paced.is_whole();
                match part {
                    Ok(_) if whole => this.end(Outcome::Served),
                    Ok(_) => {}
                    Err(Broken::Reset) => this.end(Outcome::Reset),
                    Err(Broken::Cut) => this.end(Outcome::Cut),
                }
                Poll::Ready(Some(part.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Ended => SizeHint::with_exact(0),
            Content::Whole(bytes, _) => SizeHint::with_exact(bytes.len() as u64),
            Content::Paced(paced) => match &paced.rest {
                Rest::Slow { bytes, .. } => SizeHint::with_exact(bytes.len() as u64),
                Rest::Endless { .. } => SizeHint::default(),
                Rest::Half { length, .. } => SizeHint::with_exact(*length),
            },
        }
    }
}
