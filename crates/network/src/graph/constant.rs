//! What nothing is differentiated through: comparisons, order and rounding of real bases.

use super::operation::Operation;

/// Entries of the value of an operation of one argument.
pub(super) fn rounded(operation: &Operation, x: &[f64]) -> Vec<f64> {
    let rule: fn(f64) -> f64 = match operation {
        Operation::Round => f64::round_ties_even,
        Operation::Floor => f64::floor,
        Operation::Ceil => f64::ceil,
        Operation::Trunc => f64::trunc,
        Operation::Sign => |x| if x == 0.0 { 0.0 } else { x.signum() },
        Operation::Not => |x| f64::from(u8::from(x == 0.0)),
        other => unreachable!("{other:?} is no rounding"),
    };
    x.iter().map(|&x| rule(x)).collect()
}

/// Entries of the comparison of two arrays of the same shape.
pub(super) fn compared(operation: &Operation, x: &[f64], y: &[f64]) -> Vec<f64> {
    let rule: fn(f64, f64) -> bool = match operation {
        Operation::Equal => |x, y| x == y,
        Operation::NotEqual => |x, y| x != y,
        Operation::Less => |x, y| x < y,
        Operation::LessEqual => |x, y| x <= y,
        Operation::Greater => |x, y| x > y,
        Operation::GreaterEqual => |x, y| x >= y,
        Operation::And => |x, y| x != 0.0 && y != 0.0,
        Operation::Or => |x, y| x != 0.0 || y != 0.0,
        other => unreachable!("{other:?} is no comparison"),
    };
    x.iter().zip(y).map(|(&x, &y)| f64::from(u8::from(rule(x, y)))).collect()
}

/// The lines of an array along an axis: where each starts, and the step between its entries.
fn lines(shape: &[usize], axis: usize) -> (impl Iterator<Item = usize>, usize) {
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let size = shape[axis];
    let starts =
        (0..outer).flat_map(move |block| (0..inner).map(move |at| block * size * inner + at));
    (starts, inner)
}

/// Whether one entry comes before another: a `NaN` first, as it is the largest to PyTorch and JAX.
fn above(x: f64, y: f64) -> bool {
    !y.is_nan() && (x > y || x.is_nan())
}

/// Where along the axis the largest entry is, the first of equals.
pub(super) fn argmax(x: &[f64], shape: &[usize], axis: usize) -> Vec<f64> {
    let (starts, step) = lines(shape, axis);
    let largest = |start: usize| {
        let at = |place: usize| x[start + place * step];
        (1..shape[axis])
            .fold(0, |best, place| if above(at(place), at(best)) { place } else { best })
    };
    starts.map(|start| largest(start) as f64).collect()
}

/// The order of the entries along an axis, stable.
pub(super) fn argsort(x: &[f64], shape: &[usize], axis: usize, descending: bool) -> Vec<f64> {
    let mut out = vec![0.0; x.len()];
    let (starts, step) = lines(shape, axis);
    for start in starts {
        let mut order: Vec<usize> = (0..shape[axis]).collect();
        let value = |place: usize| {
            // Zeros of either sign are equal, and every NaN comes last.
            let value = x[start + place * step] + 0.0;
            if value.is_nan() { f64::NAN } else { value }
        };
        order.sort_by(|&a, &b| {
            let (a, b) = (value(a), value(b));
            if descending { b.total_cmp(&a) } else { a.total_cmp(&b) }
        });
        for (place, from) in order.into_iter().enumerate() {
            out[start + place * step] = from as f64;
        }
    }
    out
}

/// Which entries are the largest over the axes where `reduced` has one entry, and how many share that.
pub(super) fn largest(
    x: &[f64],
    shape: &[usize],
    reduced: &[usize],
) -> (Vec<bool>, Vec<usize>, Vec<f64>) {
    let places: Vec<usize> = crate::host::places(shape, reduced).collect();
    let mut best = vec![f64::NEG_INFINITY; reduced.iter().product()];
    for (&place, &x) in places.iter().zip(x) {
        if above(x, best[place]) {
            best[place] = x;
        }
    }
    let mut count = vec![0; best.len()];
    let mut is_largest = Vec::with_capacity(x.len());
    for (&place, &x) in places.iter().zip(x) {
        let equal = x == best[place] || (x.is_nan() && best[place].is_nan());
        count[place] += usize::from(equal);
        is_largest.push(equal);
    }
    (is_largest, count, best)
}
