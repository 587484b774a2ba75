//! Refuses what would take more memory or time than anyone expects, before it begins, and gives up work that grows
//! beyond a bound.

use bea_flow::flow::FlowName;
use bea_series::exact::effort;
use bea_series::series::GeneralLinearMethod;
use bea_series::tree::TreeTable;
use miette::miette;
use num_bigint::BigUint;
use num_traits::ToPrimitive;

/// The most memory that a derivation may take without `--force`, in bytes.
const MEMORY: f64 = 4.0 * GIB;
const GIB: f64 = (1u64 << 30) as f64;
/// The most operations on coefficients that an exact result may take without `--force`: some seconds.
const EFFORT: u64 = 600_000_000;
/// More nodes than any listing has: there are 10^25 trees with 64 nodes.
const MAX_ORDER: usize = 63;

/// Runs `compute`, and gives up after too many operations on coefficients, unless `force`.
pub(super) fn effort<T>(
    force: bool,
    advice: &str,
    compute: impl FnOnce() -> miette::Result<T>,
) -> miette::Result<T> {
    if force {
        return compute();
    }
    effort::within(EFFORT, compute).unwrap_or_else(|exhausted| {
        Err(miette!(help = format!("{advice}; --force does it all the same"), "{exhausted}"))
    })
}

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
