//! How a program starts, for its effective start.

use super::consistency::at_rest;
use super::program::{Initial, Operation, StepProgram};
use super::scaling;
use super::symbolic::Symbolic;
use crate::exact::RationalFunction;
use crate::series::{GeneralLinearMethod, MethodError, Start, StartError};

impl StepProgram {
    /// The step with its beginning: what the buffers are before it, and what the first step does that later ones do
    /// not. The step size is scaled out where that is possible; buffers are left out that nothing depends on.
    ///
    /// # Errors
    /// If a buffer starts neither at rest nor on the slow manifold.
    pub fn start(&self) -> Result<Start, StartError> {
        let method = self.with_step();
        let first = self.first_with_step();
        let (mut states, mut stages) = method.used();
        if let Some(first) = &first {
            // What only the first step uses has to be known, too.
            let both = first.used();
            states.extend(both.0);
            stages.extend(both.1);
            for used in [&mut states, &mut stages] {
                used.sort_unstable();
                used.dedup();
            }
        }
        let method = method.restricted(&states, &stages);
        let first = first.map(|first| first.restricted(&states, &stages));
        let initial: Vec<&Initial> = states.iter().map(|&i| &self.initial[i]).collect();
        check_rest(&method, first.as_ref(), &initial)?;
        let settled = initial.iter().map(|initial| **initial == Initial::Settled).collect();
        let mut methods: Vec<GeneralLinearMethod> =
            [Some(method), first].into_iter().flatten().collect();
        scaling::without_step(&mut methods);
        let mut methods = methods.into_iter();
        let method = methods.next().expect("there is a step");
        let first = methods.next().map(|first| (first.stages, first.update));
        Ok(Start { method, first, settled })
    }

    /// The program with all buffers on the slow manifold before its first step, which is then like the later ones: as
    /// if it had been running before.
    #[must_use]
    pub fn settled(mut self) -> StepProgram {
        self.initial[self.spaces.len()..].fill(Initial::Settled);
        for operation in &mut self.operations {
            if let Operation::Combine { first, .. } = operation {
                *first = None;
            }
        }
        self
    }

    /// The first step with `h` among the parameters, if it differs from the later ones.
    fn first_with_step(&self) -> Option<GeneralLinearMethod> {
        let mut differs = false;
        let mut symbolic = Symbolic::default();
        for operation in &self.operations {
            match operation {
                Operation::Combine { target, first: Some(terms), .. } => {
                    differs = true;
                    let (target, terms, first) = (*target, terms.clone(), None);
                    symbolic.execute(&Operation::Combine { target, terms, first });
                }
                _ => symbolic.execute(operation),
            }
        }
        differs.then(|| self.assemble(symbolic))
    }
}

/// Checks that buffers start at rest, unless they start on the slow manifold, and that the first step leaves them
/// there where the fields are zero.
fn check_rest(
    method: &GeneralLinearMethod,
    first: Option<&GeneralLinearMethod>,
    initial: &[&Initial],
) -> Result<(), StartError> {
    let Ok(Some(rest)) = at_rest(method) else {
        // Which space it is, the derivation says.
        let space = method.spaces.join(", ");
        return Err(MethodError::NoSlowManifold { space }.into());
    };
    let multiple = |c: &RationalFunction, state: usize| {
        let space = &method.spaces[method.states[state].space];
        match c.display(&method.parameters).as_str() {
            "0" => "0".to_string(),
            "1" => space.clone(),
            c if c.chars().all(|c| c.is_alphanumeric() || c == '_') => format!("{c}*{space}"),
            c => format!("({c})*{space}"),
        }
    };
    let away = |state: usize, found: String| StartError::AwayFromRest {
        name: method.states[state].name.clone(),
        found,
        rest: multiple(&rest[state], state),
    };
    for (state, initial) in initial.iter().enumerate() {
        match initial {
            Initial::Settled => {}
            Initial::Multiple(c) if *c == rest[state] => {}
            Initial::Multiple(c) => return Err(away(state, multiple(c, state))),
            Initial::Entries(c) if c.is_zero() && rest[state].is_zero() => {}
            Initial::Entries(c) => return Err(away(state, c.display(&method.parameters))),
        }
    }
    let Some(first) = first else { return Ok(()) };
    let constant = |coefficients: &[RationalFunction]| {
        let terms = coefficients.iter().zip(&rest).filter(|(a, _)| !a.is_zero());
        terms.fold(RationalFunction::zero(), |sum, (a, c)| &sum + &(a * c))
    };
    for (state, line) in first.update.iter().enumerate() {
        let after = constant(&line.states);
        if after != rest[state] {
            return Err(away(state, format!("{} after the first step", multiple(&after, state))));
        }
    }
    for stage in &first.stages {
        for (space, point) in stage.arguments.iter().enumerate() {
            let states = point.states.iter().enumerate();
            let own: Vec<RationalFunction> = states
                .map(|(i, c)| {
                    if method.states[i].space == space {
                        c.clone()
                    } else {
                        RationalFunction::zero()
                    }
                })
                .collect();
            let found = constant(&own);
            if !found.is_one() {
                return Err(MethodError::Misplaced {
                    field: method.fields[stage.field].name.clone(),
                    found: multiple(&found, space),
                    expected: method.spaces[space].clone(),
                }
                .into());
            }
        }
    }
    Ok(())
}
