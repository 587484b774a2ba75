//! The constructors of expressions, which bring them into canonical form.

use super::function::Function;
use super::graph::{Condition, Expr, Graph, Node, Relation};
use bea_series::exact::{Rational, exact_root};
use num_integer::Integer;

impl Graph {
    /// An exact number.
    pub fn constant(&mut self, value: Rational) -> Expr {
        self.intern(Node::Constant(value))
    }

    /// An integer.
    pub fn integer(&mut self, value: i64) -> Expr {
        self.constant(value.into())
    }

    /// `π`.
    pub fn pi(&mut self) -> Expr {
        self.intern(Node::Pi)
    }

    /// The variable with this index.
    pub fn variable(&mut self, index: u32) -> Expr {
        self.intern(Node::Variable(index))
    }

    /// `a + b`.
    pub fn add(&mut self, a: Expr, b: Expr) -> Expr {
        self.sum(&[a, b])
    }

    /// `a - b`.
    pub fn sub(&mut self, a: Expr, b: Expr) -> Expr {
        let minus = self.neg(b);
        self.sum(&[a, minus])
    }

    /// `-a`.
    pub fn neg(&mut self, a: Expr) -> Expr {
        self.scale(&Rational::from(-1), a)
    }

    /// `factor · a`.
    pub fn scale(&mut self, factor: &Rational, a: Expr) -> Expr {
        self.combination([(factor.clone(), a)])
    }

    /// The sum of all. Sums among them are opened and like terms collected, so a long sum is best
    /// built at once.
    pub fn sum(&mut self, parts: &[Expr]) -> Expr {
        let mut open: Vec<(Rational, Expr)> = parts.iter().rev().map(|&e| (1.into(), e)).collect();
        let (mut constant, mut flat) = (Rational::from(0), Vec::with_capacity(parts.len()));
        while let Some((factor, e)) = open.pop() {
            match self.node(e) {
                Node::Constant(value) => constant = &constant + &(&factor * value),
                Node::Sum { constant: inner, terms } => {
                    constant = &constant + &(&factor * inner);
                    open.extend(terms.iter().rev().map(|(c, e)| (&factor * c, *e)));
                }
                _ => flat.push((factor, e)),
            }
        }
        self.collect(constant, flat)
    }

    /// `Σ c_i e_i` with the sums among the `e_i` left closed, so that a sum which is used in many
    /// places stays one node.
    pub fn combination(&mut self, parts: impl IntoIterator<Item = (Rational, Expr)>) -> Expr {
        let (mut constant, mut flat) = (Rational::from(0), Vec::new());
        for (factor, e) in parts {
            match self.node(e) {
                Node::Constant(value) => constant = &constant + &(&factor * value),
                Node::Sum { constant: inner, terms } if inner.is_zero() && terms.len() == 1 => {
                    flat.push((&factor * &terms[0].0, terms[0].1));
                }
                _ => flat.push((factor, e)),
            }
        }
        self.collect(constant, flat)
    }

    /// `constant + Σ c_i e_i`, where no `e_i` is a number or of the form `c e`.
    fn collect(&mut self, mut constant: Rational, mut terms: Vec<(Rational, Expr)>) -> Expr {
        terms.sort_unstable_by_key(|(_, e)| *e);
        terms.dedup_by(|later, kept| {
            let same = later.1 == kept.1;
            if same {
                kept.0 = &kept.0 + &later.0;
            }
            same
        });
        terms.retain(|(c, _)| !c.is_zero());
        if terms.is_empty() {
            return self.constant(constant);
        }
        if terms.len() == 1 && constant.is_zero() {
            let (c, e) = terms.pop().expect("there is one");
            return self.scaled(c, e);
        }
        let common = content(&constant, &terms);
        if !common.is_one() {
            let inverse = common.inverse().expect("a common factor is not 0");
            constant = &constant * &inverse;
            for (c, _) in &mut terms {
                *c = &*c * &inverse;
            }
        }
        let primitive = self.intern(Node::Sum { constant, terms: terms.into() });
        self.scaled(common, primitive)
    }

    /// `c e`, where `c ≠ 0` and `e` is neither a number nor of the form `c e` itself.
    fn scaled(&mut self, c: Rational, e: Expr) -> Expr {
        if c.is_one() {
            return e;
        }
        self.intern(Node::Sum { constant: 0.into(), terms: Box::new([(c, e)]) })
    }

    /// `(c, r)` with `e = c r`, where `r` has no rational factor left; `r = 1` for a number.
    pub fn split(&self, e: Expr) -> (Rational, Expr) {
        match self.node(e) {
            Node::Constant(value) => (value.clone(), Expr::ONE),
            Node::Sum { constant, terms } if constant.is_zero() && terms.len() == 1 => {
                terms[0].clone()
            }
            _ => (1.into(), e),
        }
    }

    /// `a b`.
    pub fn mul(&mut self, a: Expr, b: Expr) -> Expr {
        self.product(&[a, b])
    }

    /// The product of all.
    pub fn product(&mut self, parts: &[Expr]) -> Expr {
        match *parts {
            [Expr::ONE, e] | [e, Expr::ONE] => return e,
            _ if parts.contains(&Expr::ZERO) => return Expr::ZERO,
            _ => {}
        }
        let open = parts.iter().map(|&e| (e, Rational::from(1))).collect();
        self.powers(open)
    }

    /// `a/b`. A quotient by 0 stays as it is written and has no finite value.
    pub fn div(&mut self, a: Expr, b: Expr) -> Expr {
        let inverse = self.powi(b, -1);
        self.mul(a, inverse)
    }

    /// `a^exponent`; `0^0 = 1`.
    pub fn powi(&mut self, a: Expr, exponent: i64) -> Expr {
        self.power(a, &exponent.into())
    }

    /// `a^exponent`, the principal branch.
    pub fn power(&mut self, a: Expr, exponent: &Rational) -> Expr {
        if exponent.is_zero() {
            return Expr::ONE;
        }
        self.powers(vec![(a, exponent.clone())])
    }

    /// `√a`, the principal branch.
    pub fn sqrt(&mut self, a: Expr) -> Expr {
        self.power(a, &Rational::new(1, 2).expect("2 is not 0"))
    }

    /// `a^b`; `exp(b log a)` unless `b` is a rational number.
    pub fn pow(&mut self, a: Expr, b: Expr) -> Expr {
        if let Some(exponent) = self.as_constant(b).cloned() {
            return self.power(a, &exponent);
        }
        let log = self.apply(Function::Log, a);
        let exponent = self.mul(b, log);
        self.apply(Function::Exp, exponent)
    }

    /// `Π b_i^(r_i)`.
    pub(super) fn powers(&mut self, mut open: Vec<(Expr, Rational)>) -> Expr {
        let mut coefficient = Rational::from(1);
        let mut factors: Vec<(Expr, Rational)> = Vec::with_capacity(open.len());
        // Two roots of one base may join to a power with an integer exponent, which opens it.
        while !open.is_empty() {
            while let Some((base, exponent)) = open.pop() {
                self.open_power(base, exponent, &mut coefficient, &mut open, &mut factors);
            }
            merge(&mut factors);
            let opens = |(base, exponent): &(Expr, Rational)| match self.node(*base) {
                Node::Constant(value) => fold(value, exponent).is_some(),
                Node::Product(_) => exponent.is_integer(),
                Node::Sum { constant, terms } => {
                    exponent.as_integer().is_some() && constant.is_zero() && terms.len() == 1
                }
                _ => false,
            };
            if factors.iter().any(opens) {
                open = std::mem::take(&mut factors);
            }
        }
        if coefficient.is_zero() {
            return Expr::ZERO;
        }
        self.join_sigmoids(&mut factors);
        let product = match factors.as_slice() {
            [] => return self.constant(coefficient),
            [(base, exponent)] if exponent.is_one() => *base,
            _ => self.intern(Node::Product(factors.into())),
        };
        self.scale(&coefficient, product)
    }

    /// One factor `base^exponent`: numbers go to the coefficient, what can be written in smaller
    /// bases goes back, the rest to the factors.
    fn open_power(
        &mut self,
        base: Expr,
        exponent: Rational,
        coefficient: &mut Rational,
        open: &mut Vec<(Expr, Rational)>,
        factors: &mut Vec<(Expr, Rational)>,
    ) {
        match self.node(base) {
            Node::Constant(value) => match fold(value, &exponent) {
                Some((power, rest)) => {
                    *coefficient = &*coefficient * &power;
                    if !rest.is_zero() {
                        factors.push((base, rest));
                    }
                }
                None => factors.push((base, exponent)),
            },
            Node::Product(inner) if exponent.is_integer() => {
                open.extend(inner.iter().map(|(b, r)| (*b, r * &exponent)));
            }
            // log(b^r) = r log b for -1 < r < 1.
            Node::Product(inner) if inner.len() == 1 && is_proper(&inner[0].1) => {
                open.push((inner[0].0, &inner[0].1 * &exponent));
            }
            Node::Sum { constant, terms } if constant.is_zero() && terms.len() == 1 => {
                let (c, e) = terms[0].clone();
                let sign = if c.is_negative() { -1 } else { 1 };
                match exponent.as_integer() {
                    // (c e)^r = c^r e^r for c > 0.
                    None if c.is_negative() => return factors.push((base, exponent)),
                    Some(n) if n % 2 != 0 => *coefficient = &*coefficient * &sign.into(),
                    _ => {}
                }
                let c = self.constant(&c * &sign.into());
                open.extend([(c, exponent.clone()), (e, exponent)]);
            }
            _ => match self.one_plus_exp(base) {
                Some(x) if exponent.is_integer() && exponent.is_negative() => {
                    let minus = self.neg(x);
                    factors.push((self.apply(Function::Sigmoid, minus), -&exponent));
                }
                _ => factors.push((base, exponent)),
            },
        }
    }

    /// `F(a)`.
    pub fn apply(&mut self, function: Function, a: Expr) -> Expr {
        if let Some(value) = self.as_constant(a).and_then(|x| function.exact(x)) {
            return self.constant(value);
        }
        if let (Function::Exp, Node::Apply(Function::Log, x)) = (function, self.node(a)) {
            return *x;
        }
        if let (Function::Log, Some(x)) = (function, self.one_plus_exp(a)) {
            return self.apply(Function::Softplus, x);
        }
        if let Some(sign) = function.parity()
            && let (c, _) = self.split(a)
            && c.is_negative()
        {
            let flipped = self.neg(a);
            let value = self.intern(Node::Apply(function, flipped));
            return self.scale(&sign.into(), value);
        }
        self.intern(Node::Apply(function, a))
    }

    /// `x` if `a` is `1 + e^x`. Logarithms and reciprocals of that are softplus and sigmoid, which do not
    /// overflow and whose derivatives do not cancel.
    fn one_plus_exp(&self, a: Expr) -> Option<Expr> {
        match self.node(a) {
            Node::Sum { constant, terms } if constant.is_one() => match &**terms {
                [(c, e)] if c.is_one() => match self.node(*e) {
                    Node::Apply(Function::Exp, x) => Some(*x),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// `e^(-x) σ(x) = σ(-x)`, as often as both are there.
    fn join_sigmoids(&mut self, factors: &mut Vec<(Expr, Rational)>) {
        let count = |r: &Rational| r.as_integer().filter(|n| *n > 0);
        let of = |graph: &Graph, wanted: Function, factors: &[(Expr, Rational)]| {
            let matching = factors.iter().filter_map(|(e, r)| match graph.node(*e) {
                Node::Apply(function, x) if *function == wanted => Some((*e, *x, count(r)?)),
                _ => None,
            });
            matching.collect::<Vec<_>>()
        };
        let sigmoids = of(self, Function::Sigmoid, factors);
        if sigmoids.is_empty() {
            return;
        }
        let mut exponentials = of(self, Function::Exp, factors);
        for (sigmoid, x, n) in sigmoids {
            let minus = self.neg(x);
            let Some(at) = exponentials.iter().position(|(_, y, _)| *y == minus) else { continue };
            let (exponential, _, m) = exponentials.swap_remove(at);
            let both = n.min(m);
            let turned = self.apply(Function::Sigmoid, minus);
            factors.extend([
                (sigmoid, (-both).into()),
                (exponential, (-both).into()),
                (turned, both.into()),
            ]);
        }
        merge(factors);
    }

    /// `|a|`: `a` where its real part is not negative, `-a` elsewhere.
    pub fn abs(&mut self, a: Expr) -> Expr {
        self.apply(Function::Abs, a)
    }

    /// The larger of the two: `a` where `a ≥ b`.
    pub fn max(&mut self, a: Expr, b: Expr) -> Expr {
        self.select(Condition { left: a, relation: Relation::GreaterEqual, right: b }, a, b)
    }

    /// The smaller of the two: `a` where `a ≤ b`.
    pub fn min(&mut self, a: Expr, b: Expr) -> Expr {
        self.select(Condition { left: a, relation: Relation::LessEqual, right: b }, a, b)
    }

    /// `yes` where the condition holds, `no` elsewhere.
    pub fn select(&mut self, condition: Condition, yes: Expr, no: Expr) -> Expr {
        if yes == no {
            return yes;
        }
        let (left, right) = (self.as_constant(condition.left), self.as_constant(condition.right));
        if let (Some(left), Some(right)) = (left, right) {
            return if condition.relation.holds(left.partial_cmp(right)) { yes } else { no };
        }
        self.intern(Node::Select(condition, yes, no))
    }
}

/// Powers with ascending bases, each once.
fn merge(factors: &mut Vec<(Expr, Rational)>) {
    factors.sort_unstable_by_key(|(base, _)| *base);
    factors.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 = &kept.1 + &later.1;
        }
        same
    });
    factors.retain(|(_, exponent)| !exponent.is_zero());
}

/// Whether `-1 < r < 1`.
fn is_proper(r: &Rational) -> bool {
    r.as_small().is_some_and(|(n, d)| n.unsigned_abs() < d.unsigned_abs())
}

/// `value^exponent` as a number times a power of `value` that is left, with an exponent in `[0, 1)`;
/// `None` if nothing can be computed: for negative powers of 0, for roots that are not rational, and
/// beyond a few thousand digits.
fn fold(value: &Rational, exponent: &Rational) -> Option<(Rational, Rational)> {
    const MAX_BITS: u64 = 1 << 14;
    if value.is_one() {
        return Some((1.into(), 0.into()));
    }
    if value.is_zero() {
        return (!exponent.is_negative()).then(|| (0.into(), 0.into()));
    }
    let (n, d) = exponent.as_small()?;
    let (whole, rest) = n.div_mod_floor(&d);
    if whole.unsigned_abs().checked_mul(value.bits())? > MAX_BITS {
        return None;
    }
    let power = value.pow(whole)?;
    let rest = Rational::new(rest, d)?;
    let root = match rest.as_small()? {
        (0, _) => Some(1.into()),
        (p, q) => u32::try_from(q)
            .ok()
            .and_then(|degree| exact_root(&value.clone().into(), degree))
            .and_then(|root| Rational::from(root).pow(p)),
    };
    match root {
        Some(root) => Some((&power * &root, 0.into())),
        None => (whole != 0).then_some((power, rest)),
    }
}

/// The common factor of the coefficients, with the sign of the first one; only the sign where it or
/// a quotient does not fit machine integers.
fn content(constant: &Rational, terms: &[(Rational, Expr)]) -> Rational {
    let sign = if terms[0].0.is_negative() { -1 } else { 1 };
    common_factor(constant, terms).map_or(sign.into(), |factor| &factor * &sign.into())
}

fn common_factor(constant: &Rational, terms: &[(Rational, Expr)]) -> Option<Rational> {
    let (mut numerator, mut denominator) = (0u64, 1i64);
    let all = std::iter::once(constant).chain(terms.iter().map(|(c, _)| c));
    for c in all.clone() {
        let (n, d) = c.as_small()?;
        numerator = numerator.gcd(&n.unsigned_abs());
        if denominator % d != 0 {
            denominator = (denominator / denominator.gcd(&d)).checked_mul(d)?;
        }
    }
    let factor = Rational::new(i64::try_from(numerator).ok()?, denominator)?;
    if factor.is_one() {
        return Some(factor);
    }
    let inverse = factor.inverse()?;
    all.into_iter().all(|c| (c * &inverse).is_small()).then_some(factor)
}
