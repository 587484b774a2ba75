//! Any optimizer on any losses, and flows beside it, in high precision.

use super::precise::{Precise, evaluate};
use bea::exact::RationalFunction;
use bea::field::Field;
use bea::loss::{Expr, Graph, Program, VectorFields, modified_field};
use bea::series::{Combination, GeneralLinearMethod};
use num_rational::BigRational;

/// Vector fields as formulas, each a program as well.
pub struct Problem {
    graph: Graph,
    fields: VectorFields,
    programs: Vec<Program>,
}

impl Problem {
    /// `fields` are pairs of a space and the loss that it descends.
    pub fn new(mut graph: Graph, spaces: Vec<Vec<u32>>, fields: &[(usize, Expr)]) -> Problem {
        let components = fields.iter().map(|&(space, loss)| {
            let gradient = graph.gradient(loss, &spaces[space]);
            (space, gradient.into_iter().map(|e| graph.neg(e)).collect())
        });
        let components: Vec<(usize, Vec<Expr>)> = components.collect();
        let fields = VectorFields { spaces, fields: components };
        let dimension = fields.variables().len();
        let program = |(_, e): &(usize, Vec<Expr>)| Program::new(&graph, dimension, e);
        let programs = fields.fields.iter().map(program).collect();
        Problem { graph, fields, programs }
    }

    pub fn dimension(&self) -> usize {
        self.fields.variables().len()
    }

    fn space(&self, space: usize) -> &[u32] {
        &self.fields.spaces[space]
    }

    fn space_of(&self, field: usize) -> usize {
        self.fields.fields[field].0
    }

    /// The program of the modified field; its inputs are the variables and `h`.
    pub fn modified_field(&self, field: &Field) -> Program {
        let mut graph = self.graph.clone();
        let h = graph.variable(self.dimension() as u32);
        let velocity = modified_field(&mut graph, &self.fields, field, h, &[]);
        Program::new(&graph, self.dimension() + 1, &velocity)
    }
}

/// `log2 |x|`
pub fn log2_abs(x: Precise) -> f64 {
    if x == Precise::ZERO { f64::NEG_INFINITY } else { Precise(x.0.abs().log2()).to_f64() }
}

/// What a combination takes of states and stages: the index and the coefficient, none of them 0.
struct Row {
    states: Vec<(usize, Precise)>,
    stages: Vec<(usize, Precise)>,
}

/// An optimizer at work.
pub struct Optimizer<'a> {
    problem: &'a Problem,
    /// The space of each state.
    spaces: Vec<usize>,
    /// The field of each stage and its arguments, one a space.
    stages: Vec<(usize, Vec<Row>)>,
    update: Vec<Row>,
    /// What multiplies a field.
    scale: Precise,
    states: Vec<Vec<Precise>>,
}

/// The multiples of the parameters that the states of each space are when nothing moves. The first
/// state of a space are its parameters.
fn still(update: &[Row], spaces: &[usize]) -> Vec<Precise> {
    let settled = |i: usize| -> Vec<Precise> {
        let one = |j| if i == j { Precise::from(1) } else { Precise::ZERO };
        let mut states: Vec<Precise> = (0..spaces.len()).map(one).collect();
        for _ in 0..400 {
            let row = |row: &Row| {
                row.states.iter().fold(Precise::ZERO, |sum, (j, c)| sum + *c * states[*j])
            };
            states = update.iter().map(row).collect();
        }
        states
    };
    let limits: Vec<Vec<Precise>> = (0..spaces.len()).map(settled).collect();
    let multiple = |i: usize| {
        let first = spaces.iter().position(|s| *s == spaces[i]).expect("the parameters");
        let limits = limits.iter().zip(spaces).filter(|(_, s)| **s == spaces[i]);
        // All limits are multiples of one another; the largest is not 0.
        let (limit, _) = limits
            .max_by(|a, b| log2_abs(a.0[first]).total_cmp(&log2_abs(b.0[first])))
            .expect("the parameters");
        limit[i] / limit[first]
    };
    (0..spaces.len()).map(multiple).collect()
}

/// How many sweeps settle implicit stages; each gains the digits of `1/(hλ)`.
const SWEEPS: usize = 100;

impl<'a> Optimizer<'a> {
    /// Started at a point, with buffers that would not move if there were no field.
    pub fn new(
        problem: &'a Problem,
        method: &GeneralLinearMethod,
        h: &BigRational,
        start: &[Precise],
    ) -> Self {
        let at = vec![Some(RationalFunction::from(h.clone())); method.parameters.len()];
        let number = |c: &RationalFunction| {
            Precise::from(&c.substitute(&at).expect("defined").as_rational().expect("a number"))
        };
        let row = |c: &Combination, space: usize| {
            let states = c.states.iter().zip(&method.states).enumerate();
            let states = states.filter(|(_, (c, s))| s.space == space && !c.is_zero());
            let stages = c.stages.iter().zip(&method.stages).enumerate();
            let stages =
                stages.filter(|(_, (c, s))| problem.space_of(s.field) == space && !c.is_zero());
            Row {
                states: states.map(|(i, (c, _))| (i, number(c))).collect(),
                stages: stages.map(|(i, (c, _))| (i, number(c))).collect(),
            }
        };
        let spaces: Vec<usize> = method.states.iter().map(|s| s.space).collect();
        let stages = method.stages.iter().map(|stage| {
            let arguments = stage.arguments.iter().enumerate();
            (stage.field, arguments.map(|(space, c)| row(c, space)).collect())
        });
        let update: Vec<Row> =
            method.update.iter().zip(&spaces).map(|(c, &space)| row(c, space)).collect();
        let states = still(&update, &spaces).into_iter().zip(&spaces).map(|(c, space)| {
            problem.space(*space).iter().map(|&v| c * start[v as usize]).collect()
        });
        Optimizer {
            problem,
            stages: stages.collect(),
            update,
            scale: match method.step_parameter {
                None => Precise::from(h),
                Some(_) => Precise::from(1),
            },
            states: states.collect(),
            spaces,
        }
    }

    fn length(&self, space: usize) -> usize {
        self.problem.space(space).len()
    }

    fn combine(&self, row: &Row, space: usize, stages: &[Vec<Precise>]) -> Vec<Precise> {
        let mut out = vec![Precise::ZERO; self.length(space)];
        let states = row.states.iter().map(|(i, c)| (&self.states[*i], *c));
        for (value, c) in states.chain(row.stages.iter().map(|(i, c)| (&stages[*i], *c))) {
            for (out, x) in out.iter_mut().zip(value) {
                *out = *out + c * *x;
            }
        }
        out
    }

    fn updated(&self, stages: &[Vec<Precise>]) -> Vec<Vec<Precise>> {
        let rows = self.update.iter().zip(&self.spaces);
        rows.map(|(row, &space)| self.combine(row, space, stages)).collect()
    }

    pub fn step(&mut self) {
        // A stage that no later stage and no stage of its own enters is final after one sweep.
        let explicit = self.stages.iter().enumerate().all(|(l, (_, arguments))| {
            arguments.iter().flat_map(|row| &row.stages).all(|(i, _)| *i < l)
        });
        let zero = |(field, _): &(usize, Vec<Row>)| {
            vec![Precise::ZERO; self.length(self.problem.space_of(*field))]
        };
        let mut stages: Vec<Vec<Precise>> = self.stages.iter().map(zero).collect();
        let mut last = f64::INFINITY;
        for sweep in 0..=SWEEPS {
            assert!(sweep < SWEEPS, "the implicit stages do not settle");
            let mut moved = f64::NEG_INFINITY;
            for (l, (field, arguments)) in self.stages.iter().enumerate() {
                let mut point = vec![Precise::ZERO; self.problem.dimension()];
                for (space, row) in arguments.iter().enumerate() {
                    let part = self.combine(row, space, &stages);
                    for (&variable, value) in self.problem.space(space).iter().zip(part) {
                        point[variable as usize] = value;
                    }
                }
                let mut value = evaluate(&self.problem.programs[*field], &point);
                value.iter_mut().for_each(|x| *x = *x * self.scale);
                let changes = value.iter().zip(&stages[l]).map(|(a, b)| log2_abs(*a - *b));
                moved = changes.fold(moved, f64::max);
                stages[l] = value;
            }
            // The contraction ends where rounding takes over.
            if explicit || (moved < -150.0 && moved >= last) || moved == f64::NEG_INFINITY {
                break;
            }
            last = moved;
        }
        self.states = self.updated(&stages);
    }

    pub fn parameters(&self) -> Vec<Precise> {
        let mut out = vec![Precise::ZERO; self.problem.dimension()];
        for space in 0..self.problem.fields.spaces.len() {
            let state = self.spaces.iter().position(|s| *s == space).expect("its parameters");
            for (&variable, value) in self.problem.space(space).iter().zip(&self.states[state]) {
                out[variable as usize] = *value;
            }
        }
        out
    }
}

/// The flow for time `h` of a field from `y`, by Gragg's midpoint rule with `2, 4, …, 2·columns`
/// steps, extrapolated: its error is `O(h^(2·columns+1))`.
///
/// Source: Hairer, Nørsett, Wanner, *Solving Ordinary Differential Equations I*, section II.9.
pub fn flow(
    field: impl Fn(&[Precise]) -> Vec<Precise>,
    y: &[Precise],
    h: Precise,
    columns: i64,
) -> Vec<Precise> {
    let along = |y: &[Precise], c: Precise, v: &[Precise]| -> Vec<Precise> {
        y.iter().zip(v).map(|(y, v)| *y + c * *v).collect()
    };
    let slope = field(y);
    let mut row: Vec<Vec<Precise>> = Vec::new();
    for j in 1..=columns {
        let step = h / Precise::from(2 * j);
        let (mut before, mut now) = (y.to_vec(), along(y, step, &slope));
        for _ in 1..2 * j {
            let next = along(&before, step + step, &field(&now));
            before = std::mem::replace(&mut now, next);
        }
        let mut next = vec![now];
        for (k, earlier) in row.iter().enumerate() {
            // T_(j,k+1) = T_(j,k) + (T_(j,k) - T_(j-1,k))/((n_j/n_(j-k))² - 1)
            let ratio = Precise::from(j) / Precise::from(j - 1 - k as i64);
            let weight = Precise::from(1) / (ratio * ratio - Precise::from(1));
            let change: Vec<Precise> = next[k].iter().zip(earlier).map(|(a, b)| *a - *b).collect();
            next.push(along(&next[k], weight, &change));
        }
        row = next;
    }
    row.pop().expect("a column")
}
