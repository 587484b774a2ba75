//! The optimizers that are compiled in, from `derivations/optimizers/`.

use super::Optimizer;
use super::absent::ABSENT;
use crate::text::near;
use crate::text::source::Source;
use std::sync::OnceLock;

/// An optimizer of the library, parsed when it is first asked for.
struct Entry {
    name: &'static str,
    text: &'static str,
    parsed: OnceLock<Optimizer>,
}

impl Entry {
    fn optimizer(&self) -> &Optimizer {
        self.parsed.get_or_init(|| {
            let source = Source::new(format!("{}.bea", self.name), self.text);
            let mut optimizers = super::parse(&source).expect("the library is tested");
            optimizers.swap_remove(0)
        })
    }
}

macro_rules! library {
    (linear: $($linear:literal)* ; nonlinear: $($nonlinear:literal)*) => {
        /// How many are linear; they come first.
        const LINEAR: usize = [$($linear),*].len();
        library! { $($linear)* $($nonlinear)* }
    };
    ($($name:literal)*) => {
        const NAMES: &[&str] = &[$($name),*];
        static ENTRIES: [Entry; NAMES.len()] = [$(Entry {
            name: $name,
            text: include_str!(concat!("../../derivations/optimizers/", $name, ".bea")),
            parsed: OnceLock::new(),
        }),*];
    };
}

// One file an optimizer, grouped by kind, simple ones first.
library! {
    linear:
    "gradient_descent"
    "heavy_ball"
    "dampened_heavy_ball"
    "torch_sgd"
    "averaged_momentum"
    "nesterov"
    "shifted_nesterov"
    "accelerated_gradient"
    "quasi_hyperbolic_momentum"
    "aggregated_momentum"
    "damped_heavy_ball"
    "optimistic_gradient"
    "extragradient"
    "past_extragradient"
    "delayed_gradient"
    "sam"
    "proportional_sam"
    "sam_heavy_ball"
    "gradient_norm_penalty"
    "lookahead2"
    "lookahead3"
    "lookahead_heavy_ball"
    "schedule_free"
    "weight_decay"
    "weight_decay_heavy_ball"
    "decoupled_weight_decay_heavy_ball"
    "minibatch2"
    "minibatch3"
    "minibatch2_heavy_ball"
    "midpoint"
    "heun"
    "ralston"
    "rk2"
    "kutta3"
    "ssprk3"
    "rk4"
    "rk4_three_eighths"
    "adams_bashforth2"
    "adams_bashforth3"
    "adams_moulton3"
    "bdf2"
    "implicit_euler"
    "proximal_point"
    "implicit_midpoint"
    "trapezoidal"
    "radau_iia3"
    "lobatto_iiia4"
    "simultaneous_gda"
    "alternating_gda"
    "two_time_scale_gda"
    "optimistic_gda"
    "extragradient_gda"
    "proximal_gda"
    "momentum_gda"
    "negative_momentum_gda"
    "stormer_verlet"
    ;
    nonlinear:
    "adam"
    "adam_inside"
    "adam_weight_decay"
    "adamw"
    "nadam"
    "rmsprop"
    "rmsprop_centered"
    "adagrad"
    "lamb"
    "lion"
    "smooth_lion"
    "sign_descent"
    "signum"
    "normalized_gradient_descent"
    "clipped_gradient_descent"
    "smoothly_clipped_gradient_descent"
    "normalized_sam"
    "lars"
    "spectral_descent"
    "muon"
    "shampoo"
    "averaged_shampoo"
    "dal"
    "dal_heavy_ball"
    "capped_dal"
    "capped_dal_heavy_ball"
    "dal_quadratic"
    "dal_per_parameter"
    "dal_adam"
    "slow_heavy_ball"
    "slow_nesterov"
}

/// There is no such optimizer in the library.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no optimizer `{name}`")]
pub struct UnknownOptimizer {
    /// The name asked for.
    pub name: String,
    /// The names that resemble it, nearest first.
    pub near: Vec<String>,
    #[help]
    help: String,
}

impl UnknownOptimizer {
    /// What to do instead.
    pub fn advice(&self) -> &str {
        &self.help
    }
}

/// The linear optimizers of the library, simple ones first, grouped by kind.
pub fn library() -> &'static [Optimizer] {
    static ALL: OnceLock<Vec<Optimizer>> = OnceLock::new();
    ALL.get_or_init(|| ENTRIES[..LINEAR].iter().map(|entry| entry.optimizer().clone()).collect())
}

/// The nonlinear ones.
pub fn nonlinear_library() -> &'static [Optimizer] {
    static ALL: OnceLock<Vec<Optimizer>> = OnceLock::new();
    ALL.get_or_init(|| ENTRIES[LINEAR..].iter().map(|entry| entry.optimizer().clone()).collect())
}

/// The names of all optimizers of the library, the linear ones first, without parsing them.
pub fn names() -> &'static [&'static str] {
    NAMES
}

/// The optimizer of the library with this name.
///
/// # Errors
/// If there is none; the error holds the names that resemble it.
///
/// ```
/// let heavy_ball = bea_series::optimizer::find("heavy_ball")?;
/// assert_eq!(heavy_ball.parameters, ["m"]);
/// let error = bea_series::optimizer::find("heavy_bal").unwrap_err();
/// assert_eq!(error.near[0], "heavy_ball");
/// # Ok::<(), bea_series::optimizer::UnknownOptimizer>(())
/// ```
pub fn find(name: &str) -> Result<&'static Optimizer, UnknownOptimizer> {
    if let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) {
        return Ok(entry.optimizer());
    }
    let instead = near::instead(name, ABSENT);
    let near = if instead.is_some() { Vec::new() } else { near::names(name, NAMES) };
    let help = match near.as_slice() {
        _ if instead.is_some() => instead.unwrap_or_default(),
        [] => "`bea optimizers` lists them; a file of your own ends in `.bea`".into(),
        near => format!("did you mean {}?", near::quoted(near)),
    };
    let near = near.into_iter().map(String::from).collect();
    Err(UnknownOptimizer { name: name.into(), near, help })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_file_holds_the_optimizer_it_is_named_after() {
        for entry in &ENTRIES {
            let source = Source::new(entry.name, entry.text);
            let optimizers = crate::optimizer::parse(&source)
                .unwrap_or_else(|e| panic!("{}: {:?}", entry.name, miette::Report::new(e)));
            let names: Vec<&str> = optimizers.iter().map(|o| o.name.as_str()).collect();
            assert_eq!(names, [entry.name]);
        }
    }

    #[test]
    fn every_file_in_the_folder_is_compiled_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/derivations/optimizers");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().path().file_stem().unwrap().to_str().unwrap().into())
            .collect();
        files.sort_unstable();
        let mut names: Vec<&str> = NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn every_optimizer_is_described_with_its_source() {
        for optimizer in library().iter().chain(nonlinear_library()) {
            let summary = optimizer.summary();
            assert!(!summary.is_empty() && summary.chars().count() <= 90, "{}", optimizer.name);
            let rest = &optimizer.doc[summary.len()..];
            let cites = rest.as_bytes().windows(4).any(|w| w.iter().all(u8::is_ascii_digit))
                || rest.contains("Documentation of");
            assert!(cites, "{} names no source", optimizer.name);
        }
    }

    #[test]
    fn what_is_listed_as_linear_is() {
        assert!(library().iter().all(Optimizer::is_linear));
        assert!(!nonlinear_library().iter().any(Optimizer::is_linear));
    }

    #[test]
    fn only_a_length_or_a_rate_of_its_own_keeps_the_step() {
        let kept: Vec<&str> = library()
            .iter()
            .filter(|o| o.method(&BTreeMap::new()).unwrap().step_parameter.is_some())
            .map(|o| o.name.as_str())
            .collect();
        assert_eq!(kept, ["damped_heavy_ball", "sam", "sam_heavy_ball", "gradient_norm_penalty"]);
    }

    #[test]
    fn near_names_are_suggested() {
        let error = find("adams-bashforth").unwrap_err();
        assert_eq!(error.near[..2], ["adams_bashforth2", "adams_bashforth3"]);
        assert_eq!(error.to_string(), "there is no optimizer `adams-bashforth`");
        assert_eq!(find("SAM").unwrap_err().near[0], "sam");
        assert!(find("qqq").unwrap_err().near.is_empty());
    }
}
