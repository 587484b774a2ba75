//! The names of a claim that are not bound in it: fields, parameters, gradient notation.

use super::derivations::Derivations;
use super::differential::{Differential, H};
use super::evaluate::{Binding, Evaluated, Evaluator};
use super::functions::{ENTRYWISE, FUNCTIONS};
use super::syntax::{Claim, Declaration, Expr, ExprKind};
use super::value::Value;
use crate::exact::{MAX_VARIABLES, RationalFunction as Q};
use crate::formula::{greek, letter};
use crate::text::source::{Source, SourceError};
use crate::typed::Shape;
use std::collections::BTreeSet;
use std::ops::Range;

/// The symbols of one claim.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Variable `i` of a coefficient; the first one is `h`.
    pub variables: Vec<String>,
    /// The vector field with colour `i`, and its player; the first one is `f`. The last ones of a claim that speaks of
    /// a start are the points: parameter vectors, which have the names of their players.
    pub fields: Vec<(String, String)>,
    /// Names that may stand for numbers: the parameters of the optimizers of the claim.
    pub parameters: BTreeSet<String>,
    /// The coordinates of the nonlinear optimizers of the claim: the parameters first, then slow variables.
    pub coordinates: Vec<(String, Shape)>,
}

/// The most vector fields of one claim.
const MAX_FIELDS: usize = 100;

impl Names {
    /// The names of a claim: its generic fields and what its optimizers bring along.
    ///
    /// # Errors
    /// If an optimizer is not known, a slow variable is a number and a vector, or a field or a point is declared anew.
    pub fn collect(
        claim: &Claim,
        source: &Source,
        derivations: &mut Derivations,
    ) -> Result<Names, SourceError> {
        let mut names = Names {
            variables: vec!["h".to_string()],
            fields: vec![("f".to_string(), "theta".to_string())],
            parameters: BTreeSet::new(),
            coordinates: Vec::new(),
        };
        let mut references: Vec<(&Expr, bool)> = Vec::new();
        for expression in claim.expressions() {
            expression.walk(&mut |e| references.extend(optimizer_reference(e)));
        }
        let mut points: Vec<String> = Vec::new();
        for (reference, of_start) in references {
            let ExprKind::Name(name) = &reference.kind else { continue };
            let fault = |message: String| {
                source.fault(reference.span.clone(), message, "this optimizer", None)
            };
            let stand_ins = derivations.find(name).map_err(fault)?.stand_ins();
            if let Some(program) = derivations.program(name, &stand_ins).map_err(fault)? {
                names.parameters.extend(derivations.find(name).map_err(fault)?.parameters.clone());
                let states = program.states.iter().enumerate();
                for (_, state) in states.filter(|(i, state)| *i == 0 || state.slow) {
                    let mut known = names.coordinates.iter();
                    match known.find(|(name, _)| *name == state.name) {
                        None => names.coordinates.push((state.name.clone(), state.shape)),
                        Some((_, shape)) if *shape == state.shape => {}
                        Some(_) => {
                            let name = &state.name;
                            let message = format!(
                                "`{name}` has different shapes in two optimizers of this claim"
                            );
                            return Err(fault(message));
                        }
                    }
                }
                continue;
            }
            let method = derivations.method(name, &stand_ins).map_err(fault)?;
            names.parameters.extend(derivations.find(name).map_err(fault)?.parameters.clone());
            for field in &method.fields {
                let space = &method.spaces[field.space];
                if names.color(&field.name).is_none() {
                    names.fields.push((field.name.clone(), space.clone()));
                }
            }
            points.extend(method.spaces.iter().filter(|_| of_start).cloned());
        }
        for declaration in &claim.declarations {
            let Declaration::Fields(fields) = declaration else { continue };
            for field in fields {
                let is_point = points.iter().any(|p| p == field || letter(p) == *field);
                if is_point || names.color(field).is_some() || names.fields.len() >= MAX_FIELDS {
                    return Err(source.fault(
                        claim.span.clone(),
                        format!("the field `{field}` cannot be declared in this claim"),
                        "in the declarations of this claim",
                        Some("`f`, the fields of its optimizers and the points of starts are declared already".into()),
                    ));
                }
                names.fields.push((field.clone(), String::new()));
            }
        }
        for point in points {
            if names.fields.iter().all(|known| *known != (point.clone(), point.clone())) {
                names.fields.push((point.clone(), point));
            }
        }
        Ok(names)
    }

    /// The colour of a field, or of a point, which may be written with its Greek letter.
    pub fn color(&self, name: &str) -> Option<u8> {
        let exact = self.fields.iter().position(|(n, _)| n == name);
        let is_point = |(n, space): &(String, String)| n == space && letter(n) == name;
        exact.or_else(|| self.fields.iter().position(is_point)).map(|i| i as u8)
    }

    /// Whether a name is a parameter of one of the optimizers, or one with its Greek letter.
    fn is_parameter(&self, name: &str) -> bool {
        self.parameters.contains(name) || self.parameters.iter().any(|p| letter(p) == name)
    }

    /// Whether a field is one that the claim declares, not `f` or one of an optimizer.
    pub fn is_arbitrary(&self, color: u8) -> bool {
        self.fields.get(usize::from(color)).is_none_or(|(_, space)| space.is_empty())
    }

    /// The index of a variable, which is new or known. `β` is another spelling of `beta`, unless both
    /// are parameters.
    pub fn variable(&mut self, name: &str) -> Option<usize> {
        let exact = self.variables.iter().position(|n| n == name);
        let both = |n: &str| self.parameters.contains(n) && self.parameters.contains(name);
        let spelled = |n: &String| letter(n) == letter(name) && !both(n);
        if let Some(known) = exact.or_else(|| self.variables.iter().position(spelled)) {
            return Some(known);
        }
        (self.variables.len() < MAX_VARIABLES).then(|| {
            self.variables.push(name.to_string());
            self.variables.len() - 1
        })
    }
}

/// The name of the optimizer, if an expression is `field(optimizer, …)` or the like, and whether that is `start`.
fn optimizer_reference(expr: &Expr) -> Option<(&Expr, bool)> {
    let ExprKind::Apply(callee, arguments) = &expr.kind else { return None };
    let ExprKind::Name(function) = &callee.kind else { return None };
    let takes_optimizer = match function.as_str() {
        "field" | "term" | "weight" | "start" => true,
        "principal" => arguments.len() == 2,
        _ => false,
    };
    let first = &arguments.first().filter(|_| takes_optimizer)?.value;
    let of_start = function == "start";
    match &first.kind {
        ExprKind::Name(_) => Some((first, of_start)),
        ExprKind::Apply(name, _) if matches!(name.kind, ExprKind::Name(_)) => {
            Some((name, of_start))
        }
        _ => None,
    }
}

/// Whether a name is usable as a symbol without being declared: single letters and names of Greek
/// letters are.
fn is_symbol(name: &str) -> bool {
    name.chars().count() == 1 || greek(name).is_some()
}

/// `3` of `D3E`.
pub(super) fn derivative_of_loss(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('D')?.strip_suffix('E')?;
    digits.parse().ok().filter(|n| (1..=20).contains(n))
}

/// Whether a name has a meaning of its own in every claim.
fn is_of_language(name: &str) -> bool {
    matches!(name, "h" | "f" | "E" | "g" | "H" | "I") || derivative_of_loss(name).is_some()
}

/// Refuses a claim that gives a name of the language or of an optimizer's field another meaning,
/// or one name two meanings: `f + h*f'f == f for h in 0..0` would hold for an index named `h`.
///
/// # Errors
/// The first such name, and its place.
pub(super) fn check_binders(
    claim: &Claim,
    source: &Source,
    names: &Names,
) -> Result<(), SourceError> {
    let mut bound: Vec<(&str, &Range<usize>)> = Vec::new();
    let mut local: Vec<(&str, &Range<usize>)> = Vec::new();
    for declaration in &claim.declarations {
        match declaration {
            Declaration::Fields(fields) => local.extend(fields.iter().map(|n| (&**n, &claim.span))),
            Declaration::Let(d) => {
                bound.push((&d.name, &d.body.span));
                local.extend(d.parameters.iter().map(|n| (&**n, &d.body.span)));
            }
        }
    }
    bound.extend(claim.ranges.iter().map(|r| (&*r.name, &r.from.span)));
    for expression in claim.expressions() {
        expression.walk(&mut |e| {
            if let ExprKind::Summation(ranges, _) = &e.kind {
                local.extend(ranges.iter().map(|r| (&*r.name, &r.from.span)));
            }
        });
    }
    let fault = |span: &Range<usize>, message| {
        source.fault(
            span.clone(),
            message,
            "cannot be defined anew",
            Some("choose another name".into()),
        )
    };
    for (i, (name, span)) in bound.iter().enumerate() {
        if bound[..i].iter().any(|(earlier, _)| earlier == name) {
            return Err(fault(span, format!("`{name}` is defined twice in this claim")));
        }
        if !is_of_language(name) && names.color(name).is_some() {
            return Err(fault(span, format!("`{name}` is a field of this claim")));
        }
    }
    for (name, span) in bound.iter().chain(&local) {
        if FUNCTIONS.iter().any(|(function, _)| function == name) {
            return Err(fault(span, format!("`{name}` is a function of the language")));
        }
        if is_of_language(name) {
            return Err(fault(span, format!("`{name}` has a meaning in every claim")));
        }
    }
    Ok(())
}

impl<'c> Evaluator<'_, 'c> {
    /// What a name stands for: first what the claim binds, then fields, then the notation of
    /// gradients, then symbols.
    pub(super) fn name(&mut self, name: &str, span: &Range<usize>) -> Evaluated<Value> {
        match self.lookup(name).map(|(_, b)| b.clone()) {
            Some(Binding::Value(Value::Series(series))) => {
                return match self.context.formal {
                    Some(formal) if formal.variable != series.variable() => {
                        Err(self.foreign(span, series.variable(), formal.variable))
                    }
                    _ => Ok(Value::Series(series)),
                };
            }
            Some(Binding::Value(value)) => return Ok(value),
            Some(Binding::Function(definition)) => {
                let parameters = definition.parameters.join(", ");
                return Err(self.fault(span, format!("write `{name}({parameters})`")));
            }
            None => {}
        }
        if let Some(color) = self.names.color(name) {
            return Ok(Value::Differential(Differential::field(color)));
        }
        let loss = || Value::Differential(Differential::loss());
        match name {
            "h" => return Ok(Value::Scalar(Q::variable(H))),
            "E" => return Ok(loss()),
            "g" => return self.derivative(loss(), 1, span),
            "H" => return self.derivative(loss(), 2, span),
            "I" => return Ok(Value::Differential(Differential::identity())),
            _ => {}
        }
        if let Some(order) = derivative_of_loss(name) {
            return self.derivative(loss(), order, span);
        }
        if let Some(value) = self.entrywise_name(name) {
            return Ok(value);
        }
        if is_symbol(name) || self.names.is_parameter(name) || self.is_formal(name) {
            return match self.names.variable(name) {
                Some(index) => Ok(Value::Scalar(Q::variable(index))),
                None => Err(self.fault(
                    span,
                    format!("a claim has at most {} symbols beside `h`", MAX_VARIABLES - 1),
                )),
            };
        }
        if FUNCTIONS.iter().chain(ENTRYWISE).any(|(n, _)| *n == name) {
            return Err(self.fault(span, format!("`{name}` is a function; write `{name}(…)`")));
        }
        Err(self.unknown(name, span))
    }

    fn is_formal(&self, name: &str) -> bool {
        self.context.formal.is_some_and(|f| self.names.variables[f.variable] == name)
    }

    /// What a letter of an expression that counts as a number was perhaps meant to be: `G` for `g`.
    pub(super) fn other_case(&self, expr: &Expr) -> Option<String> {
        let mut found = None;
        expr.walk(&mut |e| {
            let ExprKind::Name(name) = &e.kind else { return };
            let mut letters = name.chars();
            let (Some(letter), None) = (letters.next(), letters.next()) else { return };
            let is_free = !is_of_language(name) && self.names.color(name).is_none();
            if !is_free || self.lookup(name).is_some() || self.names.parameters.contains(name) {
                return;
            }
            let other: String = if letter.is_uppercase() {
                letter.to_lowercase().collect()
            } else {
                letter.to_uppercase().collect()
            };
            let meaning = match other.as_str() {
                "g" => "the gradient",
                "E" => "the loss",
                "I" => "the identity",
                "f" => "the vector field",
                _ if self.names.color(&other).is_some() => "a vector field",
                _ => return,
            };
            found.get_or_insert(format!("`{name}` is a number here; {meaning} is `{other}`"));
        });
        found
    }

    /// The fault of a name that is not defined, with the nearest one that is.
    pub(super) fn unknown(&self, name: &str, span: &Range<usize>) -> SourceError {
        let mut known: Vec<&str> = FUNCTIONS.iter().chain(ENTRYWISE).map(|(n, _)| *n).collect();
        known.extend(self.bound_names());
        known.extend(self.names.fields.iter().map(|(n, _)| n.as_str()));
        known.extend(self.names.parameters.iter().map(String::as_str));
        let near = known
            .into_iter()
            .map(|k| (strsim::damerau_levenshtein(name, k), k))
            .filter(|(distance, _)| *distance <= 2 && distance * 2 < name.chars().count().max(3))
            .min();
        let help = match near {
            Some((_, near)) => format!("did you mean `{near}`?"),
            None => "free symbols are single letters, names of Greek letters, and the parameters \
                     of the optimizers in the claim; `let name = …;` defines others"
                .to_string(),
        };
        self.fault_with(span, format!("`{name}` is not defined"), help)
    }
}
