//! Wall time of each row with its interval, and what was predicted.

use super::scale::Scale;
use super::strips::{Strip, nothing, strips, width};
use super::{drawable, is_drawable};
use crate::html::{EachHtml, Text};
use measure::report::{Interval, Row, RunReport};
use measure::{duration, durations};

/// A strip per row on one scale. Empty when nothing was measured.
pub(crate) fn wall(report: &RunReport) -> String {
    let walls = report
        .rows
        .iter()
        .filter_map(|row| drawable(row.wall_seconds));
    if walls.clone().next().is_none() {
        return String::new();
    }
    let predicted = report
        .rows
        .iter()
        .filter_map(|row| drawable(row.predicted_wall_seconds));
    let scale = Scale::of(walls.chain(predicted).map(|wall| wall.high));
    let strips = strips(report, &axis(&scale), |row| {
        match drawable(row.wall_seconds) {
            Some(wall) => Strip {
                drawing: drawing(row, wall, &scale),
                words: words(row, wall),
            },
            None => nothing(row),
        }
    });
    format!(
        "<figure>\n<figcaption>The time of one job. Labels give strategy and workers; * is the \
         baseline, from whose CPU time that of the others is predicted.</figcaption>\n{}{strips}</figure>\n",
        legend()
    )
}

fn drawing(row: &Row, wall: Interval, scale: &Scale) -> String {
    let at = |seconds: f64| width(scale.share(seconds));
    let grid: String = scale.ticks().html(|tick| {
        format!(
            "<line class=\"grid\" x1=\"{0}\" x2=\"{0}\" y2=\"100%\"/>",
            at(tick)
        )
    });
    let predicted = drawable(row.predicted_wall_seconds);
    let prediction = predicted.map_or_else(String::new, |p| {
        let band = scale.share(p.high) - scale.share(p.low);
        format!(
            "<rect class=\"band\" x=\"{}\" width=\"{}\" height=\"100%\"/>\
             <line class=\"predicted\" x1=\"{2}\" x2=\"{2}\" y2=\"100%\"/>",
            at(p.low.min(p.high)),
            width(band.max(0.0)),
            at(p.median)
        )
    });
    let samples: String = row
        .samples
        .iter()
        .filter(|sample| is_drawable(**sample))
        .html(|sample| {
            format!(
                "<circle class=\"sample\" cx=\"{}\" cy=\"50%\" r=\"2.5\"/>",
                at(*sample)
            )
        });
    let title = match predicted {
        Some(p) => format!("wall {}, predicted {}", durations(&wall), durations(&p)),
        None => format!("wall {}", durations(&wall)),
    };
    format!(
        "<svg class=\"wall\" role=\"img\"><title>{}</title>{grid}\
         <line class=\"stem\" x2=\"{2}\" y1=\"50%\" y2=\"50%\"/>{prediction}\
         <line class=\"range\" x1=\"{1}\" x2=\"{3}\" y1=\"50%\" y2=\"50%\"/>{samples}\
         <circle class=\"median\" cx=\"{2}\" cy=\"50%\" r=\"4.5\"/></svg>",
        Text(title),
        at(wall.low),
        at(wall.median),
        at(wall.high),
    )
}

fn words(row: &Row, wall: Interval) -> String {
    let predicted = drawable(row.predicted_wall_seconds).map_or_else(String::new, |p| {
        format!(" <small>predicted {}</small>", Text(duration(p.median)))
    });
    format!("<span>{}</span>{predicted}", Text(durations(&wall)))
}

fn axis(scale: &Scale) -> String {
    let ticks: Vec<f64> = scale.ticks().collect();
    let unit = Unit::of(ticks.last().copied().unwrap_or_default());
    let labels: String = ticks.iter().enumerate().html(|(index, tick)| {
        let class = match (index, ticks.len() - 1 - index) {
            (0, _) => "first",
            (_, 0) => "last",
            // A narrow page has room for every other label only.
            (_, to_the_end) if to_the_end % 2 == 1 => "between",
            _ => "tick",
        };
        let label = if index == 0 {
            "0".to_owned()
        } else {
            unit.shown(*tick)
        };
        format!(
            "<text class=\"{class}\" x=\"{}\" y=\"50%\">{label}</text>",
            width(scale.share(*tick))
        )
    });
    format!(
        "<li class=\"axis\" aria-hidden=\"true\"><span class=\"who\"></span>\
         <svg class=\"ticks\">{labels}</svg><span class=\"what\"></span></li>\n"
    )
}

/// The one unit of an axis.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
}

impl Unit {
    /// The largest in which the axis reaches one.
    fn of(end_seconds: f64) -> Self {
        if end_seconds >= 1.0 {
            Self::Seconds
        } else if end_seconds >= 1e-3 {
            Self::Milliseconds
        } else {
            Self::Microseconds
        }
    }

    fn shown(self, seconds: f64) -> String {
        let (factor, name) = match self {
            Self::Seconds => (1.0, "s"),
            Self::Milliseconds => (1e3, "ms"),
            Self::Microseconds => (1e6, "µs"),
        };
        // Steps are round: what is beyond the third place is of the arithmetic.
        format!("{} {name}", (seconds * factor * 1e3).round() / 1e3)
    }
}

fn legend() -> &'static str {
    "<ul class=\"legend\">\n\
     <li><svg class=\"key\" aria-hidden=\"true\"><circle class=\"median\" cx=\"50%\" cy=\"50%\" \
     r=\"4.5\"/></svg> median</li>\n\
     <li><svg class=\"key\" aria-hidden=\"true\"><line class=\"range\" x1=\"10%\" x2=\"90%\" \
     y1=\"50%\" y2=\"50%\"/><circle class=\"sample\" cx=\"35%\" cy=\"50%\" r=\"2.5\"/></svg> \
     samples and their interval</li>\n\
     <li><svg class=\"key\" aria-hidden=\"true\"><rect class=\"band\" x=\"20%\" width=\"60%\" \
     height=\"100%\"/><line class=\"predicted\" x1=\"50%\" x2=\"50%\" y2=\"100%\"/></svg> \
     predicted, with its interval</li>\n</ul>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_one_unit() {
        let shown = |largest: f64| -> Vec<String> {
            let scale = Scale::of([largest]);
            let unit = Unit::of(scale.ticks().last().unwrap_or_default());
            scale.ticks().map(|tick| unit.shown(tick)).collect()
        };
        assert_eq!(shown(1.7), ["0 s", "0.5 s", "1 s", "1.5 s", "2 s"]);
        assert_eq!(
            shown(0.25),
            ["0 ms", "50 ms", "100 ms", "150 ms", "200 ms", "250 ms"]
        );
        assert_eq!(shown(3e-4)[1], "50 µs");
    }
}
