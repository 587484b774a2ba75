//! What axes and legends say: words, symbols and units instead of the names of columns.

use super::super::config::{Chosen, Config, Metric};
use bea_flow::flow::FlowName;
use bea_series::series::GeneralLinearMethod;

/// The quantity that a metric shares a panel with: the title of the vertical axis.
pub fn axis(metric: Metric) -> &'static str {
    match metric {
        Metric::Loss | Metric::FlowLoss(_) => "loss E",
        Metric::TestLoss => "test loss",
        Metric::Accuracy => "accuracy",
        Metric::TestAccuracy => "test accuracy",
        Metric::GradientNorm => "gradient norm ‖g‖",
        Metric::LearningRate => "learning rate h",
        Metric::CorridorRate => "corridor learning rate (E − least)/‖g‖²",
        Metric::UpdateNorm => "length of a step ‖θ' − θ‖",
        Metric::RelativeProgress => "relative progress",
        Metric::Lambda(_) | Metric::FlowLambda(_) => "sharpness λ₀",
        Metric::Eigenvalues => "eigenvalues λᵢ of the Hessian",
        Metric::Coefficients(_) => "stability coefficient sc₀",
        Metric::Preconditioned(_) => "preconditioned sharpness",
        Metric::Threshold => "threshold of stability",
        Metric::Along(_) => "gradient along u₀, |g·u₀|",
        Metric::HessianGradient => "‖Hg‖",
        Metric::Drift => "drift of a step",
        Metric::DriftEstimate => "estimate h²/2 ‖Hg‖ of the drift",
        Metric::ThirdOrder => "h²/12 ‖∇³E[g, g]‖",
        Metric::Prediction => "∇E(θ')·u₀",
        Metric::SelfStabilization => "self-stabilization",
        Metric::Error(_) => "error of a step ‖θ' − φₕ(θ)‖",
        Metric::LossError(_) => "error of the loss E(θ') − E(φₕ(θ))",
    }
}

/// The same for several columns of the metric in one panel.
pub fn axis_of_several(metric: Metric) -> &'static str {
    match metric {
        Metric::Lambda(_) | Metric::FlowLambda(_) => "largest eigenvalues λ₀ ≥ λ₁ ≥ …",
        Metric::Coefficients(_) => "stability coefficients scᵢ (dashed: imaginary)",
        Metric::Preconditioned(_) => "largest eigenvalues of P⁻¹H",
        Metric::Along(_) => "gradient along uᵢ, |g·uᵢ|",
        Metric::Drift | Metric::DriftEstimate => "drift of a step",
        Metric::Loss | Metric::TestLoss | Metric::FlowLoss(_) => "loss E",
        Metric::Accuracy | Metric::TestAccuracy => "accuracy",
        metric => axis(metric),
    }
}

/// Whether what diverges has no bound above.
pub fn grows(metric: Metric) -> bool {
    !matches!(
        metric,
        Metric::Accuracy
            | Metric::TestAccuracy
            | Metric::LearningRate
            | Metric::RelativeProgress
            | Metric::Coefficients(_)
            | Metric::Prediction
            | Metric::SelfStabilization
            | Metric::LossError(_)
    )
}

pub fn is_sharpness(metric: Metric) -> bool {
    matches!(metric, Metric::Lambda(_) | Metric::FlowLambda(_))
}

/// A flow as papers write it.
pub fn flow(flow: FlowName) -> String {
    match flow {
        FlowName::GradientDescent => "gradient descent".into(),
        FlowName::NegativeGradient => "NGF".into(),
        FlowName::ImplicitRegularization => "IGR".into(),
        FlowName::Principal => "PF".into(),
        FlowName::Positive => "positive flow".into(),
        FlowName::Central => "central flow".into(),
        FlowName::Rod => "rod flow".into(),
        FlowName::Order(2) => "third order".into(),
        FlowName::Flip(1) => "NGF, component along u₀ reversed".into(),
        other => other.to_string(),
    }
}

/// What a run trains with.
pub fn optimizer(config: &Config) -> &'static str {
    match config.optimizer.as_ref().map(Chosen::method) {
        Some(Ok(method)) if method == GeneralLinearMethod::euler() => "gradient descent",
        _ => "the optimizer",
    }
}

/// `h = 0.1` of the key `lr` of a description, `p = 1` of the value `1.0`.
pub fn setting(key: &str, value: &str) -> String {
    let whole = |number: &str| match number.strip_suffix(".0") {
        Some(digits) if number.parse::<f64>().is_ok() => digits.to_string(),
        _ => number.to_string(),
    };
    let value = value.split(", ").map(whole).collect::<Vec<_>>().join(", ");
    match key {
        "lr" => format!("h = {value}"),
        "batch" => format!("batches of {value}"),
        "momentum" | "m" => format!("m = {value}"),
        "cap" => format!("cap {value}"),
        _ => format!("{key} = {value}"),
    }
}

/// `λ₂`.
pub fn indexed(symbol: &str, i: usize) -> String {
    let digits = i.to_string();
    let lowered = digits.chars().filter_map(|c| char::from_u32('₀' as u32 + c.to_digit(10)?));
    symbol.chars().chain(lowered).collect()
}
