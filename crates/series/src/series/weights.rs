//! Integral weights and what they have to be divided by.

use super::sweep::lcm_up_to;
use crate::exact::{Factors, Poly, RationalFunction, gcd};
use crate::tree::TreeId;
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::sync::OnceLock;

/// `L K^|τ| b(τ)` of every tree, in the cheapest ring that holds them all.
pub(crate) enum Weights {
    Machine(Vec<i128>),
    Big(Vec<BigInt>),
    Symbolic(Vec<Poly>),
    /// `b(τ)` itself, of any series.
    Exact(Vec<RationalFunction>),
}

/// The denominators `L K^n`.
pub(crate) struct Denominator {
    lcm: BigInt,
    /// `K = content · Π factor^power`, the factors square-free, pairwise coprime and not constant.
    content: BigInt,
    factors: Vec<Factor>,
    /// `L content^n` where it fits.
    machine: Vec<Option<i128>>,
}

struct Factor {
    base: Poly,
    power: u32,
    /// `base^k` where it has been asked for.
    powers: Vec<OnceLock<Poly>>,
}

impl Factor {
    /// `base^k`.
    fn pow(&self, k: u32) -> &Poly {
        self.powers[k as usize].get_or_init(|| self.base.pow(k))
    }
}

impl Denominator {
    pub(crate) fn new(max_nodes: usize, per_node: &Poly) -> Denominator {
        let lcm = lcm_up_to(max_nodes);
        let Factors { negative, content, monomial, sums: mut factors } = per_node.factors();
        let content = if negative { -content } else { content };
        for (i, &power) in monomial.0.iter().enumerate().filter(|(_, e)| **e > 0) {
            factors.push((Poly::variable(i), power.into()));
        }
        let factor = |(base, power)| {
            let powers = vec![OnceLock::new(); power as usize * max_nodes + 1];
            Factor { base, power, powers }
        };
        let factors = factors.into_iter().map(factor).collect();
        let machine = (0..=max_nodes).map(|n| (&lcm * content.pow(n as u32)).to_i128()).collect();
        Denominator { lcm, content, factors, machine }
    }
}

impl Weights {
    /// `b(τ)` of a tree with `nodes` nodes, in lowest terms.
    pub(crate) fn value(
        &self,
        tree: TreeId,
        denominator: &Denominator,
        nodes: usize,
    ) -> RationalFunction {
        let constant = || &denominator.lcm * denominator.content.pow(nodes as u32);
        match self {
            Weights::Exact(b) => b[tree as usize].clone(),
            Weights::Machine(b) => BigRational::new(b[tree as usize].into(), constant()).into(),
            Weights::Big(b) => BigRational::new(b[tree as usize].clone(), constant()).into(),
            Weights::Symbolic(b) => {
                let mut top = b[tree as usize].clone();
                if top.is_zero() {
                    return RationalFunction::zero();
                }
                let mut bottom = Poly::one();
                for factor in &denominator.factors {
                    let power = factor.power * nodes as u32;
                    let left = cancel(&mut top, &factor.base, power, &|k| factor.pow(k).clone());
                    bottom = bottom.mul(&left);
                }
                RationalFunction::coprime(top, bottom, constant())
            }
        }
    }

    /// `b(τ)` as a reduced fraction of machine integers, if it is one.
    pub(crate) fn machine_value(
        &self,
        tree: TreeId,
        denominator: &Denominator,
        nodes: usize,
    ) -> Option<(i128, i128)> {
        let Weights::Machine(b) = self else { return None };
        let (top, bottom) = (b[tree as usize], denominator.machine[nodes]?);
        // One division brings the common case into 64 bits, where the gcd is fast.
        let g = match (u64::try_from(bottom), u64::try_from((top % bottom).unsigned_abs())) {
            (Ok(a), Ok(b)) => i128::from(a.gcd(&b)),
            _ => top.gcd(&bottom),
        };
        let g = if bottom < 0 { -g } else { g };
        Some((top / g, bottom / g))
    }
}

/// Divides `top` and `base^power` by what they have in common. Returns what is left of the latter;
/// `raise(k)` is `base^k`.
fn cancel(top: &mut Poly, base: &Poly, mut power: u32, raise: &dyn Fn(u32) -> Poly) -> Poly {
    // Dividing by small factors one at a time avoids the gcd of two large polynomials.
    while power > 0
        && let Some(quotient) = top.div_exact(base)
    {
        *top = quotient;
        power -= 1;
    }
    let shared = if power > 0 { gcd(top, base) } else { Poly::one() };
    if shared.is_constant() {
        return raise(power);
    }
    let other = base.div_exact(&shared).expect("the gcd divides");
    let left = cancel(top, &shared, power, &|k| shared.pow(k));
    left.mul(&cancel(top, &other, power, &|k| other.pow(k)))
}
