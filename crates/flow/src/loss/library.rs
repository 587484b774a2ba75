//! The losses that come with the program: the files of `losses/`.

use super::language::{Loss, named, names_in};
use bea_series::text::near;
use bea_series::text::source::{Source, SourceError};
use std::collections::BTreeMap;

const FILES: &[(&str, &str)] = &[
    ("losses/test_functions.bea", include_str!("../../losses/test_functions.bea")),
    ("losses/quadratics.bea", include_str!("../../losses/quadratics.bea")),
    ("losses/networks.bea", include_str!("../../losses/networks.bea")),
    ("losses/regression.bea", include_str!("../../losses/regression.bea")),
];

/// There is no loss of this name in the library.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no loss `{name}`")]
pub struct UnknownLoss {
    name: String,
    #[help]
    help: Option<String>,
}

/// Why there is no such loss.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
pub enum LibraryError {
    /// No such name.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unknown(#[from] UnknownLoss),
    /// A setting does not fit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Setting(#[from] SourceError),
}

/// Every loss of the library: its name, and the comment above its definition.
pub fn library() -> Vec<(String, String)> {
    let files = FILES.iter().map(|(name, text)| Source::new(*name, *text));
    files.flat_map(|source| names_in(&source).expect("a test parses them all")).collect()
}

/// A loss of the library, its parameters set to `settings`.
///
/// # Errors
/// No loss of this name; a setting that does not fit.
pub fn find(name: &str, settings: &BTreeMap<String, String>) -> Result<Loss, LibraryError> {
    for (file, text) in FILES {
        if let Some(loss) = named(&Source::new(*file, *text), name, settings)? {
            return Ok(loss);
        }
    }
    let known = library();
    let known: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    Err(UnknownLoss { name: name.into(), help: near::advice(name, &known) }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// At every minimum the gradient vanishes, the Hessian has no negative eigenvalue, and the loss is at
    /// most that of points nearby and of the start.
    #[test]
    fn every_loss_is_least_where_it_says() {
        for (name, doc) in library() {
            assert!(!doc.is_empty(), "{name} has no comment");
            let loss = find(&name, &BTreeMap::new()).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            assert!(loss.value(&loss.start.clone().expect("a start")).is_finite(), "{name}");
            let variables: Vec<u32> = (0..loss.variables.len() as u32).collect();
            let (mut graph, expression) = loss.clone().into_parts();
            let gradient = graph.gradient(expression, &variables);
            let program = super::super::Program::new(&graph, variables.len(), &gradient);
            // Figure 30's has none.
            assert_eq!(loss.minima.is_empty(), name == "figure30", "{name}");
            let hessian = graph.hessian(expression, &variables).concat();
            let hessian = super::super::Program::new(&graph, variables.len(), &hessian);
            for minimum in &loss.minima {
                let d = variables.len();
                let mut slope = vec![0.0; d];
                program.evaluate(minimum, &mut slope, &mut Vec::new());
                assert!(slope.iter().all(|s| s.abs() < 1e-12), "{name} at {minimum:?}: {slope:?}");
                let mut entries = vec![0.0; d * d];
                hessian.evaluate(minimum, &mut entries, &mut Vec::new());
                let eigenvalues = DMatrix::from_row_slice(d, d, &entries).symmetric_eigenvalues();
                assert!(eigenvalues.min() > -1e-12 * eigenvalues.max(), "{name}: {eigenvalues}");
                let least = loss.value(minimum);
                assert!(least <= loss.value(loss.start.as_ref().expect("a start")), "{name}");
                for k in 0..2 * d {
                    let mut near = minimum.clone();
                    near[k / 2] += if k % 2 == 0 { 0.01 } else { -0.01 };
                    assert!(least <= loss.value(&near), "{name} is less at {near:?}");
                }
                for (x, (from, to)) in minimum.iter().zip(&loss.domain) {
                    assert!(from <= x && x <= to, "{name}: the domain leaves {x} out");
                }
            }
        }
    }

    #[test]
    fn minima_of_the_defaults_are_left_out_where_a_parameter_is_set() {
        let minima = |name: &str, set: &[(&str, &str)]| {
            let set = set.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
            find(name, &set).unwrap().minima
        };
        assert_eq!(minima("quadratic", &[]), [[0.0, 0.0]]);
        assert!(
            minima("quadratic", &[("b", "[1, 2, 3]"), ("A", "[[1,0,0],[0,1,0],[0,0,1]]")])
                .is_empty()
        );
        assert!(minima("logistic_iris", &[("ridge", "1")]).is_empty());
        // This one speaks of `a`.
        assert_eq!(minima("rosenbrock", &[("a", "2")]), [[2.0, 4.0]]);
        assert_eq!(minima("rosenbrock", &[("b", "2")]), [[1.0, 1.0]]);
    }
}
