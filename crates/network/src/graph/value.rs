//! The value of one node on a tape: each operation by those of the tape, over any algebra.

use super::operation::{Axes, Operation};
use super::structure::Picked;
use super::view::View;
use super::{Graph, constant, shape};
use crate::array::Positions;
use crate::function::{Elementary, Function};
use crate::tape::{Tape, Variable};

/// The real base of a value on the host.
pub(super) fn entries(x: &Variable) -> Vec<f64> {
    x.value.base().to_f64()
}

impl Operation {
    /// Functions of one argument, entry by entry, that are not put together from others.
    fn elementary(&self) -> Option<Elementary> {
        use Elementary as E;
        Some(match self {
            Operation::Silu => E::Silu,
            Operation::Mish => E::Mish,
            Operation::GeluTanh => E::GeluTanh,
            Operation::Hardswish => E::Hardswish,
            Operation::Abs => E::Abs,
            Operation::Exp => E::Exp,
            Operation::Expm1 => E::Expm1,
            Operation::Log => E::Log,
            Operation::Log1p => E::Log1p,
            Operation::Sqrt => E::Sqrt,
            Operation::Rsqrt => E::InverseSqrt,
            Operation::Reciprocal => E::Reciprocal,
            Operation::Sin => E::Sin,
            Operation::Cos => E::Cos,
            Operation::Tan => E::Tan,
            Operation::Atan => E::Atan,
            Operation::Erf => E::Erf,
            Operation::Erfc => E::Erfc,
            Operation::NormalCdf => E::NormalDistribution,
            Operation::Tanh => E::Activation(Function::Tanh),
            Operation::Sigmoid => E::Activation(Function::Sigmoid),
            Operation::Softplus => E::Activation(Function::Softplus),
            Operation::Gelu => E::Activation(Function::Gelu),
            Operation::Relu => E::Activation(Function::Relu),
            Operation::Elu { alpha } => E::Elu(*alpha),
            Operation::LeakyRelu { slope } => E::LeakyRelu(*slope),
            Operation::IntegerPower { exponent } => E::IntegerPower(*exponent),
            Operation::RealPower { exponent } => power(*exponent),
            _ => return None,
        })
    }
}

/// `x^p`, of negative `x` too where `p` is a whole number.
fn power(exponent: f64) -> Elementary {
    match exponent as i32 {
        n if f64::from(n) == exponent => Elementary::IntegerPower(n),
        _ => Elementary::Power(exponent),
    }
}

/// One node being evaluated.
pub(super) struct At<'p, 't, 'a> {
    pub graph: &'p Graph,
    pub tape: &'t Tape<'a>,
    /// The number of the node.
    pub index: usize,
    /// Its shape.
    pub shape: &'p [usize],
    /// The positions that it picks.
    pub slot: &'t Picked,
}

impl At<'_, '_, '_> {
    pub fn value(&self, operation: &Operation, args: &[Variable]) -> Variable {
        use Operation as O;
        let tape = self.tape;
        if let Some(function) = operation.elementary() {
            return tape.apply(function, &args[0]);
        }
        match operation {
            O::Parameter { .. } | O::Constant { .. } => unreachable!("has a value"),
            O::Scalar { value } => self.constant(vec![*value]),
            O::Iota { shape, axis } => {
                let inner: usize = shape[axis + 1..].iter().product();
                let count = shape.iter().product();
                self.constant((0..count).map(|at| (at / inner % shape[*axis]) as f64).collect())
            }
            O::Add => self.pairwise(args, |x, y| tape.add(x, y)),
            O::Subtract => self.pairwise(args, |x, y| tape.subtract(x, y)),
            O::Multiply => self.pairwise(args, |x, y| tape.multiply(x, y)),
            O::Divide => self.divide(args),
            O::Maximum => self.extremum(args, |x, y| x > y),
            O::Minimum => self.extremum(args, |x, y| x < y),
            O::Power => self.power(args),
            O::Scale { factor } => tape.scale(&args[0], *factor),
            O::Offset { term } => tape.offset(&args[0], *term),
            O::Neg => tape.scale(&args[0], -1.0),
            O::Square => tape.multiply(&args[0], &args[0]),
            O::LogSigmoid => {
                let softplus = Elementary::Activation(Function::Softplus);
                tape.scale(&tape.apply(softplus, &tape.scale(&args[0], -1.0)), -1.0)
            }
            O::Hardsigmoid => self.hardsigmoid(&args[0]),
            O::Clamp { min, max } => self.clamp(&args[0], *min, *max),
            O::Round | O::Floor | O::Ceil | O::Trunc | O::Sign | O::Not => {
                self.constant(constant::rounded(operation, &entries(&args[0])))
            }
            operation if operation.compares() => {
                let [x, y] = [&args[0], &args[1]].map(|x| entries(&self.expanded(x, self.shape)));
                self.constant(constant::compared(operation, &x, &y))
            }
            O::Where => self.chosen(args),
            O::StopGradient => tape.stopped(&args[0]),
            O::Matmul { transpose } => self.matmul(&args[0], &args[1], *transpose),
            O::Convolution { window, groups } => {
                self.convolution(&args[0], &args[1], window, *groups)
            }
            O::ConvolutionTranspose { window, groups, output_padding } => {
                self.convolution_transpose(&args[0], &args[1], window, *groups, output_padding)
            }
            O::MaxPool { window, steps } => self.max_pool(&args[0], window, steps),
            O::AvgPool { window, steps, count_padding } => {
                self.avg_pool(&args[0], window, steps, *count_padding)
            }
            O::Reshape { shape } => tape.reshape(&args[0], shape),
            O::Expand { shape } => self.expanded(&args[0], shape),
            O::Permute { axes } => self.permuted(&args[0], axes),
            O::Flip { axes } => self.pick(&args[0], |view| view.flip(axes)),
            O::Slice { starts, stops, steps } => {
                let ranges = shape::ranges(args[0].shape(), starts, stops, steps);
                let ranges = ranges.expect("checked as the graph was read");
                {
                    let part = || vec![View::part(args[0].shape(), &ranges)];
                    tape.pick(&args[0], &self.positions(part)[0])
                }
            }
            O::Pad { padding, value } => self.pad(&args[0], padding, *value),
            O::Concatenate { axis } => self.concatenate(args, *axis),
            O::Gather { .. } | O::Take { .. } | O::ScatterAdd { .. } => {
                self.indexed(operation, args)
            }
            O::Sum(axes) => self.reduced(&self.sum(&args[0], &axes.axes)),
            O::Mean(axes) => {
                let sum = self.reduced(&self.sum(&args[0], &axes.axes));
                let count = length(args[0].shape()) as f64 / length(self.shape) as f64;
                self.divide(&[sum, self.constant_of(vec![count], &[])])
            }
            O::Max(axes) => self.reduced(&self.largest(&args[0], &axes.axes)),
            O::Min(axes) => {
                let largest = self.largest(&tape.scale(&args[0], -1.0), &axes.axes);
                self.reduced(&tape.scale(&largest, -1.0))
            }
            O::Product(axes) => self.product(&args[0], &axes.axes),
            O::CumulativeSum { axis, reverse } => self.cumulative_sum(&args[0], *axis, *reverse),
            O::Softmax { axis } => tape.softmax(&args[0], &kept(&args[0], &[*axis])),
            O::LogSoftmax { axis } => {
                let (log, shifted, _) = tape.log_sum_exp(&args[0], &kept(&args[0], &[*axis]));
                tape.subtract(&shifted, &log)
            }
            O::LogSumExp(axes) => {
                let (log, _, largest) = tape.log_sum_exp(&args[0], &kept(&args[0], &axes.axes));
                self.reduced(&tape.add(&log, &largest))
            }
            O::Argmax(axis) => {
                self.constant(constant::argmax(&entries(&args[0]), args[0].shape(), axis.axis))
            }
            O::Argmin(axis) => {
                let x: Vec<f64> = entries(&args[0]).into_iter().map(|x| -x).collect();
                self.constant(constant::argmax(&x, args[0].shape(), axis.axis))
            }
            O::Argsort { axis, descending } => self.constant(constant::argsort(
                &entries(&args[0]),
                args[0].shape(),
                *axis,
                *descending,
            )),
            elementary => unreachable!("{elementary:?} is elementary"),
        }
    }

    /// A constant of the node's shape.
    pub(super) fn constant(&self, values: Vec<f64>) -> Variable {
        self.constant_of(values, self.shape)
    }

    pub(super) fn constant_of(&self, values: Vec<f64>, shape: &[usize]) -> Variable {
        let ring = self.tape.ring;
        self.tape.constant(ring.constant(ring.context.array(values, shape)))
    }

    /// Whether one of its arguments depends on a parameter.
    pub(super) fn argument_varies(&self, place: usize) -> bool {
        let nodes = &self.graph.nodes;
        nodes[nodes[self.index].args[place]].varies
    }

    /// The positions that this node picks, made once.
    pub(super) fn positions(&self, make: impl FnOnce() -> Vec<View>) -> &[Positions] {
        self.slot
            .get_or_init(|| make().iter().map(|view| view.finish(self.tape.ring.context)).collect())
    }

    pub(super) fn pick(&self, x: &Variable, view: impl FnOnce(View) -> View) -> Variable {
        let positions = self.positions(|| vec![view(View::of(x.shape()))]);
        self.tape.pick(x, &positions[0])
    }

    fn permuted(&self, x: &Variable, axes: &[usize]) -> Variable {
        let tape = self.tape;
        match (axes, x.shape()) {
            ([0, 2, 1, 3], _) => tape.swap_middle(x),
            ([0, 2, 1], &[n, a, b]) => {
                let swapped = tape.swap_middle(&tape.reshape(x, &[n, a, b, 1]));
                tape.reshape(&swapped, self.shape)
            }
            _ => self.pick(x, |view| view.permute(axes)),
        }
    }

    /// With axes of one entry before its own.
    fn raised(&self, x: &Variable, rank: usize) -> Variable {
        let mut shape = vec![1; rank - x.shape().len()];
        shape.extend(x.shape());
        self.tape.reshape(x, &shape)
    }

    fn expanded(&self, x: &Variable, shape: &[usize]) -> Variable {
        if x.shape() == shape {
            return x.clone();
        }
        self.tape.spread(&self.raised(x, shape.len()), shape)
    }

    fn pairwise(
        &self,
        args: &[Variable],
        f: impl Fn(&Variable, &Variable) -> Variable,
    ) -> Variable {
        let rank = self.shape.len();
        f(&self.raised(&args[0], rank), &self.raised(&args[1], rank))
    }

    /// The entries that are `kept`, zeros for the others. No product with 0, which would be `NaN` for what is infinite.
    fn keep(&self, x: &Variable, kept: impl Iterator<Item = bool>) -> Variable {
        let place = |(at, kept)| if kept { at } else { Positions::NONE };
        let positions: Vec<usize> = kept.enumerate().map(place).collect();
        let context = self.tape.ring.context;
        self.tape.pick(x, &Positions::new(context, &positions, x.shape(), x.shape()))
    }

    /// The second argument where the first is not 0, else the third.
    fn chosen(&self, args: &[Variable]) -> Variable {
        let mask = entries(&args[0]);
        let count = mask.iter().filter(|x| **x != 0.0).count();
        if count == 0 || count == mask.len() {
            return self.expanded(&args[if count == 0 { 2 } else { 1 }], self.shape);
        }
        let mask = entries(&self.expanded(&args[0], self.shape));
        let mask: Vec<bool> = mask.into_iter().map(|x| x != 0.0).collect();
        self.choose(&args[1], &args[2], &mask)
    }

    /// `x` where the mask is set, else `y`.
    fn choose(&self, x: &Variable, y: &Variable, mask: &[bool]) -> Variable {
        let [x, y] = [x, y].map(|x| self.expanded(x, self.shape));
        let (x, y) =
            (self.keep(&x, mask.iter().copied()), self.keep(&y, mask.iter().map(|chosen| !chosen)));
        self.tape.add(&x, &y)
    }

    /// The argument whose real base is `before` the other's; of equal ones the mean.
    fn extremum(&self, args: &[Variable], before: impl Fn(f64, f64) -> bool) -> Variable {
        let tape = self.tape;
        let [x, y] = [&args[0], &args[1]].map(|x| self.expanded(x, self.shape));
        let pairs: Vec<(f64, f64)> = entries(&x).into_iter().zip(entries(&y)).collect();
        let first: Vec<bool> = pairs.iter().map(|&(x, y)| before(x, y)).collect();
        let second: Vec<bool> = pairs.iter().map(|&(x, y)| before(y, x)).collect();
        if first.iter().zip(&second).all(|(first, second)| first != second) {
            return self.choose(&x, &y, &first);
        }
        let neither = || first.iter().zip(&second).map(|(first, second)| !first && !second);
        let half = |x: &Variable| tape.scale(&self.keep(x, neither()), 0.5);
        let mean = tape.add(&half(&x), &half(&y));
        let one = self.keep(&x, first.iter().copied());
        let other = self.keep(&y, second.iter().copied());
        tape.add(&tape.add(&one, &other), &mean)
    }

    fn clamp(&self, x: &Variable, min: Option<f64>, max: Option<f64>) -> Variable {
        let (low, high) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
        let bound = |x: f64| match x {
            x if x <= low => Some(low),
            x if x >= high => Some(high),
            _ => None,
        };
        let bounds: Vec<Option<f64>> = entries(x).into_iter().map(bound).collect();
        if bounds.iter().all(Option::is_none) {
            return x.clone();
        }
        let inside = self.keep(x, bounds.iter().map(Option::is_none));
        let outside = bounds.iter().map(|bound| bound.unwrap_or(0.0)).collect();
        self.tape.add(&inside, &self.constant_of(outside, x.shape()))
    }

    fn hardsigmoid(&self, x: &Variable) -> Variable {
        let inside = self.clamp(&self.tape.offset(x, 3.0), Some(0.0), Some(6.0));
        self.tape.scale(&inside, 1.0 / 6.0)
    }

    /// `x/y`. The product of `x` and `1/y` is rounded twice, and 3/3 would be less than 1: real bases are those of the
    /// quotient itself, which may be rounded down to a whole number later on.
    pub(super) fn divide(&self, args: &[Variable]) -> Variable {
        let tape = self.tape;
        let product =
            self.pairwise(args, |x, y| tape.multiply(x, &tape.apply(Elementary::Reciprocal, y)));
        if tape.ring.algebra.is_complex() {
            return product;
        }
        let [x, y] = [&args[0], &args[1]].map(|x| entries(&self.expanded(x, self.shape)));
        let missing = |((x, y), product): ((f64, f64), f64)| {
            let rest = x / y - product;
            if rest.is_finite() { rest } else { 0.0 }
        };
        let missing: Vec<f64> = x.into_iter().zip(y).zip(entries(&product)).map(missing).collect();
        if missing.iter().all(|rest| *rest == 0.0) {
            return product;
        }
        tape.add(&product, &self.constant(missing))
    }

    /// `x^y = e^{y log x}`; fixed whole exponents, of which there may be several, by products.
    fn power(&self, args: &[Variable]) -> Variable {
        let tape = self.tape;
        let [x, y] = [&args[0], &args[1]].map(|x| self.expanded(x, self.shape));
        let general = |x: &Variable, y: &Variable| {
            let log = tape.apply(Elementary::Log, x);
            tape.apply(Elementary::Exp, &tape.multiply(y, &log))
        };
        let exponents = entries(&y);
        if self.argument_varies(1) {
            // Where the base is 0, so is the power, for all exponents nearby.
            let bases = entries(&x);
            let vanishes = bases.iter().zip(&exponents).map(|(x, y)| *x == 0.0 && *y > 0.0);
            let vanishes: Vec<bool> = vanishes.collect();
            if !vanishes.contains(&true) {
                return general(&x, &y);
            }
            let ones = self.constant(vec![1.0; vanishes.len()]);
            let stays = vanishes.iter().map(|vanishes| !vanishes);
            return self.keep(&general(&self.choose(&ones, &x, &vanishes), &y), stays);
        }
        let mut distinct = exponents.clone();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup_by_key(|exponent| exponent.to_bits());
        if let [exponent] = distinct[..] {
            return tape.apply(power(exponent), &x);
        }
        // One power at a time, of the entries that have it.
        let mut sum: Option<Variable> = None;
        let context = tape.ring.context;
        for exponent in distinct {
            let at = |(at, y): (usize, &f64)| (y.to_bits() == exponent.to_bits()).then_some(at);
            let places: Vec<usize> = exponents.iter().enumerate().filter_map(at).collect();
            let positions = Positions::new(context, &places, self.shape, &[places.len()]);
            let part = tape.apply(power(exponent), &tape.pick(&x, &positions));
            let part = tape.scatter(&part, &positions);
            sum = Some(sum.map_or_else(|| part.clone(), |sum| tape.add(&sum, &part)));
        }
        sum.expect("an exponent at least")
    }

    fn matmul(&self, x: &Variable, y: &Variable, [left, right]: [bool; 2]) -> Variable {
        let tape = self.tape;
        let batch = &self.shape[..self.shape.len() - 2];
        let last = |x: &Variable| x.shape()[x.shape().len() - 2..].to_vec();
        let leading = |x: &Variable| x.shape()[..x.shape().len() - 2].to_vec();
        if length(&leading(y)) == 1 && !left {
            let (inner, y_shape) = (last(x)[1], last(y));
            let rows = tape.reshape(x, &[length(x.shape()) / inner, inner]);
            let product = tape.matmul(&rows, &tape.reshape(y, &y_shape), (false, right));
            return tape.reshape(&product, self.shape);
        }
        let whole = |x: &Variable| {
            let [shape, flat] = [batch.to_vec(), vec![length(batch)]].map(|mut shape| {
                shape.extend(last(x));
                shape
            });
            tape.reshape(&self.expanded(x, &shape), &flat)
        };
        tape.reshape(&tape.matmul(&whole(x), &whole(y), (left, right)), self.shape)
    }

    fn pad(&self, x: &Variable, padding: &[[i64; 2]], value: f64) -> Variable {
        let view = |view: View| {
            padding.iter().enumerate().fold(view, |view, (axis, by)| view.pad(axis, *by))
        };
        let padded = self.pick(x, view);
        if value == 0.0 {
            return padded;
        }
        let inside = view(View::of(x.shape()));
        let outside = inside.positions().iter();
        let outside = outside.map(|at| if *at == Positions::NONE { value } else { 0.0 });
        self.tape.add(&padded, &self.constant(outside.collect()))
    }

    fn concatenate(&self, args: &[Variable], axis: usize) -> Variable {
        let tape = self.tape;
        let inner: usize = self.shape[axis + 1..].iter().product();
        let outer: usize = self.shape[..axis].iter().product();
        let parts: Vec<Variable> =
            args.iter().map(|arg| tape.reshape(arg, &[outer, arg.shape()[axis] * inner])).collect();
        tape.reshape(&tape.join(&parts), self.shape)
    }

    /// The sum over axes, which stay as axes of one entry.
    fn sum(&self, x: &Variable, axes: &[usize]) -> Variable {
        self.tape.sum_to(x, &kept(x, axes))
    }

    /// `Σ t log softmax(x)` over the axes of this node, which sums: the logarithms of the single classes are not made.
    pub(super) fn cross_entropy(&self, x: &Variable, t: &Variable, axis: usize) -> Variable {
        let tape = self.tape;
        let Operation::Sum(Axes { axes, .. }) = &self.graph.nodes[self.index].operation else {
            unreachable!("the last of its operations is a sum")
        };
        let (row, all) = (kept(x, &[axis]), kept(x, axes));
        let (log, shifted, _) = tape.log_sum_exp(x, &row);
        let chosen = tape.sum_to(&tape.multiply(&shifted, t), &all);
        let log = tape.sum_to(&tape.multiply(&log, &tape.sum_to(t, &row)), &all);
        self.reduced(&tape.subtract(&chosen, &log))
    }

    /// Without the axes of one entry that a reduction leaves.
    fn reduced(&self, x: &Variable) -> Variable {
        self.tape.reshape(x, self.shape)
    }

    /// The largest entry over axes; of equal ones the mean.
    fn largest(&self, x: &Variable, axes: &[usize]) -> Variable {
        let tape = self.tape;
        let kept = kept(x, axes);
        let ring = tape.ring;
        if !x.is_differentiated()
            && (1..ring.algebra.len()).all(|k| x.value.coefficient(k).is_none())
            && let Some(largest) = ring.largest_or_nan(x.value.base(), &kept)
        {
            return tape.constant(ring.constant(largest));
        }
        let (is_largest, counts, best) = constant::largest(&entries(x), x.shape(), &kept);
        let sum = |x: &Variable| tape.sum_to(&self.keep(x, is_largest.iter().copied()), &kept);
        if counts.iter().all(|count| *count == 1) {
            return sum(x);
        }
        // The mean of what they have beside their real base, which is then not rounded.
        let best = best.into_iter().map(|x| if x.is_finite() { x } else { 0.0 }).collect();
        let best = self.constant_of(best, &kept);
        let rest = sum(&tape.add(x, &tape.scale(&best, -1.0)));
        let shares = counts.into_iter().map(|count| 1.0 / count as f64).collect();
        tape.add(&tape.multiply(&rest, &self.constant_of(shares, &kept)), &best)
    }

    /// The product over axes by halves: a division would fail at zeros.
    fn product(&self, x: &Variable, axes: &[usize]) -> Variable {
        let tape = self.tape;
        let stay = (0..x.shape().len()).filter(|axis| !axes.contains(axis));
        let order: Vec<usize> = stay.chain(axes.iter().copied()).collect();
        let mut rest: Option<Variable> = None;
        let rows = length(self.shape);
        let last = self.pick(x, |view| view.permute(&order));
        let mut last = tape.reshape(&last, &[rows, length(x.shape()) / rows]);
        while last.shape()[1] > 1 {
            let width = last.shape()[1];
            let half = width / 2;
            if width % 2 == 1 {
                let odd = tape.narrow(&last, width - 1, 1);
                rest = Some(rest.map_or_else(|| odd.clone(), |rest| tape.multiply(&rest, &odd)));
            }
            last = tape.multiply(&tape.narrow(&last, 0, half), &tape.narrow(&last, half, half));
        }
        let product = rest.map_or_else(|| last.clone(), |rest| tape.multiply(&last, &rest));
        tape.reshape(&product, self.shape)
    }

    /// Sums of 1, 2, 4, … neighbours, one after another.
    fn cumulative_sum(&self, x: &Variable, axis: usize, reverse: bool) -> Variable {
        let size = x.shape()[axis];
        let shifts = || {
            std::iter::successors(Some(1), |shift| Some(2 * shift))
                .take_while(|shift| *shift < size)
        };
        let positions = self.positions(|| {
            let sign = if reverse { -1 } else { 1 };
            let shifted = |shift| View::of(x.shape()).shift(axis, sign * shift as i64);
            shifts().map(shifted).collect()
        });
        positions
            .iter()
            .fold(x.clone(), |sum, shifted| self.tape.add(&sum, &self.tape.pick(&sum, shifted)))
    }
}

pub(super) fn length(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn kept(x: &Variable, axes: &[usize]) -> Vec<usize> {
    shape::kept(x.shape(), axes).expect("checked as the graph was read")
}
