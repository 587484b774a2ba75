//! Flows of steps with kinks, which end where a trajectory slides along one.

use crate::flow::Stop;
use crate::flow::setup::Flowing;
use crate::flow::velocity::{Velocity, distance};
use bea_series::typed::{Function, Node, Program};
use num_complex::Complex64;

/// The velocity jumps if it changes by more than this part of itself
const JUMP: f64 = 0.5;
/// while the parameters move by less than this part of what they would move within one step of the optimizer.
const NEAR: f64 = 1e-4;
/// A trajectory that crosses a kink jumps once; one that is driven back from either side jumps with every step of the
/// integrator.
const MAX_JUMPS: usize = 50;

/// A flow whose velocity may jump.
pub(in crate::flow) struct Kinked<'a> {
    flow: Flowing<'a>,
    operations: String,
    h: f64,
    /// The last accepted point, and the velocity there.
    last: Option<(Vec<Complex64>, Vec<Complex64>)>,
    jumps: usize,
}

impl<'a> Kinked<'a> {
    /// The flow itself, if the step has no kinks.
    pub(in crate::flow) fn of(flow: Flowing<'a>, program: &Program, h: f64) -> Flowing<'a> {
        let mut names: Vec<&str> = Vec::new();
        for id in program.kinks() {
            let name = match program.nodes[id] {
                Node::Function(Function::Sign, _) => "sign",
                Node::Function(Function::Absolute, _) => "abs",
                _ => "min, max or clip",
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return flow;
        }
        let operations = names.join(" or ");
        Box::new(Kinked { flow, operations, h, last: None, jumps: 0 })
    }
}

impl Velocity for Kinked<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        self.flow.velocity(theta, out)
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        self.flow.accept(theta)?;
        let mut velocity = vec![Complex64::ZERO; theta.len()];
        self.flow.velocity(theta, &mut velocity)?;
        if let Some((at, before)) = &self.last {
            let zero = vec![Complex64::ZERO; theta.len()];
            let speed = f64::max(distance(&velocity, &zero), distance(before, &zero));
            let is_jump = distance(&velocity, before) > JUMP * speed
                && distance(theta, at) < NEAR * self.h * speed;
            self.jumps += usize::from(is_jump);
            if self.jumps > MAX_JUMPS {
                return Err(Stop::Slides(self.operations.clone()));
            }
        }
        self.last = Some((theta.to_vec(), velocity));
        Ok(())
    }

    fn branch_distance(&self) -> f64 {
        self.flow.branch_distance()
    }
}
