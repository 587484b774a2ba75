//! Figures about how far flows are from gradient descent: 7, 8, 10, 31 and 32.

use super::numbers::{column, median, rate, spread};
use crate::experiment::Outcome;
use crate::experiment::figures::Verdict;

/// Distances of followed flows after 1, 2, 5 and 10 steps.
pub(super) fn fig7(outcomes: &[Outcome]) -> (Verdict, String) {
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for step in [1.0, 2.0, 5.0, 10.0] {
        let distance = |outcome: &Outcome, flow: f64| {
            let rows = outcome.follow.iter().flat_map(|table| &table.rows);
            rows.clone().find(|r| r[1] == step && r[3] == flow).map_or(f64::INFINITY, |r| r[4])
        };
        let all: Vec<[f64; 3]> =
            outcomes.iter().map(|o| [1.0, 2.0, 3.0].map(|flow| distance(o, flow))).collect();
        let nearest = all.iter().filter(|[ngf, igr, pf]| pf < ngf && pf < igr).count();
        let [ngf, igr, pf] = [0, 1, 2].map(|flow| median(all.iter().map(|d| d[flow])));
        // What comes later is no part of the claim.
        if step <= 5.0 {
            parts.push(nearest == all.len());
        }
        texts.push(format!(
            "{step} steps: NGF {ngf:.1e}, IGR {igr:.1e}, PF {pf:.1e}, PF nearest in {nearest} of {} runs",
            all.len()
        ));
    }
    (Verdict::of(&parts), format!("median distance after {}", texts.join("; ")))
}

/// Median relative errors of the predictions where `hλ_0 > 1`, in each run.
pub(super) fn fig8(outcomes: &[Outcome]) -> (Verdict, String) {
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let actual = column(outcome, "prediction_actual");
        let (h, sharpness) = (rate(outcome), column(outcome, "lambda_0"));
        let error = |flow: &str| {
            let predicted = column(outcome, &format!("prediction_{flow}"));
            let rows = (0..actual.len()).filter(|&i| h * sharpness[i] > 1.0);
            median(rows.map(|i| (predicted[i] - actual[i]).abs() / actual[i].abs()))
        };
        let (ngf, igr, pf) = (error("ngf"), error("igr"), error("pf"));
        parts.push(pf < ngf && pf < igr);
        texts.push(format!("NGF {ngf:.2}, IGR {igr:.2}, PF {pf:.2} (h = {h})"));
    }
    (Verdict::of(&parts), format!("median relative error where hλ_0 > 1: {}", texts.join("; ")))
}

/// Median one-step errors where `hλ_0 > 3/2`, over seeds.
pub(super) fn fig10(outcomes: &[Outcome]) -> (Verdict, String) {
    let error = |flow: &str, what: &str| -> Vec<f64> {
        let of = |outcome: &Outcome| {
            let (h, sharpness) = (rate(outcome), column(outcome, "lambda_0"));
            let errors = column(outcome, &format!("{what}_{flow}"));
            median((0..errors.len()).filter(|&i| h * sharpness[i] > 1.5).map(|i| errors[i].abs()))
        };
        outcomes.iter().map(of).collect()
    };
    let [ngf, igr, pf] = ["ngf", "igr", "pf"].map(|flow| error(flow, "error"));
    let parts: Vec<bool> = (0..outcomes.len()).map(|i| pf[i] < ngf[i] && pf[i] < igr[i]).collect();
    let [a, b, c] = ["ngf", "igr", "pf"].map(|flow| median(error(flow, "loss_error")));
    let numbers = format!(
        "median error where hλ_0 > 1.5, over {} seeds (smallest to largest): NGF {}, IGR {}, PF {}; \
         error of the loss {a:.1e}, {b:.1e}, {c:.1e}",
        outcomes.len(),
        spread(&ngf),
        spread(&igr),
        spread(&pf),
    );
    (Verdict::of(&parts), numbers)
}

/// Median errors relative to the size of the update.
pub(super) fn fig31(outcomes: &[Outcome]) -> (Verdict, String) {
    let error = |flow: &str| {
        let of = |outcome: &Outcome| {
            let (errors, updates) =
                (column(outcome, &format!("error_{flow}")), column(outcome, "update_norm"));
            errors.into_iter().zip(updates).map(|(e, u)| e / u).collect::<Vec<_>>()
        };
        median(outcomes.iter().flat_map(of))
    };
    let (ngf, igr, third) = (error("ngf"), error("igr"), error("order_2"));
    let parts = [igr < ngf && third < ngf, third > 0.05];
    let numbers = format!(
        "median error of a step in parts of the update: NGF {ngf:.3}, IGR {igr:.3}, third order \
         {third:.3}; a gap of more than 0.05 counts as large"
    );
    (Verdict::of(&parts), numbers)
}

/// Distances of followed flows after one and two steps.
pub(super) fn fig32(outcomes: &[Outcome]) -> (Verdict, String) {
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let rows = outcome.follow.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default();
        for step in [1.0, 2.0] {
            let of = |flow: f64| {
                median(rows.iter().filter(|r| r[1] == step && r[3] == flow).map(|row| row[4]))
            };
            let (igr, pf) = (of(1.0), of(2.0));
            parts.push(pf < igr);
            texts.push(format!("IGR {igr:.1e}, PF {pf:.1e} (h = {}, step {step})", rate(outcome)));
        }
    }
    (Verdict::of(&parts), format!("median distance to gradient descent: {}", texts.join("; ")))
}
