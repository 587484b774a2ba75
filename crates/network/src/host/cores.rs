//! Loops cut into pieces for all cores. Where they are cut follows their sizes alone, so that results do not depend on the
//! number of threads.

use std::cell::Cell;
use std::ops::Range;

use smallvec::SmallVec;

/// Numbers that a piece has at least: some ten microseconds of work.
const PIECE: usize = 1 << 15;

/// Arrays of the same rows, which are cut alike; empty ones stay so.
pub(crate) type Parts<'p, T> = SmallVec<[&'p mut [T]; 4]>;

thread_local! {
    static UNCUT: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` with loops that are not cut: where others like it keep all cores busy. A thread that waited for pieces would
/// begin another of them, and hold the memory of both.
pub(crate) fn uncut<R>(work: impl FnOnce() -> R) -> R {
    struct Before(bool);
    // Also where `work` panics.
    impl Drop for Before {
        fn drop(&mut self) {
            UNCUT.set(self.0);
        }
    }
    let _before = Before(UNCUT.replace(true));
    work()
}

/// Does `work` on pieces of arrays of rows of `width` entries each: `work(first, pieces)` with the number of the first row.
/// A row costs as much as going through `cost` numbers.
pub(crate) fn rows<T: Send>(
    parts: Parts<'_, T>,
    width: usize,
    cost: usize,
    work: &(impl Fn(usize, Parts<'_, T>) + Sync),
) {
    if UNCUT.get() {
        return work(0, parts);
    }
    from(0, parts, width, cost, work);
}

fn from<T: Send>(
    first: usize,
    parts: Parts<'_, T>,
    width: usize,
    cost: usize,
    work: &(impl Fn(usize, Parts<'_, T>) + Sync),
) {
    let length = parts.iter().map(|part| part.len()).max().unwrap_or(0);
    let count = length.div_ceil(width.max(1));
    if count < 2 || count.saturating_mul(cost) < 2 * PIECE {
        return work(first, parts);
    }
    let half = count / 2;
    let at = |part: &[T]| (half * width).min(part.len());
    let (left, right) = parts
        .into_iter()
        .map(|part| {
            let at = at(part);
            part.split_at_mut(at)
        })
        .unzip();
    rayon::join(
        || from(first, left, width, cost, work),
        || from(first + half, right, width, cost, work),
    );
}

/// The same for one array.
pub(crate) fn each<T: Send>(
    out: &mut [T],
    width: usize,
    cost: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let one = |first: usize, mut parts: Parts<'_, T>| {
        work(first, parts.pop().expect("one array"));
    };
    rows(Parts::from_iter([out]), width, cost, &one);
}

/// Ranges of `count` rows for sums of their own, which are added afterwards; one where that is not worth it, or where the
/// sums, of `width` entries, would take memory to speak of. A row costs as much as going through `cost` numbers.
pub(crate) fn ranges(count: usize, width: usize, cost: usize) -> Vec<Range<usize>> {
    let numbers = count.saturating_mul(cost);
    let pieces = (numbers / PIECE).min(16).min(count).min(numbers / (8 * width.max(1))).max(1);
    (0..pieces).map(|at| at * count / pieces..(at + 1) * count / pieces).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_rows_and_make_up_the_whole() {
        let (mut a, mut b, mut none) = (vec![0usize; 3 * 40_001], vec![0usize; 3 * 40_001], []);
        let parts = Parts::from_iter([&mut a[..], &mut none, &mut b]);
        rows(parts, 3, 3, &|first, parts| {
            assert!(parts[1].is_empty() && parts[0].len() == parts[2].len());
            for part in parts {
                part.iter_mut().zip(3 * first..).for_each(|(entry, at)| *entry += at);
            }
        });
        assert!(a.iter().enumerate().all(|(at, entry)| at == *entry) && a == b);
        let ranges = ranges(100_003, 1, 10);
        assert!(ranges.len() == 16 && ranges[15].end == 100_003);
        assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}
