//! Layers of several operations, written in operations of graphs.

use super::lower::{Lowering, steps};
use super::operation::Operation;
use crate::architecture::{Activation, Cell, Join, Window};

/// `λ` and `α` of Klambauer et al., *Self-Normalizing Neural Networks*, 2017.
const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

/// The base of the wavelengths of positions (Vaswani et al., *Attention Is All You Need*, 2017).
const WAVELENGTHS: f64 = 1e4;

impl Lowering<'_> {
    pub(super) fn activation(&mut self, activation: Activation, x: usize) -> usize {
        use Operation as O;
        let operation = match activation {
            Activation::Elu { alpha } => O::Elu { alpha },
            Activation::Tanh => O::Tanh,
            Activation::Softplus => O::Softplus,
            Activation::Sigmoid => O::Sigmoid,
            Activation::Gelu => O::Gelu,
            Activation::GeluTanh => O::GeluTanh,
            Activation::Relu => O::Relu,
            Activation::LeakyRelu { slope } => O::LeakyRelu { slope },
            Activation::Silu => O::Silu,
            Activation::Mish => O::Mish,
            Activation::Hardsigmoid => O::Hardsigmoid,
            Activation::Hardswish => O::Hardswish,
            Activation::Hardtanh { low, high } => O::Clamp { min: Some(low), max: Some(high) },
            Activation::LogSigmoid => O::LogSigmoid,
            Activation::Sin => O::Sin,
            Activation::Selu => {
                let [factor, alpha] = SELU;
                let y = self.push(O::Elu { alpha }, &[x]);
                return self.push(O::Scale { factor }, &[y]);
            }
            Activation::Softsign => {
                let size = self.push(O::Abs, &[x]);
                let size = self.push(O::Offset { term: 1.0 }, &[size]);
                return self.push(O::Divide, &[x, size]);
            }
        };
        self.push(operation, &[x])
    }

    pub(super) fn convolution(
        &mut self,
        x: usize,
        weight: usize,
        window: &Window,
        groups: usize,
        transposed: Option<&[usize]>,
    ) -> usize {
        let window = steps(window);
        let operation = match transposed {
            None => Operation::Convolution { window, groups },
            Some(behind) => {
                let output_padding = behind.to_vec();
                Operation::ConvolutionTranspose { window, groups, output_padding }
            }
        };
        self.push(operation, &[x, weight])
    }

    /// Each entry `factor` times along the axes behind that of channels.
    pub(super) fn upsampled(&mut self, x: usize, factor: usize) -> usize {
        let shape = self.shape(x).to_vec();
        let spread = |copies: usize| -> Vec<usize> {
            let pairs = shape[2..].iter().flat_map(|size| [*size, copies]);
            shape[..2].iter().copied().chain(pairs).collect()
        };
        let apart = self.reshape(x, &spread(1));
        let copies = self.push(Operation::Expand { shape: spread(factor) }, &[apart]);
        let larger: Vec<usize> = shape[2..].iter().map(|size| size * factor).collect();
        self.reshape(copies, &[&shape[..2], &larger].concat())
    }

    /// What lies from `start` to before `stop` along an axis.
    pub(super) fn slice(&mut self, x: usize, axis: usize, start: usize, stop: usize) -> usize {
        let shape = self.shape(x).to_vec();
        let mut starts = vec![0; shape.len()];
        let mut stops: Vec<i64> = shape.iter().map(|size| *size as i64).collect();
        (starts[axis], stops[axis]) = (start as i64, stop as i64);
        self.push(Operation::Slice { starts, stops, steps: vec![1; shape.len()] }, &[x])
    }

    /// What is at a place of an axis, which is gone then.
    pub(super) fn place(&mut self, x: usize, axis: usize, at: usize) -> usize {
        let part = self.slice(x, axis, at, at + 1);
        let mut shape = self.shape(x).to_vec();
        shape.remove(axis);
        self.reshape(part, &shape)
    }

    pub(super) fn joined(&mut self, how: Join, names: &[Option<String>]) -> usize {
        let values: Vec<usize> = names.iter().map(|name| self.kept[name]).collect();
        let operation = match how {
            Join::Concatenate { axis } => {
                return self.push(Operation::Concatenate { axis: axis + 1 }, &values);
            }
            Join::Add => Operation::Add,
            Join::Multiply => Operation::Multiply,
        };
        let rest = values[1..].iter();
        rest.fold(values[0], |joined, value| self.push(operation.clone(), &[joined, *value]))
    }

    /// The angle of each position and each of `count` wavelengths, by rows.
    fn angles(length: usize, count: usize) -> impl Iterator<Item = f64> {
        (0..length).flat_map(move |position| {
            (0..count).map(move |i| position as f64 / WAVELENGTHS.powf(i as f64 / count as f64))
        })
    }

    pub(super) fn sinusoids(&mut self, x: usize) -> usize {
        let [length, width] = [self.shape(x)[1], self.shape(x)[2]];
        let values = Self::angles(length, width / 2).flat_map(|angle| [angle.sin(), angle.cos()]);
        let table = format!("sinusoids.{length}.{width}");
        let table = self.constant(&table, &[length, width], values.collect());
        self.push(Operation::Add, &[x, table])
    }

    /// Multi-head self-attention as `torch.nn.MultiheadAttention` computes it.
    pub(super) fn attention(
        &mut self,
        x: usize,
        layer: &str,
        heads: usize,
        causal: bool,
        rotary: bool,
    ) -> usize {
        let [n, length, width] = [0, 1, 2].map(|axis| self.shape(x)[axis]);
        let size = width / heads;
        let projected = self.linear(x, layer, "in_proj_weight", Some("in_proj_bias"));
        let [query, key, value] = [0, 1, 2].map(|part| {
            let part = self.slice(projected, 2, part * width, (part + 1) * width);
            let part = self.reshape(part, &[n, length, heads, size]);
            self.push(Operation::Permute { axes: vec![0, 2, 1, 3] }, &[part])
        });
        let [query, key] = if rotary { [query, key].map(|x| self.turned(x)) } else { [query, key] };
        let scores = self.push(Operation::Matmul { transpose: [false, true] }, &[query, key]);
        let factor = 1.0 / (size as f64).sqrt();
        let scores = self.push(Operation::Scale { factor }, &[scores]);
        let scores = if causal {
            // Ones for what is later, as tensors of a folder are finite.
            let row = |row| (0..length).map(move |column| if column > row { 1.0 } else { 0.0 });
            let later = (0..length).flat_map(row).collect();
            let mask = self.constant(&format!("later.{length}"), &[length, length], later);
            let never = self.push(Operation::Scalar { value: f64::NEG_INFINITY }, &[]);
            self.push(Operation::Where, &[mask, never, scores])
        } else {
            scores
        };
        let weights = self.push(Operation::Softmax { axis: 3 }, &[scores]);
        let mixed = self.push(Operation::Matmul { transpose: [false, false] }, &[weights, value]);
        let mixed = self.push(Operation::Permute { axes: vec![0, 2, 1, 3] }, &[mixed]);
        let joined = self.reshape(mixed, &[n, length, width]);
        self.linear(joined, layer, "out_proj.weight", Some("out_proj.bias"))
    }

    /// Each pair of numbers of `[examples, heads, length, size]`, half of the size apart, turned by the angle of its position.
    fn turned(&mut self, x: usize) -> usize {
        let shape = self.shape(x).to_vec();
        let (length, half) = (shape[2], shape[3] / 2);
        let mut tables =
            [f64::cos, f64::sin].into_iter().zip(["cosines", "sines"]).map(|(function, name)| {
                let values = Self::angles(length, half).map(function).collect();
                self.constant(&format!("{name}.{length}.{half}"), &[length, half], values)
            });
        let (cosine, sine) = (tables.next().expect("two"), tables.next().expect("two"));
        drop(tables);
        let (left, right) = (self.slice(x, 3, 0, half), self.slice(x, 3, half, 2 * half));
        let mut product = |a, b| self.push(Operation::Multiply, &[a, b]);
        let [a, b, c, d] = [
            product(left, cosine),
            product(right, sine),
            product(right, cosine),
            product(left, sine),
        ];
        let first = self.push(Operation::Subtract, &[a, b]);
        let second = self.push(Operation::Add, &[c, d]);
        self.push(Operation::Concatenate { axis: 3 }, &[first, second])
    }

    /// A recurrence over the tokens of `[examples, tokens, inputs]`, from zeros.
    pub(super) fn recurrent(&mut self, x: usize, layer: &str, cell: Cell, hidden: usize) -> usize {
        let [n, length] = [self.shape(x)[0], self.shape(x)[1]];
        let inputs = self.linear(x, layer, "weight_ih_l0", Some("bias_ih_l0"));
        let zeros = self.push(Operation::Scalar { value: 0.0 }, &[]);
        let mut state = self.push(Operation::Expand { shape: vec![n, hidden] }, &[zeros]);
        let mut memory = state;
        let mut states = Vec::with_capacity(length);
        for token in 0..length {
            let given = self.place(inputs, 1, token);
            let held = self.linear(state, layer, "weight_hh_l0", Some("bias_hh_l0"));
            state = match cell {
                Cell::Rnn => {
                    let sum = self.push(Operation::Add, &[given, held]);
                    self.push(Operation::Tanh, &[sum])
                }
                Cell::Lstm => {
                    let sum = self.push(Operation::Add, &[given, held]);
                    let mut gate = |at: usize, operation| {
                        let part = self.slice(sum, 1, at * hidden, (at + 1) * hidden);
                        self.push(operation, &[part])
                    };
                    let [input, forget, output] = [0, 1, 3].map(|at| gate(at, Operation::Sigmoid));
                    let new = gate(2, Operation::Tanh);
                    let kept = self.push(Operation::Multiply, &[forget, memory]);
                    let new = self.push(Operation::Multiply, &[input, new]);
                    memory = self.push(Operation::Add, &[kept, new]);
                    let shown = self.push(Operation::Tanh, &[memory]);
                    self.push(Operation::Multiply, &[output, shown])
                }
                Cell::Gru => {
                    let mut parts = |at: usize| {
                        [given, held].map(|x| self.slice(x, 1, at * hidden, (at + 1) * hidden))
                    };
                    let [reset, update, new] = [0, 1, 2].map(&mut parts);
                    let [reset, update] = [reset, update].map(|parts| {
                        let sum = self.push(Operation::Add, &parts);
                        self.push(Operation::Sigmoid, &[sum])
                    });
                    let held = self.push(Operation::Multiply, &[reset, new[1]]);
                    let new = self.push(Operation::Add, &[new[0], held]);
                    let new = self.push(Operation::Tanh, &[new]);
                    let change = self.push(Operation::Subtract, &[state, new]);
                    let change = self.push(Operation::Multiply, &[update, change]);
                    self.push(Operation::Add, &[new, change])
                }
            };
            states.push(self.reshape(state, &[n, 1, hidden]));
        }
        self.push(Operation::Concatenate { axis: 1 }, &states)
    }
}
