//! Figures about learning rates: DAL beside fixed ones, 18 to 21, 23, 26 to 29, 39 to 46 and 48.

use super::groups::{
    Group, batches, best, dal, end, falls, list, loss_in_words, medians, networks, of_seeds, sides,
    summarise, winner,
};
use super::numbers::{
    Part, all, at_most, below, column, median, number, number_of_times, range, rate, spread,
    spread_of_counts, tally, tenths,
};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Finding;

/// Fewer increases of the loss than with every fixed rate that ends with a lower loss.
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
        let calm = |dal: &&Group| all(fixed.iter().map(|fixed| calmer(dal, fixed)));
        dal.iter().map(calm).collect::<Vec<Part>>()
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
    let decides = format!(
        "{} fixed rates end with a lower loss than DAL; the loss must increase more often with each of them",
        lower.sum::<usize>()
    );
    Finding::new(&parts, seen, decides).with(list(&groups))
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
    Finding::new(&parts, seen, decides).with(more)
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
        let parts = [at_most(loss, best(&fixed)), at_most(highest, accuracy)];
        let [loss, least, accuracy, highest] = [loss, best(&fixed), accuracy, highest].map(number);
        let seen = format!(
            "DAL-0.5 ends with a loss of {loss} and a test accuracy of {accuracy}; the best fixed rate of each with {least} and \
             {highest}"
        );
        (
            parts,
            (
                seen,
                format!("loss {loss} against {least}, test accuracy {accuracy} against {highest}"),
            ),
        )
    };
    let (parts, texts): (Vec<[Part; 2]>, Vec<(String, String)>) =
        networks(&groups).into_iter().map(judged).unzip();
    let (seen, decides): (Vec<String>, Vec<String>) = texts.into_iter().unzip();
    let decides = format!("{}; DAL-0.5 must be at least as good in both", decides.join(", "));
    Finding::new(&parts.concat(), seen.join(", ") + &medians(&groups), decides).with(list(&groups))
}

/// Test accuracy and increases of the loss against `p`.
pub(super) fn fig21(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let parts: Vec<Part> = networks(&groups).into_iter().flat_map(less_with_power).collect();
    let texts: Vec<[String; 2]> = networks(&groups).into_iter().map(by_power).collect();
    let of = |i: usize| texts.iter().map(|text| text[i].clone()).collect::<Vec<_>>().join("; ");
    let seen =
        format!("the test accuracy is {}; the loss increases {}{}", of(0), of(1), medians(&groups));
    Finding::new(&parts, seen, steadiness(&parts)).with(list(&groups))
}

/// Of how many quantities that must fall with every larger `p` each does.
fn steadiness(parts: &[Part]) -> String {
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
    let (dal, _) = sides(&groups);
    let rates: Vec<String> =
        dal.iter().map(|group| format!("{} with {}", spread(&group.rates), group.label)).collect();
    let typical: Vec<String> = dal.iter().map(|group| number(group.rate())).collect();
    let judged = |groups: Vec<&Group>| falls(&sides(groups).0, Group::rate);
    let parts: Vec<Part> = networks(&groups).into_iter().map(judged).collect();
    let seen =
        format!("the mean learning rate of all steps is {}{}", rates.join(", "), of_seeds(&groups));
    let decides = format!("{}; must fall with every larger p", typical.join(", "));
    Finding::new(&parts, seen, decides)
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

/// The final loss with the difference of gradients divided by that with the exact product; NaN where the
/// latter diverges, so that there is nothing to compare with.
fn by_difference(groups: &[Group], full: bool, power: f64) -> f64 {
    let loss = |by_difference: bool| {
        let found = groups.iter().find(|group| {
            group.by_difference == by_difference && group.full == full && group.power == Some(power)
        });
        found.map_or(f64::NAN, Group::loss)
    };
    match (loss(true), loss(false)) {
        (_, exact) if exact.is_infinite() => f64::NAN,
        (difference, exact) => difference / exact,
    }
}

/// Whether the loss is at most this factor higher with the difference.
fn little_loss(outcomes: &[Outcome], full: bool, powers: &[f64], most: f64, why: &str) -> Finding {
    let groups = summarise(outcomes);
    let factors: Vec<f64> = powers.iter().map(|p| by_difference(&groups, full, *p)).collect();
    let parts: Vec<Part> = factors.iter().map(|factor| at_most(*factor, most)).collect();
    let text = |(power, factor): (&f64, &f64)| {
        if factor.is_nan() {
            format!("none to compare (p = {power})")
        } else {
            format!("{} times (p = {power})", number(*factor))
        }
    };
    let texts: Vec<String> = powers.iter().zip(&factors).map(text).collect();
    let texts = texts.join(", ");
    let seen = format!(
        "with the difference of gradients the final loss is {texts} that with the exact product{}",
        medians(&groups)
    );
    Finding::new(&parts, seen, format!("{texts}; {why}")).with(list(&groups))
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
        let (dal, fixed): (Vec<&Group>, Vec<&Group>) =
            groups.into_iter().partition(|group| group.is_dal());
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
    let decides = format!("loss {}; must not be larger with DAL", decides.join(", "));
    Finding::new(&parts, seen, decides).with(list(&groups))
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
    Finding::new(&parts, seen, decides).with(list(&groups))
}

/// The best final loss with fixed rates divided by that with DAL, with small and with large batches.
pub(super) fn fig48(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let gain = |groups: Vec<&Group>| {
        let (dal, fixed): (Vec<&Group>, Vec<&Group>) =
            groups.into_iter().partition(|group| group.is_dal());
        let (least, of_dal) = (best(&fixed), best(&dal));
        let size = size(dal.first().copied());
        let against =
            format!("{} against {} with {size}", loss_in_words(of_dal), loss_in_words(least));
        (least / of_dal, (against, format!("{} with {size}", number(least / of_dal))))
    };
    let (gains, texts): (Vec<f64>, Vec<(String, String)>) =
        batches(&groups).into_iter().map(gain).unzip();
    let (texts, gained): (Vec<String>, Vec<String>) = texts.into_iter().unzip();
    let seen = format!(
        "the final loss is {}{}, the first number with DAL and the second with the best fixed rate",
        texts.join(", "),
        medians(&groups)
    );
    let decides = format!(
        "best fixed loss divided by that with DAL: {}; must grow with the batches",
        gained.join(", ")
    );
    let grows = all(gains.windows(2).map(|pair| below(pair[0], pair[1])));
    Finding::new(&[grows], seen, decides).with(list(&groups))
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
