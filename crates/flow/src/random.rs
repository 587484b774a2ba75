//! Random numbers: the one place they come from.
//!
//! The same seed gives the same numbers on every machine and in every version: initial parameters, synthetic
//! examples, the order of mini-batches and the vectors of stochastic Lanczos quadrature are documented results,
//! and checkpoints are resumed by their step number alone. So no generator here may change; a new purpose takes a
//! [`Stream`] of its own.
//!
//! | what | generator | seed |
//! |---|---|---|
//! | [`Stream`]: parameters, examples | ChaCha, 8 rounds | the key; the stream is the FNV-1a hash of the purpose |
//! | [`permutation`]: an epoch's examples | ChaCha, 8 rounds | expanded to the key; the stream is the epoch |
//! | `Probes`: vectors | xoshiro256++ | expanded to the state |

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use rand_distr::StandardNormal;
use std::f64::consts::TAU;

/// Numbers of one seed and purpose.
pub struct Stream {
    generator: ChaCha8Rng,
    /// The second of a pair of normal numbers.
    spare: Option<f64>,
}

impl Stream {
    /// The numbers of a seed for a purpose, the name of a parameter say. Streams of different purposes are
    /// independent.
    pub fn new(seed: u64, purpose: &str) -> Stream {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(fnv1a(purpose));
        Stream { generator, spare: None }
    }

    /// The next number, uniform in `[0, 1)`, a multiple of `2^-53`.
    pub fn uniform(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (0.5 * f64::EPSILON)
    }

    /// The next number, normal with mean 0 and variance 1: Box and Muller's pairs. `libm` gives the same bits on
    /// every machine.
    pub fn normal(&mut self) -> f64 {
        if let Some(value) = self.spare.take() {
            return value;
        }
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        let (sine, cosine) = libm::sincos(TAU * self.uniform());
        self.spare = Some(radius * sine);
        radius * cosine
    }
}

/// Fowler, Noll and Vo's hash, of 64 bits.
fn fnv1a(text: &str) -> u64 {
    let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The numbers `0, …, count-1` in a random order, a different one for every `number`.
pub fn permutation(seed: u64, number: u64, count: usize) -> Vec<usize> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(number);
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut generator);
    order
}

/// How the entries of a random vector are distributed. Both have mean 0 and variance 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Probe {
    /// `±1` with equal probability.
    #[default]
    Rademacher,
    /// Normal.
    Gaussian,
}

/// Random vectors.
pub(crate) struct Probes(Xoshiro256PlusPlus);

impl Probes {
    pub(crate) fn new(seed: u64) -> Probes {
        Probes(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    pub(crate) fn next(&mut self, probe: Probe, length: usize) -> Vec<f64> {
        let entry = |_| match probe {
            Probe::Rademacher if self.0.random::<bool>() => 1.0,
            Probe::Rademacher => -1.0,
            Probe::Gaussian => self.0.sample(StandardNormal),
        };
        (0..length).map(entry).collect()
    }
}
