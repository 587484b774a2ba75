//! `bea spectrum`: the curvature of a network's loss at its parameters.

mod density;
mod eigenpairs;
mod files;
mod picture;
mod progress;
mod report;

use super::memory::Bytes;
use super::network_input::NetworkInput;
use super::picture::{PictureOptions, only_if_written};
use super::{memory, output, results};
use bea_flow::curvature::{Density, Error, Operator, Preconditioned, Quadrature};
use bea_flow::flow::stability::stability_coefficients;
use bea_network::{GaussNewton, Hessian};
use files::{preconditioner, start_vectors};
use miette::miette;
use progress::Watched;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Eigenvalues of the Hessian of a network's loss, and what they mean for gradient descent
#[derive(clap::Args)]
#[command(after_help = HELP, mut_args(only_if_written))]
#[command(group(clap::ArgGroup::new("written").multiple(true)))]
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
    /// How large residuals may be, relative to the largest eigenvalue in modulus [default: 1e-8, and 1e-5
    /// in f32]
    #[arg(long, value_name = "T", value_parser = super::flow::positive)]
    #[arg(allow_negative_numbers = true, conflicts_with = "full")]
    tolerance: Option<f64>,
    /// How much memory the vectors of the iteration may take: `2GB`, `500MiB` [default: 64 vectors]
    #[arg(long, value_name = "BYTES", value_parser = memory::bytes, conflicts_with = "full")]
    memory: Option<Bytes>,
    /// Write the eigenvectors to a safetensors file, by the names of the parameters
    #[arg(long, value_name = "FILE")]
    vectors: Option<PathBuf>,
    /// Start from these vectors, a file of --vectors: those of a point nearby save products
    #[arg(long, value_name = "FILE", conflicts_with = "full")]
    start_vectors: Option<PathBuf>,
    /// Eigenvalues of P⁻¹ times the matrix, with a positive diagonal P from a file of the same tensors as the
    /// parameters
    #[arg(long, value_name = "FILE")]
    preconditioner: Option<PathBuf>,
    /// The Gauss-Newton matrix instead of the Hessian
    #[arg(long)]
    gauss_newton: bool,
    /// The step size of gradient descent: show what it does along each eigenvector
    #[arg(long, value_name = "H", allow_negative_numbers = true, conflicts_with = "gauss_newton")]
    lr: Option<f64>,
    /// Estimate the density of all eigenvalues too, and write it to the folder of --out
    #[arg(long, requires = "out", group = "written")]
    density: bool,
    /// Draw the eigenvalues, with the density if it is estimated, and 1/h and 2/h where --lr gives h
    #[arg(long, group = "written")]
    plot: bool,
    #[command(flatten)]
    look: PictureOptions,
    /// Lanczos steps from each random vector of the density
    #[arg(long, value_name = "M", default_value_t = 80)]
    steps: usize,
    /// Random vectors of the density
    #[arg(long, value_name = "N", default_value_t = 10)]
    probes: usize,
    /// The seed of random vectors
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder for density.csv, quadrature.csv, the density's picture, and that of --plot [default
    /// of a picture alone: a new one, results/spectrum or results/spectrum-2 and so on]
    #[arg(long, value_name = "DIR", requires = "written")]
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
  residual         ‖∇²E u - λu‖: an eigenvalue lies so near to λ. ∇²E is
                   evaluated anew for it, at parameters that differ by rounding,
                   which shows the noise of f32. With --preconditioner,
                   ‖P^(-1/2) ∇²E P^(-1/2) w - λw‖ with w = P^(1/2) u
  ∇E·u             the gradient along u, whose sign is chosen to make it
                   positive
  sc               the stability coefficient α_PF(hλ) (∇E·u),
                   α_PF(z) = log(1-z)/z: how the principal flow, and so gradient
                   descent, moves along u
  case             real stable for 0 < hλ < 1, complex stable for 1 < hλ < 2,
                   unstable complex for hλ > 2, repelling for λ < 0

Copies and clusters:
  Each eigenvalue is listed as often as it occurs. When all have converged, the
  space orthogonal to what was found is searched for more, which takes a quarter
  to a half as many products again, and as often as further copies are found.
  What could not be excluded is said.

Vectors (--vectors, --start-vectors):
  For each parameter a tensor of its name and shape, with a first axis for the
  eigenvectors in the order of the table; their eigenvalues are in the file's
  metadata. With --preconditioner they are eigenvectors u of P⁻¹∇²E, uᵀPu = 1.

The picture (--plot):
  a mark at each eigenvalue; where several cannot be told apart, one mark as
  high as they are many. With --density the height is that of the density's
  peak at as many eigenvalues, and with --lr lines stand at 1/h and 2/h.
  spectrum.csv has the numbers.

Examples:
  bea spectrum --network mlp:10,10 --data iris --weights trained.safetensors \\
    --lr 0.1
  bea spectrum --network net.toml --data iris --full --format json
  bea spectrum --network mlp:100,100 --data fashion_mnist:FOLDER,first=1000 \\
    --density --out density
  bea spectrum --network mlp:10,10 --data iris --full --lr 0.5 --plot --out all
  bea spectrum --network mlp:10,10 --data iris --top 5 --bottom 2 \\
    --tolerance 1e-6 --vectors u.safetensors

JSON:
  network, data, parameters, examples, dtype, matrix (hessian or gauss_newton),
  loss, gradient_norm, lr, eigenpairs ([{index, eigenvalue, residual, along, sc,
  case}], index 0 being the largest), tolerance, products, converged,
  certain, missed ({largest, smallest}: how much further out than the last one
  listed at each end an eigenvalue may lie that is missing), counts ({values,
  gradients, hessian_vectors, hessians, contractions, modified_fields}), density
  ({steps, probes, seed, mean, mean_square, nodes, weights}). Complex numbers
  are [re, im].";

/// The folder of a picture, unless another is named.
const FOLDER: &str = "results/spectrum";

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table for the terminal
    #[default]
    Text,
    /// An object
    Json,
}

impl SpectrumOf {
    pub fn run(self) -> miette::Result<ExitCode> {
        if let Some(h) = self.lr.filter(|h| !(h.is_finite() && *h > 0.0)) {
            return Err(miette!("the step size --lr must be positive, not {h}"));
        }
        if self.density || self.plot {
            let above = Path::new(FOLDER).parent().unwrap_or(Path::new(""));
            let folder = self.folder();
            results::check_folder(folder.unwrap_or(above), self.force || folder.is_none())?;
        }
        if self.plot && self.top == Some(0) && self.bottom == 0 && !self.density {
            return Err(miette!(
                help = "--top and --bottom say how many eigenvalues to find, and --density estimates that of all",
                "there is nothing to draw: no eigenvalue is asked for"
            ));
        }
        if let Some(file) = &self.vectors {
            output::check_file(file)?;
        }
        let loss = self.network.loss()?;
        if self.gauss_newton && loss.graph().is_some() {
            return Err(miette!(
                help = "without --gauss-newton the matrix is the Hessian",
                "the Gauss-Newton matrix needs the network's outputs, and an operator graph ends in its loss"
            ));
        }
        let theta = self.network.parameters(&loss)?;
        let p = theta.len();
        let (value, gradient) = loss.gradient(&theta)?;
        if !value.is_finite() || gradient.iter().any(|x| !x.is_finite()) {
            return Err(miette!("the loss or its gradient is not finite at these parameters"));
        }
        self.check_size(p)?;
        let layout = loss.layout();
        // Another evaluation of the same matrix.
        let nearby = eigenpairs::rounded(&theta, layout.dtype);
        let ([hessian, hessian_nearby], [gauss_newton, gauss_newton_nearby]);
        let (matrix, matrix_nearby): (&dyn Operator, &dyn Operator) = if self.gauss_newton {
            [gauss_newton, gauss_newton_nearby] =
                [&theta, &nearby].map(|theta| GaussNewton::new(&loss, theta));
            (&gauss_newton, &gauss_newton_nearby)
        } else {
            [hessian, hessian_nearby] = [&theta, &nearby].map(|theta| Hessian::new(&loss, theta));
            (&hessian, &hessian_nearby)
        };
        let explain = |error: Error| match error {
            Error::TooMany { .. } => miette!(
                help = "--full shows all of them",
                "--top and --bottom together are more than the {p} parameters of {}",
                self.network.network
            ),
            other => miette!("{other}"),
        };
        let progress = progress::Progress::new();
        let [watched, watched_nearby] =
            [matrix, matrix_nearby].map(|operator| Watched { operator, progress: &progress });
        let diagonal = self.preconditioner.as_ref().map(|file| preconditioner(file, &loss));
        let scaled = match diagonal.transpose()? {
            Some(p) => {
                let of = |operator| Preconditioned::new(operator, &p).map_err(explain);
                Some([of(&watched)?, of(&watched_nearby)?])
            }
            None => None,
        };
        let [operator, operator_nearby]: [&dyn Operator; 2] = match &scaled {
            Some([scaled, nearby]) => [scaled, nearby],
            None => [&watched, &watched_nearby],
        };
        let scale = |v: &mut Vec<f64>| scaled.iter().for_each(|[scaled, _]| scaled.scale(v));
        let unscale = |v: &mut Vec<f64>| scaled.iter().for_each(|[scaled, _]| scaled.unscale(v));
        let mut found = if self.full {
            eigenpairs::all(operator, operator_nearby).map_err(explain)?
        } else {
            let mut start = match &self.start_vectors {
                Some(file) => start_vectors(file, &loss)?,
                None => Vec::new(),
            };
            start.iter_mut().for_each(unscale);
            let lanczos = self.lanczos(p, layout.dtype, start.len())?;
            memory::advise(memory::Advice::Vectors);
            eigenpairs::extremes(&lanczos, operator, operator_nearby, &start).map_err(explain)?
        };
        let mut along = gradient.clone();
        scale(&mut along);
        if let Some(h) = self.lr {
            found.coefficients = stability_coefficients(&mut found.pairs, &along, h);
        }
        let density = self.density.then(|| self.density().run(operator)).transpose();
        progress.end();
        memory::advise(memory::Advice::Examples);
        let density: Option<Quadrature> = density.map_err(explain)?;
        let matrix = match (self.gauss_newton, self.preconditioner.is_some()) {
            (true, false) => "Gauss-Newton matrix",
            (false, false) => "Hessian",
            (true, true) => "preconditioned Gauss-Newton matrix",
            (false, true) => "preconditioned Hessian",
        };
        let mut files = Vec::new();
        if let Some(density) = &density {
            files.extend(density::files(density, p, matrix, &self.look)?);
        }
        if self.plot {
            let (found, density, lr) = (&found, density.as_ref(), self.lr);
            let drawn = picture::Spectrum { found, dimension: p, matrix, density, lr };
            files.extend(drawn.files(&self.look)?);
        }
        let written = self.write(&files);
        let vectors = match &self.vectors {
            Some(file) => files::write(file, layout, &found.pairs, scale),
            None => Ok(()),
        };
        let report = report::Report {
            request: &self,
            loss: &loss,
            value,
            gradient: &gradient,
            found: &found,
            density: density.as_ref(),
            written: written.as_deref().unwrap_or_default(),
            vectors: self.vectors.as_deref().filter(|_| vectors.is_ok()),
        };
        let text = match self.format {
            Format::Text => report.text(),
            Format::Json => format!("{:#}\n", report.json()),
        };
        // What was computed is shown even where files cannot be written.
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        written.and(vectors).map(|()| ExitCode::SUCCESS)
    }

    /// The folder of the files; `None` for a new one.
    fn folder(&self) -> Option<&Path> {
        self.out.as_deref().or(self.force.then(|| Path::new(FOLDER)))
    }

    /// Writes the files, if there are any. Returns their paths.
    fn write(&self, files: &results::Files) -> miette::Result<Vec<PathBuf>> {
        let stale: Vec<&str> = [&density::FILES[..], &picture::FILES].concat();
        match (files, self.folder()) {
            ([], _) => Ok(Vec::new()),
            (_, Some(folder)) => results::to_folder(folder, files, &stale, self.force),
            (_, None) => results::to_new_folder(FOLDER, files),
        }
    }

    fn density(&self) -> Density {
        Density { steps: self.steps, probes: self.probes, seed: self.seed, ..Density::default() }
    }
}
