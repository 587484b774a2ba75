//! Figures about learning rates: DAL beside fixed ones, 18 to 21, 23, 26 to 29, 39 to 46 and 48.

use super::numbers::{column, groups, increases, last, mean, median, range, rate, spread};
use crate::experiment::Outcome;
use crate::experiment::figures::Verdict;

/// One group of seeds.
struct Group {
    label: String,
    /// The mean number of steps at which the loss increases; infinite where runs diverge.
    increases: f64,
    /// The final loss, the median of the seeds.
    loss: f64,
    accuracies: Vec<f64>,
    /// The mean learning rate.
    rate: f64,
}

impl Group {
    fn is_dal(&self) -> bool {
        self.label.contains("DAL")
    }

    /// The number after `p=`, say.
    fn value(&self, key: &str) -> Option<f64> {
        let after = |word: &str| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok();
        self.label.split(' ').find_map(after)
    }

    /// The median of the seeds, zero where one diverges.
    fn accuracy(&self) -> f64 {
        if self.loss.is_finite() { median(self.accuracies.iter().copied()) } else { 0.0 }
    }
}

fn summarise(outcomes: &[Outcome]) -> Vec<Group> {
    let group = |(label, members): (String, Vec<&Outcome>)| {
        let finite = members.iter().all(|o| last(o, "loss").is_finite());
        let of_runs = |value: &dyn Fn(&Outcome) -> f64| -> Vec<f64> {
            members.iter().map(|outcome| value(outcome)).collect()
        };
        let or_infinite = |value: f64| if finite { value } else { f64::INFINITY };
        Group {
            increases: or_infinite(mean(of_runs(&|o| increases(&column(o, "loss")) as f64))),
            loss: or_infinite(median(of_runs(&|o| last(o, "loss")))),
            accuracies: of_runs(&|o| last(o, "test_accuracy")),
            rate: mean(of_runs(&|o| mean(column(o, "learning_rate")))),
            label,
        }
    };
    groups(outcomes).into_iter().map(group).collect()
}

/// What is judged, for the line of a figure.
fn list(groups: &[Group]) -> String {
    let text = |g: &Group| {
        if !g.loss.is_finite() {
            return format!("{}: diverges", g.label);
        }
        let accuracy = match g.accuracies.iter().all(|a| a.is_finite()) {
            true => format!(", test accuracy {}", spread(&g.accuracies)),
            false => String::new(),
        };
        format!("{}: loss {:.3}, {:.0} increases{accuracy}", g.label, g.loss, g.increases)
    };
    let texts: Vec<String> = groups.iter().map(text).collect();
    format!("after the same steps, median or mean of seeds: {}", texts.join("; "))
}

/// Groups with DAL, and those with fixed rates.
fn sides(groups: &[Group]) -> (Vec<&Group>, Vec<&Group>) {
    groups.iter().partition(|g| g.is_dal())
}

/// The lowest final loss.
fn best(groups: &[&Group]) -> f64 {
    range(groups.iter().map(|g| g.loss)).0
}

/// Fewer increases of the loss than with every fixed rate that ends with a lower loss.
pub(super) fn fig18(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let stable = |g: &&Group| fixed.iter().all(|f| f.loss >= g.loss || f.increases >= g.increases);
    let parts: Vec<bool> = dal.iter().map(stable).collect();
    (Verdict::of(&parts), list(&groups))
}

/// The range of DAL's learning rates, and its largest update beside that of the fixed rates.
pub(super) fn fig19(outcomes: &[Outcome]) -> (Verdict, String) {
    let (dal, fixed): (Vec<&Outcome>, Vec<&Outcome>) =
        outcomes.iter().partition(|o| o.config.label.contains("DAL"));
    let of = |runs: &[&Outcome], name: &str| {
        range(runs.iter().flat_map(|outcome| column(outcome, name)))
    };
    let (low, high) = of(&dal, "learning_rate");
    let (_, largest_fixed) = range(fixed.iter().map(|outcome| rate(outcome)));
    let (_, update) = of(&dal, "update_norm");
    let (_, of_fixed) = of(&fixed, "update_norm");
    let numbers = format!(
        "DAL's learning rate goes from {low:.3} to {high:.2}, the fixed ones up to {largest_fixed}; the \
         largest update is {update:.2} with DAL and {of_fixed:.1e} with fixed ones"
    );
    (Verdict::of(&[high > largest_fixed, update <= of_fixed]), numbers)
}

/// The final loss, and the test accuracy where it is measured, of DAL-0.5 against the best fixed rate.
pub(super) fn fig20(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let half = dal.iter().find(|g| g.value("p") == Some(0.5));
    let (_, highest) = range(fixed.iter().map(|g| g.accuracy()));
    let parts = [
        half.is_some_and(|g| g.loss <= best(&fixed)),
        half.is_some_and(|g| g.accuracy() >= highest),
    ];
    (Verdict::of(&parts), list(&groups))
}

/// Whether a quantity does not increase with `p`.
fn falls(groups: &[&Group], quantity: impl Fn(&Group) -> f64) -> bool {
    let mut sorted = groups.to_vec();
    let p = |g: &Group| g.value("p").unwrap_or(f64::NAN);
    sorted.sort_by(|a, b| p(a).total_cmp(&p(b)));
    !sorted.is_empty() && sorted.windows(2).all(|pair| quantity(pair[0]) >= quantity(pair[1]))
}

/// Test accuracy and increases of the loss against `p`.
pub(super) fn fig21(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let (dal, _) = sides(&groups);
    (Verdict::of(&[falls(&dal, Group::accuracy), falls(&dal, |g| g.increases)]), list(&groups))
}

/// Mean learning rates against `p`.
pub(super) fn fig43(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let (dal, _) = sides(&groups);
    let rates: Vec<String> = dal.iter().map(|g| format!("{}: {:.3}", g.label, g.rate)).collect();
    let numbers = format!("mean learning rate of seeds and steps: {}", rates.join("; "));
    (Verdict::of(&[falls(&dal, |g| g.rate)]), numbers)
}

/// Both a lower loss and fewer increases than the fixed rates with the lowest loss.
pub(super) fn fig23(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let best = best(&fixed);
    let calm = fixed.iter().find(|g| g.loss == best).map_or(f64::NAN, |g| g.increases);
    let faster = dal.iter().any(|g| g.loss <= best);
    let calmer = dal.iter().any(|g| g.loss <= best && g.increases <= calm);
    (Verdict::of(&[faster, calmer]), list(&groups))
}

/// By what factor the final loss changes with the difference in place of the exact product.
fn by_difference(groups: &[Group], batch: Option<f64>, p: f64) -> f64 {
    let loss = |kind: &str| {
        let found = groups.iter().find(|g| {
            g.label.contains(kind) && g.value("batch") == batch && g.value("p") == Some(p)
        });
        found.map_or(f64::NAN, |g| g.loss)
    };
    loss("difference") / loss("exact")
}

/// That the loss is at most a tenth higher with the difference.
fn no_loss(outcomes: &[Outcome], cases: &[(Option<f64>, f64)]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let factors: Vec<f64> =
        cases.iter().map(|(batch, p)| by_difference(&groups, *batch, *p)).collect();
    let parts: Vec<bool> = factors.iter().map(|f| *f <= 1.1).collect();
    let texts: Vec<String> =
        cases.iter().zip(&factors).map(|((_, p), f)| format!("{f:.2} (p = {p})")).collect();
    let numbers = format!(
        "final loss with the difference in parts of that without: {}; a tenth more would count; {}",
        texts.join(", "),
        list(&groups)
    );
    (Verdict::of(&parts), numbers)
}

/// Batches of Figures 26 and 27.
const FULL: Option<f64> = Some(250.0);
const SMALL: Option<f64> = Some(50.0);

pub(super) fn fig26(outcomes: &[Outcome]) -> (Verdict, String) {
    no_loss(outcomes, &[(FULL, 0.5), (FULL, 1.0)])
}

pub(super) fn fig27(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let factors = [0.5, 1.0].map(|p| by_difference(&groups, SMALL, p));
    let [half, one] = factors;
    let numbers = format!(
        "final loss with the difference in parts of that without: {half:.2} (p = 0.5), {one:.2} (p = 1); \
         up to twice as much counts as little"
    );
    (Verdict::of(&factors.map(|f| f <= 2.0)), numbers)
}

pub(super) fn fig28(outcomes: &[Outcome]) -> (Verdict, String) {
    no_loss(outcomes, &[(None, 1.0)])
}

pub(super) fn fig29(outcomes: &[Outcome]) -> (Verdict, String) {
    no_loss(outcomes, &[(None, 0.5)])
}

/// Groups of each batch size, small ones first.
fn batches(groups: &[Group]) -> Vec<Vec<&Group>> {
    let mut sizes: Vec<f64> = groups.iter().filter_map(|g| g.value("batch")).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let of = |size: &f64| groups.iter().filter(|g| g.value("batch") == Some(*size)).collect();
    sizes.iter().map(of).collect()
}

/// As Figure 21, with each batch size.
pub(super) fn fig40(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let judged = |groups: Vec<&Group>| {
        let dal: Vec<&Group> = groups.into_iter().filter(|g| g.is_dal()).collect();
        [falls(&dal, Group::accuracy), falls(&dal, |g| g.increases)]
    };
    let parts: Vec<bool> = batches(&groups).into_iter().flat_map(judged).collect();
    (Verdict::of(&parts), list(&groups))
}

/// DAL of this power against the best fixed rate, with each batch size.
fn with_each_batch(outcomes: &[Outcome], p: f64) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let judged = |groups: Vec<&Group>| {
        let (dal, fixed): (Vec<&Group>, Vec<&Group>) = groups.into_iter().partition(|g| g.is_dal());
        let of_dal = dal.iter().find(|g| g.value("p") == Some(p)).map_or(f64::NAN, |g| g.loss);
        let batch = fixed.first().and_then(|g| g.value("batch")).unwrap_or(f64::NAN);
        let text = format!("{of_dal:.3} and {:.3} (batches of {batch})", best(&fixed));
        (of_dal <= best(&fixed), text)
    };
    let (parts, texts): (Vec<bool>, Vec<String>) = batches(&groups).into_iter().map(judged).unzip();
    let numbers =
        format!("final loss with DAL-{p} and with the best fixed rate: {}", texts.join(", "));
    (Verdict::of(&parts), numbers)
}

pub(super) fn fig41(outcomes: &[Outcome]) -> (Verdict, String) {
    with_each_batch(outcomes, 1.0)
}

pub(super) fn fig42(outcomes: &[Outcome]) -> (Verdict, String) {
    with_each_batch(outcomes, 0.5)
}

/// The final losses of DAL and DAL-0.5 against the best fixed rate.
pub(super) fn fig44(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let (dal, fixed) = sides(&groups);
    let parts: Vec<bool> = dal.iter().map(|g| g.loss <= best(&fixed)).collect();
    (Verdict::of(&parts), list(&groups))
}

/// Whether the loss halves.
pub(super) fn fig45(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let start = median(outcomes.iter().filter_map(|o| column(o, "loss").first().copied()));
    let parts: Vec<bool> = groups.iter().map(|g| g.loss < 0.5 * start).collect();
    let numbers =
        format!("half of the first loss, {start:.3}, counts as trained; {}", list(&groups));
    (Verdict::of(&parts), numbers)
}

/// The best fixed loss in parts of DAL's, with small and with large batches.
pub(super) fn fig48(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let gain = |groups: Vec<&Group>| {
        let (dal, fixed): (Vec<&Group>, Vec<&Group>) = groups.into_iter().partition(|g| g.is_dal());
        best(&fixed) / best(&dal)
    };
    let gains: Vec<f64> = batches(&groups).into_iter().map(gain).collect();
    let texts: Vec<String> = gains.iter().map(|gain| format!("{gain:.2}")).collect();
    let numbers = format!(
        "best fixed final loss in parts of DAL's, batches from small to large: {}; {}",
        texts.join(", "),
        list(&groups)
    );
    (Verdict::of(&[gains.len() > 1 && gains.windows(2).all(|pair| pair[0] < pair[1])]), numbers)
}

/// The range of `2‖g‖/‖∇²E g‖`.
pub(super) fn fig39(outcomes: &[Outcome]) -> (Verdict, String) {
    let rates = |outcome: &Outcome| -> Vec<f64> {
        let (size, product) = (column(outcome, "gradient_norm"), column(outcome, "hg"));
        size.into_iter().zip(product).map(|(g, hg)| 2.0 * g / hg).collect()
    };
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let rates = rates(outcome);
        let (low, high) = range(rates.iter().copied());
        let typical = median(rates);
        parts.push(low > 1e-3 && typical < 10.0);
        texts.push(format!("{typical:.3} ({low:.3} to {high:.2}) at h = {}", rate(outcome)));
    }
    (Verdict::of(&parts), format!("median and range: {}", texts.join("; ")))
}
