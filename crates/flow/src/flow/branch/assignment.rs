//! The assignment problem.

/// A column for each row, all different, such that the sum of the costs is smallest. There must be at
/// least as many columns as rows, and the costs must be finite.
///
/// Rows are added one by one, each along a shortest augmenting path with respect to the reduced
/// costs: `O(rows² · columns)`. Source: Jonker and Volgenant, *A shortest augmenting path algorithm
/// for dense and sparse linear assignment problems*, Computing 38 (1987).
pub(in crate::flow) fn assignment(
    rows: usize,
    columns: usize,
    cost: impl Fn(usize, usize) -> f64,
) -> Vec<usize> {
    debug_assert!(rows <= columns);
    let mut row_of: Vec<Option<usize>> = vec![None; columns];
    // The dual variables of rows and columns.
    let (mut u, mut v) = (vec![0.0; rows], vec![0.0; columns]);
    for new in 0..rows {
        let mut distance = vec![f64::INFINITY; columns];
        let mut before: Vec<Option<usize>> = vec![None; columns];
        let mut done = vec![false; columns];
        // The row to go on from, the column that led to it, and how far it is.
        let (mut row, mut from, mut far) = (new, None, 0.0);
        let end = loop {
            let mut nearest: Option<usize> = None;
            for j in (0..columns).filter(|&j| !done[j]) {
                let through = far + cost(row, j) - u[row] - v[j];
                if through < distance[j] {
                    (distance[j], before[j]) = (through, from);
                }
                if nearest.is_none_or(|best| distance[j] < distance[best]) {
                    nearest = Some(j);
                }
            }
            let Some(column) = nearest else { return Vec::new() };
            (done[column], from, far) = (true, Some(column), distance[column]);
            match row_of[column] {
                Some(next) => row = next,
                None => break column,
            }
        };
        u[new] += far;
        for j in (0..columns).filter(|&j| done[j]) {
            v[j] -= far - distance[j];
            if let Some(row) = row_of[j] {
                u[row] += far - distance[j];
            }
        }
        let mut column = end;
        loop {
            let Some(last) = before[column] else { break row_of[column] = Some(new) };
            row_of[column] = row_of[last];
            column = last;
        }
    }
    let mut column_of = vec![0; rows];
    for (j, row) in row_of.into_iter().enumerate() {
        if let Some(row) = row {
            column_of[row] = j;
        }
    }
    column_of
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All injections of rows into columns.
    fn cheapest(rows: usize, columns: usize, cost: &dyn Fn(usize, usize) -> f64) -> f64 {
        fn go(
            row: usize,
            rows: usize,
            free: &mut Vec<bool>,
            cost: &dyn Fn(usize, usize) -> f64,
        ) -> f64 {
            if row == rows {
                return 0.0;
            }
            let mut best = f64::INFINITY;
            for j in 0..free.len() {
                if free[j] {
                    free[j] = false;
                    best = best.min(cost(row, j) + go(row + 1, rows, free, cost));
                    free[j] = true;
                }
            }
            best
        }
        go(0, rows, &mut vec![true; columns], cost)
    }

    #[test]
    fn no_other_assignment_is_cheaper() {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 40) as f64
        };
        for (rows, columns) in [(0, 0), (1, 1), (2, 2), (3, 5), (5, 5), (6, 7), (1, 4)] {
            for _ in 0..50 {
                let costs: Vec<f64> = (0..rows * columns).map(|_| next()).collect();
                let cost = |i: usize, j: usize| costs[i * columns + j];
                let found = assignment(rows, columns, cost);
                let mut columns_used = found.clone();
                columns_used.sort_unstable();
                columns_used.dedup();
                assert_eq!(columns_used.len(), rows);
                let sum: f64 = found.iter().enumerate().map(|(i, &j)| cost(i, j)).sum();
                assert_eq!(sum, cheapest(rows, columns, &cost));
            }
        }
    }

    /// The nearest pair first would leave 0 and 1.9 for each other.
    #[test]
    fn two_points_that_follow_one_another() {
        let (new, old) = ([0.9f64, 1.9], [0.0f64, 1.0]);
        let found = assignment(2, 2, |i, k| (new[i] - old[k]).powi(2));
        assert_eq!(found, [0, 1]);
    }
}
