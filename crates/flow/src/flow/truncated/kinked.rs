//! Flows of steps with kinks, which end where a trajectory slides along one.

use crate::flow::Stop;
use crate::flow::setup::Flowing;
use crate::flow::velocity::{Velocity, distance};
use bea_series::typed::{Function, Node, Program};
use num_complex::Complex64;

/// The velocity jumps if an entry changes by more than this part of the largest
const JUMP: f64 = 0.5;
/// while the parameters move by less than this part of what they would move within one step of the optimizer.
const NEAR: f64 = 1e-4;
/// A jump is taken back by one that differs from its opposite by no more than this part of it.
const BACK: f64 = 0.1;

/// A flow whose velocity may jump. A trajectory that crosses a kink jumps once; one that is driven back from either side jumps
/// back as soon as it is on the other.
pub(in crate::flow) struct Kinked<'a> {
    flow: Flowing<'a>,
    operations: String,
    h: f64,
    /// The last accepted point, and the velocity there.
    last: Option<(Vec<Complex64>, Vec<Complex64>)>,
    /// Where the velocity jumped last, and by how much.
    jump: Option<(Vec<Complex64>, Vec<Complex64>)>,
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
        Box::new(Kinked { flow, operations, h, last: None, jump: None })
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
            let near = NEAR * self.h * f64::max(size(&velocity), size(before));
            let change: Vec<Complex64> = velocity.iter().zip(before).map(|(v, b)| v - b).collect();
            let most = f64::max(largest(&velocity), largest(before));
            if largest(&change) > JUMP * most && distance(theta, at) < near {
                if let Some((place, jump)) = &self.jump
                    && distance(theta, place) < near
                    && change.iter().zip(jump).map(|(a, b)| (a + b).norm()).fold(0.0, f64::max)
                        <= BACK * largest(&change)
                {
                    return Err(Stop::Slides(self.operations.clone()));
                }
                self.jump = Some((theta.to_vec(), change));
            }
        }
        self.last = Some((theta.to_vec(), velocity));
        Ok(())
    }

    fn branch_distance(&self) -> f64 {
        self.flow.branch_distance()
    }
}

fn size(x: &[Complex64]) -> f64 {
    x.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt()
}

fn largest(x: &[Complex64]) -> f64 {
    x.iter().map(|x| x.norm()).fold(0.0, f64::max)
}
