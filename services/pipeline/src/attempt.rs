//! A stage's function on one window of items, and what becomes of a panic.

use crate::item::Item;
use crate::stages::Function;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How often an item is tried, where nothing else is said.
pub const USUAL_TRIES: u32 = 3;

/// How a stage does its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What it does.
    pub function: Function,
    /// How often an item is tried that makes it panic; at least 1.
    pub tries: u32,
    /// An item that holds this makes it panic: a fault to try things with.
    pub poison: Option<Vec<u8>>,
}

/// A window that no try got through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Failed {
    /// What the last panic said.
    pub error: String,
}

impl Attempt {
    /// Appends to `out` what becomes of `window`.
    ///
    /// # Errors
    /// When every try panicked; then nothing was appended.
    pub fn apply(&self, window: &[Item], out: &mut Vec<Item>) -> Result<(), Failed> {
        let before = out.len();
        let mut tried = 1;
        loop {
            let work = AssertUnwindSafe(|| self.work(window, out));
            let Err(panic) = catch_unwind(work) else {
                return Ok(());
            };
            out.truncate(before);
            if tried >= self.tries {
                let error = said(panic.as_ref());
                return Err(Failed { error });
            }
            tried += 1;
        }
    }

    fn work(&self, window: &[Item], out: &mut Vec<Item>) {
        if let Some(poison) = self.poison.as_deref() {
            let holds_it = |item: &Item| contains(&item.payload, poison);
            assert!(!window.iter().any(holds_it), "the item is poison");
        }
        self.function.apply(window, out);
    }
}

fn contains(payload: &[u8], part: &[u8]) -> bool {
    part.is_empty() || payload.windows(part.len()).any(|bytes| bytes == part)
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the stage panicked: {}", text.unwrap_or("without a word"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn attempt(function: Function) -> Attempt {
        Attempt {
            function,
            tries: 2,
            poison: Some(b"bad".to_vec()),
        }
    }

    #[test]
    fn a_panic_is_an_error_and_leaves_nothing_behind() {
        let mut out = vec![Item::new(0, 0, vec![])];
        let items = [Item::new(1, 0, b"is bad".to_vec())];

        let failed = attempt(Function::Upper).apply(&items, &mut out);

        assert_eq!(
            failed.unwrap_err().error,
            "the stage panicked: the item is poison"
        );
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn other_items_are_done() {
        let mut out = Vec::new();
        let items = [Item::new(1, 0, b"good".to_vec())];

        attempt(Function::Upper).apply(&items, &mut out).unwrap();

        assert_eq!(out, [items[0].with(b"GOOD".to_vec())]);
    }
}
