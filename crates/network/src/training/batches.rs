//! Which examples a step takes.

use bea_flow::random::permutation;

/// Mini-batches without replacement: every epoch has its own random order of the examples,
/// which depends on the seed and its number alone. Examples that do not fill a batch are left out of the
/// epoch.
#[derive(Clone, Debug)]
pub struct Batches {
    examples: usize,
    size: usize,
    seed: u64,
    /// The order of an epoch.
    current: Option<(usize, Vec<usize>)>,
}

impl Batches {
    /// Batches of `size` among so many examples.
    ///
    /// # Panics
    /// If `size` is 0 or larger than the number of examples.
    pub fn new(examples: usize, size: usize, seed: u64) -> Batches {
        assert!((1..=examples).contains(&size), "a batch has 1 to {examples} examples, not {size}");
        Batches { examples, size, seed, current: None }
    }

    /// Steps per epoch.
    pub fn per_epoch(&self) -> usize {
        self.examples / self.size
    }

    /// The numbers of the examples of step `step`, from 0.
    pub fn at(&mut self, step: usize) -> &[usize] {
        let (epoch, position) = (step / self.per_epoch(), step % self.per_epoch());
        if self.current.as_ref().is_none_or(|(known, _)| *known != epoch) {
            self.current = Some((epoch, permutation(self.seed, epoch as u64, self.examples)));
        }
        let (_, order) = self.current.as_ref().expect("the order was just made");
        &order[position * self.size..(position + 1) * self.size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_sees_every_example_once_in_another_order() {
        let mut batches = Batches::new(12, 4, 7);
        let mut epoch = |n: usize| -> Vec<usize> {
            (3 * n..3 * n + 3).flat_map(|step| batches.at(step).to_vec()).collect()
        };
        let (first, second) = (epoch(0), epoch(1));
        assert_ne!(first, second);
        assert_eq!(epoch(0), first);
        for mut seen in [first, second] {
            seen.sort_unstable();
            assert_eq!(seen, (0..12).collect::<Vec<_>>());
        }
    }
}
