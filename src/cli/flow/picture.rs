//! The picture of `bea flow --plot`: what is shown of the landscape, and which panels.

use crate::cli::picture::{PictureOptions, only_with_plot};
use crate::experiment::report_of;
use crate::simulation::{
    Framing, Landscape, by_steps, covariance, distances, is_blank, losses, sharpness,
};
use bea_flow::flow::{FlowName, Problem, Simulation};
use bea_flow::loss::Loss;
use bea_plot::{Figure, Panel};
use miette::miette;

/// Names and bytes of files.
type Files = Vec<(String, Vec<u8>)>;

/// What the picture shows.
#[derive(clap::Args)]
#[command(mut_args(only_with_plot))]
pub(super) struct PictureOfFlow {
    /// Draw trajectories.svg, .png, .pdf and, to point at, .html as well
    #[arg(long)]
    pub plot: bool,
    /// Show where the optimizer goes, or all of the box that a loss of the library comes with
    #[arg(long, value_enum, default_value = "trajectories", requires = "plot")]
    #[arg(conflicts_with = "network")]
    frame: FrameName,
    /// Show this box of a loss of one or two variables, `x0,x1` or `x0,x1,y0,y1`
    #[arg(long = "box", value_name = "BOX", requires = "plot")]
    #[arg(conflicts_with_all = ["frame", "network"])]
    #[arg(allow_hyphen_values = true)]
    shown: Option<String>,
    /// Draw one panel alone
    #[arg(long, value_enum, value_name = "PANEL", requires = "plot")]
    panel: Option<PanelName>,
    /// What stands above the picture [default: the loss, the optimizer and h]
    #[arg(long, value_name = "TEXT", requires = "plot")]
    title: Option<String>,
    #[command(flatten)]
    options: PictureOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FrameName {
    Trajectories,
    All,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PanelName {
    /// The loss of one or two variables with the trajectories
    Landscape,
    /// Real and imaginary part of one variable
    ComplexPlane,
    /// The loss step by step
    Loss,
    /// The distance of every flow to the optimizer
    Distance,
    /// The sharpness of the optimizer and of the flows central and rod
    Sharpness,
    /// The trace of the covariance of their oscillation
    Covariance,
}

impl PanelName {
    /// What is drawn step by step; losses for panels of a landscape.
    fn by_step(self, simulation: &Simulation) -> Panel {
        match self {
            PanelName::Landscape | PanelName::ComplexPlane | PanelName::Loss => losses(simulation),
            PanelName::Distance => distances(simulation),
            PanelName::Sharpness => sharpness(simulation),
            PanelName::Covariance => covariance(simulation),
        }
    }
}

impl PictureOfFlow {
    /// Refuses panels of an oscillation where no flow has one.
    pub fn check_flows(&self, flows: &[FlowName]) -> miette::Result<()> {
        let wanted = matches!(self.panel, Some(PanelName::Sharpness | PanelName::Covariance));
        if wanted && !flows.iter().any(|flow| flow.oscillates()) {
            return Err(miette!(
                help = "add central or rod to --flows",
                "--panel sharpness and --panel covariance are of the flows central and rod"
            ));
        }
        Ok(())
    }

    /// What the picture shows of the landscape.
    ///
    /// # Errors
    /// A panel or a box that a loss of these variables does not have.
    pub fn framing(&self, variables: &[String]) -> miette::Result<Framing> {
        self.check_panel(Some(variables.len()))?;
        let Some(text) = &self.shown else {
            return Ok(match self.frame {
                FrameName::Trajectories => Framing::Trajectories,
                FrameName::All => Framing::All,
            });
        };
        let wanted = 2 * variables.len();
        let bounds: Option<Vec<f64>> = text.split(',').map(|x| finite(x.trim())).collect();
        let ranges = bounds.filter(|bounds| bounds.len() == wanted && wanted <= 4).and_then(|b| {
            let ranges: Vec<_> = b.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            ranges.iter().all(|(low, high)| low < high).then_some(ranges)
        });
        ranges.map(Framing::Box).ok_or_else(|| match variables {
            [x] => miette!(
                help = format!("the least and the greatest {x}: --box=-1,2"),
                "--box {text} is no range"
            ),
            [x, y] => miette!(
                help = format!("the least and the greatest {x}, and those of {y}: --box=-1,2,0,3"),
                "--box {text} is no box"
            ),
            _ => miette!(
                "--box is for losses of one or two variables, and this one has {}",
                variables.len()
            ),
        })
    }

    /// Refuses a panel that a formula of so many variables, or a network, does not have.
    pub fn check_panel(&self, variables: Option<usize>) -> miette::Result<()> {
        let (name, most, of) = match self.panel {
            Some(PanelName::Landscape) => ("landscape", 2, "one or two variables"),
            Some(PanelName::ComplexPlane) => ("complex-plane", 1, "one variable"),
            Some(_) | None => return Ok(()),
        };
        let found = match variables {
            Some(variables) if variables <= most => return Ok(()),
            Some(variables) => format!("and this one has {variables}"),
            None => "not for networks".into(),
        };
        Err(miette!(
            help = "--panel loss and --panel distance are for all losses",
            "--panel {name} is for losses of {of}, {found}"
        ))
    }

    /// The picture of a simulation with a formula, whose heading is `title` unless `--title` gives one.
    ///
    /// # Errors
    /// The loss has no value in all that is shown; no panel fits into the size.
    pub fn of_formula(
        &self,
        loss: &Loss,
        problem: &Problem,
        framing: Framing,
        simulation: &Simulation,
        title: String,
    ) -> miette::Result<Files> {
        let usual = Figure::aspect(if self.panel.is_some() { 1 } else { 2 });
        let make = |aspect: Option<f64>| {
            let landscape = Landscape {
                problem,
                variables: &loss.variables,
                domain: &loss.domain,
                minima: &loss.minima,
                framing: framing.clone(),
                aspect: aspect.unwrap_or(usual),
            };
            Ok(self.figure(&landscape, simulation, title.clone()))
        };
        let figure = self.options.undistorted(make, |figure| figure)?;
        if self.shown.is_some() && figure.panels.iter().any(is_blank) {
            return Err(miette!(
                help = "show a part in which it has values: --box",
                "the loss has no finite value in all that the picture shows"
            ));
        }
        self.files(&figure)
    }

    fn figure(&self, landscape: &Landscape, simulation: &Simulation, title: String) -> Figure {
        let title = self.title.clone().unwrap_or(title);
        let panels = match (self.panel, landscape.variables.len()) {
            (Some(PanelName::Landscape), 1) => vec![landscape.curve(simulation)],
            (Some(PanelName::Landscape), _) => vec![landscape.contours(simulation)],
            (Some(PanelName::ComplexPlane), _) => vec![landscape.complex_plane(simulation)],
            (Some(panel), _) => vec![panel.by_step(simulation)],
            (None, _) => landscape.panels(simulation),
        };
        Figure { title, panels, columns: usize::from(self.panel.is_some()) }
    }

    /// The picture of a simulation with a network.
    ///
    /// # Errors
    /// As for a formula.
    pub fn of_network(&self, simulation: &Simulation, title: String) -> miette::Result<Files> {
        let panels = match self.panel {
            Some(panel) => vec![panel.by_step(simulation)],
            None => by_steps(simulation),
        };
        let title = self.title.clone().unwrap_or(title);
        // Four panels are two rows of two.
        let columns = if panels.len() == 4 { 2 } else { usize::from(self.panel.is_some()) };
        self.files(&Figure { title, panels, columns })
    }

    fn files(&self, figure: &Figure) -> miette::Result<Files> {
        let mut files = self.options.pictures("trajectories", figure)?;
        let page = report_of(&figure.title, figure, &[], "");
        files.push(("trajectories.html".into(), page.into_bytes()));
        Ok(files)
    }
}

/// A finite number.
fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|x: &f64| x.is_finite())
}
