//! Arrays with coefficients in an algebra, and the operations that do not care which algebra it is.

use burn::tensor::DType;
use smallvec::{SmallVec, smallvec};

use super::algebra::{Algebra, Product};
use super::array::{Array, Context, Number, Shape, Sum, broadcast_shape};
use super::function::{Elementary, taylor};
use super::host;
use super::lanes;
use super::tensors::ComplexArray;

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
        if self.context.host && x.shape == y.shape {
            return match self.context.dtype {
                DType::F64 => self.multiply_on_host::<f64>(x, y),
                _ => self.multiply_on_host::<f32>(x, y),
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
        let (value, derivative) = match (self.context.host, self.context.dtype) {
            (true, DType::F64) => self.apply_on_host::<f64>(function, x, wanted),
            (true, _) => self.apply_on_host::<f32>(function, x, wanted),
            (false, _) => self.apply_in_tensors(function, x),
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

    /// The same by tensor operations, for devices whose memory the host cannot read.
    fn apply_in_tensors(&self, function: Elementary, x: &Series) -> (Series, Series) {
        let nilpotent = self.nilpotent(x);
        let orders = if nilpotent.coefficients.iter().all(Option::is_none) {
            0
        } else {
            self.algebra.nilpotency()
        };
        // The Taylor coefficients as elements of the algebra.
        let coefficients: Vec<Series> = if self.algebra.is_complex() {
            let im = x.coefficients[1].clone().unwrap_or_else(|| self.context.zeros(&x.shape));
            let z = ComplexArray { re: x.base().clone(), im };
            let mut c = vec![z.clone(); orders + 2];
            taylor(function, &z, &mut c);
            c.into_iter()
                .map(|c| self.element(smallvec![Some(c.re), Some(c.im)], &x.shape))
                .collect()
        } else {
            let mut c = vec![x.base().clone(); orders + 2];
            taylor(function, x.base(), &mut c);
            c.into_iter().map(|c| self.element(smallvec![Some(c)], &x.shape)).collect()
        };
        let (mut value, mut derivative) = (coefficients[0].clone(), coefficients[1].clone());
        let mut power = nilpotent.clone();
        for r in 1..=orders {
            if r > 1 {
                power = self.multiply(&power, &nilpotent);
            }
            value = self.add(&value, &self.multiply(&coefficients[r], &power));
            let slope = coefficients[r + 1].linear(|a| a.scale((r + 1) as f64));
            derivative = self.add(&derivative, &self.multiply(&slope, &power));
        }
        (value, derivative)
    }

    /// The element whose first coefficients are these, and whose others are zero.
    fn element(&self, mut first: Coefficients, shape: &[usize]) -> Series {
        first.resize(self.algebra.len(), None);
        Series::new(first, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Function;
    use burn::tensor::{DType, Device};

    /// Both ways to apply a function, on one backend: the lanes of the host, and the tensor operations of other devices.
    fn both(function: Elementary, algebra: &Algebra, base: &[f64]) -> [(Series, Series); 2] {
        [true, false].map(|host| {
            let context = Context { device: Device::flex(), dtype: DType::F64, host };
            let ring = Ring::new(algebra, &context);
            let shape = [base.len()];
            let coefficients: Coefficients = (0..algebra.len())
                .map(|k| {
                    let entry = |(i, x): (usize, &f64)| match k {
                        0 => *x,
                        _ => 0.3 * ((1 + i + 5 * k) as f64).sin(),
                    };
                    Some(context.array(base.iter().enumerate().map(entry).collect(), &shape))
                })
                .collect();
            let (value, derivative) =
                ring.apply(function, &Series::new(coefficients, &shape), true);
            (value, derivative.expect("asked for"))
        })
    }

    #[test]
    fn tensor_operations_compute_what_the_lanes_do() {
        // Both sides of every bound between a formula and a series, and of every kink.
        let any =
            [-20.0, -3.0, -1.1, -0.36, -0.34, -0.26, -0.24, -1e-3, 1e-9, 0.1, 0.3, 0.4, 5.0, 20.0];
        let positive = [0.4, 0.8, 1.0, 1.3, 7.0, 90.0];
        let activations = [
            Function::Elu,
            Function::Tanh,
            Function::Softplus,
            Function::Sigmoid,
            Function::Gelu,
            Function::Relu,
        ];
        let cases = activations
            .map(|f| (Elementary::Activation(f), &any[..]))
            .into_iter()
            .chain([(Elementary::Exp, &any[..])])
            .chain(
                [Elementary::Log, Elementary::Reciprocal, Elementary::InverseSqrt]
                    .map(|f| (f, &positive[..])),
            );
        let real = [Algebra::real(), Algebra::taylor(3), Algebra::truncated(&[1, 2])];
        let algebras: Vec<Algebra> =
            real.iter().cloned().chain(real.iter().cloned().map(Algebra::complexified)).collect();
        for (function, base) in cases {
            for algebra in &algebras {
                let [lanes, tensors] = both(function, algebra, base);
                for (x, y) in [(&lanes.0, &tensors.0), (&lanes.1, &tensors.1)] {
                    for k in 0..algebra.len() {
                        let entries = |s: &Series| {
                            s.coefficient(k).map_or_else(|| vec![0.0; base.len()], Array::to_f64)
                        };
                        for ((a, b), at) in entries(x).iter().zip(entries(y)).zip(base) {
                            assert!(
                                (a - b).abs() <= 1e-13 * a.abs().max(1.0),
                                "{function:?} at {at}, coefficient {k} of {}: {a:e} and {b:e}",
                                algebra.len()
                            );
                        }
                    }
                }
            }
        }
    }
}
