//! In which order a round takes the rows.

/// The rows of round `round` (from 0) of `rounds`, by index, each once.
///
/// A round zigzags through the rows from its first one on (0, n−1, 1, n−2, …),
/// and the first one moves on from round to round: so every row stands behind
/// another neighbour each time, in one round in n (two, where n is odd) behind
/// the same one. What a neighbour leaves behind, a warm CPU or a used-up
/// quota, then falls on no row alone. E. J. Williams, "Experimental designs
/// balanced for the estimation of residual effects of treatments", 1949.
pub fn order(rows: usize, round: u32, rounds: u32) -> Vec<usize> {
    // Apart as far as the rounds go, so that the first rows are not neighbours.
    let step = (rows / rounds.max(1) as usize).max(1);
    let first = round as usize * step;
    let zigzag = (0..rows).map(|place| match place % 2 {
        0 => place / 2,
        _ => rows - place.div_ceil(2),
    });
    zigzag.map(|row| (first + row) % rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_round_takes_each_row_once() {
        for rows in 0..40 {
            for round in 0..10 {
                let mut taken = order(rows, round, 6);
                taken.sort_unstable();
                assert_eq!(taken, (0..rows).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn rounds_start_at_different_rows() {
        let starts =
            |rows| -> Vec<usize> { (0..6).map(|round| order(rows, round, 6)[0]).collect() };
        assert_eq!(starts(21), [0, 3, 6, 9, 12, 15]);
        assert_eq!(starts(3), [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn no_row_follows_the_same_neighbour_more_than_twice_in_six_rounds() {
        for rows in 6..40 {
            let mut followed: BTreeMap<(usize, usize), usize> = BTreeMap::new();
            for round in 0..6 {
                for pair in order(rows, round, 6).windows(2) {
                    *followed.entry((pair[0], pair[1])).or_default() += 1;
                }
            }
            let most = followed.values().max();
            assert!(most <= Some(&2), "{rows} rows: {followed:?}");
        }
    }
}
