//! A meter of the work done by exact arithmetic, and a bound on it.
//!
//! Exact results can be larger than any memory and any patience: weights of trees in seven parameters, a
//! greatest common divisor of two polynomials with thousands of terms. Their size is not known before they
//! are there. So every operation counts what it costs, and [`within`] gives up at a bound. One unit is
//! about ten nanoseconds.
//!
//! ```
//! use bea_series::exact::{RationalFunction as Q, effort};
//! let power = |n| effort::within(1_000_000, || (&Q::one() + &Q::variable(0)).pow(n).is_some());
//! assert_eq!(power(10), Ok(true));
//! assert!(power(60_000).is_err());
//! ```

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

thread_local! {
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A computation passed its bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this takes too long: more than {bound} operations on coefficients")]
pub struct Exhausted {
    /// The bound.
    pub bound: u64,
}

/// What travels up to [`within`].
struct Signal;

/// Counts some operations. If they pass the bound of the [`within`] around it, it does not return: the
/// stack is unwound up to there.
pub fn spend(operations: u64) {
    spend_if_counted(|| operations);
}

/// [`spend`], where the cost takes some counting of its own.
#[inline]
pub fn spend_if_counted(operations: impl FnOnce() -> u64) {
    if let Some(left) = LEFT.get() {
        match left.checked_sub(operations()) {
            Some(rest) => LEFT.set(Some(rest)),
            // No panic: nothing is printed, and `within` is there to catch it.
            None => resume_unwind(Box::new(Signal)),
        }
    }
}

/// The result of a computation that spends at most `bound` operations. A computation inside another one
/// spends of its bound too. What runs on other threads counts if a shared meter leads there; each of them may spend what
/// was left when it began before it notices.
///
/// # Errors
/// If it would have spent more; what it has changed until then stays changed.
pub fn within<T>(bound: u64, compute: impl FnOnce() -> T) -> Result<T, Exhausted> {
    let outer = LEFT.get();
    let allowed = outer.map_or(bound, |left| left.min(bound));
    LEFT.set(Some(allowed));
    let result = catch_unwind(AssertUnwindSafe(compute));
    let spent = allowed - LEFT.get().unwrap_or(0);
    LEFT.set(outer.map(|left| left - spent));
    result.map_err(|cause| match cause.downcast::<Signal>() {
        Ok(_) if outer.is_some_and(|left| left < bound) => resume_unwind(Box::new(Signal)),
        Ok(_) => Exhausted { bound },
        Err(other) => resume_unwind(other),
    })
}

/// What is left to this thread, for the threads that work for it.
pub(crate) struct Shared(Option<AtomicU64>);

impl Shared {
    /// The bound of the [`within`] around this, if there is one.
    pub(crate) fn of_this_thread() -> Shared {
        Shared(LEFT.get().map(AtomicU64::new))
    }

    /// Runs a part of the work on any thread. If the parts pass the bound together, the stack is unwound.
    pub(crate) fn part<T>(&self, compute: impl FnOnce() -> T) -> T {
        let Some(shared) = &self.0 else { return compute() };
        let outer = LEFT.replace(Some(shared.load(Relaxed)));
        let allowed = LEFT.get().unwrap_or(0);
        let result = catch_unwind(AssertUnwindSafe(compute));
        let spent = allowed - LEFT.get().unwrap_or(0);
        LEFT.set(outer);
        let take = |left: u64| Some(left.saturating_sub(spent));
        let before = shared.fetch_update(Relaxed, Relaxed, take).unwrap_or(0);
        match result {
            Ok(_) if before < spent => resume_unwind(Box::new(Signal)),
            Ok(value) => value,
            Err(cause) => resume_unwind(cause),
        }
    }

    /// Counts on this thread what the parts have spent.
    pub(crate) fn settle(self) {
        if let Some(left) = self.0 {
            LEFT.set(Some(left.into_inner()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_kept_and_bounds_nest() {
        let exhausted = |bound| Exhausted { bound };
        spend(u64::MAX);
        assert_eq!(within(10, || spend(10)), Ok(()));
        assert_eq!(within(10, || spend(11)), Err(exhausted(10)));
        let inner = within(10, || {
            spend(4);
            let inner = within(2, || spend(3));
            spend(4);
            inner
        });
        assert_eq!(inner, Ok(Err(exhausted(2))));
        let outer = within(10, || {
            within(6, || spend(6)).unwrap();
            spend(5);
        });
        assert_eq!(outer, Err(exhausted(10)));
        // The outer bound is nearer: it is the one that is passed.
        assert_eq!(within(10, || within(100, || spend(11))), Err(exhausted(10)));
        spend(u64::MAX);
    }

    #[test]
    fn threads_spend_of_one_bound() {
        use rayon::prelude::*;
        let parts = |each: u64| {
            within(1000, || {
                let shared = Shared::of_this_thread();
                (0..100).into_par_iter().for_each(|_| shared.part(|| spend(each)));
                shared.settle();
                spend(100);
            })
        };
        assert_eq!(parts(9), Ok(()));
        assert!(parts(10).is_err() && parts(11).is_err());
    }
}
