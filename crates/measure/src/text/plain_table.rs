//! A table of texts within the style's width.

use super::style::Style;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// Lines under heads, cells wrapped where the width does not suffice; columns
/// whose head is in `numbers` stand to the right.
pub(super) fn plain_table(
    style: &Style,
    heads: &[&str],
    numbers: &[&str],
    lines: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let rule = LineStyle::none().fill(if style.unicode { '─' } else { '-' });
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(rule))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(style.width()).unwrap_or(u16::MAX))
        .set_header(heads);
    for line in lines {
        table.add_row(line.iter().map(|cell| style.plain(cell)));
    }
    let last = heads.len().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == last { 0 } else { 2 }));
        if numbers.contains(&heads[index]) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
