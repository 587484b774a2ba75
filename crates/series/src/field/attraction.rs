//! Whether trajectories settle on the flow of a modified field.
//!
//! The weights are the only solution of a method's recurrence that is polynomial in the step
//! number. A trajectory approaches it if all other roots of `det(λ - A)`, beside the simple `λ = 1`,
//! lie inside the unit disc; otherwise its buffers drift away from the slow manifold, however small
//! the step.
//!
//! The test is exact: the Schur-Cohn criterion on rational coefficients.
//!
//! Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section XV.2.3 (strictly stable
//! methods); Henrici, *Applied and Computational Complex Analysis*, vol. 1, section 6.8.

use crate::series::{GeneralLinearMethod, characteristic_polynomial};
use num_rational::BigRational;
use num_traits::{Signed, Zero};

/// Whether the slow manifold of `method` attracts; `None` while a parameter that matters has no
/// value.
pub(super) fn is_attracting(method: &GeneralLinearMethod) -> Option<bool> {
    (0..method.spaces.len()).try_fold(true, |all, space| {
        let states: Vec<usize> =
            (0..method.states.len()).filter(|&i| method.states[i].space == space).collect();
        let row = |&i: &usize| -> Vec<_> {
            states.iter().map(|&j| method.update[i].states[j].clone()).collect()
        };
        let a: Vec<Vec<_>> = states.iter().map(row).collect();
        let coefficients = characteristic_polynomial(&a);
        let rational = coefficients.iter().map(|c| c.as_rational()).collect::<Option<Vec<_>>>()?;
        Some(all && is_stable(&without_root_one(&rational)))
    })
}

/// `p(λ)/(λ - 1)` by Horner's scheme, lowest power first; 1 is a root of `p`.
fn without_root_one(p: &[BigRational]) -> Vec<BigRational> {
    let mut sum = BigRational::zero();
    let mut quotient: Vec<_> = p[1..]
        .iter()
        .rev()
        .map(|c| {
            sum += c;
            sum.clone()
        })
        .collect();
    quotient.reverse();
    quotient
}

/// Whether all roots of `Σ p_k λ^k` have modulus below 1: `|p_0| < |p_n|`, and the same holds of
/// `(p_n p(λ) - p_0 λ^n p(1/λ))/λ`.
pub fn is_stable(p: &[BigRational]) -> bool {
    let [first, .., last] = p else { return true };
    if first.abs() >= last.abs() {
        return false;
    }
    let reduced: Vec<_> =
        p.iter().zip(p.iter().rev()).skip(1).map(|(a, b)| last * a - first * b).collect();
    is_stable(&reduced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer;

    fn polynomial(roots: &[(i64, i64)]) -> Vec<BigRational> {
        roots.iter().fold(vec![BigRational::from_integer(1.into())], |p, &(n, d)| {
            let root = BigRational::new(n.into(), d.into());
            let at = |k: usize| p.get(k).cloned().unwrap_or_else(BigRational::zero);
            (0..=p.len())
                .map(|k| if k > 0 { at(k - 1) } else { BigRational::zero() } - &root * at(k))
                .collect()
        })
    }

    #[test]
    fn roots_inside_and_outside() {
        assert!(is_stable(&polynomial(&[])));
        assert!(is_stable(&polynomial(&[(9, 10), (-9, 10), (1, 3), (0, 1)])));
        assert!(!is_stable(&polynomial(&[(1, 2), (-1, 1)])));
        assert!(!is_stable(&polynomial(&[(1, 2), (11, 10), (1, 5)])));
        // λ² + 1/2 has a pair of complex roots inside, λ² + 2 outside.
        let pure = |c: i64, d| {
            vec![
                BigRational::new(c.into(), d),
                BigRational::zero(),
                BigRational::from_integer(1.into()),
            ]
        };
        assert!(is_stable(&pure(1, 2.into())));
        assert!(!is_stable(&pure(2, 1.into())));
        let both = polynomial(&[(1, 1), (1, 2), (-1, 3)]);
        assert_eq!(without_root_one(&both), polynomial(&[(1, 2), (-1, 3)]));
    }

    #[test]
    fn momentum_settles_below_one() {
        let optimizer = optimizer::find("heavy_ball").unwrap();
        let with = |m: &str| {
            let value = optimizer::parse_value(m).unwrap();
            is_attracting(&optimizer.method(&[("m".to_string(), value)].into()).unwrap())
        };
        assert_eq!(
            [with("0.99"), with("-0.99"), with("-1"), with("2")],
            [Some(true), Some(true), Some(false), Some(false)]
        );
        assert_eq!(is_attracting(&optimizer.method(&Default::default()).unwrap()), None);
        for optimizer in optimizer::library() {
            let method = optimizer.method(&Default::default()).unwrap();
            assert_ne!(is_attracting(&method), Some(false), "{}", optimizer.name);
        }
    }
}
