//! The stages of pipelines and the queues before them.

use crate::html::{EachHtml, Text};
use measure::report::RunReport;
use measure::text::{QUEUE_HEADS, QUEUE_NOTE, STAGE_HEADS, STAGE_NOTE, queue_lines, stage_lines};

/// A bar's height in the drawing of a queue over time.
const HEIGHT: f64 = 16.0;

/// Both tables; empty for labs without pipelines.
pub(crate) fn tables(report: &RunReport) -> String {
    let stages = stage_lines(report);
    if stages.is_empty() {
        return String::new();
    }
    let stages = table("Stages", &STAGE_HEADS, &stages, STAGE_NOTE, false);
    let queues = queue_lines(report, bars);
    stages + &table("Queues", &QUEUE_HEADS, &queues, QUEUE_NOTE, true)
}

/// `drawn`: the last cell is a drawing.
fn table(label: &str, heads: &[&str], lines: &[Vec<String>], note: &str, drawn: bool) -> String {
    let heads = heads
        .iter()
        .html(|head| format!("<th scope=\"col\">{}</th>", Text(head)));
    let lines = lines.iter().html(|line| {
        let (name, cells) = line.split_first().expect("a line has its row's name");
        let last = cells.len() - 1;
        let cells = cells.iter().enumerate();
        let cells = cells.map(|(index, cell)| {
            // Our own drawing; all else could be anything.
            if drawn && index == last && cell.starts_with("<svg") {
                format!("<td>{cell}</td>")
            } else {
                format!("<td>{}</td>", Text(cell))
            }
        });
        let cells: String = cells.collect();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", Text(name))
    });
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\">\n\
         <table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table>\n</div>\n\
         <p>{}</p>\n",
        Text(note)
    )
}

/// Shares of 1 as bars side by side, and in words.
fn bars(shares: &[f64]) -> String {
    let words: Vec<String> = shares
        .iter()
        .map(|share| format!("{:.0}", share * 100.0))
        .collect();
    let bars = shares.iter().enumerate().map(|(index, share)| {
        let height = share.clamp(0.0, 1.0) * HEIGHT;
        format!(
            "<rect x=\"{}\" y=\"{:.1}\" width=\"5\" height=\"{height:.1}\"/>",
            index * 6,
            HEIGHT - height
        )
    });
    let bars: String = bars.collect();
    format!(
        "<svg role=\"img\" width=\"{0}\" height=\"{HEIGHT}\" viewBox=\"0 0 {0} {HEIGHT}\" \
         fill=\"currentColor\"><title>{1} % of the most, over time</title>{bars}</svg>",
        shares.len() * 6,
        words.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_drawn_and_told_in_words() {
        let drawn = bars(&[0.0, 0.5, 1.0]);
        assert_eq!(drawn.matches("<rect").count(), 3);
        assert!(drawn.contains("0, 50, 100 % of the most"), "{drawn}");
    }
}
