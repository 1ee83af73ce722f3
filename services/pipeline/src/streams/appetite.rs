//! How much a consumer takes at once.

/// How much work is taken at once, nanoseconds: what one takes, others do not get.
const TAKEN_NANOS: f64 = 20_000_000.0;

/// How many bytes are taken at once.
const TAKEN_BYTES: f64 = 1_048_576.0;

/// How much to take at once, from what was taken before.
#[derive(Debug)]
pub(super) struct Appetite {
    most: usize,
    /// Doubles with each take, so that one learns first what items cost.
    grown: usize,
    nanos: f64,
    bytes: f64,
}

impl Appetite {
    /// One that knows nothing of the items yet; `most` at once at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            grown: 8,
            nanos: 0.0,
            bytes: 0.0,
        }
    }

    /// How many, of a queue of that capacity: others want some too.
    pub(super) fn count(&self, capacity: u64) -> usize {
        let by = |budget: f64, cost: f64| (budget / cost.max(1.0)) as usize;
        let of_capacity = (capacity / 4) as usize;
        self.most
            .min(self.grown)
            .min(by(TAKEN_NANOS, self.nanos))
            .min(by(TAKEN_BYTES, self.bytes))
            .min(of_capacity)
            .max(1)
    }

    /// So many were taken, with so many bytes.
    pub(super) fn took(&mut self, entries: usize, bytes: usize) {
        self.grown = (self.grown * 2).min(self.most);
        learn(&mut self.bytes, bytes as f64 / entries.max(1) as f64);
    }

    /// So many were worked on for so long.
    pub(super) fn worked(&mut self, items: u64, nanos: u64) {
        learn(&mut self.nanos, nanos as f64 / items.max(1) as f64);
    }
}

/// A mean in which the newest fifth counts.
fn learn(mean: &mut f64, new: f64) {
    *mean = if *mean == 0.0 {
        new
    } else {
        0.8 * *mean + 0.2 * new
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fed(bytes: usize, nanos: u64) -> Appetite {
        let mut appetite = Appetite::new(512);
        for _ in 0..40 {
            appetite.took(10, 10 * bytes);
            appetite.worked(10, 10 * nanos);
        }
        appetite
    }

    #[test]
    fn it_grows_from_little_to_what_the_items_bear() {
        assert_eq!(Appetite::new(512).count(u64::MAX), 8);
        assert_eq!(fed(32, 1_000).count(u64::MAX), 512, "light items");
        assert_eq!(fed(32, 2_000_000).count(u64::MAX), 10, "20 ms of work");
        assert_eq!(fed(1 << 20, 1_000).count(u64::MAX), 1, "1 MiB");
        assert_eq!(fed(32, 1_000).count(40), 10, "a quarter of the queue");
        assert_eq!(fed(1 << 24, 60_000_000_000).count(1), 1, "one at least");
    }
}
