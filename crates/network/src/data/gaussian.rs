//! Random regression: targets that are independent of the inputs, so that a network can only memorise them.

use super::{DataError, Dataset, Targets, Values};
use crate::memory;
use bea_flow::random::Stream;

/// Examples whose inputs and targets are independent standard normal numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gaussian {
    /// How many examples.
    pub examples: usize,
    /// Numbers per input.
    pub inputs: usize,
    /// Which ones.
    pub seed: u64,
}

/// More numbers than this are refused as a probable typing error.
const MOST: usize = 1 << 28;

impl Gaussian {
    /// `5x2`, of seed 0.
    pub(super) fn parse(text: &str) -> Option<Gaussian> {
        let (examples, inputs) = text.split_once('x')?;
        let (examples, inputs) = (examples.parse().ok()?, inputs.parse().ok()?);
        let numbers = usize::checked_mul(examples, inputs)?;
        (1..=MOST).contains(&numbers).then_some(Gaussian { examples, inputs, seed: 0 })
    }

    pub(super) fn read(self, name: &str) -> Result<Dataset, DataError> {
        let Gaussian { examples, inputs, seed } = self;
        let bytes = 8 * examples * (inputs + 1);
        if !memory::available(bytes) {
            return Err(DataError::Memory { name: name.into(), bytes });
        }
        let draw = |purpose: &str, count: usize| -> Vec<f64> {
            let mut stream = Stream::new(seed, purpose);
            (0..count).map(|_| stream.normal()).collect()
        };
        let targets = Targets::Values { values: draw("targets", examples), width: 1 };
        let values = Values::F64(draw("inputs", examples * inputs));
        Dataset::new(name, vec![inputs], values, targets)
    }
}
