//! A linear scale from zero.

/// A linear scale from 0 to a round number, with round steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    step: f64,
    steps: u32,
}

impl Scale {
    /// The scale that holds these figures in at most six steps.
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let largest = figures.into_iter().fold(0.0, f64::max);
        // Nothing to show, or beyond what powers of ten can be taken of.
        if !(1e-12..1e15).contains(&largest) {
            return Self {
                step: 0.5,
                steps: 2,
            };
        }
        let power = 10f64.powf((largest / 6.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|digit| digit * power)
            .find(|step| largest / step <= 6.0)
            .unwrap_or(10.0 * power);
        let steps = (largest / step - 1e-9).ceil().max(1.0) as u32;
        Self { step, steps }
    }

    /// Where a figure lies: 0 at the start, 1 at the end.
    pub(super) fn share(&self, figure: f64) -> f64 {
        (figure / (self.step * f64::from(self.steps))).clamp(0.0, 1.0)
    }

    /// The figures at the steps, 0 and the end included.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let step = self.step;
        (0..=self.steps).map(move |n| f64::from(n) * step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(largest: f64) -> Vec<f64> {
        Scale::of([largest]).ticks().collect()
    }

    #[test]
    fn steps_are_round_and_the_last_holds_the_largest() {
        assert_eq!(ticks(2.0), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(ticks(1.93), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(ticks(190.0), [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!(ticks(1.05), [0.0, 0.2, 0.4, 0.2 * 3.0, 0.8, 1.0, 0.2 * 6.0]);
    }

    #[test]
    fn figures_lie_between_the_ends() {
        let scale = Scale::of([0.4, 2.0]);
        assert!((scale.share(1.0) - 0.5).abs() < 1e-12);
        assert!((scale.share(9.0) - 1.0).abs() < 1e-12);
        for odd in [0.0, f64::NAN, f64::INFINITY, 1e300, 5e-324] {
            assert_eq!(ticks(odd), [0.0, 0.5, 1.0]);
        }
    }
}
