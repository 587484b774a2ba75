//! Whether a network has the derivatives by its inputs that a formula takes.

use super::plan::{LayerKind, Plan};
use super::shapes::formula_inputs;
use super::{Activation, Architecture, Criterion, LayerError};
use crate::graph::{Graph, NoTangent};

/// Refuses layers without the derivatives that the loss takes; messages name those of `plans`, if it has them.
pub(super) fn check(network: &Architecture, plans: &[Plan]) -> Result<(), LayerError> {
    let Criterion::Formula(formula) = &network.criterion else { return Ok(()) };
    let inputs = formula_inputs(&network.input, &network.outputs);
    let takes_none =
        formula.on(network.width(), inputs).is_ok_and(|(_, partials)| partials.is_empty());
    if takes_none {
        return Ok(());
    }
    let message = |what: String, why: &str| {
        format!("the loss takes derivatives by the inputs, but {what} {why}")
    };
    if let Some((plan, why)) = find(plans) {
        let help = Some("`tanh`, `sin`, `softplus`, `silu` and `gelu` have all of them".into());
        let help = help.filter(|_| matches!(plan.kind, LayerKind::Activation(_)));
        let message = message(plan.label(), why);
        return Err(LayerError { message, span: plan.span.clone(), help });
    }
    if network.couples_examples() {
        let message = message("a batch norm".into(), MIXES);
        return Err(LayerError { message, span: None, help: None });
    }
    let message = match Graph::check_tangents(network) {
        Ok(true) => return Ok(()),
        Ok(false) => message("in this network".into(), "they depend on no parameter"),
        Err(NoTangent::Operation(name)) => {
            message(format!("the operation `{name}`"), "of a layer has none")
        }
        Err(NoTangent::Size(most)) => {
            message("they".into(), &format!("take more than {most} operations"))
        }
    };
    Err(LayerError { message, span: None, help: None })
}

const MIXES: &str = "mixes examples: each has derivatives by the inputs of all";

/// The first layer without derivatives by what it is given, and why.
fn find(plans: &[Plan]) -> Option<(&Plan, &'static str)> {
    use Activation as A;
    plans.iter().find_map(|plan| {
        let why = match &plan.kind {
            LayerKind::Residual { body, shortcut } => {
                return find(body).or_else(|| find(shortcut));
            }
            LayerKind::Repeat { body, .. } => return find(body),
            LayerKind::Embedding { .. } => "takes whole numbers, which nothing is derived by",
            LayerKind::BatchNorm { running: false, .. } => MIXES,
            LayerKind::MaxPool(_) | LayerKind::GlobalMaxPool => {
                "takes the largest entries, which change abruptly"
            }
            LayerKind::Activation(
                A::Elu { .. }
                | A::Relu
                | A::LeakyRelu { .. }
                | A::Selu
                | A::Hardsigmoid
                | A::Hardswish
                | A::Hardtanh { .. }
                | A::Softsign,
            ) => "is in pieces: its derivatives jump",
            _ => return None,
        };
        Some((plan, why))
    })
}
