//! What is measured at one iterate. Quantities that several metrics need are computed once.

use super::optimizer::Flowing;
use super::sharpness::Sharpness;
use crate::experiment::config::{Flows, Metric};
use bea_flow::curvature::{Eigenpair, Error, eigenvalues};
use bea_flow::flow::stability::StabilityCoefficient;
use bea_flow::flow::{FlowName, Frozen, Problem, Request, SimulateError, Trajectory, Watch};
use bea_flow::objective::ObjectiveError;
use bea_network::device::DeviceError;
use bea_network::training::{Corridor, State, norm};
use bea_network::{Hessian, NetworkLoss};
use bea_series::tree::Tree;
use num_complex::Complex64;
use std::borrow::Cow;

/// An iterate `θ`, and the step from it.
pub(super) struct Moment<'a> {
    /// Its number among the iterates that are measured.
    pub number: usize,
    pub loss: &'a NetworkLoss,
    pub test: Option<&'a NetworkLoss>,
    /// The optimizer that trains, if it has a flow.
    pub optimizer: Option<&'a Flowing>,
    /// The rule's, or one to the loss 0, without a cap.
    pub corridor: Corridor,
    /// The loss at complex points too.
    pub problem: &'a Problem,
    pub flows: &'a Flows,
    /// The iterate, with the buffers and slow variables beside it.
    pub state: &'a State,
    /// `E(θ)`.
    pub value: f64,
    /// `∇E(θ)`.
    pub gradient: &'a [f64],
    /// The next step with its preconditioner held, where a metric needs it and there is one.
    pub frozen: Option<Frozen>,
    /// The step; there is none after the last iterate.
    pub taken: Option<Taken<'a>>,
    pub watch: &'a dyn Watch,
}

/// A step of the optimizer.
#[derive(Clone, Copy)]
pub(super) struct Taken<'a> {
    /// Its learning rate.
    pub h: f64,
    /// The next iterate.
    pub next: &'a [f64],
}

/// Quantities that several metrics share.
struct Shared<'a> {
    /// `∇²E g`.
    product: Vec<f64>,
    /// Of the Hessian of the loss.
    pairs: Vec<Eigenpair>,
    /// The gradient of the loss and the penalty of weight decay.
    penalised: Cow<'a, [f64]>,
    /// Of the loss and the penalty.
    coefficients: Vec<StabilityCoefficient>,
    next_value: f64,
    /// The points of flows after the time of one step.
    ends: Vec<(FlowName, Vec<Complex64>)>,
}

impl Moment<'_> {
    fn theta(&self) -> &[f64] {
        &self.state.theta
    }

    /// The columns of all metrics, in their order.
    pub fn measure(
        &self,
        metrics: &[Metric],
        sharpness: &mut Sharpness,
    ) -> Result<Vec<f64>, ObjectiveError> {
        let shared = self.share(metrics, sharpness)?;
        let mut row = Vec::new();
        for &metric in metrics {
            row.extend(self.values(metric, &shared, sharpness)?);
        }
        Ok(row)
    }

    fn share(
        &self,
        metrics: &[Metric],
        sharpness: &mut Sharpness,
    ) -> Result<Shared<'_>, ObjectiveError> {
        let needs = |which: fn(&Metric) -> bool| metrics.iter().any(which);
        let needs_product = needs(|m| matches!(m, Metric::HessianGradient | Metric::DriftEstimate));
        let product = if needs_product {
            self.loss.contraction(self.theta(), &[self.gradient])?
        } else {
            Vec::new()
        };
        let pairs = if metrics.iter().any(|&metric| Sharpness::needed(metric) > 0) {
            sharpness.find(self.loss, self.theta(), self.number)?
        } else {
            Vec::new()
        };
        let h = self.taken.map_or(f64::NAN, |taken| taken.h);
        let penalised = match self.optimizer {
            Some(optimizer) => optimizer.penalised(self.theta(), self.gradient),
            None => self.gradient.into(),
        };
        let coefficients = match self.optimizer.and_then(|optimizer| optimizer.principal(h)) {
            Some(principal) if h.is_finite() => {
                let mut pairs = pairs.clone();
                pairs.iter_mut().for_each(|pair| pair.value += self.decay());
                principal.along(&mut pairs, &penalised)
            }
            _ => Vec::new(),
        };
        let needs_next = needs(|m| matches!(m, Metric::RelativeProgress | Metric::LossError(_)));
        let next_value = match self.taken.filter(|_| needs_next) {
            Some(taken) => self.loss.loss(taken.next)?,
            None => f64::NAN,
        };
        let ends = self.ends(metrics)?;
        Ok(Shared { product, pairs, penalised, coefficients, next_value, ends })
    }

    /// Every flow that a metric needs, after the time of one step.
    fn ends(&self, metrics: &[Metric]) -> Result<Vec<(FlowName, Vec<Complex64>)>, ObjectiveError> {
        let (Some(taken), Some(optimizer)) = (self.taken, self.optimizer) else {
            return Ok(Vec::new());
        };
        let mut flows: Vec<FlowName> =
            metrics.iter().filter_map(|&metric| optimizer.flow(metric)).collect();
        flows.sort_unstable();
        flows.dedup();
        if flows.is_empty() {
            return Ok(Vec::new());
        }
        let request = self.flows.request(taken.h, 1, flows.clone());
        let request = Request { buffers: optimizer.slow_variables(self.state), ..request };
        let simulated = optimizer.simulate(self.theta(), &request, self.watch);
        let simulated = match simulated {
            Ok(simulated) => simulated,
            Err(SimulateError::Objective(error)) => return Err(error),
            Err(_) => return Ok(Vec::new()),
        };
        let end = |(flow, mut found): (FlowName, Trajectory)| {
            (found.theta.len() == 2).then(|| (flow, found.theta.swap_remove(1)))
        };
        Ok(flows.into_iter().zip(simulated.flows).filter_map(end).collect())
    }

    fn values(
        &self,
        metric: Metric,
        shared: &Shared,
        sharpness: &Sharpness,
    ) -> Result<Vec<f64>, ObjectiveError> {
        let h = self.taken.map_or(f64::NAN, |taken| taken.h);
        let end = || {
            let flow = self.optimizer?.flow(metric)?;
            shared.ends.iter().find(|(name, _)| *name == flow).map(|(_, end)| end.as_slice())
        };
        let one = |value: f64| vec![value];
        let test = |of: fn(&NetworkLoss, &[f64]) -> Result<f64, DeviceError>| {
            self.test.map_or(Ok(f64::NAN), |test| of(test, self.theta())).map(one)
        };
        let flow_loss =
            || end().map_or(Ok(f64::NAN), |end| self.problem.loss(end).map(|loss| loss.re));
        let of_pairs = |k: usize, of: &dyn Fn(&Eigenpair) -> f64| -> Vec<f64> {
            (0..k).map(|i| shared.pairs.get(i).map_or(f64::NAN, of)).collect()
        };
        Ok(match metric {
            Metric::Loss => one(self.value),
            Metric::Accuracy => one(self.loss.accuracy(self.theta())?),
            Metric::TestLoss => test(|test, theta| test.loss(theta))?,
            Metric::TestAccuracy => test(NetworkLoss::accuracy)?,
            Metric::GradientNorm => one(norm(self.gradient)),
            Metric::LearningRate => one(h),
            Metric::CorridorRate => one(self.corridor.rate(self.value, self.gradient)),
            Metric::UpdateNorm => one(self.taken.map_or(f64::NAN, |taken| {
                let moved: Vec<f64> =
                    taken.next.iter().zip(self.theta()).map(|(a, b)| a - b).collect();
                norm(&moved)
            })),
            Metric::RelativeProgress => {
                let size = norm(self.gradient);
                one((shared.next_value - self.value) / (h * size * size))
            }
            Metric::Lambda(k) => of_pairs(k, &|pair| pair.value),
            Metric::Preconditioned(k) => {
                let Some(frozen) = &self.frozen else { return Ok(vec![f64::NAN; k + 1]) };
                let mut values = sharpness.preconditioned(self.loss, self.theta(), frozen, k)?;
                values.resize(k, f64::NAN);
                values.push(frozen.threshold.as_ref().map_or(f64::NAN, |end| end.value));
                values
            }
            Metric::Threshold => {
                let end = match (&self.frozen, self.optimizer) {
                    (Some(frozen), _) => frozen.threshold.clone(),
                    (None, Some(optimizer)) => optimizer.threshold(h),
                    (None, None) => None,
                };
                end.map_or(vec![f64::NAN; 2], |end| vec![end.value, end.angle.unwrap_or(f64::NAN)])
            }
            Metric::SelfStabilization => {
                let simple =
                    shared.pairs.first().filter(|_| !sharpness.is_degenerate(&shared.pairs));
                let Some(pair) = simple else { return Ok(vec![f64::NAN; 3]) };
                let slope = self.loss.contraction(self.theta(), &[&pair.vector, &pair.vector])?;
                let (sharpening, square) = (-dot(&slope, self.gradient), dot(&slope, &slope));
                let flat = square.sqrt() <= sharpness.rounding(pair.value);
                vec![sharpening, square, if flat { f64::NAN } else { 2.0 * sharpening / square }]
            }
            Metric::Along(k) => of_pairs(k, &|pair| dot(self.gradient, &pair.vector).abs()),
            Metric::Coefficients(k) => {
                let parts = |i: usize| match shared.coefficients.get(i) {
                    Some(c) => [c.coefficient.re, c.coefficient.im],
                    None => [f64::NAN; 2],
                };
                (0..k).flat_map(parts).collect()
            }
            Metric::Eigenvalues => match eigenvalues(&Hessian::new(self.loss, self.theta())) {
                Ok((values, _)) => values,
                Err(Error::Objective(error)) => return Err(error),
                Err(_) => vec![f64::NAN; self.theta().len()],
            },
            Metric::HessianGradient => one(norm(&shared.product)),
            Metric::DriftEstimate => {
                // (∇²E + λ)(g + λθ)
                let g = &shared.penalised;
                let product = match self.decay() {
                    0.0 => norm(&shared.product),
                    decay => {
                        let product = self.loss.contraction(self.theta(), &[g])?;
                        norm(
                            &product
                                .iter()
                                .zip(&**g)
                                .map(|(p, g)| p + decay * g)
                                .collect::<Vec<_>>(),
                        )
                    }
                };
                one(self.term(&Tree::chain(2), h).abs() * h * h * product)
            }
            Metric::ThirdOrder => {
                let g = &*shared.penalised;
                let cherry = Tree::new(0, vec![Tree::chain(1), Tree::chain(1)]);
                let size = norm(&self.loss.contraction(self.theta(), &[g, g])?);
                one(self.term(&cherry, h).abs() * h * h * size)
            }
            Metric::Prediction => self.prediction(shared, h)?,
            Metric::Drift | Metric::Error(_) => one(match (end(), self.taken) {
                (Some(end), Some(taken)) => {
                    let square = |(z, x): (&Complex64, &f64)| (z - x).norm_sqr();
                    end.iter().zip(taken.next).map(square).sum::<f64>().sqrt()
                }
                _ => f64::NAN,
            }),
            Metric::LossError(_) => one(shared.next_value - flow_loss()?),
            Metric::FlowLoss(_) => one(flow_loss()?),
            Metric::FlowLambda(_) => {
                let real = |end: &[Complex64]| -> Option<Vec<f64>> {
                    end.iter().map(|z| (z.im == 0.0).then_some(z.re)).collect()
                };
                let pairs = end().and_then(real).map(|end| sharpness.at(self.loss, &end));
                let pairs = pairs.transpose()?;
                one(pairs.and_then(|pairs| pairs.first().map(|p| p.value)).unwrap_or(f64::NAN))
            }
        })
    }

    /// The coefficient of a tree in the optimizer's modified field; NaN without one.
    fn term(&self, tree: &Tree, h: f64) -> f64 {
        self.optimizer.map_or(f64::NAN, |optimizer| optimizer.coefficient(tree, h))
    }

    /// `λ` of the penalty of weight decay.
    fn decay(&self) -> f64 {
        self.optimizer.map_or(0.0, Flowing::decay)
    }

    /// `x = g·u_0` at the next iterate, and as flows predict it, those of section 4.1 for gradient descent: `x e^{ch}`
    /// with `ch = -c_0 z`, `-c_0 z + c_1 z²` and the real part of `x P(-z)`, `z = hλ`. With weight decay `g` and `λ`
    /// are those of the loss and the penalty.
    fn prediction(&self, shared: &Shared, h: f64) -> Result<Vec<f64>, ObjectiveError> {
        let (Some(pair), Some(taken), Some(optimizer)) =
            (shared.pairs.first(), self.taken, self.optimizer)
        else {
            return Ok(vec![f64::NAN; 4]);
        };
        let (_, next) = self.loss.gradient(taken.next)?;
        let (now, next) = (&shared.penalised, optimizer.penalised(taken.next, &next));
        // The sign of an eigenvector is chosen so that this is not negative.
        let sign = dot(now, &pair.vector).signum();
        let along = |g: &[f64]| sign * dot(g, &pair.vector);
        let lambda = pair.value + self.decay();
        let (x, z) = (along(now), h * lambda);
        let (first, second) = (self.term(&Tree::chain(1), h), self.term(&Tree::chain(2), h));
        let factor = optimizer.principal(h).map_or(f64::NAN, |root| root.at(lambda).1.re);
        let (one, two) = (-first * z, -first * z + second * z * z);
        Ok(vec![along(&next), x * one.exp(), x * two.exp(), x * factor])
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
