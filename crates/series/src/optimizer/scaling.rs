//! Scaling the step size out of a method.
//!
//! With `x = h^d x̂` for every state `x`, the step is free of `h` if a term `c h^p y` of `x'` has
//! `p + d_y = d_x`, and a term `c h^p f(Z)` has `p - 1 = d_x`, because `h f` is what an Euler step
//! adds; the parameter vectors and the points `Z` have `d = 0`. The degrees are found by following
//! these equations from the parameter vectors.

use crate::exact::RationalFunction;
use crate::series::{Combination, GeneralLinearMethod};

/// The degree of an evaluation of a field.
const EVALUATION: i32 = -1;

/// Takes `h` out of the parameters of methods with the same states, if these can be scaled so in all of them.
pub(super) fn without_step(methods: &mut [GeneralLinearMethod]) {
    let Some(h) = methods[0].step_parameter else { return };
    if !is_homogeneous(methods, h) {
        return;
    }
    let mut one = vec![None; h];
    one.push(Some(RationalFunction::one()));
    let set = |c: &mut RationalFunction| {
        // The coefficient is a power of h times a function free of h.
        *c = c.substitute(&one).expect("no denominator vanishes at h = 1");
    };
    for scaled in methods {
        scaled.parameters.remove(h);
        scaled.step_parameter = None;
        let arguments = scaled.stages.iter_mut().flat_map(|stage| &mut stage.arguments);
        for combination in arguments.chain(&mut scaled.update) {
            combination.states.iter_mut().chain(&mut combination.stages).for_each(set);
        }
    }
}

/// Whether states have degrees that make every line of the step homogeneous.
fn is_homogeneous(methods: &[GeneralLinearMethod], h: usize) -> bool {
    let (parameters, states) = (methods[0].spaces.len(), methods[0].states.len());
    let mut degrees: Vec<Option<i32>> =
        (0..states).map(|i| (i < parameters).then_some(0)).collect();
    // `links[x]` holds (y, p) with d_x = p + d_y.
    let mut links: Vec<Vec<(usize, i32)>> = vec![vec![]; states];
    let mut fixed: Vec<(usize, i32)> = Vec::new();
    let mut collect = |line: &Combination, target: Option<usize>| -> Option<()> {
        for (y, c) in line.states.iter().enumerate().filter(|(_, c)| !c.is_zero()) {
            let p = degree(c, h)?;
            match target {
                Some(x) => {
                    links[x].push((y, p));
                    links[y].push((x, -p));
                }
                None => fixed.push((y, -p)),
            }
        }
        for c in line.stages.iter().filter(|c| !c.is_zero()) {
            let d = degree(c, h)? + EVALUATION;
            match target {
                Some(x) => fixed.push((x, d)),
                None if d != 0 => return None,
                None => {}
            }
        }
        Some(())
    };
    let updates = methods.iter().flat_map(|method| method.update.iter().enumerate());
    let lines = updates.map(|(x, line)| (line, Some(x)));
    let stages = methods.iter().flat_map(|method| &method.stages);
    let points = stages.flat_map(|s| &s.arguments).map(|line| (line, None));
    for (line, target) in lines.chain(points) {
        if collect(line, target).is_none() {
            return false;
        }
    }
    for (x, d) in fixed {
        if *degrees[x].get_or_insert(d) != d {
            return false;
        }
    }
    // Follow the links from the states whose degree is known. States that no link joins to them may
    // have any degree: one of them gets 0, and the links are followed from there.
    let mut queue: Vec<usize> = (0..degrees.len()).filter(|x| degrees[*x].is_some()).collect();
    for unlinked in 0..degrees.len() {
        while let Some(x) = queue.pop() {
            let d = degrees[x].expect("a queued state has a degree");
            for &(y, p) in &links[x] {
                match degrees[y] {
                    Some(known) if known != d - p => return false,
                    Some(_) => {}
                    None => {
                        degrees[y] = Some(d - p);
                        queue.push(y);
                    }
                }
            }
        }
        if degrees[unlinked].is_none() {
            degrees[unlinked] = Some(0);
            queue.push(unlinked);
        }
    }
    true
}

/// The `p` of `c = h^p r` with `r` free of `h`; `None` if `c` is not of this form.
fn degree(c: &RationalFunction, h: usize) -> Option<i32> {
    let power = |p: &crate::exact::Poly| {
        let mut exponents = p.terms().iter().map(|(m, _)| i32::from(m.0[h]));
        let first = exponents.next()?;
        exponents.all(|e| e == first).then_some(first)
    };
    Some(power(c.numerator())? - power(c.denominator())?)
}
