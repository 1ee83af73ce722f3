//! Where items come from.

use crate::source::{Lines, MOST_CAP_BYTES, Origin, USUAL_CAP_BYTES};
use clap::{ArgGroup, Args};
use service_kit::config::{count, count_within};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;

/// Which items.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("from").required(true).args(["items", "file"]))]
pub struct ItemArgs {
    /// Make so many items
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub items: Option<u64>,

    /// The lines of this file; -: standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Bytes of each item that is made, 0 to 268435456
    #[arg(long, default_value = "32", allow_negative_numbers = true, value_parser = bytes)]
    pub bytes: usize,

    /// Items a second [default: as fast as they are taken]
    #[arg(long, allow_negative_numbers = true, value_parser = rate)]
    pub rate: Option<f64>,

    /// Bytes that an item may have, 0 to 268435456; larger ones are refused
    #[arg(long, env = "PIPELINE_MAX_ITEM_BYTES", default_value_t = USUAL_CAP_BYTES, allow_negative_numbers = true, value_parser = bytes)]
    pub max_item_bytes: usize,
}

impl ItemArgs {
    /// Where the items come from.
    ///
    /// # Errors
    /// When the file cannot be opened, or the made items would be above the cap.
    pub fn origin(&self) -> Result<Origin, String> {
        if let Some(items) = self.items {
            if self.bytes > self.max_item_bytes {
                return Err(format!(
                    "--bytes = {}: items may have {} bytes at most; --max-item-bytes sets that",
                    self.bytes, self.max_item_bytes
                ));
            }
            let bytes = self.bytes;
            return Ok(Origin::Made { items, bytes });
        }
        let file = self.file.as_deref().unwrap_or("-".as_ref());
        let reader: Box<dyn io::BufRead + Send> = if file.as_os_str() == "-" {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let opened = File::open(file);
            let opened = opened.map_err(|error| format!("--file = {}: {error}", file.display()))?;
            Box::new(BufReader::new(opened))
        };
        Ok(Origin::Lines(Lines::new(reader, self.max_item_bytes)))
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    count_within(text, 0..=MOST_CAP_BYTES as u64).map(|count| count as usize)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 1e9 => Ok(rate),
        _ => Err("must be items a second, above 0 and at most 1e9".into()),
    }
}
