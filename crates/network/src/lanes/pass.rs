//! A function applied to all entries of an element, some lanes at a time.

use std::marker::PhantomData;

use super::number::{ComplexLane, LANES, Lane, Real};
use super::powers::Powers;
use crate::function::{Analytic, Elementary, taylor};

/// Lanes that can be read from and written to the slices of an algebra's coefficients.
pub(super) trait Load<T>: Analytic + Copy {
    /// Slices a coefficient occupies.
    const PARTS: usize;
    fn load(parts: &[Option<&[T]>], at: usize, count: usize, padding: T) -> Self;
    fn store(&self, parts: &mut [&mut [T]], at: usize, count: usize);
}

#[inline(always)]
fn read<T: Real>(slice: Option<&[T]>, at: usize, count: usize, padding: T) -> [T; LANES] {
    let Some(values) = slice else { return [T::zero(); LANES] };
    match values[at..].first_chunk() {
        Some(all) => *all,
        None => {
            let mut out = [padding; LANES];
            out[..count].copy_from_slice(&values[at..at + count]);
            out
        }
    }
}

#[inline(always)]
fn write<T: Real>(values: &[T; LANES], out: &mut [T], at: usize, count: usize) {
    match out[at..].first_chunk_mut() {
        Some(all) => *all = *values,
        // Not as a slice: both copies would become one, of a length that is not known, by a call.
        None => (0..LANES).filter(|&i| i < count).for_each(|i| out[at + i] = values[i]),
    }
}

impl<T: Real> Load<T> for Lane<T> {
    const PARTS: usize = 1;
    #[inline(always)]
    fn load(parts: &[Option<&[T]>], at: usize, count: usize, padding: T) -> Self {
        Self(read(parts[0], at, count, padding))
    }
    #[inline(always)]
    fn store(&self, parts: &mut [&mut [T]], at: usize, count: usize) {
        write(&self.0, parts[0], at, count);
    }
}

impl<T: Real> Load<T> for ComplexLane<T> {
    const PARTS: usize = 2;
    #[inline(always)]
    fn load(parts: &[Option<&[T]>], at: usize, count: usize, padding: T) -> Self {
        Self { re: read(parts[0], at, count, padding), im: read(parts[1], at, count, T::zero()) }
    }
    #[inline(always)]
    fn store(&self, parts: &mut [&mut [T]], at: usize, count: usize) {
        write(&self.re, parts[0], at, count);
        write(&self.im, parts[1], at, count);
    }
}

/// One pass over memory, as `pulp` compiles it for each set of vector instructions. (Closures it may fail to inline, and
/// then they are not compiled for them.)
pub(super) struct Pass<'r, 'p, T, L> {
    pub function: Elementary,
    pub powers: &'r Powers,
    pub x: &'r [Option<&'r [T]>],
    pub length: usize,
    pub value: &'r mut [&'p mut [T]],
    pub derivative: Option<&'r mut [&'p mut [T]]>,
    pub lanes: PhantomData<L>,
}

impl<T: Real, L: Load<T>> pulp::WithSimd for Pass<'_, '_, T, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        // With few coefficients, known in number, the sums stay in registers.
        match (self.powers.first.is_empty(), self.powers.higher.is_empty()) {
            (true, _) => self.linear::<2>(),
            (false, true) => self.linear::<3>(),
            (false, false) => self.all_orders(),
        }
    }
}

/// The slices of a monomial's coefficient.
#[inline(always)]
fn part<T: Real, L: Load<T>>(monomial: usize) -> std::ops::Range<usize> {
    L::PARTS * monomial..L::PARTS * (monomial + 1)
}

impl<T: Real, L: Load<T>> Pass<'_, '_, T, L> {
    fn nothing() -> L {
        L::load(&[None; 2][..L::PARTS], 0, 0, T::zero())
    }

    /// Where all products of nilpotents vanish: `N` Taylor coefficients, 2 without a nilpotent part and 3 with one.
    #[inline(always)]
    fn linear<const N: usize>(mut self) {
        let mut at = 0;
        while at < self.length {
            let count = LANES.min(self.length - at);
            let mut c = [Self::nothing(); N];
            // Padding lanes hold 1, where every function is defined.
            let base = L::load(&self.x[part::<T, L>(0)], at, count, T::one());
            taylor(self.function, &base, &mut c);
            self.store(0, &c[0], &c[1], at, count);
            if N > 2 {
                let slope = c[2].scale(2.0);
                for &m in &self.powers.first {
                    let n = L::load(&self.x[part::<T, L>(m)], at, count, T::zero());
                    self.store(m, &c[1].mul(&n), &slope.mul(&n), at, count);
                }
            }
            at += count;
        }
    }

    /// Writes the coefficients of a monomial in value and derivative.
    #[inline(always)]
    fn store(&mut self, monomial: usize, value: &L, derivative: &L, at: usize, count: usize) {
        value.store(&mut self.value[part::<T, L>(monomial)], at, count);
        if let Some(slices) = &mut self.derivative {
            let slices = &mut slices[part::<T, L>(monomial)];
            if !slices[0].is_empty() {
                derivative.store(slices, at, count);
            }
        }
    }

    #[inline(always)]
    fn all_orders(mut self) {
        let (powers, nothing) = (self.powers, Self::nothing());
        let mut c = vec![nothing; powers.higher.len() + 3];
        let monomials = powers.support.len();
        let mut nilpotent = vec![nothing; monomials];
        let mut power = vec![nothing; monomials];
        let mut next = vec![nothing; monomials];
        let mut sums = vec![(nothing, nothing); monomials];
        let mut at = 0;
        while at < self.length {
            let count = LANES.min(self.length - at);
            let base = L::load(&self.x[part::<T, L>(0)], at, count, T::one());
            taylor(self.function, &base, &mut c);
            self.store(0, &c[0], &c[1], at, count);
            for &m in &powers.first {
                let n = L::load(&self.x[part::<T, L>(m)], at, count, T::zero());
                nilpotent[m] = n;
                power[m] = n;
            }
            for (m, sum) in sums.iter_mut().enumerate() {
                if powers.support[m] {
                    *sum = (nothing, nothing);
                }
            }
            for &m in &powers.first {
                sums[m] = (c[1].mul(&nilpotent[m]), c[2].mul(&nilpotent[m]).scale(2.0));
            }
            for (index, (support, products)) in powers.higher.iter().enumerate() {
                let r = index + 2;
                for &m in support {
                    next[m] = nothing;
                }
                for &(i, j, k) in products {
                    next[k] = next[k].add(&power[i].mul(&nilpotent[j]));
                }
                let slope = c[r + 1].scale((r + 1) as f64);
                for &m in support {
                    let (y, d) = sums[m];
                    sums[m] = (y.add(&c[r].mul(&next[m])), d.add(&slope.mul(&next[m])));
                }
                // A coefficient of the last power that this one lacks must not be read again.
                std::mem::swap(&mut power, &mut next);
            }
            for m in (1..monomials).filter(|&m| powers.support[m]) {
                let (value, derivative) = sums[m];
                self.store(m, &value, &derivative, at, count);
            }
            at += count;
        }
    }
}
