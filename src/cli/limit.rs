//! Orders that are too large for any machine, said before memory runs out.

use crate::tree::TreeTable;
use miette::miette;
use num_bigint::BigUint;
use num_traits::ToPrimitive;

/// What a derivation may take without being forced, in bytes.
const MEMORY: f64 = 4.0 * GIB;
const GIB: f64 = (1u64 << 30) as f64;
/// No listing gets this far: there are 10^25 trees of 64 nodes.
const MAX_ORDER: usize = 63;

/// Refuses an order whose trees do not fit in memory, unless `force`; what no table can hold is
/// refused in any case.
pub(super) fn check(order: usize, fields: usize, force: bool) -> miette::Result<()> {
    let nodes = order.min(MAX_ORDER) + 1;
    let trees: BigUint = TreeTable::count(fields, nodes).into_iter().sum();
    let count = trees.to_f64().unwrap_or(f64::INFINITY);
    let bytes = count * bytes_per_tree(nodes);
    let at_least = if order > MAX_ORDER { "more than " } else { "" };
    let size = format!(
        "order {order} needs all trees with up to {} nodes: {at_least}{} of them, {at_least}{}",
        order.saturating_add(1),
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

/// Measured on gradient descent and heavy ball with a value: the listing takes 16 bytes a tree, its
/// weight as a polynomial in the step number one or two words a node.
fn bytes_per_tree(nodes: usize) -> f64 {
    16.0 + 16.0 * (nodes as f64 + 1.0)
}

/// `12,826,228`
fn grouped(number: &BigUint) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
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
        assert!(check(16, 1, false).is_ok());
        let refusal = check(20, 1, false).unwrap_err().to_string();
        assert!(refusal.contains("order 20 needs all trees with up to 21 nodes"), "{refusal}");
        assert!(refusal.contains("of them"), "{refusal}");
        assert!(check(20, 1, true).is_ok());
        assert!(check(30, 1, true).is_err(), "no table holds these");
        assert!(check(usize::MAX, 3, true).is_err());
    }

    #[test]
    fn digits_are_grouped() {
        for (n, text) in [(7u64, "7"), (999, "999"), (1000, "1,000"), (12_826_228, "12,826,228")] {
            assert_eq!(grouped(&n.into()), text);
        }
    }
}
