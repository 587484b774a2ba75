//! Refuses what would take more memory or time than anyone expects, before it begins, and gives up work that grows
//! beyond a bound.

use bea_flow::flow::FlowName;
use bea_series::exact::effort::Meter;
use bea_series::series::GeneralLinearMethod;
use bea_series::tree::TreeTable;
use indicatif::ProgressBar;
use miette::miette;
use num_bigint::BigUint;
use num_traits::ToPrimitive;
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// The most memory that a derivation may take without `--force`, in bytes.
const MEMORY: f64 = 4.0 * GIB;
const GIB: f64 = (1u64 << 30) as f64;
/// The most operations on coefficients that an exact result may take without `--force`: some seconds.
const EFFORT: u64 = 600_000_000;
/// More nodes than any listing has: there are 10^25 trees with 64 nodes.
const MAX_ORDER: usize = 63;

/// What may be more than [`EFFORT`] by so much as an estimate may be wrong.
const MARGIN: f64 = 4.0;
/// Pieces of a result are calculated for an estimate as long as they take no more operations: some milliseconds.
const TRIAL: u64 = 1_000_000;

/// Runs `compute`, and gives up after too many operations on coefficients, unless `force`. On a terminal a line says
/// how far it is.
pub(super) fn effort<T>(
    force: bool,
    advice: &str,
    compute: impl FnOnce(&Growth) -> miette::Result<T>,
) -> miette::Result<T> {
    let meter = Meter::new(if force { u64::MAX } else { EFFORT });
    let growth = Growth { meter: meter.clone(), force, advice };
    let shown = Shown::new(meter.clone(), force);
    let result = meter.run(|| compute(&growth));
    drop(shown);
    result.unwrap_or_else(|exhausted| Err(growth.refusal(&exhausted.to_string())))
}

/// Work whose cost is a multiple of that of a smaller piece.
pub(super) struct Growth<'a> {
    meter: Meter,
    force: bool,
    advice: &'a str,
}

impl Growth<'_> {
    /// Does the pieces with the numbers `from..last` as long as they are cheap, and refuses the one with the number
    /// `last` if it would pass the bound by far, each piece costing the same multiple of the one before as the last
    /// two that were done.
    pub(super) fn foresee(
        &self,
        from: usize,
        last: usize,
        mut piece: impl FnMut(usize) -> miette::Result<()>,
    ) -> miette::Result<()> {
        let mut costs = Vec::new();
        for number in (from..last).take_while(|_| !self.force) {
            let before = self.spent();
            piece(number)?;
            costs.push(self.spent() - before);
            if costs[costs.len() - 1] > TRIAL {
                break;
            }
        }
        self.check(&costs, (last + 1) as f64 - (from + costs.len()) as f64)
    }

    /// What has been spent so far.
    pub(super) fn spent(&self) -> u64 {
        self.meter.counted()
    }

    /// Refuses so many more pieces after those that had these costs, if they would pass the bound by far.
    pub(super) fn check(&self, costs: &[u64], pieces: f64) -> miette::Result<()> {
        let [.., before, last] = *costs else { return Ok(()) };
        // Small pieces say little about large ones.
        if self.force || last < TRIAL / 10 || pieces <= 0.0 {
            return Ok(());
        }
        let expected = last as f64 * (last as f64 / before.max(1) as f64).powf(pieces);
        if expected < MARGIN * EFFORT as f64 {
            return Ok(());
        }
        let (digits, exponent) =
            (expected / 10f64.powf(expected.log10().floor()), expected.log10());
        Err(self.refusal(&format!(
            "this takes too long: about {digits:.0}e{} operations on coefficients, more than {EFFORT}",
            exponent.floor()
        )))
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
    let nodes = order.min(MAX_ORDER) + 1;
    let counts = TreeTable::count(method.fields.len(), nodes);
    let trees: BigUint = counts.iter().sum();
    let float = |number: &BigUint| number.to_f64().unwrap_or(f64::INFINITY);
    let count = float(&trees);
    let smaller = count - float(&counts[nodes - 1]);
    let bytes = 32.0 * count + smaller * bytes_per_tree(method, nodes);
    let size = format!(
        "order {order} needs all trees with up to {} nodes: {}{} of them, {}",
        order.saturating_add(1),
        if order > MAX_ORDER { "more than " } else { "" },
        grouped(&trees),
        memory(bytes)
    );
    if count >= f64::from(u32::MAX) {
        return Err(miette!(
            help = "--tree derives the coefficient of one tree without listing the others",
            "{size}; a table holds at most {} trees",
            grouped(&u32::MAX.into())
        ));
    }
    if bytes > MEMORY && !force {
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

/// Bytes that a tree takes that can be part of larger ones: for each stage two polynomials in the step number,
/// each with one value per node.
fn bytes_per_tree(method: &GeneralLinearMethod, nodes: usize) -> f64 {
    let values = 2.0 * method.stages.len() as f64 * nodes as f64;
    // A value is a machine integer, or a polynomial in the parameters whose degree in each grows
    // with twice the nodes; a term of it takes 48 bytes.
    let symbols = method.parameters.len();
    let terms: f64 = (1..=symbols).map(|k| 2.0 * nodes as f64 / k as f64).product();
    values * if symbols == 0 { 16.0 } else { 24.0 + 48.0 * terms }
}

/// `12,826,228`
fn grouped(number: &BigUint) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn memory(bytes: f64) -> String {
    match bytes / GIB {
        gib if gib < 10.0 => format!("about {gib:.1} GiB of memory"),
        gib if gib < 1e6 => format!("about {gib:.0} GiB of memory"),
        _ => "more memory than there is".into(),
    }
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

    #[test]
    fn digits_are_grouped() {
        for (n, text) in [(7u64, "7"), (999, "999"), (1000, "1,000"), (12_826_228, "12,826,228")] {
            assert_eq!(grouped(&n.into()), text);
        }
    }
}
