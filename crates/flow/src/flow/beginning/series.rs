//! The effective start by its series.

use super::{Found, NoStart};
use crate::flow::setup::Setup;
use crate::flow::trajectory::Beginning;
use crate::flow::truncated::contracted::Contracted;
use crate::flow::truncated::formula::Truncated;
use crate::flow::velocity::{Velocity, is_finite};
use bea_series::field::Field;
use bea_series::series::Start;
use bea_series::tree::{TreeId, TreeTable};
use num_complex::Complex64;
use std::sync::Arc;

/// A term of the series that is larger than the one before by more than this factor says that the series diverges:
/// the step is too large for the buffers to settle on a function of the parameters. On a quadratic, terms within the
/// radius of convergence shrink.
const GROWTH: f64 = 2.0;
/// Terms to so many orders are compared.
const COMPARED: usize = 2;

impl Setup<'_> {
    /// `Σ_τ h^|τ| a(τ)/σ(τ) F(τ)(θ)` over the trees with up to `order` nodes, or the non-principal ones among them.
    pub(super) fn series_change(
        &self,
        start: &Start,
        theta: &[Complex64],
        order: usize,
        all: bool,
    ) -> Found<(Vec<Complex64>, Beginning)> {
        let mut sum = vec![Complex64::ZERO; theta.len()];
        let mut beginning = Beginning::Effective;
        if order == 0 {
            return Ok((sum, beginning));
        }
        let trees = Arc::new(TreeTable::all(start.method.fields.len(), order.max(COMPARED)));
        let field = Field::of_start(self.name, start, trees).map_err(|_| NoStart::NoForm)?;
        let mut last: Option<f64> = None;
        for nodes in 1..=field.trees().max_nodes() {
            let wanted =
                |t: TreeId| field.trees().size(t) == nodes && (all || !field.is_principal(t));
            let Some(term) = self.term(&field, theta, wanted)? else {
                if nodes <= order {
                    beginning = Beginning::Truncated(nodes - 1);
                }
                break;
            };
            let size = term.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
            if let Some(last) = last.filter(|last| all && size > GROWTH * last) {
                return Err(NoStart::Unsettled(format!(
                    "the series of the effective start diverges at h = {}, its terms of order {} and {nodes} \
                     being {last:.1e} and {size:.1e} long",
                    self.request.lr,
                    nodes - 1,
                )));
            }
            last = Some(size).filter(|size| *size > 0.0);
            if nodes <= order {
                sum.iter_mut().zip(term).for_each(|(sum, x)| *sum += x);
            }
        }
        if is_finite(&sum) {
            Ok((sum, beginning))
        } else {
            Err(NoStart::Unsettled("the effective start is not finite".into()))
        }
    }

    /// The terms of the wanted trees; `None` if the loss lacks the derivatives.
    fn term(
        &self,
        field: &Field,
        theta: &[Complex64],
        wanted: impl Fn(TreeId) -> bool,
    ) -> Found<Option<Vec<Complex64>>> {
        let (problem, h) = (self.problem, self.request.lr);
        let mut out = vec![Complex64::ZERO; theta.len()];
        if let Some(formulas) = &problem.formulas {
            let terms = formulas.modified_field(field, wanted);
            Truncated { problem, terms, h, base: None }.velocity(theta, &mut out)?;
        } else {
            let mut terms = Contracted::new(problem, field, h, wanted, None)?;
            if terms.directions() > problem.max_directions() {
                return Ok(None);
            }
            terms.velocity(theta, &mut out)?;
        }
        // The field is the change divided by h.
        out.iter_mut().for_each(|x| *x *= h);
        Ok(Some(out))
    }
}
