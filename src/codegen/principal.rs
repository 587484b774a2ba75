//! The principal part of a modified field as a function of one eigenvalue.
//!
//! On a linear field with Jacobian `J` the optimizer settles on the root `P(z)`, `z = hJ`, of its
//! characteristic polynomial with `P(0) = 1`, and the principal part is `log(P(hJ))/(hJ) f`. With
//! `P(z) = 1 + z R(z)`,
//!
//! ```text
//! log(P(z))/z = R(z) log(1 + w)/w,   w = z R(z),
//! ```
//!
//! which loses no digits near `z = 0`. Gradient descent has `R = 1`. In general `w` solves
//! `a w² + B w + z e(z) = 0` where `a λ² + b λ + c` is the characteristic polynomial,
//! `B = 2a + b` and `z e(z) = a + b + c`; so
//!
//! ```text
//! R = -e/B                                     (a = 0: a method without memory)
//! R = -2e/(B (1 + √(1 - 4 a z e/B²)))          (one buffer)
//! ```

use crate::exact::{Poly, RationalFunction};
use crate::loss::{Expr, Graph, Program};
use crate::series::{GeneralLinearMethod, characteristic_polynomial};

/// `R(z)` as a program with the inputs `z` and then the parameters; `None` for `R = 1`.
///
/// # Errors
/// Why the principal part has no such form.
pub(super) fn rate(method: &GeneralLinearMethod) -> Result<Option<Program>, &'static str> {
    let z = method.parameters.len();
    if method.fields.len() != 1 {
        return Err("its vector fields have Jacobians that do not commute");
    }
    if method.step_parameter.is_some() {
        return Err("its step size does not scale out");
    }
    if z >= crate::exact::MAX_VARIABLES {
        return Err("all symbolic parameters are taken; set one of them");
    }
    let step = method.linear_step(z).ok_or("its stages do not exist")?;
    let mut characteristic = characteristic_polynomial(&step);
    let first = characteristic.iter().position(|c| !c.is_zero()).unwrap_or(0);
    characteristic.drain(..first);
    let zero = RationalFunction::zero();
    let (c, b, a) = match characteristic.as_slice() {
        [c, b] => (c, b, &zero),
        [c, b, a] => (c, b, a),
        _ => return Err("it is the root of an equation of degree three or more"),
    };
    // a + b + c vanishes at z = 0, since the constant part of a step is kept.
    let sum = &(a + b) + c;
    let e = sum.divide(&RationalFunction::variable(z)).expect("z is not 0");
    if e.denominator().div_exact(&Poly::variable(z)).is_some() {
        return Err("a step without a vector field moves the parameters");
    }
    let slope = &(a + a) + b;
    let ratio = -&e.divide(&slope).ok_or("1 is a repeated root of its recurrence")?;
    if a.is_zero() && ratio.is_one() {
        return Ok(None);
    }
    let mut graph = Graph::new();
    let names: Vec<Expr> =
        (1..=z as u32).chain([0]).map(|variable| graph.variable(variable)).collect();
    let mut rate = graph.rational_function(&ratio, &names);
    if !a.is_zero() {
        // √(1 + 4 a z (-e/B)/B)
        let z = RationalFunction::variable(z);
        let four = RationalFunction::integer(4);
        let inner = (&(&four * a) * &(&z * &ratio)).divide(&slope).expect("not zero, see above");
        let inner = graph.rational_function(&inner, &names);
        let under = graph.add(Expr::ONE, inner);
        let root = graph.power(under, &crate::exact::Rational::new(1, 2).expect("2 is not 0"));
        let below = graph.add(Expr::ONE, root);
        let double = graph.scale(&2.into(), rate);
        rate = graph.div(double, below);
    }
    Ok(Some(Program::new(&graph, z + 1, &[rate])))
}
