//! The matrices that a loss's variables form, as named on the command line.

use bea_series::optimizer::Step;
use bea_series::typed::Matrix;
use miette::{Report, miette};

/// `2x3,3x1`: matrices of all variables, one after the other.
pub(super) fn matrices(
    sizes: &str,
    step: &Step,
    variables: &[String],
) -> miette::Result<Vec<Matrix>> {
    let of_matrices = match step {
        Step::Linear(_) => false,
        Step::Nonlinear(program) => program.needs_matrices().is_some(),
    };
    if !of_matrices {
        return Err(miette!(
            help = "leave --matrix out; `muon` and `shampoo` are optimizers of matrices",
            "--matrix {sizes}: the optimizer's step has no matrices"
        ));
    }
    let one = |size: &str| -> Option<Matrix> {
        let (rows, columns) = size.trim().split_once('x')?;
        let number = |text: &str| text.parse::<usize>().ok().filter(|n| (1..=1 << 16).contains(n));
        Some(Matrix { rows: number(rows)?, columns: number(columns)? })
    };
    let matrices: Option<Vec<Matrix>> = sizes.split(',').map(one).collect();
    let matrices = matrices.ok_or_else(|| {
        miette!(
            help = "rows x columns of every matrix, `2x3` or `2x3,3x1`",
            "--matrix {sizes}: these are no sizes of matrices"
        )
    })?;
    let entries: usize = matrices.iter().map(|matrix| matrix.entries()).sum();
    if entries != variables.len() {
        return Err(miette!(
            help = "the matrices hold all variables, one after the other, each row by row",
            "--matrix {sizes}: {entries} entries for {} variables ({})",
            variables.len(),
            variables.join(", ")
        ));
    }
    Ok(matrices)
}

/// What is wrong where nothing says which matrices the variables form.
pub(super) fn missing(optimizer: &str) -> Report {
    miette!(
        help = "say which with `--matrix 2x2`, row by row, or declare them in the loss: `variables M[2, 2];`",
        "the step of `{optimizer}` is one of matrices, and the variables of the loss form none"
    )
}
