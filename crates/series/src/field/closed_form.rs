//! The principal part of a modified field in closed form.
//!
//! The principal terms are the chains `(f')^n f`; they are all that is left on a linear field
//! `f(θ) = Jθ`. There one step is the linear map `s' = R(z) s`, `z = hJ`,
//!
//! ```text
//! R(z) = A + z B (I - z D)⁻¹ C,
//! ```
//!
//! the trajectory settles on the eigenvector of the root `P(z)` of `det(λ - R(z))` with
//! `P(0) = 1`, and the principal part is `log P(hJ)/(hJ) f`. This never looks at a tree: it is a
//! second route to the coefficients of the chains, and [`ClosedForm::first_difference`] compares
//! the two.

use super::ChainDifference;
use crate::exact::{Poly, RationalFunction};
use crate::expression::{Branch, Expression};
use crate::formula::{Code, Math, Sentence, layout, zero};
use crate::series::{GeneralLinearMethod, ModifiedField, characteristic_polynomial};
use crate::tree::{Tree, TreeId};

/// The principal part `log P(hJ)/(hJ) f` of a method with one vector field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClosedForm {
    /// Names of the parameters of the coefficients; the last one is `z`.
    names: Vec<String>,
    /// `P`, as a root of a factor of `det(λ - R(z))`.
    root: Branch,
    /// The coefficients of `z^0, z^1, …` of `log P(z)/z`.
    series: Vec<RationalFunction>,
    /// Which parameter is `h`, if it is one, so that `z` stands for `J` alone.
    step_parameter: Option<usize>,
}

impl ClosedForm {
    /// The closed form of `method`, its power series up to `z^order`. `None` for several vector
    /// fields, whose Jacobians do not commute, and where no variable is left for `z`.
    pub fn new(method: &GeneralLinearMethod, order: usize) -> Option<ClosedForm> {
        let z = method.parameters.len();
        if method.fields.len() != 1 || z >= crate::exact::MAX_VARIABLES {
            return None;
        }
        let mut names = method.parameters.clone();
        names.push(free_name(&["z", "w", "u"], &method.parameters));
        let root = Branch::new(integral(characteristic_polynomial(&method.linear_step(z)?)), z)?;
        // The division by z costs one coefficient.
        let log = root.series(order + 2).log().expect("P(0) = 1");
        let series = (1..=order as i64 + 1)
            .map(|n| log.coefficient(n).expect("below the precision"))
            .collect();
        Some(ClosedForm { names, root, series, step_parameter: method.step_parameter })
    }

    /// The coefficients of `z^0, z^1, …` of `log P(z)/z`: what `b` of the chains must be.
    pub fn series(&self) -> &[RationalFunction] {
        &self.series
    }

    /// `P(z)`, a function of the parameters and, the last variable, `z`.
    pub fn root(&self) -> Expression {
        self.root.expression()
    }

    /// `φ(z)`, where the principal part is `φ(hJ) f`: `log P(z)/z`. If `h` is a parameter, the principal
    /// part is `φ(J) f` with `φ(z) = log P(z)/(h z)`.
    pub fn function(&self) -> Expression {
        let z = RationalFunction::variable(self.names.len() - 1);
        let divisor = match self.step_parameter {
            Some(h) => &RationalFunction::variable(h) * &z,
            None => z,
        };
        self.root().log().over(&divisor)
    }

    /// The names of the parameters and of `z`, which is called otherwise if a parameter has this name.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether `h` is a parameter, so that `z` stands for `J` alone.
    pub fn keeps_step(&self) -> bool {
        self.step_parameter.is_some()
    }

    /// The polynomial `Σ_j d_j r^j` whose root is `R(z)`, where `P(z) = 1 + z R(z)`: its coefficients
    /// `d_0, d_1, …`, polynomials in the parameters and, the last variable, `z`.
    ///
    /// With the polynomial `Σ_i c_i λ^i` that has the root `P` it is `(1/z) Σ_i c_i (1+zr)^i`, which has
    /// no denominator since 1 is a root at `z = 0`. `R(0) = -d_0/d_1`, and digits of `P(z) - 1`
    /// are not lost near there.
    pub fn rate(&self) -> Vec<RationalFunction> {
        let z = RationalFunction::variable(self.names.len() - 1);
        let power = |j: usize| z.pow(j as i32 - 1).expect("z is not 0");
        let coefficients = self.root.coefficients();
        (0..coefficients.len())
            .map(|j| {
                let shifted = coefficients.iter().enumerate().skip(j);
                let sum = shifted.fold(Poly::zero(), |sum, (i, c)| {
                    sum.add(&c.scale(&num_integer::binomial(i, j).into()))
                });
                &RationalFunction::from(sum) * &power(j)
            })
            .collect()
    }

    /// Whether `P(z) = 1 + z`, so that the chain with `n + 1` nodes has `b = (-1)^n/(n+1)`: the
    /// tall-tree theorem (Theorem 3.1 of the paper).
    pub fn is_tall_tree_theorem(&self) -> bool {
        let one_plus_z = Poly::one().add(&Poly::variable(self.names.len() - 1));
        !self.keeps_step() && self.root() == one_plus_z.into()
    }

    /// The smallest chain of `field`, of any colours, whose `b` is not the coefficient of the closed
    /// form; `None` if they all agree.
    pub fn first_difference(&self, field: &ModifiedField) -> Option<ChainDifference> {
        let trees = field.trees();
        let chains = |nodes: usize| -> Vec<TreeId> {
            match trees.colors() {
                1 => trees.find(&Tree::chain(nodes)).into_iter().collect(),
                _ => trees.of_size(nodes).filter(|&t| trees.is_chain(t)).collect(),
            }
        };
        (1..=trees.max_nodes()).zip(&self.series).find_map(|(nodes, closed)| {
            let chain = chains(nodes).into_iter().find(|&t| field.b(t) != *closed)?;
            Some(ChainDifference {
                chain: trees.tree(chain),
                derived: field.b(chain),
                closed: closed.clone(),
            })
        })
    }

    /// The definition of `P(z)`: a formula where its polynomial has degree at most two, otherwise the
    /// equation it solves.
    pub fn definition(&self) -> String {
        let (explicit, rest) = self.root_defined();
        Sentence::default().display(explicit.into_iter().collect()).then(rest).show(&Code::Ascii)
    }

    /// The principal part as a formula in `J = f'`: `log(1+hJ)/(hJ) f`.
    pub fn formula(&self) -> String {
        self.sentence("f").show(&Code::Ascii)
    }

    /// The principal part with the name of the vector field that it is applied to.
    pub(super) fn sentence(&self, field: &str) -> Sentence {
        let argument = if self.keeps_step() {
            Math::name("J")
        } else {
            Math::Row(vec![Math::name("h"), Math::name("J")])
        };
        let root = if self.is_tall_tree_theorem() {
            Math::Sum(vec![(false, Math::number(1)), (false, argument.clone())])
        } else {
            Math::function("P", argument.clone())
        };
        let mut factors = vec![Math::Logarithm(Box::new(root)).over(argument), Math::name(field)];
        if self.keeps_step() {
            factors.insert(0, Math::number(1).over(Math::name("h")));
        }
        let part = Math::Contraction(factors);
        if self.is_tall_tree_theorem() {
            return Sentence::default().display(vec![part]);
        }
        match self.root_defined() {
            (Some(explicit), rest) => Sentence::default().display(vec![part, explicit]).then(rest),
            (None, rest) => Sentence::default().display(vec![part]).words(",  ").then(rest),
        }
    }

    /// `P(z) = …` where there is a formula, and what is to be said beside it.
    fn root_defined(&self) -> (Option<Math>, Sentence) {
        let root = |at: &str| Math::function("P", Math::name(at));
        let z = self.names.last().expect("z has a name");
        let branch = Math::function("P", Math::number(0)).equals(Math::number(1));
        match self.root() {
            Expression::Root(implicit) => {
                let sentence = Sentence::default().math(root(z)).words(" the root with ");
                let sentence = sentence.math(branch).words(" of ");
                let equation = zero(&implicit, &self.names).equals(Math::number(0));
                (None, sentence.display(vec![equation]))
            }
            expression => {
                let sentence = match expression {
                    Expression::Rational(_) => Sentence::default(),
                    _ => Sentence::default().words(", the branch with ").math(branch),
                };
                (Some(root(z).equals(layout(&expression, &self.names))), sentence)
            }
        }
    }
}

/// The first of `names` that is not taken, or the last one with so many underscores.
fn free_name(names: &[&str], taken: &[String]) -> String {
    let free = names.iter().find(|name| !taken.iter().any(|t| t == *name));
    let mut name = free.or(names.last()).copied().unwrap_or_default().to_string();
    while taken.contains(&name) {
        name.push('_');
    }
    name
}

/// The polynomial in `λ` with coefficients that have no denominator, and no factor `λ`.
fn integral(mut coefficients: Vec<RationalFunction>) -> Vec<Poly> {
    let first = coefficients.iter().position(|c| !c.is_zero()).unwrap_or(0);
    coefficients.drain(..first);
    let common = RationalFunction::common_denominator(&coefficients);
    let numerators = coefficients.iter().map(|c| {
        let share = common.div_exact(c.denominator()).expect("a common denominator");
        c.numerator().mul(&share)
    });
    numerators.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::joint;
    use crate::optimizer;
    use crate::series::derive;
    use crate::text::source::Source;
    use crate::tree::TreeTable;
    use num_rational::BigRational;

    fn closed(text: &str) -> ClosedForm {
        let source = Source::new("test", format!("optimizer mine{text}"));
        let optimizer = optimizer::parse(&source).unwrap().remove(0);
        ClosedForm::new(&optimizer.method(&Default::default()).unwrap(), 2).unwrap()
    }

    /// The expression that is printed, expanded in `z`, against the recurrence in the step number, for
    /// the chains with up to `order + 1` nodes.
    fn expands_into_the_chains(closed: &ClosedForm, method: &GeneralLinearMethod, order: usize) {
        let z = closed.names().len() - 1;
        // The division by z costs one coefficient.
        let series = closed.function().series(z, order + 2).unwrap();
        let trees = TreeTable::closure(1, &[Tree::chain(order + 1)]);
        let field = derive(method, trees.into()).unwrap();
        for n in 0..=order {
            let mut expected = field.b(field.trees().find(&Tree::chain(n + 1)).unwrap());
            if let Some(h) = method.step_parameter {
                expected = expected.divide(&RationalFunction::variable(h)).unwrap();
            }
            assert_eq!(series.coefficient(n as i64), Some(expected), "{}", closed.formula());
        }
    }

    #[test]
    fn printed_expressions_of_the_library_expand_into_the_chains() {
        let (mut explicit, mut implicit) = (0, 0);
        for optimizer in optimizer::library() {
            // With symbols, and further with numbers.
            let number =
                |i: usize| BigRational::new((i as i64 + 2).into(), (2 * i as i64 + 7).into());
            let numbers = optimizer.parameters.iter().cloned().zip((0..).map(number)).collect();
            for (values, order) in [(Default::default(), 2), (numbers, 8)] {
                let Some(method) = joint(&optimizer.method(&values).unwrap()) else { continue };
                let closed = ClosedForm::new(&method, 0).unwrap();
                match closed.root() {
                    Expression::Root(_) => implicit += 1,
                    _ => explicit += 1,
                }
                expands_into_the_chains(&closed, &method, order);
            }
        }
        assert!(explicit >= 60 && implicit >= 2, "{explicit}, {implicit}");
    }

    #[test]
    fn averages_of_iterates_have_the_principal_part_of_the_iterates() {
        let average =
            closed("(beta) { state x\n x' = x + h*f(x)\n theta' = beta*theta + (1-beta)*x' }");
        assert!(average.is_tall_tree_theorem());
        assert_eq!(average.formula(), "log(1+hJ)/(hJ) f");
        // An average of averages, of heavy ball.
        let ball = closed(
            "(m, a, b) { state v, x, y
                v' = m*v + h*f(x)
                x' = x + v'
                y' = a*y + (1-a)*x'
                theta' = b*theta + (1-b)*y' }",
        );
        let expected = "P(z) = (1+m+z + sqrt((1+m+z)^2 - 4*m))/2, the branch with P(0) = 1";
        assert_eq!(ball.definition(), expected);
    }

    #[test]
    fn rational_roots_are_found_at_any_degree() {
        // Buffers that follow the iterates and feel the field at places of their own: no eigenvalue
        // is free of z, and the characteristic polynomial has degree three and four.
        for (buffers, updates) in [
            ("p, q", "p' = a*p + (1-a)*theta + 2*h*f(p)\n q' = b*q + (1-b)*theta + h*f(3*q - 2*p)"),
            (
                "p, q, r",
                "p' = a*p + (1-a)*theta + h*f(2*p - theta)\n q' = b*q + (1-b)*p + h*f(3*q - 2*p)
                 r' = r/2 + q/2 + h*f(5*r - 4*q)",
            ),
        ] {
            let text =
                format!("(a, b) {{ state {buffers}\n theta' = theta + h*f(theta)\n {updates} }}");
            let found = closed(&text);
            assert_eq!(found.definition(), "P(z) = 1+z", "{text}");
        }
    }

    #[test]
    fn a_parameter_may_be_called_z() {
        let ball = closed("(z) { state v\n v' = z*v + h*f(theta)\n theta' = theta + v' }");
        let expected = "P(w) = (1+z+w + sqrt((1+z+w)^2 - 4*z))/2, the branch with P(0) = 1";
        assert_eq!(ball.definition(), expected);
    }
}
