//! What can be measured at a step, by name.

use bea_flow::flow::FlowName;
use bea_series::text::near;
use bea_series::text::source::Source;
use std::fmt;

/// Something that is measured at an iterate `θ` of the optimizer, with `θ'` the next one, `h` the learning
/// rate of the step between them, `g = ∇E(θ)`, and `λ_0 ≥ λ_1 ≥ …` the eigenvalues of `∇²E(θ)` with
/// eigenvectors `u_i`. All are of the full training data unless the name says `test`. Flows are those of the
/// optimizer that trains, `P` is its principal root (`1+z` for gradient descent), and `c_n` the coefficient of the
/// chain with `n+1` nodes, of order `h^n`, in its modified field (`1, -1/2, …`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// `loss`: `E(θ)`.
    Loss,
    /// `accuracy`: the share of the examples that are classified correctly.
    Accuracy,
    /// `test_loss`.
    TestLoss,
    /// `test_accuracy`.
    TestAccuracy,
    /// `gradient_norm`: `‖g‖`.
    GradientNorm,
    /// `learning_rate`: `h`, what the step multiplies the gradient by; of an optimizer of the language its `h`, whatever
    /// else its step has before the gradient.
    LearningRate,
    /// `corridor_rate`: `(E - least)/‖g‖²`, the time in which the loss would reach `least` of `corridor`, otherwise 0, if it fell
    /// linearly; 0 below that.
    CorridorRate,
    /// `update_norm`: `‖θ' - θ‖`.
    UpdateNorm,
    /// `relative_progress`: `(E(θ') - E(θ))/(h ‖g‖²)`, `-1` for small steps (Ahn, Zhang and Sra 2022).
    RelativeProgress,
    /// `lambda:k`: the `k` largest eigenvalues `λ_0, …`.
    Lambda(usize),
    /// `sc:k`: the stability coefficients `log P(-hλ_i)/(hλ_i) (g·u_i)`, `g·u_i ≥ 0`, of the first `k` directions.
    Coefficients(usize),
    /// `preconditioned:k`: the `k` largest eigenvalues of `P⁻¹H`, and the least one from which on the step is not stable,
    /// with all held that multiplies the gradients of a nonlinear step, such as `1/(√v' + ε)`: see
    /// [`Frozen`](bea_flow::flow::Frozen).
    Preconditioned(usize),
    /// `threshold`: the least eigenvalue of `P⁻¹H` from which on the step is not stable, and the argument of its multiplier there:
    /// an oscillation of the period `2π/φ`. `P` is 1 for linear steps ([`stable_below`](bea_flow::flow::stability::stable_below)),
    /// `2/h` and `π` for gradient descent.
    Threshold,
    /// `self_stabilization`: with the sharpness `S = λ_0`, whose gradient is `∇S = ∇³E[u_0, u_0]`: progressive sharpening
    /// `-∇S·g`, `‖∇S‖²`, and the variance `σ² = 2(-∇S·g)/‖∇S‖²` of an oscillation along `u_0` by which `S` stays where it
    /// is (Damian, Nichani and Lee 2023). Where `λ_0 = λ_1` there is no `∇S` and nothing is measured; where `∇S = 0`, no `σ²`.
    SelfStabilization,
    /// `along:k`: `|g·u_i|` of the first `k` directions.
    Along(usize),
    /// `eigenvalues`: all of them, of a small network.
    Eigenvalues,
    /// `hg`: `‖∇²E g‖`.
    HessianGradient,
    /// `drift`: `‖θ' - φ_h(θ)‖` with the leading term `θ̇ = -c_0 g` of the flow: the negative gradient flow for
    /// gradient descent.
    Drift,
    /// `drift_estimate`: `|c_1| h² ‖∇²E g‖`, for gradient descent `h²/2 ‖∇²E g‖`.
    DriftEstimate,
    /// `third`: the non-principal term of third order, `h²/12 ‖∇³E[g, g]‖` for gradient descent (paper, equation
    /// 8).
    ThirdOrder,
    /// `prediction`: `∇E(θ')·u_0` as it is, and as one term of the flow (NGF for gradient descent), two terms (IGR)
    /// and its principal part (PF) predict it from `g·u_0` (paper, section 4.1).
    Prediction,
    /// `error:FLOW`: `‖θ' - φ_h(θ)‖` with that flow.
    Error(FlowName),
    /// `loss_error:FLOW`: `E(θ') - E(φ_h(θ))`.
    LossError(FlowName),
    /// `flow_loss:FLOW`: `E(φ_h(θ))`.
    FlowLoss(FlowName),
    /// `flow_lambda:FLOW`: `λ_0` at `φ_h(θ)`.
    FlowLambda(FlowName),
}

/// How many eigenpairs a name may ask for.
const MOST: usize = 64;

/// Names without an argument.
const PLAIN: [(&str, Metric); 18] = [
    ("loss", Metric::Loss),
    ("accuracy", Metric::Accuracy),
    ("test_loss", Metric::TestLoss),
    ("test_accuracy", Metric::TestAccuracy),
    ("gradient_norm", Metric::GradientNorm),
    ("learning_rate", Metric::LearningRate),
    ("corridor_rate", Metric::CorridorRate),
    ("update_norm", Metric::UpdateNorm),
    ("relative_progress", Metric::RelativeProgress),
    ("eigenvalues", Metric::Eigenvalues),
    ("hg", Metric::HessianGradient),
    ("drift", Metric::Drift),
    ("drift_estimate", Metric::DriftEstimate),
    ("third", Metric::ThirdOrder),
    ("prediction", Metric::Prediction),
    ("threshold", Metric::Threshold),
    ("self_stabilization", Metric::SelfStabilization),
    ("lambda", Metric::Lambda(1)),
];

/// A name, and the metric that it makes of an argument.
type Named<T> = (&'static str, fn(T) -> Metric);

/// Names with a number.
const NUMBERED: [Named<usize>; 4] = [
    ("lambda", Metric::Lambda),
    ("preconditioned", Metric::Preconditioned),
    ("sc", Metric::Coefficients),
    ("along", Metric::Along),
];

/// Names with a flow.
const OF_FLOWS: [Named<FlowName>; 4] = [
    ("error", Metric::Error),
    ("loss_error", Metric::LossError),
    ("flow_loss", Metric::FlowLoss),
    ("flow_lambda", Metric::FlowLambda),
];

impl Metric {
    /// Whether it compares outputs with targets.
    pub(super) fn needs_outputs(&self) -> bool {
        matches!(self, Metric::Accuracy | Metric::TestAccuracy)
    }

    /// How metrics are written.
    pub fn names() -> Vec<String> {
        let plain = PLAIN.iter().map(|(name, _)| name.to_string()).filter(|name| name != "lambda");
        let numbered = NUMBERED.iter().map(|(name, _)| format!("{name}:k"));
        let of_flows = OF_FLOWS.iter().map(|(name, _)| format!("{name}:FLOW"));
        plain.chain(numbered).chain(of_flows).collect()
    }

    /// The metric of that name; otherwise what is wrong with it, and what would be right.
    pub fn parse(text: &str) -> Result<Metric, (String, Option<String>)> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let numbered = NUMBERED.iter().find(|(known, _)| *known == name);
        let of_flow = OF_FLOWS.iter().find(|(known, _)| *known == name);
        let plain = PLAIN.iter().find(|(known, _)| *known == name);
        match (argument, plain, numbered, of_flow) {
            (None, Some((_, metric)), _, _) => Ok(*metric),
            (Some(number), _, Some((_, metric)), _) => match number.parse() {
                Ok(k) if (1..=MOST).contains(&k) => Ok(metric(k)),
                _ => {
                    let help = format!("`{name}:3`, a number from 1 to {MOST}");
                    Err((format!("`{text}` needs a number of directions"), Some(help)))
                }
            },
            (Some(flow), _, _, Some((_, metric))) => {
                match FlowName::parse(&Source::new("flow", flow)).as_deref() {
                    Ok([FlowName::GradientDescent]) => {
                        Err(("gradient descent is no flow".into(), Some(format!("`{name}:pf`"))))
                    }
                    Ok([flow]) => Ok(metric(*flow)),
                    Ok(_) => Err((format!("`{text}` names more than one flow"), None)),
                    Err(error) => Err((error.to_string(), near::advice(flow, &FlowName::names()))),
                }
            }
            (None, None, Some(_), _) => {
                Err((format!("`{name}` needs a number of directions"), Some(format!("`{name}:1`"))))
            }
            (None, None, _, Some(_)) => {
                Err((format!("`{name}` needs a flow"), Some(format!("`{name}:pf`"))))
            }
            (Some(_), Some(_), _, _) => {
                Err((format!("`{name}` takes no argument"), Some(format!("`{name}`"))))
            }
            (_, None, None, None) => {
                let names = Metric::names();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Err((format!("there is no metric `{text}`"), near::advice(text, &names)))
            }
        }
    }

    /// Whether it compares a step with the flow of the optimizer, or with `h` times the gradient.
    pub fn compares_with_flow(self) -> bool {
        matches!(
            self,
            Metric::RelativeProgress
                | Metric::Coefficients(_)
                | Metric::Drift
                | Metric::DriftEstimate
                | Metric::ThirdOrder
                | Metric::Prediction
                | Metric::Error(_)
                | Metric::LossError(_)
                | Metric::FlowLoss(_)
                | Metric::FlowLambda(_)
        )
    }

    /// Whether it is a number of the step's learning rate `h`.
    pub(crate) fn takes_learning_rate(self) -> bool {
        self == Metric::LearningRate || self.compares_with_flow()
    }

    /// How metrics are written, each with what it is.
    pub fn described() -> Vec<(String, &'static str)> {
        let about = |name: &str| {
            let example = name.replace(":k", ":1").replace(":FLOW", ":pf");
            Metric::parse(&example).map_or("", Metric::about)
        };
        let described = Metric::names().into_iter().map(|name| {
            let about = about(&name);
            (name, about)
        });
        described.collect()
    }

    /// What it is, in one line; formulas are those of gradient descent.
    fn about(self) -> &'static str {
        match self {
            Metric::Loss => "E, of the full training data as all others",
            Metric::Accuracy => "the share of examples that are classified correctly",
            Metric::TestLoss => "E of the examples of the key test",
            Metric::TestAccuracy => "the accuracy on them",
            Metric::GradientNorm => "‖g‖",
            Metric::LearningRate => "h, what the step multiplies the gradient by",
            Metric::CorridorRate => {
                "(E - least)/‖g‖², the corridor learning rate; least is 0 for other methods"
            }
            Metric::UpdateNorm => "‖θ' - θ‖, with θ' the next iterate",
            Metric::RelativeProgress => "(E(θ') - E(θ))/(h ‖g‖²)",
            Metric::Lambda(_) => "the k largest eigenvalues of the Hessian, λ_0 first",
            Metric::Preconditioned(_) => {
                "the k largest eigenvalues of P⁻¹H, steps -hg/P, and their bound"
            }
            Metric::Threshold => {
                "the λ_0 (of P⁻¹H, if not linear) from which a step is unstable, 2/h for gd; the angle of its multiplier, π"
            }
            Metric::Coefficients(_) => {
                "stability coefficients log(1-hλ_i)/(hλ_i) (g·u_i) of the first k directions"
            }
            Metric::SelfStabilization => {
                "-∇S·g, ‖∇S‖² and σ² = 2(-∇S·g)/‖∇S‖², with the sharpness S = λ_0"
            }
            Metric::Along(_) => "|g·u_i| of the first k directions",
            Metric::Eigenvalues => "all eigenvalues, of a network of at most 4096 parameters",
            Metric::HessianGradient => "‖Hg‖",
            Metric::Drift => "the distance from θ' to the negative gradient flow after the time h",
            Metric::DriftEstimate => "h²/2 ‖Hg‖",
            Metric::ThirdOrder => "h²/12 ‖∇³E[g,g]‖",
            Metric::Prediction => "∇E·u_0 at θ', and as NGF, IGR and PF predict it",
            Metric::Error(_) => "the distance from θ' to the flow after the time h",
            Metric::LossError(_) => "E(θ') minus E on the flow after the time h",
            Metric::FlowLoss(_) => "E on the flow after the time h",
            Metric::FlowLambda(_) => "λ_0 on the flow after the time h",
        }
    }

    /// Whether it takes the next step with its preconditioner held, where the optimizer is not linear.
    pub(crate) fn takes_frozen(self) -> bool {
        matches!(self, Metric::Preconditioned(_) | Metric::Threshold)
    }

    /// The flow in its name.
    pub fn flow(self) -> Option<FlowName> {
        match self {
            Metric::Error(flow)
            | Metric::LossError(flow)
            | Metric::FlowLoss(flow)
            | Metric::FlowLambda(flow) => Some(flow),
            _ => None,
        }
    }

    /// The names of its columns. `parameters` is the number of parameters of the network.
    pub fn columns(self, parameters: usize) -> Vec<String> {
        let each = |name: &str, k: usize| (0..k).map(|i| format!("{name}_{i}")).collect();
        match self {
            Metric::Lambda(k) => each("lambda", k),
            Metric::Along(k) => each("along", k),
            Metric::Preconditioned(k) => {
                let mut names: Vec<String> = each("preconditioned", k);
                names.push("preconditioned_threshold".into());
                names
            }
            Metric::Coefficients(k) => {
                let of = |i| [format!("sc_{i}_re"), format!("sc_{i}_im")];
                (0..k).flat_map(of).collect()
            }
            Metric::Threshold => vec!["threshold".into(), "threshold_angle".into()],
            Metric::SelfStabilization => ["sharpening", "slope", "variance"]
                .map(|w| format!("self_stabilization_{w}"))
                .into(),
            Metric::Eigenvalues => each("eigenvalue", parameters),
            Metric::Prediction => {
                ["actual", "ngf", "igr", "pf"].map(|w| format!("prediction_{w}")).into()
            }
            other => vec![other.to_string().replace(':', "_")],
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Lambda(k) => write!(out, "lambda:{k}"),
            Metric::Coefficients(k) => write!(out, "sc:{k}"),
            Metric::Along(k) => write!(out, "along:{k}"),
            Metric::Preconditioned(k) => write!(out, "preconditioned:{k}"),
            Metric::Error(flow) => write!(out, "error:{flow}"),
            Metric::LossError(flow) => write!(out, "loss_error:{flow}"),
            Metric::FlowLoss(flow) => write!(out, "flow_loss:{flow}"),
            Metric::FlowLambda(flow) => write!(out, "flow_lambda:{flow}"),
            plain => {
                let found = PLAIN.iter().find(|(_, metric)| metric == plain);
                write!(out, "{}", found.map_or("", |(name, _)| *name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for name in Metric::names() {
            let name = name.replace(":k", ":3").replace("FLOW", "pf+np:2");
            assert_eq!(Metric::parse(&name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn faults_say_what_would_be_right() {
        let fault = |text: &str| Metric::parse(text).unwrap_err();
        assert_eq!(fault("lamda:1").1.unwrap(), "did you mean `lambda:k`?");
        assert_eq!(fault("error").0, "`error` needs a flow");
        assert_eq!(fault("error:nfg").0, "there is no flow `nfg`");
        assert_eq!(fault("loss:2").0, "`loss` takes no argument");
        assert_eq!(fault("sc:0").0, "`sc:0` needs a number of directions");
    }
}
