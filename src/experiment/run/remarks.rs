//! What is to be said of metrics that are not what their names make one expect of an optimizer, or have no value.

use super::optimizer::Flowing;
use crate::experiment::config::{Config, Metric};
use bea_network::training::Rule;
use bea_series::typed::Node;

/// What is to be said before the first step.
pub(super) fn on_metrics(config: &Config, optimizer: Option<&Flowing>) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Rule::Nonlinear(iteration) = &config.rule
        && iteration.program().nodes.iter().any(|node| matches!(node, Node::FieldDerivative { .. }))
    {
        let of_rate = config.metrics.iter().filter(|metric| metric.takes_learning_rate());
        let names: Vec<String> = of_rate.map(|metric| format!("`{metric}`")).collect();
        if let Some((first, rest)) = names.split_first() {
            let (take, rest) = match rest {
                [] => ("takes", String::new()),
                _ => ("take", format!(", {}", rest.join(", "))),
            };
            remarks.push(format!(
                "{first}{rest} {take} the learning rate h of `{}`, which is not what its step multiplies the gradient by: the step \
                 has a factor of its own, of derivatives of the gradient; the methods \"dal\" and \"dal_per_layer\" measure theirs",
                iteration.program().name
            ));
        }
    }
    let is_descent = optimizer.is_some_and(Flowing::is_descent);
    if config.metrics.contains(&Metric::SelfStabilization) && !is_descent {
        remarks.push(
            "`self_stabilization` is of gradient descent, with the Hessian of the loss alone: another optimizer does not move along \
             the gradient, and one that divides its steps by P is at the edge by the sharpness of P⁻¹H"
                .into(),
        );
    }
    remarks
}

/// Why a row has no `self_stabilization_slope` or no variance, though the sharpness is known.
pub(super) fn without_slope(step: usize, slope: f64) -> String {
    if slope.is_nan() {
        format!(
            "at step {step} the two largest eigenvalues of the Hessian are the same, so that the sharpness has no gradient: the columns \
             of `self_stabilization` are empty there, and wherever it is so again"
        )
    } else {
        format!(
            "at step {step} the gradient of the sharpness is 0 up to rounding: `self_stabilization_variance` is empty there, and wherever \
             it is so again"
        )
    }
}
