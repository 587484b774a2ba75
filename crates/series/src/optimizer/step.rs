//! One step of an optimizer, linear or not.

use super::program::StepProgram;
use super::scope::Scope;
use super::{Optimizer, lower, nonlinear};
use crate::exact::RationalFunction;
use crate::series::GeneralLinearMethod;
use crate::text::source::SourceError;
use crate::typed::{Initial, Node, Program, TypedError, check};
use num_rational::BigRational;
use std::collections::BTreeMap;

/// One step of an optimizer.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// Linear combinations of states and fields.
    Linear(StepProgram),
    /// Products, roots, norms and other functions of them.
    Nonlinear(Program),
}

impl Step {
    /// Whether it is `θ' = θ + h f(θ)`.
    pub fn is_gradient_descent(&self) -> bool {
        match self {
            Step::Linear(program) => program.method() == GeneralLinearMethod::euler(),
            Step::Nonlinear(_) => false,
        }
    }

    /// Whether it has buffers that do not start on the slow manifold.
    pub fn starts_beside_manifold(&self) -> bool {
        match self {
            Step::Linear(program) => program.starts_beside_manifold(),
            Step::Nonlinear(program) => {
                let mut buffers = program.states.iter().skip(1).filter(|state| !state.slow);
                buffers.any(|state| state.initial != Some(Initial::Settled))
            }
        }
    }

    /// The step with all buffers on the slow manifold before it is made for the first time: as if the optimizer had been
    /// running before.
    #[must_use]
    pub fn settled(self) -> Step {
        match self {
            Step::Linear(program) => Step::Linear(program.settled()),
            Step::Nonlinear(mut program) => {
                for state in program.states.iter_mut().skip(1).filter(|state| !state.slow) {
                    (state.initial, state.first) = (Some(Initial::Settled), None);
                }
                // Long after the start there is nothing left to correct.
                for node in &mut program.nodes {
                    if let Node::Decay { .. } = node {
                        *node = Node::Number(RationalFunction::zero());
                    }
                }
                Step::Nonlinear(program)
            }
        }
    }
}

impl From<StepProgram> for Step {
    fn from(program: StepProgram) -> Step {
        Step::Linear(program)
    }
}

impl From<&StepProgram> for Step {
    fn from(program: &StepProgram) -> Step {
        Step::Linear(program.clone())
    }
}

impl From<&GeneralLinearMethod> for Step {
    fn from(method: &GeneralLinearMethod) -> Step {
        Step::Linear(method.into())
    }
}

impl From<&Program> for Step {
    fn from(program: &Program) -> Step {
        Step::Nonlinear(program.clone())
    }
}

impl From<&Step> for Step {
    fn from(step: &Step) -> Step {
        step.clone()
    }
}

/// The step of an optimizer with some of its parameters set. It is linear if its text is.
pub(super) fn step(
    optimizer: &Optimizer,
    values: &BTreeMap<String, BigRational>,
) -> Result<Step, SourceError> {
    let (symbolic, parameters) = lower::parameters(optimizer, values)?;
    let scope = Scope::new(optimizer)?;
    let is_nonlinear = nonlinear::place(optimizer, &scope).is_some();
    if !is_nonlinear {
        match lower::program(optimizer, scope, symbolic.clone(), &parameters) {
            Ok(program) => return Ok(Step::Linear(program)),
            Err(lower::Refusal::Text(error)) => return Err(error),
            Err(lower::Refusal::Inconsistent(error)) => {
                // A multiple of the parameters that carries `h`, such as weight decay, is a field of its own, and the
                // engine for nonlinear steps knows its derivatives.
                let program =
                    nonlinear::program(optimizer, &Scope::new(optimizer)?, symbolic, &parameters);
                let found = program.ok().filter(|program| check(program).is_ok());
                return found.map(Step::Nonlinear).ok_or(error);
            }
        }
    }
    let program = nonlinear::program(optimizer, &scope, symbolic, &parameters)?;
    match check(&program) {
        Ok(()) => Ok(Step::Nonlinear(program)),
        Err(error) => Err(fault(optimizer, &program, &error)),
    }
}

/// The step of an optimizer, if its text is linear.
pub(super) fn linear(
    optimizer: &Optimizer,
    values: &BTreeMap<String, BigRational>,
) -> Result<StepProgram, SourceError> {
    let (symbolic, parameters) = lower::parameters(optimizer, values)?;
    let scope = Scope::new(optimizer)?;
    if let Some(place) = nonlinear::place(optimizer, &scope) {
        return Err(not_linear(optimizer, place));
    }
    lower::program(optimizer, scope, symbolic, &parameters).map_err(|refusal| match refusal {
        lower::Refusal::Text(error) | lower::Refusal::Inconsistent(error) => error,
    })
}

/// The error of a command that knows linear steps alone.
fn not_linear(optimizer: &Optimizer, place: std::ops::Range<usize>) -> SourceError {
    optimizer.source.fault(
        place,
        format!("the step of `{}` is not linear in its vectors", optimizer.name),
        "no linear combination of vectors",
        Some(
            "this is for linear steps alone; `bea derive` derives the modified field of any step"
                .into(),
        ),
    )
}

/// Where a step has no constant part, and what would be right.
fn fault(optimizer: &Optimizer, program: &Program, error: &TypedError) -> SourceError {
    let source = &optimizer.source;
    let at = |span: &std::ops::Range<usize>, label: &str, help: String| {
        source.fault(span.clone(), error.to_string(), label, Some(help))
    };
    match error {
        TypedError::Inconsistent { state, name } | TypedError::SelfReference { state, name }
            if program.is_running_extreme(*state) =>
        {
            at(
                &program.states[*state].place,
                "holds the extreme value so far, and its iterates stay on the kink wherever that follows the other one",
                format!(
                    "no field is smooth on both sides of that kink, and each side has one of its own: while `{name}` \
                     keeps its value it is a slow variable that stands still, `slow {name}` with `{name}' = {name}`; \
                     while it follows, it is no state, but a name for what it follows: `let {name} = …`"
                ),
            )
        }
        TypedError::Unsettled { state, name } => at(
            &program.states[*state].place,
            "grows, or keeps any value, with `h = 0`",
            format!(
                "a buffer that does not forget is a coordinate of the modified field, as the parameters are: declare \
                 `slow {name}`, and let its step carry `h`"
            ),
        ),
        TypedError::Inconsistent { state, name } => at(
            &program.states[*state].place,
            "moves with `h = 0`",
            format!("`{name}` moves by multiples of `h`: `{name}' = {name} + h*(…)`"),
        ),
        TypedError::SelfReference { state, name } => at(
            &program.states[*state].place,
            "its own old value stands inside a nonlinear operation, or comes back through another buffer",
            format!(
                "a buffer averages what does not depend on it: `{name}' = beta*{name} + (1-beta)*(…)`; recurrences that \
                 are nonlinear in their own buffer, such as `max(beta*{name}, abs(g))`, are not supported"
            ),
        ),
        TypedError::Coefficient { state, name } => at(
            &program.states[*state].place,
            "its old value has a factor that is no number",
            format!("the factor of `{name}` is made of numbers, parameters and bias corrections"),
        ),
        TypedError::Vanishing { node, .. } => at(
            &program.places[*node],
            "its constant part is 0",
            "roots, quotients, logarithms and norms need an argument that does not vanish with `h`".into(),
        ),
        TypedError::Kink { argument, .. } => at(
            &program.places[*argument],
            "lies on the kink with `h = 0`",
            "`sign`, `abs`, `min`, `max` and `clip` are differentiated away from their kinks".into(),
        ),
        TypedError::Point { point } => at(
            &program.places[*point],
            "is not `theta` with `h = 0`",
            "a field is evaluated near the iterate: at `theta`, at an older iterate, or at one shifted by multiples of \
             `h`, as in `f(theta - r*h*f/norm(f))`"
                .into(),
        ),
    }
}
