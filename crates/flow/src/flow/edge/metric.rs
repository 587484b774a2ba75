//! How far an optimizer's averaged steps go, and from which curvature on they oscillate.

use crate::flow::step::method::Method;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

/// An optimizer whose averaged iterates move by `-ρ ∇E` a step, entry by entry, and whose steps are stable while
/// `H ≺ M = c/ρ`, a diagonal matrix.
///
/// | optimizer | `ρ` | `c` | |
/// |---|---|---|---|
/// | gradient descent | `h` | 2 | `1 - hλ = -1` |
/// | heavy ball | `h/(1-m)` | `2(1+m)/(1-m)` | -1 is a root of `r² - (1+m-hλ)r + m` |
/// | RMSProp | `h/(√ν+ε)` | 2 | with `ν` held |
/// | Adam | `h/(√ν+ε)` | `2(1+β₁)/(1-β₁)` | as the heavy ball |
#[derive(Clone, PartialEq, Debug)]
pub(in crate::flow) struct Metric {
    /// `h/(1-m)` for the heavy ball; what stands above `√ν+ε`.
    pub(in crate::flow) rate: f64,
    /// `c`.
    pub(in crate::flow) threshold: f64,
    /// How large the oscillation of the parameters is, in units of that of the point where gradients are taken: 1 unless
    /// that point runs ahead of them.
    pub(in crate::flow) ratio: f64,
    /// The average of squared gradients, if steps are divided by its root.
    pub(in crate::flow) second: Option<SecondMoment>,
}

/// `v' = β v + (1-β) g²`, and steps divided by `√v' + ε`.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::flow) struct SecondMoment {
    pub(in crate::flow) beta: f64,
    pub(in crate::flow) eps: f64,
    /// Whether `g²` is `‖g‖²`, one number for all entries.
    pub(in crate::flow) joint: bool,
    /// Whether steps are divided by the root of `v'/(1-β^t)`: then `ν` is that.
    pub(in crate::flow) corrected: bool,
    /// Which state of the optimizer `v` is.
    pub(in crate::flow) state: usize,
    /// `ν` before the first step that is followed, and how many steps were made until then.
    pub(in crate::flow) before: Vec<f64>,
    pub(in crate::flow) steps: f64,
}

impl SecondMoment {
    /// `a/(1-a)` of `v_t - v_{t-1} = a (g_t² - v_{t-1}) = a/(1-a) (g_t² - v_t)`, of the `v_t` that the step from `g_t` is
    /// divided by. `a = 1-β`, with the bias correction `(1-β)/(1-β^t)`; `time` is that of the step before, from 0 on, and
    /// at its time the first square is all that there is.
    pub(super) fn speed(&self, time: f64) -> f64 {
        let part = self.part(time + 2.0);
        part / (1.0 - part)
    }

    /// `a`, in step `t`, counted from 1 where the flow begins.
    fn part(&self, t: f64) -> f64 {
        if self.corrected {
            (1.0 - self.beta) / (1.0 - self.beta.powf(t + self.steps))
        } else {
            1.0 - self.beta
        }
    }

    /// From an optimizer's states before step `number`, counted from 1, or long after its start.
    pub(in crate::flow) fn of_states(
        self,
        states: &[Vec<Complex64>],
        number: Option<u64>,
    ) -> SecondMoment {
        let steps = number.map_or(f64::INFINITY, |number| number.saturating_sub(1) as f64);
        let all = if self.corrected && steps > 0.0 { 1.0 - self.beta.powf(steps) } else { 1.0 };
        let before = states[self.state].iter().map(|v| v.re / all).collect();
        SecondMoment { before, steps, ..self }
    }

    /// The squares that it averages, from those of all entries.
    pub(super) fn squares(&self, squares: Vec<f64>) -> Vec<f64> {
        if self.joint { vec![squares.iter().sum()] } else { squares }
    }

    /// `v'` of step `t`, counted from 1.
    pub(super) fn update(&self, v: &[f64], gradient: &[f64], t: usize) -> Vec<f64> {
        let squares = self.squares(gradient.iter().map(|g| g * g).collect());
        let part = self.part(t as f64);
        let old = |i: usize| v.get(i).copied().unwrap_or(0.0);
        squares.into_iter().enumerate().map(|(i, g)| old(i) + part * (g - old(i))).collect()
    }
}

impl Metric {
    /// `ρ = h`, `c = 2`.
    pub(in crate::flow) fn of_descent(h: f64) -> Metric {
        Metric { rate: h, threshold: 2.0, ratio: 1.0, second: None }
    }

    /// Of a linear step `s' = As + bf`, `f` taken at `y = Cs + Df`, of states `s` of which the first is `θ`: with `G = C(z-A)⁻¹b + D`,
    /// `y` answers to `f = -λy` with an oscillation `z = -1` where `1 + λG(-1) = 0`, and `θ` moves by `f lim_{z→1} (z-1)G(z)` on
    /// the average.
    ///
    /// # Errors
    /// A step of several gradients, or one that does not lose its stability by such an oscillation: says so.
    pub(in crate::flow) fn of_linear(method: &Method) -> Result<Metric, &'static str> {
        const SEVERAL: &str = "evaluates one gradient a step";
        const OTHERWISE: &str = "loses its stability first by an oscillation of period 2";
        // Fields that are treated alike are one.
        let first = method.stages.first().ok_or(SEVERAL)?.0;
        let own: Vec<usize> =
            (0..method.stages.len()).filter(|&l| method.stages[l].0 == first).collect();
        let ([stage], true) = (&own[..], method.states.iter().all(|space| *space == 0)) else {
            return Err(SEVERAL);
        };
        let n = method.states.len();
        let a = DMatrix::from_fn(n, n, |i, j| method.update[i].states[j]);
        let b = DVector::from_fn(n, |i, _| method.update[i].stages[*stage]);
        let at = &method.stages[*stage].1[0];
        let (c, d) = (DVector::from_column_slice(&at.states), at.stages[*stage]);
        let response = |z: f64| (DMatrix::identity(n, n) * z - &a).lu().solve(&b);
        let alternating = response(-1.0).ok_or(OTHERWISE)?;
        let seen = c.dot(&alternating) + d;
        let edge = -1.0 / seen;
        if !(edge > 0.0 && edge.is_finite()) {
            return Err(OTHERWISE);
        }
        // The residue of (z-A)⁻¹ at 1 is the projector onto the eigenvalue 1.
        let rate: f64 =
            method.memories[0].projector[0].iter().zip(b.iter()).map(|(p, b)| p * b).sum();
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(OTHERWISE);
        }
        // Every root is inside of the unit circle before the edge.
        let largest = |lambda: f64| {
            let closed = &a - &b * c.transpose() * (lambda / (1.0 + lambda * d));
            closed.complex_eigenvalues().iter().map(|root| root.norm()).fold(0.0, f64::max)
        };
        if (1..=50).any(|part| largest(edge * f64::from(part) / 50.0) > 1.0 + 1e-7) {
            return Err(OTHERWISE);
        }
        Ok(Metric { rate, threshold: edge * rate, ratio: alternating[0] / seen, second: None })
    }

    /// `ρ` of `d` entries. `nu` has `d` entries, or one for all, or none where steps are not divided.
    pub(super) fn rates(&self, nu: &[f64], d: usize) -> Vec<f64> {
        let Some(second) = &self.second else { return vec![self.rate; d] };
        let rate = |nu: f64| self.rate / (nu.sqrt() + second.eps);
        match nu {
            [nu] => vec![rate(*nu); d],
            nu => nu.iter().map(|&nu| rate(nu)).collect(),
        }
    }

    /// The diagonal of `M`.
    pub(super) fn edges(&self, nu: &[f64], d: usize) -> Vec<f64> {
        self.rates(nu, d).into_iter().map(|rate| self.threshold / rate).collect()
    }

    /// `∂M/∂ν` of `d` entries; nothing where steps are not divided.
    pub(super) fn edge_slopes(&self, nu: &[f64], d: usize) -> Vec<f64> {
        // An entry that has never had a gradient has no oscillation either.
        let slope = |nu: f64| self.threshold / self.rate / (2.0 * nu.sqrt().max(1e-100));
        match nu {
            [nu] if self.second.is_some() => vec![slope(*nu); d],
            nu => nu.iter().map(|&nu| slope(nu)).collect(),
        }
    }

    /// What the largest eigenvalue of the pencil `(H, M)` is multiplied by to be one of `H`, or of `P⁻¹H` where steps are
    /// divided by `P`: the edge.
    pub(super) fn edge(&self) -> f64 {
        self.threshold / self.rate
    }
}

/// A real point as flows take it.
pub(super) fn complex(x: &[f64]) -> Vec<Complex64> {
    x.iter().map(|&x| x.into()).collect()
}

/// The sum of products.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
