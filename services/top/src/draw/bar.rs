//! Bars. Each tells by its characters what its colours tell.

use super::Look;
use measure::report::TimeBudget;
use measure::text::{CELLS, State, cells, shares};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

/// A share of a whole: `███▌────`. More than all of it is all of it.
pub fn share(share: Option<f64>, cells: usize, color: Color, look: Look) -> Vec<Span<'static>> {
    let Some(share) = share.filter(|share| share.is_finite()) else {
        return vec![Span::raw(" ".repeat(cells))];
    };
    let halves = (share.clamp(0.0, 1.0) * 2.0 * cells as f64).round() as usize;
    let mut full = "█".repeat(halves / 2);
    if halves % 2 == 1 {
        full.push('▌');
    }
    let rest = "─".repeat(cells - halves.div_ceil(2));
    vec![
        Span::styled(full, look.style(color)),
        Span::styled(rest, look.dim()),
    ]
}

/// Where workers' time went, in the cells of a run's table.
pub fn time(budget: &TimeBudget, look: Look) -> Vec<Span<'static>> {
    let cells = shares(budget).map_or([0; CELLS_OF_NONE], cells);
    let states = State::ALL.into_iter().zip(cells);
    let with_cells = states.filter(|(_, cells)| *cells > 0);
    with_cells
        .map(|(state, cells)| {
            Span::styled(glyph(state).to_string().repeat(cells), paint(state, look))
        })
        .collect()
}

/// There is a number of cells for each state.
const CELLS_OF_NONE: usize = State::ALL.len();

/// The width of a bar of [`time`].
pub const TIME: usize = CELLS;

/// The shares in per cent, each behind its character; those below one are left out.
pub fn percentages(budget: &TimeBudget, look: Look) -> Vec<Span<'static>> {
    let shares = shares(budget).unwrap_or_default();
    let states = State::ALL.into_iter().zip(shares);
    let shown = states.filter(|(_, share)| *share >= 0.005);
    shown
        .flat_map(|(state, share)| {
            let glyph = Span::styled(glyph(state).to_string(), paint(state, look));
            [glyph, Span::raw(format!("{:.0} ", share * 100.0))]
        })
        .collect()
}

/// The character of a state, as in a run's table.
pub fn glyph(state: State) -> char {
    state.glyph(&measure::text::Style {
        width: 0,
        color: false,
        unicode: true,
    })
}

/// How a state is painted.
pub fn paint(state: State, look: Look) -> Style {
    match state {
        State::Running => look.style(Color::Green),
        State::Throttled => look.style(Color::Red),
        State::Runnable => look.style(Color::Yellow),
        State::Blocked => look.dim(),
        State::Stolen => look.style(Color::Magenta),
    }
}

impl Look {
    /// In this colour, where colours are wanted.
    pub fn style(self, color: Color) -> Style {
        if self.color {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }

    /// Less than the rest.
    pub fn dim(self) -> Style {
        if self.color {
            Style::new().add_modifier(Modifier::DIM)
        } else {
            Style::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOOK: Look = Look { color: false };

    fn text(spans: &[Span]) -> String {
        spans.iter().map(|span| span.content.as_ref()).collect()
    }

    fn drawn(value: f64, cells: usize) -> String {
        text(&share(Some(value), cells, Color::Green, LOOK))
    }

    #[test]
    fn a_bar_counts_in_half_cells_up_to_all_of_it() {
        assert_eq!(drawn(0.0, 4), "────");
        assert_eq!(drawn(0.4, 4), "█▌──");
        assert_eq!(drawn(1.0, 4), "████");
        assert_eq!(drawn(1.7, 4), "████");
        assert_eq!(text(&share(None, 4, Color::Green, LOOK)), "    ");
    }

    #[test]
    fn worker_time_looks_as_in_the_table_of_a_run() {
        let budget = TimeBudget {
            running: 0.25,
            throttled: 0.742,
            runnable: 0.004,
            blocked: 0.004,
            stolen: None,
        };
        assert_eq!(text(&time(&budget, LOOK)), "███▒▒▒▒▒▒▒▒▒");
        assert_eq!(text(&percentages(&budget, LOOK)), "█25 ▒74 ");
    }

    proptest! {
        #[test]
        fn a_bar_has_its_width_whatever_the_share(value in any::<f64>(), cells in 0..40_usize) {
            prop_assert_eq!(drawn(value, cells).chars().count(), cells);
        }
    }
}
