//! A figure that has been simulated.

use crate::reproduction::judgement::Finding;
use bea_plot::Figure;

/// A figure as drawn, and whether its claim holds.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The picture.
    pub figure: Figure,
    /// What is drawn, as a table.
    pub csv: String,
    /// Whether the claim holds, and what is seen.
    pub finding: Finding,
}
