//! Refuses what would take more memory or time than anyone expects, before it begins, and gives up work that grows
//! beyond a bound.

use super::embedded;
use bea_flow::flow::FlowName;
use bea_series::exact::effort::Meter;
use bea_series::field::cost::{self, EFFORT, Size, grouped};
use bea_series::series::GeneralLinearMethod;
use bea_series::tree::TreeTable;
use indicatif::ProgressBar;
use miette::miette;
use num_bigint::BigUint;
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// The most memory that a derivation may take without `--force`, in bytes.
const MEMORY: f64 = 4.0 * (1u64 << 30) as f64;

/// Runs `compute`, and gives up after too many operations on coefficients, unless `force`. On a terminal a line says
/// how far it is.
pub(super) fn effort<T>(
    force: bool,
    advice: &str,
    compute: impl FnOnce(&Growth) -> miette::Result<T>,
) -> miette::Result<T> {
    let bound = if force { u64::MAX } else { EFFORT };
    let meter = meter(bound);
    let growth = Growth { cost: cost::Growth::new(meter.clone(), bound), advice };
    let shown = Shown::new(meter.clone(), force);
    let result = meter.run(|| compute(&growth));
    drop(shown);
    result.unwrap_or_else(|exhausted| Err(growth.refusal(&exhausted.to_string())))
}

/// The result of `compute`, whose exact arithmetic ends where the program that has embedded the command asks it to.
pub(super) fn until_stopped<T>(compute: impl FnOnce() -> T) -> miette::Result<T> {
    meter(u64::MAX).run(compute).map_err(|_| miette!("stopped"))
}

/// A bound, which counts as passed once an embedded command is to stop.
fn meter(bound: u64) -> Meter {
    let meter = Meter::new(bound);
    match embedded::control() {
        Some(control) => meter.until(control.stop.clone()),
        None => meter,
    }
}

/// Work whose cost is a multiple of that of a smaller piece, and what is said where it is refused.
pub(super) struct Growth<'a> {
    cost: cost::Growth,
    advice: &'a str,
}

impl Growth<'_> {
    /// [`cost::Growth::foresee`].
    pub(super) fn foresee(
        &self,
        from: usize,
        last: usize,
        piece: impl FnMut(usize) -> miette::Result<()>,
    ) -> miette::Result<()> {
        self.cost.foresee(from, last, |too_long| self.refusal(&too_long.to_string()), piece)
    }

    /// What has been spent so far.
    pub(super) fn spent(&self) -> u64 {
        self.cost.spent()
    }

    /// [`cost::Growth::check`].
    pub(super) fn check(&self, costs: &[u64], pieces: f64) -> miette::Result<()> {
        self.cost.check(costs, pieces).map_err(|too_long| self.refusal(&too_long.to_string()))
    }

    fn refusal(&self, message: &str) -> miette::Report {
        miette!(help = format!("{}; --force does it all the same", self.advice), "{message}")
    }
}

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a line is renewed.
const TICK: Duration = Duration::from_millis(250);

/// A line on a terminal that says how far the work is, until this is dropped.
struct Shown(Option<(Sender<()>, JoinHandle<()>)>);

impl Shown {
    fn new(meter: Meter, force: bool) -> Shown {
        if !std::io::stderr().is_terminal() {
            return Shown(None);
        }
        let (end, ended) = channel::<()>();
        let watch = move || {
            if ended.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::new_spinner();
            let most =
                if force { String::new() } else { format!(" of at most {}", EFFORT / MILLION) };
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let millions = meter.spent() / MILLION;
                bar.set_message(format!("{millions}{most} million operations on coefficients"));
                bar.tick();
            }
            bar.finish_and_clear();
        };
        Shown(Some((end, std::thread::spawn(watch))))
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some((end, watch)) = self.0.take() {
            drop(end);
            let _ = watch.join();
        }
    }
}

const MILLION: u64 = 1_000_000;

/// Refuses an order whose trees do not fit in memory, unless `force`; what no table can hold is
/// refused in any case.
pub(super) fn check(order: usize, method: &GeneralLinearMethod, force: bool) -> miette::Result<()> {
    let size = Size::of(order, method);
    if !size.fits_a_table() {
        return Err(miette!(
            help = "--tree derives the coefficient of one tree without listing the others",
            "{size}; a table holds at most {} trees",
            grouped(&u32::MAX.into())
        ));
    }
    if size.bytes() > MEMORY && !force {
        return Err(miette!(
            help = "--force derives it all the same; --tree derives one coefficient alone",
            "{size}"
        ));
    }
    Ok(())
}

/// The most derivatives that a flow of a network may consist of without `--force`.
const DERIVATIVES: u32 = 1000;

/// Refuses flows of a network that are sums of very many derivatives, unless `force`: each takes several passes over
/// the data, whenever the integrator evaluates the flow.
pub(super) fn check_flows(
    flows: impl IntoIterator<Item = FlowName>,
    force: bool,
) -> miette::Result<()> {
    for flow in flows.into_iter().filter(|_| !force) {
        let (FlowName::Order(n) | FlowName::PrincipalWith(n)) = flow else { continue };
        let derivatives = |order: usize| -> BigUint { TreeTable::count(1, order + 1).iter().sum() };
        if derivatives(n) > DERIVATIVES.into() {
            let below = (0..n).rev().find(|order| derivatives(*order) <= DERIVATIVES.into());
            let below = below.unwrap_or(0);
            return Err(miette!(
                help = format!(
                    "order {below} takes {}; --force calculates the flow all the same",
                    grouped(&derivatives(below))
                ),
                "the flow `{flow}` takes {} derivatives of the network, one for each tree with up to {} nodes, \
                 whenever it is evaluated; more than {} are refused",
                grouped(&derivatives(n)),
                n + 1,
                grouped(&DERIVATIVES.into())
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_let_through() {
        let euler = GeneralLinearMethod::euler();
        assert!(check(16, &euler, false).is_ok());
        let refusal = check(19, &euler, false).unwrap_err().to_string();
        assert_eq!(
            refusal,
            "order 19 needs all trees with up to 20 nodes: 20,247,374 of them, about 5.0 GiB of memory"
        );
        assert!(check(19, &euler, true).is_ok());
        assert!(check(30, &euler, true).is_err(), "no table holds these");
        assert!(check(usize::MAX, &euler, true).is_err());
    }

    #[test]
    fn flows_of_networks_have_a_bound() {
        let check = |flow, force| check_flows([FlowName::Principal, flow], force);
        for order in 0..=8 {
            assert!(check(FlowName::Order(order), false).is_ok());
            assert!(check(FlowName::PrincipalWith(order), false).is_ok());
            assert!(check(FlowName::Interpolated(order + 4), false).is_ok());
        }
        for order in 9..=12 {
            assert!(check(FlowName::Order(order), false).is_err());
            assert!(check(FlowName::PrincipalWith(order), false).is_err());
            assert!(check(FlowName::Order(order), true).is_ok());
        }
        assert_eq!(
            check(FlowName::Order(12), false).unwrap_err().to_string(),
            "the flow `order:12` takes 20,299 derivatives of the network, one for each tree with up to 13 nodes, \
             whenever it is evaluated; more than 1,000 are refused"
        );
    }
}
