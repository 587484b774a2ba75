//! The functions of the claim language.

use super::derivations::{Derived, MAX_CHAIN, Values};
use super::differential::{Bounds, Differential, H, Kind};
use super::evaluate::{Binding, Evaluator, GUARD, Outcome};
use super::power_series::PowerSeries;
use super::syntax::{Argument, Expr, ExprKind};
use super::value::{Value, ValueError};
use crate::exact::RationalFunction as Q;
use crate::tree::Tree;
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::ops::{Mul, Range};
use std::rc::Rc;

/// Every function: its name, and how it is called.
pub(crate) const FUNCTIONS: &[(&str, &str)] = &[
    ("field", "field(optimizer, order)"),
    ("term", "term(optimizer, tree)"),
    ("weight", "weight(optimizer, tree)"),
    ("principal", "principal(optimizer, n) or principal(X)"),
    ("part", "part(X, n)"),
    ("coefficient", "coefficient(X, variable, n)"),
    ("series", "series(X, variable, n)"),
    ("flow", "flow(X)"),
    ("at", "at(X, shift)"),
    ("time_derivative", "time_derivative(Y, X, k)"),
    ("D", "D(X)"),
    ("grad", "grad(S)"),
    ("dot", "dot(X, Y)"),
    ("component", "component(X, player)"),
    ("factorial", "factorial(n)"),
    ("binomial", "binomial(n, k)"),
    ("compositions", "compositions(c, k, s)"),
    ("exp", "exp(x)"),
    ("log", "log(x)"),
    ("sqrt", "sqrt(x)"),
];

/// The largest argument of `compositions`, and the highest power of a series.
pub(crate) const MAX_ORDER: usize = 1_000;

/// An optimizer as it is named in a claim.
struct Reference {
    name: String,
    /// Parameters that are numbers.
    values: Values,
    /// Parameters that are other expressions, put in afterwards.
    others: Vec<(String, Q)>,
    span: Range<usize>,
}

impl<'c> Evaluator<'_, 'c> {
    /// The value of a function; `None` if there is no function of this name.
    pub(super) fn function(
        &mut self,
        name: &str,
        arguments: &'c [Argument],
        span: &Range<usize>,
    ) -> Outcome<Option<Value>> {
        let Some((_, usage)) = FUNCTIONS.iter().find(|(n, _)| *n == name) else {
            return Ok(None);
        };
        let expected: &[usize] = match name {
            "compositions" | "coefficient" | "series" | "time_derivative" => &[3],
            "principal" => &[1, 2],
            "flow" | "D" | "grad" | "factorial" | "exp" | "log" | "sqrt" => &[1],
            _ => &[2],
        };
        if !expected.contains(&arguments.len()) || arguments.iter().any(|a| a.name.is_some()) {
            return Err(self.fault_with(
                span,
                format!("`{name}` is not called like this"),
                format!("write `{usage}`"),
            ));
        }
        let argument = |i: usize| &arguments[i].value;
        let value = match name {
            "field" => self.field(argument(0), argument(1))?,
            "term" | "weight" => self.term(argument(0), argument(1), name == "term")?,
            "principal" if arguments.len() == 2 => {
                self.principal_coefficient(argument(0), argument(1))?
            }
            "principal" => {
                let field = self.field_argument(argument(0))?;
                Value::Differential(field.retain(Tree::is_chain))
            }
            "part" => {
                let n = self.integer(argument(1))?;
                self.expansion(false, argument(0), H, n, span)?
            }
            "coefficient" | "series" => {
                let ExprKind::Name(variable) = &argument(1).kind else {
                    let place = &argument(1).span;
                    return Err(self.fault(place, "the name of a variable is needed"));
                };
                let Some(index) = self.names.variable(variable) else {
                    let place = &argument(1).span;
                    return Err(self.fault(place, "a claim has at most 8 symbols"));
                };
                let n = self.integer(argument(2))?;
                // The variable stands for itself inside, whatever it is bound to outside.
                let depth = self.depth();
                self.bind(variable, Value::Scalar(Q::variable(index)));
                let result = self.expansion(name == "series", argument(0), index, n, span);
                self.unbind(depth);
                result?
            }
            "flow" => {
                let field = self.field_argument(argument(0))?;
                self.flow(&field, span)?
            }
            "at" => self.at(argument(0), argument(1), span)?,
            "time_derivative" => {
                let mut value = self.field_argument(argument(0))?;
                let along = self.field_argument(argument(1))?;
                for _ in 0..self.natural(argument(2))? {
                    value = self.along(&value, &along, &self.context.bounds, span)?;
                }
                Value::Differential(value)
            }
            "D" => {
                let value = self.evaluate(argument(0))?;
                self.derivative(value, 1, span)?
            }
            "grad" => match self.evaluate(argument(0))? {
                Value::Differential(d) if d.kind == Kind::Scalar => {
                    Value::Differential(d.gradient())
                }
                other => {
                    return Err(self.fault_with(
                        span,
                        format!("a gradient is taken of a scalar field, not of {}", other.kind()),
                        "scalar fields: `E`, `dot(X, Y)`, `‖X‖²` and their combinations",
                    ));
                }
            },
            "dot" => {
                let (a, b) = (self.evaluate(argument(0))?, self.evaluate(argument(1))?);
                self.dot(&a, &b, span)?
            }
            "component" => self.component(argument(0), argument(1))?,
            "factorial" => {
                let n = self.integer(argument(0))?;
                self.factorial(n, span)?
            }
            "binomial" => {
                let (n, k) = (self.natural(argument(0))?, self.natural(argument(1))?);
                if n > MAX_ORDER {
                    return Err(self.fault(span, format!("binomials go up to n = {MAX_ORDER}")));
                }
                let value = num_integer::binomial(num_bigint::BigInt::from(n), k.into());
                Value::Scalar(Q::integer(value))
            }
            "compositions" => self.compositions(argument(0), argument(1), argument(2), span)?,
            _ => {
                let value = self.evaluate(argument(0))?;
                let half = BigRational::new(1.into(), 2.into());
                let context = &self.context;
                let result = match name {
                    "exp" => value.exp(context),
                    "log" => value.log(context),
                    _ => value.power(&half, context),
                };
                self.lift(span, result)?
            }
        };
        Ok(Some(value))
    }

    fn reference(&mut self, expr: &'c Expr) -> Outcome<Reference> {
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
    fn translate(&mut self, value: &Q, derived: &Derived, by: &Reference) -> Outcome<Q> {
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
    fn field(&mut self, optimizer: &'c Expr, order: &'c Expr) -> Outcome<Value> {
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

    /// `term(optimizer, tree)`, `weight(optimizer, tree)`.
    fn term(&mut self, optimizer: &'c Expr, tree: &'c Expr, over_symmetry: bool) -> Outcome<Value> {
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
    ) -> Outcome<Value> {
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
    fn principal_coefficient(&mut self, optimizer: &'c Expr, order: &'c Expr) -> Outcome<Value> {
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

    /// An argument that must be a field, an operator or a scalar field.
    fn field_argument(&mut self, expr: &'c Expr) -> Outcome<Differential> {
        match self.evaluate(expr)? {
            Value::Differential(d) => Ok(d),
            other => {
                Err(self.fault(&expr.span, format!("a field is needed, not {}", other.kind())))
            }
        }
    }

    /// The derivative of `value` along the flow of `field`.
    fn along(
        &self,
        value: &Differential,
        field: &Differential,
        bounds: &Bounds,
        span: &Range<usize>,
    ) -> Outcome<Differential> {
        let hole = value.arity;
        let result = value.derivative().and_then(|d| d.filled(hole, field, bounds));
        self.lift(span, result.map_err(ValueError::from))
    }

    /// `flow(X)`: the displacement `Σ_(k≥1) h^k/k! X_k` of the time-`h` flow, `X_1 = X` and
    /// `X_(k+1)` the derivative of `X_k` along `X`.
    fn flow(&mut self, field: &Differential, span: &Range<usize>) -> Outcome<Value> {
        let order = self.context.bounds.order.ok_or_else(|| {
            self.fault_with(
                span,
                "a flow is an infinite series in `h`",
                "say how far: `flow(X) == h*f up to h^3`",
            )
        })?;
        if field.kind != Kind::Vector || field.arity > 0 || field.low() < 0 {
            return Err(self.fault(span, "a flow belongs to a vector field without powers of 1/h"));
        }
        // X_k is multiplied by h^k, so its powers of h from order - k on do not count.
        let below = |k: i64| Bounds { order: Some(order - k), ..self.context.bounds };
        let mut derivative = field.within(&below(1));
        let mut sum = Differential::zero(Kind::Vector, 0);
        let mut factor = Q::one();
        for k in 1..order {
            factor = &factor * &(&Q::variable(H) * &Q::integer(k).inverse().expect("k > 0"));
            sum = sum.plus(&derivative.scaled(&factor));
            if k + 1 < order {
                let bounds = below(k + 1);
                derivative = self.along(&derivative.within(&bounds), field, &bounds, span)?;
            }
        }
        sum.precision = Some(sum.precision.map_or(order, |p| p.min(order)));
        Ok(Value::Differential(sum))
    }

    /// `at(X, Y)`: the field (or scalar field) `X` at `θ + Y`.
    fn at(&mut self, field: &'c Expr, shift: &'c Expr, span: &Range<usize>) -> Outcome<Value> {
        let value = self.field_argument(field)?;
        let by = self.evaluate(shift)?;
        let by = self.vector_field(by, &shift.span)?;
        if self.context.bounds.order.is_none() {
            return Err(self.fault_with(
                span,
                "a value at a shifted point is an infinite series in `h`",
                "say how far: `at(f, h*f) == f + h*f'f up to h^1`",
            ));
        }
        if by.low() < 1 && !by.is_zero() {
            return Err(self.fault(&shift.span, "the shift must be a multiple of `h`"));
        }
        let result = value.shifted(&by, &self.context.bounds).map_err(ValueError::from);
        Ok(Value::Differential(self.lift(span, result)?))
    }

    /// `coefficient(X, v, n)` and `series(X, v, n)`: `X` is expanded in `v` far enough, and not
    /// much further.
    fn expansion(
        &mut self,
        whole: bool,
        of: &'c Expr,
        variable: usize,
        n: i64,
        span: &Range<usize>,
    ) -> Outcome<Value> {
        if n > MAX_ORDER as i64 {
            return Err(self.fault(span, format!("series go up to the power {MAX_ORDER}")));
        }
        let outer = self.context;
        for guard in GUARD {
            self.set_formal(variable, n.max(0) + 1 + guard);
            let value = self.evaluate(of);
            self.context = outer;
            let value = value?;
            let known = match &value {
                Value::Series(s) => s.precision() > n,
                Value::Differential(d) => variable != H || d.precision.is_none_or(|p| p > n),
                Value::Scalar(_) => true,
            };
            if !known {
                continue;
            }
            return if whole {
                self.truncated(&value, variable, n, span)
            } else {
                self.coefficient(&value, variable, n, span)
            };
        }
        self.imprecise = true;
        Err(self.fault(span, format!("the coefficient of the power {n} is not known here")))
    }

    fn truncated(
        &self,
        value: &Value,
        variable: usize,
        n: i64,
        span: &Range<usize>,
    ) -> Outcome<Value> {
        let cut = |q: &Q| PowerSeries::through(q, variable, n).polynomial(variable, n + 1);
        match value {
            Value::Scalar(q) => Ok(Value::Scalar(cut(q))),
            Value::Series(s) => Ok(Value::Scalar(s.polynomial(variable, n + 1))),
            Value::Differential(d) if d.arity == 0 && d.kind == Kind::Vector => {
                Ok(Value::Differential(Self::mapped(d, variable, cut)))
            }
            Value::Differential(_) => {
                Err(self.fault(span, format!("{} is not cut off", value.kind())))
            }
        }
    }

    /// The coefficient of `variable^n`.
    fn coefficient(
        &self,
        value: &Value,
        variable: usize,
        n: i64,
        span: &Range<usize>,
    ) -> Outcome<Value> {
        let of = |q: &Q| {
            PowerSeries::through(q, variable, n).coefficient(n).expect("expanded through n")
        };
        match value {
            Value::Scalar(q) => Ok(Value::Scalar(of(q))),
            Value::Series(s) => {
                let found = s.coefficient(n).ok_or_else(|| {
                    self.fault(span, format!("the coefficient of the power {n} is not known"))
                })?;
                Ok(Value::Scalar(found))
            }
            Value::Differential(d) => Ok(Value::Differential(Self::mapped(d, variable, of))),
        }
    }

    /// Every coefficient replaced by a part of its expansion in `variable`, which is exact where
    /// the variable is `h`; otherwise the powers of `h` are known as far as before.
    fn mapped(field: &Differential, variable: usize, part: impl Fn(&Q) -> Q) -> Differential {
        let mut result = field.map(part);
        result.precision = if variable == H { None } else { field.precision };
        result
    }

    /// `component(X, player)`: the terms of a game's field that move one player.
    fn component(&mut self, field: &'c Expr, player: &'c Expr) -> Outcome<Value> {
        let value = self.field_argument(field)?;
        let ExprKind::Name(name) = &player.kind else {
            return Err(self.fault(&player.span, "the name of a player is needed"));
        };
        let fields = &self.names.fields;
        if !fields.iter().any(|(_, space)| space == name) {
            let mut known: Vec<&str> = fields.iter().map(|(_, s)| s.as_str()).collect();
            known.retain(|s| !s.is_empty());
            known.dedup();
            let message = format!("there is no player `{name}`");
            return Err(self.fault_with(&player.span, message, known.join(", ")));
        }
        let of_player =
            |t: &Tree| fields.get(usize::from(t.color())).is_some_and(|(_, space)| space == name);
        Ok(Value::Differential(value.retain(of_player)))
    }

    /// `compositions(c, k, s) = Σ_(l1+…+lk = s) c(l1) … c(lk)`, the coefficient of `x^s` in
    /// `(Σ_l c(l) x^l)^k`.
    fn compositions(
        &mut self,
        sequence: &'c Expr,
        count: &'c Expr,
        sum: &'c Expr,
        span: &Range<usize>,
    ) -> Outcome<Value> {
        let ExprKind::Name(name) = &sequence.kind else {
            return Err(self.fault(&sequence.span, "the name of a sequence is needed"));
        };
        let Some((place, Binding::Function(definition))) =
            self.lookup(name).map(|(place, b)| (place, b.clone()))
        else {
            return Err(self.fault_with(
                &sequence.span,
                format!("`{name}` is not a sequence"),
                format!("define it: `let {name}(n) = …;`"),
            ));
        };
        let (k, s) = (self.natural(count)?, self.integer(sum)?);
        if k > MAX_ORDER || s > MAX_ORDER as i64 {
            return Err(self.fault(span, format!("compositions go up to {MAX_ORDER}")));
        }
        let Ok(s) = usize::try_from(s) else { return Ok(Value::integer(0)) };
        let mut generating = Vec::new();
        for l in 0..=s {
            let argument = Value::integer(l as i64);
            match self.call(place, definition, vec![argument], &sequence.span)? {
                Value::Scalar(q) => generating.push(q),
                other => {
                    let message = format!("`{name}({l})` is {}, not a number", other.kind());
                    return Err(self.fault(&sequence.span, message));
                }
            }
        }
        let numbers: Option<Vec<BigRational>> = generating.iter().map(Q::as_rational).collect();
        Ok(Value::Scalar(match numbers {
            Some(numbers) => power_coefficient(&numbers, k, s, BigRational::one()).into(),
            None => power_coefficient(&generating, k, s, Q::one()),
        }))
    }
}

/// The coefficient of `x^s` in `(Σ_l c_l x^l)^k`, `l ≤ s`, by repeated squaring.
fn power_coefficient<T>(c: &[T], mut k: usize, s: usize, one: T) -> T
where
    T: Clone + Zero,
    for<'a> &'a T: Mul<&'a T, Output = T>,
{
    let product = |a: &[T], b: &[T]| {
        let mut product = vec![T::zero(); s + 1];
        for (i, x) in a.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
            for (j, y) in b.iter().enumerate().take(s + 1 - i) {
                product[i + j] = std::mem::replace(&mut product[i + j], T::zero()) + x * y;
            }
        }
        product
    };
    let mut power = vec![T::zero(); s + 1];
    power[0] = one;
    let mut base: Vec<T> = c.iter().take(s + 1).cloned().collect();
    while k > 0 {
        if k % 2 == 1 {
            power = product(&power, &base);
        }
        k /= 2;
        if k > 0 {
            base = product(&base, &base);
        }
    }
    power.swap_remove(s)
}

#[cfg(test)]
mod tests {
    use super::power_coefficient;
    use num_rational::BigRational;
    use num_traits::One;

    /// The sum over all compositions, one by one.
    fn one_by_one(c: &[BigRational], k: usize, s: usize) -> BigRational {
        let zero = BigRational::from_integer(0.into());
        match k {
            0 if s == 0 => BigRational::from_integer(1.into()),
            0 => zero,
            _ => (0..=s).fold(zero, |sum, l| sum + &c[l] * one_by_one(c, k - 1, s - l)),
        }
    }

    #[test]
    fn compositions_are_coefficients_of_powers() {
        let c: Vec<BigRational> =
            (0..=6).map(|n| BigRational::new((2 * n + 1).into(), (n + 3).into())).collect();
        for k in 0..=5 {
            for s in 0..=6 {
                assert_eq!(
                    power_coefficient(&c, k, s, BigRational::one()),
                    one_by_one(&c, k, s),
                    "k = {k}, s = {s}"
                );
            }
        }
    }
}
