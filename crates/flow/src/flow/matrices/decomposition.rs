//! Singular value decompositions over any real numbers, by Jacobi rotations.

use super::dense::Dense;
use crate::flow::jets::vectors::zero;
use crate::loss::Number;
use std::cmp::Ordering;

/// `G = U S Vᵀ` with orthonormal columns in `U` and `V`, one for each positive singular value.
pub(super) struct Decomposition<T> {
    pub u: Dense<T>,
    pub s: Vec<T>,
    pub v: Dense<T>,
}

/// Which singular values count as 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// Rounding errors of the largest.
    Rounded,
    /// Those of less than `64 √ε` of the largest, 1e-6 for doubles: what sums of many gradients leave of one that is 0. Five
    /// steps of Newton and Schulz make less than 1e-3 of these.
    Small,
}

/// The rotations converge quadratically; far fewer sweeps are needed.
const SWEEPS: usize = 60;

/// The distance from 1 to the next number.
fn epsilon<T: Number>() -> T {
    let one = || T::from_rational(&1.into());
    let half = one().quotient(&T::from_rational(&2.into()));
    let mut epsilon = one();
    for _ in 0..4096 {
        let next = epsilon.clone() * half.clone();
        if (one() + next.clone()).compare_real(&one()) != Some(Ordering::Greater) {
            break;
        }
        epsilon = next;
    }
    epsilon
}

/// Whether it is a real number, neither infinite nor undefined.
fn is_finite<T: Number>(x: &T) -> bool {
    x.is_real() && (x.clone() - x.clone()).compare_real(&zero()) == Some(Ordering::Equal)
}

fn is_less<T: Number>(a: &T, b: &T) -> bool {
    a.compare_real(b) == Some(Ordering::Less)
}

fn dot<T: Number>(x: &[T], y: &[T]) -> T {
    x.iter().zip(y).fold(zero(), |sum, (x, y)| sum + x.clone() * y.clone())
}

impl<T: Number> Decomposition<T> {
    /// That of a matrix of real numbers; of others, numbers that are not finite.
    ///
    /// Source: Hestenes (1958); Golub and Van Loan (2013), *Matrix computations*, section 8.6.3: the columns are rotated in
    /// pairs until they are orthogonal, which finds small singular values to their last digits.
    pub fn new(matrix: &Dense<T>, zero_is: Zero) -> Self {
        if matrix.rows < matrix.columns {
            let Decomposition { u, s, v } = Decomposition::new(&matrix.transposed(), zero_is);
            return Decomposition { u: v, s, v: u };
        }
        let (m, n) = (matrix.rows, matrix.columns);
        if !matrix.entries.iter().all(is_finite) {
            let undefined = zero::<T>() / zero();
            let all = |rows| Dense::new(rows, n, vec![undefined.clone(); rows * n]);
            return Decomposition { u: all(m), s: vec![undefined.clone(); n], v: all(n) };
        }
        let epsilon = epsilon::<T>();
        let mut columns: Vec<Vec<T>> =
            (0..n).map(|j| (0..m).map(|i| matrix.at(i, j).clone()).collect()).collect();
        let unit = |i: usize, j: usize| T::from_rational(&i64::from(i == j).into());
        let mut turned: Vec<Vec<T>> =
            (0..n).map(|j| (0..n).map(|i| unit(i, j)).collect()).collect();
        let mut squares: Vec<T> = columns.iter().map(|x| dot(x, x)).collect();
        let largest = |squares: &[T]| {
            squares
                .iter()
                .fold(zero(), |most: T, x| if is_less(&most, x) { x.clone() } else { most })
        };
        // What is smaller is a rounding error of the largest singular value.
        let size = T::from_rational(&(m as i64).into()) * epsilon.clone();
        let negligible = size.clone() * size.clone() * largest(&squares);
        for _ in 0..SWEEPS {
            let mut rotated = false;
            for p in 0..n {
                for q in p + 1..n {
                    let gamma = dot(&columns[p], &columns[q]);
                    let (a, b) = (squares[p].clone(), squares[q].clone());
                    let bound = size.clone() * size.clone() * a.clone() * b.clone();
                    let is_small = |x: &T| !is_less(&negligible, x);
                    if !is_less(&bound, &(gamma.clone() * gamma.clone()))
                        || is_small(&a)
                        || is_small(&b)
                    {
                        continue;
                    }
                    rotated = true;
                    let (c, s) = rotation(&a, &b, &gamma);
                    rotate(&mut columns, p, q, &c, &s);
                    rotate(&mut turned, p, q, &c, &s);
                    squares[p] = dot(&columns[p], &columns[p]);
                    squares[q] = dot(&columns[q], &columns[q]);
                }
            }
            if !rotated {
                break;
            }
        }
        let least = match zero_is {
            Zero::Rounded => size,
            Zero::Small => T::from_rational(&64.into()) * epsilon.sqrt(),
        };
        let least = largest(&squares).sqrt() * least;
        let values: Vec<T> = squares.iter().map(T::sqrt).collect();
        let kept: Vec<usize> = (0..n).filter(|&j| is_less(&least, &values[j])).collect();
        let rank = kept.len();
        Decomposition {
            u: Dense::from_fn(m, rank, |i, j| columns[kept[j]][i].quotient(&values[kept[j]])),
            s: kept.iter().map(|&j| values[j].clone()).collect(),
            v: Dense::from_fn(n, rank, |i, j| turned[kept[j]][i].clone()),
        }
    }

    /// `U Vᵀ`
    pub fn polar(&self) -> Dense<T> {
        self.u.times(&self.v.transposed())
    }
}

/// The cosine and the sine that make two columns with the squares `a`, `b` and the product `gamma` orthogonal.
fn rotation<T: Number>(a: &T, b: &T, gamma: &T) -> (T, T) {
    let one = T::from_rational(&1.into());
    let two = T::from_rational(&2.into());
    let zeta = (b.clone() - a.clone()).quotient(&(two * gamma.clone()));
    let root = (one.clone() + zeta.clone() * zeta.clone()).sqrt();
    let t = match is_less(&zeta, &zero()) {
        true => -one.quotient(&(root - zeta)),
        false => one.quotient(&(root + zeta)),
    };
    let c = one.quotient(&(one.clone() + t.clone() * t.clone()).sqrt());
    let s = c.clone() * t;
    (c, s)
}

fn rotate<T: Number>(columns: &mut [Vec<T>], p: usize, q: usize, c: &T, s: &T) {
    let (first, second) = columns.split_at_mut(q);
    for (x, y) in first[p].iter_mut().zip(&mut second[0]) {
        let turned = c.clone() * x.clone() - s.clone() * y.clone();
        *y = s.clone() * x.clone() + c.clone() * y.clone();
        *x = turned;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn random(rows: usize, columns: usize, seed: u64) -> Dense<f64> {
        let mut random = Stream::new(seed, "matrix");
        Dense::from_fn(rows, columns, |_, _| random.normal())
    }

    fn distance(a: &Dense<f64>, b: &Dense<f64>) -> f64 {
        a.entries.iter().zip(&b.entries).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn singular_values_and_vectors_are_those_of_nalgebra() {
        for (rows, columns) in [(1, 1), (4, 4), (7, 3), (3, 7), (1, 5), (5, 1), (20, 20)] {
            let matrix = random(rows, columns, 7 + rows as u64);
            let found = Decomposition::new(&matrix, Zero::Small);
            assert_eq!(found.s.len(), rows.min(columns));
            let expected =
                nalgebra::DMatrix::from_row_slice(rows, columns, &matrix.entries).svd(true, true);
            let mut s = found.s.clone();
            s.sort_by(|a, b| b.total_cmp(a));
            for (s, expected) in s.iter().zip(expected.singular_values.iter()) {
                assert!((s - expected).abs() < 1e-13 * expected.max(1.0), "{s} {expected}");
            }
            let polar = expected.u.unwrap() * expected.v_t.unwrap();
            let polar = Dense::from_fn(rows, columns, |i, j| polar[(i, j)]);
            assert!(distance(&found.polar(), &polar) < 1e-12);
        }
    }

    #[test]
    fn a_rank_is_found_where_rows_depend_on_each_other() {
        let (a, b) = (random(6, 2, 1), random(2, 5, 2));
        for zero_is in [Zero::Small, Zero::Rounded] {
            let found = Decomposition::new(&a.times(&b), zero_is);
            assert_eq!(found.s.len(), 2);
            // The projection on what the columns span.
            let polar = found.polar();
            assert!(distance(&polar.times(&polar.transposed()).times(&a), &a) < 1e-13);
            let zero = Decomposition::new(&Dense::<f64>::zero(3, 2), zero_is);
            assert_eq!((zero.s.len(), zero.polar()), (0, Dense::zero(3, 2)));
        }
    }
}
