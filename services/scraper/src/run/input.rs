//! Where a run's URLs come from.

use crate::config::{RunConfig, Urls};
use crate::crawl::{Feed, feed};
use crate::seen::UrlSet;
use crate::source::{self, Found};
use anyhow::Context;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use tokio::sync::oneshot::{self, error::TryRecvError};
use url::Url;

/// Where URLs come from, ready to be read.
pub(super) enum Input {
    /// An origin's pages.
    Pages(Url, u64),
    /// A file, and how many of its lines are to be URLs.
    File(File, String, u64),
    /// Standard input.
    Stdin,
}

/// How the reading of a list ended; `Ok(false)`: before its end.
pub(super) struct Reading(oneshot::Receiver<Result<bool, String>>);

impl Input {
    /// Opens it.
    pub(super) fn open(config: &RunConfig) -> Result<Self, String> {
        if let Some(origin) = &config.origin {
            return Ok(Self::Pages(origin.clone(), config.pages));
        }
        match &config.urls {
            Some(Urls::File(path)) => {
                let name = path.display().to_string();
                let unreadable =
                    |error: io::Error| format!("--urls: {name} cannot be read: {error}");
                let file = File::open(path).map_err(unreadable)?;
                if file.metadata().map_err(unreadable)?.is_dir() {
                    return Err(format!(
                        "--urls: {name} is a directory; a file with a URL on each line is wanted"
                    ));
                }
                // A pipe has no length before its end.
                let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
                let lines = if is_file {
                    let list = File::open(path).and_then(source::count);
                    list.map_err(unreadable)?
                } else {
                    0
                };
                Ok(Self::File(file, name, lines))
            }
            _ => Ok(Self::Stdin),
        }
    }

    /// About how many URLs there are; `None` where nobody knows yet.
    pub(super) fn lines(&self) -> Option<u64> {
        match self {
            Self::Pages(_, pages) => Some(*pages),
            Self::File(_, _, lines) => Some(*lines).filter(|lines| *lines > 0),
            Self::Stdin => None,
        }
    }

    /// Has it read on a thread of its own.
    pub(super) fn feed(
        self,
        done: &UrlSet,
        found: Arc<Found>,
        complain: impl FnMut(&str) + Send + 'static,
    ) -> anyhow::Result<(Feed, Reading)> {
        let (list, name): (Box<dyn Read + Send>, _) = match self {
            Self::Pages(origin, pages) if done.is_empty() => {
                let (sender, read) = oneshot::channel();
                let _ = sender.send(Ok(true));
                found.given(pages);
                return Ok((Feed::pages(origin, pages), Reading(read)));
            }
            // A run that is resumed: as a list of what is missing.
            Self::Pages(origin, pages) => {
                (Box::new(PageList::new(&origin, pages)), origin.to_string())
            }
            Self::File(file, name, _) => (Box::new(file), name),
            Self::Stdin => (Box::new(io::stdin()), "standard input".to_owned()),
        };
        let (to, feed) = feed();
        let (sender, read) = oneshot::channel();
        let done = done.clone();
        std::thread::Builder::new()
            .name("list".into())
            .spawn(move || {
                let read = source::read(list, &done, &to, &found, complain);
                let read =
                    read.map_err(|error| format!("{name} cannot be read to its end: {error}"));
                let _ = sender.send(read);
            })
            .context("no thread to read the list")?;
        Ok((feed, Reading(read)))
    }
}

impl Reading {
    /// What it came to; `None`: its end was not reached. Told before the feed ends, so
    /// a run that took all there was has its answer here.
    pub(super) fn ended(mut self) -> Option<Result<(), String>> {
        match self.0.try_recv() {
            Ok(Ok(true)) => Some(Ok(())),
            Ok(Ok(false)) | Err(TryRecvError::Empty) => None,
            Ok(Err(reason)) => Some(Err(reason)),
            Err(TryRecvError::Closed) => Some(Err("the list's thread panicked".into())),
        }
    }
}

/// The pages of an origin as a list.
struct PageList {
    origin: String,
    next: u64,
    last: u64,
    line: Vec<u8>,
}

impl PageList {
    fn new(origin: &Url, pages: u64) -> Self {
        Self {
            origin: origin.to_string(),
            next: 1,
            last: pages,
            line: Vec::new(),
        }
    }
}

impl Read for PageList {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.line.is_empty() && self.next <= self.last {
            self.line = format!("{}page/{}\n", self.origin, self.next).into_bytes();
            self.next += 1;
        }
        let given = self.line.len().min(buffer.len());
        buffer[..given].copy_from_slice(&self.line[..given]);
        self.line.drain(..given);
        Ok(given)
    }
}
