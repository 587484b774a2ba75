//! From an optimizer's text to its step program.

use super::Optimizer;
use super::consistency;
use super::evaluate::{Evaluator, constant};
use super::program::{StepProgram, initial_at_rest};
use super::scope::Scope;
use crate::exact::{MAX_VARIABLES, RationalFunction};
use crate::series::State;
use crate::text::near;
use crate::text::source::SourceError;
use num_rational::BigRational;
use std::collections::BTreeMap;

/// How many parameters of an optimizer may stay symbolic: the step is one more variable.
const MAX_SYMBOLIC: usize = MAX_VARIABLES - 1;

/// Numbers for the parameters beyond those that may stay symbolic, to see whether an optimizer has a normal form and
/// what its fields are. They are such that nothing vanishes by chance.
pub(super) fn stand_ins(optimizer: &Optimizer) -> BTreeMap<String, BigRational> {
    let number = |i: usize| BigRational::new(1.into(), (1009 + 2 * i).into());
    let beyond = optimizer.parameters.iter().enumerate().skip(MAX_SYMBOLIC);
    beyond.map(|(i, name)| (name.clone(), number(i))).collect()
}

/// At most so many parameters may stay without a value.
fn check_symbolic(
    optimizer: &Optimizer,
    values: &BTreeMap<String, BigRational>,
) -> Result<(), SourceError> {
    let named = optimizer.parameters.iter().zip(&optimizer.parameter_spans);
    let symbolic: Vec<_> = named.filter(|(name, _)| !values.contains_key(*name)).collect();
    let Some((name, span)) = symbolic.get(MAX_SYMBOLIC) else { return Ok(()) };
    let n = symbolic.len();
    Err(optimizer.source.fault(
        (*span).clone(),
        format!(
            "{n} parameters of `{}` have no value; at most {MAX_SYMBOLIC} may stay symbolic",
            optimizer.name
        ),
        "one too many",
        Some(format!("give values to {} of them: --set {name}=1/2, say", n - MAX_SYMBOLIC)),
    ))
}

/// The names of the parameters that stay symbolic, and the values of all.
///
/// # Errors
/// Values of what is no parameter, and too many symbolic ones.
pub(super) fn parameters(
    optimizer: &Optimizer,
    values: &BTreeMap<String, BigRational>,
) -> Result<(Vec<String>, Vec<RationalFunction>), SourceError> {
    check_names(optimizer, values)?;
    check_symbolic(optimizer, values)?;
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
    Ok((symbolic, parameters))
}

/// Why there is no step program.
pub(super) enum Refusal {
    /// The text is wrong.
    Text(SourceError),
    /// With a vector field of zero the step moves, or a field is evaluated elsewhere.
    Inconsistent(SourceError),
}

impl From<SourceError> for Refusal {
    fn from(error: SourceError) -> Refusal {
        Refusal::Text(error)
    }
}

/// The step program of a linear `optimizer` with these parameters.
pub(super) fn program(
    optimizer: &Optimizer,
    scope: Scope,
    mut symbolic: Vec<String>,
    parameters: &[RationalFunction],
) -> Result<StepProgram, Refusal> {
    let h = RationalFunction::variable(symbolic.len());
    let evaluator = || Evaluator::new(optimizer, &scope, parameters, &h);
    let mut step = evaluator().run()?;
    let formulas = scope.formulas.iter().zip(&scope.fields);
    let linear = formulas.map(|(formula, field)| {
        formula.as_ref().map(|formula| evaluator().linear(formula, &field.name)).transpose()
    });
    let linear = linear.collect::<Result<_, SourceError>>()?;
    let written = scope.initial.iter().zip(&step.states).map(|(value, space)| {
        value.as_ref().map(|value| evaluator().initial(value, *space)).transpose()
    });
    let written: Vec<_> = written.collect::<Result<_, SourceError>>()?;
    symbolic.push("h".into());
    let states = scope.states.into_iter().zip(&step.states);
    let mut program = StepProgram {
        parameters: symbolic,
        spaces: scope.spaces,
        linear,
        fields: scope.fields,
        states: states.map(|(name, space)| State { name: name.text, space: *space }).collect(),
        initial: Vec::new(),
        values: std::mem::take(&mut step.values),
        operations: std::mem::take(&mut step.operations),
    };
    let method = program.assemble(std::mem::take(&mut step.symbolic));
    consistency::check(optimizer, &method, &step).map_err(Refusal::Inconsistent)?;
    let rest = initial_at_rest(&method).into_iter();
    program.initial = rest.zip(written).map(|(rest, written)| written.unwrap_or(rest)).collect();
    Ok(program)
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
