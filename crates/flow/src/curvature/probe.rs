//! Random vectors.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

/// How the entries of a random vector are distributed. Both have mean 0 and variance 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Probe {
    /// `±1` with equal probability.
    #[default]
    Rademacher,
    /// Normal.
    Gaussian,
}

/// A stream of random vectors; the same for the same seed, on every machine.
pub(super) struct Probes(Xoshiro256PlusPlus);

impl Probes {
    pub(super) fn new(seed: u64) -> Probes {
        Probes(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    pub(super) fn next(&mut self, kind: Probe, length: usize) -> Vec<f64> {
        let entry = |_| match kind {
            Probe::Rademacher => {
                if self.0.random::<bool>() {
                    1.0
                } else {
                    -1.0
                }
            }
            Probe::Gaussian => self.0.sample(StandardNormal),
        };
        (0..length).map(entry).collect()
    }
}
