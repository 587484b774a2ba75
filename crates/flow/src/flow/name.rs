//! The names of flows: `gd,ngf,igr,order:3,pf,pf+np:2,pf-even,positive,flip:1,cubic,central,rod,interpolated:4`.

use bea_series::text::near;
use bea_series::text::source::{Source, SourceError};
use std::fmt;
use std::ops::Range;

/// The highest order of a truncated or interpolated flow that a name may ask for. There are 87811
/// trees with up to 13 nodes; what is affordable depends on the loss and is decided elsewhere.
pub const MAX_ORDER: usize = 12;

/// A flow to compare an optimizer with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum FlowName {
    /// `gd`: gradient descent `θ' = θ + h f(θ)` itself, no flow.
    GradientDescent,
    /// `ngf`: the negative gradient flow `θ̇ = f(θ) = -∇E`.
    NegativeGradient,
    /// `igr`: `θ̇ = f - h/2 f'f`, the implicit gradient regularisation flow (paper, Equation 3).
    ImplicitRegularization,
    /// `order:n`: the modified field of the optimizer, truncated after `h^n`.
    Order(usize),
    /// `pf`: the principal flow, all terms `(f')^n f` (paper, Definition 3.1).
    Principal,
    /// `pf+np:n`: the principal flow and all other terms up to `h^n` (paper, Definition 3.3 for
    /// `n = 2`).
    PrincipalWith(usize),
    /// `pf-even`: the principal flow with `log|1-hλ|`, which is real.
    PrincipalEven,
    /// `positive`: the positive gradient flow `θ̇ = -f = +∇E`.
    Positive,
    /// `flip:k`: the negative gradient flow with the `k` eigendirections of largest curvature
    /// reversed (paper, Figure 14).
    Flip(usize),
    /// `cubic`: the principal flow and all trees with one branching vertex.
    Cubic,
    /// `central`: the path that an optimizer oscillates about at the edge of stability, on the average.
    Central,
    /// `rod`: the midpoints of gradient descent's steps, and the covariance of their halves.
    Rod,
    /// `interpolated:n`: from differences of `n + 1` steps of the optimizer, without derivatives.
    Interpolated(usize),
}

/// Terms of a modified field.
#[derive(Clone, Copy)]
pub(super) struct OwnTerms {
    /// Whether the principal ones are there, to every order.
    pub principal: bool,
    /// The highest power of `h` of the others, or of all.
    pub order: usize,
}

impl OwnTerms {
    /// Whether the effective start differs from the start: to order 0 it does not.
    pub fn move_the_start(self) -> bool {
        self.principal || self.order > 0
    }
}

/// A kind of flow: how it is written, and how its name is completed with a number.
struct Spelling {
    /// The name, with `:n` if a number belongs to it.
    name: &'static str,
    /// What it makes of the number (0 where there is none).
    flow: fn(usize) -> FlowName,
    /// The numbers it takes.
    range: Range<usize>,
    /// What it is, in one line.
    about: &'static str,
}

const SPELLINGS: [Spelling; 13] = [
    Spelling {
        name: "gd",
        flow: |_| FlowName::GradientDescent,
        range: 0..1,
        about: "gradient descent itself, θ' = θ - h∇E: no flow",
    },
    Spelling {
        name: "ngf",
        flow: |_| FlowName::NegativeGradient,
        range: 0..1,
        about: "the negative gradient flow -∇E",
    },
    Spelling {
        name: "igr",
        flow: |_| FlowName::ImplicitRegularization,
        range: 0..1,
        about: "implicit gradient regularisation, -∇E - h/2 H∇E",
    },
    Spelling {
        name: "order:n",
        flow: FlowName::Order,
        range: 0..MAX_ORDER + 1,
        about: "the optimizer's modified field, all terms up to h^n",
    },
    Spelling {
        name: "pf",
        flow: |_| FlowName::Principal,
        range: 0..1,
        about: "the principal flow: the terms (f')^k f of every order",
    },
    Spelling {
        name: "pf+np:n",
        flow: FlowName::PrincipalWith,
        range: 0..MAX_ORDER + 1,
        about: "the principal flow and all other terms up to h^n",
    },
    Spelling {
        name: "pf-even",
        flow: |_| FlowName::PrincipalEven,
        range: 0..1,
        about: "the principal flow with log|1-hλ|, which is real",
    },
    Spelling {
        name: "positive",
        flow: |_| FlowName::Positive,
        range: 0..1,
        about: "the positive gradient flow +∇E",
    },
    Spelling {
        name: "flip:k",
        flow: FlowName::Flip,
        range: 1..usize::MAX,
        about: "ngf with the k directions of largest curvature reversed",
    },
    Spelling {
        name: "cubic",
        flow: |_| FlowName::Cubic,
        range: 0..1,
        about: "the principal flow and all trees with one branching vertex",
    },
    Spelling {
        name: "central",
        flow: |_| FlowName::Central,
        range: 0..1,
        about: "the mean path through the edge of stability",
    },
    Spelling {
        name: "rod",
        flow: |_| FlowName::Rod,
        range: 0..1,
        about: "midpoints of steps through the edge of stability",
    },
    Spelling {
        name: "interpolated:n",
        flow: FlowName::Interpolated,
        range: 0..MAX_ORDER + 1,
        about: "from differences of n + 1 steps, without derivatives",
    },
];

impl FlowName {
    /// How flows are written, with `:n` where a number belongs to the name.
    pub fn names() -> Vec<&'static str> {
        SPELLINGS.iter().map(|kind| kind.name).collect()
    }

    /// Whether it has an oscillation beside its path, so that its velocity is no function of the point alone.
    pub fn oscillates(self) -> bool {
        matches!(self, FlowName::Central | FlowName::Rod)
    }

    /// Whether it begins at the effective start of an optimizer whose buffers do not start settled, as its own flows do from
    /// order 1 on: to order 0 that is the start, and the other flows are gradient descent's, whatever the optimizer.
    pub fn has_effective_start(self) -> bool {
        self.own_terms().is_some_and(OwnTerms::move_the_start)
    }

    /// The terms of the optimizer's own modified field that it has; none of a flow of gradient descent.
    pub(super) fn own_terms(self) -> Option<OwnTerms> {
        let (principal, order) = match self {
            FlowName::Order(order) | FlowName::Interpolated(order) => (false, order),
            FlowName::Principal | FlowName::PrincipalEven => (true, 0),
            FlowName::PrincipalWith(order) => (true, order),
            _ => return None,
        };
        Some(OwnTerms { principal, order })
    }

    /// How flows are written, each with what it is.
    pub fn described() -> Vec<(&'static str, &'static str)> {
        SPELLINGS.iter().map(|kind| (kind.name, kind.about)).collect()
    }

    /// The flows of a list such as `gd,ngf,order:3`, in order, each once.
    ///
    /// # Errors
    /// An empty list, an unknown name (with those it resembles), a missing, superfluous or too
    /// large number, a flow that is named twice.
    ///
    /// ```
    /// # use bea_flow::flow::FlowName;
    /// # use bea_series::source::Source;
    /// let flows = FlowName::parse(&Source::new("command line", "ngf, order:3,pf+np:2"))?;
    /// let expected =
    ///     [FlowName::NegativeGradient, FlowName::Order(3), FlowName::PrincipalWith(2)];
    /// assert_eq!(flows, expected);
    /// assert_eq!(flows[2].to_string(), "pf+np:2");
    /// # Ok::<(), bea_series::source::SourceError>(())
    /// ```
    pub fn parse(source: &Source) -> Result<Vec<FlowName>, SourceError> {
        let mut flows = Vec::new();
        let mut at = 0;
        for item in source.text.split(',') {
            let start = at + (item.len() - item.trim_start().len());
            let span = start..start + item.trim().len();
            let flow = parse_one(source, item.trim(), span.clone())?;
            if flows.contains(&flow) {
                return Err(source.fault(
                    span,
                    format!("the flow `{flow}` is named twice"),
                    "the second time",
                    None,
                ));
            }
            flows.push(flow);
            at += item.len() + 1;
        }
        Ok(flows)
    }
}

fn parse_one(source: &Source, text: &str, span: Range<usize>) -> Result<FlowName, SourceError> {
    let names = FlowName::names();
    if text.is_empty() {
        let help = Some(format!("the flows are {}", near::quoted(&names)));
        return Err(source.fault(span, "a flow is missing", "nothing here", help));
    }
    let (stem, number) = match text.split_once(':') {
        Some((stem, number)) => (stem, Some(number)),
        None => (text, None),
    };
    let Some(kind) = SPELLINGS.iter().find(|k| k.name.split(':').next() == Some(stem)) else {
        return Err(source.fault(
            span,
            format!("there is no flow `{text}`"),
            "not a flow",
            near::advice(text, &names),
        ));
    };
    match (kind.name.split_once(':'), number) {
        (None, None) => Ok((kind.flow)(0)),
        (None, Some(_)) => Err(source.fault(
            span.start + stem.len()..span.end,
            format!("the flow `{stem}` takes no number"),
            "leave this out",
            None,
        )),
        (Some(_), None) => Err(source.fault(
            span,
            format!("the flow `{stem}` needs a number"),
            "a number is missing",
            Some(format!("write `{stem}:{}`", kind.range.start.max(2))),
        )),
        (Some((_, letter)), Some(number)) => {
            let at = span.start + stem.len() + 1..span.end;
            let Range { start, end } = kind.range;
            let limits = match end {
                usize::MAX => format!("{letter} is a whole number, at least {start}"),
                _ => format!("{letter} is a whole number from {start} to {}", end - 1),
            };
            let fault = |label| {
                let message = format!("`{number}` is no {letter} of `{}`", kind.name);
                Err(source.fault(at, message, label, Some(limits)))
            };
            match number.parse::<usize>() {
                Ok(n) if kind.range.contains(&n) => Ok((kind.flow)(n)),
                Ok(n) if n < start => fault("too small"),
                Ok(_) => fault("too large"),
                Err(_) => fault("not a whole number"),
            }
        }
    }
}

impl fmt::Display for FlowName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlowName::GradientDescent => write!(out, "gd"),
            FlowName::NegativeGradient => write!(out, "ngf"),
            FlowName::ImplicitRegularization => write!(out, "igr"),
            FlowName::Order(n) => write!(out, "order:{n}"),
            FlowName::Principal => write!(out, "pf"),
            FlowName::PrincipalWith(n) => write!(out, "pf+np:{n}"),
            FlowName::PrincipalEven => write!(out, "pf-even"),
            FlowName::Positive => write!(out, "positive"),
            FlowName::Flip(k) => write!(out, "flip:{k}"),
            FlowName::Cubic => write!(out, "cubic"),
            FlowName::Central => write!(out, "central"),
            FlowName::Rod => write!(out, "rod"),
            FlowName::Interpolated(n) => write!(out, "interpolated:{n}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        FlowName::parse(&Source::new("flows", text)).unwrap_err().to_string()
    }

    #[test]
    fn every_name_parses_back() {
        let text = "gd,ngf,igr,order:3,pf,pf+np:2,pf-even,positive,flip:1,cubic,central,rod,interpolated:4";
        let flows = FlowName::parse(&Source::new("flows", text)).unwrap();
        assert_eq!(flows.len(), SPELLINGS.len());
        let printed: Vec<String> = flows.iter().map(ToString::to_string).collect();
        assert_eq!(printed.join(","), text);
    }

    #[test]
    fn faults_say_what_is_wrong() {
        assert_eq!(fault("gd,nfg"), "there is no flow `nfg`");
        assert_eq!(fault("order"), "the flow `order` needs a number");
        assert_eq!(fault("pf:2"), "the flow `pf` takes no number");
        assert_eq!(fault("order:99"), "`99` is no n of `order:n`");
        assert_eq!(fault("flip:0"), "`0` is no k of `flip:k`");
        assert_eq!(fault("order:x"), "`x` is no n of `order:n`");
        assert_eq!(fault("ngf,,pf"), "a flow is missing");
        assert_eq!(fault("ngf,ngf"), "the flow `ngf` is named twice");
    }
}
