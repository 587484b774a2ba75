//! Random numbers that are the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::f64::consts::TAU;

/// Numbers of one seed and purpose: ChaCha with eight rounds, keyed by the seed, on the stream that the FNV-1a hash of
/// the purpose selects.
pub(super) struct Stream {
    generator: ChaCha8Rng,
    /// The second of a pair of normal numbers.
    spare: Option<f64>,
}

impl Stream {
    pub(super) fn new(seed: u64, purpose: &str) -> Stream {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(fnv1a(purpose));
        Stream { generator, spare: None }
    }

    /// In `[0, 1)`, a multiple of `2^-53`.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (0.5 * f64::EPSILON)
    }

    /// Box and Muller's pairs. `libm` gives the same bits on every machine.
    pub(super) fn normal(&mut self) -> f64 {
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
