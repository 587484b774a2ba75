//! What `bea spectrum` prints.

use super::super::terminal::{complex, line, number, short, table, tiny};
use super::SpectrumOf;
use super::eigenpairs::Found;
use crate::counts::Counted;
use bea_flow::curvature::Quadrature;
use bea_network::NetworkLoss;
use bea_network::architecture::Dtype;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Everything that was computed.
pub(super) struct Report<'a> {
    pub request: &'a SpectrumOf,
    pub loss: &'a NetworkLoss,
    pub value: f64,
    pub gradient: &'a [f64],
    pub found: &'a Found,
    pub density: Option<&'a Quadrature>,
    pub written: &'a [PathBuf],
    /// The file of eigenvectors, if it has been written.
    pub vectors: Option<&'a Path>,
}

impl Report<'_> {
    pub fn text(&self) -> String {
        let mut out = String::new();
        let matrix = if self.request.gauss_newton {
            "Gauss-Newton matrix JᵀH_L J"
        } else {
            "Hessian ∇²E"
        };
        let network = &self.request.network;
        let metric = match &self.request.preconditioner {
            Some(file) => format!("P⁻¹ times the {matrix}, P in {},", file.display()),
            None => matrix.to_string(),
        };
        line(&mut out, format!("{metric} of {}", network.place()));
        let examples = match self.loss.graph() {
            Some(_) => String::new(),
            None => format!("{} examples, ", self.loss.examples()),
        };
        line(&mut out, format!("{} parameters, {examples}{}", self.loss.dimension(), self.dtype()));
        let norm = short(self.norm());
        line(&mut out, format!("E = {}, ‖∇E‖ = {norm}", short(self.value)));
        if !self.found.pairs.is_empty() {
            self.eigenvalues(&mut out);
        }
        if let Some(density) = self.density {
            self.density(&mut out, density);
        }
        if !self.written.is_empty() {
            let paths: Vec<String> = self.written.iter().map(|p| p.display().to_string()).collect();
            line(&mut out, format!("\nwrote {}", paths.join(", ")));
        }
        if let Some(file) = self.vectors {
            line(&mut out, format!("\nwrote {}", file.display()));
        }
        if self.request.counts {
            line(&mut out, format!("\nevaluations: {}", self.loss.counts()));
        }
        out
    }

    fn eigenvalues(&self, out: &mut String) {
        let found = self.found;
        match self.request.lr {
            None => {
                line(out, String::new());
                self.rows(out, ["", "λ", "residual"], |_, row| row);
            }
            Some(h) => {
                line(out, format!("\nh = {}", short(h)));
                let head = ["", "λ", "residual", "∇E·u", "hλ", "sc", "case"];
                self.rows(out, head, |k, [index, lambda, residual]| {
                    let sc = &found.coefficients[k];
                    let case = sc.case.to_string();
                    let coefficient = complex(sc.coefficient);
                    [index, lambda, residual, short(sc.along), short(sc.z), coefficient, case]
                });
            }
        }
        if !found.converged {
            let most = "the residuals did not become small: the eigenvalues are not final";
            line(out, format!("\nafter {} products {most}", found.products));
        }
        let lacks = "the search for what was missed has not come to an end";
        for (missed, (side, last)) in
            found.uncertain().into_iter().zip([("above", "largest"), ("below", "smallest")])
        {
            match missed {
                Some(f64::INFINITY) => line(
                    out,
                    format!(
                        "\nnot certain: any eigenvalue may be missing from the {last}: {lacks}"
                    ),
                ),
                Some(missed) => line(
                    out,
                    format!(
                        "\nnot certain: eigenvalues up to {} {side} the last of the {last} may be missing: {lacks}",
                        tiny(missed)
                    ),
                ),
                None => {}
            }
        }
        if found.is_noise() {
            let advice = match self.loss.layout().dtype {
                Dtype::F32 => ": --dtype f64 has less of it",
                Dtype::F64 => "",
            };
            line(out, format!("\nresiduals above the tolerance are rounding{advice}"));
        }
    }

    /// One row per eigenvalue, dots where others are left out between two.
    fn rows<const N: usize>(
        &self,
        out: &mut String,
        head: [&str; N],
        row: impl Fn(usize, [String; 3]) -> [String; N],
    ) {
        let found = self.found;
        let mut rows = vec![head.map(String::from)];
        for (k, (pair, index)) in found.pairs.iter().zip(&found.indices).enumerate() {
            if k > 0 && *index > found.indices[k - 1] + 1 {
                rows.push(std::array::from_fn(|i| if i == 1 { "…".into() } else { String::new() }));
            }
            rows.push(row(k, [index.to_string(), short(pair.value), tiny(pair.residual)]));
        }
        table(out, &rows);
    }

    fn density(&self, out: &mut String, density: &Quadrature) {
        let (steps, probes) = (self.request.steps, self.request.probes);
        line(
            out,
            format!("\ndensity by {steps} Lanczos steps from each of {probes} random vectors"),
        );
        for (power, name) in ["mean of λ", "mean of λ²"].into_iter().enumerate() {
            let (mean, error) = mean_and_error(density, power);
            let error = error.map_or(String::new(), |e| format!(" ± {}", tiny(e)));
            line(out, format!("  {name:<11}{}{error}", short(mean)));
        }
    }

    pub fn json(&self) -> Value {
        let found = self.found;
        let pairs = found.pairs.iter().zip(&found.indices).enumerate().map(|(k, (pair, index))| {
            let mut value = json!({
                "index": index, "eigenvalue": pair.value, "residual": pair.residual,
            });
            if let Some(sc) = found.coefficients.get(k) {
                value["along"] = json!(sc.along);
                value["sc"] = json!([number(sc.coefficient.re), number(sc.coefficient.im)]);
                value["case"] = json!(sc.case.to_string());
            }
            value
        });
        let request = self.request;
        let mut object = json!({
            "network": request.network.network,
            "data": request.network.data,
            "parameters": self.loss.dimension(),
            "examples": self.loss.architecture().map(|_| self.loss.examples()),
            "dtype": self.dtype(),
            "matrix": if request.gauss_newton { "gauss_newton" } else { "hessian" },
            "loss": self.value,
            "gradient_norm": self.norm(),
            "lr": request.lr,
            "eigenpairs": pairs.collect::<Vec<_>>(),
            "tolerance": found.tolerance,
            "products": found.products,
            "converged": found.converged,
            "certain": found.uncertain() == [None, None],
            "missed": { "largest": number(found.missed[0]), "smallest": number(found.missed[1]) },
            "counts": Counted(self.loss.counts()),
        });
        if let Some(density) = self.density {
            object["density"] = json!({
                "steps": request.steps, "probes": request.probes, "seed": request.seed,
                "mean": mean_and_error(density, 0).0, "mean_square": mean_and_error(density, 1).0,
                "nodes": density.nodes, "weights": density.weights,
            });
        }
        object
    }

    fn dtype(&self) -> &'static str {
        match self.loss.layout().dtype {
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
        }
    }

    fn norm(&self) -> f64 {
        self.gradient.iter().map(|x| x * x).sum::<f64>().sqrt()
    }
}

/// The mean over the probes of an estimated moment, and its standard error if there are several.
fn mean_and_error(density: &Quadrature, moment: usize) -> (f64, Option<f64>) {
    let values: Vec<f64> = density.moments.iter().map(|moments| moments[moment]).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (values.len() > 1).then(|| (squares / (n * (n - 1.0))).sqrt()))
}
