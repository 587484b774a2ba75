//! The loss of a network on a data set, and its derivatives of every order at real and complex parameters.
//!
//! A full-batch quantity is a sum over shards of the data. Each shard's activations stay in cache, shards run on all
//! cores, and their sums are taken in the order of the data, so that the result does not depend on the number of
//! threads. `∇E` evaluated in an algebra (see [`algebra`](super::algebra)) gives all derivatives.

use rayon::prelude::*;
use smallvec::smallvec;
use std::sync::{Arc, OnceLock};

use super::algebra::Algebra;
use super::architecture::{Architecture, Criterion, Layout, Parameter};
use super::array::{Array, Context};
use super::buffer::{self, Unused};
use super::data::Dataset;
use super::device::{Device, DeviceError};
use super::graph::{Graph, GraphError, INPUTS, Model, Plan, Structure, Structures, TARGETS};
use super::host::cores;
use super::mismatch::{Mismatch, check, check_pairs};
use super::point::{Point, Scalar, join};
use super::series::{Coefficients, Ring, Series};
use super::shards::{Cutter, Shard, shard_size};
use super::tape::Tape;
use bea_flow::objective::{Call, Counter, Counts, Jet};

/// A loss `E(θ)` of a network on a data set. Parameters are flat vectors in the order of
/// [`Layout::parameters`]. It is an [`Objective`](bea_flow::objective::Objective), and clones count
/// their evaluations together.
///
/// # Errors
/// Where an accelerator fails amid an evaluation, a method returns a [`DeviceError`]. The host does not fail.
///
/// # Panics
/// If a vector does not have [`dimension`](Self::dimension) entries.
#[derive(Clone)]
pub struct NetworkLoss {
    network: Network,
    /// What is evaluated one by one.
    shards: Arc<[Shard]>,
    /// What is of no example.
    penalty: Option<Arc<Plan>>,
    device: Device,
    context: Context,
    examples: usize,
    /// Numbers that the operations on one example produce.
    activations: usize,
    counter: Arc<Counter>,
    /// Whose end gives back what evaluations left.
    _unused: Arc<Unused>,
}

/// Where the parameters of a loss come from.
pub enum Start<'a> {
    /// A scheme draws them: see [`initialise`](crate::initialise::initialise).
    Drawn(&'a Architecture),
    /// The operator graph comes with them.
    Own(&'a [f64]),
}

/// What the loss is one of. Both are evaluated as graphs.
#[derive(Clone)]
enum Network {
    /// Layers, on shards of the examples.
    Layers(Box<Cutter>),
    /// A graph, whose constants are its data, and what it is on some of its examples, by their number.
    Graph(Arc<Graph>, Arc<Structures<usize>>),
}

/// The result of [`NetworkLoss::evaluate`]; real and imaginary parts in turn if complex.
struct Evaluation {
    /// Coefficients of the loss.
    loss: Vec<f64>,
    /// The wanted coefficients of the gradient, each flat.
    gradient: Vec<Vec<f64>>,
}

/// A point as the tape takes it.
struct Prepared<'p> {
    ring: Ring<'p>,
    parameters: Vec<Arc<Series>>,
    /// Which coefficients of the gradient are asked for.
    wanted: Vec<usize>,
}

/// The loss on a shard, and its gradient by each parameter.
type Gradients = (Arc<Series>, Vec<Option<Series>>);

/// How many numbers the results of the shards that are evaluated at once may hold, if no core is idle for it.
const ROUND: usize = 1 << 23;

/// Numbers that the operations on the only shard produce at least where loops over them are cut for all cores.
const WIDE: usize = 1 << 17;

impl NetworkLoss {
    /// The mean loss of `architecture` over all examples of `data`, evaluated on `device`.
    pub fn new(
        architecture: Architecture,
        data: &Dataset,
        device: &Device,
    ) -> Result<Self, Mismatch> {
        device.check(architecture.dtype)?;
        check(&architecture, data)?;
        check_pairs(&architecture, data)?;
        let penalty = Graph::of_penalty(&architecture).map(|graph| Plan::alone(graph, device));
        let penalty = penalty.transpose()?.map(Arc::new);
        let cutter = Cutter::new(architecture, device);
        let (shards, activations) = cutter.first(data)?;
        let network = Network::Layers(Box::new(cutter));
        let loss = Self::of_one(network, shards, data.len(), activations, device);
        Ok(Self { penalty, ..loss })
    }

    /// Without a penalty, and nothing counted.
    fn of_one(
        network: Network,
        shards: Vec<Shard>,
        examples: usize,
        activations: usize,
        device: &Device,
    ) -> Self {
        let dtype = match &network {
            Network::Layers(cutter) => cutter.architecture.dtype,
            Network::Graph(graph, _) => graph.layout().dtype,
        };
        NetworkLoss {
            network,
            shards: shards.into(),
            penalty: None,
            device: device.clone(),
            context: device.context(dtype),
            examples,
            activations,
            counter: Arc::default(),
            _unused: Arc::new(Unused),
        }
    }

    /// The loss that an operator graph ends in, evaluated on `device`.
    ///
    /// # Errors
    /// More memory than there is, indices outside of the axis that they name, a device without the graph's numbers.
    pub fn of_graph(graph: Graph, device: &Device) -> Result<Self, GraphError> {
        device.check(graph.layout().dtype)?;
        graph.check_memory()?;
        let activations = graph.activations().max(1);
        let shards = vec![Shard { plan: Plan::alone(graph.clone(), device)?, count: 1 }];
        let network = Network::Graph(Arc::new(graph), Arc::default());
        Ok(Self::of_one(network, shards, 1, activations, device))
    }

    /// The mean loss of the same network on other data, a mini-batch or a test set. Its evaluations are counted
    /// together with those of this one.
    ///
    /// # Errors
    /// The data do not fit the network, or this is the loss of an operator graph, which has its own.
    pub fn over(&self, data: &Dataset) -> Result<Self, Mismatch> {
        let Network::Layers(cutter) = &self.network else {
            return Err(Mismatch::OfGraph { graph: self.layout().name.clone() });
        };
        check(&cutter.architecture, data)?;
        let shards = cutter.cut(data, self.activations)?.into();
        Ok(Self { shards, examples: data.len(), ..self.clone() })
    }

    /// The loss of another operator graph of the same parameters: of the same model on other data. Its evaluations are counted
    /// together with those of this one.
    ///
    /// # Errors
    /// Other parameters; those of [`of_graph`](Self::of_graph).
    pub fn with_graph(&self, graph: Graph) -> Result<Self, GraphError> {
        let names = |layout: &Layout| -> Vec<String> {
            let of = |p: &Parameter| format!("`{}` of shape {:?}", p.name, &*p.shape);
            layout.parameters.iter().map(of).collect()
        };
        let [ours, others] = [self.layout(), graph.layout()].map(names);
        if ours != others {
            let count = ours.len().max(others.len());
            let of = |all: &[String], at: usize| all.get(at).cloned().unwrap_or("none".into());
            let first = (0..count).find(|&at| ours.get(at) != others.get(at)).unwrap_or(0);
            let cause = format!("{} instead of {}", of(&others, first), of(&ours, first));
            let [graph, other] = [graph.layout(), self.layout()].map(|layout| layout.name.clone());
            return Err(GraphError::Parameters { graph, other, cause });
        }
        let other = Self::of_graph(graph, &self.device)?;
        Ok(Self { counter: self.counter.clone(), ..other })
    }

    /// The loss of an operator graph on some of its examples: see [`Graph::subset`]. Its evaluations are counted together with
    /// those of this one.
    ///
    /// # Errors
    /// The graph is of all examples alone, or this is a network of layers, for which there is [`over`](Self::over).
    ///
    /// # Panics
    /// If there is no such example, or none is asked for.
    pub fn subset(&self, rows: &[usize]) -> Result<Self, GraphError> {
        let Network::Graph(graph, structures) = &self.network else {
            let (graph, cause) = (self.layout().name.clone(), "it is a network of layers".into());
            return Err(GraphError::Examples { graph, cause });
        };
        let make = || {
            let some = graph.of_count(rows.len())?;
            some.check_memory()?;
            Structure::new(some, &graph.data(), &self.device)
        };
        let structure = structures.of(rows.len(), make)?;
        let activations = structure.graph().activations().max(1);
        let some = graph.with_rows(structure.graph().clone(), rows);
        let plan = Plan::new(structure, &|name| some.values_of(name))?;
        let shards = Arc::from([Shard { plan, count: 1 }]);
        let network = Network::Graph(Arc::new(some), Arc::default());
        Ok(Self { network, shards, activations, ..self.clone() })
    }

    /// The layers of the network; an operator graph has none.
    pub fn architecture(&self) -> Option<&Architecture> {
        match &self.network {
            Network::Layers(cutter) => Some(&cutter.architecture),
            Network::Graph(..) => None,
        }
    }

    /// The operator graph, where this is the loss of one.
    pub fn graph(&self) -> Option<&Graph> {
        match &self.network {
            Network::Layers(_) => None,
            Network::Graph(graph, _) => Some(graph),
        }
    }

    /// The loss as an operator graph with the parameters `theta`: of the same values, to rounding.
    ///
    /// # Errors
    /// An accelerator that fails.
    pub fn to_graph(&self, theta: &[f64]) -> Result<Graph, DeviceError> {
        match &self.network {
            Network::Layers(cutter) => self.device.guard(|| {
                let architecture = &cutter.architecture;
                let data = [INPUTS, TARGETS].map(|name| {
                    self.shards.iter().flat_map(|shard| shard.plan.data(name)).collect()
                });
                Graph::of_network(architecture, self.examples, data, theta)
            }),
            Network::Graph(graph, _) => Ok(Graph::clone(graph).with_parameters(theta)),
        }
    }

    /// Name, precision and parameters of the network.
    pub fn layout(&self) -> &Layout {
        match &self.network {
            Network::Layers(cutter) => &cutter.architecture.layout,
            Network::Graph(graph, _) => graph.layout(),
        }
    }

    /// Where the parameters come from, if no file has them.
    pub fn start(&self) -> Start<'_> {
        match &self.network {
            Network::Layers(cutter) => Start::Drawn(&cutter.architecture),
            Network::Graph(graph, _) => Start::Own(graph.initial()),
        }
    }

    /// Whether the Hessian is continuous: see [`Architecture::is_smooth`].
    pub fn is_smooth(&self) -> bool {
        match &self.network {
            Network::Layers(cutter) => cutter.architecture.is_smooth(),
            Network::Graph(graph, _) => graph.is_smooth(),
        }
    }

    /// Number of parameters `p`.
    pub fn dimension(&self) -> usize {
        self.layout().len()
    }

    /// Number of examples; an operator graph counts as one.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// How often it was evaluated.
    pub fn counts(&self) -> Counts {
        self.counter.counts()
    }

    /// `E(θ)`.
    ///
    /// # Errors
    /// An accelerator that fails; so for all methods.
    pub fn loss<S: Scalar>(&self, theta: &[S]) -> Result<S, DeviceError> {
        self.counter.add(Call::Value, 1);
        let loss = self.evaluate_one(Point::plain(theta, vec![]))?.loss;
        Ok(S::of_parts(loss[0], *loss.get(1).unwrap_or(&0.0)))
    }

    /// The part of the examples, or of their tokens, whose right class has the largest output, of a classification; where
    /// there is one output, of those whose class, 1 or 0, is told by its sign. `NaN` for an operator graph, of which only
    /// the loss is known, and for the contrastive loss, whose outputs are no classes.
    ///
    /// # Errors
    /// An accelerator that fails.
    pub fn accuracy(&self, theta: &[f64]) -> Result<f64, DeviceError> {
        let Some(architecture) = self.architecture() else { return Ok(f64::NAN) };
        if let Criterion::Contrastive { .. } = architecture.criterion {
            return Ok(f64::NAN);
        }
        self.counter.add(Call::Value, 1);
        let (algebra, values) = (Algebra::real(), [(0, theta)]);
        let count = |shard: &Shard| -> usize {
            let ring = Ring::new(&algebra, &self.context);
            let tape = Tape::new(&ring, vec![false]);
            let parameters = self.variables(&ring, &values);
            let variables: Vec<_> = parameters.into_iter().map(|p| tape.constant(p)).collect();
            let outputs = shard.plan.outputs(&tape, &variables).expect("layers have outputs");
            let width = outputs.shape()[1];
            let outputs = outputs.value.coefficient(0).map_or_else(Vec::new, Array::to_f64);
            let largest = |row: &[f64]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
            let targets = shard.plan.data(TARGETS);
            let rows = outputs.chunks(width).zip(targets.chunks(width));
            if width == 1 {
                let [low, high] = architecture.criterion.coding();
                let is_right = |found: &[f64], wanted: &[f64]| {
                    (found[0] > 0.0) == (wanted[0] > (low + high) / 2.0)
                };
                return rows.filter(|(found, wanted)| is_right(found, wanted)).count();
            }
            rows.filter(|(found, wanted)| largest(found) == largest(wanted)).count()
        };
        let total = || -> usize { self.shards.iter().map(count).sum() };
        let rows = self.examples * architecture.tokens();
        Ok(self.device.guard(total)? as f64 / rows as f64)
    }

    /// `E(θ)` and `∇E(θ)`. At complex parameters the holomorphic gradient, `∂E/∂θ` without conjugation.
    ///
    /// # Errors
    /// An accelerator that fails.
    pub fn gradient<S: Scalar>(&self, theta: &[S]) -> Result<(S, Vec<S>), DeviceError> {
        self.counter.add(Call::Gradient, 1);
        let result = self.evaluate_one(Point::plain(theta, vec![0]))?;
        let loss = S::of_parts(result.loss[0], *result.loss.get(1).unwrap_or(&0.0));
        Ok((loss, join(result.gradient).pop().expect("one gradient")))
    }

    /// `∇²E(θ) v` for each of the directions, which share the evaluation of the network itself.
    ///
    /// # Errors
    /// An accelerator that fails.
    pub fn hessian_vectors<S: Scalar>(
        &self,
        theta: &[S],
        directions: &[&[S]],
    ) -> Result<Vec<Vec<S>>, DeviceError> {
        self.products(theta, directions, Model::Exact)
    }

    /// `Jᵀ H_L J v` for each of the directions, with the Jacobian `J` of the network's outputs by the parameters and
    /// the Hessian `H_L` of the loss by the outputs: the Gauss-Newton matrix (Schraudolph, *Fast curvature
    /// matrix-vector products for second-order gradient descent*, Neural Computation 14, 2002). It is the Hessian
    /// without the second derivatives of the network, and positive semidefinite where the loss is convex in the
    /// outputs, as all losses of architectures but formulas and the contrastive one are; the second derivatives of a penalty are in it. Of an
    /// operator graph that was read only the loss is known, which is taken for the outputs: the matrix is zero.
    ///
    /// # Errors
    /// An accelerator that fails.
    pub fn gauss_newton_vectors<S: Scalar>(
        &self,
        theta: &[S],
        directions: &[&[S]],
    ) -> Result<Vec<Vec<S>>, DeviceError> {
        self.products(theta, directions, Model::Linearised)
    }

    /// The derivatives of the gradient along each of the directions.
    fn products<S: Scalar>(
        &self,
        theta: &[S],
        directions: &[&[S]],
        model: Model,
    ) -> Result<Vec<Vec<S>>, DeviceError> {
        self.counter.add(Call::HessianVector, directions.len());
        let point = |block: &[_]| {
            let mut values = vec![(0, theta)];
            values.extend(block.iter().enumerate().map(|(i, v): (usize, &&[S])| (i + 1, *v)));
            let wanted = (1..=block.len()).collect();
            Point::new(Algebra::tangents(block.len(), 1), values, wanted)
        };
        let points: Vec<_> = directions.chunks(self.block(directions.len())).map(point).collect();
        let evaluations = self.evaluate(&points, model)?;
        Ok(evaluations.into_iter().flat_map(|evaluation| join(evaluation.gradient)).collect())
    }

    /// `∇^{m+1}E(θ)[v_1, …, v_m]`, a vector: the gradient for no direction, a Hessian-vector product for one.
    /// Directions that are equal cost less than different ones.
    ///
    /// # Errors
    /// An accelerator that fails.
    pub fn contraction<S: Scalar>(
        &self,
        theta: &[S],
        directions: &[&[S]],
    ) -> Result<Vec<S>, DeviceError> {
        let call = match directions.len() {
            0 => Call::Gradient,
            1 => Call::HessianVector,
            _ => Call::Contraction,
        };
        self.counter.add(call, 1);
        let mut distinct: Vec<(&[S], usize)> = Vec::new();
        for &v in directions {
            match distinct.iter_mut().find(|(w, _)| *w == v) {
                Some((_, times)) => *times += 1,
                None => distinct.push((v, 1)),
            }
        }
        let degrees: Vec<usize> = distinct.iter().map(|&(_, times)| times).collect();
        let algebra = Algebra::truncated(&degrees);
        let unit = |direction: usize| -> Vec<usize> {
            (0..degrees.len()).map(|i| usize::from(i == direction)).collect()
        };
        let mut values = vec![(0, theta)];
        for (index, (v, _)) in distinct.iter().enumerate() {
            values.push((algebra.monomial(&unit(index)).expect("a monomial of degree one"), *v));
        }
        let last = algebra.monomial(&degrees).expect("the highest monomial");
        let point = Point::new(algebra, values, vec![last]);
        let mut result: Vec<S> =
            join(self.evaluate_one(point)?.gradient).pop().expect("one coefficient");
        // The coefficient of ε^α is the derivative over α!.
        let factor: f64 = degrees.iter().map(|&d| (1..=d).product::<usize>() as f64).product();
        for entry in &mut result {
            *entry = S::of_parts(entry.part(0) * factor, entry.part(1) * factor);
        }
        Ok(result)
    }

    /// The coefficients of `h^(k-j) s^j` in `∇E(x(h, s))` for the pairs `(k, j)` of `wanted`, by one pass over the algebra
    /// `ℝ[h, s]`.
    ///
    /// # Errors
    /// An accelerator that fails.
    pub fn gradient_jet<S: Scalar>(
        &self,
        x: &Jet<S>,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Vec<S>>, DeviceError> {
        self.counter.add(
            match x.degree() {
                0 => Call::Gradient,
                1 => Call::HessianVector,
                _ => Call::Contraction,
            },
            1,
        );
        self.jet(x, None, wanted)
    }

    /// The part of the highest degree of `∇²E(x(h, s)) v(h, s)`, of two jets of the same degree.
    ///
    /// # Errors
    /// An accelerator that fails.
    pub fn hessian_jet<S: Scalar>(
        &self,
        x: &Jet<S>,
        v: &Jet<S>,
    ) -> Result<Vec<Vec<S>>, DeviceError> {
        let call = if x.degree() == 0 { Call::HessianVector } else { Call::Contraction };
        self.counter.add(call, 1);
        self.jet(x, Some(v), &x.last())
    }

    fn jet<S: Scalar>(
        &self,
        x: &Jet<S>,
        v: Option<&Jet<S>>,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Vec<S>>, DeviceError> {
        let degree = x.degree();
        let mut algebra = Algebra::bivariate(degree);
        let at = |k: usize, j: usize| k * (k + 1) / 2 + j;
        let mut values: Vec<_> = x.coefficients().map(|(k, j, x)| (at(k, j), x)).collect();
        let mut first = 0;
        if let Some(v) = v {
            let count = algebra.monomials();
            values.extend(v.coefficients().map(|(k, j, v)| (count + at(k, j), v)));
            algebra = algebra.with_direction();
            first = count;
        }
        let wanted = wanted.iter().map(|&(k, j)| first + at(k, j)).collect();
        Ok(join(self.evaluate_one(Point::new(algebra, values, wanted))?.gradient))
    }

    /// How many directions to evaluate in one pass: blocks share the network's own evaluation, but their activations
    /// must not leave the cache, nor a core be idle. What a direction gets does not depend on its block.
    fn block(&self, directions: usize) -> usize {
        let largest = self.shards.iter().map(|shard| shard.count).max().unwrap_or(1);
        let cached = 4 * shard_size(&self.context) / (largest * self.activations);
        let blocks = self.cores().div_ceil(self.shards.len().max(1));
        cached.min(directions.div_ceil(blocks)).clamp(1, 32)
    }

    /// Whether loops are cut for all cores: where there is one shard, and it is worth it.
    fn is_wide(&self) -> bool {
        let one = self.context.is_host() && self.shards.len() == 1;
        one && self.examples.saturating_mul(self.activations) >= WIDE
    }

    fn cores(&self) -> usize {
        if self.context.is_host() { rayon::current_num_threads().max(1) } else { 1 }
    }

    fn evaluate_one<S: Scalar>(&self, point: Point<'_, S>) -> Result<Evaluation, DeviceError> {
        Ok(self.evaluate(&[point], Model::Exact)?.pop().expect("one evaluation a point"))
    }

    /// Evaluates loss and gradient at each of the points.
    fn evaluate<S: Scalar>(
        &self,
        points: &[Point<'_, S>],
        model: Model,
    ) -> Result<Vec<Evaluation>, DeviceError> {
        self.device.guard(|| self.evaluate_unguarded(points, model))
    }

    fn evaluate_unguarded<S: Scalar>(
        &self,
        points: &[Point<'_, S>],
        model: Model,
    ) -> Vec<Evaluation> {
        let (shards, cores) = (self.shards.len(), self.cores());
        // A round of shards, of one or more points, at a time bounds the memory for their results.
        let wanted = points.iter().map(|p| p.wanted.len()).max().unwrap_or(0);
        let numbers = (cores * self.dimension() * wanted).max(1);
        let at_once = if cores == 1 { 1 } else { cores * (ROUND / numbers).clamp(1, 16) };
        let mut totals = Vec::with_capacity(points.len());
        for group in points.chunks((at_once / shards).max(1)) {
            let start = totals.len();
            totals.extend(group.iter().map(|point| self.nothing(point)));
            // Made by the first task that needs them.
            let prepared: Vec<OnceLock<Prepared<'_>>> =
                group.iter().map(|_| OnceLock::new()).collect();
            let tasks: Vec<(usize, usize)> = (0..group.len())
                .flat_map(|point| (0..shards).map(move |shard| (point, shard)))
                .collect();
            let run = |&(point, shard): &(usize, usize)| {
                let prepared = prepared[point].get_or_init(|| self.prepare(&group[point]));
                self.shard(prepared, shard, model)
            };
            // Sums in the order of the data are reproducible.
            for round in tasks.chunks(at_once) {
                let whole = |task| cores::uncut(|| run(task));
                let results: Vec<_> = match round {
                    // On all cores, by one of the threads that loops are cut for.
                    _ if self.is_wide() => rayon::scope(|_| round.iter().map(run).collect()),
                    [task] => vec![whole(task)],
                    _ => round.par_iter().map(whole).collect(),
                };
                for (&(point, shard), result) in round.iter().zip(results) {
                    let prepared = prepared[point].get().expect("prepared by its first task");
                    buffer::make_room(8 * self.dimension() * prepared.wanted.len());
                    self.add(&mut totals[start + point], prepared, result, shard > 0);
                }
            }
        }
        totals
    }

    fn nothing<S: Scalar>(&self, point: &Point<'_, S>) -> Evaluation {
        let parts = 1 + usize::from(S::COMPLEX);
        Evaluation {
            loss: vec![0.0; point.algebra.len()],
            gradient: vec![vec![0.0; self.dimension()]; parts * point.wanted.len()],
        }
    }

    /// Adds what a shard gives to the total, or to zero if that is not kept.
    fn add(
        &self,
        total: &mut Evaluation,
        prepared: &Prepared<'_>,
        (loss, gradients): Gradients,
        kept: bool,
    ) {
        for (k, sum) in total.loss.iter_mut().enumerate() {
            *sum += loss.coefficient(k).map_or(0.0, Array::total);
        }
        for (parameter, gradient) in self.layout().parameters.iter().zip(gradients) {
            for (&index, sum) in prepared.wanted.iter().zip(&mut total.gradient) {
                if let Some(part) = gradient.as_ref().and_then(|g| g.coefficient(index)) {
                    part.add_to(&mut sum[parameter.offset..], kept);
                }
            }
        }
    }

    fn prepare<'p, S: Scalar>(&'p self, point: &'p Point<'_, S>) -> Prepared<'p> {
        let parts = 1 + usize::from(S::COMPLEX);
        let ring = Ring::new(&point.algebra, &self.context);
        let parameters = self.variables(&ring, &point.values);
        let wanted = point.wanted.iter().flat_map(|m| (0..parts).map(move |p| parts * m + p));
        Prepared { ring, parameters, wanted: wanted.collect() }
    }

    /// The parameters `Σ e_m θ_m`, with `values` giving the `θ_m` of monomials `m`.
    /// Directions without a part along a parameter leave it, and all before it, as they are.
    fn variables<S: Scalar>(&self, ring: &Ring<'_>, values: &[(usize, &[S])]) -> Vec<Arc<Series>> {
        let parts = 1 + usize::from(S::COMPLEX);
        self.layout()
            .parameters
            .iter()
            .map(|parameter| {
                let length: usize = parameter.shape.iter().product();
                let range = parameter.offset..parameter.offset + length;
                let mut coefficients: Coefficients = smallvec![None; ring.algebra.len()];
                for &(monomial, value) in values {
                    for part in 0..parts {
                        let value = &value[range.clone()];
                        let from = |first: usize| value[first..].iter().map(move |v| v.part(part));
                        let index = parts * monomial + part;
                        if index == 0 || from(0).any(|v| v != 0.0) {
                            coefficients[index] =
                                Some(self.context.collected(from, &parameter.shape));
                        }
                    }
                }
                Arc::new(Series::new(coefficients, &parameter.shape))
            })
            .collect()
    }

    fn shard(&self, prepared: &Prepared<'_>, shard: usize, model: Model) -> Gradients {
        let Prepared { ring, parameters, wanted } = prepared;
        let mut needed = vec![false; ring.algebra.len()];
        for &index in wanted {
            needed[index] = true;
        }
        let tape = Tape::new(ring, needed);
        let variable = |p: &Arc<Series>| {
            if wanted.is_empty() { tape.constant(p.clone()) } else { tape.parameter(p.clone()) }
        };
        let variables: Vec<_> = parameters.iter().map(variable).collect();
        let Shard { plan, count } = &self.shards[shard];
        let mut loss = plan.loss(&tape, &variables, model);
        if *count != self.examples {
            loss = tape.scale(&loss, *count as f64 / self.examples as f64);
        }
        // The penalty is of no example, and stands with the first of them.
        if let Some(penalty) = self.penalty.as_ref().filter(|_| shard == 0) {
            loss = tape.add(&loss, &penalty.loss(&tape, &variables, Model::Exact));
        }
        let gradients = if wanted.is_empty() { Vec::new() } else { tape.gradient(&loss) };
        (loss.value, gradients)
    }
}
