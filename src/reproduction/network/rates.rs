//! Figures about learning rates: DAL beside fixed ones, 18 to 21, 23, 26 to 29, 39 to 46 and 48.

use super::groups::{Group, batches, best, dal, falls, list, networks, seeds, sides, summarise};
use super::numbers::{
    Part, all, at_most, below, column, median, number, range, rate, spread, spread_of_counts,
    tally, tenths,
};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Judgement;

/// Fewer increases of the loss than with every fixed rate that ends with a lower loss.
pub(super) fn fig18(outcomes: &[Outcome]) -> (Judgement, String) {
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
    let numbers = format!(
        "calmer than every fixed rate that ends with a lower loss in {} settings; rates that end with a higher loss \
         do not count; {}",
        tally(&parts),
        list(&groups)
    );
    (Judgement::of(&parts), numbers)
}

/// Learning rate and update of every run with DAL, as medians of the tenths of the run.
pub(super) fn fig19(outcomes: &[Outcome]) -> (Judgement, String) {
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
    let largest = |runs: &[&Outcome]| range(runs.iter().flat_map(|o| column(o, "update_norm"))).1;
    let [first, low, end] = curves.map(|values| spread(&values));
    let numbers = format!(
        "{} parts; medians of tenths of {} runs with DAL (smallest to largest): the learning rate goes from \
         {first} down to {low} and up to {end}, the update's norm falls from a tenth to the next {} times of \
         9; all must fall to be steady; the largest update is {} with DAL and {} with fixed rates",
        tally(&parts),
        adaptive.len(),
        spread_of_counts(&falling),
        number(largest(&adaptive)),
        number(largest(&fixed))
    );
    (Judgement::of(&parts), numbers)
}

/// The final loss and the test accuracy of DAL-0.5 against the best fixed rate.
pub(super) fn fig20(outcomes: &[Outcome]) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let judged = |groups: Vec<&Group>| {
        let (dal, fixed) = sides(groups);
        let half = dal.iter().find(|group| group.power == Some(0.5));
        let (_, highest) = range(fixed.iter().map(|group| group.accuracy()));
        let [loss, accuracy] =
            [Group::loss, Group::accuracy].map(|of| half.map_or(f64::NAN, |g| of(g)));
        let parts = [at_most(loss, best(&fixed)), at_most(highest, accuracy)];
        let [loss, least, accuracy, highest] = [loss, best(&fixed), accuracy, highest].map(number);
        (
            parts,
            format!(
                "loss {loss} with DAL-0.5, {least} with the best fixed rate, test accuracy {accuracy} and {highest}"
            ),
        )
    };
    let (parts, texts): (Vec<[Part; 2]>, Vec<String>) =
        networks(&groups).into_iter().map(judged).unzip();
    (Judgement::of(&parts.concat()), format!("{}; {}", texts.join(", "), list(&groups)))
}

/// Test accuracy and increases of the loss against `p`.
pub(super) fn fig21(outcomes: &[Outcome]) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let parts: Vec<Part> = networks(&groups).into_iter().flat_map(less_with_power).collect();
    let texts: Vec<String> = networks(&groups).into_iter().map(by_power).collect();
    (Judgement::of(&parts), format!("{}; {}", texts.join(", "), list(&groups)))
}

/// Test accuracy and increases of the loss of every power.
fn by_power(groups: Vec<&Group>) -> String {
    let (dal, _) = sides(groups);
    let text = |group: &&Group| {
        let power = group.power.map_or(String::new(), |p| p.to_string());
        format!("{} and {} (p = {power})", number(group.accuracy()), number(group.rises()))
    };
    let texts: Vec<String> = dal.iter().map(text).collect();
    format!("test accuracy and increases of the loss {}", texts.join(", "))
}

/// Whether test accuracy and increases of the loss fall with `p`.
fn less_with_power(groups: Vec<&Group>) -> [Part; 2] {
    let (dal, _) = sides(groups);
    [falls(&dal, Group::accuracy), falls(&dal, Group::rises)]
}

/// Mean learning rates against `p`.
pub(super) fn fig43(outcomes: &[Outcome]) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let (dal, _) = sides(&groups);
    let rates: Vec<String> =
        dal.iter().map(|group| format!("{}: {}", group.label, spread(&group.rates))).collect();
    let judged = |groups: Vec<&Group>| falls(&sides(groups).0, Group::rate);
    let parts: Vec<Part> = networks(&groups).into_iter().map(judged).collect();
    let numbers =
        format!("mean learning rate of all steps, {}: {}", seeds(&groups), rates.join(", "));
    (Judgement::of(&parts), numbers)
}

/// Both a lower loss and fewer increases than the fixed rate with the lowest loss.
pub(super) fn fig23(outcomes: &[Outcome]) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let best = best(&fixed);
    let calm = fixed.iter().find(|group| group.loss() == best);
    let calm = calm.map_or(f64::NAN, |group| group.rises());
    let faster = |group: &&Group| below(group.loss(), best);
    // One power is enough.
    let any = |parts: Vec<Part>| if parts.contains(&Some(true)) { Some(true) } else { all(parts) };
    let calmer = |group: &&Group| all([faster(group), below(group.rises(), calm)]);
    let parts = [any(dal.iter().map(faster).collect()), any(dal.iter().map(calmer).collect())];
    let text = |group: &&Group| {
        format!("{} and {} ({})", number(group.loss()), number(group.rises()), group.label)
    };
    let texts: Vec<String> = dal.iter().map(text).collect();
    let numbers = format!(
        "final loss and its increases {} and {} with the best fixed rate, {}; {}",
        number(best),
        number(calm),
        texts.join(", "),
        list(&groups)
    );
    (Judgement::of(&parts), numbers)
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
fn little_loss(
    outcomes: &[Outcome],
    full: bool,
    powers: &[f64],
    most: f64,
    why: &str,
) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let factors: Vec<f64> = powers.iter().map(|p| by_difference(&groups, full, *p)).collect();
    let parts: Vec<Part> = factors.iter().map(|factor| at_most(*factor, most)).collect();
    let text = |(power, factor): (&f64, &f64)| {
        if factor.is_nan() {
            format!("none to compare (p = {power})")
        } else {
            format!("{} (p = {power})", number(*factor))
        }
    };
    let texts: Vec<String> = powers.iter().zip(&factors).map(text).collect();
    let numbers = format!(
        "final loss with the difference in parts of that without: {}; {why}; {}",
        texts.join(", "),
        list(&groups)
    );
    (Judgement::of(&parts), numbers)
}

/// Of Figures 26, 28 and 29.
const NOTHING: (f64, &str) = (1.1, "up to a tenth more, 1.1, counts as nothing");

pub(super) fn fig26(outcomes: &[Outcome]) -> (Judgement, String) {
    little_loss(outcomes, true, &[0.5, 1.0], NOTHING.0, NOTHING.1)
}

pub(super) fn fig27(outcomes: &[Outcome]) -> (Judgement, String) {
    little_loss(outcomes, false, &[0.5, 1.0], 2.0, "up to twice as much, 2, counts as little")
}

pub(super) fn fig28(outcomes: &[Outcome]) -> (Judgement, String) {
    little_loss(outcomes, true, &[1.0], NOTHING.0, NOTHING.1)
}

pub(super) fn fig29(outcomes: &[Outcome]) -> (Judgement, String) {
    little_loss(outcomes, true, &[0.5], NOTHING.0, NOTHING.1)
}

/// As Figure 21, with each batch size.
pub(super) fn fig40(outcomes: &[Outcome]) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let parts: Vec<Part> = batches(&groups).into_iter().flat_map(less_with_power).collect();
    let texts: Vec<String> = batches(&groups).into_iter().map(by_power).collect();
    let numbers = format!("batches from small to large: {}; {}", texts.join(", "), list(&groups));
    (Judgement::of(&parts), numbers)
}

/// DAL of this power against the best fixed rate, with each batch size.
fn with_each_batch(outcomes: &[Outcome], power: f64) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let judged = |groups: Vec<&Group>| {
        let (dal, fixed): (Vec<&Group>, Vec<&Group>) =
            groups.into_iter().partition(|group| group.is_dal());
        let dal = dal.into_iter().find(|group| group.power == Some(power));
        let winner = fixed.iter().find(|group| group.loss() == best(&fixed));
        let text = |group: Option<&Group>| {
            group.map_or_else(|| number(f64::NAN), |group| spread(&group.losses))
        };
        let size = dal.and_then(|group| group.batch.filter(|_| !group.full));
        let size = size.map_or_else(|| "full batches".into(), |size| format!("batches of {size}"));
        let text = format!("{} and {} ({size})", text(dal), text(winner.copied()));
        (at_most(dal.map_or(f64::NAN, Group::loss), best(&fixed)), text)
    };
    let (parts, texts): (Vec<Part>, Vec<String>) = batches(&groups).into_iter().map(judged).unzip();
    let numbers = format!(
        "final loss with DAL-{power} and with the best fixed rate, {}: {}",
        seeds(&groups),
        texts.join(", ")
    );
    (Judgement::of(&parts), numbers)
}

pub(super) fn fig41(outcomes: &[Outcome]) -> (Judgement, String) {
    with_each_batch(outcomes, 1.0)
}

pub(super) fn fig42(outcomes: &[Outcome]) -> (Judgement, String) {
    with_each_batch(outcomes, 0.5)
}

/// The final losses of DAL and DAL-0.5 against the best fixed rate.
pub(super) fn fig44(outcomes: &[Outcome]) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let parts: Vec<Part> = dal.iter().map(|group| below(group.loss(), best(&fixed))).collect();
    let text = |group: &&Group| format!("{} ({})", number(group.loss()), group.label);
    let texts: Vec<String> = dal.iter().map(text).collect();
    let numbers = format!(
        "final loss {} with the best fixed rate, {}; {}",
        number(best(&fixed)),
        texts.join(", "),
        list(&groups)
    );
    (Judgement::of(&parts), numbers)
}

/// Whether the loss halves.
pub(super) fn fig45(outcomes: &[Outcome]) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let start = median(outcomes.iter().filter_map(|o| column(o, "loss").first().copied()));
    let parts: Vec<Part> = groups.iter().map(|group| below(group.loss(), 0.5 * start)).collect();
    let numbers = format!(
        "the loss halves in {} settings; less than half of the first loss, {}, counts as trained; {}",
        tally(&parts),
        number(start),
        list(&groups)
    );
    (Judgement::of(&parts), numbers)
}

/// The best final loss with fixed rates divided by that with DAL, with small and with large batches.
pub(super) fn fig48(outcomes: &[Outcome]) -> (Judgement, String) {
    let groups = summarise(outcomes);
    let gain = |groups: Vec<&Group>| {
        let (dal, fixed): (Vec<&Group>, Vec<&Group>) =
            groups.into_iter().partition(|group| group.is_dal());
        best(&fixed) / best(&dal)
    };
    let gains: Vec<f64> = batches(&groups).into_iter().map(gain).collect();
    let texts: Vec<String> = gains.iter().map(|gain| number(*gain)).collect();
    let numbers = format!(
        "best fixed final loss in parts of DAL's, batches from small to large: {}; {}",
        texts.join(", "),
        list(&groups)
    );
    let grows = all(gains.windows(2).map(|pair| below(pair[0], pair[1])));
    (Judgement::of(&[grows]), numbers)
}

/// The range of `2‖g‖/‖∇²E g‖`.
pub(super) fn fig39(outcomes: &[Outcome]) -> (Judgement, String) {
    let rates = |outcome: &Outcome| -> Vec<f64> {
        let (size, product) = (column(outcome, "gradient_norm"), column(outcome, "hg"));
        size.into_iter().zip(product).map(|(g, hg)| 2.0 * g / hg).collect()
    };
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let rates = rates(outcome);
        let (low, _) = range(rates.iter().copied());
        parts.push(all([below(1e-3, low), below(median(rates.iter().copied()), 10.0)]));
        texts.push(format!("{} at h = {}", spread(&rates), rate(outcome)));
    }
    let numbers = format!(
        "median (smallest to largest) along the run: {}; reasonable is a median below 10 and nothing below \
         0.001",
        texts.join(", ")
    );
    (Judgement::of(&parts), numbers)
}
