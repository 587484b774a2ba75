//! What a nonlinear step is while all that multiplies its gradients is held where it is.
//!
//! In `θ' = θ - h m'/(√v' + ε)` the divisor changes slowly. With it held, the step is linear in the gradients, in `θ` and in
//! the buffers that are linear in them: `x' = A_i x + b_i f` for each entry `i`, with the gradients taken where `c x` is.
//! Where these systems differ between entries in a factor of the response to the gradient alone, `1/P_i`, what happens
//! near a point with the Hessian `H` depends on the eigenvalues of `P⁻¹H` as it does on those of `H` for a linear
//! optimizer. Source: Cohen, Ghorbani, Krishnan, Agarwal, Medapati, Badura, Suo, Cardoze, Nado, Dahl and Gilmer (2022),
//! *Adaptive gradient methods at the edge of stability*.

use super::nonlinear::{NonlinearStep, Operation};
use crate::flow::dense::decomposition::eigenvalues;
use crate::flow::jets::{JetError, JetSource};
use crate::flow::stability::End;
use bea_series::typed::{Node, NodeId, Shape};
use nalgebra::DMatrix;
use std::collections::BTreeMap;

/// A step with its preconditioner held.
#[derive(Clone, PartialEq, Debug)]
pub struct Frozen {
    /// The diagonal of `P`: with buffers that have settled, a step moves entry `i` by `-h g_i/P_i` beside what it does
    /// without a gradient.
    pub preconditioner: Vec<f64>,
    /// `λ` of a penalty `λ/2 θᵀθ` whose gradient the step adds to that of the loss: `H + λ` takes the place of `H`.
    pub decay: f64,
    /// The least eigenvalue of `P⁻¹H` from which on the step is not stable, `2(1+β₁)/((1-β₁)h)` for Adam; `None` where it
    /// is not stable for small ones, or has no such bound.
    pub threshold: Option<End>,
}

/// Why a step has no preconditioner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotPreconditioned {
    /// A gradient goes through a nonlinear function, as in `sign(m)`.
    #[error(
        "a new value is no sum of multiples of gradients, parameters and buffers, entry by entry"
    )]
    Nonlinear,
    /// As for SAM.
    #[error("a gradient is evaluated at a point that depends on another gradient")]
    Point,
    /// No gradient occurs, or in no direction.
    #[error("the parameters do not move along the gradient")]
    Unmoved,
    /// As for momenta that differ.
    #[error("entries differ in more than a factor of their gradient")]
    Entries,
    /// Numbers are too large for the eigenvalues of an entry's system.
    #[error("the eigenvalues of the step with its preconditioner held are not found")]
    Eigenvalues,
}

/// An entry for each parameter, or one for all.
type Diagonal = Vec<f64>;

/// What an operation makes, as far as it is linear.
#[derive(Clone)]
enum Form {
    /// The same at every point.
    Constant,
    /// Held where it is.
    Held,
    /// Multiples of states and evaluations, by their index; `Held` may have been added.
    Linear { states: BTreeMap<usize, Diagonal>, fields: BTreeMap<usize, Diagonal>, held: bool },
}

fn product(x: &[f64], y: &[f64]) -> Diagonal {
    match (x, y) {
        ([x], y) | (y, [x]) => y.iter().map(|y| x * y).collect(),
        _ => x.iter().zip(y).map(|(x, y)| x * y).collect(),
    }
}

fn add(sum: &mut BTreeMap<usize, Diagonal>, terms: BTreeMap<usize, Diagonal>) {
    for (key, term) in terms {
        let old = sum.remove(&key).unwrap_or_else(|| vec![0.0]);
        let new = match (&old[..], &term[..]) {
            ([x], y) | (y, [x]) => y.iter().map(|y| x + y).collect(),
            (x, y) => x.iter().zip(y).map(|(x, y)| x + y).collect(),
        };
        sum.insert(key, new);
    }
}

impl NonlinearStep<f64> {
    /// The step number `number` from these states, counted from 1, with its preconditioner held. Where the first step has
    /// lines of its own, it holds what these make in the lines of the later steps: those are repeated.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn frozen<S: JetSource<f64>>(
        &self,
        states: &[Vec<f64>],
        number: u64,
        source: &mut S,
    ) -> Result<Result<Frozen, NotPreconditioned>, JetError<S::Error>> {
        let values = self.values(&mut states.to_vec(), Some(number), source)?;
        Ok(Forms { step: self, values: &values, points: Vec::new() }.frozen(states[0].len()))
    }
}

struct Forms<'a> {
    step: &'a NonlinearStep<f64>,
    /// What every operation made.
    values: &'a [Vec<f64>],
    /// Where the evaluations took place, as multiples of states.
    points: Vec<BTreeMap<usize, Diagonal>>,
}

impl Forms<'_> {
    fn update(&self, state: usize) -> NodeId {
        self.step.resolved(self.step.states[state].update)
    }

    /// The forms of all operations.
    fn forms(&mut self) -> Result<Vec<Form>, NotPreconditioned> {
        let mut forms: Vec<Form> = Vec::with_capacity(self.step.nodes.len());
        for (id, operation) in self.step.nodes.iter().enumerate() {
            let Operation::Other(node, _) = operation else {
                forms.push(Form::Constant);
                continue;
            };
            let one = |index| BTreeMap::from([(index, vec![1.0])]);
            forms.push(match node {
                Node::State(i) => {
                    Form::Linear { states: one(*i), fields: BTreeMap::new(), held: false }
                }
                // Its operation stands before.
                Node::New(_) => forms[self.step.resolved(id)].clone(),
                Node::Field { point } => match &forms[self.step.resolved(*point)] {
                    Form::Linear { states, fields, held: false } if fields.is_empty() => {
                        self.points.push(states.clone());
                        let fields = one(self.points.len() - 1);
                        Form::Linear { states: BTreeMap::new(), fields, held: false }
                    }
                    _ => return Err(NotPreconditioned::Point),
                },
                Node::Sum(parts) => self.sum(&forms, parts),
                Node::Product(parts) => self.multiple(&forms, parts),
                other => {
                    let constant = |x: &NodeId| matches!(forms[*x], Form::Constant);
                    if other.operands().iter().all(constant) { Form::Constant } else { Form::Held }
                }
            });
        }
        Ok(forms)
    }

    fn sum(&self, forms: &[Form], parts: &[NodeId]) -> Form {
        let (mut states, mut fields) = (BTreeMap::new(), BTreeMap::new());
        let (mut any, mut held) = (false, false);
        for part in parts {
            match &forms[*part] {
                Form::Constant => {}
                Form::Held => held = true,
                Form::Linear { states: s, fields: f, held: h } => {
                    add(&mut states, s.clone());
                    add(&mut fields, f.clone());
                    (any, held) = (true, held || *h);
                }
            }
        }
        match (any, held) {
            (true, held) => Form::Linear { states, fields, held },
            (false, true) => Form::Held,
            (false, false) => Form::Constant,
        }
    }

    fn multiple(&self, forms: &[Form], parts: &[NodeId]) -> Form {
        let is_linear = |part: &&NodeId| matches!(forms[**part], Form::Linear { .. });
        let linear: Vec<&NodeId> = parts.iter().filter(is_linear).collect();
        match linear[..] {
            [] if parts.iter().all(|part| matches!(forms[*part], Form::Constant)) => Form::Constant,
            [one] => {
                let Form::Linear { states, fields, held } = &forms[*one] else {
                    unreachable!("just filtered")
                };
                let others = parts.iter().filter(|part| *part != one);
                let factor =
                    others.fold(vec![1.0], |factor, part| product(&factor, &self.values[*part]));
                let times = |terms: &BTreeMap<usize, Diagonal>| {
                    terms.iter().map(|(key, term)| (*key, product(term, &factor))).collect()
                };
                Form::Linear { states: times(states), fields: times(fields), held: *held }
            }
            _ => Form::Held,
        }
    }

    fn frozen(mut self, dimension: usize) -> Result<Frozen, NotPreconditioned> {
        let forms = self.forms()?;
        // The states that the parameters depend on, with these.
        let (mut used, mut seen) = (vec![0], 0);
        while seen < used.len() {
            let Form::Linear { states, fields, held: false } = &forms[self.update(used[seen])]
            else {
                return Err(NotPreconditioned::Nonlinear);
            };
            let points = fields.keys().flat_map(|field| self.points[*field].keys());
            for state in states.keys().chain(points).copied().collect::<Vec<_>>() {
                if self.step.states[state].shape != Shape::Vector {
                    return Err(NotPreconditioned::Nonlinear);
                }
                if !used.contains(&state) {
                    used.push(state);
                }
            }
            seen += 1;
        }
        let mut systems = Systems::new(&used, self.points.len());
        for (row, state) in used.iter().enumerate() {
            let Form::Linear { states, fields, .. } = &forms[self.update(*state)] else {
                unreachable!("they are linear")
            };
            let column = |state| used.iter().position(|other| *other == state).expect("used");
            states.iter().for_each(|(s, x)| systems.states[row][column(*s)] = x.clone());
            fields.iter().for_each(|(f, x)| systems.fields[row][*f] = x.clone());
        }
        for (point, row) in self.points.iter().zip(&mut systems.points) {
            for (state, c) in point {
                let Some(column) = used.iter().position(|other| other == state) else {
                    // Evaluations that the parameters do not depend on.
                    continue;
                };
                row[column] = c.clone();
            }
        }
        systems.frozen(dimension, self.step.h)
    }
}

/// `x' = A x + b f(c x)` for each entry, the parameters first.
struct Systems {
    states: Vec<Vec<Diagonal>>,
    fields: Vec<Vec<Diagonal>>,
    points: Vec<Vec<Diagonal>>,
}

/// `A`, `b` and `c` of one entry.
struct System {
    a: DMatrix<f64>,
    b: DMatrix<f64>,
    c: DMatrix<f64>,
}

/// How far entries may be from what differs in a factor alone.
const ALIKE: f64 = 1e-9;

impl Systems {
    fn new(used: &[usize], evaluations: usize) -> Systems {
        let zero = |rows: usize, columns: usize| vec![vec![vec![0.0]; columns]; rows];
        Systems {
            states: zero(used.len(), used.len()),
            fields: zero(used.len(), evaluations),
            points: zero(evaluations, used.len()),
        }
    }

    fn of(&self, i: usize) -> System {
        let at = |x: &Diagonal| x[i.min(x.len() - 1)];
        let matrix = |rows: &[Vec<Diagonal>], columns: usize| {
            DMatrix::from_fn(rows.len(), columns, |row, column| at(&rows[row][column]))
        };
        let (states, evaluations) = (self.states.len(), self.points.len());
        System {
            a: matrix(&self.states, states),
            b: matrix(&self.fields, evaluations),
            c: matrix(&self.points, states),
        }
    }

    /// Whether all entries have the same system.
    fn is_uniform(&self) -> bool {
        let all = self.states.iter().chain(&self.fields).chain(&self.points);
        all.flatten().all(|x| x.len() == 1)
    }

    fn frozen(&self, dimension: usize, h: f64) -> Result<Frozen, NotPreconditioned> {
        let count = if self.is_uniform() { 1 } else { dimension };
        let decay = self.of(0).decay();
        let mut preconditioner = Vec::with_capacity(dimension);
        let mut first: Option<(System, Vec<f64>)> = None;
        for i in 0..count {
            let mut system = self.of(i);
            // What is subtracted here is added to the Hessian.
            system.without(decay);
            let gain = system.gain().ok_or(NotPreconditioned::Unmoved)?;
            if gain == 0.0 || !gain.is_finite() {
                return Err(NotPreconditioned::Unmoved);
            }
            preconditioner.push(h / gain);
            let responses: Vec<f64> = system.responses().iter().map(|x| x / gain).collect();
            match &first {
                None => first = Some((system, responses)),
                Some((_, expected)) => {
                    let size = expected.iter().fold(0.0f64, |size, x| size.max(x.abs()));
                    let differ = |(x, y): (&f64, &f64)| (x - y).abs() > ALIKE * size;
                    if responses.iter().zip(expected).any(differ) {
                        return Err(NotPreconditioned::Entries);
                    }
                }
            }
        }
        let (system, _) = first.ok_or(NotPreconditioned::Unmoved)?;
        let threshold = system.threshold(preconditioner[0], h)?;
        if count == 1 {
            preconditioner.resize(dimension, preconditioner[0]);
        }
        Ok(Frozen { preconditioner, decay, threshold })
    }
}

impl System {
    /// `λ` where a buffer gets `-λ b θ` beside `b f(θ)`: the gradient of a penalty.
    fn decay(&self) -> f64 {
        let rows = 1..self.a.nrows();
        let found = rows.filter(|row| self.a[(*row, 0)] != 0.0).find_map(|row| {
            let b: f64 = self.b.row(row).sum();
            (b != 0.0 && self.c.ncols() > 0).then(|| -self.a[(row, 0)] / b)
        });
        found.unwrap_or(0.0)
    }

    /// Takes the penalty out of the states.
    fn without(&mut self, decay: f64) {
        self.a += &self.b * &self.c * decay;
        // Differences of what should be equal.
        for row in 1..self.a.nrows() {
            if self.a[(row, 0)].abs() <= ALIKE * (decay * self.b.row(row).sum()).abs() {
                self.a[(row, 0)] = 0.0;
            }
        }
    }

    /// What a field that is 1 everywhere adds to the parameters in a step, once the buffers have settled.
    fn gain(&self) -> Option<f64> {
        let n = self.a.nrows();
        let drive = self.b.column_sum();
        if n == 1 {
            return Some(drive[0]);
        }
        let buffers = self.a.view((1, 1), (n - 1, n - 1));
        let settled =
            (DMatrix::identity(n - 1, n - 1) - buffers).lu().solve(&drive.rows(1, n - 1))?;
        Some(drive[0] + (self.a.view((0, 1), (1, n - 1)) * settled)[0])
    }

    /// `c A^k b` for as many `k` as determine it: the response of the points to the fields.
    fn responses(&self) -> Vec<f64> {
        let mut power = self.b.clone();
        let mut out = Vec::new();
        for _ in 0..2 * self.a.nrows() {
            out.extend((&self.c * &power).iter());
            power = &self.a * power;
        }
        out
    }

    /// Where the spectral radius of `A - μ P b c` passes 1.
    fn threshold(&self, preconditioner: f64, h: f64) -> Result<Option<End>, NotPreconditioned> {
        let closed = &self.b * &self.c * preconditioner;
        let roots = |mu: f64| {
            let roots = eigenvalues(&(&self.a - &closed * mu));
            roots.map_err(|_| NotPreconditioned::Eigenvalues)
        };
        let is_stable = |mu: f64| -> Result<bool, NotPreconditioned> {
            Ok(roots(mu)?.iter().all(|root| root.norm() <= 1.0))
        };
        let (mut stable, mut unstable) = (1e-3 / h, 1e-3 / h);
        if !is_stable(stable)? {
            return Ok(None);
        }
        while is_stable(unstable)? {
            stable = unstable;
            unstable *= 1.03;
            if unstable * h > 1e9 {
                return Ok(None);
            }
        }
        while unstable - stable > 1e-14 * unstable {
            let middle = f64::midpoint(stable, unstable);
            if middle <= stable || middle >= unstable {
                break;
            }
            *(if is_stable(middle)? { &mut stable } else { &mut unstable }) = middle;
        }
        let largest = roots(unstable)?.into_iter().max_by(|a, b| a.norm().total_cmp(&b.norm()));
        let angle = largest.map_or(0.0, |root| root.arg().abs());
        Ok(Some(End::at_angle(f64::midpoint(stable, unstable), angle)))
    }
}
