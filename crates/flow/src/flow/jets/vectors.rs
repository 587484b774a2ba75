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

/// `f` of two entries after the other, where a number stands for a vector of it.
fn broadcast<T: Clone>(x: &[T], y: &[T], mut f: impl FnMut(usize, &T, &T)) {
    match (x, y) {
        ([x], y) => y.iter().enumerate().for_each(|(i, y)| f(i, x, y)),
        (x, [y]) => x.iter().enumerate().for_each(|(i, x)| f(i, x, y)),
        _ => x.iter().zip(y).enumerate().for_each(|(i, (x, y))| f(i, x, y)),
    }
}

/// A sum, of so many entries at least.
fn at_least<T: Number>(sum: &mut Coefficient<T>, length: usize) -> &mut Vec<T> {
    let sum = sum.get_or_insert_with(|| vec![zero(); length]);
    if sum.len() < length {
        *sum = vec![sum[0].clone(); length];
    }
    sum
}

/// `sum += c x`
pub(in crate::flow) fn add<T: Number>(sum: &mut Coefficient<T>, c: &T, x: &[T]) {
    let sum = at_least(sum, x.len());
    match x {
        [x] => sum.iter_mut().for_each(|sum| *sum = sum.clone() + c.clone() * x.clone()),
        _ => sum.iter_mut().zip(x).for_each(|(sum, x)| *sum = sum.clone() + c.clone() * x.clone()),
    }
}

/// `sum += c x y`
fn add_product<T: Number>(sum: &mut Coefficient<T>, c: &T, x: &[T], y: &[T]) {
    let sum = at_least(sum, x.len().max(y.len()));
    if sum.len() > x.len().max(y.len()) {
        let product = c.clone() * x[0].clone() * y[0].clone();
        return sum.iter_mut().for_each(|sum| *sum = sum.clone() + product.clone());
    }
    broadcast(x, y, |i, x, y| sum[i] = sum[i].clone() + c.clone() * x.clone() * y.clone());
}

/// `sum += c x_i y_j`, parts of two degrees whose sum is that of the first.
pub(in crate::flow) fn add_parts<T: Number>(sum: &mut Part<T>, c: &T, x: &Part<T>, y: &Part<T>) {
    for (i, x) in x.iter().enumerate().filter_map(|(i, x)| Some((i, x.as_ref()?))) {
        for (j, y) in y.iter().enumerate().filter_map(|(j, y)| Some((j, y.as_ref()?))) {
            add_product(&mut sum[i + j], c, x, y);
        }
    }
}

/// Entry by entry `f(x, y)`.
pub(in crate::flow) fn zip<T: Number>(x: &[T], y: &[T], f: impl Fn(&T, &T) -> T) -> Vec<T> {
    let mut out = Vec::with_capacity(x.len().max(y.len()));
    broadcast(x, y, |_, x, y| out.push(f(x, y)));
    out
}

/// A number as a vector of it.
pub(in crate::flow) fn broadcast_to<T: Clone>(x: &[T], dimension: usize) -> Vec<T> {
    match x {
        [x] => vec![x.clone(); dimension],
        x => x.to_vec(),
    }
}

/// `(√x)^n`
pub(in crate::flow) fn root_power<T: Number>(x: &T, n: i64) -> T {
    let one = T::from_rational(&1.into());
    let root = x.sqrt();
    let power = (0..n.unsigned_abs()).fold(one.clone(), |power, _| power * root.clone());
    if n < 0 { one.quotient(&power) } else { power }
}
