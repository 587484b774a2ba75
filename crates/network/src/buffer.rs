//! Buffers of the host's arrays, which are used again: one evaluation makes arrays of the same few sizes over and over,
//! and asking the system for memory took as long as the arithmetic of a small network.

use std::cell::RefCell;
use std::ops::Deref;

use rustc_hash::FxHashMap;

/// How many bytes a thread keeps at most.
const KEPT: usize = 1 << 24;

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

/// Numbers whose buffers are pooled.
pub(crate) trait Pooled: Copy + Default + 'static {
    /// Does `work` with the thread's pool; nothing where the thread is ending.
    fn with_pool<R>(work: impl FnOnce(&mut Pool<Self>) -> R) -> Option<R>;

    /// A vector of this length, with any contents.
    fn vector(length: usize) -> Vec<Self> {
        let unused = Self::with_pool(|pool| {
            let vector = pool.unused.get_mut(&length)?.pop()?;
            pool.bytes -= length * size_of::<Self>();
            Some(vector)
        });
        unused.flatten().unwrap_or_else(|| vec![Self::default(); length])
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
        }
    };
}

pooled!(f32);
pooled!(f64);

/// A vector of fixed length that goes back to the pool of the thread that drops it.
#[derive(Debug)]
pub(crate) struct Buffer<T: Pooled>(Vec<T>);

impl<T: Pooled> Buffer<T> {
    pub fn new(values: Vec<T>) -> Self {
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
        Self(copy)
    }
}

impl<T: Pooled> Drop for Buffer<T> {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.0);
        let bytes = values.len() * size_of::<T>();
        T::with_pool(|pool| {
            if pool.bytes + bytes > KEPT {
                // Of other sizes, perhaps, than are needed now.
                *pool = Pool::default();
            }
            if bytes <= KEPT {
                pool.bytes += bytes;
                pool.unused.entry(values.len()).or_default().push(values);
            }
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
        for _ in 0..4 {
            drop(Buffer::new(vec![0.0f64; KEPT / 16]));
        }
        drop(Buffer::new(vec![0.0f64; KEPT]));
        drop(Buffer::new(vec![0.0f64; KEPT / 16]));
        let bytes = f64::with_pool(|pool| {
            let held = pool.unused.values().flatten().map(|v| 8 * v.len()).sum::<usize>();
            assert_eq!(held, pool.bytes);
            held
        });
        assert_eq!(bytes, Some(KEPT / 2));
    }
}
