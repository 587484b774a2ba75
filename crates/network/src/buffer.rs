//! Buffers of the host's arrays, which are used again: one evaluation makes arrays of the same few sizes over and over,
//! and asking the system for memory took as long as the arithmetic of a small network.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

/// How many bytes a thread keeps at most.
const KEPT: usize = 1 << 22;

/// Buffers of more bytes are of one pool for all threads.
const LARGE: usize = 1 << 18;

/// Unused buffers of one thread, by length.
pub(crate) struct Pool<T> {
    unused: FxHashMap<usize, Vec<Vec<T>>>,
    bytes: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { unused: FxHashMap::default(), bytes: 0 }
    }
}

/// Large buffers of all threads. Unused ones are kept as long as they and those in use together are no more than were in use
/// at once before: the system would take as long to clear their pages as the arithmetic takes, and memory is what it would
/// be without them.
pub(crate) struct Large<T> {
    /// The last one that was used is the last.
    unused: Vec<Vec<T>>,
    /// Their bytes, those of buffers in use, and the most of the latter so far.
    kept: usize,
    used: usize,
    most: usize,
}

impl<T> Large<T> {
    const fn new() -> Self {
        Self { unused: Vec::new(), kept: 0, used: 0, most: 0 }
    }

    fn bytes(length: usize) -> usize {
        length * size_of::<T>()
    }

    /// An unused buffer of this length; else those that make room for another one, which are to be dropped before.
    fn take(&mut self, length: usize) -> Result<Vec<T>, Vec<Vec<T>>> {
        match self.unused.iter().rposition(|buffer| buffer.len() == length) {
            Some(at) => {
                self.kept -= Self::bytes(length);
                Ok(self.unused.remove(at))
            }
            None => Err(self.room(self.used + Self::bytes(length))),
        }
    }

    /// The unused buffers for which there is no room beside so many bytes, those first that were not used for longest.
    fn room(&mut self, used: usize) -> Vec<Vec<T>> {
        self.most = self.most.max(used);
        let mut count = 0;
        while self.kept + used > self.most {
            self.kept -= Self::bytes(self.unused[count].len());
            count += 1;
        }
        self.unused.drain(..count).collect()
    }

    fn begin(&mut self, length: usize) -> Vec<Vec<T>> {
        self.used += Self::bytes(length);
        self.room(self.used)
    }

    fn end(&mut self, buffer: Vec<T>) {
        let bytes = Self::bytes(buffer.len());
        (self.used, self.kept) = (self.used - bytes, self.kept + bytes);
        self.unused.push(buffer);
    }

    /// Unused buffers of so many bytes at least, where there are as many: for what is not of the pool.
    fn make_room(&mut self, bytes: usize) -> Vec<Vec<T>> {
        let (kept, mut count) = (self.kept, 0);
        while count < self.unused.len() && kept - self.kept < bytes {
            self.kept -= Self::bytes(self.unused[count].len());
            count += 1;
        }
        self.unused.drain(..count).collect()
    }

    fn give_back(&mut self) -> Vec<Vec<T>> {
        (self.kept, self.most) = (0, self.used);
        std::mem::take(&mut self.unused)
    }
}

/// Numbers whose buffers are pooled.
pub(crate) trait Pooled: Copy + Default + 'static {
    /// Does `work` with the thread's pool; nothing where the thread is ending.
    fn with_pool<R>(work: impl FnOnce(&mut Pool<Self>) -> R) -> Option<R>;

    /// The pool of large buffers.
    fn large() -> MutexGuard<'static, Large<Self>>;

    /// A vector of this length, with any contents.
    fn vector(length: usize) -> Vec<Self> {
        let unused = if length * size_of::<Self>() > LARGE {
            // What it gives up is freed without the lock.
            let taken = Self::large().take(length);
            taken.ok()
        } else {
            Self::with_pool(|pool| {
                let vector = pool.unused.get_mut(&length)?.pop()?;
                pool.bytes -= length * size_of::<Self>();
                Some(vector)
            })
            .flatten()
        };
        unused.unwrap_or_else(|| vec![Self::default(); length])
    }
}

macro_rules! pooled {
    ($t:ty) => {
        impl Pooled for $t {
            fn with_pool<R>(work: impl FnOnce(&mut Pool<Self>) -> R) -> Option<R> {
                thread_local! {
                    static POOL: RefCell<Pool<$t>> = RefCell::default();
                }
                POOL.try_with(|pool| work(&mut pool.borrow_mut())).ok()
            }

            fn large() -> MutexGuard<'static, Large<Self>> {
                static POOL: Mutex<Large<$t>> = Mutex::new(Large::new());
                POOL.lock().unwrap_or_else(PoisonError::into_inner)
            }
        }
    };
}

pooled!(f32);
pooled!(f64);

/// Gives back unused large buffers to make room for a result of so many bytes, if that is large too.
pub(crate) fn make_room(bytes: usize) {
    if bytes > LARGE {
        drop((f32::large().make_room(bytes), f64::large().make_room(bytes)));
    }
}

/// Where evaluations go on: with it, the large buffers that they left unused are given back.
pub(crate) struct Unused;

impl Drop for Unused {
    fn drop(&mut self) {
        drop((f32::large().give_back(), f64::large().give_back()));
    }
}

/// A vector of fixed length that goes back to the pool of the thread that drops it.
#[derive(Debug)]
pub(crate) struct Buffer<T: Pooled>(Vec<T>);

impl<T: Pooled> Buffer<T> {
    pub fn new(values: Vec<T>) -> Self {
        if size_of_val(&values[..]) > LARGE {
            let unused = T::large().begin(values.len());
            drop(unused);
        }
        Self(values)
    }

    pub fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Pooled> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Pooled> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        let mut copy = T::vector(self.0.len());
        copy.copy_from_slice(&self.0);
        Self::new(copy)
    }
}

impl<T: Pooled> Drop for Buffer<T> {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.0);
        let bytes = size_of_val(&values[..]);
        if bytes > LARGE {
            return T::large().end(values);
        }
        T::with_pool(|pool| {
            if pool.bytes + bytes > KEPT {
                // Of other sizes, perhaps, than are needed now.
                *pool = Pool::default();
            }
            pool.bytes += bytes;
            pool.unused.entry(values.len()).or_default().push(values);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again_and_the_pool_is_bounded() {
        let values = vec![1.5f64; 1001];
        let place = values.as_ptr();
        drop(Buffer::new(values));
        let again = f64::vector(1001);
        assert_eq!((again.as_ptr(), again.len()), (place, 1001));
        let other = f64::vector(1001);
        assert_ne!(other.as_ptr(), place);
        for _ in 0..20 {
            drop(Buffer::new(vec![0.0f64; LARGE / 8]));
        }
        drop(Buffer::new(vec![0.0f64; LARGE]));
        let bytes = f64::with_pool(|pool| {
            let held = pool.unused.values().flatten().map(|v| 8 * v.len()).sum::<usize>();
            assert_eq!(held, pool.bytes);
            held
        });
        assert!(bytes.is_some_and(|bytes| bytes <= KEPT));
    }

    #[test]
    fn large_buffers_are_no_more_than_were_in_use_at_once() {
        let mut pool = Large::<u8>::new();
        let take = |pool: &mut Large<u8>, length: usize| {
            let buffer = pool.take(length).unwrap_or_else(|_| vec![0; length]);
            pool.begin(length);
            assert!(pool.kept + pool.used <= pool.most);
            buffer
        };
        let (a, b) = (take(&mut pool, 100), take(&mut pool, 70));
        let place = a.as_ptr();
        pool.end(a);
        assert_eq!((pool.kept, pool.used, pool.most), (100, 70, 170));
        // The same memory again, and no other beside it.
        let a = take(&mut pool, 100);
        assert_eq!(a.as_ptr(), place);
        pool.end(a);
        let c = take(&mut pool, 90);
        assert_eq!((pool.kept, pool.used, pool.most), (0, 160, 170));
        [b, c].into_iter().for_each(|buffer| pool.end(buffer));
        assert_eq!(pool.unused.iter().map(Vec::len).collect::<Vec<_>>(), [70, 90]);
        // The one that was not used for longest makes room.
        let d = take(&mut pool, 30);
        assert_eq!(pool.unused.iter().map(Vec::len).collect::<Vec<_>>(), [90]);
        pool.end(d);
        assert_eq!(pool.make_room(50).len(), 1);
        assert_eq!((pool.kept, pool.give_back().len()), (30, 1));
        assert_eq!((pool.kept, pool.used, pool.most), (0, 0, 0));
    }
}
