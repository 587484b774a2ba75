//! `--network`, `--weights`, `--data`, `--device`: a network at its parameters.

use super::loss_input::{self, Settings};
use super::note;
use bea_network::architecture::{Architecture, Dtype, Layout};
use bea_network::data::{self, Dataset, Remark};
use bea_network::device::Device;
use bea_network::graph::Graph;
use bea_network::initialise::{Scheme, initialise};
use bea_network::{NetworkLoss, Start, suited, usual_criterion, weights};
use bea_series::optimizer::{Optimizer, Step};
use bea_series::text::near;
use bea_series::text::source::Source;
use bea_series::text::table::parse;
use miette::{IntoDiagnostic, WrapErr, miette};
use num_complex::Complex64;
use std::path::{Path, PathBuf};

/// A network, its data and where it is evaluated.
#[derive(clap::Args)]
pub(super) struct NetworkInput {
    /// A network file in TOML, an architecture by name: `mlp:100,100`, `resnet18`, `vgg11:relu`, or the folder of an operator
    /// graph, `model.bea-graph`, which has its own data and parameters
    #[arg(long, value_name = "NET")]
    pub network: String,
    /// The examples: `iris`, `fashion_mnist:FOLDER,first=1000`, `FILE.safetensors`; see `bea data --help`
    #[arg(long, value_name = "DATA")]
    pub data: Option<String>,
    /// The parameters, a safetensors file with PyTorch's names; complex ones are NAME.re and NAME.im
    #[arg(long, value_name = "FILE", conflicts_with = "init")]
    pub weights: Option<PathBuf>,
    /// Initial parameters where there is no file: a scheme, for example `pytorch`, `glorot_uniform`
    /// or `he_normal`, and a seed [default: pytorch:0]
    #[arg(long, value_name = "SCHEME[:SEED]")]
    pub init: Option<String>,
    /// Where to evaluate: `cpu`, or `wgpu:0`, `cuda:0` in a build with that feature
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: String,
    /// The numbers to calculate with, instead of the network file's
    #[arg(long, value_name = "TYPE")]
    pub dtype: Option<Precision>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Precision {
    F32,
    F64,
}

impl NetworkInput {
    /// The loss of the network on the data, or that of an operator graph.
    pub fn loss(&self) -> miette::Result<NetworkLoss> {
        let device = Device::find(&self.device)?;
        if Graph::is_at(Path::new(&self.network)) {
            return self.graph(&device);
        }
        let Some(data) = &self.data else {
            return Err(miette!(
                help = "--data iris, or a file: see `bea data --help`; an operator graph is named by its folder, \
                        model.bea-graph",
                "the network {} needs examples: there is no --data",
                self.network
            ));
        };
        let data = data::open(data)?;
        note::say(data.remarks.iter().map(Remark::note));
        let mut architecture = self.architecture(&data)?;
        let statistics = weights::load_statistics(self.weights.as_deref(), &mut architecture)?;
        note::say(statistics);
        device.check(architecture.dtype)?;
        Ok(NetworkLoss::new(architecture, &data, &device)?)
    }

    fn graph(&self, device: &Device) -> miette::Result<NetworkLoss> {
        let kept = |option: &str, what: &str| {
            miette!(
                help = format!("leave {option} out"),
                "the operator graph {} has its own {what}, and {option} is given as well",
                self.network
            )
        };
        if self.data.is_some() {
            return Err(kept("--data", "data"));
        }
        if self.init.is_some() {
            return Err(kept("--init", "parameters"));
        }
        let graph = Graph::open(Path::new(&self.network))?;
        note::say(graph.remarks());
        let dtype = self.dtype().unwrap_or(graph.layout().dtype);
        Ok(NetworkLoss::of_graph(graph.with_dtype(dtype), device)?)
    }

    fn dtype(&self) -> Option<Dtype> {
        self.dtype.map(|precision| match precision {
            Precision::F32 => Dtype::F32,
            Precision::F64 => Dtype::F64,
        })
    }

    fn architecture(&self, data: &Dataset) -> miette::Result<Architecture> {
        let dtype = self.dtype();
        if !self.network.ends_with(".toml") {
            let dtype = dtype.unwrap_or(Dtype::F32);
            return Ok(suited(&self.network, data, usual_criterion(data), dtype)?);
        }
        let text = std::fs::read_to_string(&self.network)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot read the network {}", self.network))?;
        let source = Source::new(self.network.as_str(), text);
        let mut network = Architecture::parse(&source)?;
        if let Some(dtype) = dtype.filter(|dtype| *dtype != network.dtype) {
            if parse(&source)?.get_ref().contains_key("dtype") {
                note::say([format!(
                    "`dtype` of {} is not used: --dtype gives another",
                    self.network
                )]);
            }
            network.dtype = dtype;
        }
        Ok(network)
    }

    /// Real parameters.
    pub fn parameters(&self, loss: &NetworkLoss) -> miette::Result<Vec<f64>> {
        if let Some(file) = &self.weights {
            return Ok(weights::load(file, loss.layout())?);
        }
        match loss.start() {
            Start::Own(parameters) => Ok(parameters.to_vec()),
            Start::Drawn(network) => {
                let init = self.init.as_deref().unwrap_or("pytorch:0");
                let (scheme, seed) = init.split_once(':').unwrap_or((init, "0"));
                let seed = seed.parse().map_err(|_| {
                    miette!(
                        help = "as in --init pytorch:1",
                        "a seed is a whole number, not `{seed}`"
                    )
                })?;
                Ok(initialise(network, scheme.parse::<Scheme>()?, seed))
            }
        }
    }

    /// Parameters that may be complex.
    pub fn point(&self, loss: &NetworkLoss) -> miette::Result<Point> {
        match &self.weights {
            Some(file) => Point::load(file, loss.layout()),
            None => Ok(Point::Real(self.parameters(loss)?)),
        }
    }

    /// The network and its data, in words.
    pub fn place(&self) -> String {
        match &self.data {
            Some(data) => format!("{} on {data}", self.network),
            None => self.network.clone(),
        }
    }
}

/// Parameters, or a vector of their form: complex where the file has a part that is not real.
pub(super) enum Point {
    Real(Vec<f64>),
    Complex(Vec<Complex64>),
}

impl Point {
    /// From a file of tensors. Real ones are never held as complex numbers.
    pub fn load(file: &Path, network: &Layout) -> miette::Result<Point> {
        if !weights::is_complex(file, network) {
            return Ok(Point::Real(weights::load(file, network)?));
        }
        let values = weights::load_complex(file, network)?;
        if values.iter().all(|z| z.im == 0.0) {
            return Ok(Point::Real(values.into_iter().map(|z| z.re).collect()));
        }
        Ok(Point::Complex(values))
    }

    /// As complex numbers.
    pub fn complex(&self) -> Vec<Complex64> {
        match self {
            Point::Real(values) => values.iter().map(|&x| x.into()).collect(),
            Point::Complex(values) => values.clone(),
        }
    }
}

/// The optimizer with numbers for all of its parameters, of a network, whose loss has none of its own.
pub(super) fn step(optimizer: &Optimizer, mut settings: Settings) -> miette::Result<Step> {
    let step = loss_input::numeric_step(optimizer, &mut settings)?;
    all_known(optimizer, &settings)?;
    let fields = match &step {
        Step::Linear(program) => program.fields.len(),
        Step::Nonlinear(_) => 1,
    };
    match fields {
        1 => Ok(step),
        n => Err(miette!(
            help = "optimizers of one loss are gradient_descent, heavy_ball, nesterov, … : see `bea optimizers`",
            "`{}` has {n} vector fields, a network on its data is one",
            optimizer.name
        )),
    }
}

/// Refuses settings that are no parameters of the optimizer, for a command that takes no steps.
pub(super) fn check_settings(optimizer: &Optimizer, mut settings: Settings) -> miette::Result<()> {
    loss_input::of_optimizer(optimizer, &mut settings)?;
    all_known(optimizer, &settings)
}

/// Refuses settings that are no parameters of the optimizer.
fn all_known(optimizer: &Optimizer, left: &Settings) -> miette::Result<()> {
    let Some(name) = left.keys().next() else { return Ok(()) };
    let known: Vec<&str> = optimizer.parameters.iter().map(String::as_str).collect();
    let message = format!("`{}` has no parameter `{name}`", optimizer.name);
    Err(match near::advice(name, &known) {
        Some(help) => miette!(help = help, "{message}"),
        None => miette!("{message}"),
    })
}
