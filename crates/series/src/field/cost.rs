//! What a derivation will cost: the memory of its trees, and operations on coefficients that grow with the order.

use crate::exact::effort::Meter;
use crate::series::GeneralLinearMethod;
use crate::tree::TreeTable;
use num_bigint::BigUint;
use num_traits::ToPrimitive;
use std::fmt::{self, Display, Formatter};

/// The most operations on coefficients that an exact result may take unless more are asked for: some seconds.
pub const EFFORT: u64 = 600_000_000;
/// More nodes than any listing has: there are 10^25 trees with 64 nodes.
const MAX_ORDER: usize = 63;
const GIB: f64 = (1u64 << 30) as f64;

/// The trees that a modified field is derived on, and the memory that it takes. It is shown as a sentence: `order 19
/// needs all trees with up to 20 nodes: …`.
#[derive(Clone, Debug)]
pub struct Size {
    order: usize,
    trees: BigUint,
    bytes: f64,
}

impl Size {
    /// Of the field of `method` to this order.
    pub fn of(order: usize, method: &GeneralLinearMethod) -> Size {
        let nodes = order.min(MAX_ORDER) + 1;
        let counts = TreeTable::count(method.fields.len(), nodes);
        let trees: BigUint = counts.iter().sum();
        let float = |number: &BigUint| number.to_f64().unwrap_or(f64::INFINITY);
        let smaller = float(&trees) - float(&counts[nodes - 1]);
        let bytes = 32.0 * float(&trees) + smaller * bytes_per_tree(method, nodes);
        Size { order, trees, bytes }
    }

    /// An estimate of the memory, in bytes.
    pub fn bytes(&self) -> f64 {
        self.bytes
    }

    /// Whether a [`TreeTable`] can hold the trees.
    pub fn fits_a_table(&self) -> bool {
        self.trees < BigUint::from(u32::MAX)
    }
}

impl Display for Size {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let least = if self.order > MAX_ORDER { "more than " } else { "" };
        let (nodes, trees) = (self.order.saturating_add(1), grouped(&self.trees));
        write!(
            out,
            "order {} needs all trees with up to {nodes} nodes: {least}{trees} of them, ",
            self.order
        )?;
        match self.bytes / GIB {
            gib if gib < 10.0 => write!(out, "about {gib:.1} GiB of memory"),
            gib if gib < 1e6 => write!(out, "about {gib:.0} GiB of memory"),
            _ => write!(out, "more memory than there is"),
        }
    }
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
pub fn grouped(number: &BigUint) -> String {
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

/// What may be more than the bound by so much as an estimate may be wrong.
const MARGIN: f64 = 4.0;
/// Pieces of a result are calculated for an estimate as long as they take no more operations: some milliseconds.
const TRIAL: u64 = 1_000_000;

/// Work whose cost is a multiple of that of a smaller piece.
pub struct Growth {
    meter: Meter,
    bound: u64,
}

/// Work is expected to pass its bound by far.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("this takes too long: about {expected:.0e} operations on coefficients, more than {bound}")]
pub struct TooLong {
    /// The operations that are expected.
    pub expected: f64,
    /// The bound.
    pub bound: u64,
}

impl Growth {
    /// What `meter` counts, which is to stay below `bound`; [`u64::MAX`] stands for none.
    pub fn new(meter: Meter, bound: u64) -> Growth {
        Growth { meter, bound }
    }

    /// What has been spent so far.
    pub fn spent(&self) -> u64 {
        self.meter.counted()
    }

    /// Does the pieces with the numbers `from..last` as long as they are cheap.
    ///
    /// # Errors
    /// What `refuse` makes of it if the piece with the number `last` would pass the bound by far, each piece costing
    /// the same multiple of the one before as the last two that were done; the errors of `piece`.
    pub fn foresee<E>(
        &self,
        from: usize,
        last: usize,
        refuse: impl FnOnce(TooLong) -> E,
        mut piece: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut costs = Vec::new();
        for number in (from..last).take_while(|_| self.bound < u64::MAX) {
            let before = self.spent();
            piece(number)?;
            costs.push(self.spent() - before);
            if costs[costs.len() - 1] > TRIAL {
                break;
            }
        }
        self.check(&costs, (last + 1) as f64 - (from + costs.len()) as f64).map_err(refuse)
    }

    /// Checks so many more pieces after those that had these costs.
    ///
    /// # Errors
    /// [`TooLong`] if they would pass the bound by far.
    pub fn check(&self, costs: &[u64], pieces: f64) -> Result<(), TooLong> {
        let [.., before, last] = *costs else { return Ok(()) };
        // Small pieces say little about large ones.
        if self.bound == u64::MAX || last < TRIAL / 10 || pieces <= 0.0 {
            return Ok(());
        }
        let expected = last as f64 * (last as f64 / before.max(1) as f64).powf(pieces);
        if expected < MARGIN * self.bound as f64 {
            return Ok(());
        }
        Err(TooLong { expected, bound: self.bound })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_sentences() {
        let euler = GeneralLinearMethod::euler();
        let size = Size::of(19, &euler);
        assert_eq!(
            size.to_string(),
            "order 19 needs all trees with up to 20 nodes: 20,247,374 of them, about 5.0 GiB of memory"
        );
        assert!(size.fits_a_table() && !Size::of(30, &euler).fits_a_table());
        let most = Size::of(usize::MAX, &euler);
        assert!(!most.fits_a_table() && most.to_string().ends_with("more memory than there is"));
    }

    #[test]
    fn what_grows_beyond_its_bound_is_foreseen() {
        let growth = Growth::new(Meter::new(u64::MAX), 1_000_000);
        assert_eq!(growth.check(&[100_000, 200_000], 2.0), Ok(()));
        let refused = growth.check(&[100_000, 200_000], 6.0).unwrap_err();
        assert_eq!(refused, TooLong { expected: 12_800_000.0, bound: 1_000_000 });
        assert_eq!(
            refused.to_string(),
            "this takes too long: about 1e7 operations on coefficients, more than 1000000"
        );
        let unbounded = Growth::new(Meter::new(u64::MAX), u64::MAX);
        assert_eq!(unbounded.check(&[100_000, 200_000], 60.0), Ok(()));
    }

    #[test]
    fn digits_are_grouped() {
        for (n, text) in [(7u64, "7"), (999, "999"), (1000, "1,000"), (12_826_228, "12,826,228")] {
            assert_eq!(grouped(&n.into()), text);
        }
    }
}
