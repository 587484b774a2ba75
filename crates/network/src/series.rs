//! Arrays with coefficients in an algebra, and the operations that do not care which algebra it is.

use smallvec::{SmallVec, smallvec};

use super::algebra::{Algebra, Product};
use super::architecture::Dtype;
use super::array::{Array, Context, Number, Shape, Sum, broadcast_shape};
use super::function::Elementary;
use super::host;
use super::lanes;
#[cfg(feature = "accelerator")]
use super::tensors;

/// An algebra with its table of products, and where its arrays live.
pub(crate) struct Ring<'a> {
    pub algebra: &'a Algebra,
    pub context: &'a Context,
    table: Vec<Product>,
}

/// One array a coefficient; a real number's in place, as [`Shape`] is.
pub(crate) type Coefficients = SmallVec<[Option<Array>; 1]>;

/// An array whose entries are elements of an algebra: one real array a coefficient, `None` for zero.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    coefficients: Coefficients,
    shape: Shape,
}

impl Series {
    pub fn new(coefficients: Coefficients, shape: &[usize]) -> Self {
        Self { coefficients, shape: Shape::from_slice(shape) }
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The coefficient of the unit: where every comparison looks.
    pub fn base(&self) -> &Array {
        self.coefficients[0].as_ref().expect("a value has a base")
    }

    pub fn coefficient(&self, index: usize) -> Option<&Array> {
        self.coefficients[index].as_ref()
    }

    /// The coefficients of an element on the host.
    fn numbers<T: Number>(&self) -> SmallVec<[Option<&[T]>; 1]> {
        self.coefficients.iter().map(|c| c.as_ref().map(Array::numbers)).collect()
    }

    fn of_numbers<T: Number>(coefficients: lanes::Coefficients<T>, shape: &[usize]) -> Self {
        let array = |values| Array::of_numbers(values, shape);
        let coefficients = coefficients.into_iter().map(|c| c.map(array)).collect();
        Self { coefficients, shape: Shape::from_slice(shape) }
    }

    /// Applies a real-linear map to every coefficient.
    pub fn linear(&self, f: impl Fn(&Array) -> Array) -> Self {
        let coefficients: Coefficients =
            self.coefficients.iter().map(|c| c.as_ref().map(&f)).collect();
        let shape = coefficients
            .iter()
            .flatten()
            .next()
            .map_or_else(|| self.shape.clone(), |a| Shape::from_slice(a.shape()));
        Self { coefficients, shape }
    }

    /// The same, added to a sum of the shape `shape` if there is one.
    pub fn linear_onto(
        &self,
        so_far: Option<Self>,
        shape: &[usize],
        f: impl Fn(&Array, Option<Array>) -> Array,
    ) -> Self {
        let mut coefficients =
            so_far.map_or_else(|| smallvec![None; self.coefficients.len()], |s| s.coefficients);
        for (sum, c) in coefficients.iter_mut().zip(&self.coefficients) {
            if let Some(c) = c {
                *sum = Some(f(c, sum.take()));
            }
        }
        Self { coefficients, shape: Shape::from_slice(shape) }
    }

    /// The sum of two elements of one shape, in the memory of one of them if nothing else needs it.
    pub fn plus(self, other: Self) -> Self {
        debug_assert_eq!(self.shape, other.shape);
        let pairs = self.coefficients.into_iter().zip(other.coefficients);
        let coefficients = pairs
            .map(|pair| match pair {
                (Some(a), Some(b)) => Some(a.plus(b)),
                (a, b) => a.or(b),
            })
            .collect();
        Self { coefficients, shape: self.shape }
    }

    /// The coefficients that `wanted` names; the others zero.
    pub fn only(&self, wanted: &[bool]) -> Self {
        let pairs = self.coefficients.iter().zip(wanted);
        let coefficients = pairs.map(|(c, &wanted)| c.clone().filter(|_| wanted)).collect();
        Self { coefficients, shape: self.shape.clone() }
    }

    pub fn reshape(&self, shape: &[usize]) -> Self {
        Self {
            coefficients: self
                .coefficients
                .iter()
                .map(|c| c.as_ref().map(|a| a.reshape(shape)))
                .collect(),
            shape: Shape::from_slice(shape),
        }
    }
}

impl<'a> Ring<'a> {
    pub fn new(algebra: &'a Algebra, context: &'a Context) -> Self {
        Self { algebra, context, table: algebra.products() }
    }

    /// A real array as an element.
    pub fn constant(&self, value: Array) -> Series {
        let mut coefficients: Coefficients = smallvec![None; self.algebra.len()];
        let shape = Shape::from_slice(value.shape());
        coefficients[0] = Some(value);
        Series { coefficients, shape }
    }

    /// `start + Σ e_i e_j f(x_i, y_j)` for a bilinear `f`, which adds to a sum; only the coefficients that `wanted` names.
    pub fn bilinear(
        &self,
        x: &Series,
        y: &Series,
        wanted: impl Fn(usize) -> bool,
        shape: &[usize],
        start: Option<Series>,
        f: impl Fn(&Array, &Array, Sum) -> Array,
    ) -> Series {
        let mut coefficients =
            start.map_or_else(|| smallvec![None; self.algebra.len()], |s| s.coefficients);
        for p in self.table.iter().filter(|p| wanted(p.out)) {
            if let (Some(a), Some(b)) = (&x.coefficients[p.left], &y.coefficients[p.right]) {
                let slot = &mut coefficients[p.out];
                *slot = Some(f(a, b, Sum { so_far: slot.take(), negative: p.negative }));
            }
        }
        Series { coefficients, shape: Shape::from_slice(shape) }
    }

    /// The element without the coefficient of the unit.
    pub fn nilpotent(&self, x: &Series) -> Series {
        let mut coefficients = x.coefficients.clone();
        coefficients[..1 << usize::from(self.algebra.is_complex())].fill(None);
        Series { coefficients, shape: x.shape.clone() }
    }

    /// Product entry by entry, with broadcasting.
    pub fn multiply(&self, x: &Series, y: &Series) -> Series {
        if self.context.is_host() && x.shape == y.shape {
            return match self.context.dtype {
                Dtype::F64 => self.multiply_on_host::<f64>(x, y),
                Dtype::F32 => self.multiply_on_host::<f32>(x, y),
            };
        }
        let shape = broadcast_shape(&x.shape, &y.shape);
        self.bilinear(x, y, |_| true, &shape, None, |a, b, sum| sum.with(a.mul(b)))
    }

    fn multiply_on_host<T: Number>(&self, x: &Series, y: &Series) -> Series {
        let length = x.shape.iter().product();
        Series::of_numbers(
            host::multiply::<T>(&self.table, &x.numbers(), &y.numbers(), length),
            &x.shape,
        )
    }

    /// Sum, with broadcasting.
    pub fn add(&self, x: &Series, y: &Series) -> Series {
        let shape = broadcast_shape(&x.shape, &y.shape);
        let coefficients = x
            .coefficients
            .iter()
            .zip(&y.coefficients)
            .map(|pair| match pair {
                (Some(a), Some(b)) => Some(a.add(b)),
                (Some(a), None) | (None, Some(a)) => Some(a.spread(&shape)),
                (None, None) => None,
            })
            .collect();
        Series { coefficients, shape }
    }

    /// Difference, with broadcasting.
    pub fn subtract(&self, x: &Series, y: &Series) -> Series {
        let shape = broadcast_shape(&x.shape, &y.shape);
        let coefficients = x
            .coefficients
            .iter()
            .zip(&y.coefficients)
            .map(|pair| match pair {
                (Some(a), Some(b)) => Some(a.sub(b)),
                (Some(a), None) => Some(a.spread(&shape)),
                (None, Some(b)) => Some(b.scale(-1.0).spread(&shape)),
                (None, None) => None,
            })
            .collect();
        Series { coefficients, shape }
    }

    /// Matrices beside one another.
    pub fn join(&self, parts: &[&Series]) -> Series {
        let shape = [parts[0].shape[0], parts.iter().map(|part| part.shape[1]).sum()];
        let coefficient = |k: usize| {
            parts.iter().any(|part| part.coefficients[k].is_some()).then(|| {
                let part = |part: &&Series| {
                    part.coefficients[k].clone().unwrap_or_else(|| self.context.zeros(&part.shape))
                };
                Array::join(&parts.iter().map(part).collect::<Vec<_>>())
            })
        };
        Series {
            coefficients: (0..self.algebra.len()).map(coefficient).collect(),
            shape: Shape::from_slice(&shape),
        }
    }

    /// As a matrix, a row for each entry of `shape`, which has one entry on some last axes of `x`; `None` where others
    /// are between.
    fn rows_of(x: &Array, shape: &[usize]) -> Option<Array> {
        let trailing = shape.iter().zip(x.shape()).position(|(one, all)| one != all);
        let trailing = trailing.unwrap_or(shape.len());
        let kept = shape[..trailing].iter().product();
        let rows = || x.reshape(&[kept, x.length() / kept]);
        shape[trailing..].iter().all(|&size| size == 1).then(rows)
    }

    /// The largest entries over the last axes, where `shape` has one entry, `NaN` where there is one; `None` for other axes,
    /// and on accelerators, which may leave `NaN` out.
    pub fn largest_or_nan(&self, x: &Array, shape: &[usize]) -> Option<Array> {
        let rows = Self::rows_of(x, shape).filter(|_| self.context.is_host())?;
        Some(rows.max_last().reshape(shape))
    }

    /// The largest entries over the axes where `shape` has one entry; 0 where none is finite, so that differences from them
    /// are no `NaN`.
    pub fn largest(&self, x: &Array, shape: &[usize]) -> Array {
        let largest = if let Some(rows) = Self::rows_of(x, shape) {
            rows.max_last().reshape(shape)
        } else {
            let (mut largest, entries) =
                (vec![f64::NEG_INFINITY; shape.iter().product()], x.to_f64());
            let places = host::places(x.shape(), shape);
            places.zip(entries).for_each(|(at, x)| largest[at] = largest[at].max(x));
            self.context.array(largest, shape)
        };
        if !self.context.is_host() {
            return largest;
        }
        let mut values = largest.to_f64();
        if values.iter().all(|x| x.is_finite()) {
            return largest;
        }
        values.iter_mut().filter(|x| !x.is_finite()).for_each(|x| *x = 0.0);
        self.context.array(values, shape)
    }

    /// What all entries over the axes where `shape` has one have in common: the largest real part, and of nilpotent parts their
    /// mean weighted by the softmax. Functions that a common part does not change would have it in powers, which cancel.
    pub fn common(&self, x: &Series, shape: &[usize]) -> Series {
        let largest = self.largest(x.base(), shape);
        let mut common = self.constant(largest);
        if self.algebra.nilpotency() < 2 {
            return common;
        }
        let real = |x: Array| self.constant(x);
        let (weights, _) = self.apply(Elementary::Exp, &real(x.base().sub(common.base())), false);
        let (inverse, _) =
            self.apply(Elementary::Reciprocal, &real(weights.base().sum_to(shape)), false);
        let parts = 1 << usize::from(self.algebra.is_complex());
        for (mean, part) in common.coefficients.iter_mut().zip(&x.coefficients).skip(parts) {
            let weighted = |part: &Array| part.mul(weights.base()).sum_to(shape);
            *mean = part.as_ref().map(|part| weighted(part).mul(inverse.base()));
        }
        common
    }

    /// `σ(x)`, and `σ'(x)` where it is `wanted`.
    pub fn apply(
        &self,
        function: Elementary,
        x: &Series,
        wanted: bool,
    ) -> (Series, Option<Series>) {
        let asked = wanted;
        // The exponential is its own derivative.
        let wanted = asked && function != Elementary::Exp;
        let (value, derivative) = match self.context.dtype {
            #[cfg(feature = "accelerator")]
            _ if !self.context.is_host() => tensors::apply(self, function, x),
            Dtype::F64 => self.apply_on_host::<f64>(function, x, wanted),
            Dtype::F32 => self.apply_on_host::<f32>(function, x, wanted),
        };
        let derivative = if wanted { derivative } else { value.clone() };
        (value, asked.then_some(derivative))
    }

    fn apply_on_host<T: Number>(
        &self,
        function: Elementary,
        x: &Series,
        wanted: bool,
    ) -> (Series, Series) {
        let length = x.shape.iter().product();
        let (value, derivative) =
            lanes::apply::<T>(self.algebra, function, &x.numbers(), length, wanted);
        (Series::of_numbers(value, &x.shape), Series::of_numbers(derivative, &x.shape))
    }
}
