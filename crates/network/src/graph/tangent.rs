//! Derivatives of nodes by an input, as nodes: beside each operation stands its tangent, along the same input of every
//! example at once. Examples do not see one another, so that each has the derivative by its own input.

use super::lower::Lowering;
use super::operation::{Axes, Operation};
use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// Why there is no tangent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoTangent {
    /// An operation, by its name, has none.
    Operation(String),
    /// With it there would be more operations than this.
    Size(usize),
}

/// So many operations are found within the time in which a network file is read.
const MOST: usize = 50_000;

/// A node, if it is not zero.
type Tangent = Option<usize>;

impl Lowering<'_> {
    /// The derivative of a node by inputs, each given by its number in an example, one after the other.
    ///
    /// # Errors
    /// An operation on the way that has none.
    pub(super) fn derivative(&mut self, of: usize, by: &[usize]) -> Result<usize, NoTangent> {
        by.iter().try_fold(of, |node, &input| self.tangent(node, input))
    }

    fn tangent(&mut self, of: usize, input: usize) -> Result<usize, NoTangent> {
        if self.nodes.len() > MOST {
            return Err(NoTangent::Size(MOST));
        }
        let inputs = self.kept[&None];
        if !self.tangents.contains_key(&(inputs, input)) {
            let shape = self.shape(inputs).to_vec();
            let unit = (0..shape[1]).map(|at| f64::from(u8::from(at == input))).collect();
            let unit = self.constant(&format!("along.{input}"), &shape[1..], unit);
            let seed = self.push(Operation::Expand { shape }, &[unit]);
            self.tangents.insert((inputs, input), Some(seed));
        }
        let mut wanted = vec![false; of + 1];
        wanted[of] = true;
        for node in (0..=of).rev() {
            if wanted[node] && !self.tangents.contains_key(&(node, input)) {
                self.nodes[node].args.iter().for_each(|&arg| wanted[arg] = true);
            }
        }
        for node in (0..=of).filter(|node| wanted[*node]) {
            if !self.tangents.contains_key(&(node, input)) {
                let tangent = self.rule(node, input)?;
                self.tangents.insert((node, input), tangent);
            }
        }
        Ok(match self.tangents[&(of, input)] {
            Some(tangent) => tangent,
            None => self.zeros(of),
        })
    }

    /// The tangent of a node whose arguments have theirs.
    fn rule(&mut self, node: usize, input: usize) -> Result<Tangent, NoTangent> {
        use Operation as O;
        let (operation, args) = (self.nodes[node].operation.clone(), self.nodes[node].args.clone());
        let tangents: Vec<Tangent> =
            args.iter().map(|arg| self.tangents.get(&(*arg, input)).copied().flatten()).collect();
        let Some(first) = tangents.iter().copied().flatten().next() else { return Ok(None) };
        if let Some(slope) = self.slope(&operation, node, &args) {
            return Ok(Some(self.push(O::Multiply, &[slope, first])));
        }
        let tangent = match operation {
            // They are steps, flat between them.
            O::Round | O::Floor | O::Ceil | O::Trunc | O::Sign | O::Not | O::StopGradient => {
                return Ok(None);
            }
            ref comparison if comparison.compares() => return Ok(None),
            O::Offset { .. } => first,
            O::Scale { .. } | O::Neg => self.push(operation, &[first]),
            O::Sum(_) | O::Mean(_) | O::CumulativeSum { .. } | O::AvgPool { .. } => {
                self.push(operation, &[first])
            }
            O::Reshape { .. }
            | O::Permute { .. }
            | O::Expand { .. }
            | O::Slice { .. }
            | O::Flip { .. } => self.push(operation, &[first]),
            O::Pad { padding, .. } => self.push(O::Pad { padding, value: 0.0 }, &[first]),
            O::Add => match tangents[..] {
                [Some(x), Some(y)] => self.push(O::Add, &[x, y]),
                _ => self.spread_to(first, node),
            },
            O::Subtract => match tangents[..] {
                [Some(x), Some(y)] => self.push(O::Subtract, &[x, y]),
                [None, Some(y)] => {
                    let minus = self.push(O::Neg, &[y]);
                    self.spread_to(minus, node)
                }
                _ => self.spread_to(first, node),
            },
            O::Multiply
            | O::Matmul { .. }
            | O::Convolution { .. }
            | O::ConvolutionTranspose { .. } => {
                let left = tangents[0].map(|x| self.push(operation.clone(), &[x, args[1]]));
                let right = tangents[1].map(|y| self.push(operation.clone(), &[args[0], y]));
                match (left, right) {
                    (Some(left), Some(right)) => self.push(O::Add, &[left, right]),
                    (one, other) => one.or(other).expect("one has a tangent"),
                }
            }
            O::Divide => {
                let above = tangents[0].map(|x| self.push(O::Divide, &[x, args[1]]));
                let below = tangents[1].map(|y| {
                    let ratio = self.push(O::Divide, &[y, args[1]]);
                    self.push(O::Multiply, &[node, ratio])
                });
                match (above, below) {
                    (Some(above), Some(below)) => self.push(O::Subtract, &[above, below]),
                    (None, Some(below)) => self.push(O::Neg, &[below]),
                    (above, None) => above.expect("one has a tangent"),
                }
            }
            O::Concatenate { .. } => {
                let parts: Vec<usize> = args
                    .iter()
                    .zip(&tangents)
                    .map(|(arg, tangent)| tangent.unwrap_or_else(|| self.zeros(*arg)))
                    .collect();
                self.push(operation, &parts)
            }
            O::Where if tangents[1..].iter().all(Option::is_none) => return Ok(None),
            O::Where => {
                let [yes, no] =
                    [1, 2].map(|at| tangents[at].unwrap_or_else(|| self.zeros(args[at])));
                let chosen = self.push(O::Where, &[args[0], yes, no]);
                self.spread_to(chosen, node)
            }
            O::Gather { .. } | O::Take { .. } if tangents[1].is_none() => {
                self.push(operation, &[first, args[1]])
            }
            O::Softmax { axis } => {
                let mean = self.weighted(node, first, axis);
                let rest = self.push(O::Subtract, &[first, mean]);
                self.push(O::Multiply, &[node, rest])
            }
            O::LogSoftmax { axis } => {
                let weights = self.push(O::Softmax { axis }, &args);
                let mean = self.weighted(weights, first, axis);
                self.push(O::Subtract, &[first, mean])
            }
            other => return Err(NoTangent::Operation(other.name())),
        };
        Ok(Some(tangent))
    }

    /// The derivative of a function of one argument, which `node` is.
    fn slope(&mut self, operation: &Operation, node: usize, args: &[usize]) -> Option<usize> {
        use Operation as O;
        let x = *args.first()?;
        Some(match *operation {
            O::Square => self.scaled(x, 2.0),
            O::IntegerPower { exponent } => {
                let power = self.push(O::IntegerPower { exponent: exponent.checked_sub(1)? }, &[x]);
                self.scaled(power, exponent.into())
            }
            O::RealPower { exponent } => {
                let power = self.push(O::RealPower { exponent: exponent - 1.0 }, &[x]);
                self.scaled(power, exponent)
            }
            O::Exp => node,
            O::Expm1 => self.push(O::Exp, &[x]),
            O::Log => self.push(O::Reciprocal, &[x]),
            O::Log1p => {
                let moved = self.offset(x, 1.0);
                self.push(O::Reciprocal, &[moved])
            }
            O::Sqrt => {
                let inverse = self.push(O::Rsqrt, &[x]);
                self.scaled(inverse, 0.5)
            }
            O::Rsqrt => {
                let cube = self.push(O::IntegerPower { exponent: 3 }, &[node]);
                self.scaled(cube, -0.5)
            }
            O::Reciprocal => {
                let square = self.push(O::Square, &[node]);
                self.push(O::Neg, &[square])
            }
            O::Sin => self.push(O::Cos, &[x]),
            O::Cos => {
                let sine = self.push(O::Sin, &[x]);
                self.push(O::Neg, &[sine])
            }
            O::Tan => {
                let square = self.push(O::Square, &[node]);
                self.offset(square, 1.0)
            }
            O::Atan => {
                let square = self.push(O::Square, &[x]);
                let below = self.offset(square, 1.0);
                self.push(O::Reciprocal, &[below])
            }
            O::Tanh => self.one_less_square(node),
            O::Sigmoid => self.bell(x),
            O::LogSigmoid => {
                let minus = self.push(O::Neg, &[x]);
                self.push(O::Sigmoid, &[minus])
            }
            O::Softplus => self.push(O::Sigmoid, &[x]),
            O::Erf => self.gauss(x, 1.0, FRAC_2_SQRT_PI),
            O::Erfc => self.gauss(x, 1.0, -FRAC_2_SQRT_PI),
            O::NormalCdf => self.gauss(x, 0.5, (2.0 * PI).sqrt().recip()),
            O::Gelu => {
                let distribution = self.push(O::NormalCdf, &[x]);
                let density = self.gauss(x, 0.5, (2.0 * PI).sqrt().recip());
                self.of_product(distribution, x, density)
            }
            O::Silu => {
                let gate = self.push(O::Sigmoid, &[x]);
                let slope = self.bell(x);
                self.of_product(gate, x, slope)
            }
            O::GeluTanh => {
                // x σ(q) with q = c (x + 0.044715 x³), c = 2 √(2/π).
                let c = 2.0 * (2.0 / PI).sqrt();
                let square = self.push(O::Square, &[x]);
                let [inner, inner_slope] = [1.0, 3.0].map(|factor| {
                    let scaled = self.scaled(square, factor * 0.044715 * c);
                    self.offset(scaled, c)
                });
                let q = self.push(O::Multiply, &[x, inner]);
                let gate = self.push(O::Sigmoid, &[q]);
                let slope = self.bell(q);
                let slope = self.push(O::Multiply, &[slope, inner_slope]);
                self.of_product(gate, x, slope)
            }
            O::Mish => {
                let softplus = self.push(O::Softplus, &[x]);
                let gate = self.push(O::Tanh, &[softplus]);
                let outer = self.one_less_square(gate);
                let sigmoid = self.push(O::Sigmoid, &[x]);
                let slope = self.push(O::Multiply, &[outer, sigmoid]);
                self.of_product(gate, x, slope)
            }
            _ => return None,
        })
    }

    /// `g + x g'`, the derivative of `x g(x)`.
    fn of_product(&mut self, gate: usize, x: usize, slope: usize) -> usize {
        let rest = self.push(Operation::Multiply, &[x, slope]);
        self.push(Operation::Add, &[gate, rest])
    }

    /// `σ(x) σ(-x)`, the derivative of the sigmoid.
    fn bell(&mut self, x: usize) -> usize {
        let minus = self.push(Operation::Neg, &[x]);
        let [up, down] = [x, minus].map(|x| self.push(Operation::Sigmoid, &[x]));
        self.push(Operation::Multiply, &[up, down])
    }

    /// `1 - y²`.
    fn one_less_square(&mut self, y: usize) -> usize {
        let square = self.push(Operation::Square, &[y]);
        let minus = self.push(Operation::Neg, &[square]);
        self.offset(minus, 1.0)
    }

    /// `c e^(-a x²)`.
    fn gauss(&mut self, x: usize, a: f64, c: f64) -> usize {
        let square = self.push(Operation::Square, &[x]);
        let exponent = self.scaled(square, -a);
        let exponential = self.push(Operation::Exp, &[exponent]);
        self.scaled(exponential, c)
    }

    /// `Σ w x` along an axis, which stays.
    fn weighted(&mut self, weights: usize, x: usize, axis: usize) -> usize {
        let product = self.push(Operation::Multiply, &[weights, x]);
        self.push(Operation::Sum(Axes { axes: vec![axis], keep: true }), &[product])
    }

    fn offset(&mut self, x: usize, term: f64) -> usize {
        self.push(Operation::Offset { term }, &[x])
    }

    /// Of the shape of a node, to which `x` broadcasts.
    fn spread_to(&mut self, x: usize, node: usize) -> usize {
        let shape = self.shape(node).to_vec();
        if self.shape(x) == shape { x } else { self.push(Operation::Expand { shape }, &[x]) }
    }

    /// Zeros of the shape of a node.
    fn zeros(&mut self, node: usize) -> usize {
        let zero = self.push(Operation::Scalar { value: 0.0 }, &[]);
        self.spread_to(zero, node)
    }
}
