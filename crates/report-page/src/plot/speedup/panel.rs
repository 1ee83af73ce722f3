//! One station's panel.

use super::{Plan, Point, Station};
use crate::html::Text;
use measure::text::figures::{count, cpus, two_decimals};
use std::fmt::Write;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 36.0;
/// Between points that share a column, where there is room for it.
const APART: f64 = 12.0;

/// A station's panel under way.
pub(super) struct Panel<'a> {
    plan: &'a Plan,
    station: &'a Station<'a>,
}

impl<'a> Panel<'a> {
    pub(super) fn new(plan: &'a Plan, station: &'a Station<'a>) -> Self {
        Self { plan, station }
    }

    /// The drawing; `index` tells its parts from those of other panels.
    pub(super) fn svg(&self, index: usize) -> String {
        format!(
            "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"speedup-{index} speedup-{index}-is\">\n\
             <title id=\"speedup-{index}\">Speedup on {}</title>\n\
             <desc id=\"speedup-{index}-is\">{}</desc>\n{}{}{}{}</svg>\n",
            Text(self.station.name),
            Text(self.words()),
            self.grid(),
            self.ceiling(),
            self.line(),
            self.points(),
        )
    }

    fn words(&self) -> String {
        let points: Vec<String> = self
            .station
            .points
            .iter()
            .map(|point| {
                format!(
                    "{} with {}: {}",
                    self.plan.strategies[point.strategy],
                    count(point.workers, "worker"),
                    two_decimals(point.speedup.median)
                )
            })
            .collect();
        points.join("; ")
    }

    fn y(&self, speedup: f64) -> f64 {
        TOP + (1.0 - self.plan.scale.share(speedup)) * (HEIGHT - TOP - BOTTOM)
    }

    fn column_width(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / self.plan.columns.len() as f64
    }

    /// Left end of a column.
    fn x(&self, column: usize) -> f64 {
        LEFT + column as f64 * self.column_width()
    }

    fn grid(&self) -> String {
        let mut svg = String::new();
        for tick in self.plan.scale.ticks() {
            let y = self.y(tick);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/>\
                 <text class=\"y\" x=\"{:.1}\" y=\"{y:.1}\">{} ×</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                cpus(tick)
            );
        }
        for (index, workers) in self.plan.columns.iter().enumerate() {
            let _ = write!(
                svg,
                "<text class=\"x\" x=\"{:.1}\" y=\"{:.1}\">{workers}</text>",
                self.x(index) + self.column_width() / 2.0,
                HEIGHT - BOTTOM + 14.0
            );
        }
        let _ = writeln!(
            svg,
            "<text class=\"x title\" x=\"{:.1}\" y=\"{:.1}\">workers</text>",
            f64::midpoint(LEFT, WIDTH - RIGHT),
            HEIGHT - 5.0
        );
        svg
    }

    /// The ceiling as steps, and what is beyond it.
    fn ceiling(&self) -> String {
        let Some(ceiling) = self.station.ceiling else {
            return String::new();
        };
        let mut steps = String::new();
        for (index, workers) in self.plan.columns.iter().enumerate() {
            let verb = if index == 0 { 'L' } else { 'V' };
            let y = self.y(ceiling.at(*workers));
            let start = if index == 0 {
                format!("{verb}{LEFT} {y:.1}")
            } else {
                format!("{verb}{y:.1}")
            };
            let _ = write!(steps, "{start}H{:.1}", self.x(index + 1));
        }
        let line = steps.replacen('L', "M", 1);
        format!(
            "<path class=\"beyond\" d=\"M{LEFT} {TOP}{steps}V{TOP}Z\"/>\
             <path class=\"ceiling\" d=\"{line}\"/>\n"
        )
    }

    /// Joins the points of the commonest strategy.
    fn line(&self) -> String {
        let mut joined: Vec<&Point> = self
            .station
            .points
            .iter()
            .filter(|p| p.strategy == 0)
            .collect();
        joined.sort_by_key(|point| point.workers);
        if joined.len() < 2 {
            return String::new();
        }
        let places: Vec<String> = joined
            .iter()
            .map(|point| {
                format!(
                    "{:.1} {:.1}",
                    self.place(point),
                    self.y(point.speedup.median)
                )
            })
            .collect();
        format!("<path class=\"join\" d=\"M{}\"/>\n", places.join("L"))
    }

    /// Where in its column a point stands, beside the others.
    fn place(&self, point: &Point) -> f64 {
        let beside: Vec<&Point> = self
            .station
            .points
            .iter()
            .filter(|p| p.workers == point.workers)
            .collect();
        let position = beside.iter().position(|other| *other == point).unwrap_or(0) as f64;
        let others = beside.len() as f64 - 1.0;
        let apart = APART.min(self.column_width() * 0.8 / (others + 1.0));
        let column = self
            .plan
            .columns
            .iter()
            .position(|c| *c == point.workers)
            .unwrap_or(0);
        self.x(column) + self.column_width() / 2.0 + (position - others / 2.0) * apart
    }

    fn points(&self) -> String {
        let points = self.station.points.iter().map(|point| {
            let (x, speedup) = (self.place(point), &point.speedup);
            format!(
                "<g><title>{}, {}: {}</title><path class=\"whisker\" d=\"M{x:.1} {:.1}V{:.1}\"/>{}</g>\n",
                Text(&self.plan.strategies[point.strategy]),
                count(point.workers, "worker"),
                two_decimals(speedup.median),
                self.y(speedup.low),
                self.y(speedup.high),
                mark(point.strategy, x, self.y(speedup.median))
            )
        });
        points.collect()
    }
}

/// The mark of a strategy around a point: a shape, since colour is for states.
pub(super) fn mark(strategy: usize, x: f64, y: f64) -> String {
    let (shape, filled) = match strategy % 8 {
        0 => ("m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z", true),
        1 => ("m-4 -4h8v8h-8z", true),
        2 => ("m0 -5.5l5 9h-10z", true),
        3 => ("m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z", true),
        4 => ("m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", false),
        5 => ("m-3.5 -3.5h7v7h-7z", false),
        6 => ("m0 5.5l5 -9h-10z", false),
        _ => ("m-4 -4l8 8m0 -8l-8 8", false),
    };
    let class = if filled { "mark" } else { "mark hollow" };
    format!("<path class=\"{class}\" d=\"M{x:.1} {y:.1}{shape}\"/>")
}
