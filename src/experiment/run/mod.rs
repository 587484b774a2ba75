//! A run: training with measurements, step by step, so that it can be stopped anywhere and continued later.

mod digest;
mod end;
mod error;
mod flows;
mod follow;
mod moment;
mod optimizer;
mod remarks;
mod sharpness;
mod table;

pub use end::End;
pub use error::RunError;
pub use flows::{kinks, tolerances};
pub(super) use follow::columns as follow_columns;
pub use table::{Table, TableError};

use super::config::{Config, Flows, Metric, Start, without_steps};
use bea_flow::flow::{Problem, Watch};
use bea_flow::objective::ObjectiveError;
use bea_network::data::{self, DataError, Dataset, Specification, Targets};
use bea_network::device::Device;
use bea_network::graph::Graph;
use bea_network::initialise::initialise;
use bea_network::training::{Batches, Checkpoint, Corridor, Rule, State, Step, norm};
use bea_network::{NetworkLoss, Start as ParametersOf, weights};
use moment::{Moment, Taken};
use optimizer::Flowing;
use sharpness::Sharpness;
use std::path::Path;

/// A run of a description, and how far it has come.
pub struct Run {
    config: Config,
    loss: NetworkLoss,
    test: Option<NetworkLoss>,
    /// The loss at complex points too.
    problem: Problem,
    /// The optimizer, if it has a flow.
    optimizer: Option<Flowing>,
    /// How flows are integrated on this network.
    flows: Flows,
    /// What the description and its files say and is not used, or may be meant otherwise.
    notes: Vec<String>,
    /// The checksums of the files and data that the description names.
    sums: Vec<(String, String)>,
    /// The examples, unless an operator graph has them, and their order, for mini-batches.
    batches: Option<(Option<Dataset>, Batches)>,
    state: State,
    sharpness: Sharpness,
    metrics: Table,
    follow: Option<Table>,
    end: Option<End>,
    last: Option<Seen>,
    /// Whether a note says why `self_stabilization` has no value.
    said_without_slope: bool,
}

/// The loss and sharpness of the last step, for observers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Seen {
    /// The loss at which the step was made, of its mini-batch.
    pub loss: f64,
    /// The largest eigenvalue, if it is measured.
    pub sharpness: Option<f64>,
}

/// The most parameters of a network for which all eigenvalues are computed.
const LARGEST: usize = 4096;

/// Which of them is not finite; `None` if both are.
fn infinite(loss: f64, gradient: &[f64]) -> Option<&'static str> {
    if !loss.is_finite() {
        Some("the loss")
    } else if !norm(gradient).is_finite() {
        Some("the gradient")
    } else {
        None
    }
}

/// The examples that `key` of the description names.
fn open(key: &'static str, specification: &str) -> Result<Dataset, RunError> {
    data::open(specification).map_err(|error| match error {
        DataError::Missing { .. } => {
            let known = Specification::parse(specification).ok().and_then(|found| found.known());
            let name = known.map_or("FILE".into(), |known| format!("{}:FOLDER", known.name));
            RunError::NoData { key, name, error: Box::new(error) }
        }
        other => other.into(),
    })
}

impl Run {
    /// Before the first step.
    ///
    /// # Errors
    /// Whatever is wrong with the description once data and network are there.
    pub fn new(config: Config) -> Result<Run, RunError> {
        let device = Device::find(&config.device)?;
        let examples = config.data.as_ref().map(|data| open("data", data)).transpose()?;
        let (test, test_graph) = match (&config.test, config.graph()) {
            (Some(folder), Some(_)) => {
                (None, Some(Graph::open(Path::new(folder))?.with_dtype(config.dtype)))
            }
            (Some(name), None) => (Some(open("test", name)?), None),
            (None, _) => (None, None),
        };
        let file = match &config.start {
            Start::Scheme(_) | Start::Own => None,
            Start::Weights(file) => Some(file.as_path()),
        };
        let mut notes = config.notes.clone();
        // Refuses what the memory does not hold, before parameters are made.
        let loss = match (&examples, config.graph()) {
            (Some(examples), _) => {
                let mut architecture = config.architecture(examples)?;
                let statistics = weights::load_statistics(file, &mut architecture)?;
                notes.extend(statistics.map(|remark| remark.to_string()));
                NetworkLoss::new(architecture, examples, &device)?
            }
            (None, Some(graph)) => {
                notes.extend(graph.remarks());
                NetworkLoss::of_graph(graph.clone().with_dtype(config.dtype), &device)?
            }
            (None, None) => unreachable!("a network without data is a graph"),
        };
        let p = loss.dimension();
        for remark in
            [examples.as_ref(), test.as_ref()].into_iter().flatten().flat_map(|d| &d.remarks)
        {
            let note = remark.note();
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        let classes =
            examples.as_ref().is_some_and(|data| matches!(data.targets, Targets::Classes { .. }));
        let mut sums = digest::sums(&config, examples.as_ref(), test.as_ref(), &loss)?;
        sums.extend(test_graph.as_ref().map(digest::graph).transpose()?);
        let flows = config.flows.on(&loss);
        let theta = match (&config.start, loss.start()) {
            (Start::Weights(file), _) => weights::load(file, loss.layout())?,
            (_, ParametersOf::Own(parameters)) => parameters.to_vec(),
            (Start::Scheme(scheme), ParametersOf::Drawn(network)) => {
                initialise(network, *scheme, config.seed)
            }
            (Start::Own, ParametersOf::Drawn(_)) => unreachable!("only graphs have parameters"),
        };
        let optimizer = Flowing::of(&config, &loss);
        notes.extend(optimizer.as_ref().and_then(|optimizer| optimizer.effective_start(&config)));
        notes.extend(flows::kinks_of(&config, &loss));
        notes.extend(remarks::on_metrics(&config, optimizer.as_ref()));
        for &metric in &config.metrics {
            let reason = match metric {
                Metric::Accuracy | Metric::TestAccuracy if config.graph().is_some() => {
                    "of an operator graph only the loss is known".to_string()
                }
                Metric::Accuracy | Metric::TestAccuracy if !classes => {
                    "the targets are numbers, not classes".to_string()
                }
                Metric::Eigenvalues if p > LARGEST => {
                    format!("the network has {p} parameters, more than {LARGEST}")
                }
                Metric::Lambda(k)
                | Metric::Coefficients(k)
                | Metric::Along(k)
                | Metric::Preconditioned(k)
                    if k > p =>
                {
                    format!("the network has {p} parameters only")
                }
                metric if metric.compares_with_flow() && optimizer.is_none() => {
                    "it compares a step with the flow of the optimizer on this loss, and there is none for \
                     `dal_per_parameter`, `dal_per_layer`, and buffers that never settle"
                        .into()
                }
                Metric::Threshold if optimizer.is_none() => {
                    "it is of optimizers such as `adam`, and of steps with one learning rate for all parameters"
                        .into()
                }
                metric => match optimizer.as_ref().and_then(|optimizer| optimizer.lacks(metric)) {
                    Some(reason) => reason.into(),
                    None => continue,
                },
            };
            return Err(RunError::Metric { metric, reason });
        }
        let test = match (test, test_graph) {
            (_, Some(graph)) => Some(loss.with_graph(graph)?),
            (test, None) => test.map(|test| loss.over(&test)).transpose()?,
        };
        let count = match (&examples, config.graph()) {
            (Some(examples), _) => examples.len(),
            (None, graph) => graph.and_then(|graph| graph.examples().ok()).unwrap_or(0),
        };
        let batches = match config.batch {
            Some(batch) if batch > count => {
                return Err(RunError::Batch { batch, examples: count });
            }
            Some(batch) => Some((examples, Batches::new(count, batch, config.seed))),
            None => None,
        };
        let columns = config.metrics.iter().flat_map(|metric| metric.columns(p));
        let columns = std::iter::once("step".to_string()).chain(columns).collect();
        let wanted = config.metrics.iter().map(|m| Sharpness::needed(*m)).max().unwrap_or(0).min(p);
        let problem = Problem::new(loss.clone());
        flows::check(&config, optimizer.as_ref(), &theta)?;
        let state = match &config.rule {
            Rule::Program(iteration) => {
                let start = iteration.start(loss.clone(), theta);
                start.map_err(|error| RunError::Start(Box::new(error)))?
            }
            Rule::Nonlinear(iteration) => {
                let start = iteration.start(loss.clone(), theta);
                start.map_err(|error| RunError::Start(Box::new(error)))?
            }
            _ => State::new(theta),
        };
        for &metric in config.metrics.iter().filter(|metric| metric.takes_frozen()) {
            let reason = match (&config.rule, metric) {
                (Rule::Nonlinear(iteration), _) => {
                    iteration.frozen(&loss, &state)?.err().map(|reason| reason.to_string())
                }
                (_, Metric::Preconditioned(_)) => Some(
                    "it is of optimizers that divide gradients by a buffer, such as `adam`; of others there is lambda:1".into(),
                ),
                _ => None,
            };
            reason.map_or(Ok(()), |reason| Err(RunError::Metric { metric, reason }))?;
        }
        Ok(Run {
            optimizer,
            problem,
            flows,
            notes,
            sums,
            follow: config.follow.as_ref().map(follow::table),
            sharpness: Sharpness::new(wanted, config.dtype),
            metrics: Table::new(columns),
            state,
            config,
            loss,
            test,
            batches,
            end: None,
            last: None,
            said_without_slope: false,
        })
    }

    /// Continues a run of the same description from its checkpoint. Measurements after the
    /// checkpoint are dropped. The description may have more steps than the run there: it becomes what a run of so many
    /// steps would be.
    ///
    /// # Errors
    /// The checkpoint or the measurements are of another run, or of one with more steps.
    pub fn resume(
        mut self,
        checkpoint: Checkpoint,
        metrics: Table,
        follow: Option<Table>,
    ) -> Result<Run, RunError> {
        let (there, steps) = without_steps(&checkpoint.run);
        if there == without_steps(&self.config.resolved).0 {
            let here = self.config.steps;
            if let Some(there) = steps.filter(|there| *there > here) {
                return Err(RunError::Shorter { there, here });
            }
        } else {
            let lines = checkpoint.run.lines().zip(self.config.resolved.lines());
            let different = lines.into_iter().find(|(a, b)| a != b);
            let difference = match different {
                Some((old, new)) => format!("`{old}` there, `{new}` here"),
                None => "one says more than the other".into(),
            };
            return Err(RunError::OtherRun { difference });
        }
        if let Some((what, _)) = self.sums.iter().find(|sum| !checkpoint.sums.contains(sum)) {
            return Err(RunError::Changed { what: what.clone() });
        }
        let step = checkpoint.state.step;
        for (own, read) in [(&mut self.metrics, Some(metrics))]
            .into_iter()
            .chain(self.follow.as_mut().map(|own| (own, follow)))
        {
            let read = read.filter(|read| read.columns == own.columns);
            let read = read.ok_or_else(|| RunError::Measurements("other columns".into()))?;
            own.rows = read.rows;
            // A run that has ended has one more row, of its last iterate, which is measured again.
            own.rows.retain(|row| row[0] < step as f64);
        }
        let expected = step.div_ceil(self.config.every);
        if self.metrics.rows.len() != expected {
            let found = self.metrics.rows.len();
            let message = format!("{found} rows before step {step} instead of {expected}");
            return Err(RunError::Measurements(message));
        }
        self.sharpness.directions = checkpoint.directions;
        self.state = checkpoint.state;
        Ok(self)
    }

    /// Measures the iterate where that is due, and makes one step. Does nothing once the run has ended;
    /// changes nothing where `watch` cancels during the step.
    ///
    /// # Errors
    /// An accelerator that fails. Nothing is changed then either.
    pub fn advance(&mut self, watch: &dyn Watch) -> Result<(), RunError> {
        if self.end.is_some() {
            return Ok(());
        }
        let step = self.state.step;
        let measured = step.is_multiple_of(self.config.every);
        let (before, directions) = (self.state.clone(), self.sharpness.directions.clone());
        let rows = (self.metrics.rows.len(), self.follow.as_ref().map(|f| f.rows.len()));
        let forget = |run: &mut Run| {
            run.state = before.clone();
            run.sharpness.directions.clone_from(&directions);
            run.metrics.rows.truncate(rows.0);
            if let (Some(table), Some(length)) = (&mut run.follow, rows.1) {
                table.rows.truncate(length);
            }
        };
        if step == self.config.steps {
            let quantity = self.measure(&before, None, watch);
            let quantity = quantity.inspect_err(|_| forget(self))?;
            if watch.cancelled() {
                forget(self);
            } else {
                // A run that is continued from its end measures its last iterate again, from the same directions.
                self.sharpness.directions = directions;
                let diverged = quantity.map(|quantity| End::Diverged { step, quantity });
                self.end = Some(diverged.unwrap_or(End::Finished));
            }
            return Ok(());
        }
        let taken = match &mut self.batches {
            None => self.config.rule.step(&self.loss, &mut self.state).map_err(RunError::from),
            Some((examples, order)) => {
                let rows = order.at(step);
                let batch = match examples {
                    Some(examples) => {
                        self.loss.over(&examples.select(rows)).map_err(RunError::from)
                    }
                    None => self.loss.subset(rows).map_err(RunError::from),
                };
                batch.and_then(|loss| Ok(self.config.rule.step(&loss, &mut self.state)?))
            }
        };
        let taken = taken.inspect_err(|_| forget(self))?;
        let moved = norm(&self.state.theta).is_finite();
        let mut quantity =
            infinite(taken.loss, &taken.gradient).or_else(|| (!moved).then_some("a parameter"));
        if measured && quantity.is_none() {
            let measured = self.measure(&before, Some(&taken), watch);
            quantity = measured.inspect_err(|_| forget(self))?;
        }
        if let Some(quantity) = quantity {
            self.end = Some(End::Diverged { step, quantity });
            self.state = before;
            return Ok(());
        }
        let follows = self.config.follow.as_ref().is_some_and(|f| f.from.contains(&step));
        if follows
            && let (Some(follow), Some(table), Some(optimizer)) =
                (&self.config.follow, &mut self.follow, &self.optimizer)
        {
            let context = follow::FollowContext {
                optimizer,
                loss: &self.loss,
                problem: &self.problem,
                flows: &self.flows,
                dtype: self.config.dtype,
            };
            let h = taken.learning_rate;
            match context.rows(follow, &before, h, watch) {
                // They are followed again.
                Ok(_) if watch.cancelled() => {}
                Ok((rows, notes)) => {
                    table.rows.extend(rows);
                    self.say(&notes);
                }
                Err(error) => {
                    forget(self);
                    return Err(error.into());
                }
            }
        }
        if watch.cancelled() {
            forget(self);
            return Ok(());
        }
        self.last = Some(Seen { loss: taken.loss, sharpness: self.sharpness.last });
        Ok(())
    }

    /// Notes of this run among others.
    fn say(&mut self, notes: &[String]) {
        let label = &self.config.label;
        let of = if label.is_empty() { String::new() } else { format!("{label}, ") };
        self.notes.extend(notes.iter().map(|note| format!("{of}{note}")));
    }

    /// The row of the iterate `before`, from which the step `taken` leads to the state. There is none
    /// where the loss or the gradient is not finite; then their name is returned.
    fn measure(
        &mut self,
        before: &State,
        taken: Option<&Step>,
        watch: &dyn Watch,
    ) -> Result<Option<&'static str>, ObjectiveError> {
        let (step, theta) = (before.step, &before.theta);
        // The step has loss and gradient at θ for full batches only, and Nesterov's method takes them elsewhere.
        let sees_theta = self.batches.is_none() && self.config.rule.starts_at_theta();
        let known = taken.filter(|_| sees_theta);
        let (value, gradient) = match known {
            Some(step) => (step.loss, step.gradient.clone()),
            None => self.loss.gradient(theta)?,
        };
        if let Some(quantity) = infinite(value, &gradient) {
            return Ok(Some(quantity));
        }
        let next = &self.state.theta;
        let taken = taken.map(|step| Taken { h: step.learning_rate, next });
        let takes_frozen = self.config.metrics.iter().any(|metric| metric.takes_frozen());
        let frozen = match &self.config.rule {
            Rule::Nonlinear(iteration) if takes_frozen => {
                iteration.frozen(&self.loss, before)?.ok()
            }
            _ => None,
        };
        let moment = Moment {
            frozen,
            number: self.metrics.rows.len(),
            loss: &self.loss,
            test: self.test.as_ref(),
            optimizer: self.optimizer.as_ref(),
            corridor: match &self.config.rule {
                Rule::Corridor(rule) => Corridor { cap: f64::INFINITY, ..*rule },
                _ => Corridor::default(),
            },
            problem: &self.problem,
            flows: &self.flows,
            state: before,
            value,
            gradient: &gradient,
            taken,
            watch,
        };
        let mut row = vec![step as f64];
        row.extend(moment.measure(&self.config.metrics, &mut self.sharpness)?);
        let column = |part| {
            let name = format!("self_stabilization_{part}");
            self.metrics.columns.iter().position(|known| *known == name).map(|at| row[at])
        };
        if let (Some(slope), Some(variance)) = (column("slope"), column("variance"))
            && variance.is_nan()
            && self.sharpness.last.is_some()
            && !self.said_without_slope
        {
            self.said_without_slope = true;
            self.say(&[remarks::without_slope(step, slope)]);
        }
        self.metrics.rows.push(row);
        Ok(None)
    }

    /// The description.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the description and its files say and is not used, or may be meant otherwise than it is taken; and how followed
    /// flows through the edge of stability ended.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The loss of the network on the training data.
    pub fn loss(&self) -> &NetworkLoss {
        &self.loss
    }

    /// The state of the optimizer.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// What the last step saw.
    pub fn last(&self) -> Option<Seen> {
        self.last
    }

    /// The measurements: the column `step` and those of the metrics, in their order. What belongs to the
    /// step from an iterate to the next has no value in the last row.
    pub fn metrics(&self) -> &Table {
        &self.metrics
    }

    /// The flows that were followed: the iterate that they start `from`, the `step` after it, the time
    /// `t`, the number of the `flow` in the description (0 being the optimizer), its `distance` to
    /// the optimizer, the `loss`, and `lambda_0` if asked for; and, with one of the flows `central` and `rod`, what they and
    /// the optimizer have as [`Oscillation`](bea_flow::flow::Oscillation): `edge`, `sharpness`, `trace`, `mean_loss`,
    /// `mean_gradient_norm`, `mean_distance`.
    pub fn follow(&self) -> Option<&Table> {
        self.follow.as_ref()
    }

    /// The state from which [`resume`](Self::resume) continues.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            state: self.state.clone(),
            directions: self.sharpness.directions.clone(),
            run: self.config.resolved.clone(),
            sums: self.sums.clone(),
        }
    }
}
