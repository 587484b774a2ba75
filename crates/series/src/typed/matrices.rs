//! Products of matrices and functions of them, in sums.
//!
//! A product of matrices is linear in each of them, and so is a Fréchet derivative in its directions: the series of a function
//! of `M + Δ` is `Σ_r 1/r! F^(r)(M)[Δ, …, Δ]`, and a term of it is a tree, whose node is the function and whose branches are the
//! directions. Both functions are gradients of numbers, of the sum of the singular values and of a trace, so that their
//! derivatives are symmetric in all directions and what they are multiplied by.

use super::atoms::{Atom, AtomId, Atoms, Polynomial, Product, is_negative};
use super::error::TypedError;
use super::matrix::MatrixFunction;
use super::program::{Exponent, NodeId};
use super::solve::{Head, Solved, Solver};
use super::sum::{Sum, Weight};
use crate::exact::{RationalFunction, effort};
use std::rc::Rc;

impl Atoms {
    /// What `make` makes of vectors, which is linear in each, of sums.
    pub(super) fn multilinear(
        &mut self,
        arguments: &[Sum],
        mut make: impl FnMut(&mut Atoms, Vec<Product>) -> Product,
    ) -> Sum {
        let mut terms =
            vec![(Product::one(), Vec::new(), Weight::constant(RationalFunction::one()))];
        for argument in arguments {
            let mut longer = Vec::new();
            for (numbers, vectors, weight) in &terms {
                for (product, own) in &argument.0 {
                    effort::spend(20);
                    let (factor, vector) = self.split(product);
                    let vectors: Vec<Product> = [&vectors[..], &[vector]].concat();
                    longer.push((self.multiply(numbers, &factor), vectors, weight.multiply(own)));
                }
            }
            terms = longer;
        }
        let mut out = Sum::default();
        for (numbers, vectors, weight) in terms {
            let made = make(self, vectors);
            let product = self.multiply(&numbers, &made);
            self.add_product(&mut out, product, weight);
        }
        out
    }

    /// The product of matrices, `true` for those that are transposed.
    pub(super) fn chained(&mut self, factors: &[(Sum, bool)]) -> Sum {
        let (sums, turned): (Vec<Sum>, Vec<bool>) = factors.iter().cloned().unzip();
        self.multilinear(&sums, |atoms, matrices| {
            atoms.chain(matrices.into_iter().zip(turned.iter().copied()).collect())
        })
    }

    /// The same of single matrices: products of products are one, and nothing is multiplied by the identity.
    fn chain(&mut self, factors: Vec<(Product, bool)>) -> Product {
        let mut flat: Vec<(Product, bool)> = Vec::with_capacity(factors.len());
        let mut identity = None;
        for (product, turned) in factors {
            let inner = match &product.0[..] {
                [(atom, exponent)] if exponent.as_integer() == Some(1) => Some(self.atom(*atom)),
                _ => None,
            };
            match inner {
                Some(Atom::Identity(_)) => identity = Some(product),
                Some(Atom::Chain(inner)) if turned => {
                    flat.extend(inner.iter().rev().map(|(x, t)| (x.clone(), !t)));
                }
                Some(Atom::Chain(inner)) => flat.extend(inner.iter().cloned()),
                _ => flat.push((product, turned)),
            }
        }
        effort::spend(10 * flat.len() as u64);
        match (&flat[..], identity) {
            ([], Some(identity)) => identity,
            ([(product, false)], _) => product.clone(),
            _ => Product::of(self.intern(Atom::Chain(flat))),
        }
    }

    /// A function's derivative at `base` along sums.
    pub(super) fn frechet(
        &mut self,
        function: MatrixFunction,
        base: &Polynomial,
        along: &[Sum],
    ) -> Sum {
        self.multilinear(along, |atoms, directions| {
            Product::of(atoms.derivative_at(function, base.clone(), directions))
        })
    }

    /// The same along single matrices, in any order.
    pub(super) fn derivative_at(
        &mut self,
        function: MatrixFunction,
        base: Polynomial,
        mut along: Vec<Product>,
    ) -> AtomId {
        along.sort_unstable();
        self.intern(Atom::Frechet(function, base, along))
    }

    /// The factors of a product of matrices, but for one, on the other side: `X` is there in `Σ_ij W_ij (A X B)_ij` and in
    /// `Σ_ij (Aᵀ W Bᵀ)_ij X_ij`.
    pub(super) fn beside(&mut self, factors: &[(Product, bool)], at: usize, weight: &Sum) -> Sum {
        let sum = |(product, turned): &(Product, bool)| {
            (Sum::term(product.clone(), RationalFunction::one()), !turned)
        };
        let mut all: Vec<(Sum, bool)> = factors[..at].iter().rev().map(sum).collect();
        all.push((weight.clone(), false));
        all.extend(factors[at + 1..].iter().rev().map(sum));
        let outside = self.chained(&all);
        if factors[at].1 { self.chained(&[(outside, true)]) } else { outside }
    }
}

impl Solver<'_> {
    /// `Σ_i a_i b_{k-i}`; what a zero stands beside is not asked for.
    pub(super) fn matrix_product(&mut self, a: usize, b: usize, k: usize) -> Solved<Rc<Sum>> {
        let mut sum = Sum::default();
        for i in 0..=k {
            let left = self.value(a, i)?;
            if left.is_zero() {
                continue;
            }
            let right = self.value(b, k - i)?;
            sum.add(&self.atoms.chained(&[((*left).clone(), false), ((*right).clone(), false)]));
        }
        Ok(Rc::new(sum))
    }

    /// `Σ_r 1/r! F^(r)(M)[Δ, …, Δ]`. With a positive number `c`, the polar factor of `c M + Δ` is that of `M + Δ/c`.
    pub(super) fn matrix_function(
        &mut self,
        function: MatrixFunction,
        u: usize,
        node: NodeId,
        k: usize,
    ) -> Solved<Rc<Sum>> {
        let start = self.value(u, 0)?;
        if start.is_zero() {
            let what = match function {
                MatrixFunction::Polar => "what a polar factor is taken of",
                MatrixFunction::InverseRoot(_) => "what an inverse root is taken of",
            };
            return Err(TypedError::Vanishing { node, argument: self.ops[u].1, what });
        }
        let mut base = start.coefficient(0);
        let mut scale = None;
        let mut sign = RationalFunction::one();
        if let (MatrixFunction::Polar, [(product, c)]) = (function, &base[..])
            && let Some(negative) = is_negative(c)
        {
            let (numbers, matrix) = self.atoms.split(product);
            if self.atoms.is_nonnegative(&numbers) {
                let number = Sum::term(numbers, if negative { -c } else { c.clone() });
                sign = RationalFunction::integer(if negative { -1 } else { 1 });
                base = vec![(matrix, RationalFunction::one())];
                if number.as_constant().is_none_or(|c| !c.is_one()) || negative {
                    let inverse = self.atoms.power(&number, &Exponent::integer(-1));
                    scale = Some(inverse.scale(&sign));
                }
            }
        }
        let mut deviations = Vec::new();
        for order in 1..=k {
            let deviation = self.value(u, order)?;
            deviations.push(match &scale {
                None => deviation,
                Some(scale) => Rc::new(self.atoms.product(&deviation, scale)),
            });
        }
        let mut out = Sum::default();
        let head = Head::Function(function, &base);
        let weight = Weight::constant(RationalFunction::one());
        self.expand(&head, &deviations, k, &[], Product::one(), &weight, &mut out);
        Ok(Rc::new(out.scale(&sign)))
    }
}
