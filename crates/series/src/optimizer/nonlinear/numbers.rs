//! Numbers of a nonlinear step: constants, exponents, and powers with the step number.

use super::lower::Lowering;
use crate::exact::RationalFunction;
use crate::optimizer::scope::Symbol;
use crate::optimizer::syntax::{Expression, Kind};
use crate::text::source::SourceError;
use crate::typed::{Exponent, Node, NodeId};
use num_rational::BigRational;
use num_traits::{One, Signed};

/// The largest number in an exponent, and its largest denominator.
const MAX_EXPONENT: i64 = 64;

impl Lowering<'_> {
    /// Whether the step number occurs.
    pub(super) fn has_step_number(&self, expression: &Expression) -> bool {
        match &expression.kind {
            Kind::Old(name) => name == "t" && !self.scope.symbols.contains_key("t"),
            Kind::Number(_) | Kind::New(_) => false,
            Kind::Negative(inner) | Kind::Derivative(_, inner) => self.has_step_number(inner),
            Kind::Power(base, exponent) => {
                self.has_step_number(base) || self.has_step_number(exponent)
            }
            Kind::Sum(parts) | Kind::Product(parts) => {
                parts.iter().any(|(_, part)| self.has_step_number(part))
            }
            Kind::Application(_, parts) => parts.iter().any(|part| self.has_step_number(part)),
        }
    }

    /// `base^(factor t + offset)`.
    pub(super) fn decay(
        &mut self,
        base: &Expression,
        exponent: &Expression,
        whole: &Expression,
    ) -> Result<NodeId, SourceError> {
        let base_node = self.expression(base)?;
        let Node::Number(value) = self.program.nodes[base_node].clone() else {
            return Err(self.fault(
                &base.span,
                "the step number is the exponent of a parameter",
                format!("{} is no number of the optimizer's parameters", self.text(base)),
                "bias corrections are written `1 - beta1^t`",
            ));
        };
        let (factor, offset) = self.linear_in_step_number(exponent)?;
        let is_positive = |x: &RationalFunction| x.as_rational().is_none_or(|x| x.is_positive());
        if !is_positive(&factor) || factor.is_zero() {
            return Err(self.fault(
                &exponent.span,
                "the step number `t` stands outside a bias correction",
                "does not grow with `t`",
                "the exponent is `t`, or `t` times a positive number plus another, as in `1 - beta1^t`",
            ));
        }
        if value.is_zero() {
            return Ok(self.number(value, &whole.span));
        }
        if !is_positive(&value) || value.as_rational().is_some_and(|x| x >= BigRational::one()) {
            return Err(self.no_base(base, &value));
        }
        Ok(self.push(
            Node::Decay { base: value, factor, offset },
            crate::typed::Shape::Number,
            &whole.span,
        ))
    }

    /// `(a, b)` of `a t + b`.
    fn linear_in_step_number(
        &mut self,
        exponent: &Expression,
    ) -> Result<(RationalFunction, RationalFunction), SourceError> {
        let zero = RationalFunction::zero;
        match &exponent.kind {
            Kind::Old(name) if name == "t" && !self.scope.symbols.contains_key("t") => {
                Ok((RationalFunction::one(), zero()))
            }
            Kind::Negative(inner) => {
                let (a, b) = self.linear_in_step_number(inner)?;
                Ok((-&a, -&b))
            }
            Kind::Sum(terms) if self.has_step_number(exponent) => {
                let (mut a, mut b) = (zero(), zero());
                for (subtracted, term) in terms {
                    let (mut c, mut d) = self.linear_in_step_number(term)?;
                    if *subtracted {
                        (c, d) = (-&c, -&d);
                    }
                    (a, b) = (&a + &c, &b + &d);
                }
                Ok((a, b))
            }
            Kind::Product(factors) if self.has_step_number(exponent) => {
                let (mut a, mut b) = (zero(), RationalFunction::one());
                for (divides, factor) in factors {
                    let (c, d) = self.linear_in_step_number(factor)?;
                    if *divides && c.is_zero() {
                        let inverse = d.inverse().ok_or_else(|| self.division_by_zero(factor))?;
                        (a, b) = (&a * &inverse, &b * &inverse);
                    } else if !*divides && (a.is_zero() || c.is_zero()) {
                        (a, b) = (&(&a * &d) + &(&b * &c), &b * &d);
                    } else {
                        return Err(self.no_bias_correction(factor));
                    }
                }
                Ok((a, b))
            }
            _ if !self.has_step_number(exponent) => {
                let node = self.expression(exponent)?;
                match &self.program.nodes[node] {
                    Node::Number(value) => Ok((zero(), value.clone())),
                    _ => Err(self.fault(
                        &exponent.span,
                        "the step number `t` stands outside a bias correction",
                        format!("{} is no number of the optimizer's parameters", self.text(exponent)),
                        "the exponent is `t`, or `t` times a positive number plus another, as in `1 - beta1^t`",
                    )),
                }
            }
            _ => Err(self.no_bias_correction(exponent)),
        }
    }

    /// The error of a base whose powers are not forgotten.
    fn no_base(&self, base: &Expression, value: &RationalFunction) -> SourceError {
        let value = value.display(&self.program.parameters);
        let (label, example) = match &base.kind {
            Kind::Number(_) => (format!("{value} is not"), "`1 - beta1^t` say"),
            _ => (format!("{} is {value}", self.text(base)), "9/10 say"),
        };
        self.fault(
            &base.span,
            "the base of a bias correction is at least 0 and below 1",
            label,
            format!("only powers of such a number vanish after many steps: {example}"),
        )
    }

    /// The error of a step number anywhere else.
    pub(super) fn no_bias_correction(&self, expression: &Expression) -> SourceError {
        self.fault(
            &expression.span,
            "the step number `t` stands outside a bias correction",
            "depends on the step number",
            "`t` is the exponent of a number between 0 and 1, as in the bias correction `1 - beta1^t`; a schedule of \
             the step size is no part of an optimizer",
        )
    }

    /// The error of a divisor that is 0.
    pub(super) fn division_by_zero(&self, divisor: &Expression) -> SourceError {
        self.fault(&divisor.span, "division by zero", "this is 0", "nothing is divided by 0")
    }

    /// An exponent: a number, or one with parameters that it is linear in.
    pub(super) fn exponent(&mut self, expression: &Expression) -> Result<Exponent, SourceError> {
        let node = self.expression(expression)?;
        let found = match &self.program.nodes[node] {
            Node::Number(value) => Exponent::of(value).filter(is_small),
            _ => None,
        };
        found.ok_or_else(|| {
            let is_parameter =
                matches!(&expression.kind, Kind::Old(name)
                    if matches!(self.scope.symbols.get(name), Some(Symbol::Parameter(_))));
            self.fault(
                &expression.span,
                "an exponent is a number",
                format!(
                    "{} is {}",
                    self.text(expression),
                    if is_parameter { "too large" } else { "no number that an exponent can be" }
                ),
                format!(
                    "exponents are `2`, `1/2`, a parameter `p` or `-p/2 - 1`, their numbers at most {MAX_EXPONENT}"
                ),
            )
        })
    }
}

/// Whether the numbers of an exponent are within bounds.
fn is_small(exponent: &Exponent) -> bool {
    let mut numbers = exponent.symbolic.iter().map(|(_, c)| c).chain([&exponent.constant]);
    numbers.all(|c| c.numer().abs() <= MAX_EXPONENT && *c.denom() <= MAX_EXPONENT)
}
