//! Reverse mode over an algebra: the gradient of a loss with coefficients in the algebra, by one sweep back.
//!
//! Over a commutative algebra the chain rule reads as it does over the reals, so each operation stands here once,
//! with its adjoint beside it, for values, derivatives of every order, and complex parameters alike. No conjugation
//! appears: the gradient of a holomorphic loss is holomorphic.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::array::{Array, Positions, Sum};
use super::function::Elementary;
use super::host::window::Window;
use super::series::{Ring, Series};

/// A value on the tape, with the number of its adjoint; `None` where nothing upstream is differentiated.
#[derive(Clone)]
pub(crate) struct Variable {
    pub value: Arc<Series>,
    id: Option<usize>,
}

/// Whether each coefficient matters.
type Wanted = SmallVec<[bool; 16]>;

/// From the adjoint of an operation's result to those of its arguments.
type Pullback<'a> = Box<dyn FnOnce(Series, &mut Adjoints) + 'a>;

/// The operations so far, in order.
pub(crate) struct Tape<'a> {
    pub ring: &'a Ring<'a>,
    pullbacks: RefCell<Vec<Option<Pullback<'a>>>>,
    /// Which coefficients of the parameters' gradients are asked for.
    wanted: Wanted,
    /// Numbers in the values recorded so far.
    recorded: Cell<usize>,
}

/// Adjoints being gathered during the sweep back.
pub(crate) struct Adjoints {
    slots: Vec<Option<Series>>,
}

impl Adjoints {
    /// Replaces what has been gathered of a variable's adjoint by the sum of it and another part.
    fn extend(&mut self, variable: Option<usize>, sum: impl FnOnce(Option<Series>) -> Series) {
        let Some(id) = variable else { return };
        let so_far = self.slots[id].take();
        self.slots[id] = Some(sum(so_far));
    }

    fn add(&mut self, variable: Option<usize>, adjoint: impl FnOnce() -> Series) {
        self.extend(variable, |so_far| match so_far {
            None => adjoint(),
            Some(sum) => sum.plus(adjoint()),
        });
    }
}

impl Variable {
    pub fn shape(&self) -> &[usize] {
        self.value.shape()
    }

    /// Whether it depends on a parameter that the loss is differentiated by.
    pub fn is_differentiated(&self) -> bool {
        self.id.is_some()
    }
}

impl<'a> Tape<'a> {
    /// An empty tape; `wanted[k]` says whether the `k`-th coefficient of the gradient will be read.
    pub fn new(ring: &'a Ring<'a>, wanted: impl Into<Wanted>) -> Self {
        let wanted = wanted.into();
        Self { ring, pullbacks: RefCell::new(Vec::new()), wanted, recorded: Cell::new(0) }
    }

    /// A value that is not differentiated.
    pub fn constant(&self, value: impl Into<Arc<Series>>) -> Variable {
        Variable { value: value.into(), id: None }
    }

    /// A parameter.
    pub fn parameter(&self, value: impl Into<Arc<Series>>) -> Variable {
        Variable { value: value.into(), id: Some(self.record(None)) }
    }

    /// How many numbers the operations so far have produced, for one coefficient of the algebra.
    pub fn recorded(&self) -> usize {
        self.recorded.get()
    }

    fn record(&self, pullback: Option<Pullback<'a>>) -> usize {
        let mut pullbacks = self.pullbacks.borrow_mut();
        pullbacks.push(pullback);
        pullbacks.len() - 1
    }

    /// Which coefficients of a variable's adjoint matter: of a parameter's, which nobody multiplies further, those that
    /// are asked for.
    fn wanted(&self, variable: &Variable) -> Wanted {
        let parameter = variable.id.is_some_and(|id| self.pullbacks.borrow()[id].is_none());
        if parameter { self.wanted.clone() } else { smallvec![true; self.wanted.len()] }
    }

    fn push(
        &self,
        arguments: &[&Variable],
        value: Series,
        pullback: impl FnOnce(Series, &mut Adjoints) + 'a,
    ) -> Variable {
        self.recorded.set(self.recorded.get() + value.shape().iter().product::<usize>());
        let depends = arguments.iter().any(|a| a.id.is_some());
        Variable {
            value: Arc::new(value),
            id: depends.then(|| self.record(Some(Box::new(pullback)))),
        }
    }

    /// Gradients of a scalar with respect to the parameters, in the order they were put on the tape. `None` where
    /// the scalar does not depend on one.
    pub fn gradient(self, scalar: &Variable) -> Vec<Option<Series>> {
        let pullbacks = self.pullbacks.into_inner();
        let mut adjoints = Adjoints { slots: vec![None; pullbacks.len()] };
        if let Some(id) = scalar.id {
            adjoints.slots[id] = Some(self.ring.constant(self.ring.context.ones(scalar.shape())));
        }
        let mut gradients = Vec::new();
        for (id, pullback) in pullbacks.into_iter().enumerate().rev() {
            match (pullback, adjoints.slots[id].take()) {
                (None, adjoint) => gradients.push(adjoint),
                (Some(pullback), Some(adjoint)) => pullback(adjoint, &mut adjoints),
                (Some(_), None) => {}
            }
        }
        gradients.reverse();
        gradients
    }

    /// A bilinear operation: `f(x, y)`, with the adjoints `left(ȳ, y)` and `right(x, ȳ)`, bilinear in turn.
    fn bilinear(
        &self,
        x: &Variable,
        y: &Variable,
        shape: &[usize],
        f: impl Fn(&Array, &Array, Sum) -> Array,
        left: impl Fn(&Array, &Array, Sum) -> Array + 'a,
        right: impl Fn(&Array, &Array, Sum) -> Array + 'a,
    ) -> Variable {
        let ring = self.ring;
        let value = ring.bilinear(&x.value, &y.value, |_| true, shape, None, f);
        let pullback = self.bilinear_pullback(x, y, left, right);
        self.push(&[x, y], value, pullback)
    }

    fn bilinear_pullback(
        &self,
        x: &Variable,
        y: &Variable,
        left: impl Fn(&Array, &Array, Sum) -> Array + 'a,
        right: impl Fn(&Array, &Array, Sum) -> Array + 'a,
    ) -> impl FnOnce(Series, &mut Adjoints) + 'a {
        let ring = self.ring;
        let (wanted_x, wanted_y) = (self.wanted(x), self.wanted(y));
        let (a, b) = (x.clone(), y.clone());
        move |adjoint, adjoints| {
            adjoints.extend(a.id, |sum| {
                ring.bilinear(&adjoint, &b.value, |k| wanted_x[k], a.shape(), sum, left)
            });
            adjoints.extend(b.id, |sum| {
                ring.bilinear(&a.value, &adjoint, |k| wanted_y[k], b.shape(), sum, right)
            });
        }
    }

    /// A real-linear operation on every coefficient, with its adjoint.
    fn linear_map(
        &self,
        x: &Variable,
        f: impl Fn(&Array) -> Array,
        adjoint: impl Fn(&Array) -> Array + 'a,
    ) -> Variable {
        let id = x.id;
        self.push(&[x], x.value.linear(f), move |y, adjoints| {
            adjoints.add(id, || y.linear(adjoint))
        })
    }

    /// `x W + b` on the last axis, or `x Wᵀ + b`: `x` of shape `[…, in]`, `W` of shape `[in, out]` or, `transposed`,
    /// `[out, in]`, `b` of `out` entries.
    pub fn linear(
        &self,
        x: &Variable,
        weight: &Variable,
        transposed: bool,
        bias: &Variable,
    ) -> Variable {
        let ring = self.ring;
        let [inputs, outputs] = [0, 1].map(|axis| weight.shape()[axis ^ usize::from(transposed)]);
        let rows = x.shape().iter().product::<usize>() / inputs;
        let flat = self.reshape(x, &[rows, inputs]);
        let (row, all) = ([1, outputs], [rows, outputs]);
        let start = bias.value.linear(|b| b.reshape(&row).spread(&all));
        let times = |x: &Array, w: &Array, sum: Sum| x.matmul(w, (false, transposed), sum);
        let value = ring.bilinear(&flat.value, &weight.value, |_| true, &all, Some(start), times);
        let products = self.bilinear_pullback(
            &flat,
            weight,
            move |y, w, sum| y.matmul(w, (false, !transposed), sum),
            move |x, y, sum| match transposed {
                true => y.matmul(x, (true, false), sum),
                false => x.matmul(y, (true, false), sum),
            },
        );
        let (id, wanted) = (bias.id, self.wanted(bias));
        let bias_shape = bias.shape().to_vec();
        let y = self.push(&[&flat, weight, bias], value, move |adjoint, adjoints| {
            let sum = |y: &Array| y.sum_to(&row).reshape(&bias_shape);
            adjoints.add(id, || adjoint.only(&wanted).linear(sum));
            products(adjoint, adjoints);
        });
        let mut shape = x.shape().to_vec();
        *shape.last_mut().expect("an axis") = outputs;
        self.reshape(&y, &shape)
    }

    /// Products of matrices over leading batch axes, each transposed or not.
    pub fn matmul(&self, x: &Variable, y: &Variable, (left, right): (bool, bool)) -> Variable {
        let rank = x.shape().len();
        let mut shape = x.shape().to_vec();
        shape[rank - 2] = x.shape()[if left { rank - 1 } else { rank - 2 }];
        shape[rank - 1] = y.shape()[if right { rank - 2 } else { rank - 1 }];
        self.bilinear(
            x,
            y,
            &shape,
            move |x, y, sum| x.matmul(y, (left, right), sum),
            move |z, y, sum| match left {
                false => z.matmul(y, (false, !right), sum),
                true => y.matmul(z, (right, true), sum),
            },
            move |x, z, sum| match right {
                false => x.matmul(z, (!left, false), sum),
                true => z.matmul(x, (true, left), sum),
            },
        )
    }

    /// Product entry by entry, with broadcasting.
    pub fn multiply(&self, x: &Variable, y: &Variable) -> Variable {
        let ring = self.ring;
        let (a, b) = (x.clone(), y.clone());
        self.push(&[x, y], ring.multiply(&x.value, &y.value), move |adjoint, adjoints| {
            if a.id == b.id && Arc::ptr_eq(&a.value, &b.value) {
                let product = || ring.multiply(&adjoint, &a.value);
                return adjoints.add(a.id, || product().linear(|z| z.scale(2.0)));
            }
            for (to, other) in [(&a, &b), (&b, &a)] {
                let product = || ring.multiply(&adjoint, &other.value);
                adjoints.add(to.id, || product().linear(|z| z.sum_to(to.shape())));
            }
        })
    }

    /// Sum, with broadcasting.
    pub fn add(&self, x: &Variable, y: &Variable) -> Variable {
        let (a, b) = ((x.id, x.shape().to_vec()), (y.id, y.shape().to_vec()));
        self.push(&[x, y], self.ring.add(&x.value, &y.value), move |adjoint, adjoints| {
            for (id, shape) in [a, b] {
                adjoints.add(id, || adjoint.linear(|z| z.sum_to(&shape)));
            }
        })
    }

    /// Difference, with broadcasting.
    pub fn subtract(&self, x: &Variable, y: &Variable) -> Variable {
        let ((a, left), (b, right)) = ((x.id, x.shape().to_vec()), (y.id, y.shape().to_vec()));
        let value = self.ring.subtract(&x.value, &y.value);
        self.push(&[x, y], value, move |adjoint, adjoints| {
            adjoints.add(a, || adjoint.linear(|z| z.sum_to(&left)));
            adjoints.add(b, || adjoint.linear(|z| z.sum_to(&right).scale(-1.0)));
        })
    }

    pub fn scale(&self, x: &Variable, factor: f64) -> Variable {
        self.linear_map(x, |a| a.scale(factor), move |a| a.scale(factor))
    }

    /// `x + term`, a real number.
    pub fn offset(&self, x: &Variable, term: f64) -> Variable {
        let one = self.ring.context.ones(&vec![1; x.shape().len()]);
        self.add(x, &self.constant(self.ring.constant(one.scale(term))))
    }

    /// `x` itself, from which only the nilpotent part of the adjoint goes back. At first order in `ε` the gradient of
    /// `L(z(θ + εv))` is `Jᵀ∇L + ε(JᵀH_L J v + …)`, where the dots are the derivative of `J` times `∇L`, the adjoint's
    /// unit part at `z`. Without it they vanish.
    pub fn linearised(&self, x: &Variable) -> Variable {
        let (ring, id) = (self.ring, x.id);
        self.push(&[x], (*x.value).clone(), move |adjoint, adjoints| {
            adjoints.add(id, || ring.nilpotent(&adjoint))
        })
    }

    pub fn reshape(&self, x: &Variable, shape: &[usize]) -> Variable {
        if x.shape() == shape {
            return x.clone();
        }
        let (id, before) = (x.id, x.shape().to_vec());
        self.push(&[x], x.value.reshape(shape), move |y, adjoints| {
            adjoints.add(id, || y.reshape(&before))
        })
    }

    /// Axes 1 and 2 of four exchanged.
    pub fn swap_middle(&self, x: &Variable) -> Variable {
        self.linear_map(x, Array::swap_middle, Array::swap_middle)
    }

    /// Entries `start … start + count` of the last axis.
    pub fn narrow(&self, x: &Variable, start: usize, count: usize) -> Variable {
        let last = *x.shape().last().expect("an axis");
        self.linear_map(x, |a| a.narrow(start, count), move |a| a.widen(start, last))
    }

    /// Sums over the axes where `shape` has one entry.
    pub fn sum_to(&self, x: &Variable, shape: &[usize]) -> Variable {
        let before = x.shape().to_vec();
        self.linear_map(x, |a| a.sum_to(shape), move |a| a.spread(&before))
    }

    /// `σ(x)`, entry by entry.
    pub fn apply(&self, function: Elementary, x: &Variable) -> Variable {
        let ring = self.ring;
        let (value, derivative) = ring.apply(function, &x.value, x.id.is_some());
        let id = x.id;
        self.push(&[x], value, move |adjoint, adjoints| {
            let derivative = derivative.expect("asked for, as x is differentiated");
            adjoints.add(id, || ring.multiply(&adjoint, &derivative));
        })
    }

    /// Convolution of `[n, in, h, w]` with `[out, in, kh, kw]`.
    pub fn conv2d(&self, x: &Variable, weight: &Variable, window: Window) -> Variable {
        let size = [x.shape()[2], x.shape()[3]];
        let [rows, columns] = window.over(size).output;
        let shape = [x.shape()[0], weight.shape()[0], rows, columns];
        self.bilinear(
            x,
            weight,
            &shape,
            |x, w, sum| x.conv2d(w, window, sum),
            move |y, w, sum| y.conv2d_input(w, window, size, sum),
            move |x, y, sum| x.conv2d_weight(y, window, sum),
        )
    }

    pub fn avg_pool2d(&self, x: &Variable, window: Window) -> Variable {
        let grid = x.value.base().grid(window);
        self.linear_map(x, |a| a.avg_pool2d(&grid), move |a| a.avg_pool2d_input(&grid))
    }

    /// The entry of each window whose real base is largest.
    pub fn max_pool2d(&self, x: &Variable, window: Window) -> Variable {
        let grid = x.value.base().grid(window);
        let at = x.value.base().max_positions(&grid);
        let back = at.clone();
        self.linear_map(x, |a| a.take(&at, &grid), move |a| a.put(&back, &grid))
    }

    /// The entries at the positions, or zeros.
    pub fn pick(&self, x: &Variable, positions: &Positions) -> Variable {
        let (id, back) = (x.id, positions.clone());
        self.push(&[x], x.value.linear(|a| a.pick(positions)), move |y, adjoints| {
            // Of an array that is taken apart, one part after another comes to the same sum.
            adjoints
                .extend(id, |sum| y.linear_onto(sum, &back.source, |y, sum| y.scatter(&back, sum)))
        })
    }

    /// Every entry added to its position in an array of zeros: the adjoint of [`pick`](Self::pick).
    pub fn scatter(&self, x: &Variable, positions: &Positions) -> Variable {
        let back = positions.clone();
        self.linear_map(x, |a| a.scatter(positions, None), move |a| a.pick(&back))
    }

    /// Matrices beside one another.
    pub fn join(&self, parts: &[Variable]) -> Variable {
        let values: Vec<&Series> = parts.iter().map(|part| &*part.value).collect();
        let joined = self.ring.join(&values);
        let places: Vec<_> = parts.iter().map(|part| (part.id, part.shape()[1])).collect();
        self.push(&parts.iter().collect::<Vec<_>>(), joined, move |adjoint, adjoints| {
            let mut start = 0;
            for (id, width) in places {
                adjoints.add(id, || adjoint.linear(|y| y.narrow(start, width)));
                start += width;
            }
        })
    }

    /// Repeated along the axes where it has one entry and `shape` has more.
    pub fn spread(&self, x: &Variable, shape: &[usize]) -> Variable {
        let before = x.shape().to_vec();
        self.linear_map(x, |a| a.spread(shape), move |a| a.sum_to(&before))
    }

    /// The real base alone, which is not differentiated.
    pub fn stopped(&self, x: &Variable) -> Variable {
        self.constant(self.ring.constant(x.value.base().clone()))
    }

    /// The softmax over the axes where `shape` has one entry.
    pub fn softmax(&self, x: &Variable, shape: &[usize]) -> Variable {
        let (shifted, _) = self.shifted(x, shape);
        let exponentials = self.apply(Elementary::Exp, &shifted);
        let sums = self.sum_to(&exponentials, shape);
        self.multiply(&exponentials, &self.apply(Elementary::Reciprocal, &sums))
    }

    /// `log Σ e^x` over the axes where `shape` has one entry, less what the entries have in common; `x` less the same; and that.
    pub fn log_sum_exp(&self, x: &Variable, shape: &[usize]) -> (Variable, Variable, Variable) {
        let ring = self.ring;
        let (shifted, largest) = self.shifted(x, shape);
        let (exponentials, _) = ring.apply(Elementary::Exp, &shifted.value, false);
        let sums = exponentials.linear(|e| e.sum_to(shape));
        let (log, inverse) = ring.apply(Elementary::Log, &sums, shifted.id.is_some());
        let id = shifted.id;
        let log = self.push(&[&shifted], log, move |adjoint, adjoints| {
            let inverse = inverse.expect("asked for, as x is differentiated");
            let rows = ring.multiply(&adjoint, &inverse);
            adjoints.add(id, || ring.multiply(&rows, &exponentials));
        });
        (log, shifted, largest)
    }

    /// `x - m`, and `m`, what the entries over the axes where `shape` has one have in common: it changes no softmax, so that
    /// nothing goes back through it, and without it the exponentials stay in range.
    fn shifted(&self, x: &Variable, shape: &[usize]) -> (Variable, Variable) {
        let common = self.constant(self.ring.common(&x.value, shape));
        (self.subtract(x, &common), common)
    }
}
