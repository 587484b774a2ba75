//! Curves of many points as curves of few that look the same.

use super::figure::Series;

/// A curve of many points is reduced to the extremes of this many stretches, about one for each pixel of a panel.
const STRETCHES: usize = 330;

impl Series {
    /// The same curve with fewer points, if it has many: of each of 330 stretches of equally many points the least and the
    /// greatest, across too where the curve goes back and forth, and both ends. A stretch without a finite point remains
    /// a gap.
    #[must_use]
    pub fn thinned(&self) -> Series {
        let points = &self.points;
        if points.len() <= 2 * STRETCHES {
            return self.clone();
        }
        let ascending = points.windows(2).all(|pair| pair[0].0 <= pair[1].0);
        let length = points.len().div_ceil(STRETCHES);
        let mut kept = vec![0, points.len() - 1];
        for (number, stretch) in points.chunks(length).enumerate() {
            let finite = || {
                (0..stretch.len()).filter(|&i| stretch[i].0.is_finite() && stretch[i].1.is_finite())
            };
            let up = |i: &usize, j: &usize| stretch[*i].1.total_cmp(&stretch[*j].1);
            let across = |i: &usize, j: &usize| stretch[*i].0.total_cmp(&stretch[*j].0);
            let mut extremes = vec![finite().min_by(up), finite().max_by(up)];
            if !ascending {
                extremes.extend([finite().min_by(across), finite().max_by(across)]);
            }
            kept.extend(extremes.into_iter().map(|i| number * length + i.unwrap_or(0)));
        }
        kept.sort_unstable();
        kept.dedup();
        let points = kept.into_iter().map(|i| points[i]).collect();
        Series { label: self.label.clone(), points, style: self.style }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Style;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn extremes_and_ends_stay(ys in proptest::collection::vec(proptest::num::f64::ANY, 1..5000)) {
            let points: Vec<(f64, f64)> = ys.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            let curve = Series::new("a", points.clone(), Style::of_series(0));
            let thin = curve.thinned().points;
            prop_assert!(thin.len() <= 2 * STRETCHES + 2);
            let ends = |points: &[(f64, f64)]| [points[0].0, points[points.len() - 1].0];
            prop_assert_eq!(ends(&thin), ends(&points));
            let extent = |points: &[(f64, f64)]| {
                let finite = points.iter().map(|point| point.1).filter(|y| y.is_finite());
                finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), y| (a.min(y), b.max(y)))
            };
            prop_assert_eq!(extent(&thin), extent(&points));
            prop_assert!(thin.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
