//! Optimizers that people look for and that the library does not have.

use crate::text::near::Absent;

/// By groups: other names, and what to do instead.
pub(super) const ABSENT: &[Absent] = &[
    (
        &["amsgrad", "adamax", "yogi", "adadelta", "radam", "adafactor"],
        "the recurrence of one of its buffers is not linear in the buffer, or its matrix or its schedule is none of the \
         language; near it are `adam`, `adamw` and `nadam`",
    ),
    (
        &["adabelief", "adan"],
        "a file can hold it: `adam` and `rmsprop_centered` show how such steps are written",
    ),
    (
        &["rprop"],
        "its step sizes adapt by signs that change from step to step; without that it is `sign_descent`",
    ),
    (
        &["signsgd", "sign_gradient_descent", "sign_sgd"],
        "it is `sign_descent`; with momentum `signum`",
    ),
    (&["tiger"], "it is `signum` with weight decay, as `lion` has it"),
    (&["normalized_sgd", "ngd"], "it is `normalized_gradient_descent`"),
    (
        &["asam"],
        "with a radius of its own it is no series in h; there are `normalized_sam` and `sam`",
    ),
    (
        &["gradient_clipping", "clipped_sgd", "clipped_gd"],
        "it is `clipped_gradient_descent`, or `smoothly_clipped_gradient_descent`",
    ),
    (&["scion"], "a file can hold it: `muon` shows how such steps are written"),
    (
        &["soap"],
        "it rotates into eigenvectors, which the language does not have; near it are `shampoo` and `adam`",
    ),
    (
        &[
            "newton",
            "newtons_method",
            "gauss_newton",
            "bfgs",
            "lbfgs",
            "conjugate_gradient",
            "cg",
            "kfac",
            "natural_gradient",
            "sophia",
            "adahessian",
            "levenberg_marquardt",
            "trust_region",
        ],
        "its step multiplies the gradient by a matrix that depends on the parameters, and bea derives steps that \
         are linear in the gradients, or elementwise; implicit ones among them are `implicit_euler` and \
         `proximal_point`, elementwise ones `adam` and `rmsprop`",
    ),
    (
        &[
            "prodigy",
            "dadaptation",
            "dog",
            "hypergradient",
            "barzilai_borwein",
            "armijo",
            "line_search",
            "polyak_step",
        ],
        "its step size depends on the iterates, and bea derives steps with a constant step size h: take \
         `gradient_descent`, or the method that it is put on",
    ),
    (
        &[
            "sgd",
            "stochastic_gradient_descent",
            "minibatch",
            "minibatch_sgd",
            "torch_optim_sgd",
            "batch_sgd",
        ],
        "on the full loss it is `gradient_descent`; over mini-batches in turn `minibatch2` and `minibatch3`; with \
         the keys of PyTorch `torch_sgd`",
    ),
    (
        &["gd", "euler", "forward_euler", "explicit_euler", "vanilla", "steepest_descent"],
        "it is `gradient_descent`",
    ),
    (
        &["momentum", "polyak", "sgdm", "sgd_momentum", "polyak_momentum", "classical_momentum"],
        "it is `heavy_ball`; as a moving average of gradients `averaged_momentum`; with the keys of PyTorch \
         `torch_sgd`",
    ),
    (
        &["nag", "nesterov_momentum", "nesterov_accelerated_gradient", "agd"],
        "it is `nesterov`, or `accelerated_gradient`",
    ),
    (
        &["ema", "swa", "polyak_averaging", "weight_averaging"],
        "averages of iterates are in `schedule_free` and `lookahead2`",
    ),
    (&["lookahead"], "it is `lookahead2`, `lookahead3` or `lookahead_heavy_ball`"),
    (
        &["rk45", "dopri5", "rk23", "runge_kutta", "runge_kutta4", "rk3"],
        "methods of Runge and Kutta with a fixed step: `rk2`, `heun`, `ralston`, `kutta3`, `ssprk3`, `rk4`",
    ),
    (
        &["leapfrog", "verlet", "velocity_verlet", "symplectic_euler", "stoermer_verlet"],
        "it is `stormer_verlet`, for fields of a position and a velocity",
    ),
    (&["gda", "sgda", "gradient_descent_ascent"], "it is `simultaneous_gda`, or `alternating_gda`"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::library::names;
    use crate::text::near::instead;

    #[test]
    fn what_is_recommended_exists_and_what_is_absent_does_not() {
        for (absent, advice) in ABSENT {
            for name in *absent {
                assert!(!names().contains(name), "{name}");
            }
            let quoted = advice.split('`').skip(1).step_by(2).filter(|word| !word.contains(' '));
            for word in quoted {
                assert!(names().contains(&word), "{word}");
            }
        }
        assert!(instead("AMSGrad", ABSENT).is_some_and(|advice| advice.contains("adam")));
        assert!(instead("L-BFGS", ABSENT).is_some());
        assert_eq!(instead("heavy_bal", ABSENT), None);
    }
}
