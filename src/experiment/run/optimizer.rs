//! The optimizer that trains, as its flows see it.

use crate::experiment::config::{Config, Metric};
use bea_flow::flow::simulate_until;
use bea_flow::flow::stability::{End, PrincipalCoefficient, stable_below};
use bea_flow::flow::{
    Buffers, FlowName, FlowsFrom, Problem, Request, SimulateError, Simulation, Watch,
};
use bea_network::NetworkLoss;
use bea_network::training::{Rule, State};
use bea_series::field::{Field, joint};
use bea_series::optimizer::{Step, StepProgram};
use bea_series::series::GeneralLinearMethod;
use bea_series::tree::Tree;
use num_traits::ToPrimitive;
use std::borrow::Cow;

/// An optimizer whose steps have a modified flow: those of the language, and drift-adjusted and corridor learning
/// rates, whose step is one of gradient descent or of the heavy ball with the learning rate of that step.
pub(super) struct Flowing {
    name: String,
    step: Step,
    /// The method on the sum of all fields, and the first terms of its modified field, where it treats the fields
    /// alike, as weight decay beside the gradient mostly is.
    joint: Option<(GeneralLinearMethod, Field)>,
    /// `λ` of the penalty `λ/2 θᵀθ` that it descends beside the loss.
    decay: f64,
    problem: Problem,
}

/// The metrics that are about the loss and the penalty of weight decay as one loss.
const OF_JOINT: &str = "it is a function of one gradient, and the optimizer does not treat the gradient and the weight \
                        decay alike";

/// Why steps that are not linear do not have them.
const OF_LINEAR: &str =
    "it is of steps that add multiples of gradients, and the optimizer's step is not linear";

impl Flowing {
    /// `None` for drift-adjusted learning rates of each parameter or layer, and for linear steps without a slow manifold.
    pub fn of(config: &Config, loss: &NetworkLoss) -> Option<Flowing> {
        if let Rule::Nonlinear(iteration) = &config.rule {
            let (name, step) = (iteration.program().name.clone(), iteration.program().into());
            let problem = Problem::new(loss.clone());
            return Some(Flowing { name, step, joint: None, decay: 0.0, problem });
        }
        let (program, problem, decay) = match &config.rule {
            Rule::Program(iteration) => {
                // No field depends on the learning rate if the weight decay does not.
                let decay = iteration.weight_decay()?;
                let problem = iteration.problem(loss.clone(), iteration.schedule().first)?;
                (iteration.program().clone(), problem, decay)
            }
            rule => (StepProgram::from(&rule.method()?), Problem::new(loss.clone()), 0.0),
        };
        let method = program.method();
        let name = match &config.optimizer {
            Some(chosen) if method != GeneralLinearMethod::euler() => chosen.optimizer.name.clone(),
            _ if method == GeneralLinearMethod::euler() => FlowName::GradientDescent.to_string(),
            _ => "heavy_ball".to_string(),
        };
        // An error is that of a method without a slow manifold.
        let derive = |method: &GeneralLinearMethod| Field::derive(&name, method, 2).ok();
        let joint = match joint(&method) {
            Some(joint) => {
                let field = derive(&joint)?;
                Some((joint, field))
            }
            None => derive(&method).map(|_| None)?,
        };
        Some(Flowing { name, step: Step::Linear(program), joint, decay, problem })
    }

    /// Whether it is gradient descent, on the loss and the penalty of weight decay.
    pub fn is_descent(&self) -> bool {
        let euler = GeneralLinearMethod::euler();
        // The field of the joint method has a name of its own.
        let is_euler = |method: &GeneralLinearMethod| {
            method.stages == euler.stages && method.update == euler.update
        };
        self.joint.as_ref().is_some_and(|(method, _)| is_euler(method))
    }

    /// Why there is no such metric of it, if there is none.
    pub fn lacks(&self, metric: Metric) -> Option<&'static str> {
        let of_joint = matches!(
            metric,
            Metric::Coefficients(_)
                | Metric::DriftEstimate
                | Metric::ThirdOrder
                | Metric::Prediction
                | Metric::Threshold
        );
        match &self.step {
            _ if !of_joint || self.joint.is_some() => None,
            // It is of the step with its preconditioner held.
            Step::Nonlinear(_) if metric == Metric::Threshold => None,
            Step::Linear(_) => Some(OF_JOINT),
            Step::Nonlinear(_) => Some(OF_LINEAR),
        }
    }

    /// `λ` of the penalty `λ/2 θᵀθ` of weight decay; 0 without.
    pub fn decay(&self) -> f64 {
        self.decay
    }

    /// The gradient of the loss and the penalty at `θ`, from that of the loss.
    pub fn penalised<'a>(&self, theta: &[f64], gradient: &'a [f64]) -> Cow<'a, [f64]> {
        if self.decay == 0.0 {
            return gradient.into();
        }
        gradient.iter().zip(theta).map(|(g, x)| g + self.decay * x).collect()
    }

    /// What is to be said of flows that are followed from the first step on, if they do not begin there.
    pub fn effective_start(&self, config: &Config) -> Option<String> {
        let follow = config.follow.as_ref().filter(|follow| follow.from.contains(&0))?;
        let own = follow.flows.iter().filter(|flow| flow.has_effective_start());
        let own: Vec<String> = own.map(ToString::to_string).collect();
        let beside = config.flows.from == FlowsFrom::EffectiveStart
            && self.step.starts_beside_manifold()
            && !own.is_empty();
        beside.then(|| {
            format!(
                "the buffers do not start settled, so from step 0 {} {} at the effective start, if there is one: else \
                 the distance at step 0 is 0; flows.from = \"start\" begins at the start, train.buffers = \"settled\" \
                 settles the buffers",
                own.join(", "),
                if own.len() == 1 { "begins" } else { "begin" },
            )
        })
    }

    /// The flow that `metric` is about, if it is about one. The drift of an optimizer is from the leading term of
    /// its own flow, for gradient descent the negative gradient flow.
    pub fn flow(&self, metric: Metric) -> Option<FlowName> {
        match metric {
            Metric::Drift if self.is_descent() => Some(FlowName::NegativeGradient),
            Metric::Drift => Some(FlowName::Order(0)),
            metric => metric.flow(),
        }
    }

    /// The optimizer with `buffers`, and the flows of `request`, from `theta`.
    pub fn simulate(
        &self,
        theta: &[f64],
        request: &Request,
        watch: &dyn Watch,
    ) -> Result<Simulation, SimulateError> {
        simulate_until(&self.problem, &self.name, &self.step, theta, request, watch)
    }

    /// The slow variables of a state, which flows move beside the parameters.
    pub fn slow_variables(&self, state: &State) -> Buffers {
        match &self.step {
            Step::Nonlinear(_) => self.buffers(state),
            Step::Linear(_) => Buffers::Written,
        }
    }

    /// The buffers of a state, from which the optimizer goes on.
    pub fn buffers(&self, state: &State) -> Buffers {
        match state.buffers.as_slice() {
            _ if state.step == 0 => Buffers::Written,
            buffers => Buffers::Given {
                buffers: buffers.iter().map(|(_, values)| values.clone()).collect(),
                steps: state.step,
            },
        }
    }

    /// `c` of the term `c h^(n-1) F(τ)` of its modified field, `τ` a tree of one field with `n ≤ 3` nodes; NaN if the
    /// fields are not treated alike.
    pub fn coefficient(&self, tree: &Tree, h: f64) -> f64 {
        let Some((_, field)) = &self.joint else { return f64::NAN };
        let Some(id) = field.trees().find(tree) else { return 0.0 };
        let power = tree.size() as i32 - 1;
        let values: Vec<_> = field.variables().iter().map(|_| exact(h)).collect();
        let value = |term: bea_series::field::Term| {
            let coefficient = term.coefficient.substitute(&values)?.as_rational()?.to_f64()?;
            Some(coefficient * h.powi(term.h - power))
        };
        field.terms_of(id).into_iter().map(|term| value(term).unwrap_or(f64::NAN)).sum()
    }

    /// The least eigenvalue of the Hessian of the loss at which its linear step is not stable, weight decay being a penalty.
    pub fn threshold(&self, h: f64) -> Option<End> {
        let (method, _) = self.joint.as_ref().filter(|_| h.is_finite())?;
        let end = stable_below(method, h)?;
        Some(End { value: end.value - self.decay, exact: None, ..end })
    }

    /// What it does along eigenvectors of the Hessian of the loss and the penalty.
    pub fn principal(&self, h: f64) -> Option<PrincipalCoefficient> {
        let (method, _) = self.joint.as_ref()?;
        PrincipalCoefficient::new(method, h).ok().flatten()
    }
}

fn exact(h: f64) -> Option<bea_series::exact::RationalFunction> {
    num_rational::BigRational::from_float(h).map(Into::into)
}
