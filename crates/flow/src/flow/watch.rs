//! Watching a simulation from outside.

/// Who watches a simulation: asked whether it shall go on, and told how far it is. A function that
/// returns a `bool` is one that only cancels.
pub trait Watch: Sync {
    /// Whether the simulation shall end with what is there; asked before every step of the optimizer
    /// and of an integrator.
    fn cancelled(&self) -> bool;

    /// The trajectory called `name` has come to `step`, a number of steps of the optimizer.
    fn reached(&self, _name: &str, _step: usize) {}
}

impl<F: Fn() -> bool + Sync> Watch for F {
    fn cancelled(&self) -> bool {
        self()
    }
}
