//! Products and quotients of polynomials with most of their coefficients present: by position in an
//! array, and with machine integers where those are certain to suffice.
//!
//! A monomial `p^e` has the place `Σ e_i stride_i`, so the place of a product is the sum of the
//! places, and descending places are descending lexicographic order.

use super::effort;
use super::poly::{MAX_VARIABLES, Monomial, Poly};
use num_bigint::BigInt;
use num_traits::{One, ToPrimitive, Zero};

/// An array with a place for every monomial up to some degrees.
struct Layout {
    strides: [usize; MAX_VARIABLES],
    size: usize,
}

impl Layout {
    /// `None` if more than `limit` places are needed.
    fn new(degrees: &[usize; MAX_VARIABLES], limit: usize) -> Option<Layout> {
        let mut layout = Layout { strides: [0; MAX_VARIABLES], size: 1 };
        for (stride, degree) in layout.strides.iter_mut().zip(degrees).rev() {
            *stride = layout.size;
            layout.size = layout.size.checked_mul(degree + 1).filter(|size| *size <= limit)?;
        }
        Some(layout)
    }

    fn place(&self, monomial: &Monomial) -> usize {
        monomial.0.iter().zip(&self.strides).map(|(e, stride)| usize::from(*e) * stride).sum()
    }

    fn monomial(&self, mut place: usize) -> Monomial {
        let mut monomial = Monomial::default();
        for (e, stride) in monomial.0.iter_mut().zip(&self.strides) {
            *e = (place / stride) as u16;
            place %= stride;
        }
        monomial
    }

    /// The polynomial with these coefficients.
    fn collect<T: Into<BigInt>>(&self, coefficients: Vec<T>, zero: fn(&T) -> bool) -> Poly {
        let terms = coefficients.into_iter().enumerate().rev().filter(|(_, c)| !zero(c));
        Poly::from_sorted(terms.map(|(place, c)| (self.monomial(place), c.into())).collect())
    }
}

fn degrees(p: &Poly) -> [usize; MAX_VARIABLES] {
    let mut degrees = [0; MAX_VARIABLES];
    for (m, _) in p.terms() {
        for (degree, e) in degrees.iter_mut().zip(&m.0) {
            *degree = (*degree).max(usize::from(*e));
        }
    }
    degrees
}

/// Operations that one on integers of any length counts for.
const LONG: u64 = 6;

/// `a b`, or `None` if it would leave an array mostly empty.
pub(super) fn product(a: &Poly, b: &Poly) -> Option<Poly> {
    let (mut together, other) = (degrees(a), degrees(b));
    for (d, e) in together.iter_mut().zip(other) {
        *d += e;
        // Beyond it the general product says so.
        u16::try_from(*d).ok()?;
    }
    let layout = Layout::new(&together, 2 * a.terms().len() * b.terms().len() + 16)?;
    let longest = |p: &Poly| p.terms().iter().map(|t| t.1.bits()).max().unwrap_or(0);
    let additions = u64::from(usize::BITS - a.terms().len().min(b.terms().len()).leading_zeros());
    if longest(a) + longest(b) + additions < 127 {
        let numbers = |p: &Poly| -> Option<Vec<(usize, i128)>> {
            p.terms().iter().map(|(m, c)| Some((layout.place(m), c.to_i128()?))).collect()
        };
        let (a, b) = (numbers(a)?, numbers(b)?);
        effort::spend(layout.size as u64 / 2);
        let mut sums = vec![0i128; layout.size];
        for (i, x) in &a {
            for (j, y) in &b {
                sums[i + j] += x * y;
            }
        }
        return Some(layout.collect(sums, |c| *c == 0));
    }
    let places: Vec<usize> = b.terms().iter().map(|(m, _)| layout.place(m)).collect();
    effort::spend(layout.size as u64 + LONG * a.terms().len() as u64 * b.terms().len() as u64);
    let mut sums = vec![BigInt::zero(); layout.size];
    for (m, x) in a.terms() {
        let i = layout.place(m);
        for (j, (_, y)) in places.iter().zip(b.terms()) {
            sums[i + j] += x * y;
        }
    }
    Some(layout.collect(sums, BigInt::is_zero))
}

/// `a / b` if the division leaves no remainder, else `Some(None)`; `None` if it would take an
/// array that is mostly empty.
pub(super) fn quotient(a: &Poly, b: &Poly) -> Option<Option<Poly>> {
    if a.is_zero() {
        return Some(Some(Poly::zero()));
    }
    let (all, below) = (degrees(a), degrees(b));
    let layout = Layout::new(&all, 4 * a.terms().len() + 16)?;
    // Without a remainder the degrees in each variable add up.
    if all.iter().zip(&below).any(|(a, b)| a < b) {
        return Some(None);
    }
    let mut most = Monomial::default();
    for (most, (a, b)) in most.0.iter_mut().zip(all.iter().zip(&below)) {
        *most = (a - b) as u16;
    }
    let (lead, _) = b.terms().first()?;
    let division = Division { layout: &layout, first: layout.place(lead), lead: *lead, most };
    let machine = || {
        let numbers = |p: &Poly| -> Option<Vec<(usize, i128)>> {
            let number = |c: &BigInt| c.to_i128().filter(|c| *c != i128::MIN);
            p.terms().iter().map(|(m, c)| Some((layout.place(m), number(c)?))).collect()
        };
        division.run(numbers(a)?, numbers(b)?)
    };
    machine().or_else(|| {
        let numbers = |p: &Poly| -> Vec<(usize, BigInt)> {
            p.terms().iter().map(|(m, c)| (layout.place(m), c.clone())).collect()
        };
        division.run(numbers(a), numbers(b))
    })
}

/// What a division is carried out on.
struct Division<'a> {
    layout: &'a Layout,
    /// The leading monomial of the divisor, and its place.
    lead: Monomial,
    first: usize,
    /// The quotient's degrees.
    most: Monomial,
}

impl Division<'_> {
    /// `a / b` if the division leaves no remainder, else `Some(None)`; `None` if a number gets too
    /// long for this type. The terms of `b` in descending order of their places.
    fn run<T: Number>(&self, a: Vec<(usize, T)>, b: Vec<(usize, T)>) -> Option<Option<Poly>> {
        effort::spend(T::COST * self.layout.size as u64 / 4);
        let mut remainder = vec![T::zero(); self.layout.size];
        for (place, c) in a {
            remainder[place] = c;
        }
        let ((_, lead_coefficient), rest) = b.split_first()?;
        let mut terms = Vec::new();
        for place in (0..remainder.len()).rev() {
            if remainder[place].is_zero() {
                continue;
            }
            let monomial = self.layout.monomial(place);
            let step = monomial.over(&self.lead).filter(|s| self.most.over(s).is_some());
            let c = std::mem::replace(&mut remainder[place], T::zero());
            let (Some(step), Some(q)) = (step, c.over(lead_coefficient)) else {
                return Some(None);
            };
            effort::spend(T::COST * (1 + rest.len() as u64));
            for (other, d) in rest {
                remainder[place + other - self.first].subtract_product(&q, d)?;
            }
            terms.push((step, q.into()));
        }
        Some(Some(Poly::from_sorted(terms)))
    }
}

/// The integers of a division.
trait Number: Clone + Zero + Into<BigInt> {
    /// The operations that a product and a difference count for.
    const COST: u64;
    /// `self / divisor` if that is an integer.
    fn over(self, divisor: &Self) -> Option<Self>;
    /// `self -= a b`; `None` if the result does not fit.
    fn subtract_product(&mut self, a: &Self, b: &Self) -> Option<()>;
}

/// Never the lowest number, so that every quotient fits.
impl Number for i128 {
    const COST: u64 = 1;
    fn over(self, divisor: &i128) -> Option<i128> {
        match (i64::try_from(self), i64::try_from(*divisor)) {
            (_, Ok(1)) => Some(self),
            (_, Ok(-1)) => Some(-self),
            (Ok(a), Ok(b)) => (a % b == 0).then(|| (a / b).into()),
            _ => (self % divisor == 0).then(|| self / divisor),
        }
    }
    fn subtract_product(&mut self, a: &i128, b: &i128) -> Option<()> {
        *self = self.checked_sub(a.checked_mul(*b)?).filter(|c| *c != i128::MIN)?;
        Some(())
    }
}

impl Number for BigInt {
    const COST: u64 = LONG;
    fn over(self, divisor: &BigInt) -> Option<BigInt> {
        if divisor.is_one() {
            return Some(self);
        }
        let (q, r) = num_integer::Integer::div_rem(&self, divisor);
        r.is_zero().then_some(q)
    }
    fn subtract_product(&mut self, a: &BigInt, b: &BigInt) -> Option<()> {
        *self -= a * b;
        Some(())
    }
}
