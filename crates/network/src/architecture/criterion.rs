//! What a network is trained with.

use super::read::table_smoothing;
use bea_flow::loss::{self, Expr, Partial};
use bea_series::text::near::Absent;
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::{Entry, Table, alike};

/// The loss of a network, a mean over the examples, but for one. Of an example with the outputs `y` and the targets `t`, both of `C`
/// numbers, where a class is the vector with 1 at its place:
#[derive(Clone, Debug, PartialEq)]
pub enum Criterion {
    /// Softmax cross entropy, `-Σ_c q_c log softmax(y)_c`. Of `C` classes, the right one has
    /// `q_c = 1 - smoothing + smoothing/C` and every other one `smoothing/C`.
    CrossEntropy {
        /// Label smoothing, in `[0, 1)`.
        smoothing: f64,
    },
    /// `Σ_c (y_c - t_c)²/C`, as `torch.nn.MSELoss` takes it.
    MeanSquaredError,
    /// `Σ_c (y_c - t_c)²/2`.
    HalfSquaredError,
    /// The mean over `c` of `e²/2` where `|e| < δ` and `δ (|e| - δ/2)` elsewhere, `e = y_c - t_c`: `torch.nn.HuberLoss`.
    Huber {
        /// `δ`, positive.
        delta: f64,
    },
    /// `Σ_{c ≠ k} max(0, margin - y_k + y_c)^power/C` of the right class `k`: `torch.nn.MultiMarginLoss`. Of one output,
    /// `max(0, margin - s y)^power` with `s = 1` for the class 1 and `-1` for the class 0.
    Hinge {
        /// How far the output of the right class is to be from every other one.
        margin: f64,
        /// 1 or 2.
        power: i32,
    },
    /// The mean over `c` of `log(1 + e^{-s_c y_c})`, `s_c = 1` for the right class and `-1` for others:
    /// `torch.nn.SoftMarginLoss`. Targets that are numbers are `s_c` themselves.
    Logistic,
    /// The mean over `c` of `-t_c log σ(y_c) - (1 - t_c) log(1 - σ(y_c))`: `torch.nn.BCEWithLogitsLoss`.
    BinaryCrossEntropy,
    /// Of normalised outputs `z_i = y_i/‖y_i‖`, the mean over the examples `i` and over all others `p` of the same class of
    /// `-log(e^{z_i·z_p/τ}/Σ_{a ≠ i} e^{z_i·z_a/τ})`, zero where there is no other: the supervised contrastive loss of Khosla et
    /// al., *Supervised Contrastive Learning*, 2020. Where each class has two examples, two views of one, it is that of SimCLR.
    Contrastive {
        /// `τ`, positive.
        temperature: f64,
    },
    /// A formula over `y` and `t`.
    Formula(Formula),
}

/// A formula of the loss language over the outputs `y` and the targets `t` of an example, two arrays of the same length, and its
/// inputs `x`, where they are a list: then `d(y[0], x[1], x[1])` is a derivative of an output by inputs. Where its value is an array,
/// the mean of the entries is taken.
#[derive(Clone, Debug)]
pub struct Formula {
    source: Source,
}

impl PartialEq for Formula {
    fn eq(&self, other: &Formula) -> bool {
        self.source.text == other.source.text
    }
}

impl Formula {
    /// A formula, not read yet.
    pub fn new(text: &str) -> Formula {
        Formula { source: Source::new("the loss", text) }
    }

    /// What is written.
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// The loss of an example with so many outputs and, if they are a list, inputs; its variables are those, as many targets, the
    /// inputs, and the derivatives of outputs that it takes, which are listed.
    ///
    /// # Errors
    /// Mistakes in the formula, names besides `y`, `t` and `x`, arrays that do not fit, no `y`.
    pub fn on(
        &self,
        outputs: usize,
        inputs: Option<usize>,
    ) -> Result<(loss::Loss, Vec<Partial>), SourceError> {
        let arrays = [("y", outputs), ("t", outputs), ("x", inputs.unwrap_or(0))];
        let sum = arrays.iter().fold(0_usize, |sum, (_, size)| sum.saturating_add(*size));
        let (loss, partials) = if inputs.is_some() && sum <= loss::MAX_VARIABLES {
            loss::Loss::of_functions(&self.source, &arrays)?
        } else {
            (loss::Loss::of_arrays(&self.source, &arrays[..2])?, Vec::new())
        };
        let roots: [Expr; 1] = [loss.expression()];
        let derivatives = loss.variables.len() - partials.len();
        let no_output = |at: &u32| (outputs..derivatives).contains(&(*at as usize));
        if loss.graph().variables(&roots).iter().all(no_output) {
            let message = "the loss does not depend on the outputs".to_string();
            let help = "the outputs of an example are the array `y`, its targets the array `t`";
            let place = 0..self.source.text.len();
            return Err(self.source.fault(place, message, "without `y`", Some(help.into())));
        }
        Ok((loss, partials))
    }
}

/// The losses by name, with the numbers that PyTorch takes for them: first by the names that are shown, then by PyTorch's.
const KINDS: [(&str, Criterion); 17] = [
    ("cross_entropy", Criterion::CrossEntropy { smoothing: 0.0 }),
    ("mean_squared_error", Criterion::MeanSquaredError),
    ("half_squared_error", Criterion::HalfSquaredError),
    ("huber", Criterion::Huber { delta: 1.0 }),
    ("hinge", Criterion::Hinge { margin: 1.0, power: 1 }),
    ("logistic", Criterion::Logistic),
    ("binary_cross_entropy", Criterion::BinaryCrossEntropy),
    ("contrastive", Criterion::Contrastive { temperature: 0.5 }),
    ("mse", Criterion::MeanSquaredError),
    ("nt_xent", Criterion::Contrastive { temperature: 0.5 }),
    ("info_nce", Criterion::Contrastive { temperature: 0.5 }),
    ("cross_entropy_loss", Criterion::CrossEntropy { smoothing: 0.0 }),
    ("mse_loss", Criterion::MeanSquaredError),
    ("huber_loss", Criterion::Huber { delta: 1.0 }),
    ("multi_margin_loss", Criterion::Hinge { margin: 1.0, power: 1 }),
    ("soft_margin_loss", Criterion::Logistic),
    ("bce_with_logits_loss", Criterion::BinaryCrossEntropy),
];

/// Losses that people know from elsewhere.
const ABSENT: &[Absent] = &[
    (
        &["bce", "bce_loss", "bce_with_logits", "log_loss"],
        "it is `binary_cross_entropy`, of outputs before the sigmoid",
    ),
    (
        &["nll", "nll_loss", "softmax_cross_entropy", "kl_div", "categorical_crossentropy"],
        "it is `cross_entropy`, of outputs before the softmax",
    ),
    (
        &["mae", "l1", "l1_loss", "mean_absolute_error"],
        "write it as a formula: loss = { formula = \"abs(y - t)\" }",
    ),
    (&["smooth_l1", "smooth_l1_loss"], "it is `huber` with delta = beta, divided by beta"),
];

impl Criterion {
    /// The names of all losses but formulas.
    pub const NAMES: [&str; 8] = [
        "cross_entropy",
        "mean_squared_error",
        "half_squared_error",
        "huber",
        "hinge",
        "logistic",
        "binary_cross_entropy",
        "contrastive",
    ];

    /// The loss that the key `loss` says: a name, or a table with `type` and its own keys, or with a `formula`. The smoothing
    /// of labels is that of the table, and 0 where it has none: it may be a key of its own beside `loss`, too.
    ///
    /// # Errors
    /// An unknown name, keys that the loss does not have, numbers that it does not take. A formula is not read.
    pub fn read(entry: &Entry) -> Result<Criterion, SourceError> {
        if !entry.is_table() {
            return named(entry);
        }
        let table = entry.table("a loss")?;
        if let Some(formula) = table.optional("formula") {
            table.only(&["formula"])?;
            return Ok(Criterion::Formula(Formula::new(formula.string()?)));
        }
        let example = "type = \"huber\", or formula = \"(y - t)^2\"";
        let mut criterion = named(&table.required("type", example)?)?;
        let only = |keys: &[&str]| table.only(&[&["type"], keys].concat());
        let positive = |table: &Table, key: &'static str| {
            let number = |entry: Entry| entry.number_that("must be positive", |x| x > 0.0);
            table.optional(key).map(number).transpose()
        };
        match &mut criterion {
            Criterion::CrossEntropy { smoothing } => {
                only(&["label_smoothing"])?;
                *smoothing = table_smoothing(entry)?.unwrap_or(0.0);
            }
            Criterion::Huber { delta } => {
                only(&["delta"])?;
                *delta = positive(&table, "delta")?.unwrap_or(*delta);
            }
            Criterion::Hinge { margin, power } => {
                only(&["margin", "power"])?;
                *margin = positive(&table, "margin")?.unwrap_or(*margin);
                if let Some(entry) = table.optional("power") {
                    *power = match entry.whole() {
                        Ok(1) => 1,
                        Ok(2) => 2,
                        _ => return Err(entry.fault("must be 1 or 2", None)),
                    };
                }
            }
            Criterion::Contrastive { temperature } => {
                only(&["temperature"])?;
                *temperature = positive(&table, "temperature")?.unwrap_or(*temperature);
            }
            _ => only(&[])?,
        }
        Ok(criterion)
    }

    /// Which of its numbers it does not take.
    pub(super) fn fault(&self) -> Option<String> {
        let (what, value, takes) = match *self {
            Criterion::CrossEntropy { smoothing } if !(0.0..1.0).contains(&smoothing) => {
                ("smoothing", smoothing, "at least 0 and less than 1")
            }
            Criterion::Huber { delta } if !(delta > 0.0 && delta.is_finite()) => {
                ("delta", delta, "positive")
            }
            Criterion::Hinge { margin, .. } if !(margin > 0.0 && margin.is_finite()) => {
                ("margin", margin, "positive")
            }
            Criterion::Hinge { power, .. } if !(1..=2).contains(&power) => {
                ("power", power.into(), "1 or 2")
            }
            _ => return None,
        };
        let name = self.name().unwrap_or_default();
        Some(format!("`{what}` of the loss {name} must be {takes}, but is {value}"))
    }

    /// Its name in a description; `None` of a formula.
    pub fn name(&self) -> Option<&'static str> {
        let kind = std::mem::discriminant(self);
        let found = KINDS.into_iter().find(|(_, known)| std::mem::discriminant(known) == kind);
        found.map(|(name, _)| name)
    }

    /// Whether it is a mean over the examples of what each gives on its own.
    pub(crate) fn is_mean(&self) -> bool {
        !matches!(self, Criterion::Contrastive { .. })
    }

    /// Whether one output tells two classes apart, by its sign.
    pub(crate) fn takes_sign(&self) -> bool {
        use Criterion::*;
        matches!(self, Hinge { .. } | Logistic | BinaryCrossEntropy | Formula(_))
    }

    /// Whether targets may be classes where they are not told from numbers.
    pub(crate) fn takes_classes(&self) -> bool {
        use Criterion::*;
        matches!(
            self,
            CrossEntropy { .. } | Hinge { .. } | Logistic | BinaryCrossEntropy | Formula(_)
        )
    }

    /// The targets of a class that is wrong and of the right one.
    pub(crate) fn coding(&self) -> [f64; 2] {
        match self {
            Criterion::Hinge { .. } | Criterion::Logistic => [-1.0, 1.0],
            _ => [0.0, 1.0],
        }
    }
}

/// The loss of a name.
fn named(entry: &Entry) -> Result<Criterion, SourceError> {
    let name = entry.string()?;
    let found = KINDS.into_iter().find(|(known, _)| alike(known, name));
    let unknown = || entry.unknown_or("loss", name, &Criterion::NAMES, ABSENT);
    found.map(|(_, criterion)| criterion).ok_or_else(unknown)
}
