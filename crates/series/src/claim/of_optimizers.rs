//! The functions that speak of optimizers: `field`, `term`, `weight`, `start`, `principal`.

use super::derivations::{Derived, MAX_CHAIN, Values};
use super::differential::{Differential, H};
use super::entrywise::Entrywise;
use super::evaluate::{Evaluated, Evaluator};
use super::syntax::{Argument, Expr, ExprKind};
use super::value::Value;
use crate::exact::RationalFunction as Q;
use crate::tree::Tree;
use crate::typed::{Reading, Shape, Sum, TypedField};
use std::ops::Range;
use std::rc::Rc;

/// What is wrong where a parameter's value has no place in a field.
const NO_VALUE: &str =
    "these values divide by zero, or make an exponent that is not linear in the claim's symbols";

/// An optimizer as it is named in a claim.
struct Reference {
    name: String,
    /// Parameters that are numbers.
    values: Values,
    /// Parameters that are other expressions.
    others: Vec<(String, Q)>,
    span: Range<usize>,
}

impl<'c> Evaluator<'_, 'c> {
    fn reference(&mut self, expr: &'c Expr) -> Evaluated<Reference> {
        let (name, arguments): (&str, &'c [Argument]) = match &expr.kind {
            ExprKind::Name(name) => (name, &[]),
            ExprKind::Apply(callee, arguments) => match &callee.kind {
                ExprKind::Name(name) => (name, arguments),
                _ => return Err(self.fault(&callee.span, "the name of an optimizer is needed")),
            },
            _ => return Err(self.fault(&expr.span, "the name of an optimizer is needed")),
        };
        let mut reference = Reference {
            name: name.to_string(),
            values: Values::new(),
            others: Vec::new(),
            span: expr.span.clone(),
        };
        for argument in arguments {
            let span = &argument.value.span;
            let Some(parameter) = &argument.name else {
                return Err(self.fault_with(
                    span,
                    "parameters of optimizers are given by name",
                    format!("write `{name}(parameter = value)`"),
                ));
            };
            match self.evaluate(&argument.value)? {
                Value::Scalar(q) => match q.as_rational() {
                    Some(value) => {
                        reference.values.insert(parameter.clone(), value);
                    }
                    None => reference.others.push((parameter.clone(), q)),
                },
                other => {
                    let message = format!("a parameter is a number, not {}", other.kind());
                    return Err(self.fault(span, message));
                }
            }
        }
        let optimizer =
            self.derivations.find(name).map_err(|message| self.fault(&expr.span, message))?;
        let given = reference.values.keys().chain(reference.others.iter().map(|(p, _)| p));
        for parameter in given {
            if !optimizer.parameters.contains(parameter) {
                let help = match optimizer.parameters.as_slice() {
                    [] => "it has no parameters".to_string(),
                    some => format!("its parameters: {}", some.join(", ")),
                };
                let message = format!("`{name}` has no parameter `{parameter}`");
                return Err(self.fault_with(&expr.span, message, help));
            }
        }
        Ok(reference)
    }

    /// A coefficient in the variables of the claim instead of those of the method.
    fn translate(&mut self, value: &Q, derived: &Derived, by: &Reference) -> Evaluated<Q> {
        let method = &derived.method;
        let mut to = Vec::new();
        for (i, parameter) in method.parameters.iter().enumerate() {
            let known = match method.step_parameter {
                Some(step) if step == i => Some(H),
                _ => self.names.variable(parameter),
            };
            to.push(known.ok_or_else(|| self.fault(&by.span, "a claim has at most 8 symbols"))?);
        }
        let renamed = value.rename(&to);
        if by.others.is_empty() {
            return Ok(renamed);
        }
        let mut replacements = vec![None; self.names.variables.len()];
        for (parameter, value) in &by.others {
            if let Some(index) = self.names.variables.iter().position(|n| n == parameter) {
                replacements[index] = Some(value.clone());
            }
        }
        renamed
            .substitute(&replacements)
            .ok_or_else(|| self.fault(&by.span, "division by zero for these parameters"))
    }

    /// The tree of the method that a tree of the claim stands for, and back: colours by name.
    fn recolored(tree: &Tree, colors: &[Option<u8>]) -> Option<Tree> {
        let children = tree.children().iter().map(|c| Self::recolored(c, colors));
        let children = children.collect::<Option<Vec<_>>>()?;
        let color = colors.get(usize::from(tree.color())).copied().flatten()?;
        Some(Tree::new(color, children))
    }

    /// `field(optimizer, n)`: the modified field on all trees with up to `n + 1` nodes.
    pub(super) fn field(&mut self, optimizer: &'c Expr, order: &'c Expr) -> Evaluated<Value> {
        if let Some(value) = self.typed_field(optimizer, order, None)? {
            return Ok(value);
        }
        let reference = self.reference(optimizer)?;
        let n = self.natural(order)?;
        // Where only chains count, only chains are derived.
        let single = self.derivations.method(&reference.name, &reference.values);
        let single = single.is_ok_and(|m| m.fields.len() == 1);
        let derived = if self.context.bounds.chains_only && single {
            self.derivations.chains(&reference.name, &reference.values, n)
        } else {
            self.derivations.field(&reference.name, &reference.values, n)
        };
        let derived = derived.map_err(|m| self.fault(&reference.span, m))?;
        let colors: Vec<Option<u8>> =
            derived.method.fields.iter().map(|f| self.names.color(&f.name)).collect();
        let mut terms = Vec::new();
        for tree in derived.trees().filter(|t| t.size() <= n + 1) {
            let coefficient = derived.coefficient(&tree).expect("a tree of the table");
            if coefficient.is_zero() {
                continue;
            }
            let coefficient = self.translate(&coefficient, &derived, &reference)?;
            let power = match derived.method.step_parameter {
                None => Q::variable(H).pow(tree.size() as i32 - 1).expect("not a negative power"),
                Some(_) => Q::one(),
            };
            let tree = Self::recolored(&tree, &colors).expect("the claim knows these fields");
            terms.push((tree, &coefficient * &power));
        }
        Ok(Value::Differential(Differential::vector(terms).within(&self.context.bounds)))
    }

    /// `start(optimizer, n)`: the effective start on all trees with up to `n` nodes, the parameters among the terms.
    pub(super) fn start(&mut self, optimizer: &'c Expr, order: &'c Expr) -> Evaluated<Value> {
        let reference = self.reference(optimizer)?;
        let n = self.natural(order)?;
        let derived = self.derivations.start(&reference.name, &reference.values, n);
        let derived = derived.map_err(|m| self.fault(&reference.span, m))?;
        let method = derived.method.clone();
        let color = |name: &String| self.names.color(name).expect("the claim knows it");
        let points = method.spaces.iter().map(|space| (Tree::leaf(color(space)), Q::one()));
        let mut terms: Vec<(Tree, Q)> = points.collect();
        let colors: Vec<Option<u8>> = method.fields.iter().map(|f| Some(color(&f.name))).collect();
        for tree in derived.trees().filter(|t| t.size() <= n) {
            let coefficient = derived.coefficient(&tree).expect("a tree of the table");
            let coefficient = self.translate(&coefficient, &derived, &reference)?;
            let power = match method.step_parameter {
                None => tree.size() as i32,
                // The coefficient is one of a field, divided by h.
                Some(_) => 1,
            };
            let power = Q::variable(H).pow(power).expect("not a negative power");
            let tree = Self::recolored(&tree, &colors).expect("the claim knows these fields");
            terms.push((tree, &coefficient * &power));
        }
        Ok(Value::Differential(Differential::vector(terms).within(&self.context.bounds)))
    }

    /// The modified field of a step that is not linear; `None` for one that is. What stands for a parameter is put into the
    /// step before the derivation, which takes all symbols that are left as positive.
    fn nonlinear_field(
        &mut self,
        reference: &Reference,
        n: usize,
    ) -> Evaluated<Option<Rc<TypedField>>> {
        let fault = |message: String| self.fault(&reference.span, message);
        let (name, values) = (&reference.name, &reference.values);
        if reference.others.is_empty() {
            let field = self.derivations.typed_field(name, values, n);
            return field.map_err(|message| self.fault(&reference.span, message));
        }
        let Some(program) = self.derivations.nonlinear(name, values).map_err(fault)? else {
            return Ok(None);
        };
        let values = self.symbols(&program.parameters, reference)?;
        let program = program.with_values(&values, self.names.variables.clone());
        let program = program.ok_or_else(|| self.fault(&reference.span, NO_VALUE))?;
        let field = TypedField::derive(&program, n, None);
        Ok(Some(Rc::new(field.map_err(|e| self.fault(&reference.span, e.to_string()))?)))
    }

    /// Parameters as the claim calls them, or what the claim puts in their place.
    fn symbols(&mut self, parameters: &[String], by: &Reference) -> Evaluated<Vec<Option<Q>>> {
        let mut values = Vec::new();
        for parameter in parameters {
            let other = by.others.iter().find(|(name, _)| name == parameter);
            values.push(Some(match other {
                Some((_, value)) => value.clone(),
                None => {
                    let variable = self.names.variable(parameter);
                    let most = "a claim has at most 8 symbols";
                    Q::variable(variable.ok_or_else(|| self.fault(&by.span, most))?)
                }
            }));
        }
        Ok(values)
    }

    /// The modified field of a step that is not linear, of one of its coordinates; `None` for a linear step.
    pub(super) fn typed_field(
        &mut self,
        optimizer: &'c Expr,
        order: &'c Expr,
        coordinate: Option<(&str, &Range<usize>)>,
    ) -> Evaluated<Option<Value>> {
        let reference = self.reference(optimizer)?;
        let n = self.natural(order)?;
        let Some(field) = self.nonlinear_field(&reference, n)? else { return Ok(None) };
        let known: Vec<&str> = field.coordinates.iter().map(|c| c.name.as_str()).collect();
        let chosen = match coordinate {
            None if known.len() == 1 => &field.coordinates[0],
            None => {
                return Err(self.fault_with(
                    &reference.span,
                    format!("this field moves {}", known.join(", ")),
                    format!(
                        "choose one: `component(field({}, {n}), {})`",
                        reference.name, known[0]
                    ),
                ));
            }
            Some((name, span)) => {
                let name = if name == "θ" { "theta" } else { name };
                let found = field.coordinates.iter().find(|c| c.name == name);
                found.ok_or_else(|| {
                    let message = format!("this field moves no `{name}`");
                    self.fault_with(span, message, format!("it moves {}", known.join(", ")))
                })?
            }
        };
        let values = self.symbols(&field.parameters, &reference)?;
        let coordinates = self.names.coordinates.iter().map(|(name, _)| name.clone());
        let coordinates: Vec<String> = coordinates.collect();
        let reading = Reading { coordinates: &coordinates, values: &values };
        let mut sum = Sum::default();
        for term in &chosen.terms {
            let step = Q::variable(H).pow(term.power as i32).expect("not a negative power");
            let read = reading.term(&mut self.atoms, &term.coefficient, &term.factors);
            let read = read.ok_or_else(|| self.fault(&reference.span, NO_VALUE))?;
            sum.add(&read.scale(&step));
        }
        let is_vector = chosen.shape == Shape::Vector;
        Ok(Some(Value::Entrywise(Entrywise { sum, is_vector, arity: 0 })))
    }

    /// `term(optimizer, tree)`, `weight(optimizer, tree)`.
    pub(super) fn term(
        &mut self,
        optimizer: &'c Expr,
        tree: &'c Expr,
        over_symmetry: bool,
    ) -> Evaluated<Value> {
        let reference = self.reference(optimizer)?;
        let (name, values) = (&reference.name, &reference.values);
        let method = self.derivations.method(name, values);
        let method = method.map_err(|m| self.fault(&reference.span, m))?;
        let wanted = match &tree.kind {
            ExprKind::Tree(literal) => {
                if method.fields.len() > 1 {
                    return Err(self.fault_with(
                        &tree.span,
                        "this optimizer has several vector fields; brackets do not tell them apart",
                        "write the tree as an elementary differential: `fx'(fy)`",
                    ));
                }
                literal.clone()
            }
            _ => {
                let field = self.field_argument(tree)?;
                let mut terms = field.terms().iter();
                let (Some((term, coefficient)), None) = (terms.next(), terms.next()) else {
                    return Err(
                        self.fault(&tree.span, "a single elementary differential is needed")
                    );
                };
                let sign = Q::integer(if coefficient.is_one() { 1 } else { -1 });
                if field.arity > 0 || *coefficient != sign {
                    return Err(self.fault(&tree.span, "an elementary differential is needed"));
                }
                let colors: Vec<Option<u8>> = self
                    .names
                    .fields
                    .iter()
                    .map(|(n, _)| method.fields.iter().position(|f| f.name == *n).map(|i| i as u8))
                    .collect();
                let tree_of_method = Self::recolored(term, &colors);
                let found = tree_of_method.ok_or_else(|| {
                    self.fault(&tree.span, "this has a field that the optimizer does not use")
                })?;
                // A term in ∇E, ∇²E, … may be the negative of the one in f, f', ….
                return self.term_of(&reference, &found, over_symmetry, &sign, &tree.span);
            }
        };
        self.term_of(&reference, &wanted, over_symmetry, &Q::one(), &tree.span)
    }

    fn term_of(
        &mut self,
        reference: &Reference,
        tree: &Tree,
        over_symmetry: bool,
        sign: &Q,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        if tree.size() > MAX_CHAIN {
            return Err(self.fault(span, format!("trees have up to {MAX_CHAIN} nodes here")));
        }
        let derived: Rc<Derived> = self
            .derivations
            .tree(&reference.name, &reference.values, tree)
            .map_err(|m| self.fault(&reference.span, m))?;
        let value = if over_symmetry { derived.coefficient(tree) } else { derived.weight(tree) };
        let value = self.translate(&value.expect("the tree is there"), &derived, reference)?;
        Ok(Value::Scalar(&value * sign))
    }

    /// `principal(optimizer, n)`: the coefficient of `h^n (f')^n f`.
    pub(super) fn principal_coefficient(
        &mut self,
        optimizer: &'c Expr,
        order: &'c Expr,
    ) -> Evaluated<Value> {
        let reference = self.reference(optimizer)?;
        let n = self.natural(order)?;
        let derived = self.derivations.chains(&reference.name, &reference.values, n);
        let derived = derived.map_err(|m| self.fault(&reference.span, m))?;
        if derived.method.fields.len() > 1 {
            return Err(self.fault_with(
                &reference.span,
                "this optimizer has several vector fields, and many principal terms of one order",
                "take the principal part of its field: `principal(field(…, n))`",
            ));
        }
        let value = derived.coefficient(&Tree::chain(n + 1)).expect("a chain of the table");
        Ok(Value::Scalar(self.translate(&value, &derived, &reference)?))
    }
}
