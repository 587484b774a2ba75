//! The arguments `EXPERIMENT --set --scale --out --force --resume`: which runs, and where their files go.

use super::help::Named;
use super::results::{self, Reserved};
use super::{limit, note};
use crate::experiment::{Config, Existing, Experiment, Folder, Scale};
use bea_series::optimizer;
use bea_series::text::source::Source;
use miette::{IntoDiagnostic, WrapErr};
use std::path::{Path, PathBuf};

/// An experiment and its folder.
#[derive(clap::Args)]
pub(super) struct ExperimentInput {
    /// A description in TOML, such as those of examples/experiments
    #[arg(value_name = "EXPERIMENT")]
    experiment: PathBuf,
    /// Set a key of the description: `train.lr=0.05`, `seed=3`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = Named::Setting, hide_possible_values = true)]
    settings: Vec<String>,
    /// Which size of the experiment
    #[arg(long, value_enum, default_value_t)]
    pub scale: ScaleName,
    /// The folder for all files [default: results/NAME, -2, -3, …]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a run that is there already, and compute flows that take very many derivatives
    #[arg(long)]
    force: bool,
    /// Continue the run that is there, as if it had never been interrupted; start one where there is none.
    /// With more steps, a run that has ended goes on
    #[arg(long, conflicts_with = "force")]
    resume: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ScaleName {
    /// As the description says: minutes on two cores
    #[default]
    Small,
    /// As its table [medium] says: hours on two cores
    Medium,
    /// As its table [paper] says: the paper's own size
    Paper,
}

impl From<ScaleName> for Scale {
    fn from(name: ScaleName) -> Scale {
        match name {
            ScaleName::Small => Scale::Small,
            ScaleName::Medium => Scale::Medium,
            ScaleName::Paper => Scale::Paper,
        }
    }
}

impl ExperimentInput {
    /// All runs of the description.
    pub fn configs(&self) -> miette::Result<Vec<Config>> {
        Ok(self.read()?.runs()?)
    }

    /// The run of the description itself, without its grid.
    pub fn config(&self) -> miette::Result<Config> {
        Ok(self.read()?.run()?)
    }

    fn read(&self) -> miette::Result<Experiment> {
        let name = self.experiment.display().to_string();
        let text = std::fs::read_to_string(&self.experiment)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot read the experiment {name}"))?;
        let set: Vec<Source> = self.settings.iter().map(|text| setting(text)).collect();
        let scale = Scale::from(self.scale);
        let experiment = Experiment::parse(Source::new(name, text), scale, &set)?;
        if let Some(name) = scale.table().filter(|_| !experiment.has_scale()) {
            note::say([format!(
                "the description has no [{name}]: its runs are those of the small size"
            )]);
        }
        Ok(experiment)
    }

    /// What to do about runs that are there.
    pub fn existing(&self) -> Existing {
        match (self.force, self.resume) {
            (true, _) => Existing::Replace,
            (_, true) => Existing::Resume,
            _ => Existing::Refuse,
        }
    }

    /// Where the files of these runs go. A folder that is not named is a new one, which no other process gets.
    ///
    /// Runs that would take very long are refused, unless they were let through before and go on.
    pub fn folder(&self, runs: &[Config]) -> miette::Result<Reserved> {
        let usual = Path::new("results").join(&runs[0].name);
        let goes_on = self.resume && Folder::holds_runs(self.out.as_ref().unwrap_or(&usual));
        limit::check_flows(runs.iter().flat_map(Config::all_flows), self.force || goes_on)?;
        let folder = match &self.out {
            Some(folder) => results::real(folder)?,
            None if self.force || self.resume => usual,
            None => {
                results::check_folder(Path::new("results"), true)?;
                return results::reserve(&usual)
                    .into_diagnostic()
                    .wrap_err_with(|| format!("cannot make the folder {}", usual.display()));
            }
        };
        // Whether it holds a run is checked once it is locked.
        results::check_folder(&folder, true)?;
        Ok(Reserved::named(folder))
    }
}

/// `train.method=gd` as TOML: the value needs quotes, which shells remove, and so does a fraction, `train.lr=1/5`.
pub(super) fn setting(text: &str) -> Source {
    let quoted = text.split_once('=').and_then(|(key, value)| {
        let value = value.trim();
        let word = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '.');
        let is_word = word && !matches!(value, "true" | "false" | "inf" | "nan");
        let is_fraction = value.contains('/') && optimizer::parse_value(value).is_ok();
        (is_word || is_fraction).then(|| format!("{key} = {}", serde_json::Value::from(value)))
    });
    Source::new("--set", quoted.unwrap_or_else(|| text.to_string()))
}
