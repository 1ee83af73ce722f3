//! Dead letters: items that no try got through a stage.

use super::entry;
use super::link::{Link, call};
use super::script::Script;
use crate::item::Item;
use crate::stages::Stage;
use redis::Value;
use redis_link::Trouble;
use redis_link::answer::{array, bytes, number, text};
use std::collections::HashMap;

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its id among the dead letters.
    pub id: String,
    /// The stage that did not get through it.
    pub stage: String,
    /// The run it belongs to.
    pub run: String,
    /// How often it was tried.
    pub tries: u64,
    /// What the last try said.
    pub error: String,
    /// The item; `None` where the entry was none of a pipeline.
    pub item: Option<Item>,
}

/// The letters of an answer to `XRANGE`.
pub(super) fn letters(answer: Value) -> Vec<Letter> {
    array(answer).into_iter().filter_map(letter).collect()
}

fn letter(value: Value) -> Option<Letter> {
    let mut parts = array(value).into_iter();
    let id = text(parts.next()?)?;
    let mut fields = HashMap::new();
    let mut values = array(parts.next()?).into_iter();
    while let (Some(name), Some(value)) = (values.next(), values.next()) {
        fields.insert(text(name)?, bytes(value)?);
    }
    let mut field = |name: &str| {
        let bytes = fields.remove(name).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (stage, run) = (field("stage"), field("run"));
    let (tries, error, meta) = (field("tries"), field("error"), field("m"));
    let payload = fields.remove("i").unwrap_or_default();
    Some(Letter {
        id,
        stage,
        run,
        tries: tries.parse().unwrap_or(0),
        error,
        item: entry::item(&meta, payload).map(|(_, item)| item),
    })
}

/// Reads up to `count` letters after the one of id `after`; from the first on
/// where there is none.
///
/// # Errors
/// When Redis is away.
pub fn list(link: &mut Link, after: Option<&str>, count: usize) -> Result<Vec<Letter>, Trouble> {
    let mut page = redis::cmd("XRANGE");
    page.arg(link.server.keys.dead());
    page.arg(after.map_or("-".to_owned(), |id| format!("({id}")));
    page.arg("+").arg("COUNT").arg(count);
    Ok(letters(link.ask_one(page)?))
}

/// Gives a letter back to the queue of its stage; whether it was still there.
///
/// # Errors
/// When Redis is away, or has no memory for it.
pub fn retry(link: &mut Link, letter: &Letter) -> Result<bool, Trouble> {
    let Some(stage) = Stage::named(&letter.stage) else {
        return Ok(false);
    };
    let keys = &link.server.keys;
    let (dead, queue, run) = (keys.dead(), keys.queue(stage), keys.run(&letter.run));
    let mut step = call(Script::Retry, [dead.as_str(), &queue, &run]);
    step.arg(&letter.id).arg(stage.name());
    Ok(number(&link.ask_one(step)?) == Some(1))
}

/// Throws a letter away; whether it was still there.
///
/// # Errors
/// When Redis is away.
pub fn drop_letter(link: &mut Link, letter: &Letter) -> Result<bool, Trouble> {
    let mut delete = redis::cmd("XDEL");
    delete.arg(link.server.keys.dead()).arg(&letter.id);
    Ok(number(&link.ask_one(delete)?) == Some(1))
}
