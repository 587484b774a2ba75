//! What expressions denote: numbers, and linear combinations of vectors of one space.

use super::program::{Register, Terms};
use crate::exact::RationalFunction;

/// A linear combination of vectors, in the order in which it is written; no coefficient is zero.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Vector {
    /// The space, as a key of [`Spaces`].
    pub space: usize,
    pub terms: Terms,
}

impl Vector {
    pub fn of(register: Register, space: usize) -> Vector {
        Vector { space, terms: vec![(RationalFunction::one(), register)] }
    }

    /// The register whose value this is.
    pub fn register(&self) -> Option<Register> {
        match self.terms.as_slice() {
            [(c, register)] if c.is_one() => Some(*register),
            _ => None,
        }
    }
}

/// A number or a vector.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Number(RationalFunction),
    Vector(Vector),
}

/// Which space each vector lives in, found out from the sums that vectors occur in (union-find).
/// The keys `0..count` are the spaces themselves, further keys are spaces still to be found out.
pub(super) struct Spaces {
    count: usize,
    parent: Vec<usize>,
}

impl Spaces {
    pub fn new(count: usize) -> Spaces {
        Spaces { count, parent: (0..count).collect() }
    }

    /// A key for a space still to be found out.
    pub fn unknown(&mut self) -> usize {
        if self.count == 1 {
            return 0;
        }
        self.parent.push(self.parent.len());
        self.parent.len() - 1
    }

    fn root(&mut self, mut key: usize) -> usize {
        while self.parent[key] != key {
            self.parent[key] = self.parent[self.parent[key]];
            key = self.parent[key];
        }
        key
    }

    /// The space of a key, if it is known yet.
    pub fn known(&mut self, key: usize) -> Option<usize> {
        Some(self.root(key)).filter(|root| *root < self.count)
    }

    /// Two keys stand for one space; `false` if they are known to differ.
    pub fn unite(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        // A known space, a small key, stays the root.
        self.parent[a.max(b)] = a.min(b);
        a == b || a.max(b) >= self.count
    }
}
