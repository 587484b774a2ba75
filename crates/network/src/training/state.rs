//! The state of an optimizer, and what a step of it was.

use bea_flow::objective::ObjectiveError;

/// The state of an optimizer.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// How many steps were made.
    pub step: usize,
    /// The parameters.
    pub theta: Vec<f64>,
    /// The buffers by name, in the order of the optimizer; none before the first step.
    pub buffers: Vec<(String, Vec<f64>)>,
}

impl State {
    /// Before the first step.
    pub fn new(theta: Vec<f64>) -> State {
        State { step: 0, theta, buffers: Vec::new() }
    }

    /// Whether it has exactly these buffers.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.buffers.iter().map(|(name, _)| name).eq(names)
    }

    /// The buffer of this name, if it is there.
    pub(super) fn buffer(&self, name: &str) -> Option<&[f64]> {
        let found = self.buffers.iter().find(|(known, _)| known == name);
        found.map(|(_, values)| values.as_slice())
    }

    /// Sets the buffer of this name, behind all others where it is new.
    pub(super) fn keep(&mut self, name: &str, values: Vec<f64>) {
        match self.buffers.iter_mut().find(|(known, _)| known == name) {
            Some((_, own)) => *own = values,
            None => self.buffers.push((name.to_string(), values)),
        }
    }

    /// Takes the buffer of this name out, if it is there.
    pub(super) fn remove(&mut self, name: &str) -> Option<Vec<f64>> {
        let at = self.buffers.iter().position(|(known, _)| known == name)?;
        Some(self.buffers.remove(at).1)
    }

    /// Refuses buffers, as of a checkpoint, that have other lengths than these.
    pub(super) fn check(
        &self,
        lengths: impl IntoIterator<Item = usize>,
    ) -> Result<(), ObjectiveError> {
        for ((name, values), expected) in self.buffers.iter().zip(lengths) {
            if values.len() != expected {
                return Err(ObjectiveError::other(format!(
                    "the buffer `{name}` has {} numbers, not {expected}",
                    values.len()
                )));
            }
        }
        Ok(())
    }

    /// The parameters and the buffers, which are empty until they are [put](Self::put) back.
    pub(super) fn take(&mut self) -> Vec<Vec<f64>> {
        let buffers = self.buffers.iter_mut().map(|(_, values)| std::mem::take(values));
        std::iter::once(std::mem::take(&mut self.theta)).chain(buffers).collect()
    }

    /// Parameters, and buffers of these names.
    pub(super) fn put(&mut self, states: Vec<Vec<f64>>, names: &[&str]) {
        let mut states = states.into_iter();
        self.theta = states.next().unwrap_or_default();
        self.buffers = names.iter().map(|name| name.to_string()).zip(states).collect();
    }
}

/// What a step has evaluated and done.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The loss where the gradient was taken.
    pub loss: f64,
    /// The gradient.
    pub gradient: Vec<f64>,
    /// What the gradient was multiplied by. Where parameters have factors of their own, the mean over the parameters; for
    /// Adam, the step size.
    pub learning_rate: f64,
    /// `∇²E g` of the gradient `g`, where the method uses it.
    pub product: Option<Vec<f64>>,
}
