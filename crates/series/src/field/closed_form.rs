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

use super::power_series as series;
use crate::exact::RationalFunction;
use crate::series::{GeneralLinearMethod, ModifiedField, characteristic_polynomial};
use crate::tree::{Tree, TreeId};
use num_integer::Integer;

/// The principal part `log P(hJ)/(hJ) f` of a method with one vector field.
#[derive(Clone, Debug)]
pub struct ClosedForm {
    /// Names of the parameters of the coefficients; the last one is `z`.
    names: Vec<String>,
    /// `P` is a root of `Σ_i characteristic[i] λ^i`, polynomials in `z` and the parameters.
    characteristic: Vec<RationalFunction>,
    /// The coefficients of `z^0, z^1, …` of `log P(z)/z`.
    series: Vec<RationalFunction>,
    /// Whether `h` is a parameter, so that `z` stands for `J` alone.
    keeps_step: bool,
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
        names.push("z".into());
        let characteristic = integral(characteristic_polynomial(&method.linear_step(z)?));
        let by_z = characteristic
            .iter()
            .map(|c| c.numerator().coefficients_in(z).into_iter().map(Into::into).collect())
            .collect::<Vec<Vec<RationalFunction>>>();
        let root = series::root_at_one(&by_z, order + 2)?;
        let mut log = series::log(&root, order + 2);
        log.remove(0);
        let keeps_step = method.step_parameter.is_some();
        Some(ClosedForm { names, characteristic, series: log, keeps_step })
    }

    /// The coefficients of `z^0, z^1, …` of `log P(z)/z`: what `b` of the chains must be.
    pub fn series(&self) -> &[RationalFunction] {
        &self.series
    }

    /// The polynomial `Σ_j d_j r^j` whose root is `R(z)`, where `P(z) = 1 + z R(z)`: its coefficients
    /// `d_0, d_1, …`, polynomials in the parameters and, the last variable, `z`.
    ///
    /// With the characteristic polynomial `Σ_i c_i λ^i` it is `(1/z) Σ_i c_i (1+zr)^i`, which has no
    /// denominator since 1 is an eigenvalue at `z = 0`. `R(0) = -d_0/d_1`, and digits of `P(z) - 1`
    /// are not lost near there.
    pub fn rate(&self) -> Vec<RationalFunction> {
        let z = RationalFunction::variable(self.names.len() - 1);
        let power = |j: usize| z.pow(j as i32 - 1).expect("z is not 0");
        (0..self.characteristic.len())
            .map(|j| {
                let shifted = self.characteristic.iter().enumerate().skip(j);
                let sum = shifted.fold(RationalFunction::zero(), |sum, (i, c)| {
                    let ways = RationalFunction::integer(num_integer::binomial(i, j) as i64);
                    &sum + &(c * &ways)
                });
                &sum * &power(j)
            })
            .collect()
    }

    /// Whether `P(z) = 1 + z`, so that the chain with `n + 1` nodes has `b = (-1)^n/(n+1)`: the
    /// tall-tree theorem (Theorem 3.1 of the paper).
    pub fn is_tall_tree_theorem(&self) -> bool {
        !self.keeps_step && self.rational_root().is_some_and(|p| p.display(&self.names) == "1+z")
    }

    /// The smallest chain of `field`, of any colours, whose `b` is not the coefficient of the closed
    /// form, and both values; `None` if they all agree.
    pub fn first_difference(
        &self,
        field: &ModifiedField,
    ) -> Option<(Tree, RationalFunction, RationalFunction)> {
        let trees = field.trees();
        let chains = |nodes: usize| -> Vec<TreeId> {
            match trees.colors() {
                1 => trees.find(&Tree::chain(nodes)).into_iter().collect(),
                _ => trees.of_size(nodes).filter(|&t| trees.is_chain(t)).collect(),
            }
        };
        (1..=trees.max_nodes()).zip(&self.series).find_map(|(nodes, closed)| {
            let chain = chains(nodes).into_iter().find(|&t| field.b(t) != *closed)?;
            Some((trees.tree(chain), field.b(chain), closed.clone()))
        })
    }

    /// `P(z)`, if it is rational.
    fn rational_root(&self) -> Option<RationalFunction> {
        match self.characteristic.as_slice() {
            [c, a] => (-c).divide(a),
            _ => None,
        }
    }

    /// The definition of `P(z)`: a formula where the characteristic polynomial has degree at most
    /// two, otherwise the equation it solves.
    pub fn definition(&self) -> String {
        let show = |c: &RationalFunction| c.display(&self.names);
        if let Some(root) = self.rational_root() {
            return format!("P(z) = {}", show(&root));
        }
        if let [c, b, a] = self.characteristic.as_slice() {
            return format!("P(z) = {}, the branch with P(0) = 1", self.quadratic_root(c, b, a));
        }
        let mut equation = String::new();
        for (power, c) in self.characteristic.iter().enumerate().rev().filter(|(_, c)| !c.is_zero())
        {
            let text = show(c);
            let (negative, size) = match text.strip_prefix('-') {
                Some(size) => (true, size),
                None => (false, text.as_str()),
            };
            equation += match (equation.is_empty(), negative) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            };
            // A sum without a sign before it is printed bare.
            let is_sum = !size.starts_with('(') && size.contains(['+', '-']);
            equation += &match (size, is_sum, power) {
                (_, true, 0) => format!("({size})"),
                (_, false, 0) => size.to_string(),
                ("1", _, _) => "P".to_string(),
                (_, true, _) => format!("({size})*P"),
                (_, false, _) => format!("{size}*P"),
            };
            if power > 1 {
                equation += &format!("^{power}");
            }
        }
        format!("P(z) the root with P(0) = 1 of {equation} = 0")
    }

    /// The root `(-b + sqrt(b² - 4ac))/(2a)` of `aP² + bP + c`.
    fn quadratic_root(
        &self,
        c: &RationalFunction,
        b: &RationalFunction,
        a: &RationalFunction,
    ) -> String {
        let show = |c: &RationalFunction| c.display(&self.names);
        let bracketed = |text: String| match text.chars().all(char::is_alphanumeric) {
            true => text,
            false => format!("({text})"),
        };
        // The branch with P(0) = 1 has the plus sign where the slope 2a + b at z = 0 is positive:
        // arrange that for small parameters.
        let slope = (&(a + a) + b).numerator().coefficients_in(self.names.len() - 1).swap_remove(0);
        let [c, b, a] = match show(&slope.into()).starts_with('-') {
            true => [-c, -b, -a],
            false => [c.clone(), b.clone(), a.clone()],
        };
        // With b = 2B it is (-B + sqrt(B² - ac))/a.
        let two = RationalFunction::integer(2);
        let even = b.numerator().content().is_even();
        let half = |x: RationalFunction| if even { x.divide(&two).expect("2 is not 0") } else { x };
        let (b, below) = (half(b), show(&half(&a + &a)));
        let product = &(&a * &c) * &RationalFunction::integer(if even { 1 } else { 4 });
        let under = show(&product);
        let under = match under.strip_prefix('-') {
            Some(positive) => format!(" + {positive}"),
            // A sum that is not part of a product comes without brackets.
            None if product.numerator().terms().len() > 1 && !under.contains('(') => {
                format!(" - ({under})")
            }
            None => format!(" - {under}"),
        };
        let minus_b = show(&-&b);
        let square = format!("{}^2", bracketed(minus_b.clone()));
        let numerator = format!("{minus_b} + sqrt({square}{under})");
        if below == "1" { numerator } else { format!("({numerator})/{}", bracketed(below)) }
    }

    /// The principal part as a formula in `J = f'`: `log(1+hJ)/(hJ) f`.
    pub fn formula(&self) -> String {
        self.formula_for("f")
    }

    /// The same with another name for the vector field.
    pub(super) fn formula_for(&self, field: &str) -> String {
        let (argument, factor) = if self.keeps_step { ("J", "1/h ") } else { ("hJ", "") };
        let denominator = if self.keeps_step { "J".to_string() } else { "(hJ)".to_string() };
        if self.is_tall_tree_theorem() {
            return format!("{factor}log(1+{argument})/{denominator} {field}");
        }
        format!("{factor}log(P({argument}))/{denominator} {field},  {}", self.definition())
    }
}

/// The same polynomial in `λ` with coefficients that have no denominator, and no factor `λ`.
fn integral(mut coefficients: Vec<RationalFunction>) -> Vec<RationalFunction> {
    let first = coefficients.iter().position(|c| !c.is_zero()).unwrap_or(0);
    coefficients.drain(..first);
    let common = RationalFunction::common_denominator(&coefficients).into();
    coefficients.iter().map(|c| c * &common).collect()
}
