//! Every figure about networks: its experiment, what is drawn, what the paper says, its judge and its picture.

use super::{NetworkFigure, by_batch, differences, drift, edge, errors, followed, pictures, rates};

macro_rules! figure {
    ($id:literal, $experiment:literal, $shows:literal, $claim:literal, $judge:path, $picture:path) => {
        figure!($id, $experiment, $shows, $claim, $judge, $picture, pictures::EVERY)
    };
    ($id:literal, $experiment:literal, $shows:literal, $claim:literal, $judge:path, $picture:path, $shown:path) => {
        NetworkFigure {
            id: $id,
            experiment: $experiment,
            shows: $shows,
            claim: $claim,
            text: include_str!(concat!("../../../examples/experiments/", $experiment, ".toml")),
            judge: $judge,
            picture: $picture,
            shown: $shown,
        }
    };
}

/// Every figure about networks, in the order of the paper.
pub static NETWORK_FIGURES: [NetworkFigure; 42] = [
    figure!(
        "fig7",
        "fig7",
        "distance of NGF, IGR and PF to gradient descent against the number of steps, all from the initial \
         weights; a panel for each learning rate h; dotted lines are flows that end early",
        "for few steps the principal flow is nearer to gradient descent than the negative gradient flow and \
         IGR",
        errors::fig7,
        pictures::fig7
    ),
    figure!(
        "fig8",
        "fig8",
        "∇E·u₀ at the next iterate, with the sign of u₀ that makes ∇E·u₀ ≥ 0 at the iterate before, as NGF, IGR and PF predict it \
         from there, against its actual value, a mark for each iterate, small and pale where hλ₀ ≤ 1, which does not count; on the dashed line prediction and \
         value are the same; a panel for each learning rate h; last, the median error of each flow in units of the actual value \
         where hλ₀ > 1, beside that of the prediction 0",
        "the principal flow predicts ∇E·u₀ at the next iterate better than the negative gradient flow and IGR",
        errors::fig8,
        pictures::fig8
    ),
    figure!(
        "fig9",
        "fig9",
        "left, the loss along gradient descent with three learning rates h; middle, the sharpness λ₀, with \
         2/h of each as dashed lines; right, the change of the loss in a step against λ₀ divided by 2/h, \
         shaded where λ₀ is above 2/h, and as stars at the bottom the medians of λ₀ from the first step above 2/h on",
        "the sharpness λ₀ grows to 2/h and stays there",
        edge::fig9,
        pictures::fig9
    ),
    figure!(
        "fig10",
        "fig10",
        "top left, the sharpness λ₀ along gradient descent; top right, the distance from its next iterate θ' to \
         where NGF, IGR and PF come in the time of a step; bottom left, the size of the difference of their losses; bottom \
         right, for each seed, the median of these distances at the edge of stability, where hλ₀ > 1.5, which is above the dash-dotted \
         line of the first panel",
        "the principal flow has the smallest error of a step at the edge of stability",
        errors::fig10,
        pictures::fig10
    ),
    figure!(
        "fig10_mlp",
        "fig10_mlp",
        "top left, the sharpness λ₀ along gradient descent; top right, the distance from its next iterate θ' to \
         where NGF, IGR and PF come in the time of a step; bottom left, the size of the difference of their losses; bottom \
         right, for each seed, the median of these distances at the edge of stability, where hλ₀ > 1.5, which is above the dash-dotted \
         line of the first panel",
        "the principal flow has the smallest error of a step at the edge of stability (4 layers of 100)",
        errors::fig10,
        pictures::fig10
    ),
    figure!(
        "fig11",
        "fig11",
        "sharpness λ₀ and loss along gradient descent (black), and, as dots, what they are after following NGF and the \
         positive flow from each iterate anew for the time of a step; there is no dot where a flow ends before",
        "loss and sharpness λ₀ change as along the negative gradient flow where λ₀ < 2/h, as along the \
         positive flow above",
        edge::fig11,
        pictures::fig11
    ),
    figure!(
        "fig12",
        "fig12",
        "loss, sharpness λ₀ and the stability coefficient Re sc₀ along gradient descent; the steps in which \
         the loss increases are shaded",
        "the loss increases where Re sc₀ is large",
        edge::fig12,
        pictures::fig12
    ),
    figure!(
        "fig13",
        "fig13",
        "top left, the stability coefficient Re sc₀ along gradient descent; top right, its loss (black) and, as dots, the loss \
         after following the positive flow from each iterate anew for the time of a step; bottom left, the sharpness λ₀; \
         of the steps from iterates measured, those in which the loss increases are shaded; a line between two iterates measured may \
         still fall there; bottom right, the change of \
         the loss in a step against that along the positive flow, a point for each iterate with λ₀ above 2/h",
        "where λ₀ > 2/h, the loss increases in proportion to its increase along the positive flow",
        edge::fig13,
        pictures::fig13
    ),
    figure!(
        "fig14",
        "fig14",
        "loss and sharpness λ₀ from one iterate on: gradient descent (black), NGF, and NGF with its component \
         along u₀, the direction of largest curvature, reversed, as far as it could be followed; losses above ten times that \
         at the start are cut",
        "reversing the sharpest direction alone makes the flow unstable",
        followed::fig35,
        pictures::fig35
    ),
    figure!(
        "fig15",
        "fig15",
        "left, how the gradient along u₀ grows in a step by PF; middle, its size |∇E·u₀| along gradient \
         descent; right, its growth as measured (points) beside that by PF; shaded where λ₀ is above 2/h; log is the natural \
         logarithm",
        "the gradient along u₀ grows where λ₀ > 2/h and shrinks below",
        edge::fig15,
        pictures::fig15
    ),
    figure!(
        "fig16",
        "fig17",
        "‖∇²E ∇E‖ and the drift of a step along gradient descent, a line for each learning rate h",
        "‖∇²E ∇E‖ follows the drift of a step along training",
        drift::fig16,
        pictures::fig16
    ),
    figure!(
        "fig17",
        "fig17",
        "the drift of a step against four quantities that might predict it, with their correlations, a mark for each iterate \
         measured, a shade for each learning rate h",
        "‖∇²E ∇E‖ is strongly correlated with the drift of a step",
        drift::fig17,
        pictures::fig17
    ),
    figure!(
        "fig18",
        "fig18",
        "loss along training, and how often it has increased so far, with fixed learning rates h, in blue, and with DAL, in \
         orange",
        "DAL is stable without a sweep of learning rates",
        rates::fig18,
        pictures::fig18
    ),
    figure!(
        "fig19",
        "fig18",
        "learning rate and length ‖θ' − θ‖ of the update along training with fixed learning rates h, in blue, \
         and with DAL, in pale orange; in black, for each seed with DAL, the median of every tenth of the run, which is judged",
        "the learning rate of DAL falls, then slowly rises, and its updates decrease steadily",
        rates::fig19,
        pictures::fig19
    ),
    figure!(
        "fig20",
        "fig20",
        "loss and test accuracy along training with fixed learning rates h, in blue, and with DAL of power p \
         = 0.5, DAL-0.5, in orange; dotted lines are runs that diverge",
        "DAL-0.5 trains and generalises at least as well as the best fixed learning rate",
        rates::fig20,
        pictures::fig20,
        pictures::FIXED_AND_HALF
    ),
    figure!(
        "fig21",
        "fig20",
        "test accuracy at the end, and how often the loss increased, against the power p of DAL; points are \
         seeds, those in a ring fail, and the line is their median",
        "DAL-p with a smaller p, more drift, generalises better and is less stable",
        rates::fig21,
        pictures::fig21,
        pictures::ADAPTIVE
    ),
    figure!(
        "fig22",
        "fig22",
        "test accuracy and sharpness λ₀ at the end of a run against the mean drift of its steps, a mark for \
         each run: with fixed learning rates, and with DAL of several powers p; runs in a ring fail",
        "more drift goes with higher test accuracy and a smaller λ₀",
        drift::fig22,
        pictures::fig22
    ),
    figure!(
        "fig23",
        "fig23",
        "loss along training with momentum, and how often it has increased so far, with fixed learning rates h, in blue, and \
         with DAL, in brown and orange",
        "DAL with momentum trains faster and more stably than fixed learning rates",
        rates::fig23,
        pictures::fig18
    ),
    figure!(
        "fig25",
        "fig25",
        "left, the non-principal term of order h², which PF leaves out, h²/12 ∇³E[∇E, ∇E], in units of the \
         gradient, along gradient descent; middle, the sharpness λ₀, with 2/h of each learning rate h as \
         dashed lines; right, the term against hλ₀, with the bounds that decide",
        "the term of order h² that the principal flow leaves out is small away from the edge of stability, \
         and larger at it",
        drift::fig25,
        pictures::fig25
    ),
    figure!(
        "fig26",
        "fig26",
        "loss along training with DAL on all examples at once: ∇²E ĝ computed exactly, in blue, or from the \
         difference of two gradients, in orange; a panel for each power p; dotted lines are runs that diverge; dashed, up to \
         where the orange one may end, unless exact runs fail",
        "with full batches DAL loses nothing by the difference of gradients",
        differences::fig26,
        pictures::fig26,
        pictures::FULL
    ),
    figure!(
        "fig27",
        "fig26",
        "loss along training with DAL on small batches: ∇²E ĝ computed exactly, in blue, or from the \
         difference of two gradients, in orange; a panel for each power p; dotted lines are runs that diverge; dashed, up to \
         where the orange one may end, unless exact runs fail",
        "with small batches DAL loses little by the difference of gradients",
        differences::fig27,
        pictures::fig27,
        pictures::SMALL
    ),
    figure!(
        "fig28",
        "fig28",
        "loss and learning rate along training with DAL of power p = 1 on all examples at once: ∇²E ĝ \
         computed exactly, in blue, or from the difference of two gradients, in orange",
        "with full batches DAL loses nothing by the difference of gradients (on Imagenet in the paper)",
        differences::fig28,
        pictures::fig28,
        pictures::ONE
    ),
    figure!(
        "fig29",
        "fig28",
        "loss and learning rate along training with DAL of power p = 0.5, DAL-0.5, on all examples at once: \
         ∇²E ĝ computed exactly, in blue, or from the difference of two gradients, in orange; dotted lines are \
         runs that diverge",
        "with full batches DAL-0.5 loses nothing by the difference of gradients (on Imagenet in the paper)",
        differences::fig29,
        pictures::fig29,
        pictures::HALF
    ),
    figure!(
        "fig31",
        "fig31",
        "distance from the next iterate θ' of gradient descent to where NGF, IGR and the third-order flow \
         come in the time of a step, the length of the step itself (dashed), and 0.05 of it (dotted), above which an error is a \
         large gap",
        "IGR and the third-order flow reduce the error of the negative gradient flow, and a large gap remains",
        errors::fig31,
        pictures::fig31
    ),
    figure!(
        "fig32",
        "fig32",
        "distance of IGR and PF to gradient descent after one and two steps, a panel for each learning rate h \
         and iterate that all start from; a flow that has ended has no line, and there is no panel where gradient descent diverges before \
         its iterate",
        "the principal flow tracks gradient descent better than IGR over two steps",
        errors::fig32,
        pictures::fig32
    ),
    figure!(
        "fig33",
        "fig33",
        "left, all eigenvalues λᵢ of the Hessian at nine iterates of training, the positive ones left of \
         their step and the sizes of the negative ones right of it; right, which part of Σ|λᵢ| the negative \
         ones are",
        "the Hessian's eigenvalues are largely positive",
        edge::fig33,
        pictures::fig33
    ),
    figure!(
        "fig34",
        "fig34",
        "loss and sharpness λ₀ along gradient descent whose learning rate falls once, with 2/h and 1/h as \
         dashed and dotted lines, and λ₀ where the learning rate falls as a dash-dotted one",
        "a smaller learning rate stabilises training, and λ₀ grows again",
        edge::fig34,
        pictures::fig34
    ),
    figure!(
        "fig35",
        "fig35",
        "loss and sharpness λ₀ from one iterate on: gradient descent (black), NGF, and NGF with its component \
         along u₀, the direction of largest curvature, reversed, as far as it could be followed; losses above ten times that \
         at the start are cut",
        "reversing the sharpest direction alone makes the flow unstable",
        followed::fig35,
        pictures::fig35
    ),
    figure!(
        "fig36",
        "fig13",
        "loss and stability coefficient Re sc₀ in units of the gradient's norm along gradient descent; of the steps \
         from iterates measured, those in which the loss increases are shaded; a line between two iterates measured may still fall \
         there",
        "the loss increases where Re sc₀, in units of the gradient's norm, is large",
        edge::fig36,
        pictures::fig36
    ),
    figure!(
        "fig37",
        "fig11",
        "left, the sharpness λ₀ along gradient descent (black) and, as dots, after following the positive flow from \
         each iterate anew for the time of a step, where it does not end before; right, the change of λ₀ in a step against that along the \
         positive flow, a point for each iterate with λ₀ above 2/h; the axis of the latter is logarithmic to both sides of 0",
        "where λ₀ > 2/h, it increases where it increases along the positive flow",
        edge::fig37,
        pictures::fig37
    ),
    figure!(
        "fig38",
        "fig38",
        "loss, sharpness λ₀ and the stability coefficient Re sc₀ along gradient descent; the steps in which \
         the loss increases are shaded",
        "the loss increases where Re sc₀ is large (ResNet)",
        edge::fig12,
        pictures::fig12
    ),
    figure!(
        "fig39",
        "fig39",
        "2/‖∇²E ĝ‖, the learning rate that DAL would take before its bound of 5, along gradient descent with fixed learning \
         rates h; dashed and dotted, what counts as reasonable",
        "2/‖∇²E ĝ‖ has a reasonable size along training with fixed learning rates",
        rates::fig39,
        pictures::fig39
    ),
    figure!(
        "fig40",
        "fig40",
        "test accuracy, loss, how often it has increased so far, and learning rate along training with fixed learning rates h, \
         in blue, and with DAL, in orange and brown, a column for each batch size; dotted lines are runs that diverge",
        "with every batch size DAL-p of a smaller p generalises better and is less stable",
        by_batch::fig40,
        pictures::fig40
    ),
    figure!(
        "fig41",
        "fig40",
        "loss along training with fixed learning rates h, in blue, and with DAL, in orange, a panel for each \
         batch size",
        "DAL trains as well as the best fixed learning rate with every batch size",
        by_batch::fig41,
        pictures::fig41,
        pictures::FIXED_AND_ONE
    ),
    figure!(
        "fig42",
        "fig40",
        "loss along training with fixed learning rates h, in blue, and with DAL of power p = 0.5, DAL-0.5, in \
         orange, a panel for each batch size; dotted lines are runs that diverge",
        "DAL-0.5 trains as well as the best fixed learning rate with every batch size",
        by_batch::fig42,
        pictures::fig42,
        pictures::FIXED_AND_HALF
    ),
    figure!(
        "fig43",
        "fig20",
        "learning rate, loss and test accuracy along training with DAL, a colour and a mark for each power p; dotted \
         lines are runs that diverge; bottom right, the mean learning rate of each run before its loss exceeds ten times that at the \
         start, against p (this panel decides the verdict)",
        "DAL-p with a smaller p takes larger learning rates",
        rates::fig43,
        pictures::fig43,
        pictures::ADAPTIVE
    ),
    figure!(
        "fig44",
        "fig44",
        "least-squares loss along training with fixed learning rates h, in blue, and with DAL of two powers \
         p, in brown and orange",
        "DAL and DAL-0.5 train faster with a least-squares loss",
        rates::fig44,
        pictures::fig44
    ),
    figure!(
        "fig45",
        "fig45",
        "loss along training where parameter i has a learning rate of its own, the smaller of 2/|(∇²E ∇E)ᵢ|^p \
         and a cap; a panel for each cap, a shade for each power p; dotted lines are runs that diverge; in which part of the steps all \
         rates are at the cap is said in the order of the powers",
        "a learning rate for each parameter i, 2/|(∇²E ∇E)ᵢ|^p, trains the network (a VGG)",
        rates::fig45,
        pictures::fig45
    ),
    figure!(
        "fig46",
        "fig46",
        "loss along training where parameter i has a learning rate of its own, the smaller of 2/|(∇²E ∇E)ᵢ| \
         and a cap, a shade for each cap; dotted lines are runs that diverge",
        "a learning rate for each parameter i, 2/|(∇²E ∇E)ᵢ|, trains the network (on Imagenet in the paper)",
        rates::fig45,
        pictures::fig46
    ),
    figure!(
        "fig47",
        "fig47",
        "test accuracy and sharpness λ₀ at the end of a run against the mean drift of its steps, a mark for \
         each run: with fixed learning rates, and with DAL of several powers p; runs in a ring fail",
        "with mini-batches, too, more drift goes with higher test accuracy and a smaller λ₀",
        drift::fig22,
        pictures::fig22
    ),
    figure!(
        "fig48",
        "fig48",
        "loss along training with momentum, with fixed learning rates h, in blue, and with DAL of power p = \
         0.5, in orange, a panel for each batch size; dotted lines are runs that diverge",
        "DAL with momentum gains less with smaller batches",
        by_batch::fig48,
        pictures::fig48
    ),
    figure!(
        "fig49",
        "fig49",
        "left, the distance from gradient descent to NGF, both from the initial weights; right, the sharpness \
         λ₀ along both, with 2/h and 1/h as dashed and dotted lines",
        "gradient descent leaves the negative gradient flow, whose sharpness λ₀ keeps growing",
        followed::fig49,
        pictures::fig49
    ),
];
