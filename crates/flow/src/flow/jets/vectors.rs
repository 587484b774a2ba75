//! Coefficients of series whose entries are computed side by side: numbers and vectors.

use crate::loss::Number;

/// A number, as one entry, or a vector; `None` is 0.
pub(in crate::flow) type Coefficient<T> = Option<Vec<T>>;

/// The part of degree `k`, the coefficients of `h^(k-j) s^j` for `j = 0, …, k`.
pub(in crate::flow) type Part<T> = Vec<Coefficient<T>>;

/// `0`
pub(in crate::flow) fn zero<T: Number>() -> T {
    T::from_rational(&0.into())
}

pub(in crate::flow) fn is_zero<T: Number>(x: &T) -> bool {
    x.compare_real(&zero()) == Some(std::cmp::Ordering::Equal)
}

/// Nothing of degree `k`.
pub(in crate::flow) fn nothing<T>(k: usize) -> Part<T> {
    (0..=k).map(|_| None).collect()
}

/// Makes a number the vector of it, if the other summand is a vector.
fn lengthen<T: Clone>(sum: &mut Vec<T>, length: usize) {
    if sum.len() < length {
        *sum = vec![sum[0].clone(); length];
    }
}

/// `sum += c x`
pub(in crate::flow) fn add<T: Number>(sum: &mut Coefficient<T>, c: &T, x: &[T]) {
    let Some(sum) = sum else {
        return *sum = Some(x.iter().map(|x| c.clone() * x.clone()).collect());
    };
    lengthen(sum, x.len());
    match x {
        [x] => {
            let x = c.clone() * x.clone();
            sum.iter_mut().for_each(|sum| *sum = sum.clone() + x.clone());
        }
        _ => sum.iter_mut().zip(x).for_each(|(sum, x)| *sum = sum.clone() + c.clone() * x.clone()),
    }
}

/// `sum += c x y`
fn add_product<T: Number>(sum: &mut Coefficient<T>, c: &T, x: &[T], y: &[T]) {
    match (x, y) {
        ([x], y) | (y, [x]) => add(sum, &(c.clone() * x.clone()), y),
        (x, y) => {
            let Some(sum) = sum else {
                return *sum = Some(zip(x, y, |x, y| c.clone() * x.clone() * y.clone()));
            };
            lengthen(sum, x.len());
            for (sum, (x, y)) in sum.iter_mut().zip(x.iter().zip(y)) {
                *sum = sum.clone() + c.clone() * x.clone() * y.clone();
            }
        }
    }
}

/// `sum += c x_i y_j`, parts of two degrees whose sum is that of the first.
pub(in crate::flow) fn add_parts<T: Number>(sum: &mut Part<T>, c: &T, x: &Part<T>, y: &Part<T>) {
    for (i, x) in x.iter().enumerate().filter_map(|(i, x)| Some((i, x.as_ref()?))) {
        for (j, y) in y.iter().enumerate().filter_map(|(j, y)| Some((j, y.as_ref()?))) {
            add_product(&mut sum[i + j], c, x, y);
        }
    }
}

/// Entry by entry `f(x, y)`, where a number stands for a vector of it.
pub(in crate::flow) fn zip<T: Number>(x: &[T], y: &[T], f: impl Fn(&T, &T) -> T) -> Vec<T> {
    match (x, y) {
        ([x], y) => y.iter().map(|y| f(x, y)).collect(),
        (x, [y]) => x.iter().map(|x| f(x, y)).collect(),
        _ => x.iter().zip(y).map(|(x, y)| f(x, y)).collect(),
    }
}

/// A number as a vector of it.
pub(in crate::flow) fn broadcast_to<T: Clone>(x: &[T], dimension: usize) -> Vec<T> {
    match x {
        [x] => vec![x.clone(); dimension],
        x => x.to_vec(),
    }
}

/// `(√x)^n`
pub(in crate::flow) fn root_power<T: Number>(n: i64) -> impl Fn(&T) -> T {
    let one = T::from_rational(&1.into());
    move |x| {
        let root = x.sqrt();
        let power = (1..n.unsigned_abs()).fold(root.clone(), |power, _| power * root.clone());
        if n < 0 { one.quotient(&power) } else { power }
    }
}

/// The sum of the entries.
pub(in crate::flow) fn total<T: Number>(x: &[T]) -> T {
    const LANES: usize = 8;
    let add = |sum: T, x: &T| sum + x.clone();
    if x.len() < LANES {
        return x.iter().fold(zero(), add);
    }
    // Sums side by side, which do not wait for one another.
    let (first, rest) = x.split_at(LANES);
    let mut lanes = first.to_vec();
    let chunks = rest.chunks_exact(LANES);
    let last = chunks.remainder();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane = lane.clone() + x.clone());
    }
    lanes.iter().chain(last).fold(zero(), add)
}
