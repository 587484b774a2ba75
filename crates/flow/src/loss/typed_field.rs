//! The modified field of a nonlinear step on a concrete loss.

use super::function::Function;
use super::graph::{Condition, Expr, Graph, Relation};
use super::jets::Jets;
use bea_series::exact::{Rational, RationalFunction};
use bea_series::typed::{
    Elementary, Exponent, Factor, Factors, Terms, TypedCoordinate, TypedField,
};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The modified field as expressions, `[coordinate][entry]`,
///
/// ```text
/// Σ h^k c Π factor^exponent
/// ```
///
/// over the typed terms of each coordinate of `field`, which are functions of `∇E`, `∇^(k+1)E[a_1, …, a_k]` and slow
/// variables, entry by entry. `coordinates[i]` are the variables of the entries of `field.coordinates[i]`: those of the
/// parameters, which the loss depends on, come first. `parameters[i]` stands for `field.parameters[i]`.
///
/// `sign`, `abs` and steps become choices; on a kink, where there is no field, `sign(0) = 0`.
///
/// # Panics
/// If there are fewer coordinates or parameters than those of `field`, or it [has matrices](TypedField::has_matrices).
pub fn typed_field(
    graph: &mut Graph,
    loss: Expr,
    coordinates: &[Vec<u32>],
    field: &TypedField,
    h: Expr,
    parameters: &[Expr],
) -> Vec<Vec<Expr>> {
    let gradient = graph.gradient(loss, &coordinates[0]);
    let named = field.coordinates.iter().zip(coordinates).map(|(coordinate, variables)| {
        (coordinate.name.as_str(), variables.iter().map(|&v| graph.variable(v)).collect())
    });
    let mut on_loss = OnLoss {
        coordinates: named.collect(),
        parameters,
        loss,
        variables: &coordinates[0],
        gradient,
        jets: Jets::new(),
        products: FxHashMap::default(),
        sums: FxHashMap::default(),
    };
    let velocity = |(coordinate, variables): (&TypedCoordinate, &Vec<u32>)| {
        let mut total = vec![Vec::new(); variables.len()];
        for terms in coordinate.terms.chunk_by(|a, b| a.power == b.power) {
            let power = graph.powi(h, terms[0].power as i64);
            let terms = terms.iter().map(|term| (&term.coefficient, &term.factors));
            let sum = on_loss.sum_of(graph, terms);
            for (i, parts) in total.iter_mut().enumerate() {
                parts.push((Rational::from(1), graph.mul(power, entry(&sum, i))));
            }
        }
        total.into_iter().map(|parts| graph.combination(parts)).collect()
    };
    field.coordinates.iter().zip(coordinates).map(velocity).collect()
}

/// What the factors of a field mean on one loss.
///
/// A value has one expression for each parameter, or a single one: a number, which stands for itself in every entry.
struct OnLoss<'a> {
    /// The parameters and the slow variables, by name.
    coordinates: FxHashMap<&'a str, Vec<Expr>>,
    parameters: &'a [Expr],
    loss: Expr,
    /// Of the loss.
    variables: &'a [u32],
    gradient: Vec<Expr>,
    jets: Jets,
    /// Values by the place of what terms share.
    products: FxHashMap<*const Factors, Vec<Expr>>,
    sums: FxHashMap<*const Terms, Vec<Expr>>,
}

/// An entry of a value.
fn entry(value: &[Expr], i: usize) -> Expr {
    if value.len() == 1 { value[0] } else { value[i] }
}

impl OnLoss<'_> {
    /// `Σ c Π factor^exponent`.
    fn sum_of<'t>(
        &mut self,
        graph: &mut Graph,
        terms: impl Iterator<Item = (&'t RationalFunction, &'t Factors)>,
    ) -> Vec<Expr> {
        let mut parts = Vec::new();
        for (coefficient, factors) in terms {
            let coefficient = graph.rational_function(coefficient, self.parameters);
            parts.push((graph.split(coefficient), self.product_of(graph, factors)));
        }
        let length = parts.iter().map(|(_, x)| x.len()).max().unwrap_or(1);
        let sum = |i| {
            let parts =
                parts.iter().map(|((c, rest), x)| (c.clone(), graph.mul(*rest, entry(x, i))));
            let parts: Vec<_> = parts.collect();
            graph.combination(parts)
        };
        (0..length).map(sum).collect()
    }

    /// `Π factor^exponent`.
    fn product_of(&mut self, graph: &mut Graph, factors: &Factors) -> Vec<Expr> {
        let mut parts = Vec::with_capacity(factors.len());
        for (factor, exponent) in factors {
            let base = self.factor(graph, factor);
            parts.push(self.power(graph, &base, exponent));
        }
        let length = parts.iter().map(Vec::len).max().unwrap_or(1);
        let product = |i| {
            let parts: Vec<Expr> = parts.iter().map(|x| entry(x, i)).collect();
            graph.product(&parts)
        };
        (0..length).map(product).collect()
    }

    fn power(&self, graph: &mut Graph, base: &[Expr], exponent: &Exponent) -> Vec<Expr> {
        let exponent = graph.rational_function(&exponent.value(), self.parameters);
        base.iter().map(|x| graph.pow(*x, exponent)).collect()
    }

    fn product(&mut self, graph: &mut Graph, factors: &Arc<Factors>) -> Vec<Expr> {
        if let Some(known) = self.products.get(&Arc::as_ptr(factors)) {
            return known.clone();
        }
        let value = self.product_of(graph, factors);
        self.products.insert(Arc::as_ptr(factors), value.clone());
        value
    }

    fn sum(&mut self, graph: &mut Graph, terms: &Arc<Terms>) -> Vec<Expr> {
        if let Some(known) = self.sums.get(&Arc::as_ptr(terms)) {
            return known.clone();
        }
        let value = self.sum_of(graph, terms.iter().map(|(c, factors)| (c, factors)));
        self.sums.insert(Arc::as_ptr(terms), value.clone());
        value
    }

    fn factor(&mut self, graph: &mut Graph, factor: &Factor) -> Vec<Expr> {
        match factor {
            Factor::Coordinate(name) => self.coordinates[name.as_str()].clone(),
            Factor::Gradient(arguments) => {
                let mut along = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    let vector = self.product(graph, argument);
                    let entries = self.variables.iter().enumerate();
                    let components = entries.map(|(i, &v)| (v, entry(&vector, i)));
                    along.push(self.jets.direction(components));
                }
                let components = self.gradient.iter();
                components.map(|e| self.jets.derivative(graph, *e, &along)).collect()
            }
            Factor::Base(terms) => self.sum(graph, terms),
            Factor::Function(function, terms) => {
                let argument = self.sum(graph, terms);
                argument.into_iter().map(|x| elementary(graph, *function, x)).collect()
            }
            Factor::Entries(factors) => {
                let vector = self.product(graph, factors);
                let entries = 0..self.variables.len();
                vec![graph.combination(entries.map(|i| (1.into(), entry(&vector, i))))]
            }
            Factor::Dimension => vec![graph.integer(self.variables.len() as i64)],
            Factor::Loss => vec![self.loss],
            Factor::Chain(_) | Factor::Frechet(..) | Factor::Identity => {
                unreachable!("fields with matrices are refused")
            }
        }
    }
}

fn elementary(graph: &mut Graph, function: Elementary, x: Expr) -> Expr {
    let choice = |graph: &mut Graph, relation, yes, no| {
        graph.select(Condition { left: x, relation, right: Expr::ZERO }, yes, no)
    };
    match function {
        Elementary::Positive => choice(graph, Relation::Greater, Expr::ONE, Expr::ZERO),
        Elementary::Sign => {
            let minus = graph.integer(-1);
            let other = choice(graph, Relation::Less, minus, Expr::ZERO);
            choice(graph, Relation::Greater, Expr::ONE, other)
        }
        Elementary::Absolute => graph.abs(x),
        Elementary::Exponential => graph.apply(Function::Exp, x),
        Elementary::Logarithm => graph.apply(Function::Log, x),
        Elementary::HyperbolicTangent => graph.apply(Function::Tanh, x),
    }
}
