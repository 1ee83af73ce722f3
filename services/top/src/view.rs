//! How a person wants to see it: sorted, scrolled, paused. What keys do, and
//! no terminal.

use crate::frame::{Frame, Replica};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::cmp::Ordering;

/// How a person wants to see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    /// By what the replicas are sorted.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
    /// The picture stands still.
    pub paused: bool,
    /// The keys are explained.
    pub help: bool,
    /// How many replicas are scrolled past.
    pub offset: usize,
}

/// By what the replicas are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// As in the lab's Compose file.
    #[default]
    Station,
    /// Who uses most of what it was granted first.
    Used,
    /// Who is throttled most first.
    Throttled,
}

impl Sort {
    /// What to call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Used => "used",
            Self::Throttled => "throttled",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Station => Self::Used,
            Self::Used => Self::Throttled,
            Self::Throttled => Self::Station,
        }
    }
}

/// What is to be done after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    Nothing,
    /// Draw anew.
    Draw,
    /// End.
    Quit,
}

impl View {
    /// Takes a key in; `page` is how many replicas are seen at a time.
    pub fn key(&mut self, key: KeyEvent, page: usize) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::Nothing;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Wish::Quit,
            _ if control => return Wish::Nothing,
            KeyCode::Char('q') => return Wish::Quit,
            // Out of the help first.
            KeyCode::Esc if !self.help => return Wish::Quit,
            KeyCode::Char('h' | '?') => self.help = !self.help,
            _ if self.help => self.help = false,
            KeyCode::Char('s') => {
                self.sort = self.sort.next();
                self.offset = 0;
            }
            KeyCode::Char('r') => self.reverse = !self.reverse,
            KeyCode::Char('p') => self.paused = !self.paused,
            KeyCode::Up | KeyCode::Char('k') => self.offset = self.offset.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.offset = self.offset.saturating_add(1),
            KeyCode::PageUp => self.offset = self.offset.saturating_sub(page),
            KeyCode::PageDown => self.offset = self.offset.saturating_add(page),
            KeyCode::Home => self.offset = 0,
            KeyCode::End => self.offset = usize::MAX,
            _ => return Wish::Nothing,
        }
        Wish::Draw
    }

    /// The replicas of a frame in the order of this view.
    pub fn sorted<'f>(&self, frame: &'f Frame) -> Vec<&'f Replica> {
        let mut replicas: Vec<&Replica> = frame.replicas.iter().collect();
        // Stable: the lab's order decides between equals.
        match self.sort {
            Sort::Station => {}
            Sort::Used => replicas.sort_by(|a, b| descending(a, b, Replica::used_of_granted)),
            Sort::Throttled => replicas.sort_by(|a, b| descending(a, b, |r| r.throttled_share)),
        }
        if self.reverse {
            replicas.reverse();
        }
        replicas
    }
}

/// Most first; what is unknown comes last.
fn descending(a: &Replica, b: &Replica, by: impl Fn(&Replica) -> Option<f64>) -> Ordering {
    let of = |replica| by(replica).unwrap_or(f64::NEG_INFINITY);
    of(b).total_cmp(&of(a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::tests::replica;

    fn press(view: &mut View, code: KeyCode) -> Wish {
        view.key(KeyEvent::new(code, KeyModifiers::NONE), 10)
    }

    #[test]
    fn q_escape_and_control_c_end_it() {
        let mut view = View::default();
        for code in [KeyCode::Char('q'), KeyCode::Esc] {
            assert_eq!(press(&mut view, code), Wish::Quit);
        }
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(view.key(control_c, 10), Wish::Quit);
        assert_eq!(press(&mut view, KeyCode::Char('c')), Wish::Nothing);
        assert_eq!(view, View::default());
    }

    #[test]
    fn any_key_leaves_the_help_and_does_nothing_else_but_those_that_end_it() {
        let mut view = View::default();
        for code in [KeyCode::Esc, KeyCode::Char('s'), KeyCode::Char('?')] {
            assert_eq!(press(&mut view, KeyCode::Char('h')), Wish::Draw);
            assert!(view.help);
            assert_eq!(press(&mut view, code), Wish::Draw);
            assert_eq!(view, View::default());
        }
        press(&mut view, KeyCode::Char('?'));
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(view.key(control_c, 10), Wish::Quit);
        assert_eq!(press(&mut view, KeyCode::Char('q')), Wish::Quit);
    }

    #[test]
    fn keys_sort_reverse_pause_and_scroll() {
        let mut view = View::default();
        let mut sorts = Vec::new();
        for _ in 0..3 {
            press(&mut view, KeyCode::Char('s'));
            sorts.push(view.sort);
        }
        assert_eq!(sorts, [Sort::Used, Sort::Throttled, Sort::Station]);
        press(&mut view, KeyCode::Char('p'));
        press(&mut view, KeyCode::Char('r'));
        assert!(view.paused && view.reverse);
        press(&mut view, KeyCode::Up);
        assert_eq!(view.offset, 0);
        press(&mut view, KeyCode::PageDown);
        press(&mut view, KeyCode::Down);
        assert_eq!(view.offset, 11);
        press(&mut view, KeyCode::PageUp);
        assert_eq!(view.offset, 1);
        press(&mut view, KeyCode::Home);
        assert_eq!(view.offset, 0);
    }

    #[test]
    fn most_comes_first_and_the_unknown_last() {
        let with = |station: &str, used, throttled| Replica {
            used_cpus: used,
            throttled_share: throttled,
            ..replica(station, 2)
        };
        let frame = Frame {
            replicas: vec![
                with("unknown", None, None),
                with("little", Some(0.1), Some(0.9)),
                with("much", Some(0.5), Some(0.1)),
            ],
            ..Frame::default()
        };
        let names = |view: View| {
            let sorted = view.sorted(&frame);
            sorted.iter().map(|r| r.station.clone()).collect::<Vec<_>>()
        };
        let by = |sort| View {
            sort,
            ..View::default()
        };
        assert_eq!(names(by(Sort::Station)), ["unknown", "little", "much"]);
        assert_eq!(names(by(Sort::Used)), ["much", "little", "unknown"]);
        assert_eq!(names(by(Sort::Throttled)), ["little", "much", "unknown"]);
        let reverse = View {
            reverse: true,
            ..by(Sort::Used)
        };
        assert_eq!(names(reverse), ["unknown", "little", "much"]);
    }
}
