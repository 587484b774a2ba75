//! `bea flow`: an optimizer and its flows, side by side.

mod network;
mod picture;

use super::help::{self, Named};
use super::network_input::NetworkInput;
use super::progress::Progress;
use super::terminal::short;
use super::{
    embedded, input, interrupt, loss_input, matrix_input, note, output, problem_input, results,
};
use crate::simulation::{csv, has_oscillations, json, oscillations_csv, oscillations_text};
use bea_flow::flow::{
    Beginning, Branch, Buffers, FlowName, FlowsFrom, Problem, Request, SimulateError, Simulation,
    simulate_until,
};
use bea_flow::loss::Loss;
use bea_network::device::DeviceError;
use bea_series::optimizer::{self, Step};
use bea_series::text::source::Source;
use miette::miette;
use picture::PictureOfFlow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Simulate an optimizer beside its flows, and measure how far they part.
#[derive(clap::Args)]
#[command(after_help = after_help())]
#[command(mut_arg("network", |arg| arg.required(false)))]
#[command(mut_arg("data", |arg| arg.requires("network")))]
pub(super) struct Flow {
    /// A formula, a name from `bea loss`, or a file; repeated for each vector field of the optimizer. A
    /// game of two players with one loss is zero-sum
    #[arg(long, value_name = "LOSS", required_unless_present = "network")]
    #[arg(conflicts_with = "NetworkInput", allow_hyphen_values = true)]
    #[arg(value_parser = Named::Loss, hide_possible_values = true)]
    loss: Vec<String>,
    #[command(flatten)]
    network: Option<NetworkInput>,
    /// Where to start: `-1,1` or `x=-1,y=1` [default: that of a loss of the library]
    #[arg(long, value_name = "POINT", conflicts_with = "network", allow_hyphen_values = true)]
    start: Option<String>,
    /// The step size h
    #[arg(long, value_name = "H", value_parser = positive, allow_hyphen_values = true)]
    lr: f64,
    /// How many steps of the optimizer
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = from_one)]
    #[arg(allow_negative_numbers = true)]
    steps: usize,
    /// The flows, separated by commas [default: ngf,igr,pf for gradient descent, otherwise
    /// order:1,order:3,interpolated:3]
    #[arg(long, value_name = "FLOWS", value_parser = Named::Flow, hide_possible_values = true)]
    flows: Option<String>,
    /// A name from `bea optimizers`, or a file
    #[arg(long, value_name = "OPTIMIZER|FILE", default_value = "gradient_descent")]
    #[arg(value_parser = Named::Optimizer, hide_possible_values = true)]
    optimizer: String,
    /// What the optimizer's buffers are at the start: what the optimizer says, at rest in most cases, or
    /// settled on the slow manifold, as if it had been running before
    #[arg(long, value_enum, default_value = "written")]
    buffers: BuffersName,
    /// Where the optimizer's own flows begin if its buffers do not start settled: at the effective start, from which
    /// they follow it once the buffers have settled, or at the start
    #[arg(long, value_enum, value_name = "FROM", default_value = "effective-start")]
    flows_from: FromName,
    /// Give a parameter of the loss or of the optimizer an exact value
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = loss_input::setting)]
    settings: Vec<(String, String)>,
    /// The variables of each player of a game, `x,a;y`
    #[arg(long, value_name = "NAMES", conflicts_with = "network")]
    players: Option<String>,
    /// The matrices that the variables form for steps with matrices, row by row: `2x3`, or several, `2x3,3x1` [default:
    /// the arrays that the loss declares]
    #[arg(long, value_name = "SIZES", conflicts_with = "network")]
    matrix: Option<String>,
    /// How many of the sharpest directions `cubic` sums over [default: all, and 4 for a network of
    /// more than 100 parameters], `central` has at most at the edge [default: 16], and along how many
    /// axes `rod` keeps its covariance [default: 8]
    #[arg(long, value_name = "K", value_parser = from_one, allow_negative_numbers = true)]
    directions: Option<usize>,
    /// Relative tolerance of the integrator [default: 1e-10, 1e-6 for 32-bit networks, and 1e-5
    /// for those with elu, relu or maximum pools, whose second derivatives jump]
    #[arg(long, value_name = "TOLERANCE", value_parser = positive)]
    #[arg(allow_hyphen_values = true)]
    rtol: Option<f64>,
    /// Absolute tolerance of the integrator [default: 1e-12, and 1e-7 for 32-bit networks and
    /// those with such jumps]
    #[arg(long, value_name = "TOLERANCE", value_parser = positive)]
    #[arg(allow_hyphen_values = true)]
    atol: Option<f64>,
    /// Integrate by Euler steps of this size in time, as the paper does (5e-5); the size of the steps of
    /// `central` and `rod`, of which `rod` takes four at least in one of the optimizer
    #[arg(long, value_name = "STEP", value_parser = positive, allow_hyphen_values = true)]
    euler: Option<f64>,
    /// Continue the logarithm along the trajectory, or take its principal branch everywhere
    #[arg(long, value_enum, default_value = "continued")]
    branch: BranchName,
    /// The folder for trajectories.csv and trajectories.json [default: a new one, results/flow or
    /// results/flow-2 and so on]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    picture: PictureOfFlow,
    /// Replace the files in a folder that exists, and compute flows of a network that take very many
    /// derivatives
    #[arg(long)]
    force: bool,
    /// Print how often the loss was evaluated, by kind; trajectories.json has it always
    #[arg(long)]
    counts: bool,
}

const EXAMPLES: &str = "\
Examples:
  bea flow --loss rosenbrock --lr 0.0017 --steps 40 --flows ngf,igr,pf \\
    --plot --out banana
  bea flow --loss '(x-0.6)^2/2' --start 0 --lr 1.2 --flows pf,pf-even
  bea flow --loss rosenbrock --lr 1e-4 --optimizer heavy_ball --set m=9/10
  bea flow --loss 'x*y' --optimizer alternating_gda --start 1,1 --lr 0.1 \\
    --flows order:0,order:3
  bea flow --network mlp:10,10 --data iris --dtype f64 --lr 0.2 --steps 10 \\
    --flows ngf,igr,pf
";

const FILES_HELP: &str = "\
The files hold time, loss and distance of every trajectory at every step, and
its parameters, but not those of a network that has more than 1000. A network's
last parameters after the optimizer's steps are in last.safetensors, which
--weights reads.

Ctrl-C and SIGTERM end the simulation, and what is there is written.";

fn after_help() -> String {
    format!("{EXAMPLES}\nFlows:\n{}\n{FILES_HELP}", help::flows())
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum BranchName {
    Continued,
    Principal,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum BuffersName {
    Written,
    Settled,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FromName {
    EffectiveStart,
    Start,
}

/// The files that this command may leave in its folder.
const FILES: [&str; 8] = [
    "trajectories.csv",
    "trajectories.json",
    "trajectories.svg",
    "trajectories.png",
    "trajectories.pdf",
    "trajectories.html",
    "last.safetensors",
    "oscillations.csv",
];
/// The folder, unless another is named.
const FOLDER: &str = "results/flow";
/// What is missing in `central` on a formula with kinks.
const KINKS: &str = "`central` takes derivatives of the formula up to the third between its kinks, those of abs, max, min and \
                     choices: what the kinks themselves add is missing";
/// The integrator's tolerances, relative and absolute.
const TOLERANCES: (f64, f64) = (1e-10, 1e-12);
/// The most memory that trajectories may take, in bytes.
const MEMORY: f64 = 8.0 * GIB;
const GIB: f64 = (1u64 << 30) as f64;
/// Bytes that a point of a trajectory takes beside its parameters, and bytes per parameter.
const POINT: f64 = 64.0;
const NUMBER: f64 = 16.0;
/// Bytes that a complex number takes as text, in both files together.
const TEXT: f64 = 100.0;
/// Points of a flow's curve per step of the optimizer.
const SAMPLES: usize = 16;

impl Flow {
    pub fn run(self) -> miette::Result<ExitCode> {
        match self.folder() {
            Some(folder) => results::check_folder(folder, self.force)?,
            None => {
                results::check_folder(Path::new(FOLDER).parent().unwrap_or(Path::new("")), true)?
            }
        }
        let chosen = input::optimizer(&self.optimizer)?;
        let mut settings = loss_input::settings(&self.settings)?;
        if let Some(network) = &self.network {
            return self.of_network(network, &chosen, settings);
        }
        let step = loss_input::numeric_step(&chosen, &mut settings)?;
        let players = self.players.as_deref();
        let losses = problem_input::losses_of_step(&self.loss, &settings, &step, players)?;
        let mut problem = losses.problem()?;
        if let Some(sizes) = &self.matrix {
            problem =
                problem.with_matrices(matrix_input::matrices(sizes, &step, &losses.variables)?);
        }
        let variables = losses.variables;
        let every = losses.losses;
        let mut loss = every[0].clone();
        if loss.variables.len() < variables.len() {
            // Its own variables come first. Its start, domain and minima have no entries for the others.
            (loss.variables, loss.start) = (variables, None);
            (loss.domain, loss.minima) = (Vec::new(), Vec::new());
        }
        let start = self.start(&loss)?;
        check_start(&every, &loss.variables, &start)?;
        let framing = self.picture.framing(&loss.variables)?;
        let request = self.request(step.is_gradient_descent(), TOLERANCES)?;
        self.picture.check_flows(&request.flows)?;
        check_memory(start.len(), start.len(), &request)?;
        let has_kinks = every.iter().any(|loss| loss.graph().has_kinks(&[loss.expression()]));
        note::say((has_kinks && request.flows.contains(&FlowName::Central)).then_some(KINKS));
        let simulation = self.simulate(&problem, &chosen.name, &step, &start, &request)?;
        if embedded::is_stopped() {
            // Whoever has embedded the command reads its files and keeps none.
            return Ok(interrupt::exit_code());
        }
        let mut files = files(&simulation, Some(&loss.variables));
        if self.picture.plot {
            let title = self.title(&loss.name, &simulation);
            let picture = &self.picture;
            files.extend(picture.of_formula(&loss, &problem, framing, &simulation, title)?);
        }
        let place = format!("from {}", place(&loss, &start));
        self.write(&files, &simulation, &step, &place)
    }

    /// What stands above the picture.
    fn title(&self, loss: &str, simulation: &Simulation) -> String {
        format!("{loss}, {}, h = {}", simulation.optimizer.name, step_size(self.lr))
    }

    /// The folder of the results; `None` for a new one.
    fn folder(&self) -> Option<&Path> {
        self.out.as_deref().or(self.force.then(|| Path::new(FOLDER)))
    }

    fn simulate(
        &self,
        problem: &Problem,
        name: &str,
        step: &Step,
        start: &[f64],
        request: &Request,
    ) -> miette::Result<Simulation> {
        interrupt::listen("writing what is there");
        let progress = Progress::new(self.steps);
        simulate_until(problem, name, step, start, request, &progress).map_err(|error| {
            let cause = match &error {
                SimulateError::Objective(error) => error.cause(),
                _ => None,
            };
            // An accelerator's failure comes with its advice.
            match cause.and_then(|cause| cause.downcast_ref::<DeviceError>()) {
                Some(device) => device.clone().into(),
                None if error == SimulateError::NoMatrices => matrix_input::missing(name),
                None => miette!("{error}"),
            }
        })
    }

    /// Writes the files and prints how far the flows are from the optimizer.
    fn write(
        &self,
        files: &results::Files,
        simulation: &Simulation,
        step: &Step,
        place: &str,
    ) -> miette::Result<ExitCode> {
        let written = match self.folder() {
            Some(folder) => results::to_folder(folder, files, &FILES, self.force)?,
            None => results::to_new_folder(FOLDER, files)?,
        };
        let name = &simulation.optimizer.name;
        let mut text = format!(
            "{name} with h = {}, {} steps {place}\ndistance of each flow to {name}:\n\n",
            step_size(self.lr),
            self.steps
        );
        text.push_str(&table(simulation));
        if has_oscillations(simulation) {
            text.push('\n');
            text.push_str(&oscillations_text(simulation, &shown(last_step(simulation))));
        }
        text.push_str(&notes(simulation));
        text.push_str(&of_descent(simulation, step));
        if self.buffers == BuffersName::Written && step.starts_beside_manifold() {
            text.push_str(&self.transient(simulation));
        }
        if self.counts {
            let _ = writeln!(text, "\nevaluations: {}", simulation.counts);
        }
        let paths: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        let _ = writeln!(text, "\nwrote {}", paths.join(", "));
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(interrupt::exit_code())
    }

    /// Where flows begin beside an optimizer whose buffers do not start settled.
    fn transient(&self, simulation: &Simulation) -> String {
        let name = &simulation.optimizer.name;
        let mut text = format!(
            "\nthe buffers of {name} do not start settled: its first steps are a transient that no flow follows;\n"
        );
        let mut groups: Vec<(&Beginning, Vec<&str>)> = Vec::new();
        for flow in simulation.flows.iter().filter(|flow| flow.beginning != Beginning::Start) {
            match groups.iter_mut().find(|(beginning, _)| **beginning == flow.beginning) {
                Some((_, names)) => names.push(&flow.name),
                None => groups.push((&flow.beginning, vec![&flow.name])),
            }
        }
        let has_effective = groups.iter().any(|(b, _)| !matches!(b, Beginning::Unsettled(_)));
        for (beginning, names) in groups {
            let begin = if names.len() == 1 { "begins" } else { "begin" };
            let names = names.join(", ");
            let _ = match beginning {
                Beginning::Start | Beginning::Midpoint => Ok(()),
                Beginning::Effective => writeln!(text, "{names} {begin} at the effective start;"),
                Beginning::Truncated(order) => writeln!(
                    text,
                    "{names} {begin} at the effective start to order {order}, as the loss has no more derivatives;"
                ),
                Beginning::Settled(steps) => writeln!(
                    text,
                    "{names} {begin} at the effective start, found by {steps} steps of {name} and the flow back;"
                ),
                Beginning::Unsettled(reason) => {
                    writeln!(text, "{names} {begin} at the start: {reason};")
                }
            };
        }
        if has_effective {
            text.push_str("--flows-from start begins at the start, ");
        }
        text.push_str("--buffers settled starts the buffers on the slow manifold\n");
        text
    }

    fn start(&self, loss: &Loss) -> miette::Result<Vec<f64>> {
        match (&self.start, &loss.start) {
            (Some(text), _) => loss_input::point("--start", text, &loss.variables),
            (None, Some(start)) => Ok(start.clone()),
            (None, None) => Err(miette!(
                help = format!("one value for each of {}", loss.variables.join(", ")),
                "this loss has no start of its own: give --start"
            )),
        }
    }

    /// `tolerances`: the integrator's defaults, relative and absolute.
    fn request(&self, is_descent: bool, tolerances: (f64, f64)) -> miette::Result<Request> {
        let default = if is_descent { "ngf,igr,pf" } else { "order:1,order:3,interpolated:3" };
        let flows = self.flows.as_deref().unwrap_or(default);
        Ok(Request {
            lr: self.lr,
            steps: self.steps,
            flows: FlowName::parse(&Source::new("--flows", flows))?,
            rtol: self.rtol.unwrap_or(tolerances.0),
            atol: self.atol.unwrap_or(tolerances.1),
            euler: self.euler,
            branch: match self.branch {
                BranchName::Continued => Branch::Continued,
                BranchName::Principal => Branch::Principal,
            },
            directions: self.directions,
            buffers: match self.buffers {
                BuffersName::Written => Buffers::Written,
                BuffersName::Settled => Buffers::Settled,
            },
            flows_from: match self.flows_from {
                FromName::EffectiveStart => FlowsFrom::EffectiveStart,
                FromName::Start => FlowsFrom::Start,
            },
            samples_per_step: if self.picture.plot { SAMPLES } else { 0 },
        })
    }
}

/// Refuses a start where one of the losses or its gradient is undefined, and says where in the formula.
fn check_start(losses: &[Loss], variables: &[String], start: &[f64]) -> miette::Result<()> {
    for loss in losses {
        // `variables` holds the variables of every loss.
        let place = |name| variables.iter().position(|v| v == name).expect("listed");
        let point: Vec<f64> = loss.variables.iter().map(|name| start[place(name)]).collect();
        let (subject, reason) = match loss.undefined_at(&point) {
            Some(reason) => ("loss", reason),
            None => match loss.gradient_undefined_at(&point) {
                Some(reason) => ("gradient", reason),
                None => continue,
            },
        };
        let which = match (losses.len(), subject) {
            (1, _) => subject.to_string(),
            (_, "loss") => format!("loss `{}`", loss.name),
            _ => format!("{subject} of the loss `{}`", loss.name),
        };
        let place: Vec<String> = variables
            .iter()
            .zip(start)
            .map(|(name, &x)| format!("{name} = {}", short(x)))
            .collect();
        return Err(miette!(
            help = "start where every logarithm, root and quotient of the loss is defined",
            "the {which} is undefined at the start, {}: {reason}",
            place.join(", ")
        ));
    }
    Ok(())
}

/// Refuses trajectories that do not fit in memory: every one keeps the parameters at all steps, and at the
/// points of its curve in a picture; and `listed` of them are written into the files.
fn check_memory(parameters: usize, listed: usize, request: &Request) -> miette::Result<()> {
    let trajectories = request.flows.len() + 1;
    let point = POINT + NUMBER * parameters as f64;
    let step = point * (1 + request.samples_per_step) as f64 + TEXT * (listed + 1) as f64;
    let gib = step * (request.steps as f64 + 1.0) * trajectories as f64 / GIB;
    if gib * GIB <= MEMORY {
        return Ok(());
    }
    let s = if parameters == 1 { "" } else { "s" };
    Err(miette!(
        help = "take fewer steps or fewer flows",
        "{trajectories} trajectories of {} steps with {parameters} parameter{s} take {gib:.0} GiB of \
         memory",
        request.steps,
    ))
}

/// The trajectories. `variables` are the names of the parameters, if the files shall hold them.
fn files(simulation: &Simulation, variables: Option<&[String]>) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        (FILES[0].to_string(), csv(simulation, variables).into_bytes()),
        (FILES[1].to_string(), json(simulation, variables.is_some()).into_bytes()),
    ];
    if has_oscillations(simulation) {
        files.push((FILES[7].to_string(), oscillations_csv(simulation).into_bytes()));
    }
    files
}

/// The step size as a heading prints it: with all of its digits, in scientific notation where it is very small or large.
fn step_size(h: f64) -> String {
    if (1e-6..1e7).contains(&h) { format!("{h}") } else { format!("{h:e}") }
}

/// The start as the heading names it.
fn place(loss: &Loss, start: &[f64]) -> String {
    let place: Vec<String> =
        loss.variables.iter().zip(start).map(|(name, x)| format!("{name} = {x}")).collect();
    // A loss of many variables is not listed.
    if place.len() > 6 { format!("{}, …", place[..6].join(", ")) } else { place.join(", ") }
}

/// The distance of every flow to the optimizer, at the steps of [`shown`].
fn table(simulation: &Simulation) -> String {
    let steps = last_step(simulation);
    let mut out = format!("{:>6}", "step");
    let columns: Vec<(usize, Vec<f64>)> = simulation
        .flows
        .iter()
        .map(|flow| (flow.name.len().max(9) + 2, simulation.distances(flow)))
        .collect();
    for (flow, (width, _)) in simulation.flows.iter().zip(&columns) {
        let _ = write!(out, "{:>width$}", flow.name);
    }
    out.push('\n');
    for step in shown(steps) {
        let _ = write!(out, "{step:>6}");
        for (width, distances) in &columns {
            let text = match distances.get(step) {
                Some(0.0) => "0".to_string(),
                Some(distance) => format!("{distance:.2e}"),
                None => "-".to_string(),
            };
            let _ = write!(out, "{text:>width$}");
        }
        out.push('\n');
    }
    out
}

/// The last step that a trajectory reaches.
fn last_step(simulation: &Simulation) -> usize {
    simulation.trajectories().map(|flow| flow.t.len()).max().unwrap_or(1) - 1
}

/// The steps of the table: the first five, the last, and about ten between them.
fn shown(steps: usize) -> Vec<usize> {
    if steps <= 20 {
        return (0..=steps).collect();
    }
    let every = steps.div_ceil(10);
    (0..=steps).filter(|n| *n <= 4 || n % every == 0 || *n == steps).collect()
}

fn notes(simulation: &Simulation) -> String {
    let ended =
        simulation.trajectories().filter_map(|flow| Some((&flow.name, flow.note.as_ref()?)));
    ended.map(|(name, note)| format!("\n{name} ended: {note}\n")).collect()
}

/// Which flows beside another optimizer are those of gradient descent, and which its own.
fn of_descent(simulation: &Simulation, step: &Step) -> String {
    const FLOWS: [(&str, &str); 2] = [("ngf", "order:0"), ("igr", "order:1")];
    if step.is_gradient_descent() {
        return String::new();
    }
    let shown: Vec<_> = FLOWS.iter().filter(|(flow, _)| simulation.find(flow).is_some()).collect();
    let list = |names: Vec<&str>| names.join(" and ");
    let flows = list(shown.iter().map(|(flow, _)| *flow).collect());
    let own = list(shown.iter().map(|(_, own)| *own).collect());
    match shown.len() {
        0 => String::new(),
        n => format!(
            "\n{flows} {} gradient descent's, whatever the optimizer; {own} {} {}'s own\n",
            if n == 1 { "is" } else { "are" },
            if n == 1 { "is" } else { "are" },
            simulation.optimizer.name
        ),
    }
}

/// A positive number: an integer, a fraction or a decimal.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    use num_traits::ToPrimitive;
    let value = optimizer::parse_value(text).map_err(|error| error.to_string())?.to_f64();
    match value {
        Some(x) if x.is_infinite() => Err(format!("it must be at most {:e}", f64::MAX)),
        Some(x) if x > 0.0 => Ok(x),
        _ => Err("it must be a positive number".to_string()),
    }
}

/// A number of things, at least one.
pub(super) fn from_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "write a whole number from 1 on".to_string())
}
