//! `pipeline dead`: items that no try got through a stage.

use super::{bad_input, failed};
use crate::config::{DeadAct, DeadConfig, Format, Letters};
use crate::streams::Link;
use crate::streams::letter::{self, Letter};
use serde::Serialize;
use service_kit::terminal;
use std::fmt::Write as _;
use std::process::ExitCode;

/// How many letters are read at once.
const PAGE: usize = 200;

/// How many characters of an item are shown.
const SHOWN: usize = 60;

/// Runs the command.
pub fn dead(config: &DeadConfig) -> ExitCode {
    let (letters, act): (_, fn(&mut Link, &Letter) -> _) = match &config.act {
        DeadAct::List(letters) => return ended(list(letters)),
        DeadAct::Retry(letters) => (letters, letter::retry),
        DeadAct::Drop(letters) => (letters, letter::drop_letter),
    };
    let word = match config.act {
        DeadAct::Retry(_) => "given back to their stages",
        _ => "thrown away",
    };
    let done = each(letters, |link, letter| Ok(act(link, letter)?));
    ended(done.and_then(|Each { acted, unknown }| {
        terminal::print(&format!("{acted} dead letters {word}\n"))?;
        anyhow::ensure!(
            unknown.is_empty(),
            "there are no dead letters {}; pipeline dead list shows which there are",
            unknown.join(", ")
        );
        Ok(())
    }))
}

fn ended(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<BadInput>() {
            Some(BadInput(reason)) => bad_input(reason),
            None => failed(&format!("{error:#}")),
        },
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BadInput(String);

/// A letter as JSON.
#[derive(Serialize)]
struct Shown<'l> {
    id: &'l str,
    stage: &'l str,
    run: &'l str,
    tries: u64,
    error: &'l str,
    item: Option<u64>,
    payload: Option<String>,
    bytes: Option<usize>,
}

fn list(letters: &Letters) -> anyhow::Result<()> {
    let mut text = String::new();
    let all = each(letters, |_, letter| {
        text += &shown(letter, letters.format)?;
        text.push('\n');
        Ok(true)
    })?;
    if letters.format == Format::Table && all.acted == 0 {
        text += "no dead letters\n";
    }
    Ok(terminal::print(&text)?)
}

fn shown(letter: &Letter, format: Format) -> anyhow::Result<String> {
    let item = letter.item.as_ref();
    let payload = item.map(|item| String::from_utf8_lossy(&item.payload).into_owned());
    if format == Format::Json {
        return Ok(serde_json::to_string(&Shown {
            id: &letter.id,
            stage: &letter.stage,
            run: &letter.run,
            tries: letter.tries,
            error: &letter.error,
            item: item.map(|item| item.seq),
            payload,
            bytes: item.map(|item| item.payload.len()),
        })?);
    }
    let mut line = format!("{}  {}", letter.id, letter.stage);
    let seq = item.map_or("?".into(), |item| item.seq.to_string());
    write!(
        line,
        "  run {}  item {seq}  tried {} times",
        letter.run, letter.tries
    )?;
    write!(line, "\n    {}", letter.error)?;
    if let Some(payload) = payload {
        let short: String = payload.chars().take(SHOWN).collect();
        let more = if short.len() < payload.len() {
            "…"
        } else {
            ""
        };
        write!(line, "\n    {short:?}{more}")?;
    }
    Ok(line)
}

/// What became of all letters that were meant.
struct Each {
    acted: u64,
    /// Ids that were named and are not there.
    unknown: Vec<String>,
}

fn each(
    letters: &Letters,
    mut act: impl FnMut(&mut Link, &Letter) -> anyhow::Result<bool>,
) -> anyhow::Result<Each> {
    let server = letters.redis.server(&letters.name).map_err(BadInput)?;
    let mut link = server.connect()?;
    let mut unknown = letters.ids.clone();
    let (mut acted, mut after) = (0, None::<String>);
    loop {
        let page = letter::list(&mut link, after.as_deref(), PAGE)?;
        for letter in &page {
            let is_meant = letters.ids.is_empty() || letters.ids.contains(&letter.id);
            if is_meant && act(&mut link, letter)? {
                acted += 1;
                unknown.retain(|id| *id != letter.id);
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.id.clone()),
            _ => return Ok(Each { acted, unknown }),
        }
    }
}
