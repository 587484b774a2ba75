//! Whether the constant parts of a step fit together.
//!
//! Where the vector fields vanish, an optimizer at rest has `θ' = θ`, and every buffer is a
//! multiple `c θ` of its parameter vector: `c = A c` with `c = 1` for the parameter vectors. Every
//! point of evaluation must then be the parameter vector itself, `C c = 1`.

use super::Optimizer;
use super::evaluate::Step;
use crate::exact::RationalFunction;
use crate::series::{Combination, GeneralLinearMethod};
use crate::text::source::SourceError;

/// Checks the constant parts. A recurrence that leaves them open has no slow manifold, which the
/// derivation reports.
///
/// # Errors
/// A step of a zero vector field that is never at rest, and a point of evaluation that is not the
/// parameter vector.
pub(super) fn check(
    optimizer: &Optimizer,
    method: &GeneralLinearMethod,
    step: &Step,
) -> Result<(), SourceError> {
    // A buffer that the parameters do not depend on may leave its constant part open.
    let (used, evaluated) = method.used();
    let open = at_rest(method) == Ok(None);
    let (method, states) = if open {
        (&method.clone().without_idle_states(), used)
    } else {
        (method, (0..method.states.len()).collect())
    };
    let evaluated = if open { evaluated } else { (0..method.stages.len()).collect() };
    let constants = match at_rest(method) {
        Ok(Some(constants)) => constants,
        Ok(None) => return Ok(()),
        Err(state) => {
            let name = &method.states[state].name;
            let advice = if state == 0 && method.spaces.len() == 1 {
                format!(
                    "a multiple of the parameters, such as weight decay, is a vector field of its own: \
                     declare `fields f, w = -{name}`, and write `h*lambda*w({name})` in the place of \
                     `- h*lambda*{name}`"
                )
            } else {
                "where the fields are zero the parameters must stay as they are, and every buffer a \
                 multiple of them"
                    .into()
            };
            return Err(optimizer.source.fault(
                step.updates[states[state]].clone(),
                format!(
                    "the step is not consistent: with a vector field of zero, `{name}'` differs \
                     from `{name}`"
                ),
                "not at rest where the vector field is zero",
                Some(advice),
            ));
        }
    };
    let spans = evaluated.iter().map(|&l| &step.evaluations[l]);
    for (stage, spans) in method.stages.iter().zip(spans) {
        for (space, (point, span)) in stage.arguments.iter().zip(spans).enumerate() {
            let found = constant_part(point, &constants);
            if !found.is_one() {
                let (field, name) = (&method.fields[stage.field].name, &method.spaces[space]);
                let found = multiple(&found.display(&method.parameters), name);
                return Err(optimizer.source.fault(
                    span.clone(),
                    format!(
                        "`{field}` is evaluated at a point whose constant part is `{found}`, \
                         not `{name}`"
                    ),
                    format!("is `{found}` where the vector field is zero"),
                    Some(format!(
                        "a field is evaluated near the iterate: at `{name}`, at an older iterate, \
                         or at one shifted by fields"
                    )),
                ));
            }
        }
    }
    Ok(())
}

fn multiple(coefficient: &str, name: &str) -> String {
    if coefficient == "0" {
        "0".into()
    } else if coefficient.chars().all(|c| c.is_alphanumeric() || c == '_') {
        format!("{coefficient}*{name}")
    } else {
        format!("({coefficient})*{name}")
    }
}

fn constant_part(line: &Combination, constants: &[RationalFunction]) -> RationalFunction {
    line.states
        .iter()
        .zip(constants)
        .filter(|(a, c)| !a.is_zero() && !c.is_zero())
        .fold(RationalFunction::zero(), |sum, (a, c)| &sum + &(a * c))
}

/// The solution of `c = A c` with `c = 1` for the parameter vectors; `None` if there are several,
/// the state of a line that contradicts the others if there is none.
pub(super) fn at_rest(
    method: &GeneralLinearMethod,
) -> Result<Option<Vec<RationalFunction>>, usize> {
    let (spaces, states) = (method.spaces.len(), method.states.len());
    let unknowns = states - spaces;
    // A row holds the coefficients of the buffers and the constant: Σ (A - 1) c = 0. The buffers'
    // lines come first, so that a contradiction shows in a parameter vector's line if it can.
    let mut rows: Vec<(usize, Vec<RationalFunction>)> = (spaces..states)
        .chain(0..spaces)
        .map(|state| {
            let mut a = method.update[state].states.clone();
            a[state] = &a[state] - &RationalFunction::one();
            let constant = a.drain(..spaces).fold(RationalFunction::zero(), |s, x| &s + &x);
            a.push(constant);
            (state, a)
        })
        .collect();
    let mut solved = Vec::new();
    for column in 0..unknowns {
        let Some(pivot) = rows.iter().position(|(_, row)| !row[column].is_zero()) else {
            continue;
        };
        let (_, mut row) = rows.remove(pivot);
        let inverse = row[column].inverse().expect("a pivot is not zero");
        row.iter_mut().filter(|x| !x.is_zero()).for_each(|x| *x = &*x * &inverse);
        let eliminate = |other: &mut Vec<RationalFunction>| {
            let factor = other[column].clone();
            if factor.is_zero() {
                return;
            }
            for (x, y) in other.iter_mut().zip(&row).filter(|(_, y)| !y.is_zero()) {
                *x = &*x - &(&factor * y);
            }
        };
        rows.iter_mut().map(|(_, row)| row).for_each(eliminate);
        solved.iter_mut().map(|(_, row)| row).for_each(eliminate);
        solved.push((column, row));
    }
    if let Some((state, _)) = rows.iter().find(|(_, row)| !row[unknowns].is_zero()) {
        return Err(*state);
    }
    if solved.len() < unknowns {
        return Ok(None);
    }
    let mut constants = vec![RationalFunction::one(); states];
    for (column, row) in solved {
        constants[spaces + column] = -&row[unknowns];
    }
    Ok(Some(constants))
}
