//! `bea spectrum`: the curvature of a network's loss at its parameters.

mod density;
mod report;

use super::network_input::NetworkInput;
use super::{output, results};
use bea_flow::curvature::{
    Density, Eigenpair, Error, Lanczos, Operator, Quadrature, assemble, eigenvalues,
};
use bea_flow::flow::stability::{StabilityCoefficient, stability_coefficients};
use bea_network::architecture::Dtype;
use bea_network::{GaussNewton, Hessian};
use miette::miette;
use std::path::PathBuf;
use std::process::ExitCode;

/// Eigenvalues of the Hessian of a network's loss, and what they mean for gradient descent
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(super) struct SpectrumOf {
    #[command(flatten)]
    network: NetworkInput,
    /// How many of the largest eigenvalues [default: 10, or all there are]
    #[arg(long, value_name = "K")]
    top: Option<usize>,
    /// How many of the smallest eigenvalues
    #[arg(long, value_name = "K", default_value_t = 0)]
    bottom: usize,
    /// All eigenvalues, of a network of at most 4096 parameters
    #[arg(long, conflicts_with_all = ["top", "bottom"])]
    full: bool,
    /// The Gauss-Newton matrix instead of the Hessian
    #[arg(long)]
    gauss_newton: bool,
    /// The step size of gradient descent: show what it does along each eigenvector
    #[arg(long, value_name = "H", allow_negative_numbers = true, conflicts_with = "gauss_newton")]
    lr: Option<f64>,
    /// Estimate the density of all eigenvalues too, and write it to the folder of --out
    #[arg(long, requires = "out")]
    density: bool,
    /// Lanczos steps from each random vector of the density
    #[arg(long, value_name = "M", default_value_t = 80)]
    steps: usize,
    /// Random vectors of the density
    #[arg(long, value_name = "N", default_value_t = 10)]
    probes: usize,
    /// The seed of random vectors
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder for density.csv, quadrature.csv, density.svg and density.png
    #[arg(long, value_name = "DIR", requires = "density")]
    out: Option<PathBuf>,
    /// Replace the files in a folder that exists
    #[arg(long)]
    force: bool,
    /// The format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Print how often the loss was evaluated, by kind; JSON has it always
    #[arg(long)]
    counts: bool,
}

const HELP: &str = "\
The matrices:
  Hessian          ∇²E, whose eigenvalues λ decide on the stability of gradient
                   descent
  Gauss-Newton     Jᵀ H_L J, with the Jacobian J of the network's outputs by the
                   parameters and the Hessian H_L of the loss by the outputs; it
                   is never negative

The columns:
  (the first)      the number i of the eigenvalue λ_i, λ_0 being the largest
  λ                an eigenvalue, largest first, with unit eigenvector u
  residual         ‖∇²E u - λu‖: an eigenvalue lies so near to λ
  ∇E·u             the gradient along u, whose sign is chosen to make it
                   positive
  sc               the stability coefficient α_PF(hλ) (∇E·u),
                   α_PF(z) = log(1-z)/z: how the principal flow, and so gradient
                   descent, moves along u
  case             real stable for 0 < hλ < 1, complex stable for 1 < hλ < 2,
                   unstable complex for hλ > 2, repelling for λ < 0

Examples:
  bea spectrum --network mlp:10,10 --data iris --weights trained.safetensors \\
    --lr 0.1
  bea spectrum --network net.toml --data iris --full --format json
  bea spectrum --network mlp:100,100 --data fashion_mnist:FOLDER,first=1000 \\
    --density --out density

JSON:
  network, data, parameters, examples, dtype, matrix (hessian or gauss_newton),
  loss, gradient_norm, lr, eigenpairs ([{index, eigenvalue, residual, along, sc,
  case}], index 0 being the largest), products, converged, counts ({values,
  gradients, hessian_vectors, hessians, contractions, modified_fields}), density
  ({steps, probes, seed, mean, mean_square, nodes, weights}). Complex numbers
  are [re, im].";

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table for the terminal
    #[default]
    Text,
    /// An object
    Json,
}

/// Larger matrices are not assembled: their eigenvalues would take hours.
const LARGEST: usize = 4096;
/// How many eigenvalues are listed by default.
const TOP: usize = 10;

/// Eigenpairs, and how they were found.
struct Found {
    /// In descending order.
    pairs: Vec<Eigenpair>,
    /// The number of each among all eigenvalues, 0 being the largest.
    indices: Vec<usize>,
    /// The stability coefficient of each, if there is a step size.
    coefficients: Vec<StabilityCoefficient>,
    products: usize,
    converged: bool,
}

impl SpectrumOf {
    pub fn run(self) -> miette::Result<ExitCode> {
        if let Some(h) = self.lr.filter(|h| !(h.is_finite() && *h > 0.0)) {
            return Err(miette!("the step size --lr must be positive, not {h}"));
        }
        if let Some(folder) = &self.out {
            results::check_folder(folder, self.force)?;
        }
        let loss = self.network.loss()?;
        let theta = self.network.parameters(loss.architecture())?;
        let p = theta.len();
        let (value, gradient) = loss.gradient(&theta)?;
        if !value.is_finite() || gradient.iter().any(|x| !x.is_finite()) {
            return Err(miette!("the loss or its gradient is not finite at these parameters"));
        }
        if self.full && p > LARGEST {
            return Err(miette!(
                help = "take --top and --bottom for the extreme eigenvalues, --density for an overview",
                "--full is for at most {LARGEST} parameters, but {} has {p}",
                self.network.network
            ));
        }
        let (hessian, gauss_newton);
        let operator: &dyn Operator = if self.gauss_newton {
            gauss_newton = GaussNewton::new(&loss, &theta);
            &gauss_newton
        } else {
            hessian = Hessian::new(&loss, &theta);
            &hessian
        };
        let explain = |error: Error| match error {
            Error::TooMany { .. } => miette!(
                help = "--full shows all of them",
                "--top and --bottom together are more than the {p} parameters of {}",
                self.network.network
            ),
            other => miette!("{other}"),
        };
        let mut found = if self.full {
            all(operator)
        } else {
            self.extremes(operator, loss.architecture().dtype)
        }
        .map_err(explain)?;
        if let Some(h) = self.lr {
            found.coefficients = stability_coefficients(&mut found.pairs, &gradient, h);
        }
        let density = self.density.then(|| self.density().run(operator)).transpose();
        let density: Option<Quadrature> = density.map_err(explain)?;
        let written = match (&density, &self.out) {
            (Some(density), Some(folder)) => {
                let matrix = if self.gauss_newton { "Gauss-Newton matrix" } else { "Hessian" };
                let files = density::files(density, p, matrix).map_err(explain)?;
                results::to_folder(folder, &files, &density::FILES, self.force)?
            }
            _ => Vec::new(),
        };
        let report = report::Report {
            request: &self,
            loss: &loss,
            value,
            gradient: &gradient,
            found: &found,
            density: density.as_ref(),
            written: &written,
        };
        let text = match self.format {
            Format::Text => report.text(),
            Format::Json => format!("{:#}\n", report.json()),
        };
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }

    fn extremes(&self, operator: &dyn Operator, dtype: Dtype) -> Result<Found, Error> {
        let p = operator.dimension();
        let largest = self.top.unwrap_or(TOP.min(p.saturating_sub(self.bottom)));
        let tolerance = match dtype {
            // Products with the Hessian are not more exact than that.
            Dtype::F32 => 1e-5,
            Dtype::F64 => 1e-8,
        };
        let smallest = self.bottom;
        let lanczos =
            Lanczos { largest, smallest, tolerance, seed: self.seed, ..Lanczos::default() };
        if largest + smallest == 0 {
            return Ok(Found {
                pairs: Vec::new(),
                indices: Vec::new(),
                coefficients: Vec::new(),
                products: 0,
                converged: true,
            });
        }
        let extremes = lanczos.run(operator, &[])?;
        let count = extremes.largest.len();
        let mut pairs = extremes.largest;
        pairs.extend(extremes.smallest.into_iter().rev());
        let missing = p - pairs.len();
        let indices = (0..pairs.len()).map(|i| if i < count { i } else { i + missing }).collect();
        check(operator, &mut pairs)?;
        let products = extremes.products + pairs.len();
        let converged = extremes.converged;
        Ok(Found { pairs, indices, coefficients: Vec::new(), products, converged })
    }

    fn density(&self) -> Density {
        Density { steps: self.steps, probes: self.probes, seed: self.seed, ..Density::default() }
    }
}

/// All eigenpairs.
fn all(operator: &dyn Operator) -> Result<Found, Error> {
    let matrix = assemble(operator)?;
    let (values, vectors) = eigenvalues(&matrix)?;
    let pair = |(i, value): (usize, f64)| Eigenpair {
        value,
        vector: vectors.column(i).iter().copied().collect(),
        residual: 0.0,
    };
    let mut pairs: Vec<Eigenpair> = values.into_iter().enumerate().map(pair).collect();
    check(&matrix, &mut pairs)?;
    let p = pairs.len();
    let indices = (0..p).collect();
    Ok(Found { pairs, indices, coefficients: Vec::new(), products: p, converged: true })
}

/// Residuals recomputed by products with the operator, instead of the iteration's estimates.
fn check(operator: &(impl Operator + ?Sized), pairs: &mut [Eigenpair]) -> Result<(), Error> {
    let vectors: Vec<Vec<f64>> = pairs.iter().map(|pair| pair.vector.clone()).collect();
    for (pair, product) in pairs.iter_mut().zip(operator.apply(&vectors)?) {
        let rest = product.iter().zip(&pair.vector).map(|(w, u)| (w - pair.value * u).powi(2));
        pair.residual = rest.sum::<f64>().sqrt();
    }
    Ok(())
}
