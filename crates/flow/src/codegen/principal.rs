//! The principal part of a modified field as a function of one Jacobian.
//!
//! On a linear field with Jacobian `J` the optimizer settles on the root `P(z)`, `z = hJ`, of its
//! characteristic polynomial with `P(0) = 1`, and the principal part is `log(P(hJ))/(hJ) f`. With
//! `P(z) = 1 + z R(z)`,
//!
//! ```text
//! log(P(z))/z = R(z) log(1 + w)/w,   w = z R(z),
//! ```
//!
//! which loses no digits near `z = 0`. Gradient descent has `R = 1`. In general `R(z)` is a root of a
//! polynomial `Σ_j d_j(z) r^j`. Emitted code follows it by Newton's method from
//! `R(0) = -d_0(0)/d_1(0)` to `z`, around branch points as `bea flow` does at a start: above the real
//! axis, or below it where `z` is there.
//!
//! Where no scaling makes a method homogeneous in its step size, `h` is a parameter of `P`, `z` stands
//! for `J`, and the principal part is `log(P(J))/(hJ) f`.

use super::module::{Function, ReturnType};
use super::{CodeRequest, CodegenError};
use crate::flow::FlowName;
use crate::loss::{Expr, Graph, Program};
use bea_series::field::{ClosedForm, joint};
use bea_series::series::GeneralLinearMethod;

/// `log(P(hJ))/(hJ) f`, and what is added to it.
pub(super) struct PrincipalVelocity {
    /// `J`, or `-J` if it is [`negative`](Self::negative): the Hessian of one loss.
    pub jacobian: Function,
    /// The name of the function that is `f`, or `-f` if it is negative: the gradient of one loss.
    pub force: &'static str,
    /// Whether these two have the opposite sign.
    pub negative: bool,
    /// Whether `J` is symmetric: the points are those of one space, not of several players.
    pub symmetric: bool,
    /// Whether `z` stands for `J` alone, since `P` depends on `h`.
    pub keeps_step: bool,
    /// The polynomial with the root `R(z)`, lowest power first, with the inputs `z` and some scalars
    /// of the module; none if `R = 1`.
    pub characteristic: Option<Characteristic>,
    /// Whether only the real part of the logarithm is taken.
    pub even: bool,
    /// The non-principal terms up to some order.
    pub rest: Option<Function>,
    /// What the comment of `field` says.
    pub doc: String,
}

/// The coefficients of a polynomial in `R(z)`.
pub(super) struct Characteristic {
    pub program: Program,
    /// The scalars of the module that it takes beside `z`.
    pub scalars: Vec<usize>,
}

impl PrincipalVelocity {
    /// What the matrix is multiplied by to get `z`, `-h * ` say.
    pub fn scale(&self) -> &'static str {
        match (self.negative, self.keeps_step) {
            (true, false) => "-h * ",
            (false, false) => "h * ",
            (true, true) => "-",
            (false, true) => "",
        }
    }

    /// What the force is multiplied by to get `f`.
    pub fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// What `log(P(z))/z f` is followed by.
    pub fn over(&self) -> &'static str {
        if self.keeps_step { " / h" } else { "" }
    }

    /// `log(P(z))/z` with bars where only the real part is taken.
    pub fn symbol(&self) -> &'static str {
        match (self.even, &self.characteristic) {
            (false, None) => "log(1 + z)/z",
            (true, None) => "log|1 + z|/z",
            (false, Some(_)) => "log(P(z))/z",
            (true, Some(_)) => "log|P(z)|/z",
        }
    }

    /// Where the logarithm is taken, one sentence a line.
    pub fn convention(&self) -> &'static [&'static str] {
        const REAL: &str = "Only the real part of the logarithm is taken at a real eigenvalue.";
        const UPPER: &str = "log P is continued from log P(0) = 0 above the real axis, or below it \
                             where z is there.";
        match (self.even, self.symmetric, &self.characteristic) {
            (true, ..) => &[REAL],
            (false, true, None) => &[
                "Logarithms are on their principal branch: at a real point where hλ > 1 for some",
                "eigenvalue λ of the Hessian the velocity is complex, log(1-hλ) = log|1-hλ| + iπ.",
            ],
            (false, false, None) => &[
                "Logarithms are on their principal branch: at a real point where 1 + z < 0 for some",
                "eigenvalue z of hJ the velocity is complex, log(1+z) = log|1+z| + iπ.",
            ],
            (false, _, Some(_)) => &[UPPER],
        }
    }
}

/// The method on all its fields together, and what is known of its principal part.
pub(super) fn closed_form(
    request: &CodeRequest,
    method: &GeneralLinearMethod,
) -> Result<(GeneralLinearMethod, ClosedForm), CodegenError> {
    let none = |reason| CodegenError::NoClosedForm {
        flow: request.flow,
        optimizer: request.optimizer.name.clone(),
        reason,
    };
    let joint = joint(method).ok_or_else(|| {
        none("it does not treat its vector fields alike, and their Jacobians do not commute")
    })?;
    if joint.parameters.len() >= bea_series::exact::MAX_VARIABLES {
        return Err(none("all symbolic parameters are taken; set one of them"));
    }
    let closed = ClosedForm::new(&joint, 0).ok_or_else(|| none("its stages do not exist"))?;
    Ok((joint, closed))
}

/// The polynomial of `R(z)`; `parameters` are the scalars that the method's parameters stand for.
pub(super) fn characteristic(closed: &ClosedForm, parameters: &[usize]) -> Option<Characteristic> {
    let rate = closed.rate();
    if let [first, slope] = rate.as_slice()
        && (first + slope).is_zero()
    {
        return None;
    }
    let mut graph = Graph::new();
    let count = parameters.len() as u32;
    let names: Vec<Expr> = (1..=count).chain([0]).map(|v| graph.variable(v)).collect();
    let outputs: Vec<Expr> = rate.iter().map(|c| graph.rational_function(c, &names)).collect();
    let program = Program::new(&graph, parameters.len() + 1, &outputs);
    Some(Characteristic { program, scalars: parameters.to_vec() })
}

/// `f = Σ_c f_c` and `J = f'` of several vector fields, as functions.
pub(super) fn of_fields(
    graph: &mut Graph,
    request: &CodeRequest,
    inputs: usize,
    scalars: &[usize],
) -> (Function, Function) {
    let dimension = request.objective.variables.len() as u32;
    let coordinates: Vec<u32> = (0..dimension).collect();
    let fields = &request.objective.fields;
    let mut total = vec![Vec::new(); coordinates.len()];
    for (space, components) in &fields.fields {
        for (&variable, &component) in fields.spaces[*space].iter().zip(components) {
            total[variable as usize].push(component);
        }
    }
    let total: Vec<Expr> = total.iter().map(|parts| graph.sum(parts)).collect();
    let entries: Vec<Expr> =
        total.iter().flat_map(|&component| graph.gradient(component, &coordinates)).collect();
    let function = |name: &str, doc: &str, shape, graph: &Graph, outputs: &[Expr]| Function {
        name: name.into(),
        doc: doc.into(),
        shape,
        program: Program::new(graph, inputs, outputs),
        scalars: scalars.to_vec(),
    };
    let doc = "The vector field f: what each parameter moves along.";
    (
        function("vector_field", doc, ReturnType::Vector, graph, &total),
        function(
            "jacobian",
            "The Jacobian of the vector field.",
            ReturnType::Matrix,
            graph,
            &entries,
        ),
    )
}

/// The principal part as formulas, for the header.
pub(super) fn formula(closed: &ClosedForm, flow: FlowName, one_loss: bool) -> Vec<String> {
    let mut lines = vec![
        "principal part of the modified field".to_string(),
        format!("    {}", closed.formula()),
    ];
    if one_loss {
        lines.push(
            "f = -∇E, J = f' = -∇²E; a function of the symmetric matrix J acts on its".into(),
        );
        lines.push("eigenvalues".into());
    } else {
        lines.push(
            "f all vector fields together, J = f'; a function of J acts on its eigenvalues".into(),
        );
    }
    if flow == FlowName::PrincipalEven {
        lines.push("log|·| in place of log: the field stays real, and every second iterate".into());
        lines.push("of gradient descent on a quadratic loss is met".into());
    }
    lines
}
