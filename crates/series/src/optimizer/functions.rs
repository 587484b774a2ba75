//! The functions of the optimizer language.

/// Their names and how many arguments each takes, at most and at least.
const FUNCTIONS: [(&str, usize, usize); 17] = [
    ("sqrt", 1, 1),
    ("abs", 1, 1),
    ("sign", 1, 1),
    ("exp", 1, 1),
    ("log", 1, 1),
    ("tanh", 1, 1),
    ("min", 2, usize::MAX),
    ("max", 2, usize::MAX),
    ("clip", 3, 3),
    ("dot", 2, 2),
    ("norm", 1, 1),
    ("mean", 1, 1),
    ("sum", 1, 1),
    ("matmul", 2, usize::MAX),
    ("transpose", 1, 1),
    ("polar", 1, 1),
    ("inverse_root", 2, 2),
];

/// The names of all.
pub(super) fn names<'a>() -> impl Iterator<Item = &'a str> {
    FUNCTIONS.iter().map(|(name, ..)| *name)
}

/// Whether there is a function of this name.
pub(super) fn is_known(name: &str) -> bool {
    arity(name).is_some()
}

/// The least and the greatest number of arguments.
pub(super) fn arity(name: &str) -> Option<(usize, usize)> {
    FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, least, most)| (*least, *most))
}

/// Whether it makes a number of vectors.
pub(super) fn is_reduction(name: &str) -> bool {
    matches!(name, "dot" | "norm" | "mean" | "sum")
}

/// Whether it is one of matrices.
pub(super) fn is_of_matrices(name: &str) -> bool {
    matches!(name, "matmul" | "transpose" | "polar" | "inverse_root")
}
