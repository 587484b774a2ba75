//! DAL beside fixed learning rates with several batch sizes: Figures 40 to 42 and 48.

use super::groups::{
    Group, apart, batches, best, by_rounding, list, medians, no_larger, of_seeds, sides, summarise,
    winner,
};
use super::numbers::{Part, all, below, median, number, spread, tally};
use super::rates::{less_with_power, of_powers};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Finding;

/// As Figure 21, with each batch size.
pub(super) fn fig40(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let parts: Vec<[Part; 2]> = batches(&groups).into_iter().map(less_with_power).collect();
    let sizes: Vec<String> =
        batches(&groups).iter().map(|groups| size(groups.first().copied())).collect();
    let [accuracy, increases] =
        [0, 1].map(|i| held(&sizes, &parts.iter().map(|of| of[i]).collect::<Vec<_>>()));
    let text = |groups: Vec<&Group>| {
        let size = size(groups.first().copied());
        let [accuracies, rises] = of_powers(groups);
        format!("with {size}, the test accuracy is {accuracies}, and the loss increases {rises}")
    };
    let texts: Vec<String> = batches(&groups).into_iter().map(text).collect();
    let seen = texts.join("; ") + &medians(&groups);
    let decides = format!(
        "falls with every larger p, with all seeds: the test accuracy {accuracy}, the number of increases of the loss, counted to \
         the end of runs that diverge, too, {increases}; both must with each of {} batch sizes",
        sizes.len()
    );
    let title = format!(
        "with every seed, lowering p raises the test accuracy {accuracy}, and the number of increases {increases}"
    );
    Finding::new(&parts.concat(), seen, decides).with(list(&groups)).titled_unless_it_holds(title)
}

/// `with batches of 25 only`: with which batch sizes something holds.
fn held(sizes: &[String], parts: &[Part]) -> String {
    if parts.contains(&None) {
        return format!("with {} batch sizes", tally(parts));
    }
    let held = sizes.iter().zip(parts).filter(|(_, part)| **part == Some(true));
    let held: Vec<&str> = held.map(|(size, _)| size.as_str()).collect();
    match held.len() {
        0 => format!("with 0 of {} batch sizes", parts.len()),
        n if n == parts.len() => "with every batch size".into(),
        _ => format!("with {} only", held.join(" and ")),
    }
}

/// `batches of 25`, or `full batches`.
pub(super) fn size(group: Option<&Group>) -> String {
    let size = group.and_then(|group| group.batch.filter(|_| !group.full));
    size.map_or_else(|| "full batches".into(), |size| format!("batches of {size}"))
}

/// DAL of this power against the best fixed rate, with each batch size: the median, and every seed against every seed.
fn with_each_batch(outcomes: &[Outcome], power: f64) -> Finding {
    let groups = summarise(outcomes);
    let (mut failing, mut levels) = (Vec::new(), Vec::new());
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
        let parts = dal.zip(fixed_best).map_or([None; 2], |(dal, fixed)| {
            no_larger(dal, fixed, Group::loss, |group| &group.losses)
        });
        if let Some(dal) = dal.filter(|dal| dal.failed() > 0) {
            failing.push(format!("with {} ({})", dal.failing(), size(Some(dal))));
        }
        let level = match parts {
            [Some(true), Some(true)] => "yes with every seed",
            [Some(true), _] => "yes in the median only",
            [Some(false), _] => "no",
            [None, _] => "not measured",
        };
        levels.push(format!("with {} {level}", size(dal)));
        (parts, (seen, decides))
    };
    let (parts, texts): (Vec<[Part; 2]>, Vec<(String, String)>) =
        batches(&groups).into_iter().map(judged).unzip();
    let (seen, decides): (Vec<String>, Vec<String>) = texts.into_iter().unzip();
    let name = if power == 1.0 { "DAL".into() } else { format!("DAL-{power}") };
    let seen = format!(
        "{name} ends with a loss of {}{}, the first number with {name} and the second with the best fixed rate",
        seen.join(", "),
        of_seeds(&groups)
    );
    let half = groups.iter().find(|group| group.full && group.power == Some(0.5));
    let [medians, every] = [0, 1].map(|i| tally(&parts.iter().map(|of| of[i]).collect::<Vec<_>>()));
    let decides = format!(
        "loss {}; must not be larger with DAL with any batch size, in the median ({medians}) and with every seed ({every})",
        decides.join(", ")
    );
    let parts = parts.concat();
    let title = if failing.is_empty() {
        format!("{name} ends no higher than the best fixed rate: {}", levels.join(", "))
    } else {
        format!("{name} fails {}", failing.join(" and "))
    };
    Finding::new(&parts, seen, decides)
        .with(list(&groups) + &by_rounding(half))
        .titled_unless_it_holds(title)
}

pub(super) fn fig41(outcomes: &[Outcome]) -> Finding {
    with_each_batch(outcomes, 1.0)
}

pub(super) fn fig42(outcomes: &[Outcome]) -> Finding {
    with_each_batch(outcomes, 0.5)
}

/// The final loss with the best fixed rate divided by that with DAL, seed by seed, with small and with large batches.
pub(super) fn fig48(outcomes: &[Outcome]) -> Finding {
    let groups = summarise(outcomes);
    let (mut gains, mut seen, mut decides, mut titles) = (vec![], vec![], vec![], vec![]);
    for groups in batches(&groups) {
        let (dal, fixed) = sides(groups);
        let (Some(dal), Some(fixed)) = (dal.first(), winner(&fixed)) else { continue };
        let size = size(Some(*dal));
        let gain = fixed.losses.iter().zip(&dal.losses).map(|(fixed, dal)| fixed / dal);
        let gain: Vec<f64> = gain.collect();
        let diverging = match dal.away {
            0 => String::new(),
            away => format!(" ({away} of {} seeds diverge)", dal.losses.len()),
        };
        seen.push(format!(
            "{} with DAL{diverging} and {} with the best fixed rate with {size}",
            spread(&dal.losses),
            spread(&fixed.losses)
        ));
        decides.push(format!("{} with {size}", spread(&gain)));
        let fail = match dal.failed() {
            0 => String::new(),
            failed => format!(" (DAL: {failed} of {} fail)", dal.losses.len()),
        };
        titles.push(format!("{} with {size}{fail}", number(median(gain.iter().copied()))));
        gains.push(gain);
    }
    let seen = format!("the final loss is {}{}", seen.join(", "), of_seeds(&groups));
    let decides = format!(
        "loss with the best fixed rate divided by that with DAL, seed by seed, below 1 where DAL is worse: {}; must grow with the \
         batches, in the median and with every seed",
        decides.join(", ")
    );
    let typical = |gain: &Vec<f64>| median(gain.iter().copied());
    let grows = gains.windows(2).map(|pair| below(typical(&pair[0]), typical(&pair[1])));
    let every = gains.windows(2).map(|pair| apart(&pair[0], &pair[1]));
    let finding = Finding::new(&[all(grows), all(every)], seen, decides).with(list(&groups));
    let titles = titles.join(", ");
    finding.titled(format!("with momentum, best fixed loss / DAL's is {titles}"))
}
