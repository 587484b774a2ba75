//! Whether the terms of one order of a modified field are the negative gradient of something, and of what.
//!
//! A gradient has a symmetric Jacobian, and where the Jacobian is symmetric there is a potential. It is sought among the
//! numbers that one gets by taking a derivative off a term: from `H[w]` the number `Σ g w`, from `∇³E[w, z]` the number
//! `∇²E[w, z]`, from `g` the loss, from any `w` also `Σ θ w`, each with the numbers that multiply the term. What combination
//! of their gradients the terms are is a linear system in the coefficients, which is solved exactly.

use super::atoms::{Atom, Atoms, Polynomial, Product};
use super::domain::Domain;
use super::field::{Trees, TypedField, TypedTerm};
use super::program::Shape;
use super::reading::Reading;
use super::sum::{Sum, Weight};
use super::vanishing::Vanishing;
use crate::exact::{MAX_VARIABLES, RationalFunction, effort};
use std::collections::{BTreeSet, HashMap};

/// The terms of one order of the velocity of the parameters, seen as a gradient.
#[derive(Clone, PartialEq, Debug)]
pub enum TypedPotential {
    /// They are `-∇` of the sum of these numbers.
    Gradient(Vec<TypedTerm>),
    /// They are no gradient: with the Jacobian `J` of the terms, `w·J[v] - v·J[w]` is this sum, which is not 0 for all vectors
    /// `v` and `w`, written as coordinates.
    Obstructed(Vec<TypedTerm>),
    /// Neither has been found.
    Unknown,
}

impl TypedField {
    /// What each order is the gradient of, from order 0 up to the first that is none; `None` for a field that moves more
    /// than one vector.
    pub fn potentials(&self) -> Option<Vec<TypedPotential>> {
        let [coordinate] = &self.coordinates[..] else { return None };
        if coordinate.shape != Shape::Vector {
            return None;
        }
        let names = vec![coordinate.name.clone()];
        let values: Vec<Option<RationalFunction>> =
            (0..MAX_VARIABLES).map(|i| Some(RationalFunction::variable(i))).collect();
        let reading = Reading { coordinates: &names, values: &values };
        let of_power = |power: usize| {
            let mut atoms = Atoms::complete(1);
            let mut sum = Sum::default();
            for term in coordinate.terms.iter().filter(|term| term.power == power) {
                let read = reading.term(&mut atoms, &term.coefficient, &term.factors);
                // Written in the normal form of these atoms, a denominator can turn out to be 0.
                let Some(read) = read else { return TypedPotential::Unknown };
                sum.add(&read);
            }
            potential(&mut atoms, &names, &sum.negative(), power)
        };
        // What follows an order that is no gradient is no part of a modified loss.
        let mut found = Vec::new();
        for power in 0..=self.order {
            found.push(of_power(power));
            if !matches!(found[power], TypedPotential::Gradient(_)) {
                break;
            }
        }
        Some(found)
    }
}

fn potential(atoms: &mut Atoms, names: &[String], gradient: &Sum, power: usize) -> TypedPotential {
    // w·J[v] - v·J[w]
    let [v, w] = [0, 1].map(|i| {
        let hole = atoms.intern(Atom::Hole(i));
        Sum::term(Product::of(hole), RationalFunction::one())
    });
    let mut antisymmetric = Sum::default();
    for (direction, against, sign) in [(&v, &w, 1), (&w, &v, -1)] {
        let moved = atoms.along(gradient, direction);
        let product = atoms.product(&moved, against);
        let number = atoms.sum_of_entries(&product);
        antisymmetric.add(&number.scale(&RationalFunction::integer(sign)));
    }
    if atoms.vanishing(&antisymmetric, &Domain::default()) == Vanishing::Nonzero {
        // The Jacobian of the velocity, not of the gradient.
        let terms = antisymmetric.negative().coefficient(0);
        return TypedPotential::Obstructed(trees(atoms, names, &terms, power));
    }
    let candidates = candidates(atoms, gradient);
    let columns: Vec<Polynomial> = candidates
        .iter()
        .map(|candidate| {
            let number = Sum::term(candidate.clone(), RationalFunction::one());
            atoms.gradient_of(&number).coefficient(0)
        })
        .collect();
    if let Some(combination) = combination(&columns, &gradient.coefficient(0)) {
        let chosen = candidates.into_iter().zip(combination).filter(|(_, c)| !c.is_zero());
        let terms: Vec<_> = chosen.collect();
        return TypedPotential::Gradient(trees(atoms, names, &terms, power));
    }
    TypedPotential::Unknown
}

fn trees(
    atoms: &Atoms,
    names: &[String],
    terms: &[(Product, RationalFunction)],
    power: usize,
) -> Vec<TypedTerm> {
    let mut trees = Trees { atoms, names: names.to_vec(), products: HashMap::new() };
    let term = |(product, c): &(Product, RationalFunction)| TypedTerm {
        power,
        coefficient: c.clone(),
        factors: trees.product(product).as_ref().clone(),
    };
    terms.iter().map(term).collect()
}

/// Numbers whose gradients may make up a vector.
fn candidates(atoms: &mut Atoms, vector: &Sum) -> Vec<Product> {
    let mut found = BTreeSet::new();
    let theta = atoms.intern(Atom::Coordinate(0));
    let gradient = atoms.gradient(Vec::new());
    let loss = atoms.intern(Atom::Loss);
    for product in vector.0.keys() {
        let (numbers, own) = atoms.split(product);
        let mut sums = Vec::new();
        for beside in [theta, gradient] {
            let product = atoms.multiply(&own, &Product::of(beside));
            sums.push(Sum::term(product, RationalFunction::one()));
        }
        if let [(atom, exponent)] = &own.0[..]
            && exponent.as_integer() == Some(1)
            && let Atom::Gradient(arguments) = atoms.atom(*atom).clone()
        {
            match arguments.split_first() {
                None => {
                    found.insert(atoms.multiply(&numbers, &Product::of(loss)));
                }
                Some((first, others)) => {
                    let lowered = atoms.gradient(others.to_vec());
                    let product = atoms.multiply(first, &Product::of(lowered));
                    sums.push(Sum::term(product, RationalFunction::one()));
                }
            }
        }
        for sum in sums {
            // In its normal form a product may be a sum of several.
            let mut reduced = Sum::default();
            for (product, weight) in sum.0 {
                atoms.add_product(&mut reduced, product, weight);
            }
            let entries = atoms.sum_of_entries(&reduced);
            for (entries, _) in entries.0 {
                let mut number = Sum::default();
                let product = atoms.multiply(&numbers, &entries);
                atoms.add_product(&mut number, product, Weight::constant(RationalFunction::one()));
                found.extend(number.0.into_keys());
            }
        }
    }
    found.into_iter().collect()
}

/// Numbers `c` with `Σ c_j columns[j] = target`, if there are such.
fn combination(columns: &[Polynomial], target: &Polynomial) -> Option<Vec<RationalFunction>> {
    let mut rows: HashMap<&Product, Vec<RationalFunction>> = HashMap::new();
    let width = columns.len() + 1;
    for (at, column) in columns.iter().chain([target]).enumerate() {
        for (product, c) in column {
            rows.entry(product).or_insert_with(|| vec![RationalFunction::zero(); width])[at] =
                c.clone();
        }
    }
    let mut open: Vec<(&Product, Vec<RationalFunction>)> = rows.into_iter().collect();
    open.sort_by(|a, b| a.0.cmp(b.0));
    let mut open: Vec<Vec<RationalFunction>> = open.into_iter().map(|(_, row)| row).collect();
    let mut solved: Vec<Option<Vec<RationalFunction>>> = vec![None; columns.len()];
    for at in 0..columns.len() {
        let Some(pivot) = open.iter().position(|row| !row[at].is_zero()) else { continue };
        let pivot = open.swap_remove(pivot);
        let inverse = pivot[at].inverse()?;
        let pivot: Vec<RationalFunction> = pivot.iter().map(|c| c * &inverse).collect();
        for row in open.iter_mut().chain(solved.iter_mut().flatten()) {
            let factor = row[at].clone();
            if factor.is_zero() {
                continue;
            }
            effort::spend(50 * width as u64);
            for (c, p) in row.iter_mut().zip(&pivot) {
                *c = &*c - &(&factor * p);
            }
        }
        solved[at] = Some(pivot);
    }
    // What is left says 0 = c. Columns without a pivot get the coefficient 0.
    open.iter().all(|row| row[width - 1].is_zero()).then(|| {
        let value = |row: Option<Vec<RationalFunction>>| {
            row.map_or_else(RationalFunction::zero, |row| row[width - 1].clone())
        };
        solved.into_iter().map(value).collect()
    })
}
