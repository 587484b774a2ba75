//! The least degrees of the operations of a step, and in which order their parts can be computed.

use super::step::{Op, Recurrence};
use super::vectors::is_zero;
use crate::loss::Number;
use bea_series::typed::NodeId;

/// The least degree that each operation can have, and each state; `most` of those that have none below it.
///
/// A buffer such as `v' = m v + h g` begins with `h`, as what it is driven by does. So these are the greatest numbers that
/// agree with one another, from `most` downwards.
pub(super) fn valuations<T: Number>(
    ops: &[(Op<T>, NodeId)],
    states: &[Recurrence],
    most: usize,
) -> (Vec<usize>, Vec<usize>) {
    let (mut of, mut of_states) = (vec![most; ops.len()], vec![most; states.len()]);
    for (of, state) in of_states.iter_mut().zip(states) {
        if state.slow {
            *of = 0;
        }
    }
    loop {
        let before = (of.clone(), of_states.clone());
        for (at, (op, _)) in ops.iter().enumerate() {
            let least = match op {
                Op::Number(x) if is_zero(x) => most,
                Op::Step => 1,
                Op::State(i) | Op::New(i) => of_states[*i],
                Op::Sum(parts) => parts.iter().map(|x| of[*x]).min().unwrap_or(most),
                Op::Product(x, y) | Op::MatrixProduct(x, y) => of[*x] + of[*y],
                Op::Entries(x)
                | Op::FieldDerivative(x)
                | Op::HyperbolicTangent(x, _)
                | Op::Transpose(x) => of[*x],
                // Kinks are looked for from the constant part on.
                _ => 0,
            };
            of[at] = least.min(most);
        }
        for (i, state) in states.iter().enumerate().filter(|(_, state)| !state.slow) {
            // What the state itself is multiplied by adds nothing below its own degree.
            let others = state.linear.iter().filter(|(j, _)| *j != i);
            let linear = others.map(|(j, c)| of[*c] + of_states[*j]);
            let rest = state.rest.iter().map(|x| of[*x]);
            of_states[i] = linear.chain(rest).min().unwrap_or(most).min(most);
        }
        if before == (of.clone(), of_states.clone()) {
            return (of, of_states);
        }
    }
}

/// A state whose part of each degree would need that part itself: terms that cancel, as in `g - g`, hide the degree that
/// the rest begins with.
pub(super) fn entangled<T: Number>(
    ops: &[(Op<T>, NodeId)],
    states: &[Recurrence],
    of: &[usize],
    of_states: &[usize],
    most: usize,
) -> Option<usize> {
    let theta = ops.iter().position(|(op, _)| matches!(op, Op::State(0)));
    // What the part of degree k needs to the degree k; operations first, then states.
    let at_once = |x: usize| -> Vec<usize> {
        let state = |i: usize| ops.len() + i;
        if x < ops.len() && of[x] == most || x >= ops.len() && of_states[x - ops.len()] == most {
            return Vec::new();
        }
        let Some((op, _)) = ops.get(x) else {
            let i = x - ops.len();
            let others = states[i].linear.iter().filter(|(j, c)| *j != i && of[*c] == 0);
            let others = others.map(|(j, _)| state(*j));
            return others.chain(states[i].rest.iter().copied()).collect();
        };
        match op {
            Op::State(i) | Op::New(i) => vec![state(*i)],
            Op::Sum(parts) => parts.clone(),
            Op::Product(a, b) | Op::MatrixProduct(a, b) => {
                let needed = [(*a, of[*b]), (*b, of[*a])];
                needed.into_iter().filter(|(_, other)| *other == 0).map(|(x, _)| x).collect()
            }
            Op::FieldDerivative(v) => {
                theta.filter(|_| of[*v] == 0).into_iter().chain([*v]).collect()
            }
            Op::Field(a)
            | Op::Power(a, _)
            | Op::Exponential(a)
            | Op::Logarithm(a)
            | Op::HyperbolicTangent(a, _)
            | Op::Sign(a)
            | Op::Absolute(a)
            | Op::Entries(a)
            | Op::Transpose(a)
            | Op::MatrixFunction(_, a) => vec![*a],
            Op::Greater(a, b) => vec![*a, *b],
            Op::Number(_) | Op::Step | Op::Dimension | Op::Identity => Vec::new(),
        }
    };
    // A walk in depth: what is met again on the way down needs itself.
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; ops.len() + states.len()];
    for first in 0..states.len() {
        let mut way = vec![(ops.len() + first, false)];
        while let Some((x, leaves)) = way.pop() {
            if leaves {
                marks[x] = Mark::Done;
                continue;
            }
            match marks[x] {
                Mark::Done => continue,
                Mark::Open => return Some(first),
                Mark::New => {}
            }
            marks[x] = Mark::Open;
            way.push((x, true));
            way.extend(at_once(x).into_iter().map(|y| (y, false)));
        }
    }
    None
}
