//! The values of a many-valued function, such as the roots of a polynomial, as continuous paths.

use crate::flow::branch::assignment::assignment;
use num_complex::Complex64;

/// Samples `(t, value)` of one value, in the order of `t`.
pub type Path = Vec<(f64, Complex64)>;

/// An interval between samples is halved so often, where the values move far in it.
const HALVINGS: usize = 10;
/// Larger values are left out: they are those of a pole.
const LARGE: f64 = 1e12;

/// The paths of `values(t)` for `t` in an interval, from `samples` equal pieces of it, and from smaller ones where a
/// value moves by more than `near`, or by that part of itself where it is larger than 1. Values are finite; where
/// their number changes, all paths end, and others begin.
pub(super) fn paths(
    (from, to): (f64, f64),
    samples: usize,
    near: f64,
    values: impl Fn(f64) -> Vec<Complex64>,
) -> Vec<Path> {
    let at = |t: f64| -> (f64, Vec<Complex64>) {
        let finite = values(t).into_iter().filter(|z| z.norm() < LARGE);
        (t, finite.collect())
    };
    let mut done: Vec<Path> = Vec::new();
    let mut last = at(from);
    let mut open: Vec<Path> = last.1.iter().map(|z| vec![(from, *z)]).collect();
    for i in 1..=samples {
        let t = from + (to - from) * i as f64 / samples as f64;
        // What lies ahead, the nearest on top, each with the number of halvings that led to it.
        let mut ahead = vec![(at(t), 0)];
        while let Some((next, halvings)) = ahead.pop() {
            let matched = matched(&last.1, &next.1, near);
            if !matches!(matched, Some((_, true))) && halvings < HALVINGS {
                let middle = at(0.5 * (last.0 + next.0));
                ahead.push((next, halvings + 1));
                ahead.push((middle, halvings + 1));
                continue;
            }
            match matched {
                Some((order, _)) => {
                    for (path, k) in open.iter_mut().zip(&order) {
                        path.push((next.0, next.1[*k]));
                    }
                    last = (next.0, order.iter().map(|k| next.1[*k]).collect());
                }
                None => {
                    done.append(&mut open);
                    open = next.1.iter().map(|z| vec![(next.0, *z)]).collect();
                    last = next;
                }
            }
        }
    }
    done.append(&mut open);
    done
}

/// Which of the values `after` continues which of those `before`, and whether none moves far; `None` if their numbers
/// differ.
fn matched(before: &[Complex64], after: &[Complex64], near: f64) -> Option<(Vec<usize>, bool)> {
    if before.len() != after.len() {
        return None;
    }
    let n = before.len();
    let order = assignment(n, n, |i, k| (before[i] - after[k]).norm());
    let moves = |(z, k): (&Complex64, &usize)| (z - after[*k]).norm() / z.norm().max(1.0);
    let is_near = before.iter().zip(&order).map(moves).all(|far| far <= near);
    Some((order, is_near))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The square roots of `t` turn by a right angle at 0, infinitely fast.
    #[test]
    fn paths_are_continuous_through_a_branch_point() {
        let roots = |t: f64| {
            let root = Complex64::from(t).sqrt();
            vec![root, -root]
        };
        let found = paths((-1.0, 1.0), 50, 0.02, roots);
        assert_eq!(found.len(), 2);
        for path in found {
            assert_eq!((path[0].0, path[path.len() - 1].0), (-1.0, 1.0));
            for pair in path.windows(2) {
                assert!(pair[1].0 > pair[0].0);
                assert!((pair[1].1 - pair[0].1).norm() < 0.03, "{pair:?}");
            }
        }
    }

    #[test]
    fn a_pole_ends_a_path() {
        let pole = |t: f64| vec![Complex64::from(1.0 / (t - 0.5))];
        let found = paths((0.0, 1.0), 10, 0.05, pole);
        assert_eq!(found.len(), 2);
        assert!(found[0].iter().all(|(t, z)| *t < 0.5 && z.re < 0.0));
        assert!(found[1].iter().all(|(t, z)| *t > 0.5 && z.re > 0.0));
    }
}
