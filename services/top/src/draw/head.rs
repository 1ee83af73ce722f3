//! The lines on top: the run, what is measured now, what is amiss.

use super::Look;
use super::figures::ago;
use crate::frame::{Frame, Run};
use crate::view::View;
use measure::report::Backend;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Two lines or more.
pub fn lines(frame: &Frame, view: &View, look: Look, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![title(frame, view, look, width), Line::raw(row(frame))];
    if let Some(trouble) = &frame.trouble {
        lines.push(Line::styled(format!("! {trouble}"), look.style(Color::Red)));
    }
    if !frame.silent.is_empty() {
        let said = format!("! no answer: {}", frame.silent.join(", "));
        lines.push(Line::styled(said, look.style(Color::Red)));
    }
    lines
}

fn title(frame: &Frame, view: &View, look: Look, width: usize) -> Line<'static> {
    let mut words = vec!["lab top".to_owned()];
    if let Some(run) = &frame.run {
        words = vec![run.lab.clone(), place(run.backend).to_owned()];
        words.push(phase(run, frame.at_seconds));
    }
    let left = words.join(" · ");
    let right = if view.paused { "PAUSED" } else { "" };
    let gap = width.saturating_sub(left.width() + right.width());
    Line::from(vec![
        Span::styled(left, Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(" ".repeat(gap)),
        Span::styled(
            right,
            look.style(Color::Yellow).add_modifier(Modifier::BOLD),
        ),
    ])
}

fn place(backend: Backend) -> &'static str {
    match backend {
        Backend::Docker => "stations in Docker",
        Backend::Local | Backend::InProcess => "stations as local processes",
    }
}

fn phase(run: &Run, at_seconds: f64) -> String {
    match (run.ended_seconds, run.round) {
        (Some(ended), _) => format!("ended {} ago", ago(at_seconds - ended)),
        (None, 0) => "calibrating".to_owned(),
        (None, round) => format!("round {round} of {}", run.rounds),
    }
}

/// What is measured at this moment.
fn row(frame: &Frame) -> String {
    let Some(run) = &frame.run else {
        if frame.trouble.is_some() {
            return "what runs here is not known".to_owned();
        }
        return "no run has been started here; make lab-primes starts one".to_owned();
    };
    match (&run.row, run.backend) {
        (Some(row), _) => {
            let s = if row.workers == 1 { "" } else { "s" };
            format!(
                "measuring {}: {}, {}, {} worker{s}",
                row.station, row.strategy, row.kernel, row.workers
            )
        }
        (None, _) if run.ended_seconds.is_none() => "between two samples".to_owned(),
        (None, Backend::Docker) => "no run is under way; the stations are idle".to_owned(),
        (None, Backend::Local | Backend::InProcess) => {
            let lab = &run.lab;
            format!("its stations ended with it; make {lab} LOCAL=1 starts the next")
        }
    }
}
