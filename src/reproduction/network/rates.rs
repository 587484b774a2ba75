//! Figures about learning rates: DAL beside fixed ones, 18 to 21, 23, 26 to 29, 39 to 46 and 48.

use super::groups::{
    FAR, Group, batches, best, dal, end, falls, list, medians, networks, of_seeds, sides,
    summarise, winner,
};
use super::numbers::{
    Part, all, at_most, below, column, median, number, number_of_times, range, rate, spread,
    spread_of_counts, tally, tenths,
};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Finding;
use std::collections::BTreeSet;

/// Fewer increases of the loss than with every fixed rate that ends with a lower loss, and no more than with the fixed rate
/// that ends with the lowest.
pub(super) fn fig18(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    // Only rates that end with a lower loss count: one that trains less far may increase the loss less often.
    let calmer = |dal: &Group, fixed: &Group| {
        if below(fixed.loss(), dal.loss())? {
            below(dal.rises(), fixed.rises())
        } else {
            at_most(dal.loss(), fixed.loss())
        }
    };
    let judged = |groups: Vec<&Group>| {
        let (dal, fixed) = sides(groups);
        let least = winner(&fixed).map_or(f64::NAN, Group::rises);
        let calm = |dal: &&Group| {
            [all(fixed.iter().map(|fixed| calmer(dal, fixed))), at_most(dal.rises(), least)]
        };
        dal.iter().flat_map(calm).collect::<Vec<Part>>()
    };
    let parts: Vec<Part> = networks(&groups).into_iter().flat_map(judged).collect();
    let (adaptive, fixed) = sides(&groups);
    let texts =
        adaptive.iter().chain(&fixed).map(|group| format!("{} ({})", end(group), group.label));
    let seen =
        format!("the runs end with {}{}", texts.collect::<Vec<_>>().join(", "), medians(&groups));
    let lower = networks(&groups).into_iter().map(|groups| {
        let (dal, fixed) = sides(groups);
        let below_dal =
            |rate: &Group| dal.iter().any(|dal| below(rate.loss(), dal.loss()) == Some(true));
        fixed.into_iter().filter(|rate| below_dal(rate)).count()
    });
    let against = networks(&groups).into_iter().map(|groups| {
        let (dal, fixed) = sides(groups);
        let text = |group: Option<&Group>| group.map_or_else(|| number(f64::NAN), end);
        [text(dal.first().copied()), text(winner(&fixed))]
    });
    let against: Vec<[String; 2]> = against.collect();
    let texts: Vec<String> = against
        .iter()
        .map(|[dal, fixed]| format!("{dal} with DAL, {fixed} with the best fixed rate"))
        .collect();
    let decides = format!(
        "{}; DAL must increase the loss no more often than that rate, and less often than each of the {} fixed rates that end \
         lower",
        texts.join("; "),
        lower.sum::<usize>()
    );
    let title = match &against[..] {
        [[dal, fixed]] => Some(format!("DAL ends with {dal}, the best fixed rate with {fixed}")),
        _ => None,
    };
    Finding::new(&parts, seen, decides).with(list(&groups)).titled(title)
}

/// Learning rate and update of every run with DAL, as medians of the tenths of the run.
pub(super) fn fig19(outcomes: &[Outcome]) -> Finding {
    let (adaptive, fixed): (Vec<&Outcome>, Vec<&Outcome>) =
        outcomes.iter().partition(|outcome| dal(&outcome.config).is_some());
    let (mut parts, mut curves, mut falling) = (Vec::new(), [const { Vec::new() }; 3], Vec::new());
    for outcome in &adaptive {
        let rates = tenths(&column(outcome, "learning_rate"));
        let updates = tenths(&column(outcome, "update_norm"));
        parts.push(rates.map(|rates| {
            let (low, _) = range(rates);
            curves.iter_mut().zip([rates[0], low, rates[9]]).for_each(|(all, x)| all.push(x));
            low < rates[0] && low < rates[9]
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
        "with DAL the learning rate goes from {first} down to {low} and up to {end}, and the length of the update falls from a \
         tenth of the run to the next {} times of 9 (medians of tenths of {} runs, smallest to largest)",
        spread_of_counts(&falling),
        adaptive.len(),
    );
    let decides = format!(
        "the learning rate falls and rises again in {rising} of {n} runs, the update falls 9 times of 9 in {steady} of {n}; all \
         must",
        n = adaptive.len()
    );
    let more = format!(
        "the largest update is {} with DAL and {} with fixed rates",
        number(largest(&adaptive)),
        number(largest(&fixed))
    );
    let title = format!(
        "the learning rate of DAL falls and rises again in {rising} of {n} runs, its updates decrease steadily in {steady} of {n}",
        n = adaptive.len()
    );
    let held = parts.iter().all(|part| *part == Some(true));
    Finding::new(&parts, seen, decides).with(more).titled((!held).then_some(title))
}

/// Why runs of several figures that are the same in exact arithmetic end differently; empty where all seeds end alike.
fn by_rounding(group: Option<&Group>) -> String {
    let some = |group: &&Group| group.full && group.failed > 0 && group.failed < group.losses.len();
    let why = group.filter(some).map(|group| {
        format!(
            "; with {}, {} end with a higher loss than at the start: which ones is decided by rounding, since the same runs of \
             Figures 20, 26 and 42 at the small size, which sum the examples in another order, end differently",
            group.label,
            group.failing()
        )
    });
    why.unwrap_or_default()
}

/// The final loss and the test accuracy of DAL-0.5 against the best fixed rate.
pub(super) fn fig20(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let judged = |groups: Vec<&Group>| {
        let (dal, fixed) = sides(groups);
        let half = dal.iter().find(|group| group.power == Some(0.5));
        let (_, highest) = range(fixed.iter().map(|group| group.accuracy()));
        let [loss, accuracy] =
            [Group::loss, Group::accuracy].map(|of| half.map_or(f64::NAN, |g| of(g)));
        let trains = half.filter(|half| !half.loss().is_nan()).map(|half| half.failed == 0);
        let parts = [at_most(loss, best(&fixed)), at_most(highest, accuracy), trains];
        let failing = half.map_or_else(|| "no seeds".into(), |half| half.failing());
        let [loss, least, accuracy, highest] = [loss, best(&fixed), accuracy, highest].map(number);
        let seen = format!(
            "DAL-0.5 ends with a loss of {loss} and a test accuracy of {accuracy}; the best fixed rate of each with {least} and \
             {highest}; {failing} with DAL-0.5 end with a higher loss than at the start"
        );
        (
            parts,
            (
                seen,
                format!(
                    "loss {loss} against {least}, test accuracy {accuracy} against {highest}, {failing} end above their start"
                ),
            ),
        )
    };
    let (parts, texts): (Vec<[Part; 3]>, Vec<(String, String)>) =
        networks(&groups).into_iter().map(judged).unzip();
    let (seen, decides): (Vec<String>, Vec<String>) = texts.into_iter().unzip();
    let decides = format!(
        "{}; DAL-0.5 must be at least as good in both, and no seed of it end with a higher loss than at the start",
        decides.join(", ")
    );
    let half = groups.iter().find(|group| group.power == Some(0.5));
    let title = match (&parts[..], half) {
        ([[Some(true), Some(true), Some(false)]], Some(half)) => Some(format!(
            "DAL-0.5 is at least as good as the best fixed rate in the median, but fails to train with {}",
            half.failing()
        )),
        _ => None,
    };
    let more = list(&groups) + &by_rounding(half);
    Finding::new(&parts.concat(), seen.join(", ") + &medians(&groups), decides)
        .with(more)
        .titled(title)
}

/// Test accuracy and increases of the loss against `p`.
pub(super) fn fig21(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let parts: Vec<Part> = networks(&groups).into_iter().flat_map(less_with_power).collect();
    let texts: Vec<[String; 2]> = networks(&groups).into_iter().map(by_power).collect();
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
        more = format!(
            "without the powers with which most seeds end with a higher loss than at the start: {}; {more}",
            steadiness(&rest)
        );
    }
    Finding::new(&parts, seen, steadiness(&parts)).with(more)
}

/// `; with p = 0.25 every seed ends with a higher loss than at the start`; empty where some seed of every power trains.
fn all_fail(groups: &[Group]) -> String {
    let failed = groups.iter().filter(|group| group.failed == group.losses.len());
    let powers: Vec<String> =
        failed.filter_map(|group| group.power).map(|p| format!("p = {p}")).collect();
    if powers.is_empty() {
        return String::new();
    }
    format!("; with {} every seed ends with a higher loss than at the start", powers.join(", "))
}

/// Of how many quantities that must fall with every larger `p` each does.
fn steadiness(parts: &[Part]) -> String {
    if let [accuracy, increases] = *parts {
        let word =
            |part: Part| part.map_or("not measured", |holds| if holds { "yes" } else { "no" });
        return format!(
            "{} of 2 fall with every larger p (test accuracy: {}, number of increases: {}); both must",
            parts.iter().filter(|part| **part == Some(true)).count(),
            word(accuracy),
            word(increases)
        );
    }
    let of =
        |which: usize| tally(&parts.iter().skip(which).step_by(2).copied().collect::<Vec<_>>());
    format!(
        "falls with every larger p: the test accuracy in {} settings, the number of increases in {}; in all both must",
        of(0),
        of(1)
    )
}

/// Test accuracy and increases of the loss of every power.
fn by_power(groups: Vec<&Group>) -> [String; 2] {
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
fn less_with_power(groups: Vec<&Group>) -> [Part; 2] {
    let (dal, _) = sides(groups);
    [falls(&dal, Group::accuracy), falls(&dal, Group::rises)]
}

/// Mean learning rates against `p`.
pub(super) fn fig43(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let (_, cap) = range(outcomes.iter().filter_map(|o| dal(&o.config)).map(|dal| dal.cap));
    let (dal, _) = sides(&groups);
    let rates: Vec<String> =
        dal.iter().map(|group| format!("{} with {}", spread(&group.rates), group.label)).collect();
    let typical: Vec<String> = dal.iter().map(|group| number(group.rate())).collect();
    let judged = |groups: Vec<&Group>| falls(&sides(groups).0, Group::rate);
    let parts: Vec<Part> = networks(&groups).into_iter().map(judged).collect();
    let seen = format!(
        "the mean learning rate of the steps before the loss exceeds {FAR} times that at the start is {}{}{}; no rate exceeds a \
             cap of {cap}",
        rates.join(", "),
        of_seeds(&groups),
        all_fail(&groups)
    );
    let decides = format!("{}; must fall with every larger p", typical.join(", "));
    let failed = dal.iter().find(|group| group.failed == group.losses.len());
    let held = parts.iter().all(|part| *part == Some(true));
    let title = failed.filter(|_| held).and_then(|group| group.power).map(|p| {
        format!("DAL-p with a smaller p takes larger learning rates; with p = {p} no seed trains")
    });
    Finding::new(&parts, seen, decides).titled(title)
}

/// Both a lower loss and fewer increases than the fixed rate with the lowest loss.
pub(super) fn fig23(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let least = best(&fixed);
    let winner = winner(&fixed);
    let calm = winner.map_or(f64::NAN, Group::rises);
    let faster = |group: &&Group| below(group.loss(), least);
    // One power is enough.
    let any = |parts: Vec<Part>| if parts.contains(&Some(true)) { Some(true) } else { all(parts) };
    let calmer = |group: &&Group| all([faster(group), below(group.rises(), calm)]);
    let parts = [any(dal.iter().map(faster).collect()), any(dal.iter().map(calmer).collect())];
    let text = |group: &&Group| format!("{} ({})", end(group), group.label);
    let texts: Vec<String> = dal.iter().chain(&winner).map(text).collect();
    let seen =
        format!("DAL and the best fixed rate end with {}{}", texts.join(", "), medians(&groups));
    let lowest = range(dal.iter().map(|group| group.loss())).0;
    let decides = format!(
        "loss {} against {}; one power of DAL must end with a lower loss, and one with fewer increases, too",
        number(lowest),
        number(least)
    );
    Finding::new(&parts, seen, decides).with(list(&groups))
}

/// The final loss with the difference of gradients divided by that with the exact product; NaN where the latter diverges or
/// mostly ends with a higher loss than at the start, so that there is nothing to compare with.
fn by_difference(groups: &[Group], full: bool, power: f64) -> f64 {
    let [exact, difference] = [false, true].map(|way| of_way(groups, way, full, power));
    match exact {
        Some(exact) if exact.loss().is_finite() && !exact.mostly_fails() => {
            difference.map_or(f64::NAN, Group::loss) / exact.loss()
        }
        _ => f64::NAN,
    }
}

/// The group with this power and the exact product or a difference.
fn of_way(groups: &[Group], by_difference: bool, full: bool, power: f64) -> Option<&Group> {
    groups.iter().find(|group| {
        group.by_difference == by_difference && group.full == full && group.power == Some(power)
    })
}

/// Whether the loss is at most this factor higher with the difference.
fn little_loss(outcomes: &[Outcome], full: bool, powers: &[f64], most: f64, why: &str) -> Finding {
    let groups = summarise(outcomes);
    let factors: Vec<f64> = powers.iter().map(|p| by_difference(&groups, full, *p)).collect();
    let parts: Vec<Part> = factors.iter().map(|factor| at_most(*factor, most)).collect();
    let text = |(power, factor): (&f64, &f64)| {
        if factor.is_nan() {
            let exact = of_way(&groups, false, full, *power).filter(|exact| exact.failed > 0);
            let why = exact.map_or_else(String::new, |exact| {
                format!(
                    ", since {} of exact runs end with a higher loss than at the start",
                    exact.failing()
                )
            });
            format!("none to compare{why} (p = {power})")
        } else {
            format!("{} times (p = {power})", number(*factor))
        }
    };
    let texts: Vec<String> = powers.iter().zip(&factors).map(text).collect();
    let texts = texts.join(", ");
    let seen = format!(
        "the final loss with the difference of gradients beside that with the exact product: {texts}{}",
        medians(&groups)
    );
    let more = list(&groups) + &by_rounding(of_way(&groups, false, true, 0.5));
    let held = parts.iter().all(|part| *part == Some(true));
    let size = if full { "full" } else { "small" };
    let (gaps, measured): (Vec<_>, Vec<_>) =
        powers.iter().zip(&factors).partition(|(_, factor)| factor.is_nan());
    let measured: Vec<String> =
        measured.into_iter().map(|(p, factor)| format!("{} (p = {p})", number(*factor))).collect();
    let gaps: Vec<String> =
        gaps.into_iter().map(|(p, _)| format!("; with p = {p} exact DAL fails")).collect();
    let title = format!(
        "with {size} batches the difference of gradients multiplies the final loss of DAL by {}{}",
        measured.join(", "),
        gaps.concat()
    );
    Finding::new(&parts, seen, format!("{texts}; {why}"))
        .with(more)
        .titled((!held).then_some(title))
}

/// Of Figures 26, 28 and 29.
const NOTHING: (f64, &str) = (1.1, "up to 1.1 times counts as losing nothing");

pub(super) fn fig26(outcomes: &[Outcome]) -> Finding {
    little_loss(outcomes, true, &[0.5, 1.0], NOTHING.0, NOTHING.1)
}

pub(super) fn fig27(outcomes: &[Outcome]) -> Finding {
    little_loss(outcomes, false, &[0.5, 1.0], 2.0, "up to twice as much counts as little")
}

pub(super) fn fig28(outcomes: &[Outcome]) -> Finding {
    little_loss(outcomes, true, &[1.0], NOTHING.0, NOTHING.1)
}

pub(super) fn fig29(outcomes: &[Outcome]) -> Finding {
    little_loss(outcomes, true, &[0.5], NOTHING.0, NOTHING.1)
}

/// As Figure 21, with each batch size.
pub(super) fn fig40(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let parts: Vec<Part> = batches(&groups).into_iter().flat_map(less_with_power).collect();
    let text = |groups: Vec<&Group>| {
        let size = size(groups.first().copied());
        let [accuracies, rises] = by_power(groups);
        format!("with {size}, the test accuracy is {accuracies}, and the loss increases {rises}")
    };
    let texts: Vec<String> = batches(&groups).into_iter().map(text).collect();
    let seen = texts.join("; ") + &medians(&groups);
    Finding::new(&parts, seen, steadiness(&parts)).with(list(&groups))
}

/// `batches of 25`, or `full batches`.
fn size(group: Option<&Group>) -> String {
    let size = group.and_then(|group| group.batch.filter(|_| !group.full));
    size.map_or_else(|| "full batches".into(), |size| format!("batches of {size}"))
}

/// DAL of this power against the best fixed rate, with each batch size.
fn with_each_batch(outcomes: &[Outcome], power: f64) -> Finding {
    let groups = summarise(outcomes);
    let judged = |groups: Vec<&Group>| {
        let (dal, fixed) = sides(groups);
        let dal = dal.into_iter().find(|group| group.power == Some(power));
        let text = |group: Option<&Group>| {
            group.map_or_else(|| number(f64::NAN), |group| spread(&group.losses))
        };
        let fixed_best = winner(&fixed);
        let seen = format!("{} against {} with {}", text(dal), text(fixed_best), size(dal));
        let [of_dal, least] = [dal.map_or(f64::NAN, Group::loss), best(&fixed)];
        let decides = format!("{} against {}", number(of_dal), number(least));
        (at_most(of_dal, least), (seen, decides))
    };
    let (parts, texts): (Vec<Part>, Vec<(String, String)>) =
        batches(&groups).into_iter().map(judged).unzip();
    let (seen, decides): (Vec<String>, Vec<String>) = texts.into_iter().unzip();
    let name = if power == 1.0 { "DAL".into() } else { format!("DAL-{power}") };
    let seen = format!(
        "{name} ends with a loss of {}{}, the first number with {name} and the second with the best fixed rate",
        seen.join(", "),
        of_seeds(&groups)
    );
    let others: Vec<String> = groups
        .iter()
        .filter(|group| group.power.is_some_and(|p| p != power))
        .map(|group| format!("; {} ({})", end(group), group.label))
        .collect();
    let half = groups.iter().find(|group| group.full && group.power == Some(0.5));
    let decides = format!("loss {}; must not be larger with DAL", decides.join(", "));
    Finding::new(&parts, seen + &others.concat(), decides).with(list(&groups) + &by_rounding(half))
}

pub(super) fn fig41(outcomes: &[Outcome]) -> Finding {
    with_each_batch(outcomes, 1.0)
}

pub(super) fn fig42(outcomes: &[Outcome]) -> Finding {
    with_each_batch(outcomes, 0.5)
}

/// The final losses of DAL and DAL-0.5 against the best fixed rate.
pub(super) fn fig44(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let parts: Vec<Part> = dal.iter().map(|group| below(group.loss(), best(&fixed))).collect();
    let text = |group: &&Group| format!("{} ({})", number(group.loss()), group.label);
    let texts: Vec<String> = dal.iter().chain(&winner(&fixed)).map(text).collect();
    let seen = format!(
        "the loss ends at {}{}; the last one is the best fixed rate",
        texts.join(", "),
        medians(&groups)
    );
    let (_, most) = range(dal.iter().map(|group| group.loss()));
    let decides = format!(
        "loss {} at most with DAL, {} with the best fixed rate; must be lower with every power",
        number(most),
        number(best(&fixed))
    );
    Finding::new(&parts, seen, decides).with(list(&groups))
}

/// Whether the loss halves.
pub(super) fn fig45(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let start = median(outcomes.iter().filter_map(|o| column(o, "loss").first().copied()));
    let parts: Vec<Part> = groups.iter().map(|group| below(group.loss(), 0.5 * start)).collect();
    let texts: Vec<String> =
        groups.iter().map(|group| format!("{} ({})", number(group.loss()), group.label)).collect();
    let seen =
        format!("from {} at the start, the loss comes to {}", number(start), texts.join(", "));
    let decides = format!("the loss halves in {} settings; in all it must", tally(&parts));
    let held = parts.iter().all(|part| *part == Some(true));
    let title = (!held).then(|| {
        format!("a learning rate for each parameter trains the network {}", which(&groups, &parts))
    });
    Finding::new(&parts, seen, decides).with(list(&groups)).titled(title)
}

/// `with cap 0.1 only` where the first part of the labels tells in which settings something holds, else how many they are.
fn which(groups: &[Group], parts: &[Part]) -> String {
    let of = |wanted: bool| {
        let found =
            groups.iter().zip(parts).filter(move |(_, part)| (**part == Some(true)) == wanted);
        found.filter_map(|(group, _)| group.label.split(", ").next()).collect::<BTreeSet<&str>>()
    };
    let (held, other) = (of(true), of(false));
    if held.is_empty() || !held.is_disjoint(&other) {
        return format!("in {} settings", tally(parts));
    }
    format!("with {} only", held.into_iter().collect::<Vec<_>>().join(", "))
}

/// The best final loss with fixed rates divided by that with DAL, with small and with large batches.
pub(super) fn fig48(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let gain = |groups: Vec<&Group>| {
        let (dal, fixed): (Vec<&Group>, Vec<&Group>) =
            groups.into_iter().partition(|group| group.is_dal());
        let (least, of_dal) = (best(&fixed), best(&dal));
        let size = size(dal.first().copied());
        let against = format!("{} against {} with {size}", number(of_dal), number(least));
        (least / of_dal, (against, format!("{} with {size}", number(least / of_dal)), size))
    };
    let all_gains: Vec<(f64, (String, String, String))> =
        batches(&groups).into_iter().map(gain).collect();
    let titles: Vec<String> = all_gains
        .iter()
        .map(|(gain, (_, _, size))| match *gain {
            0.0 => format!("diverges with {size}"),
            gain => format!("gains a factor of {} in the loss with {size}", number(gain)),
        })
        .collect();
    let title = format!("with momentum DAL {}", titles.join(", "));
    let gains: Vec<f64> = all_gains.iter().map(|(gain, _)| *gain).collect();
    let (texts, gained): (Vec<String>, Vec<String>) =
        all_gains.into_iter().map(|(_, (text, gained, _))| (text, gained)).unzip();
    let seen = format!(
        "the final loss is {}{}, the first number with DAL, infinite where it diverges, and the second with the best fixed \
         rate",
        texts.join(", "),
        medians(&groups)
    );
    let decides = format!(
        "best fixed loss divided by that with DAL: {}; must grow with the batches",
        gained.join(", ")
    );
    let grows = all(gains.windows(2).map(|pair| below(pair[0], pair[1])));
    Finding::new(&[grows], seen, decides).with(list(&groups)).titled(title)
}

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
        parts.push(all([below(1e-3, low), below(median(rates.iter().copied()), 10.0)]));
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
    Finding::new(&parts, seen, decides)
}
