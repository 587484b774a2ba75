//! Figures about the edge of stability: 9, 11 to 13, 15, 33, 34 and 36 to 38.

use super::numbers::{
    Part, all, below, changes, column, correlation, each_network, finite, increases, mean, median,
    more_often, number, percent, range, rank_correlation, rate, spread,
};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Finding;

/// From and up to so many times `2/h`, `λ₀` counts as staying there.
pub(super) const STAYS: [f64; 2] = [0.8, 1.25];

/// Whether `λ₀` reaches `2/h`, and its median from there on.
pub(super) fn fig9(outcomes: &[Outcome]) -> Finding {
    let (mut parts, mut texts, mut medians) = (Vec::new(), Vec::new(), Vec::new());
    let mut all_after = Vec::new();
    for outcome in outcomes {
        let h = rate(outcome);
        match after_reaching(outcome) {
            Some((step, after)) => {
                parts.push(all([below(STAYS[0], after), below(after, STAYS[1])]));
                all_after.push(after);
                texts.push(format!("passes 2/h at step {step} and has a median of {after:.2}·2/h from there on (h = {h})"));
                medians.push(format!("{after:.2}·2/h (h = {h})"));
            }
            // The run ends too early to be judged.
            None => {
                parts.push(None);
                let (_, most) = range(over_edge(outcome));
                texts.push(format!("comes to {}·2/h at most (h = {h})", number(most)));
                medians.push(format!("not reached (h = {h})"));
            }
        }
    }
    let seen = format!("λ₀ {}", texts.join(", "));
    let [low, high] = STAYS;
    let medians = medians.join(", ");
    let decides = format!(
        "median λ₀ from the first step above 2/h on: {medians}; from {low} to {high} times 2/h counts as staying, and it must stay \
         with every h"
    );
    let (least, most) = range(all_after);
    let allowed = match parts.iter().all(|part| *part == Some(false)) && least > high {
        true => format!("up to {high}"),
        false => format!("{low} to {high}"),
    };
    let title = (!least.is_nan()).then(|| {
        format!("λ₀ passes 2/h and then has medians of {least:.2} to {most:.2} times 2/h; {allowed} counts as staying")
    });
    Finding::new(&parts, seen, decides).titled_unless_it_holds(title)
}

/// `λ₀` divided by `2/h`.
fn over_edge(outcome: &Outcome) -> Vec<f64> {
    column(outcome, "lambda_0").iter().map(|l| 0.5 * rate(outcome) * l).collect()
}

/// The first step at which `λ₀` is above `2/h`, and the median of its part of `2/h` from there on.
pub(super) fn after_reaching(outcome: &Outcome) -> Option<(f64, f64)> {
    let ratio = over_edge(outcome);
    let first = ratio.iter().position(|r| *r > 1.0)?;
    let step = column(outcome, "step").get(first).copied()?;
    Some((step, median(ratio[first..].iter().copied())))
}

/// Iterates with `hλ₀` above 2, or those below: what a flow does to a quantity in the time of a step, beside what
/// gradient descent does.
fn beside_flow(
    outcomes: &[Outcome],
    name: &str,
    flow: &str,
    above: bool,
    change: impl Fn(&Outcome) -> Vec<f64>,
) -> Vec<(f64, f64)> {
    let mut pairs = Vec::new();
    for outcome in outcomes {
        let (h, sharpness) = (rate(outcome), column(outcome, "lambda_0"));
        let (here, there) = (column(outcome, name), column(outcome, flow));
        let rows = sharpness.into_iter().zip(here).zip(there).zip(change(outcome));
        let side = rows.filter(
            |(((sharpness, _), _), _)| {
                if above { h * sharpness > 2.0 } else { h * sharpness < 2.0 }
            },
        );
        pairs.extend(side.map(|(((_, here), there), change)| (there - here, change)));
    }
    finite(&pairs)
}

/// How gradient descent changes a quantity beside the flow of a side of `2/h`.
pub(super) struct SameWay {
    /// The share of iterates from which both increase or both decrease it.
    pub share: f64,
    correlation: f64,
    iterates: usize,
}

/// The loss or `λ₀`, beside NGF where `hλ₀ < 2` and beside the positive flow where `hλ₀ > 2`.
pub(super) fn same_way(outcomes: &[Outcome], name: &str, above: bool) -> SameWay {
    let column = if name == "loss" { "flow_loss" } else { "flow_lambda" };
    let flow = format!("{column}_{}", if above { "positive" } else { "ngf" });
    let pairs = beside_flow(outcomes, name, &flow, above, |o| changes(o, name));
    let alike = pairs.iter().map(|(flow, change)| f64::from(u8::from(flow * change > 0.0)));
    SameWay { share: mean(alike), correlation: correlation(&pairs), iterates: pairs.len() }
}

/// From how many of the iterates gradient descent changes the loss and `λ₀` in the direction of NGF, where
/// `hλ₀ < 2`, and of the positive flow, where `hλ₀ > 2`.
pub(super) fn fig11(outcomes: &[Outcome]) -> Finding {
    each_network(outcomes, |outcomes| {
        let (mut parts, mut texts, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        let (mut correlations, mut counted) = (Vec::new(), 0);
        for (above, side) in [
            (false, "a step from the {n} iterates with hλ₀ < 2 goes in the direction of NGF"),
            (true, "one from the {n} with hλ₀ > 2 in that of the positive flow"),
        ] {
            let (mut of_side, mut n) = (Vec::new(), 0);
            for (name, symbol) in [("loss", "the loss"), ("lambda_0", "λ₀")] {
                let same = same_way(outcomes, name, above);
                n = same.iterates;
                parts.push(below(0.5, same.share));
                shares.push(percent(same.share));
                of_side.push(format!("for {symbol} in {}", percent(same.share)));
                let place = if above { "above" } else { "below" };
                correlations.push(format!("{} ({symbol} {place} 2/h)", number(same.correlation)));
            }
            counted += n;
            let side = side.replace("{n}", &n.to_string());
            texts.push(format!("{side} {}", of_side.join(" and ")));
        }
        let steps: usize = outcomes.iter().map(|o| column(o, "loss").len().saturating_sub(1)).sum();
        let rest = match steps.saturating_sub(counted) {
            0 => String::new(),
            rest => format!(
                "; the other {rest} of the {steps} steps do not count, since the flow ends before the time of a step"
            ),
        };
        let seen = format!("{}{rest}", texts.join("; "));
        let decides = match &shares[..] {
            [a, b, c, d] => format!(
                "below 2/h, {a} of changes of the loss and {b} of those of λ₀ have the direction of NGF; above, {c} and {d} that of \
                 the positive flow; more than half of each must"
            ),
            _ => String::new(),
        };
        let correlations = correlations.join(", ");
        let more = [
            format!("correlations of the changes with those along the flow: {correlations}"),
            where_it_stays(outcomes),
        ];
        let more = more.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
        let most = |parts: &[Part]| match parts {
            [Some(true), Some(true)] => "mostly",
            [Some(false), Some(false)] => "mostly not",
            _ => "in part",
        };
        let both = |a: &String, b: &String| if a == b { a.clone() } else { format!("{a}, {b}") };
        let title = match &shares[..] {
            [a, b, c, d] => format!(
                "λ₀ and loss change {} with NGF's sign below 2/h ({}), {} with the positive flow's above ({})",
                most(&parts[..2]),
                both(b, a),
                most(&parts[2..]),
                both(d, c)
            ),
            _ => String::new(),
        };
        (parts, [seen, decides, more, title])
    })
}

/// `E(θ') - E(θ)` of each step.
fn increase(outcome: &Outcome) -> Vec<f64> {
    let (progress, size) = (column(outcome, "relative_progress"), column(outcome, "gradient_norm"));
    progress.iter().zip(size).map(|(p, g)| p * rate(outcome) * g * g).collect()
}

/// Increases of the loss where `hλ₀ > 2`, beside those along the positive flow.
pub(super) fn beside_positive(outcomes: &[Outcome]) -> Vec<(f64, f64)> {
    beside_flow(outcomes, "loss", "flow_loss_positive", true, increase)
}

/// All pairs but the one whose change along the flow is largest.
pub(super) fn without_farthest(pairs: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let (_, most) = range(pairs.iter().map(|(flow, _)| *flow));
    pairs.iter().copied().filter(|(flow, _)| *flow < most).collect()
}

/// Whether they go together, in size and in rank.
pub(super) fn fig13(outcomes: &[Outcome]) -> Finding {
    each_network(outcomes, |outcomes| {
        let pairs = beside_positive(outcomes);
        let (together, by_rank) = (correlation(&pairs), rank_correlation(&pairs));
        let [size, rank] = [together, by_rank].map(number);
        let seen = format!(
            "over the {} iterates with hλ₀ > 2, the change of the loss in a step and that along the positive flow have \
             correlation {size}, and their ranks {rank}",
            pairs.len(),
        );
        let decides = format!(
            "correlation {size}, that of the ranks, which no outlier decides, {rank}; more than 0.5 of each counts as in proportion"
        );
        let (_, most) = range(pairs.iter().map(|(flow, _)| *flow));
        let rest = number(correlation(&without_farthest(&pairs)));
        let more = format!(
            "without the iterate whose change along the positive flow is largest, {}, the correlation is {rest}",
            number(most)
        );
        let parts = vec![below(0.5, together), below(0.5, by_rank)];
        let title = match parts[..] {
            [Some(true), Some(false)] => format!(
                "above 2/h changes of loss and positive flow correlate in size ({size}), not in rank ({rank})"
            ),
            [Some(false), Some(true)] => format!(
                "above 2/h changes of loss and positive flow correlate in rank ({rank}), not in size ({size}; without one iterate {rest})"
            ),
            _ => format!(
                "above 2/h changes of loss and positive flow correlate neither in rank ({rank}) nor in size ({size})"
            ),
        };
        (parts, [seen, decides, more, title])
    })
}

/// Changes of `λ₀` where `hλ₀ > 2`, beside those along the positive flow.
pub(super) fn sharpness_beside_positive(outcomes: &[Outcome]) -> Vec<(f64, f64)> {
    let change = |outcome: &Outcome| changes(outcome, "lambda_0");
    beside_flow(outcomes, "lambda_0", "flow_lambda_positive", true, change)
}

/// Of pairs of a change along a flow and one in a step, in how many both are increases, and in how many that along the flow is.
pub(super) fn increasing(pairs: &[(f64, f64)]) -> (usize, usize) {
    let along = pairs.iter().filter(|(flow, _)| *flow > 0.0);
    (along.clone().filter(|(_, change)| *change > 0.0).count(), along.count())
}

/// Whether these go together.
pub(super) fn fig37(outcomes: &[Outcome]) -> Finding {
    each_network(outcomes, |outcomes| {
        let pairs = sharpness_beside_positive(outcomes);
        let together = correlation(&pairs);
        let (both, along) = increasing(&pairs);
        let share = both as f64 / along as f64;
        let seen = format!(
            "of the {} iterates with hλ₀ > 2, λ₀ increases along the positive flow from {along}, and from {both} of these in a step; \
             the changes have correlation {}",
            pairs.len(),
            number(together)
        );
        let [share_text, together_text] = [percent(share), number(together)];
        let decides = format!(
            "where λ₀ increases along the positive flow, it increases in {share_text} of the steps, more than half must be; \
             correlation of the changes {together_text}, which must be above 0.5"
        );
        let only = if share < 0.5 { "only " } else { "" };
        let title = format!(
            "above 2/h, where λ₀ rises along the positive flow, it rises in {only}{share_text} of steps; correlation {together_text}"
        );
        (vec![below(0.5, share), below(0.5, together)], [seen, decides, String::new(), title])
    })
}

/// `Re sc₀` where the loss increases, and where it does not.
pub(super) fn fig12(outcomes: &[Outcome]) -> Finding {
    let steps = outcomes
        .iter()
        .flat_map(|outcome| changes(outcome, "loss").into_iter().zip(column(outcome, "sc_0_re")));
    up_and_down("Re sc₀", steps).with(where_it_stays(outcomes))
}

/// What Figure 9 asks of these runs; empty where none comes above `2/h`.
fn where_it_stays(outcomes: &[Outcome]) -> String {
    let texts = outcomes.iter().filter_map(|outcome| {
        let (step, median) = after_reaching(outcome)?;
        Some(format!(
            "λ₀ passes 2/h at step {step} and has a median of {median:.2}·2/h from there on"
        ))
    });
    texts.collect::<Vec<_>>().join("; ")
}

/// The same, divided by the gradient's norm.
pub(super) fn fig36(outcomes: &[Outcome]) -> Finding {
    let steps = outcomes.iter().flat_map(|outcome| {
        let (sc, size) = (column(outcome, "sc_0_re"), column(outcome, "gradient_norm"));
        let parts = sc.into_iter().zip(size).map(|(sc, size)| sc / size);
        increase(outcome).into_iter().zip(parts).collect::<Vec<_>>()
    });
    up_and_down("Re sc₀/‖∇E‖", steps)
}

/// A coefficient before steps that increase the loss, and before those that do not.
fn up_and_down(name: &str, steps: impl Iterator<Item = (f64, f64)>) -> Finding {
    let steps = finite(&steps.collect::<Vec<_>>());
    let (up, down): (Vec<_>, Vec<_>) = steps.into_iter().partition(|(increase, _)| *increase > 0.0);
    let positive =
        |steps: &[(f64, f64)]| mean(steps.iter().map(|(_, sc)| f64::from(u8::from(*sc > 0.0))));
    let typical = |steps: &[(f64, f64)]| mean(steps.iter().map(|(_, sc)| *sc));
    let (a, b, x, y) = (positive(&up), positive(&down), typical(&up), typical(&down));
    let seen = format!(
        "before the {} steps in which the loss increases, {name} has a mean of {} and is positive in {}; before the {} in \
         which it decreases, {} and {}",
        up.len(),
        number(x),
        percent(a),
        down.len(),
        number(y),
        percent(b)
    );
    let decides = format!(
        "mean {} before increases, {} before decreases; positive in {}, {}; the mean must be larger before increases, and \
         the share by more than twice the standard error",
        number(x),
        number(y),
        percent(a),
        percent(b)
    );
    let of_increases =
        if a == 1.0 { "every increase".into() } else { format!("{} of the increases", percent(a)) };
    let title = format!(
        "{name} is positive before {of_increases} of the loss, before {} of the decreases",
        percent(b)
    );
    Finding::new(&[below(y, x), more_often((a, up.len()), (b, down.len()))], seen, decides)
        .titled(title)
}

/// Whether `|g·u₀|` grows where `hλ₀ > 2`, more often than elsewhere.
pub(super) fn fig15(outcomes: &[Outcome]) -> Finding {
    let (mut above, mut below_edge) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let h = rate(outcome);
        let rows = column(outcome, "lambda_0").into_iter().zip(changes(outcome, "along_0"));
        for (sharpness, change) in rows.filter(|(l, change)| !l.is_nan() && !change.is_nan()) {
            let grows = f64::from(u8::from(change > 0.0));
            if h * sharpness > 2.0 { &mut above } else { &mut below_edge }.push(grows);
        }
    }
    let (a, b) = (mean(above.iter().copied()), mean(below_edge.iter().copied()));
    let seen = format!(
        "|∇E·u₀| grows in {} of the {} steps from hλ₀ > 2 and in {} of the {} others",
        percent(a),
        above.len(),
        percent(b),
        below_edge.len()
    );
    let decides = format!(
        "{} above 2/h, more than half counts; {} below, less than half counts; both, and the difference, must be so by more \
         than twice the standard error",
        percent(a),
        percent(b)
    );
    let apart = more_often((a, above.len()), (b, below_edge.len()));
    let kind = if apart == Some(true) { "beyond" } else { "within" };
    let title = format!(
        "|∇E·u₀| grows in {} of the steps above 2/h and in {} of those below, a difference {kind} chance",
        percent(a),
        percent(b)
    );
    let half = (0.5, usize::MAX);
    let parts =
        [more_often((a, above.len()), half), more_often(half, (b, below_edge.len())), apart];
    Finding::new(&parts, seen, decides).titled_unless_it_holds(apart.map(|_| title))
}

/// The eigenvalues at each iterate measured.
pub(super) fn spectra(outcome: &Outcome) -> Vec<Vec<f64>> {
    let names = outcome.metrics.columns.iter();
    let which: Vec<bool> = names.map(|name| name.starts_with("eigenvalue_")).collect();
    let of = |row: &Vec<f64>| {
        row.iter().zip(&which).filter(|(_, which)| **which).map(|(value, _)| *value).collect()
    };
    outcome.metrics.rows.iter().map(of).collect()
}

/// Which part of `Σ|λᵢ|` the negative ones are at each iterate measured, in percent.
pub(super) fn negative_parts(outcome: &Outcome) -> Vec<f64> {
    let part = |values: Vec<f64>| {
        let negative: f64 = values.iter().filter(|x| **x < 0.0).map(|x| -x).sum();
        100.0 * negative / values.iter().map(|x| x.abs()).sum::<f64>()
    };
    spectra(outcome).into_iter().map(part).collect()
}

/// Of `Σ|λᵢ|`, less percent than this count as little.
pub(super) const LITTLE: f64 = 10.0;

/// The weight of the negative eigenvalues.
pub(super) fn fig33(outcomes: &[Outcome]) -> Finding {
    let shares: Vec<f64> = outcomes.iter().flat_map(negative_parts).collect();
    let typical = median(shares.iter().copied());
    let seen = format!(
        "in the median of the iterates (smallest to largest), the negative eigenvalues are {} % of Σ|λᵢ|",
        spread(&shares)
    );
    let decides = format!(
        "the negative ones are {} % of Σ|λᵢ| in the median; less than {LITTLE} % counts as largely positive",
        number(typical)
    );
    let more = shares.iter().filter(|share| **share > LITTLE).count();
    let title = format!(
        "negative eigenvalues are {typical:.0} % of Σ|λᵢ| in the median of the iterates, more than {LITTLE} % in {more} of {}",
        shares.len()
    );
    let largest = outcomes.iter().flat_map(spectra).map(|values| {
        let (low, high) = range(values);
        if low < 0.0 { high / -low } else { f64::INFINITY }
    });
    let largest: Vec<f64> = largest.collect();
    let more = format!(
        "the largest positive eigenvalue is {} times the size of the most negative one in the median of the iterates (smallest to \
         largest)",
        spread(&largest)
    );
    Finding::new(&[below(typical, LITTLE)], seen, decides).with(more).titled_unless_it_holds(title)
}

/// Increases of the loss and `λ₀` before and after the learning rate falls.
pub(super) fn fig34(outcomes: &[Outcome]) -> Finding {
    let (mut parts, mut texts, mut decide) = (Vec::new(), Vec::new(), Vec::new());
    let mut title = None;
    for outcome in outcomes {
        let (rates, loss) = (column(outcome, "learning_rate"), column(outcome, "loss"));
        let sharpness = column(outcome, "lambda_0");
        let change = rates.iter().position(|h| *h < rates[0]);
        let edge = change
            .and_then(|change| sharpness.get(..change)?.iter().position(|l| *l * rates[0] > 1.9));
        let (Some(change), Some(edge)) = (change, edge) else {
            parts.extend([None, None]);
            texts.push("the learning rate does not fall at the edge of stability".to_string());
            continue;
        };
        let share = |x: &[f64]| increases(x) / x.len().saturating_sub(1) as f64;
        let (before, after) = (share(&loss[edge..change]), share(&loss[change..]));
        let at = sharpness[change];
        let end = sharpness.get(change + 1..).and_then(|rest| rest.last().copied());
        let end = end.unwrap_or(f64::NAN);
        parts.extend([below(after, 0.5 * before), below(at, end)]);
        let holds = end.is_finite() && parts.iter().all(|part| *part == Some(true));
        title = holds.then(|| {
            format!(
                "with a smaller learning rate the loss increases in {} of cases instead of {}, and λ₀ grows again, from {} to {}",
                percent(after),
                percent(before),
                number(at),
                number(end)
            )
        });
        texts.push(format!(
            "from one measurement to the next, the loss increases in {} of cases at the edge of stability and in {} after the \
             learning rate falls; λ₀ is {} where it falls and {} at the end",
            percent(before),
            percent(after),
            number(at),
            number(end)
        ));
        decide.push(format!(
            "increases in {} after, {} before, less than half as many counts as stable; λ₀ {} at the end, {} where the learning rate falls, from which it must grow",
            percent(after),
            percent(before),
            number(end),
            number(at)
        ));
    }
    let finding = Finding::new(&parts, texts.join("; "), decide.join("; "));
    finding.titled(title)
}
