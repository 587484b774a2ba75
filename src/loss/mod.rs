//! Losses: a formula as an expression graph, its derivatives, its evaluation.
