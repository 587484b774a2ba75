//! Implicit steps that end at a kink of the loss: the proximal step of `|x|` is a soft threshold.
//!
//! Where the gradient jumps, `θ' = z + d f(θ')` has a solution in the sense of Filippov: a point on whose two
//! sides `θ' - z - d f(θ')` has different signs. For one implicit stage it is found coordinate by coordinate,
//! by bisection, which is right where the jump of every component is across its own coordinate (Tseng 2001,
//! *Convergence of a block coordinate descent method for nondifferentiable minimization*); other kinks are left
//! alone.

use crate::flow::step::method::{Method, Vector};
use crate::flow::velocity::is_real;
use crate::flow::{Problem, Stop};
use num_complex::Complex64;

/// How often all coordinates are gone through.
const MAX_SWEEPS: usize = 200;
/// How often a bracket is halved.
const MAX_BISECTIONS: usize = 2200;
/// A component jumps where it changes by this part of what it was.
const JUMP: f64 = 1e-7;
/// The most that other components change there, compared with it.
const SEPARATE: f64 = 1e-3;
/// How exactly the equation must hold in the coordinates without a jump, relative to its terms.
const ACCURACY: f64 = 1e-10;

impl Method {
    /// The stage whose point lies on kinks, if the method has one stage, at its own point, and there is such a
    /// point.
    pub(in crate::flow) fn stage_at_kink(
        &self,
        problem: &Problem,
        states: &[Vector],
    ) -> Result<Option<Vec<Vector>>, Stop> {
        let ([(_, arguments)], [_], [_]) =
            (self.stages.as_slice(), problem.fields(), problem.spaces())
        else {
            return Ok(None);
        };
        let d = arguments[0].stages[0];
        let zero = vec![vec![Complex64::ZERO; problem.dimension()]];
        let origin = self.point(problem, 0, states, &zero);
        if d <= 0.0 || !is_real(&origin) {
            return Ok(None);
        }
        let z: Vec<f64> = origin.iter().map(|z| z.re).collect();
        // θ - z - d f(θ)
        let rest = |x: &[f64]| -> Result<Vec<f64>, Stop> {
            let point: Vec<Complex64> = x.iter().map(|&x| x.into()).collect();
            let field = self.evaluate(problem, 0, &point)?;
            Ok((0..x.len()).map(|i| x[i] - z[i] - d * field[i].re).collect())
        };
        let mut x = z.clone();
        let mut jumps = vec![false; x.len()];
        for _ in 0..MAX_SWEEPS {
            let before = x.clone();
            for (i, jumps) in jumps.iter_mut().enumerate() {
                let Some(jump) = settle(&mut x, i, &rest)? else { return Ok(None) };
                *jumps = jump;
            }
            if x == before {
                break;
            }
        }
        let found = rest(&x)?;
        let fits = |i: usize| jumps[i] || found[i].abs() <= ACCURACY * (x[i].abs() + z[i].abs());
        if !jumps.contains(&true) || !(0..x.len()).all(fits) || !is_separable(&x, &jumps, &rest)? {
            return Ok(None);
        }
        let stage = x.iter().zip(&z).map(|(x, z)| Complex64::from((x - z) / d)).collect();
        Ok(Some(vec![stage]))
    }
}

/// Moves coordinate `i` to where its component changes its sign, and says whether it jumps there; none if it
/// keeps its sign.
fn settle(
    x: &mut [f64],
    i: usize,
    rest: &impl Fn(&[f64]) -> Result<Vec<f64>, Stop>,
) -> Result<Option<bool>, Stop> {
    let mut a = x[i];
    let mut of_a = rest(x)?[i];
    let scale = a.abs() + of_a.abs();
    let mut at = |value: f64| -> Result<f64, Stop> {
        x[i] = value;
        Ok(rest(x)?[i])
    };
    if of_a == 0.0 {
        return Ok(Some(false));
    }
    let mut step = -of_a;
    let (mut b, mut of_b);
    loop {
        b = a + step;
        if !b.is_finite() {
            return Ok(None);
        }
        of_b = at(b)?;
        if of_b == 0.0 {
            return Ok(Some(false));
        }
        if of_b.signum() != of_a.signum() {
            break;
        }
        (a, of_a) = (b, of_b);
        step *= 2.0;
    }
    let before = of_a.abs() + of_b.abs();
    for _ in 0..MAX_BISECTIONS {
        // A kink at 0 is found exactly.
        let middle = if a.min(b) < 0.0 && a.max(b) > 0.0 { 0.0 } else { a + (b - a) / 2.0 };
        if middle == a || middle == b {
            break;
        }
        let of_middle = at(middle)?;
        if of_middle == 0.0 {
            return Ok(Some(false));
        }
        if of_middle.signum() == of_a.signum() {
            (a, of_a) = (middle, of_middle);
        } else {
            (b, of_b) = (middle, of_middle);
        }
    }
    // At a jump the equation stays as far from 0 as it was; where it grows there is a pole.
    let after = of_a.abs() + of_b.abs();
    if after.is_nan() || after > before {
        return Ok(None);
    }
    at(if a.abs() < b.abs() { a } else { b })?;
    Ok(Some((of_a - of_b).abs() > JUMP * scale))
}

/// Whether no other component jumps where a coordinate crosses its kink.
fn is_separable(
    x: &[f64],
    jumps: &[bool],
    rest: &impl Fn(&[f64]) -> Result<Vec<f64>, Stop>,
) -> Result<bool, Stop> {
    for i in (0..x.len()).filter(|&i| jumps[i]) {
        let side = |sign: f64| {
            let mut beside = x.to_vec();
            beside[i] += sign * JUMP * (1.0 + x[i].abs());
            rest(&beside)
        };
        let (up, down) = (side(1.0)?, side(-1.0)?);
        let change = |j: usize| (up[j] - down[j]).abs();
        if (0..x.len()).any(|j| j != i && change(j) > SEPARATE * change(i)) {
            return Ok(false);
        }
    }
    Ok(true)
}
