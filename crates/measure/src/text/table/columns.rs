//! The columns, and which of them a width has room for.

use super::INDENT;
use super::cells::cells;
use crate::report::RunReport;
use crate::serving;
use crate::text::names::workers_head;
use crate::text::style::Style;
use unicode_width::UnicodeWidthStr;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::text) enum Column {
    Strategy,
    Workers,
    Wall,
    Predicted,
    Speedup,
    Efficiency,
    CpusUsed,
    Bar,
    Percentages,
    Verdict,
}

impl Column {
    const ALL: [Self; 10] = [
        Self::Strategy,
        Self::Workers,
        Self::Wall,
        Self::Predicted,
        Self::Speedup,
        Self::Efficiency,
        Self::CpusUsed,
        Self::Bar,
        Self::Percentages,
        Self::Verdict,
    ];

    /// Whether it is drawn from the time of a job.
    fn is_of_jobs(self) -> bool {
        matches!(
            self,
            Self::Wall | Self::Predicted | Self::Speedup | Self::Efficiency
        )
    }

    pub(super) fn header(self, report: &RunReport) -> &'static str {
        match self {
            Self::Strategy => "strategy",
            Self::Workers => workers_head(report),
            Self::Wall => "wall",
            Self::Predicted => "predicted",
            Self::Speedup => "speedup",
            Self::Efficiency => "efficiency",
            Self::CpusUsed => "CPUs\nused",
            Self::Bar => "where the\ntime went",
            Self::Percentages => "in %",
            Self::Verdict => "verdict",
        }
    }

    /// Whether its figures stand under each other.
    pub(super) fn is_number(self) -> bool {
        !matches!(
            self,
            Self::Strategy | Self::Bar | Self::Percentages | Self::Verdict
        )
    }
}

/// What a table shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::text) struct Layout {
    pub(in crate::text) columns: Vec<Column>,
    pub(super) wall_interval: bool,
    pub(super) predicted_interval: bool,
    /// Blanks between columns.
    pub(super) gap: u16,
    /// What is left out for want of room, in plain words.
    pub(in crate::text) left_out: Vec<&'static str>,
}

/// A step towards a narrower table.
#[derive(Debug, Clone, Copy)]
enum Step {
    PredictedInterval,
    Gap,
    Drop(Column, &'static str),
    WallInterval,
}

/// From what is missed least to what is missed most: percentages and verdict
/// are said elsewhere, efficiency is speedup ÷ workers.
const STEPS: [Step; 11] = [
    Step::PredictedInterval,
    Step::Gap,
    Step::Drop(Column::Verdict, "verdict"),
    Step::Drop(Column::Percentages, "percentages"),
    Step::Drop(Column::Efficiency, "efficiency"),
    Step::Drop(Column::CpusUsed, "CPUs used"),
    Step::Drop(Column::Predicted, "predicted wall"),
    Step::WallInterval,
    Step::Drop(Column::Speedup, "speedup"),
    Step::Drop(Column::Bar, "where the time went"),
    Step::Drop(Column::Workers, "workers"),
];

impl Layout {
    /// The fullest layout within the style's width.
    pub(in crate::text) fn fitting(report: &RunReport, style: &Style) -> Self {
        let mut layout = Self {
            columns: Column::ALL.to_vec(),
            wall_interval: true,
            predicted_interval: true,
            gap: 2,
            left_out: Vec::new(),
        };
        if serving::is_of_servers(report) {
            layout.columns.retain(|column| !column.is_of_jobs());
        }
        for step in STEPS {
            if layout.width(report, style) <= style.width() {
                break;
            }
            layout.take(step);
        }
        layout
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Gap => self.gap = 1,
            Step::PredictedInterval if !self.columns.contains(&Column::Predicted) => {}
            Step::WallInterval if !self.columns.contains(&Column::Wall) => {}
            Step::PredictedInterval => {
                self.predicted_interval = false;
                self.left_out.push("the prediction's interval");
            }
            Step::WallInterval => {
                self.wall_interval = false;
                self.left_out.push("the wall's interval");
            }
            Step::Drop(column, _) if !self.columns.contains(&column) => {}
            Step::Drop(column, name) => {
                self.columns.retain(|kept| *kept != column);
                self.left_out.push(name);
            }
        }
    }

    /// The table's width when no cell is wrapped.
    fn width(&self, report: &RunReport, style: &Style) -> usize {
        let headers = self
            .columns
            .iter()
            .map(|column| column.header(report).lines());
        let mut widths: Vec<usize> = headers
            .map(|lines| lines.map(UnicodeWidthStr::width).max().unwrap_or(0))
            .collect();
        for row in &report.rows {
            for (width, cell) in widths.iter_mut().zip(cells(report, style, self, row)) {
                *width = (*width).max(cell.width());
            }
        }
        let gaps = (widths.len() - 1) * usize::from(self.gap);
        usize::from(INDENT) + widths.iter().sum::<usize>() + gaps
    }
}
