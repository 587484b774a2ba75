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
//!
//! Whatever counts can be stopped from outside, too: [`Meter::until`].

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// A thread tells the meter what it has spent whenever that is so much, and each part of a computation at its end.
const PIECE: u64 = 1 << 16;

thread_local! {
    /// The meter of the [`within`] around what this thread does.
    static METER: RefCell<Option<Meter>> = const { RefCell::new(None) };
    /// What this thread may spend before it tells the meter, of [`Cell`] `GIVEN`; `None` without a meter.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
    static GIVEN: Cell<u64> = const { Cell::new(0) };
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
        let operations = operations();
        match left.checked_sub(operations) {
            Some(rest) => LEFT.set(Some(rest)),
            None => tell(operations),
        }
    }
}

/// Counts with the meter what this thread has spent, and `more`.
#[cold]
fn tell(more: u64) {
    let within_bound = METER.with_borrow(|meter| {
        let meter = meter.as_ref()?;
        let spent = (GIVEN.get() - LEFT.get().unwrap_or(0)).saturating_add(more);
        let take = |total: u64| Some(total.saturating_add(spent));
        let before = meter.spent.fetch_update(Relaxed, Relaxed, take).unwrap_or(0);
        let left = meter.bound.checked_sub(before.saturating_add(spent));
        let left = left.filter(|_| !meter.is_stopped());
        let piece = left.unwrap_or(0).min(PIECE);
        GIVEN.set(piece);
        LEFT.set(Some(piece));
        left
    });
    if within_bound.is_none() {
        // No panic: nothing is printed, and `within` is there to catch it.
        resume_unwind(Box::new(Signal));
    }
}

/// A bound, and what has been spent of it by all threads.
#[derive(Clone)]
pub struct Meter {
    bound: u64,
    spent: Arc<AtomicU64>,
    stop: Option<Arc<AtomicBool>>,
}

impl Meter {
    /// A bound of which nothing is spent.
    pub fn new(bound: u64) -> Meter {
        Meter { bound, spent: Arc::new(AtomicU64::new(0)), stop: None }
    }

    /// The same bound, which counts as passed as soon as `stop` is set: a computation then ends within milliseconds.
    #[must_use]
    pub fn until(self, stop: Arc<AtomicBool>) -> Meter {
        Meter { stop: Some(stop), ..self }
    }

    fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Relaxed))
    }

    /// What has been spent so far, but for the last few operations. Other threads may ask while a computation runs.
    pub fn spent(&self) -> u64 {
        self.spent.load(Relaxed)
    }

    /// [`spent`](Self::spent) to the last operation of this thread, which is one that [`run`](Self::run) has called.
    pub fn counted(&self) -> u64 {
        if LEFT.get().is_some() {
            tell(0);
        }
        self.spent()
    }

    /// The result of a computation that spends at most what is left of the bound. A computation inside another one
    /// spends of its bound too. What runs on other threads counts where a shared meter leads there.
    ///
    /// # Errors
    /// If it would have spent more; what it has changed until then stays changed.
    pub fn run<T>(&self, compute: impl FnOnce() -> T) -> Result<T, Exhausted> {
        let outer = Outer::leave();
        let before = self.spent();
        let room = outer.room().map_or(self.bound, |room| before.saturating_add(room));
        let bound = room.min(self.bound);
        let stop = self.stop.clone().or_else(|| outer.meter.as_ref()?.stop.clone());
        let inner = Meter { bound, spent: Arc::clone(&self.spent), stop };
        let result = inner.part(compute);
        drop(outer);
        let spent = self.spent();
        if LEFT.get().is_some() {
            // Where the outer bound was nearer, it is the one that is passed.
            let passed = spent > bound && bound < self.bound || inner.is_stopped();
            spend(if passed { u64::MAX } else { spent.min(bound) - before.min(bound) });
        }
        result.map_err(|cause| match cause.downcast::<Signal>() {
            Ok(_) => Exhausted { bound: self.bound },
            Err(other) => resume_unwind(other),
        })
    }

    /// Runs a part of the computation on this thread, and counts what that spends.
    fn part<T>(&self, compute: impl FnOnce() -> T) -> std::thread::Result<T> {
        let outer = Outer::leave();
        METER.set(Some(self.clone()));
        LEFT.set(Some(0));
        GIVEN.set(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let value = compute();
            tell(0);
            value
        }));
        drop(outer);
        result
    }
}

/// The meter that this thread had before, which it has again in the end.
struct Outer {
    meter: Option<Meter>,
    left: Option<u64>,
    given: u64,
}

impl Outer {
    fn leave() -> Outer {
        Outer { meter: METER.take(), left: LEFT.replace(None), given: GIVEN.get() }
    }

    /// What may still be spent.
    fn room(&self) -> Option<u64> {
        let meter = self.meter.as_ref()?;
        let own = self.given - self.left.unwrap_or(0);
        Some(meter.bound.saturating_sub(meter.spent().saturating_add(own)))
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        METER.set(self.meter.take());
        LEFT.set(self.left);
        GIVEN.set(self.given);
    }
}

/// The result of a computation that spends at most `bound` operations: [`Meter::run`].
///
/// # Errors
/// As there.
pub fn within<T>(bound: u64, compute: impl FnOnce() -> T) -> Result<T, Exhausted> {
    Meter::new(bound).run(compute)
}

/// The meter of this thread, for the threads that work for it.
pub(crate) struct Shared(Option<Meter>);

impl Shared {
    /// That of the [`within`] around this, if there is one.
    pub(crate) fn of_this_thread() -> Shared {
        Shared(METER.with_borrow(Clone::clone))
    }

    /// Runs a part of the work on any thread. If the parts pass the bound together, the stack is unwound.
    pub(crate) fn part<T>(&self, compute: impl FnOnce() -> T) -> T {
        match &self.0 {
            None => compute(),
            Some(meter) => meter.part(compute).unwrap_or_else(|cause| resume_unwind(cause)),
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
    fn a_computation_is_stopped_from_outside() {
        let stop = Arc::new(AtomicBool::new(false));
        let meter = Meter::new(u64::MAX).until(stop.clone());
        assert_eq!(meter.run(|| spend(1)), Ok(()));
        let outcome = meter.run(|| {
            // Bounds inside are stopped with it, and do not pass for exhausted ones.
            let inner = within(u64::MAX - 1, || {
                spend(1);
                stop.store(true, Relaxed);
                spend(PIECE);
                unreachable!("stopped")
            });
            unreachable!("{inner:?}")
        });
        assert_eq!(outcome, Err::<(), _>(Exhausted { bound: u64::MAX }));
    }

    #[test]
    fn threads_spend_of_one_bound() {
        use rayon::prelude::*;
        let parts = |each: u64| {
            within(1000, || {
                let shared = Shared::of_this_thread();
                (0..100).into_par_iter().for_each(|_| shared.part(|| spend(each)));
                spend(100);
            })
        };
        assert_eq!(parts(9), Ok(()));
        assert!(parts(10).is_err() && parts(11).is_err());
    }
}
