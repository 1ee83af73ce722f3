//! Where the workers' time went, as a bar of twelve cells.

use super::style::{Paint, Style};
use crate::report::TimeBudget;
use crate::verdict::thresholds::THROTTLED;

/// Cells of a bar: at 8 % each they tell halves, thirds, quarters and sixths.
pub const CELLS: usize = 12;

/// A state from this share on has a cell, however small beside the others: it
/// is the least that a verdict is drawn from.
const SHOWN: f64 = THROTTLED;

/// A state a worker's time is spent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// On a CPU.
    Running,
    /// Ready to run, kept off by the quota.
    Throttled,
    /// Ready to run, no CPU free.
    Runnable,
    /// Not ready.
    Blocked,
    /// The hypervisor had taken the CPU away.
    Stolen,
}

impl State {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::Throttled,
        Self::Runnable,
        Self::Blocked,
        Self::Stolen,
    ];

    /// What stands for the state until the text is laid out: one column wide,
    /// as its glyph will be, which it could not be with a colour code before it.
    fn mark(self) -> char {
        match self {
            Self::Running => '\u{e000}',
            Self::Throttled => '\u{e001}',
            Self::Runnable => '\u{e002}',
            Self::Blocked => '\u{e003}',
            Self::Stolen => '\u{e004}',
        }
    }

    /// The character the reader sees.
    pub fn glyph(self, style: &Style) -> char {
        let (unicode, ascii) = match self {
            Self::Running => ('█', '#'),
            Self::Throttled => ('▒', '='),
            Self::Runnable => ('░', '-'),
            Self::Blocked => ('·', '.'),
            Self::Stolen => ('!', '!'),
        };
        if style.unicode { unicode } else { ascii }
    }

    pub(super) fn paint(self) -> Paint {
        match self {
            Self::Running => Paint::Green,
            Self::Throttled | Self::Stolen => Paint::Red,
            Self::Runnable => Paint::Yellow,
            Self::Blocked => Paint::Dim,
        }
    }
}

/// The bar; `None` when the budget's shares are none.
pub(super) fn bar(budget: &TimeBudget) -> Option<String> {
    let cells = cells(shares(budget)?);
    let states = State::ALL.iter().zip(cells);
    Some(
        states
            .flat_map(|(state, cells)| std::iter::repeat_n(state.mark(), cells))
            .collect(),
    )
}

/// The shares in percent, each behind its glyph; those below one are left out.
pub(super) fn percentages(budget: &TimeBudget) -> Option<String> {
    let states = State::ALL.iter().zip(shares(budget)?);
    let parts: Vec<String> = states
        .map(|(state, share)| (state, (share * 100.0).round()))
        .filter(|(_, percent)| *percent >= 1.0)
        .map(|(state, percent)| format!("{}{percent:.0}", state.mark()))
        .collect();
    Some(parts.join(" "))
}

/// Whether a share is large enough to be shown in percent or as a cell.
pub(super) fn shows(budget: &TimeBudget, state: State) -> bool {
    let shares = shares(budget);
    shares.is_some_and(|shares| shares[state as usize] >= 0.005)
}

/// Puts the glyphs, coloured, in the place of the marks.
pub(super) fn draw(text: &str, style: &Style) -> String {
    let mut drawn = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let Some(state) = State::ALL.into_iter().find(|state| state.mark() == c) else {
            drawn.push(c);
            continue;
        };
        let mut glyphs = state.glyph(style).to_string();
        while rest.next_if_eq(&c).is_some() {
            glyphs.push(state.glyph(style));
        }
        drawn.push_str(&style.paint(state.paint(), &glyphs));
    }
    drawn
}

/// The shares of the states in the order of [`State::ALL`], made to sum to 1;
/// `None` when they are none.
pub fn shares(budget: &TimeBudget) -> Option<[f64; 5]> {
    let shares = [
        budget.running,
        budget.throttled,
        budget.runnable,
        budget.blocked,
        budget.stolen.unwrap_or(0.0),
    ]
    .map(|share| share.max(0.0));
    let sum: f64 = shares.iter().sum();
    (sum > 0.0 && sum.is_finite()).then(|| shares.map(|share| share / sum))
}

/// Shares that sum to 1 as cells that sum to [`CELLS`], by largest remainder.
pub fn cells(shares: [f64; 5]) -> [usize; 5] {
    let exact = shares.map(|share| share * CELLS as f64);
    let mut cells = exact.map(|cells| cells.floor() as usize);
    let mut by_remainder = [0, 1, 2, 3, 4];
    by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    let given: usize = cells.iter().sum();
    for &state in by_remainder
        .iter()
        .cycle()
        .take(CELLS.saturating_sub(given))
    {
        cells[state] += 1;
    }
    for state in 0..cells.len() {
        if cells[state] == 0 && shares[state] >= SHOWN {
            take_from_largest(&mut cells);
            cells[state] = 1;
        }
    }
    cells
}

fn take_from_largest(cells: &mut [usize; 5]) {
    if let Some(largest) = cells.iter_mut().max() {
        *largest -= 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const STYLE: Style = Style {
        width: 80,
        color: false,
        unicode: true,
    };

    fn budget(running: f64, throttled: f64, runnable: f64, blocked: f64) -> TimeBudget {
        TimeBudget {
            running,
            throttled,
            runnable,
            blocked,
            stolen: None,
        }
    }

    fn drawn(budget: &TimeBudget, style: &Style) -> String {
        draw(&bar(budget).unwrap(), style)
    }

    #[test]
    fn a_cell_is_a_twelfth() {
        assert_eq!(drawn(&budget(0.5, 0.5, 0.0, 0.0), &STYLE), "██████▒▒▒▒▒▒");
        assert_eq!(drawn(&budget(0.25, 0.5, 0.25, 0.0), &STYLE), "███▒▒▒▒▒▒░░░");
        let stolen = TimeBudget {
            stolen: Some(0.1),
            ..budget(0.5, 0.0, 0.0, 0.4)
        };
        assert_eq!(drawn(&stolen, &STYLE), "██████·····!");
    }

    #[test]
    fn a_loss_that_a_verdict_could_name_is_seen() {
        assert_eq!(drawn(&budget(0.98, 0.02, 0.0, 0.0), &STYLE), "███████████▒");
        assert_eq!(drawn(&budget(0.99, 0.0, 0.0, 0.01), &STYLE), "████████████");
        let all = TimeBudget {
            stolen: Some(0.02),
            ..budget(0.92, 0.02, 0.02, 0.02)
        };
        assert_eq!(drawn(&all, &STYLE), "████████▒░·!");
    }

    #[test]
    fn without_unicode_or_with_colour_the_cells_are_the_same() {
        let split = budget(0.5, 0.25, 0.0, 0.25);
        let ascii = Style {
            unicode: false,
            ..STYLE
        };
        assert_eq!(drawn(&split, &ascii), "######===...");
        let color = Style {
            color: true,
            ..STYLE
        };
        let expected = "\u{1b}[32m██████\u{1b}[0m\u{1b}[31m▒▒▒\u{1b}[0m\u{1b}[2m···\u{1b}[0m";
        assert_eq!(drawn(&split, &color), expected);
    }

    #[test]
    fn percentages_carry_the_glyphs_and_leave_nothing_out_that_counts() {
        let shown = percentages(&budget(0.494, 0.499, 0.0, 0.007)).unwrap();
        assert_eq!(draw(&shown, &STYLE), "█49 ▒50 ·1");
    }

    #[test]
    fn shares_that_are_none_have_no_bar() {
        assert_eq!(bar(&budget(0.0, 0.0, 0.0, 0.0)), None);
        assert_eq!(bar(&budget(f64::INFINITY, 0.0, 0.0, 0.0)), None);
        assert_eq!(bar(&budget(f64::NAN, 0.0, 0.0, -1.0)), None);
    }

    proptest! {
        #[test]
        fn cells_sum_and_follow_the_shares(raw in proptest::array::uniform5(0.0..1.0f64)) {
            let sum: f64 = raw.iter().sum();
            prop_assume!(sum > 0.0);
            let shares = raw.map(|share| share / sum);
            let cells = cells(shares);
            prop_assert_eq!(cells.iter().sum::<usize>(), CELLS);
            for (share, cells) in shares.into_iter().zip(cells) {
                prop_assert!(share < SHOWN || cells > 0);
                prop_assert!(share > 0.0 || cells == 0);
                prop_assert!((share * 12.0 - cells as f64).abs() < 4.0);
            }
        }
    }
}
