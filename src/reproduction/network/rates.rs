//! Figures about learning rates: DAL beside fixed ones, 18 to 21, 23, 39 and 43 to 46.

use super::groups::{
    FAR, Group, apart, at_the_end_of_the_sweep, best, by_power, by_rounding, dal, end, list,
    medians, networks, no_larger, of_seeds, sides, steps_down, summarise, winner,
};
use super::numbers::{
    Part, all, at_most, below, column, mean, median, number, number_of_times, percent, range, rate,
    spread, spread_of_counts, tally, tenths, yes,
};
use crate::experiment::Outcome;
use crate::reproduction::judgement::{Finding, Judgement};
use std::cmp::Ordering;

/// Neither a larger final loss than the fixed rate with the lowest one, nor more increases of the loss.
pub(super) fn fig18(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let compared: Vec<(&Group, &Group)> = networks(&groups)
        .into_iter()
        .filter_map(|groups| {
            let (dal, fixed) = sides(groups);
            Some((dal.first().copied()?, winner(&fixed)?))
        })
        .collect();
    let judged = |(dal, fixed): &(&Group, &Group)| {
        let losses = no_larger(dal, fixed, Group::loss, |group| &group.losses);
        let rises = no_larger(dal, fixed, Group::rises, |group| &group.increases);
        [losses, rises].concat()
    };
    let parts: Vec<Part> = compared.iter().flat_map(judged).collect();
    let (adaptive, fixed) = sides(&groups);
    let texts =
        adaptive.iter().chain(&fixed).map(|group| format!("{} ({})", end(group), group.label));
    let seen =
        format!("the runs end with {}{}", texts.collect::<Vec<_>>().join(", "), medians(&groups));
    let word = |parts: &[Part]| {
        format!("no larger in the median: {}, with every seed: {}", yes(parts[0]), yes(parts[1]))
    };
    let against = |(i, (dal, fixed)): (usize, &(&Group, &Group))| {
        let [losses, rises] = [0, 2].map(|at| word(&parts[4 * i + at..4 * i + at + 2]));
        format!(
            "final loss {} against {}, {losses}; increases {} against {}, {rises}",
            spread(&dal.losses),
            spread(&fixed.losses),
            spread_of_counts(&dal.increases),
            spread_of_counts(&fixed.increases)
        )
    };
    let decides = format!(
        "DAL against the best fixed rate: {}; four conditions, of which all must be met",
        compared.iter().enumerate().map(against).collect::<Vec<_>>().join("; ")
    );
    let title = match compared[..] {
        [(dal, fixed)] => ends_beside(dal, fixed),
        _ => None,
    };
    let more = at_the_end_of_the_sweep(&fixed) + &list(&groups);
    Finding::new(&parts, seen, decides).with(more).titled(title)
}

/// `DAL ends lower than the best fixed rate in the median (1 against 2), but after more increases (9 against 8)`; `None`
/// where something was not measured.
fn ends_beside(dal: &Group, fixed: &Group) -> Option<String> {
    let losses = dal.loss().partial_cmp(&fixed.loss())?;
    let rises = dal.rises().partial_cmp(&fixed.rises())?;
    let loss = match losses {
        Ordering::Less => "lower than",
        Ordering::Equal => "as low as",
        Ordering::Greater => "higher than",
    };
    let increases = match rises {
        Ordering::Less => "fewer",
        Ordering::Equal => "as many",
        Ordering::Greater => "more",
    };
    Some(format!(
        "DAL ends {loss} the best fixed rate in the median ({} against {}), {} after {increases} increases ({} against {})",
        number(dal.loss()),
        number(fixed.loss()),
        if losses != Ordering::Equal && losses == rises.reverse() { "but" } else { "and" },
        number_of_times(dal.rises()),
        number_of_times(fixed.rises())
    ))
}

/// So many times the lowest learning rate has that at the end where it rises again.
const RISES: f64 = 1.1;

/// Learning rate and update of every run with DAL, as medians of the tenths of the run.
pub(super) fn fig19(outcomes: &[Outcome]) -> Finding {
    let (adaptive, fixed): (Vec<&Outcome>, Vec<&Outcome>) =
        outcomes.iter().partition(|outcome| dal(&outcome.config).is_some());
    let (mut parts, mut curves, mut falling) = (Vec::new(), [const { Vec::new() }; 3], Vec::new());
    let mut rises = Vec::new();
    for outcome in &adaptive {
        let rates = tenths(&column(outcome, "learning_rate"));
        let updates = tenths(&column(outcome, "update_norm"));
        parts.push(rates.map(|rates| {
            let (low, _) = range(rates);
            curves.iter_mut().zip([rates[0], low, rates[9]]).for_each(|(all, x)| all.push(x));
            rises.push(rates[9] / low);
            RISES * low < rates[0].min(rates[9])
        }));
        parts.push(updates.map(|updates| {
            let falls = updates.windows(2).filter(|pair| pair[1] < pair[0]).count();
            falling.push(falls as f64);
            falls == 9
        }));
    }
    let held = |which: usize| {
        parts.iter().skip(which).step_by(2).filter(|part| **part == Some(true)).count()
    };
    let largest = |runs: &[&Outcome]| range(runs.iter().flat_map(|o| column(o, "update_norm"))).1;
    let [first, low, end] = curves.map(|values| spread(&values));
    let (rising, steady) = (held(0), held(1));
    let seen = format!(
        "with DAL the learning rate begins at {first}, its lowest is {low}, and it ends at {end}, and the length of the update \
         falls from a tenth of the run to the next {} times of 9 (medians of tenths of {} runs, smallest to largest)",
        spread_of_counts(&falling),
        adaptive.len(),
    );
    let decides = format!(
        "the learning rate falls and rises again, each by 10 % at least, in {rising} of {n} runs (in the last tenth of the run it \
         is {} times its lowest), the update falls 9 times of 9 in {steady} of {n}; both must in each",
        rises.iter().map(|rise| format!("{rise:.4}")).collect::<Vec<_>>().join(", "),
        n = adaptive.len()
    );
    let more = format!(
        "the largest update is {} with DAL and {} with fixed rates",
        number(largest(&adaptive)),
        number(largest(&fixed))
    );
    let title = format!(
        "DAL's learning rate falls, then rises by 10 % or more in {rising} of {n} runs; the size of its update falls steadily in \
         {steady} of {n}",
        n = adaptive.len()
    );
    Finding::new(&parts, seen, decides).with(more).titled_unless_it_holds(title)
}

/// The final loss and the test accuracy of DAL-0.5 against the best fixed rate.
pub(super) fn fig20(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let judged = |groups: Vec<&Group>| {
        let (dal, fixed) = sides(groups);
        let half = dal.iter().find(|group| group.power == Some(0.5));
        let (_, highest) = range(fixed.iter().map(|group| group.accuracy()));
        let accurate = fixed.iter().find(|group| group.accuracy() == highest);
        let [loss, accuracy] =
            [Group::loss, Group::accuracy].map(|of| half.map_or(f64::NAN, |g| of(g)));
        let trains = half.filter(|half| !half.loss().is_nan()).map(|half| half.failed() == 0);
        let every = |other: Option<&Group>, better: fn(&Group, &Group) -> Part| {
            half.zip(other).and_then(|(half, other)| better(half, other))
        };
        let parts = [
            at_most(loss, best(&fixed)),
            every(winner(&fixed), |half, fixed| apart(&half.losses, &fixed.losses)),
            at_most(highest, accuracy),
            every(accurate.copied(), |half, fixed| apart(&fixed.accuracies, &half.accuracies)),
            trains,
        ];
        let failing = half.map_or_else(|| "no seeds".into(), |half| half.failing());
        // With how many seeds it is better than any of the best fixed rates.
        let ahead = half.zip(winner(&fixed)).zip(accurate).map_or(0, |((half, low), high)| {
            let least = range(low.losses.iter().copied()).0;
            let most = range(high.accuracies.iter().copied()).1;
            let ends = half.losses.iter().zip(&half.accuracies);
            ends.filter(|(loss, accuracy)| **loss < least && **accuracy > most).count()
        });
        let text = |group: Option<&Group>, of: fn(&Group) -> &[f64]| {
            group.map_or_else(|| number(f64::NAN), |group| spread(of(group)))
        };
        let losses: fn(&Group) -> &[f64] = |group| &group.losses;
        let accuracies: fn(&Group) -> &[f64] = |group| &group.accuracies;
        let (half, accurate) = (half.copied(), accurate.copied());
        let [loss, least] = [half, winner(&fixed)].map(|group| text(group, losses));
        let [accuracy, highest] = [half, accurate].map(|group| text(group, accuracies));
        let seen = format!(
            "DAL-0.5 ends with a loss of {loss} and a test accuracy of {accuracy}, the best fixed rate of each with {least} and \
             {highest}"
        );
        let [a, b, c, d, e] = parts.map(yes);
        let decides = format!(
            "DAL-0.5 against the best fixed rate of each: loss {loss} against {least}, no larger in the median: {a}, lower with every \
             seed: {b}; test accuracy {accuracy} against {highest}, no smaller in the median: {c}, higher with every seed: {d}; no \
             seed of DAL-0.5 fails: {e} ({failing} fail)"
        );
        (parts, (seen, decides, ahead))
    };
    let (mut parts, mut seen) = (Vec::<[Part; 5]>::new(), Vec::<String>::new());
    let (mut decides, mut ahead) = (Vec::<String>::new(), Vec::<usize>::new());
    for (part, (saw, decided, first)) in networks(&groups).into_iter().map(judged) {
        parts.push(part);
        seen.push(saw);
        decides.push(decided);
        ahead.push(first);
    }
    let decides = format!("{}; five conditions, of which all must be met", decides.join("; "));
    let half = groups.iter().find(|group| group.power == Some(0.5));
    let title = match (&parts[..], half) {
        ([[.., Some(false)]], Some(half)) => Some(format!(
            "DAL-0.5 ends better than every run of the best fixed rates with {} of {} seeds, and fails with {}",
            ahead[0],
            half.losses.len(),
            half.failed()
        )),
        _ => None,
    };
    let more = at_the_end_of_the_sweep(&sides(&groups).1) + &list(&groups) + &by_rounding(half);
    Finding::new(&parts.concat(), seen.join(", ") + &of_seeds(&groups), decides)
        .with(more)
        .titled(title)
}

/// Test accuracy and increases of the loss against `p`.
pub(super) fn fig21(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let parts: Vec<Part> = networks(&groups).into_iter().flat_map(less_with_power).collect();
    let texts: Vec<[String; 2]> = networks(&groups).into_iter().map(of_powers).collect();
    let of = |i: usize| texts.iter().map(|text| text[i].clone()).collect::<Vec<_>>().join("; ");
    let failing = all_fail(&groups);
    let seen = format!(
        "the test accuracy is {}; the loss increases {}{}{failing}",
        of(0),
        of(1),
        medians(&groups)
    );
    let mut more = list(&groups);
    if !failing.is_empty() {
        let rest = |groups: Vec<&Group>| {
            less_with_power(groups.into_iter().filter(|group| !group.mostly_fails()).collect())
        };
        let rest: Vec<Part> = networks(&groups).into_iter().flat_map(rest).collect();
        more =
            format!("without the powers with which most seeds fail: {}; {more}", steadiness(&rest));
    }
    Finding::new(&parts, seen, steadiness(&parts))
        .with(more)
        .titled_unless_it_holds(steadiness_title(&parts) + &powers_that_fail(&groups))
}

/// `; with p = 0.25 every seed fails`; empty where some seed of every power does not.
fn all_fail(groups: &[Group]) -> String {
    let failed = groups.iter().filter(|group| group.failed() == group.losses.len());
    let powers: Vec<String> =
        failed.filter_map(|group| group.power).map(|p| format!("p = {p}")).collect();
    if powers.is_empty() {
        return String::new();
    }
    format!("; with {} every seed fails", powers.join(", "))
}

/// The same in few words, for a title.
fn powers_that_fail(groups: &[Group]) -> String {
    let powers = groups.iter().filter(|group| group.is_dal());
    let failed = powers.clone().filter(|group| group.failed() == group.losses.len()).count();
    match failed {
        0 => String::new(),
        _ => format!("; with {failed} of {} powers every seed fails", powers.count()),
    }
}

/// In how many settings test accuracy and increases of the loss, in turn, fall with every larger `p`.
fn falling(parts: &[Part]) -> [String; 2] {
    [0, 1].map(|i| tally(&parts.iter().skip(i).step_by(2).copied().collect::<Vec<_>>()))
}

/// The same as a title.
fn steadiness_title(parts: &[Part]) -> String {
    const QUANTITIES: [&str; 2] = ["test accuracy", "the number of increases of the loss"];
    if let [accuracy, increases] = *parts {
        let [first, second] = QUANTITIES;
        return match (accuracy, increases) {
            (Some(true), _) => format!("{first} falls steadily with p, {second} does not"),
            (_, Some(true)) => format!("{second} falls steadily with p, {first} does not"),
            _ => format!("neither {first} nor {second} falls steadily with p"),
        };
    }
    let [accuracy, increases] = falling(parts);
    let [first, second] = QUANTITIES;
    format!("{first} falls steadily with p with {accuracy} networks, {second} with {increases}")
}

/// Of how many quantities that must fall with every larger `p` each does.
fn steadiness(parts: &[Part]) -> String {
    if let [accuracy, increases] = *parts {
        return format!(
            "{} of 2 fall with every larger p, with all seeds (test accuracy: {}, number of increases: {}); both must",
            parts.iter().filter(|part| **part == Some(true)).count(),
            yes(accuracy),
            yes(increases)
        );
    }
    let [accuracy, increases] = falling(parts);
    format!(
        "falls with every larger p, with all seeds: the test accuracy with {accuracy} networks, the number of increases with \
         {increases}; with all both must"
    )
}

/// Test accuracy and increases of the loss of every power.
pub(super) fn of_powers(groups: Vec<&Group>) -> [String; 2] {
    let (dal, _) = sides(groups);
    let text = |of: &dyn Fn(&Group) -> String| {
        let power = |group: &Group| group.power.map_or(String::new(), |p| p.to_string());
        let texts = dal.iter().map(|group| format!("{} (p = {})", of(group), power(group)));
        texts.collect::<Vec<_>>().join(", ")
    };
    [
        text(&|group| number(group.accuracy())),
        text(&|group| format!("{} times", number_of_times(group.rises()))),
    ]
}

/// Whether test accuracy and increases of the loss fall with `p`.
pub(super) fn less_with_power(groups: Vec<&Group>) -> [Part; 2] {
    let (dal, _) = sides(groups);
    [
        all(steps_down(&dal, |group| &group.accuracies)),
        all(steps_down(&dal, |group| &group.increases)),
    ]
}

/// Mean learning rates against `p`.
pub(super) fn fig43(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let (_, cap) = range(outcomes.iter().filter_map(|o| dal(&o.config)).map(|dal| dal.cap));
    let (dal, _) = sides(&groups);
    let dal = by_power(&dal);
    let power = |group: &Group| group.power.map_or(String::new(), |p| p.to_string());
    let rates: Vec<String> = dal
        .iter()
        .map(|group| format!("{} with p = {}", spread(&group.rates), power(group)))
        .collect();
    let typical: Vec<String> = dal.iter().map(|group| number(group.rate())).collect();
    let judged = |groups: Vec<&Group>| steps_down(&sides(groups).0, |group| &group.rates);
    let parts: Vec<Part> = networks(&groups).into_iter().flat_map(judged).collect();
    let seen = format!(
        "the mean learning rate of the steps before the loss exceeds {FAR} times that at the start is {}{}{}; no rate exceeds a \
         cap of {cap}",
        rates.join(", "),
        of_seeds(&groups),
        all_fail(&groups)
    );
    let decides = format!(
        "{}; with every larger p all seeds must be below all of the smaller p, and are in {} pairs",
        typical.join(", "),
        tally(&parts)
    );
    // Of one network.
    let pairs = || dal.windows(2).zip(&parts).filter(|_| dal.len() == parts.len() + 1);
    let overlap: Vec<String> = pairs()
        .filter(|(_, part)| **part == Some(false))
        .map(|(pair, _)| format!("p = {} and {}", power(pair[0]), power(pair[1])))
        .collect();
    let failed = dal.iter().find(|group| group.failed() == group.losses.len());
    let failed = failed.map(|group| format!("; with p = {} every seed fails", power(group)));
    let title = (Judgement::of(&parts) == Judgement::InPart && !overlap.is_empty()).then(|| {
        format!(
            "DAL-p with a smaller p takes larger learning rates, but {} overlap{}",
            overlap.join(", "),
            failed.unwrap_or_default()
        )
    });
    Finding::new(&parts, seen, decides).titled(title)
}

/// Both a lower loss and fewer increases than the fixed rate with the lowest loss.
pub(super) fn fig23(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let least = best(&fixed);
    let winner = winner(&fixed);
    // A lower loss, and fewer increases, too, each in the median and with every seed; one power is enough.
    let better = |group: &Group| -> Option<[Part; 4]> {
        let fixed = winner?;
        let lower = [below(group.loss(), fixed.loss()), apart(&group.losses, &fixed.losses)];
        let fewer =
            [below(group.rises(), fixed.rises()), apart(&group.increases, &fixed.increases)];
        Some([lower[0], lower[1], all([lower[0], fewer[0]]), all([lower[1], fewer[1]])])
    };
    let of_power = dal
        .iter()
        .find(|group| better(group).is_some_and(|parts| parts.iter().all(|p| *p == Some(true))));
    let better: Vec<[Part; 4]> = dal.iter().filter_map(|group| better(group)).collect();
    let any = |i: usize| {
        let parts: Vec<Part> = better.iter().map(|parts| parts[i]).collect();
        if parts.contains(&Some(true)) { Some(true) } else { all(parts) }
    };
    let parts = [any(0), any(1), any(2), any(3)];
    let text = |group: &&Group| format!("{} ({})", end(group), group.label);
    let texts: Vec<String> = dal.iter().chain(&winner).map(text).collect();
    let seen =
        format!("DAL and the best fixed rate end with {}{}", texts.join(", "), medians(&groups));
    let level = |median: Part, every: Part| match (median, every) {
        (Some(true), Some(true)) => "with every seed",
        (Some(true), _) => "in the median alone",
        _ => "with no power of it",
    };
    let title = match of_power.zip(winner) {
        Some((group, fixed)) => format!(
            "DAL with p = {} ends lower than the best fixed rate ({} against {}) after fewer increases ({} against {})",
            group.power.unwrap_or(f64::NAN),
            number(group.loss()),
            number(least),
            number_of_times(group.rises()),
            number_of_times(fixed.rises())
        ),
        None => format!(
            "DAL with momentum ends below the best fixed rate {}, and after fewer increases as well {}",
            level(parts[0], parts[1]),
            level(parts[2], parts[3])
        ),
    };
    let pairs: Vec<String> = dal
        .iter()
        .chain(&winner)
        .map(|group| {
            let rises = number_of_times(group.rises());
            format!("loss {} after {rises} increases ({})", number(group.loss()), group.label)
        })
        .collect();
    let decides = format!(
        "{}; with one power of DAL the loss must be lower than with the best fixed rate, and with the same or another power it must \
         be lower after fewer increases, each in the median and with every seed",
        pairs.join(", ")
    );
    let more = at_the_end_of_the_sweep(&fixed) + &list(&groups);
    Finding::new(&parts, seen, decides).with(more).titled(title)
}

/// The final losses of DAL and DAL-0.5 against the best fixed rate.
pub(super) fn fig44(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let lower = |group: &&Group| {
        winner(&fixed).map_or([None; 2], |fixed| {
            [below(group.loss(), fixed.loss()), apart(&group.losses, &fixed.losses)]
        })
    };
    let parts: Vec<Part> = dal.iter().flat_map(lower).collect();
    let text = |group: &&Group| format!("{} ({})", spread(&group.losses), group.label);
    let texts: Vec<String> = dal.iter().chain(&winner(&fixed)).map(text).collect();
    let seen = format!(
        "the loss ends at {}{}; the last one is the best fixed rate",
        texts.join(", "),
        of_seeds(&groups)
    );
    let (_, most) = range(dal.iter().map(|group| group.loss()));
    let decides = format!(
        "loss {} at most with DAL, {} with the best fixed rate; must be lower with every power, in the median and with \
         every seed",
        number(most),
        number(best(&fixed))
    );
    Finding::new(&parts, seen, decides).with(list(&groups))
}

/// Where every rate is at its cap in this part of the steps, a step is one of gradient descent.
const CAPPED: f64 = 0.9;

/// Whether the loss halves where the rates are not all at their cap.
pub(super) fn fig45(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let start = median(outcomes.iter().filter_map(|o| column(o, "loss").first().copied()));
    let labelled = |group: &Group| {
        let of = |run: &&Outcome| summarise(std::slice::from_ref(*run))[0].label == group.label;
        mean(outcomes.iter().filter(of).map(capped))
    };
    let shares: Vec<f64> = groups.iter().map(labelled).collect();
    let judged = |(group, share): (&Group, &f64)| match *share >= CAPPED {
        true => None,
        false => below(group.loss(), 0.5 * start),
    };
    let parts: Vec<Part> = groups.iter().zip(&shares).map(judged).collect();
    let text = |(group, share): (&Group, &f64)| {
        format!(
            "{} ({}; all rates at the cap in {})",
            number(group.loss()),
            group.label,
            percent(*share)
        )
    };
    let texts: Vec<String> = groups.iter().zip(&shares).map(text).collect();
    let seen = format!(
        "from {} at the start, the loss comes to {} of the steps",
        number(start),
        texts.join(", ")
    );
    let free: Vec<Part> = parts.iter().copied().filter(Option::is_some).collect();
    let tally = tally(&free);
    let decides = format!(
        "the loss halves in {tally} settings where all rates are at the cap in less than {} of the steps; in all it must; the \
         others, {} of {}, are nearly gradient descent with the cap as learning rate and count as not met",
        percent(CAPPED),
        parts.len() - free.len(),
        parts.len()
    );
    let mut powers = groups.iter().map(|group| group.power);
    let one = powers.next().flatten().filter(|first| powers.all(|power| power == Some(*first)));
    let title = format!(
        "{}the loss halves in {tally} settings where some rates are below their cap in more than {} of the steps",
        one.map_or_else(String::new, |power| format!("p = {power}: ")),
        percent(1.0 - CAPPED)
    );
    Finding::new(&parts, seen, decides).with(list(&groups)).titled(title)
}

/// In which part of the steps the mean of the rates is their cap.
pub(super) fn capped(outcome: &Outcome) -> f64 {
    let cap = dal(&outcome.config).map_or(f64::NAN, |dal| dal.cap);
    let rates = column(outcome, "learning_rate").into_iter().filter(|rate| rate.is_finite());
    mean(rates.map(|rate| f64::from(u8::from(rate > cap * (1.0 - 1e-9)))))
}

/// A median below the second and nothing below the first counts as reasonable.
pub(super) const REASONABLE: [f64; 2] = [1e-3, 10.0];

/// The range of `2‖g‖/‖∇²E g‖`.
pub(super) fn fig39(outcomes: &[Outcome]) -> Finding {
    let rates = |outcome: &Outcome| -> Vec<f64> {
        let (size, product) = (column(outcome, "gradient_norm"), column(outcome, "hg"));
        size.into_iter().zip(product).map(|(g, hg)| 2.0 * g / hg).collect()
    };
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    let (mut lowest, mut largest) = (f64::INFINITY, f64::NAN);
    for outcome in outcomes {
        let rates = rates(outcome);
        let (low, _) = range(rates.iter().copied());
        let [least, most] = REASONABLE;
        parts.push(all([below(least, low), below(median(rates.iter().copied()), most)]));
        texts.push(format!("{} with h = {}", spread(&rates), rate(outcome)));
        lowest = lowest.min(low);
        largest = largest.max(median(rates.iter().copied()));
    }
    let seen = format!("the median along the run (smallest to largest) is {}", texts.join(", "));
    let decides = format!(
        "largest median {}, smallest value {}; a median below 10 and nothing below 0.001 counts as reasonable",
        number(largest),
        number(lowest)
    );
    let title = format!(
        "2/‖∇²E ĝ‖ has medians up to {} and is never below {} along training with fixed learning rates",
        number(largest),
        number(lowest)
    );
    Finding::new(&parts, seen, decides).titled((!largest.is_nan()).then_some(title))
}
