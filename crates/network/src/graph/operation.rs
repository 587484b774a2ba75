//! The closed list of operations of a graph, with their attributes: `docs/graph.md` describes each.

use serde::{Deserialize, Serialize};

/// What a node does with its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Operation {
    Parameter {
        name: String,
    },
    Constant {
        name: String,
    },
    Scalar {
        #[serde(with = "extended")]
        value: f64,
    },
    Add,
    Subtract,
    Multiply,
    Divide,
    Maximum,
    Minimum,
    Power,
    Scale {
        factor: f64,
    },
    Offset {
        term: f64,
    },
    IntegerPower {
        exponent: i32,
    },
    RealPower {
        exponent: f64,
    },
    Neg,
    Abs,
    Sign,
    Exp,
    Expm1,
    Log,
    Log1p,
    Sqrt,
    Rsqrt,
    Reciprocal,
    Square,
    Sin,
    Cos,
    Tan,
    Atan,
    Tanh,
    Sigmoid,
    LogSigmoid,
    Softplus,
    Erf,
    Erfc,
    NormalCdf,
    Gelu,
    GeluTanh,
    Relu,
    Elu {
        #[serde(default = "one")]
        alpha: f64,
    },
    Silu,
    Mish,
    Hardsigmoid,
    Hardswish,
    LeakyRelu {
        slope: f64,
    },
    Clamp {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
    Round,
    Floor,
    Ceil,
    Trunc,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Not,
    And,
    Or,
    Where,
    StopGradient,
    Matmul {
        #[serde(default)]
        transpose: [bool; 2],
    },
    Convolution {
        #[serde(flatten)]
        window: Window,
        #[serde(default = "single")]
        groups: usize,
    },
    ConvolutionTranspose {
        #[serde(flatten)]
        window: Window,
        #[serde(default = "single")]
        groups: usize,
        #[serde(default)]
        output_padding: Vec<usize>,
    },
    MaxPool {
        window: Vec<usize>,
        #[serde(flatten)]
        steps: Window,
    },
    AvgPool {
        window: Vec<usize>,
        #[serde(flatten)]
        steps: Window,
        #[serde(default = "yes")]
        count_padding: bool,
    },
    Reshape {
        shape: Vec<usize>,
    },
    Permute {
        axes: Vec<usize>,
    },
    Expand {
        shape: Vec<usize>,
    },
    Slice {
        starts: Vec<i64>,
        stops: Vec<i64>,
        #[serde(default)]
        steps: Vec<i64>,
    },
    Pad {
        padding: Vec<[i64; 2]>,
        #[serde(default, with = "extended")]
        value: f64,
    },
    Concatenate {
        axis: usize,
    },
    Gather {
        axis: usize,
    },
    Take {
        axis: usize,
    },
    ScatterAdd {
        axis: usize,
    },
    Flip {
        axes: Vec<usize>,
    },
    Sum(Axes),
    Mean(Axes),
    Max(Axes),
    Min(Axes),
    Product(Axes),
    CumulativeSum {
        axis: usize,
        #[serde(default)]
        reverse: bool,
    },
    Softmax {
        axis: usize,
    },
    LogSoftmax {
        axis: usize,
    },
    LogSumExp(Axes),
    Argmax(Axis),
    Argmin(Axis),
    Argsort {
        axis: usize,
        #[serde(default)]
        descending: bool,
    },
    Iota {
        shape: Vec<usize>,
        axis: usize,
    },
}

/// How a window moves over the spatial axes; an empty list stands for ones, or no padding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    #[serde(default)]
    pub stride: Vec<usize>,
    #[serde(default)]
    pub padding: Vec<[i64; 2]>,
    #[serde(default)]
    pub dilation: Vec<usize>,
}

/// Axes that are reduced, and whether they stay as axes of one entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Axes {
    pub axes: Vec<usize>,
    #[serde(default)]
    pub keep: bool,
}

/// One axis that is reduced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Axis {
    pub axis: usize,
    #[serde(default)]
    pub keep: bool,
}

fn one() -> f64 {
    1.0
}

fn single() -> usize {
    1
}

fn yes() -> bool {
    true
}

/// All names.
pub(super) const NAMES: [&str; 89] = [
    "parameter",
    "constant",
    "scalar",
    "add",
    "subtract",
    "multiply",
    "divide",
    "maximum",
    "minimum",
    "power",
    "scale",
    "offset",
    "integer_power",
    "real_power",
    "neg",
    "abs",
    "sign",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "square",
    "sin",
    "cos",
    "tan",
    "atan",
    "tanh",
    "sigmoid",
    "log_sigmoid",
    "softplus",
    "erf",
    "erfc",
    "normal_cdf",
    "gelu",
    "gelu_tanh",
    "relu",
    "elu",
    "silu",
    "mish",
    "hardsigmoid",
    "hardswish",
    "leaky_relu",
    "clamp",
    "round",
    "floor",
    "ceil",
    "trunc",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "not",
    "and",
    "or",
    "where",
    "stop_gradient",
    "matmul",
    "convolution",
    "convolution_transpose",
    "max_pool",
    "avg_pool",
    "reshape",
    "permute",
    "expand",
    "slice",
    "pad",
    "concatenate",
    "gather",
    "take",
    "scatter_add",
    "flip",
    "sum",
    "mean",
    "max",
    "min",
    "product",
    "cumulative_sum",
    "softmax",
    "log_softmax",
    "log_sum_exp",
    "argmax",
    "argmin",
    "argsort",
    "iota",
];

impl Operation {
    /// How many arguments it takes, at least and at most.
    pub(super) fn arity(&self) -> (usize, usize) {
        use Operation::*;
        match self {
            Parameter { .. } | Constant { .. } | Scalar { .. } | Iota { .. } => (0, 0),
            Add
            | Subtract
            | Multiply
            | Divide
            | Maximum
            | Minimum
            | Power
            | Matmul { .. }
            | Convolution { .. }
            | ConvolutionTranspose { .. }
            | Gather { .. }
            | Take { .. } => (2, 2),
            operation if operation.compares() => (2, 2),
            Where | ScatterAdd { .. } => (3, 3),
            Concatenate { .. } => (1, usize::MAX),
            _ => (1, 1),
        }
    }

    /// Its name in the file.
    pub(super) fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(map)) => {
                map.get("op").and_then(|op| op.as_str()).unwrap_or_default().to_string()
            }
            _ => String::new(),
        }
    }

    /// Whether it is 1 where something holds of its two arguments, else 0.
    pub(super) fn compares(&self) -> bool {
        use Operation::*;
        matches!(self, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | And | Or)
    }

    /// Whether the Hessian jumps nowhere, as it does where an argument changes its sign, or another one becomes the largest.
    pub(super) fn is_smooth(&self) -> bool {
        use Operation::*;
        let jumps = matches!(
            self,
            Abs | Relu
                | Elu { .. }
                | LeakyRelu { .. }
                | Hardsigmoid
                | Hardswish
                | Clamp { .. }
                | Maximum
                | Minimum
                | Max(_)
                | Min(_)
                | MaxPool { .. }
                | Sign
                | Round
                | Floor
                | Ceil
                | Trunc
                | Argmax(_)
                | Argmin(_)
                | Argsort { .. }
        );
        !jumps && !self.compares()
    }
}

impl Window {
    /// Stride, padding and dilation along each of the `count` spatial axes; `None` where a list has another length.
    pub(super) fn along(&self, count: usize) -> Option<Vec<Along>> {
        fn of<T: Copy>(list: &[T], usual: T, count: usize) -> Option<Vec<T>> {
            match list.len() {
                0 => Some(vec![usual; count]),
                length => (length == count).then(|| list.to_vec()),
            }
        }
        let strides = of(&self.stride, 1, count)?;
        let padding = of(&self.padding, [0, 0], count)?;
        let dilation = of(&self.dilation, 1, count)?;
        let along = |axis| Along {
            stride: strides[axis],
            padding: padding[axis],
            dilation: dilation[axis],
        };
        Some((0..count).map(along).collect())
    }
}

/// How a window moves along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Along {
    pub stride: usize,
    pub padding: [i64; 2],
    pub dilation: usize,
}

impl Along {
    /// How many places a window of `kernel` entries has along an axis of `size`.
    pub(super) fn places(&self, size: usize, kernel: usize) -> Option<usize> {
        let [low, high] = self.padding;
        let padded = i64::try_from(size).ok()?.checked_add(low)?.checked_add(high)?;
        let reach = kernel.checked_sub(1)?.checked_mul(self.dilation)?.checked_add(1)?;
        let room = usize::try_from(padded).ok()?.checked_sub(reach)?;
        (self.stride > 0 && self.dilation > 0).then(|| room / self.stride + 1)
    }
}

/// Numbers, or "inf" and "-inf", which JSON lacks.
mod extended {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            return to.serialize_f64(*value);
        }
        to.serialize_str(if *value > 0.0 { "inf" } else { "-inf" })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        let written = Value::deserialize(from)?;
        let value = match written.as_str() {
            Some("inf") => Some(f64::INFINITY),
            Some("-inf") => Some(f64::NEG_INFINITY),
            _ => written.as_f64(),
        };
        value
            .ok_or_else(|| D::Error::custom(format!("{written} is no number, \"inf\" or \"-inf\"")))
    }
}
