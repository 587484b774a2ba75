//! The modified field of a nonlinear step, as terms that are trees of operations.

use super::atoms::{Atom, Atoms, Opaque, Polynomial, Product};
use super::error::TypedError;
use super::matrix::MatrixFunction;
use super::program::{Exponent, NodeId, Program, Shape};
use super::solve::Solver;
use crate::exact::RationalFunction;
use std::collections::HashMap;
use std::sync::Arc;

/// A product of powers of factors, entry by entry. Numbers among them multiply every entry.
pub type Factors = Vec<(Factor, Exponent)>;

/// A sum of products with coefficients.
pub type Terms = Vec<(RationalFunction, Factors)>;

/// A node of a typed tree; what it is made of are its children.
#[derive(Clone, PartialEq, Debug)]
pub enum Factor {
    /// The parameters, or a slow variable.
    Coordinate(String),
    /// `∇^(k+1) E` at the parameters, applied to `k` vectors: the gradient `g` for none, `H v` for one.
    Gradient(Vec<Arc<Factors>>),
    /// A sum, of which a power is taken.
    Base(Arc<Terms>),
    /// A function of a sum, entry by entry.
    Function(Elementary, Arc<Terms>),
    /// The sum of the entries of a vector.
    Entries(Arc<Factors>),
    /// The number of entries.
    Dimension,
    /// The loss, in a modified loss.
    Loss,
    /// A product of matrices, `true` for those that are transposed; one alone is.
    Chain(Vec<(Arc<Factors>, bool)>),
    /// The Fréchet derivative of a function at a matrix, along matrices; along none it is the function itself.
    Frechet(MatrixFunction, Arc<Terms>, Vec<Arc<Factors>>),
    /// An identity matrix.
    Identity,
}

/// A function of one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Elementary {
    /// `e^x`
    Exponential,
    /// The natural logarithm.
    Logarithm,
    /// The hyperbolic tangent.
    HyperbolicTangent,
    /// The absolute value of a sum.
    Absolute,
    /// 1 where the argument is positive, -1 where it is negative.
    Sign,
    /// 1 where the argument is positive, 0 where it is negative.
    Positive,
}

/// One term `h^power c Π factor^exponent` of a modified field.
#[derive(Clone, PartialEq, Debug)]
pub struct TypedTerm {
    /// The power of `h`.
    pub power: usize,
    /// The coefficient, a rational function of the parameters.
    pub coefficient: RationalFunction,
    /// The factors.
    pub factors: Factors,
}

/// The velocity of one coordinate.
#[derive(Clone, PartialEq, Debug)]
pub struct TypedCoordinate {
    /// `theta`, or the name of a slow variable.
    pub name: String,
    /// A number or a vector.
    pub shape: Shape,
    /// The terms, by powers of `h`.
    pub terms: Vec<TypedTerm>,
}

/// The modified field of a nonlinear step up to some order.
///
/// ```
/// use bea_series::optimizer::{Step, parse};
/// use bea_series::{source::Source, typed::TypedField};
///
/// let text = "optimizer sign_descent { theta' = theta - h*sign(g) }";
/// let optimizer = parse(&Source::new("mine.bea", text))?.remove(0);
/// let Step::Nonlinear(program) = optimizer.step(&Default::default())? else { panic!() };
/// let field = TypedField::derive(&program, 1, None)?;
/// assert_eq!(field.coordinates[0].terms.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct TypedField {
    /// The optimizer's name.
    pub optimizer: String,
    /// Names of the parameters that stay symbolic.
    pub parameters: Vec<String>,
    /// The highest power of `h`.
    pub order: usize,
    /// The step whose bias corrections these are; `None` on the slow manifold, where they are 1.
    pub step: Option<u64>,
    /// The velocities of the parameters and of the slow variables.
    pub coordinates: Vec<TypedCoordinate>,
    /// The operations that have kinks; the field holds away from them.
    pub kinks: Vec<NodeId>,
}

impl TypedField {
    /// To a higher order no machine holds a typed field.
    pub const MAX_ORDER: usize = 20;

    /// The field up to `h^order`: the coefficients of ν in the coordinates of step ν. Bias corrections are 1, or those of
    /// step `at`.
    ///
    /// # Errors
    /// As [`check`](super::check).
    pub fn derive(
        program: &Program,
        order: usize,
        at: Option<u64>,
    ) -> Result<TypedField, TypedError> {
        let mut solver = Solver::new(program, at);
        solver.stand_still()?;
        let mut coordinates = Vec::new();
        let mut names = Vec::new();
        for (i, state) in program.states.iter().enumerate() {
            names.push(state.name.clone());
            if i > 0 && !state.slow {
                continue;
            }
            let mut velocities = Vec::new();
            for power in 0..=order {
                velocities.push(solver.state(i, power + 1)?.coefficient(1));
            }
            coordinates.push((state.name.clone(), state.shape, velocities));
        }
        let mut trees = Trees { atoms: &solver.atoms, names, products: HashMap::new() };
        let coordinates = coordinates.into_iter().map(|(name, shape, velocities)| {
            let terms = velocities.into_iter().enumerate().flat_map(|(power, terms)| {
                terms.into_iter().map(move |(product, coefficient)| (power, product, coefficient))
            });
            let terms = terms.map(|(power, product, coefficient)| TypedTerm {
                power,
                coefficient,
                factors: trees.product(&product).as_ref().clone(),
            });
            let terms = terms.collect();
            TypedCoordinate { name, shape, terms }
        });
        Ok(TypedField {
            optimizer: program.name.clone(),
            parameters: program.parameters.clone(),
            order,
            step: at,
            coordinates: coordinates.collect(),
            kinks: program.kinks().collect(),
        })
    }
}

impl TypedField {
    /// Whether products of matrices or functions of matrices occur.
    pub fn has_matrices(&self) -> bool {
        self.coordinates.iter().flat_map(|c| &c.terms).any(|term| holds_matrices(&term.factors))
    }
}

fn holds_matrices(factors: &Factors) -> bool {
    factors.iter().any(|(factor, _)| match factor {
        Factor::Chain(_) | Factor::Frechet(..) | Factor::Identity => true,
        Factor::Gradient(arguments) => arguments.iter().any(|x| holds_matrices(x)),
        Factor::Base(sum) | Factor::Function(_, sum) => {
            sum.iter().any(|(_, factors)| holds_matrices(factors))
        }
        Factor::Entries(inner) => holds_matrices(inner),
        Factor::Coordinate(_) | Factor::Dimension | Factor::Loss => false,
    })
}

/// Atoms as trees.
pub(super) struct Trees<'a> {
    pub atoms: &'a Atoms,
    pub names: Vec<String>,
    /// Products that are trees already.
    pub products: HashMap<Product, Arc<Factors>>,
}

impl Trees<'_> {
    pub fn product(&mut self, product: &Product) -> Arc<Factors> {
        if let Some(known) = self.products.get(product) {
            return Arc::clone(known);
        }
        let factors = product.0.iter();
        let factors =
            factors.map(|(atom, exponent)| (self.factor(*atom), exponent.clone())).collect();
        let factors = Arc::new(factors);
        self.products.insert(product.clone(), Arc::clone(&factors));
        factors
    }

    fn sum(&mut self, sum: &Polynomial) -> Arc<Terms> {
        let terms =
            sum.iter().map(|(product, c)| (c.clone(), self.product(product).as_ref().clone()));
        Arc::new(terms.collect())
    }

    fn factor(&mut self, atom: u32) -> Factor {
        let atoms = self.atoms;
        match atoms.atom(atom) {
            Atom::Coordinate(i) => Factor::Coordinate(self.names[*i].clone()),
            Atom::Gradient(arguments) => {
                Factor::Gradient(arguments.iter().map(|argument| self.product(argument)).collect())
            }
            Atom::Base(sum) => Factor::Base(self.sum(sum)),
            Atom::Function(function, sum) => {
                let function = match function {
                    Opaque::Exponential => Elementary::Exponential,
                    Opaque::Logarithm => Elementary::Logarithm,
                    Opaque::HyperbolicTangent => Elementary::HyperbolicTangent,
                    Opaque::Absolute => Elementary::Absolute,
                    Opaque::Sign => Elementary::Sign,
                    Opaque::Positive => Elementary::Positive,
                };
                Factor::Function(function, self.sum(sum))
            }
            Atom::Entries(product) => Factor::Entries(self.product(product)),
            Atom::Dimension => Factor::Dimension,
            Atom::Loss => Factor::Loss,
            Atom::Chain(factors) => Factor::Chain(
                factors.iter().map(|(product, turned)| (self.product(product), *turned)).collect(),
            ),
            Atom::Frechet(function, base, along) => {
                let along = along.iter().map(|direction| self.product(direction)).collect();
                Factor::Frechet(*function, self.sum(base), along)
            }
            Atom::Identity(_) => Factor::Identity,
            // Only what says that a Jacobian is not symmetric has directions.
            Atom::Hole(i) => Factor::Coordinate(["v", "w"][*i].to_string()),
        }
    }
}
