//! Figures about how far flows are from gradient descent: 7, 8, 10, 31 and 32.

use super::followed::starts;
use super::numbers::{
    Part, all, below, column, distances, each_network, label, mean, median, number, percent, range,
    rate, spread, tally,
};
use crate::experiment::Outcome;
use crate::reproduction::caption::{data_in_words, network_in_short};
use crate::reproduction::judgement::{Finding, Judgement};

/// Distances of followed flows after 1, 2, 5 and 10 steps.
pub(super) fn fig7(outcomes: &[Outcome]) -> Finding {
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for step in [1.0, 2.0, 5.0, 10.0] {
        let (mut nearest, mut all, mut others) =
            (Vec::new(), [const { Vec::new() }; 3], Vec::new());
        for outcome in outcomes {
            let distances = distances(outcome, 0.0, step, [1.0, 2.0, 3.0]);
            let part = distances.map(|[ngf, igr, pf]| pf < ngf && pf < igr);
            all.iter_mut().zip(distances.iter().flatten()).for_each(|(all, d)| all.push(*d));
            others.extend((part == Some(false)).then(|| label(outcome)));
            nearest.push(part);
        }
        let [ngf, igr, pf] = all.map(|values| spread(&values));
        let others = if others.is_empty() {
            String::new()
        } else {
            format!(" (not {})", others.join("; not "))
        };
        let steps = if step == 1.0 { "1 step".into() } else { format!("{step} steps") };
        texts.push(format!(
            "after {steps}: NGF {ngf}, IGR {igr}, PF {pf}, PF nearest in {} runs{others}",
            tally(&nearest)
        ));
        // Later steps are not part of the claim.
        if step <= 5.0 {
            parts.extend(nearest);
        }
    }
    let (runs, cases) = (outcomes.len(), tally(&parts));
    let seen = format!(
        "after 1, 2 and 5 steps of {runs} runs, PF is nearest to gradient descent in {cases} cases"
    );
    let decides = format!(
        "PF is nearest in {cases} cases, which are {runs} runs after 1, 2 and 5 steps; it must be in all"
    );
    let more = format!("median distance (smallest to largest of the runs) {}", texts.join("; "));
    let always = (0..runs)
        .filter(|run| parts.iter().skip(*run).step_by(runs).all(|part| *part == Some(true)));
    let title = format!(
        "after 1, 2 and 5 steps the principal flow is nearest to gradient descent in {} of {runs} runs",
        always.count()
    );
    Finding::new(&parts, seen, decides).with(more).titled(title)
}

/// Relative errors of the predictions of NGF, IGR and PF where `hλ₀ > 1`.
fn prediction_errors(outcome: &Outcome) -> Vec<[f64; 3]> {
    let actual = column(outcome, "prediction_actual");
    let (h, sharpness) = (rate(outcome), column(outcome, "lambda_0"));
    let predicted = ["ngf", "igr", "pf"].map(|flow| column(outcome, &format!("prediction_{flow}")));
    let rows = (0..actual.len()).filter(|i| sharpness.get(*i).is_some_and(|l| h * l > 1.0));
    let errors = rows.filter_map(|i| {
        let error = |predicted: &Vec<f64>| {
            let error = (predicted.get(i)? - actual[i]).abs() / actual[i].abs();
            (!error.is_nan()).then_some(error)
        };
        let [ngf, igr, pf] = predicted.each_ref().map(error);
        Some([ngf?, igr?, pf?])
    });
    errors.collect()
}

/// In which part of these iterates PF has the smallest error, and how many they are.
pub(super) fn pf_is_nearest(outcome: &Outcome) -> (f64, usize) {
    let errors = prediction_errors(outcome);
    let nearest = errors.iter().map(|e| f64::from(u8::from(e[2] < e[0] && e[2] < e[1])));
    (mean(nearest), errors.len())
}

/// Their medians.
pub(super) fn prediction_medians(outcome: &Outcome) -> [f64; 3] {
    let errors = prediction_errors(outcome);
    [0, 1, 2].map(|flow| median(errors.iter().map(|error| error[flow])))
}

/// Median relative errors of the predictions where `hλ_0 > 1`, in each run, and how often PF has the smallest.
pub(super) fn fig8(outcomes: &[Outcome]) -> Finding {
    let (mut parts, mut texts, mut misses) = (Vec::new(), Vec::new(), Vec::new());
    let mut shares = Vec::new();
    for outcome in outcomes {
        let (h, (nearest, n)) = (rate(outcome), pf_is_nearest(outcome));
        let [ngf, igr, pf] = prediction_medians(outcome);
        let error = (nearest * (1.0 - nearest) / n as f64).sqrt();
        parts.extend([all([below(pf, ngf), below(pf, igr)]), below(0.5, nearest - 2.0 * error)]);
        misses.push(percent(pf));
        shares.push(percent(nearest));
        let [ngf, igr, pf] = [ngf, igr, pf].map(number);
        texts.push(format!(
            "NGF {ngf}, IGR {igr}, PF {pf}, and PF has the smallest in {} (h = {h}, {n} iterates)",
            percent(nearest)
        ));
    }
    let seen = format!(
        "median error of the predictions where hλ₀ > 1, in units of the actual value: {}",
        texts.join("; ")
    );
    let medians: Vec<Part> = parts.iter().step_by(2).copied().collect();
    let title = match Judgement::of(&parts) {
        Judgement::Holds => format!(
            "PF predicts ∇E·u₀ better than NGF and IGR, but misses it by {} in the median",
            misses.join(" and ")
        ),
        _ => format!(
            "PF predicts ∇E·u₀ best in the median with {} learning rates, and in {} of iterates",
            tally(&medians),
            shares.join(" and ")
        ),
    };
    let decides = format!(
        "PF has the smallest median error with {} learning rates, and the smallest error in {} of iterates; it must have both with \
         all, the latter in more than half by more than twice the standard error",
        tally(&medians),
        shares.join(" and ")
    );
    Finding::new(&parts, seen, decides).titled(title)
}

/// `hλ₀ is from 2.70 to 3.50`: of all seeds, at an iterate.
pub(super) fn edges_at(outcomes: &[Outcome], h: f64, iterate: usize) -> String {
    let at = |outcome: &Outcome| {
        let steps = column(outcome, "step");
        let row = steps.iter().position(|step| *step == iterate as f64)?;
        column(outcome, "lambda_0").get(row).map(|sharpness| h * sharpness)
    };
    let edges = outcomes.iter().filter(|outcome| rate(outcome) == h).filter_map(at);
    let (low, high) = range(edges.filter(|edge| edge.is_finite()));
    if low.is_nan() {
        return "hλ₀ was not measured".into();
    }
    format!("hλ₀ is from {low:.2} to {high:.2}")
}

/// From this `hλ₀` on, an iterate is at the edge of stability.
pub(super) const EDGE: f64 = 1.5;

/// The median of one-step errors where `hλ_0 > 3/2`, of each run.
pub(super) fn at_the_edge(outcomes: &[Outcome], flow: &str, what: &str) -> Vec<f64> {
    outcomes.iter().map(|run| median(errors_at_the_edge(run, flow, what))).collect()
}

fn errors_at_the_edge(outcome: &Outcome, flow: &str, what: &str) -> Vec<f64> {
    let (h, sharpness) = (rate(outcome), column(outcome, "lambda_0"));
    let errors = column(outcome, &format!("{what}_{flow}"));
    let measured = column(outcome, &format!("{what}_ngf"));
    // A flow that ended during the step, where NGF did not, counts as infinitely far.
    let rows = errors.iter().zip(&measured).zip(&sharpness);
    let edge = rows.filter(|((_, ngf), l)| !ngf.is_nan() && h * *l > EDGE);
    edge.map(|((e, _), _)| if e.is_nan() { f64::INFINITY } else { e.abs() }).collect()
}

/// Which flow has the smallest, over seeds.
pub(super) fn fig10(outcomes: &[Outcome]) -> Finding {
    let error = |flow: &str, what: &str| at_the_edge(outcomes, flow, what);
    let flows = ["ngf", "igr", "pf"];
    let [ngf, igr, pf] = flows.map(|flow| error(flow, "error"));
    let parts: Vec<Part> =
        (0..outcomes.len()).map(|i| all([below(pf[i], ngf[i]), below(pf[i], igr[i])])).collect();
    let [a, b, c] = flows.map(|flow| spread(&error(flow, "loss_error")));
    let counts: Vec<String> = outcomes
        .iter()
        .map(|run| errors_at_the_edge(run, "ngf", "error").len().to_string())
        .collect();
    let seen = format!(
        "in the {} iterates with hλ₀ > {EDGE} of the seeds, the median distance to the next iterate is {} for NGF, {} for IGR and \
         {} for PF (the median of the seeds' medians, and their smallest to largest)",
        counts.join(", "),
        spread(&ngf),
        spread(&igr),
        spread(&pf),
    );
    let decides = format!("PF is nearest with {} seeds; with all it must be", tally(&parts));
    let more = format!("median error of the loss there: NGF {a}, IGR {b}, PF {c}");
    // Two figures differ in what is trained.
    let trained = outcomes.first().map(|run| {
        let data = data_in_words(run.config.data.as_deref().unwrap_or("its own data"));
        let data = data.split(',').next().unwrap_or_default().to_string();
        format!("{}, {data}", network_in_short(run.config.network_name()))
    });
    let title = trained.map(|trained| {
        format!(
            "with {} seeds PF has the smallest error of a step at the edge of stability ({trained})",
            tally(&parts)
        )
    });
    Finding::new(&parts, seen, decides).with(more).titled(title)
}

/// A median error of more than this part of the step is a large gap.
pub(super) const GAP: f64 = 0.05;

/// Median errors relative to the size of the update.
pub(super) fn fig31(outcomes: &[Outcome]) -> Finding {
    each_network(outcomes, |outcomes| {
        let error = |flow: &str| {
            let of = |outcome: &Outcome| {
                let (errors, updates) =
                    (column(outcome, &format!("error_{flow}")), column(outcome, "update_norm"));
                errors.into_iter().zip(updates).map(|(e, u)| e / u).collect::<Vec<_>>()
            };
            let all: Vec<f64> = outcomes.iter().flat_map(of).filter(|e| !e.is_nan()).collect();
            (median(all.iter().copied()), spread(&all), all.len())
        };
        let ((ngf, a, n), (igr, b, _), (third, c, _)) =
            (error("ngf"), error("igr"), error("order_2"));
        let parts = [all([below(igr, ngf), below(third, ngf)]), below(GAP, third)];
        let gaps = |outcome: &Outcome| {
            let steps = column(outcome, "step").into_iter();
            let errors =
                column(outcome, "error_order_2").into_iter().zip(column(outcome, "update_norm"));
            steps
                .zip(errors)
                .filter(|(_, (error, update))| error / update > GAP)
                .map(|(step, _)| step)
                .collect::<Vec<_>>()
        };
        let gaps: Vec<f64> = outcomes.iter().flat_map(gaps).collect();
        let seen = format!(
            "in the median of {n} iterates (smallest to largest), the error of a step is {a} of its length for NGF, {b} for IGR \
             and {c} for the third-order flow, whose error is more than {GAP} of the step in {}{}",
            gaps.len(),
            if gaps.is_empty() {
                String::new()
            } else {
                format!(", the first at step {}", range(gaps.iter().copied()).0)
            }
        );
        let decides = format!(
            "median error in units of the step: NGF {}, IGR {}, third-order flow {}; the latter two must be below NGF's, and the third \
             above {GAP}, which counts as a large gap",
            number(ngf),
            number(igr),
            number(third)
        );
        let [ngf, igr, third] = [ngf, igr, third].map(number);
        let title = format!(
            "NGF, IGR and third-order flow have median errors of {ngf}, {igr} and {third} of a step; a large gap in {} of {n} iterates",
            gaps.len()
        );
        (parts.into(), [seen, decides, String::new(), title])
    })
}

/// Distances of followed flows after one and two steps, from each start.
pub(super) fn fig32(outcomes: &[Outcome]) -> Finding {
    let (mut parts, mut texts, mut ended) = (Vec::new(), Vec::new(), 0);
    let (mut from_each, mut sharp): (Vec<(usize, Vec<Part>, usize)>, _) = (Vec::new(), Vec::new());
    for (h, from) in starts(outcomes) {
        sharp.push(format!("{} (h = {h}, iterate {from})", edges_at(outcomes, h, from)));
        for step in [1.0, 2.0] {
            let starts: Vec<Option<[f64; 2]>> = outcomes
                .iter()
                .filter(|outcome| rate(outcome) == h)
                .map(|outcome| distances(outcome, from as f64, step, [1.0, 2.0]))
                .collect();
            let nearer: Vec<Part> =
                starts.iter().map(|start| start.map(|[igr, pf]| pf < igr)).collect();
            let of = |i: usize| spread(&starts.iter().flatten().map(|d| d[i]).collect::<Vec<_>>());
            let steps = if step == 1.0 { "1 step" } else { "2 steps" };
            texts.push(format!(
                "h = {h}, from iterate {from}, after {steps}: IGR {}, PF {}, PF nearer with {} seeds",
                of(0),
                of(1),
                tally(&nearer)
            ));
            let ends = starts.iter().flatten().filter(|[_, pf]| pf.is_infinite()).count();
            match from_each.iter_mut().find(|known| known.0 == from) {
                Some((_, parts, ended)) => {
                    parts.extend(&nearer);
                    *ended += ends;
                }
                None => from_each.push((from, nearer.clone(), ends)),
            }
            parts.extend(nearer);
            ended += ends;
        }
    }
    let cases = tally(&parts);
    let ended = match ended {
        0 => String::new(),
        ended => format!(", and has ended in {ended}"),
    };
    let seen = format!(
        "of the starts with each seed, h and number of steps, PF is nearer to gradient descent than IGR in {cases} cases{ended}; where \
         they start, {}",
        sharp.join(", ")
    );
    let more = format!(
        "median distance to gradient descent (smallest to largest of the seeds), infinite where a flow has ended: {}",
        texts.join("; ")
    );
    let decides = format!(
        "PF is nearer in {cases} cases, which are seeds, learning rates, iterates, and 1 or 2 steps, and farther where it has ended; \
         it must be nearer in all"
    );
    let of_start = |(from, parts, ended): &(usize, Vec<Part>, usize)| {
        let ends = if *ended == 0 { String::new() } else { format!(" (ended in {ended})") };
        format!("in {} from iterate {from}{ends}", tally(parts))
    };
    let each: Vec<String> = from_each.iter().map(of_start).collect();
    let title = format!("over one and two steps PF is nearer than IGR {}", each.join(", "));
    Finding::new(&parts, seen, decides).with(more).titled_unless_it_holds(title)
}
