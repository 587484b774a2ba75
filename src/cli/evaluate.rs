//! `bea evaluate`: derivatives and fields of a network at its parameters.

use super::help::Named;
use super::network_input::{self, NetworkInput, Point};
use super::{input, limit, loss_input, note, output};
use bea_flow::flow::{self, FlowName, Problem, Request};
use bea_network::architecture::Dtype;
use bea_network::device::DeviceError;
use bea_network::weights::{self, Tensor, tensors};
use bea_network::{NetworkLoss, Scalar};
use bea_series::optimizer::Step;
use bea_series::series::GeneralLinearMethod;
use bea_series::text::near;
use bea_series::text::source::Source;
use bea_series::tree::Tree;
use miette::miette;
use num_complex::Complex64;
use std::path::PathBuf;
use std::process::ExitCode;

/// Evaluate exact derivatives and modified fields of a network
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(super) struct Evaluate {
    #[command(flatten)]
    network: NetworkInput,
    /// The direction `v`, a file of the same tensors as the parameters
    #[arg(long, value_name = "FILE")]
    direction: Option<PathBuf>,
    /// What to evaluate; see below
    #[arg(long, value_name = "NAMES", default_value = "loss,gradient")]
    quantities: String,
    /// The step size of the flows, a number or a fraction [default: 0.01]
    #[arg(long, value_name = "H", value_parser = super::flow::positive, allow_hyphen_values = true)]
    lr: Option<f64>,
    /// The optimizer whose modified field `order:n` and `interpolated:n` are: one of the library, or a file
    #[arg(long, value_name = "OPTIMIZER", default_value = "gradient_descent")]
    #[arg(value_parser = Named::Optimizer, hide_possible_values = true)]
    optimizer: String,
    /// A value for a parameter of the optimizer
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = loss_input::setting)]
    settings: Vec<(String, String)>,
    /// How many of the sharpest directions `cubic` sums over [default: all, and 4 for a network of
    /// more than 100 parameters]
    #[arg(long, value_name = "K", value_parser = super::flow::from_one)]
    #[arg(allow_negative_numbers = true)]
    directions: Option<usize>,
    /// Write all quantities to a safetensors file: `gradient.0.weight`, `pf.0.weight.re`, …
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The format of the summary
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Evaluate flows that take very many derivatives of the network
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For reading
    #[default]
    Text,
    /// An object
    Json,
}

const HELP: &str = "\
Quantities, separated by commas:
  loss, gradient               E and ∇E
  hvp, third, fourth           ∇²E v, ∇³E[v, v], ∇⁴E[v, v, v]; they need
                               --direction
  [], [[]], [[],[]], …         the elementary differential F(τ) of f = -∇E for
                               any rooted tree τ
  ngf, igr, order:3, pf, pf+np:2, pf-even, cubic, interpolated:4, …
                               the velocity of a flow at the parameters, of the
                               step size --lr

Complex quantities (`pf`, `pf+np:n` and `cubic`; all of them at complex
parameters) are written in two parts, `….re` and `….im`.

Examples:
  bea evaluate --network mlp:10,10 --data iris --lr 0.1 \\
    --quantities loss,gradient,igr
  bea evaluate --network net.toml --weights net.safetensors \\
    --data train.safetensors --direction v.safetensors --lr 0.01 \\
    --quantities loss,gradient,hvp,third,pf --out out.safetensors";

/// One thing to evaluate.
#[derive(Clone, PartialEq)]
enum Quantity {
    Loss,
    /// `∇^{m+1}E[v, …, v]`.
    Derivative(usize),
    Differential(Tree),
    Flow(FlowName),
}

/// The names of derivatives, by the number of directions.
const DERIVATIVES: [&str; 4] = ["gradient", "hvp", "third", "fourth"];

/// The step size of flows, unless another is given.
const STEP: f64 = 0.01;

/// A value, real or complex.
struct Computed {
    name: String,
    complex: bool,
    value: Value,
}

enum Value {
    Number(Complex64),
    /// One entry for each parameter.
    Vector(Point),
}

impl Evaluate {
    pub fn run(self) -> miette::Result<ExitCode> {
        let quantities = quantities(&self.quantities)?;
        let flows = quantities.iter().any(|(_, q)| matches!(q, Quantity::Flow(_)));
        let named = quantities.iter().filter_map(|(_, q)| match q {
            Quantity::Flow(flow) => Some(*flow),
            _ => None,
        });
        limit::check_flows(named, self.force)?;
        let h = self.lr.unwrap_or(STEP);
        let along = quantities.iter().find(|(_, q)| matches!(q, Quantity::Derivative(1..)));
        if let (Some((name, _)), None) = (along, &self.direction) {
            return Err(miette!(
                help = "--direction FILE names a file of the same tensors as the parameters",
                "`{name}` needs a direction"
            ));
        }
        if let Some(file) = &self.out {
            output::check_file(file)?;
        }
        let optimizer = input::optimizer(&self.optimizer)?;
        let settings = loss_input::settings(&self.settings)?;
        let step = if flows {
            network_input::step(&optimizer, settings)?
        } else {
            // Derivatives of the loss need no optimizer.
            network_input::check_settings(&optimizer, settings)?;
            Step::from(&GeneralLinearMethod::euler())
        };
        let loss = self.network.loss()?;
        let mut theta = self.network.point(&loss)?;
        let mut direction = match &self.direction {
            Some(file) => {
                if let Some(network) = loss.architecture() {
                    note::say(weights::unused_statistics(file, network)?);
                }
                Point::load(file, loss.layout())?
            }
            None => Point::Real(Vec::new()),
        };
        if let (Point::Complex(_), _) | (_, Point::Complex(_)) = (&theta, &direction) {
            theta = Point::Complex(theta.complex());
            direction = Point::Complex(direction.complex());
        }
        // Flows leave the real numbers; what else is real pays for real numbers alone.
        let start = if flows { theta.complex() } else { Vec::new() };
        let flowing = (optimizer.name.as_str(), &step, h);
        let mut computed = Vec::new();
        for (name, quantity) in quantities {
            computed.push(match (quantity, &theta, &direction) {
                (Quantity::Flow(flow), ..) => self.velocity(name, &loss, &start, flowing, flow)?,
                (other, Point::Real(theta), Point::Real(v)) => {
                    derivative(name, &loss, theta, v, &other, Point::Real)?
                }
                (other, theta, v) => {
                    let (theta, v) = (theta.complex(), v.complex());
                    derivative(name, &loss, &theta, &v, &other, Point::Complex)?
                }
            });
        }
        if let Some(value) = computed.iter().find(|c| !c.values().all(|z| z.is_finite())) {
            return Err(miette!("`{}` is not finite at these parameters", value.name));
        }
        if let Some(file) = &self.out {
            let parts: Vec<Tensor> = computed.iter().flat_map(|c| c.tensors(&loss)).collect();
            output::kept(file, |file| match flows {
                true => weights::save_with(file, &parts, Dtype::F64, ("lr", &h.to_string())),
                false => weights::save(file, &parts, Dtype::F64),
            })?;
        }
        let text = match self.format {
            Format::Text if flows => summary(&computed) + &self.step(),
            Format::Text => summary(&computed),
            Format::Json => format!("{:#}\n", json(&computed, flows.then_some(h))),
        };
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The step size of the flows, in words.
    fn step(&self) -> String {
        match self.lr {
            Some(h) => format!("h = {h}\n"),
            None => format!("h = {STEP}, as --lr gives no other\n"),
        }
    }

    fn velocity(
        &self,
        name: String,
        loss: &NetworkLoss,
        theta: &[Complex64],
        (optimizer, step, h): (&str, &Step, f64),
        flow: FlowName,
    ) -> miette::Result<Computed> {
        let problem = Problem::new(loss.clone());
        let request = Request { lr: h, directions: self.directions, ..Request::default() };
        let values = flow::velocity(&problem, optimizer, step, theta, flow, &request)
            .map_err(|error| miette!("{error}"))?
            .map_err(|stop| miette!("`{name}` is not defined at these parameters: {stop}"))?;
        let complex = theta.iter().any(|z| z.im != 0.0)
            || matches!(flow, FlowName::Principal | FlowName::PrincipalWith(_) | FlowName::Cubic);
        Ok(Computed { name, complex, value: Value::Vector(Point::Complex(values)) })
    }
}

/// The derivatives, over the reals or the complex numbers.
fn derivative<S: Scalar>(
    name: String,
    loss: &NetworkLoss,
    theta: &[S],
    direction: &[S],
    quantity: &Quantity,
    point: impl Fn(Vec<S>) -> Point,
) -> Result<Computed, DeviceError> {
    let complex = |z: S| Complex64::new(z.part(0), z.part(1));
    let vector = match quantity {
        Quantity::Loss => {
            let value = Value::Number(complex(loss.loss(theta)?));
            return Ok(Computed { name, complex: S::COMPLEX, value });
        }
        Quantity::Derivative(0) => loss.gradient(theta)?.1,
        Quantity::Derivative(1) => loss.hessian_vectors(theta, &[direction])?.remove(0),
        Quantity::Derivative(m) => loss.contraction(theta, &vec![direction; *m])?,
        Quantity::Differential(tree) => loss.elementary_differential(theta, tree)?,
        Quantity::Flow(_) => unreachable!("flows have their own evaluation"),
    };
    Ok(Computed { name, complex: S::COMPLEX, value: Value::Vector(point(vector)) })
}

impl Computed {
    fn values(&self) -> Box<dyn Iterator<Item = Complex64> + '_> {
        match &self.value {
            Value::Number(z) => Box::new(std::iter::once(*z)),
            Value::Vector(Point::Real(values)) => Box::new(values.iter().map(|x| (*x).into())),
            Value::Vector(Point::Complex(values)) => Box::new(values.iter().copied()),
        }
    }

    fn tensors(&self, loss: &NetworkLoss) -> Vec<Tensor> {
        type Part = (&'static str, fn(Complex64) -> f64);
        let parts: &[Part] =
            if self.complex { &[(".re", |z| z.re), (".im", |z| z.im)] } else { &[("", |z| z.re)] };
        parts
            .iter()
            .flat_map(|(suffix, part)| {
                let values: Vec<f64> = self.values().map(part).collect();
                let mut all = match self.value {
                    Value::Number(_) => {
                        vec![Tensor { name: self.name.clone(), shape: Vec::new(), values }]
                    }
                    Value::Vector(_) => tensors(loss.layout(), &values, &format!("{}.", self.name)),
                };
                all.iter_mut().for_each(|tensor| tensor.name.push_str(suffix));
                all
            })
            .collect()
    }

    /// The 2-norm of the vector.
    fn size(&self) -> f64 {
        self.values().map(|z| z.norm_sqr()).sum::<f64>().sqrt()
    }
}

fn summary(computed: &[Computed]) -> String {
    let width = computed.iter().map(|c| c.name.chars().count()).max().unwrap_or(0) + 4;
    let mut out = String::new();
    for c in computed {
        let line = match &c.value {
            Value::Number(z) if c.complex => {
                format!("{:<width$}{:.10} + {:.10}i", c.name, z.re, z.im)
            }
            Value::Number(z) => format!("{:<width$}{:.10}", c.name, z.re),
            Value::Vector(_) => format!("{:<width$}{:.6e}", format!("‖{}‖", c.name), c.size()),
        };
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// The quantities, and the step size if there are flows.
fn json(computed: &[Computed], h: Option<f64>) -> serde_json::Value {
    let entry = |c: &Computed| {
        let value = match &c.value {
            Value::Number(z) if c.complex => serde_json::json!({ "re": z.re, "im": z.im }),
            Value::Number(z) => z.re.into(),
            Value::Vector(_) => serde_json::json!({ "norm": c.size() }),
        };
        (c.name.clone(), value)
    };
    let step = h.map(|h| ("lr".to_string(), h.into()));
    serde_json::Value::Object(computed.iter().map(entry).chain(step).collect())
}

/// Reads the names of quantities. Commas inside brackets belong to trees.
fn quantities(text: &str) -> miette::Result<Vec<(String, Quantity)>> {
    let mut names = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        match (c, depth) {
            (',', 0) => names.push(String::new()),
            _ => names.last_mut().expect("one at least").push(c),
        }
    }
    let mut read: Vec<(String, Quantity)> = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let quantity = quantity(name)?;
        if read.iter().all(|(_, known)| *known != quantity) {
            read.push((name.into(), quantity));
        }
    }
    if read.is_empty() {
        return Err(miette!(
            help = "as in --quantities loss,gradient",
            "there is nothing to evaluate"
        ));
    }
    Ok(read)
}

fn quantity(name: &str) -> miette::Result<Quantity> {
    if name == "loss" {
        return Ok(Quantity::Loss);
    }
    if let Some(directions) = DERIVATIVES.iter().position(|known| *known == name) {
        return Ok(Quantity::Derivative(directions));
    }
    if name.starts_with('[') {
        let tree: Tree = name.parse().map_err(|error| miette!("{error}"))?;
        if tree.size() > TREE_NODES {
            return Err(miette!("`{name}` has {} nodes, of at most {TREE_NODES}", tree.size()));
        }
        return Ok(Quantity::Differential(tree));
    }
    match FlowName::parse(&Source::new("--quantities", name)) {
        Ok(flows) => match flows[..] {
            [FlowName::GradientDescent] => {
                Err(miette!("`gd` is no field: take `ngf`, or `interpolated:4`"))
            }
            [flow] => Ok(Quantity::Flow(flow)),
            _ => unreachable!("a name without commas"),
        },
        // The parser of flows reports a wrong number.
        Err(error) if FlowName::names().iter().any(|known| stem(known) == stem(name)) => {
            Err(error.into())
        }
        Err(_) => {
            // `gd` names the optimizer's steps, which have no velocity.
            let flows = FlowName::names().into_iter().filter(|name| *name != "gd");
            let names: Vec<&str> = ["loss"].into_iter().chain(DERIVATIVES).chain(flows).collect();
            Err(match near::advice(name, &names) {
                Some(help) => miette!(help = help, "there is no quantity `{name}`"),
                None => miette!("there is no quantity `{name}`"),
            })
        }
    }
}

/// A flow's name without its number.
fn stem(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// The largest tree here: each of its nodes costs an evaluation of the network.
const TREE_NODES: usize = 12;
