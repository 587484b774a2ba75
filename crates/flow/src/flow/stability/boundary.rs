//! Where a matrix `M(h)` of rational functions is stable, exactly.
//!
//! Let `p(μ, h)` be its characteristic polynomial, denominators cleared, and `p*(μ) = μ^n p(1/μ)`.
//! An eigenvalue lies on the unit circle only where `p` and `p*` have a root in common, so only at
//! roots of their resultant with respect to `μ`, which contains the factors `p(1) p(-1)` and those
//! for complex pairs. Where an eigenvalue stays on the circle for all `h` the resultant is 0
//! throughout; every square-free factor of `p` is therefore split into `r = gcd(p, p*)` and the rest
//! `s`, which has such a resultant. The roots of `r` come in pairs `μ, 1/μ`: they leave the circle
//! only where two of them meet, at roots of the discriminant.
//!
//! Between the candidates nothing changes, and one rational point decides: `s` by the criterion of
//! Schur and Cohn; `r` has all roots on the circle exactly if `r'` has all of them inside (Cohn's
//! theorem; `r` has no repeated roots).
//!
//! Source: Jury, *Inners and Stability of Dynamic Systems*, chapter 3; Marden, *Geometry of
//! Polynomials*, section 45.

use crate::flow::dense::decomposition::eigenvalues;
use bea_series::exact::{
    Poly, RationalFunction, RealRoot, gcd, positive_roots, square_free, square_free_part,
};
use bea_series::field::is_stable;
use bea_series::series::{Matrix, characteristic_polynomial};
use nalgebra::DMatrix;
use num_bigint::BigInt;
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};
use std::f64::consts::PI;

/// The variables of `p`.
const MU: usize = 0;
const H: usize = 1;

/// Whether the powers of a matrix tend to 0, stay bounded or grow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StabilityType {
    /// All eigenvalues lie inside the unit circle.
    Stable,
    /// None lies outside, but some on it.
    Neutral,
    /// Some eigenvalue lies outside.
    Unstable,
}

impl std::fmt::Display for StabilityType {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            StabilityType::Stable => "stable",
            StabilityType::Neutral => "neutral",
            StabilityType::Unstable => "unstable",
        })
    }
}

/// What happens at the end of an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crossing {
    /// It is 0 or infinite.
    Open,
    /// An eigenvalue is 1.
    Plus,
    /// An eigenvalue is -1.
    Minus,
    /// The step does not exist.
    Pole,
    /// A pair of complex eigenvalues has modulus 1, or eigenvalues of modulus 1 meet.
    Circle,
}

impl std::fmt::Display for Crossing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Crossing::Open => "no eigenvalue leaves the unit circle",
            Crossing::Plus => "an eigenvalue is 1",
            Crossing::Minus => "an eigenvalue is -1",
            Crossing::Pole => "the step does not exist",
            Crossing::Circle => "a complex pair lies on the unit circle",
        })
    }
}

/// The end of an interval.
#[derive(Clone, PartialEq, Debug)]
pub struct End {
    /// The step size; infinite where nothing ends the interval.
    pub value: f64,
    /// The same exactly, if it is a rational number.
    pub exact: Option<BigRational>,
    /// What happens there.
    pub crossing: Crossing,
    /// The argument of an eigenvalue of modulus 1 there, from 0 to `π`: iterates oscillate with the period `2π/φ`. `None` where
    /// there is no such one.
    pub angle: Option<f64>,
}

impl End {
    fn open(value: f64) -> End {
        End { value, exact: None, crossing: Crossing::Open, angle: None }
    }

    /// Where an eigenvalue of modulus 1 has this argument.
    pub(in crate::flow) fn at_angle(value: f64, angle: f64) -> End {
        let crossing = match angle {
            0.0 => Crossing::Plus,
            PI => Crossing::Minus,
            _ => Crossing::Circle,
        };
        End { value, exact: None, crossing, angle: Some(angle) }
    }

    /// That of another variable, which is this one divided by `factor`.
    pub(super) fn over(&self, factor: f64) -> End {
        let exact = self.exact.clone().filter(|_| factor == 1.0);
        End { value: self.value / factor, exact, ..*self }
    }
}

/// An open interval of step sizes on which the verdict is the same.
#[derive(Clone, PartialEq, Debug)]
pub struct Interval {
    /// Its lower end.
    pub from: End,
    /// Its upper end.
    pub to: End,
    /// What happens inside.
    pub verdict: StabilityType,
}

/// A square-free factor of the characteristic polynomial, or a part of one.
struct Part {
    polynomial: Poly,
    /// Whether its roots come in pairs `μ, 1/μ`.
    reciprocal: bool,
}

/// The intervals of `h > 0`, in order, for the matrix `M(h)` with `h` as variable 0.
pub(super) fn intervals(m: &Matrix) -> Vec<Interval> {
    let parts = parts(&characteristic(m));
    let candidates: Vec<(Crossing, Poly)> = parts
        .iter()
        .flat_map(Part::candidates)
        .filter(|(_, p)| !p.is_zero() && p.degree_in(H) > 0)
        .map(|(crossing, p)| (crossing, square_free_part(&p)))
        .collect();
    let product = candidates.iter().fold(Poly::one(), |all, (_, p)| {
        all.mul(&p.div_exact(&gcd(&all, p)).expect("the gcd divides"))
    });
    let roots = positive_roots(&product, H);
    let crossing = |root: &RealRoot| {
        let found = candidates.iter().filter(|(_, p)| root.is_root_of(p, H));
        let kinds: Vec<Crossing> = found.map(|(crossing, _)| *crossing).collect();
        // A resultant vanishes with its factors; they say more.
        let kind = |wanted: &Crossing| kinds.contains(wanted);
        let order = [Crossing::Pole, Crossing::Minus, Crossing::Plus];
        order.into_iter().find(|c| kind(c)).unwrap_or(Crossing::Circle)
    };
    let ends: Vec<End> = roots
        .iter()
        .map(|root| {
            let (value, crossing) = (root.to_f64(), crossing(root));
            let angle = match crossing {
                Crossing::Plus => Some(0.0),
                Crossing::Minus => Some(PI),
                Crossing::Circle => angle(&parts, value),
                Crossing::Open | Crossing::Pole => None,
            };
            End { value, exact: root.exact().cloned(), crossing, angle }
        })
        .collect();
    let mut found: Vec<Interval> = Vec::new();
    for k in 0..=ends.len() {
        let verdict = verdict(&parts, &between(&roots, k));
        let to = ends.get(k).cloned().unwrap_or_else(|| End::open(f64::INFINITY));
        match found.last_mut() {
            // Two unstable intervals with a candidate between them are one.
            Some(last)
                if last.verdict == StabilityType::Unstable
                    && verdict == StabilityType::Unstable =>
            {
                last.to = to;
            }
            _ => {
                let from = if k == 0 { End::open(0.0) } else { ends[k - 1].clone() };
                found.push(Interval { from, to, verdict });
            }
        }
    }
    found
}

/// A point in the gap before root `k`.
fn between(roots: &[RealRoot], k: usize) -> BigRational {
    let (one, two) = (BigRational::one(), BigRational::from_integer(2.into()));
    let below = (k > 0).then(|| roots[k - 1].bounds().1.clone());
    match (below, roots.get(k).map(|root| root.bounds().0.clone())) {
        (None, None) => one,
        (Some(below), None) => below + one,
        (None, Some(above)) => above / two,
        (Some(below), Some(above)) => (below + above) / two,
    }
}

/// `det(μ - M)` times the common denominator, a polynomial in [`MU`] and [`H`].
pub(super) fn characteristic(m: &Matrix) -> Poly {
    let coefficients: Vec<RationalFunction> =
        characteristic_polynomial(m).iter().map(|c| c.rename(&[H])).collect();
    let common = RationalFunction::common_denominator(&coefficients);
    let mut sum = Poly::zero();
    for (k, c) in coefficients.iter().enumerate() {
        let scaled = c * &common.clone().into();
        let power = Poly::variable(MU).pow(k as u32);
        sum = sum.add(&scaled.numerator().mul(&power));
    }
    sum
}

/// The factors that decide: without repetitions, and without the eigenvalue 0.
fn parts(p: &Poly) -> Vec<Part> {
    let content = Poly::term(p.monomial_content(), p.content());
    let rest = p.div_exact(&content).expect("content divides every term");
    let mut parts = Vec::new();
    for (factor, _) in square_free(&rest).into_iter().filter(|(f, _)| f.degree_in(MU) > 0) {
        let shared = gcd(&factor, &reversed(&factor));
        let other = factor.div_exact(&shared).expect("the gcd divides");
        for (polynomial, reciprocal) in [(other, false), (shared, true)] {
            if polynomial.degree_in(MU) > 0 {
                parts.push(Part { polynomial, reciprocal });
            }
        }
    }
    parts
}

/// `μ^n p(1/μ)`.
fn reversed(p: &Poly) -> Poly {
    let degree = p.degree_in(MU);
    Poly::from_terms(p.terms().iter().map(|(m, c)| {
        let mut turned = *m;
        turned.0[MU] = degree - m.0[MU];
        (turned, c.clone())
    }))
}

impl Part {
    /// Polynomials in `h` at whose roots an eigenvalue may reach or leave the unit circle.
    fn candidates(&self) -> Vec<(Crossing, Poly)> {
        let p = &self.polynomial;
        let other = if self.reciprocal { p.derivative(MU) } else { reversed(p) };
        let lead = p.coefficients_in(MU).pop().expect("a polynomial has coefficients");
        vec![
            (Crossing::Plus, p.evaluate(MU, &BigInt::one())),
            (Crossing::Minus, p.evaluate(MU, &-BigInt::one())),
            (Crossing::Pole, lead),
            (Crossing::Circle, resultant(p, &other)),
        ]
    }

    fn verdict(&self, h: &BigRational) -> StabilityType {
        match (is_stable(&self.decisive(h)), self.reciprocal) {
            (true, false) => StabilityType::Stable,
            (true, true) => StabilityType::Neutral,
            (false, _) => StabilityType::Unstable,
        }
    }

    /// The coefficients in [`MU`] of the polynomial whose roots inside the unit circle decide: of pairs `μ, 1/μ` on the circle
    /// it is the derivative, whose roots are on the circle where those of the polynomial meet.
    fn decisive(&self, h: &BigRational) -> Vec<BigRational> {
        let at = |c: &Poly| -> BigRational {
            let value = RationalFunction::from(c.clone());
            let value = value.substitute(&[None, Some(h.clone().into())]).expect("a polynomial");
            value.as_rational().expect("no variable is left")
        };
        let p: Vec<BigRational> = self.polynomial.coefficients_in(MU).iter().map(at).collect();
        if !self.reciprocal {
            return p;
        }
        (1..p.len()).map(|k| &p[k] * BigRational::from_integer(k.into())).collect()
    }
}

/// The argument of the pair of complex eigenvalues that is nearest to the unit circle.
fn angle(parts: &[Part], h: f64) -> Option<f64> {
    let h = BigRational::from_float(h)?;
    let roots = parts.iter().filter_map(|part| {
        let p = part.decisive(&h);
        let (lead, rest) = p.split_last()?;
        let n = rest.len();
        let rest: Option<Vec<f64>> = rest.iter().map(|c| (c / lead).to_f64()).collect();
        let rest = rest?;
        let companion = DMatrix::from_fn(n, n, |i, j| match j {
            _ if j + 1 == n => -rest[i],
            _ => f64::from(u8::from(i == j + 1)),
        });
        eigenvalues(&companion).ok()
    });
    let above = roots.flatten().filter(|mu| mu.im > 0.0);
    let off = |mu: &Complex64| (mu.norm() - 1.0).abs();
    above.min_by(|a, b| off(a).total_cmp(&off(b))).map(Complex64::arg)
}

fn verdict(parts: &[Part], h: &BigRational) -> StabilityType {
    parts.iter().map(|part| part.verdict(h)).max().unwrap_or(StabilityType::Stable)
}

/// The resultant of two polynomials with respect to [`MU`]: the determinant of Sylvester's matrix, by
/// Bareiss's elimination without fractions.
///
/// Source: Cohen, *A Course in Computational Algebraic Number Theory*, sections 2.2.3 and 3.3.
fn resultant(a: &Poly, b: &Poly) -> Poly {
    let (a, b) = (a.coefficients_in(MU), b.coefficients_in(MU));
    let (m, n) = (a.len() - 1, b.len() - 1);
    let row = |p: &[Poly], shift: usize| -> Vec<Poly> {
        let mut row = vec![Poly::zero(); m + n];
        for (k, c) in p.iter().rev().enumerate() {
            row[shift + k] = c.clone();
        }
        row
    };
    let rows = (0..n).map(|k| row(&a, k)).chain((0..m).map(|k| row(&b, k)));
    determinant(rows.collect())
}

/// Up to sign.
fn determinant(mut m: Vec<Vec<Poly>>) -> Poly {
    let n = m.len();
    let mut last = Poly::one();
    for k in 0..n {
        let Some(pivot) = (k..n).find(|&i| !m[i][k].is_zero()) else { return Poly::zero() };
        m.swap(k, pivot);
        let (done, open) = m.split_at_mut(k + 1);
        let top = &done[k];
        for row in open {
            for j in k + 1..n {
                let cross = row[j].mul(&top[k]).sub(&row[k].mul(&top[j]));
                row[j] = cross.div_exact(&last).expect("Bareiss's quotients are polynomials");
            }
        }
        last = m[k][k].clone();
    }
    last
}

/// The step sizes at which all of several directions have a verdict: the worst of theirs. Each
/// comes with the factor by which its own variable is `h`.
pub(super) fn intersect(all: &[(f64, &[Interval])]) -> Vec<Interval> {
    let mut ends: Vec<End> = all
        .iter()
        .flat_map(|(factor, list)| list[1..].iter().map(move |i| i.from.over(*factor)))
        .collect();
    ends.sort_by(|a, b| a.value.total_cmp(&b.value));
    ends.dedup_by(|a, b| a.value == b.value);
    ends.insert(0, End::open(0.0));
    ends.push(End::open(f64::INFINITY));
    let mut found: Vec<Interval> = Vec::new();
    for pair in ends.windows(2) {
        let middle = match pair[1].value {
            f64::INFINITY => 2.0 * pair[0].value + 1.0,
            end => 0.5 * (pair[0].value + end),
        };
        let at = |(factor, list): &(f64, &[Interval])| {
            let inside = list.iter().find(|i| middle * factor < i.to.value);
            inside.map_or(StabilityType::Unstable, |i| i.verdict)
        };
        let verdict = all.iter().map(at).max().unwrap_or(StabilityType::Neutral);
        match found.last_mut() {
            Some(last)
                if last.verdict == StabilityType::Unstable
                    && verdict == StabilityType::Unstable =>
            {
                last.to = pair[1].clone();
            }
            _ => found.push(Interval { from: pair[0].clone(), to: pair[1].clone(), verdict }),
        }
    }
    found
}

/// The end of the first interval, if that is stable; 0 otherwise.
pub(super) fn critical(intervals: &[Interval]) -> f64 {
    match intervals.first() {
        Some(first) if first.verdict == StabilityType::Stable => first.to.value,
        _ => 0.0,
    }
}

/// A formula in the parameters for the end `exact` of an interval in `hλ`: if an eigenvalue of
/// `M(hλ)` is 1 or -1 there and the condition has a factor linear in `hλ`, which is `variable`, the one
/// after the parameters.
pub(super) fn formula(
    m: &Matrix,
    variable: usize,
    values: &[BigRational],
    end: &End,
) -> Option<RationalFunction> {
    let exact = end.exact.as_ref()?;
    let mu = match end.crossing {
        Crossing::Plus => RationalFunction::one(),
        Crossing::Minus => -&RationalFunction::one(),
        _ => return None,
    };
    let p = characteristic_polynomial(m);
    let value = p.iter().rev().fold(RationalFunction::zero(), |sum, c| &(&sum * &mu) + c);
    let numerator = value.numerator();
    if numerator.is_zero() {
        return None;
    }
    let factors = square_free(&square_free_part(numerator));
    let roots = factors.iter().filter(|(f, _)| f.degree_in(variable) == 1).filter_map(|(f, _)| {
        let c = f.coefficients_in(variable);
        RationalFunction::new(c[0].neg(), c[1].clone())
    });
    let at: Vec<Option<RationalFunction>> = values.iter().map(|v| Some(v.clone().into())).collect();
    let matches = |root: &RationalFunction| {
        root.substitute(&at).and_then(|r| r.as_rational()).as_ref() == Some(exact)
    };
    roots.into_iter().find(|root| root.as_rational().is_none() && matches(root))
}

/// The number as `p/q` if that is short, as a decimal otherwise.
impl std::fmt::Display for End {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.exact {
            Some(x) if x.denom().to_i64().is_some_and(|d| d < 1000) => write!(out, "{x}"),
            _ => write!(out, "{}", self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `p` as the companion matrix of `μ^n + Σ c_k μ^k`, `c_k` in variable 0.
    fn companion(c: &[RationalFunction]) -> Matrix {
        let n = c.len();
        let entry = |i: usize, j: usize| match (i, j) {
            (_, last) if last == n - 1 => -&c[i],
            _ if i == j + 1 => RationalFunction::one(),
            _ => RationalFunction::zero(),
        };
        (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect()
    }

    #[test]
    fn a_complex_pair_and_a_circle() {
        let (h, one) = (RationalFunction::variable(0), RationalFunction::one());
        // μ² + h: a pair ±i√h.
        let found = intervals(&companion(&[h.clone(), RationalFunction::zero()]));
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].verdict, found[1].verdict),
            (StabilityType::Stable, StabilityType::Unstable)
        );
        assert_eq!(found[0].to.exact, Some(BigRational::one()));
        assert_eq!(found[0].to.crossing, Crossing::Circle);
        assert!((found[0].to.angle.unwrap() - PI / 2.0).abs() < 1e-15);
        // μ² + (h - 2)μ + 1: on the circle for h < 4.
        let trace = &h - &RationalFunction::integer(2);
        let found = intervals(&companion(&[one, trace]));
        assert_eq!(
            (found[0].verdict, found[1].verdict),
            (StabilityType::Neutral, StabilityType::Unstable)
        );
        assert_eq!(found[0].to.value, 4.0);
        assert_eq!(found[0].to.crossing, Crossing::Minus);
        assert_eq!(found[0].to.angle, Some(PI));
    }

    /// `(μ² - aμ + 1)(μ² - bμ + 1)` with `a + b = h`, `ab = 1/4`: pairs on the circle, `a` and `b` meet at 1/2 for `h = 1`.
    #[test]
    fn pairs_that_meet_on_the_circle() {
        let (h, one) = (RationalFunction::variable(0), RationalFunction::one());
        let ratio = |p: i64, q: i64| RationalFunction::from(BigRational::new(p.into(), q.into()));
        let found = intervals(&companion(&[one, -&h, ratio(9, 4), -&h]));
        // Below h = 1 a and b are complex, so are the pairs off the circle.
        let verdicts: Vec<StabilityType> = found.iter().map(|i| i.verdict).collect();
        assert_eq!(verdicts[..2], [StabilityType::Unstable, StabilityType::Neutral]);
        assert_eq!(found[1].from.exact, Some(BigRational::one()));
        assert_eq!(found[1].from.crossing, Crossing::Circle);
        // 2 cos φ = 1/2, of a double root.
        assert!((found[1].from.angle.unwrap() - 0.25f64.acos()).abs() < 1e-14);
    }
}
