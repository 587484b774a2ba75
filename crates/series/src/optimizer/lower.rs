//! From an optimizer to its normal form, a general linear method.

use super::Optimizer;
use super::evaluate::{Evaluator, Step, constant};
use super::scope::Scope;
use super::value::{Atom, Vector};
use super::{consistency, scaling};
use crate::exact::RationalFunction;
use crate::series::{Combination, GeneralLinearMethod, Stage, State};
use crate::text::near;
use crate::text::source::SourceError;
use num_rational::BigRational;
use std::collections::BTreeMap;

/// The general linear method of `optimizer` with some of its parameters set.
pub(super) fn method(
    optimizer: &Optimizer,
    values: &BTreeMap<String, BigRational>,
) -> Result<GeneralLinearMethod, SourceError> {
    check_names(optimizer, values)?;
    let scope = Scope::new(optimizer)?;
    let mut symbolic = Vec::new();
    let parameters: Vec<RationalFunction> = optimizer
        .parameters
        .iter()
        .map(|name| match values.get(name) {
            Some(value) => constant(value),
            None => {
                symbolic.push(name.clone());
                RationalFunction::variable(symbolic.len() - 1)
            }
        })
        .collect();
    let h = RationalFunction::variable(symbolic.len());
    let step = Evaluator::new(optimizer, &scope, &parameters, &h).run()?;
    let method = assemble(scope, &step, symbolic);
    consistency::check(optimizer, &method, &step)?;
    Ok(scaling::without_step(method))
}

/// Every given value must belong to a parameter.
fn check_names(
    optimizer: &Optimizer,
    values: &BTreeMap<String, BigRational>,
) -> Result<(), SourceError> {
    let known: Vec<&str> = optimizer.parameters.iter().map(String::as_str).collect();
    let Some(unknown) = values.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let help = match known.as_slice() {
        _ if unknown == "h" => {
            Some("the field is a series in `h`: its terms are listed by power".into())
        }
        [] => None,
        known => near::advice(unknown, known),
    };
    let spans = &optimizer.parameter_spans;
    let (span, label) = match (spans.first(), spans.last()) {
        (Some(first), Some(last)) => (first.start..last.end, "its parameters"),
        _ => (optimizer.name_span.clone(), "it has no parameters"),
    };
    Err(optimizer.source.fault(
        span,
        format!("`{}` has no parameter `{unknown}`", optimizer.name),
        label,
        help,
    ))
}

/// The matrices of one step; variable `symbolic.len()` of their entries is `h`.
fn assemble(scope: Scope, step: &Step, symbolic: Vec<String>) -> GeneralLinearMethod {
    let (states, evaluations) = (scope.states.len(), step.evaluations.len());
    let combination = |vector: &Vector| {
        let mut result = Combination {
            states: vec![RationalFunction::zero(); states],
            stages: vec![RationalFunction::zero(); evaluations],
        };
        for (atom, coefficient) in &vector.terms {
            match atom {
                Atom::State(i) => result.states[*i] = coefficient.clone(),
                Atom::Evaluation(i) => result.stages[*i] = coefficient.clone(),
                Atom::New(_) | Atom::Stage(_) => unreachable!("resolved by the evaluator"),
            }
        }
        result
    };
    let stages = step
        .evaluations
        .iter()
        .map(|e| Stage { field: e.field, arguments: e.arguments.iter().map(combination).collect() })
        .collect();
    let update = step.updates.iter().map(|(vector, _)| combination(vector)).collect();
    let step_parameter = Some(symbolic.len());
    let mut parameters = symbolic;
    parameters.push("h".into());
    GeneralLinearMethod {
        parameters,
        step_parameter,
        spaces: scope.spaces,
        fields: scope.fields,
        states: scope
            .states
            .into_iter()
            .zip(&step.spaces)
            .map(|(name, space)| State { name: name.text, space: *space })
            .collect(),
        stages,
        update,
    }
}
