//! A file with a line of JSON for each outcome.

use super::row::{LineKey, Row};
use super::sink::Trouble;
use super::{RunId, StoreFailed};
use crate::seen::UrlSet;
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{
    self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _,
};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// Longer than any line that is written here.
const LONGEST_LINE_BYTES: u64 = 64 * 1024;

/// A file that outcomes are appended to.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    run: RunId,
    inner: fs::File,
    /// How long it is, in whole lines; `None` for a device.
    whole_bytes: Option<u64>,
    lines: Vec<u8>,
}

impl File {
    /// Opens or makes it, mends a last line that was cut off, and reads which
    /// URLs it has of the run, if that is resumed.
    pub fn open(path: &Path, run: RunId, resume: bool) -> Result<(Self, UrlSet), StoreFailed> {
        let mut file = open(path)?;
        let metadata = file.metadata().map_err(|error| failed(path, &error))?;
        let mut done = UrlSet::default();
        let mut whole_bytes = None;
        if metadata.is_file() {
            lock(&file, path)?;
            whole_bytes = Some(mend(&mut file).map_err(|error| failed(path, &error))?);
            if resume {
                done = read(&mut file, path, &run)?;
            }
        } else if resume {
            let text = format!(
                "{} is a device: no run can be resumed there",
                path.display()
            );
            return Err(StoreFailed(text));
        }
        let opened = Self {
            path: path.into(),
            run,
            inner: file,
            whole_bytes,
            lines: Vec::new(),
        };
        Ok((opened, done))
    }

    /// Appends a line for each row. When that fails, none of them is left.
    pub fn write(&mut self, rows: &[Row]) -> Result<(), Trouble> {
        self.lines.clear();
        for row in rows {
            row.write_line(&self.run, &mut self.lines);
        }
        match self.inner.write_all(&self.lines) {
            Ok(()) => {
                if let Some(whole) = &mut self.whole_bytes {
                    *whole += self.lines.len() as u64;
                }
                Ok(())
            }
            Err(error) => {
                if let Some(whole) = self.whole_bytes {
                    // If that fails too, the next to open it mends the line.
                    let _ = self.inner.set_len(whole);
                }
                Err(self.trouble(&error))
            }
        }
    }

    /// Makes sure that it is on the disk.
    pub fn close(self) -> Result<(), Trouble> {
        if self.whole_bytes.is_none() {
            return Ok(());
        }
        let synced = self.inner.sync_all();
        synced.map_err(|error| self.trouble(&error))
    }

    fn trouble(&self, error: &io::Error) -> Trouble {
        Trouble {
            passes: false,
            text: failed(&self.path, error).0,
        }
    }
}

fn open(path: &Path) -> Result<fs::File, StoreFailed> {
    if let Ok(metadata) = fs::metadata(path) {
        let kind = metadata.file_type();
        // Opening a pipe would wait for its reader.
        if !kind.is_file() && !kind.is_char_device() {
            let what = if kind.is_dir() {
                "a directory"
            } else {
                "no file"
            };
            let path = path.display();
            return Err(StoreFailed(format!(
                "{path} is {what}: name a file to store in, such as {path}/pages.ndjson"
            )));
        }
    }
    OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)
        .map_err(|error| failed(path, &error))
}

fn lock(file: &fs::File, path: &Path) -> Result<(), StoreFailed> {
    match file.try_lock() {
        // Some file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreFailed(format!(
            "another scraper is writing to {}: let it end, or name another file",
            path.display()
        ))),
    }
}

/// What went wrong with the file and what to do about it.
fn failed(path: &Path, error: &io::Error) -> StoreFailed {
    let path_text = path.display();
    let advice = match error.kind() {
        ErrorKind::NotFound => "make its folder first",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "name a file that you may write to"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room; --resume then fetches only what is missing"
        }
        _ => "name another file",
    };
    StoreFailed(format!("{path_text} cannot be written: {error}; {advice}"))
}

/// Sees to it that the file ends with a whole line; gives its length. A line
/// that was cut off (a kill, a full disk) is removed: its URL counts as missing.
fn mend(file: &mut fs::File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let tail_start = length.saturating_sub(LONGEST_LINE_BYTES);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(tail_start))?;
    file.take(LONGEST_LINE_BYTES).read_to_end(&mut tail)?;
    let last = match tail.iter().rposition(|&byte| byte == b'\n') {
        Some(newline) => newline + 1,
        None if tail_start == 0 => 0,
        None => return Err(io::Error::other("it is not made of lines")),
    };
    let rest = &tail[last..];
    if rest.is_empty() {
        return Ok(length);
    }
    if serde_json::from_slice::<LineKey>(rest).is_ok() {
        file.write_all(b"\n")?;
        return Ok(length + 1);
    }
    if !rest.starts_with(b"{") && !rest.iter().all(|&byte| byte == 0) {
        // Somebody's text, and none of ours to remove.
        return Err(io::Error::other("its last line is no outcome"));
    }
    let whole = tail_start + last as u64;
    file.set_len(whole)?;
    Ok(whole)
}

/// The URLs that the file has of `run`.
fn read(file: &mut fs::File, path: &Path, run: &RunId) -> Result<UrlSet, StoreFailed> {
    let mut done = UrlSet::default();
    file.rewind().map_err(|error| failed(path, &error))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let mut limited = (&mut reader).take(LONGEST_LINE_BYTES);
        let bytes = limited
            .read_until(b'\n', &mut line)
            .map_err(|error| failed(path, &error))?;
        if bytes == 0 {
            break;
        }
        let key: LineKey = serde_json::from_slice(&line).map_err(|error| {
            StoreFailed(format!(
                "line {number} of {} is no outcome ({error}): mend it, or name another file",
                path.display()
            ))
        })?;
        if key.run == run.as_str() {
            done.insert_text(&key.url);
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests;
