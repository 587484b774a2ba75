//! The optimizer that trains, as its flows see it.

use crate::experiment::config::{Config, Metric};
use bea_flow::flow::simulate_until;
use bea_flow::flow::stability::PrincipalCoefficient;
use bea_flow::flow::{Buffers, FlowName, Problem, Request, SimulateError, Simulation, Watch};
use bea_network::training::{Rule, State};
use bea_series::field::Field;
use bea_series::optimizer::StepProgram;
use bea_series::series::GeneralLinearMethod;
use bea_series::tree::Tree;
use num_traits::ToPrimitive;

/// An optimizer whose steps have a modified flow: those of the language, and drift-adjusted learning rates, whose
/// step is one of gradient descent or of the heavy ball with the learning rate of that step.
pub(super) struct Flowing {
    name: String,
    program: StepProgram,
    method: GeneralLinearMethod,
    field: Field,
}

impl Flowing {
    /// `None` for optimizers that do not add multiples of gradients, or have no slow manifold; with weight decay,
    /// because the flow is not one of the loss alone.
    pub fn of(config: &Config) -> Option<Flowing> {
        let program = match &config.rule {
            Rule::Program(iteration) => iteration.program().clone(),
            rule => StepProgram::from(&rule.method()?),
        };
        let method = program.method();
        if method.fields.len() > 1 {
            return None;
        }
        let is_descent = method == GeneralLinearMethod::euler();
        let name = match &config.optimizer {
            Some(chosen) if !is_descent => chosen.optimizer.name.clone(),
            _ if is_descent => FlowName::GradientDescent.to_string(),
            _ => "heavy_ball".to_string(),
        };
        let field = Field::derive(&name, &method, 2).ok()?;
        Some(Flowing { name, program, method, field })
    }

    /// Whether it is gradient descent.
    pub fn is_descent(&self) -> bool {
        self.method == GeneralLinearMethod::euler()
    }

    /// The flow that `metric` is about, if it is about one. The drift of an optimizer is from the leading term of
    /// its own flow, for gradient descent the negative gradient flow.
    pub fn flow(&self, metric: Metric) -> Option<FlowName> {
        match metric {
            Metric::Drift if self.is_descent() => Some(FlowName::NegativeGradient),
            Metric::Drift => Some(FlowName::Order(0)),
            Metric::Error(flow)
            | Metric::LossError(flow)
            | Metric::FlowLoss(flow)
            | Metric::FlowLambda(flow) => Some(flow),
            _ => None,
        }
    }

    /// The optimizer with `buffers`, and the flows of `request`, from `theta`.
    pub fn simulate(
        &self,
        problem: &Problem,
        theta: &[f64],
        request: &Request,
        watch: &dyn Watch,
    ) -> Result<Simulation, SimulateError> {
        simulate_until(problem, &self.name, &self.program, theta, request, watch)
    }

    /// The buffers of a state, from which the optimizer goes on.
    pub fn buffers(&self, state: &State) -> Buffers {
        match state.buffers.as_slice() {
            [] => Buffers::Written,
            buffers => Buffers::Given(buffers.iter().map(|(_, values)| values.clone()).collect()),
        }
    }

    /// `c` of the term `c h^(n-1) F(τ)` of its modified field, `τ` a tree of one field with `n ≤ 3` nodes.
    pub fn coefficient(&self, tree: &Tree, h: f64) -> f64 {
        let Some(id) = self.field.trees().find(tree) else { return 0.0 };
        let power = tree.size() as i32 - 1;
        let values: Vec<_> = self.field.variables().iter().map(|_| exact(h)).collect();
        let value = |term: bea_series::field::Term| {
            let coefficient = term.coefficient.substitute(&values)?.as_rational()?.to_f64()?;
            Some(coefficient * h.powi(term.h - power))
        };
        self.field.terms_of(id).into_iter().map(|term| value(term).unwrap_or(f64::NAN)).sum()
    }

    /// What it does along eigenvectors of the Hessian.
    pub fn principal(&self, h: f64) -> Option<PrincipalCoefficient> {
        PrincipalCoefficient::new(&self.method, h).ok().flatten()
    }
}

fn exact(h: f64) -> Option<bea_series::exact::RationalFunction> {
    num_rational::BigRational::from_float(h).map(Into::into)
}
