//! What a file contains, before it is written in a language.

use super::names::Namer;
use super::principal::{self, PrincipalVelocity};
use super::{CodeRequest, CodegenError, nonlinear};
use crate::flow::FlowName;
use crate::loss::{Expr, Graph, Program, modified_field, non_principal_field};
use bea_series::field::Field;
use bea_series::optimizer::Step;
use bea_series::render::{Content, Document, Format, Part};
use bea_series::series::GeneralLinearMethod;

/// The shape of what a function returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ReturnType {
    /// A number.
    Scalar,
    /// A vector like `θ`.
    Vector,
    /// A square matrix, row by row.
    Matrix,
}

/// A function of the point `θ` and of numbers.
pub(super) struct Function {
    pub name: String,
    /// One sentence or more.
    pub doc: String,
    pub shape: ReturnType,
    /// Its inputs are the coordinates of `θ` and then all scalars of the module.
    pub program: Program,
    /// Which of the scalars of the module are its arguments.
    pub scalars: Vec<usize>,
}

/// The velocity.
pub(super) enum Velocity {
    /// Its own program.
    Direct(Function),
    /// A function of the Jacobian.
    Principal(Box<PrincipalVelocity>),
}

/// A file.
pub(super) struct Module {
    /// The comment it starts with, line by line.
    pub header: Vec<String>,
    /// The names of the coordinates.
    pub variables: Vec<String>,
    /// The names of the scalars that functions take: parameters, `h` among them.
    pub scalars: Vec<String>,
    /// Which scalar is `h`.
    pub step: usize,
    /// The loss and its gradient, or several of them.
    pub functions: Vec<Function>,
    pub velocity: Velocity,
    /// The scalars that `field` takes beside `h`.
    pub field_scalars: Vec<usize>,
}

/// The names that a language gives to what a module names.
pub(super) struct Names {
    /// The coordinates.
    pub point: Vec<String>,
    /// The scalars.
    pub scalars: Vec<String>,
    /// What intermediate values start with.
    pub prefix: String,
}

impl Names {
    /// The names of all inputs of a program, and whether each is real.
    pub fn inputs(&self, is_complex: bool) -> Vec<(String, bool)> {
        let point = self.point.iter().map(|name| (name.clone(), !is_complex));
        point.chain(self.scalars.iter().map(|name| (name.clone(), true))).collect()
    }
}

/// What functions take beside the point: the parameters of the losses, `h`, and the parameters of the optimizer.
pub(super) struct Scalars {
    pub names: Vec<String>,
    /// Which of them is `h`.
    pub step: usize,
    /// Which of them each parameter of the optimizer is. One that the loss has too is the same.
    pub of_optimizer: Vec<usize>,
    /// Those of the losses.
    pub of_loss: Vec<usize>,
    /// Those of `field` beside `h`.
    pub of_field: Vec<usize>,
}

impl Scalars {
    pub fn new(of_losses: &[String], of_optimizer: &[String]) -> Scalars {
        let mut names = of_losses.to_vec();
        let step = names.len();
        names.push("h".to_string());
        let place = |name: &String| match of_losses.iter().position(|p| p == name) {
            Some(known) => known,
            None => {
                names.push(name.clone());
                names.len() - 1
            }
        };
        let of_optimizer: Vec<usize> = of_optimizer.iter().map(place).collect();
        let of_loss: Vec<usize> = (0..step).collect();
        let own = of_optimizer.iter().copied().filter(|index| *index > step);
        let of_field = of_loss.iter().copied().chain(own).collect();
        Scalars { names, step, of_optimizer, of_loss, of_field }
    }

    /// `h` and the parameters of the optimizer, where so many coordinates stand before them.
    pub fn expressions(&self, graph: &mut Graph, coordinates: usize) -> (Expr, Vec<Expr>) {
        let mut scalar = |index: usize| graph.variable((coordinates + index) as u32);
        (scalar(self.step), self.of_optimizer.iter().map(|&index| scalar(index)).collect())
    }

    /// What `field` takes.
    pub fn with_step(&self) -> Vec<usize> {
        std::iter::once(self.step).chain(self.of_field.iter().copied()).collect()
    }
}

/// `loss` and `gradient` of some losses, which `names` tells apart if there are several. `inputs` are the coordinates and
/// all scalars.
pub(super) fn of_losses(
    graph: &mut Graph,
    losses: &[Expr],
    names: &[&str],
    coordinates: &[u32],
    inputs: usize,
    scalars: &[usize],
) -> Vec<Function> {
    let mut functions = Vec::new();
    for (i, &loss) in losses.iter().enumerate() {
        let (suffix, of) = match losses.len() {
            1 => (String::new(), String::new()),
            _ => (format!("_{}", names[i]), format!(" of {}", names[i])),
        };
        let gradient = graph.gradient(loss, coordinates);
        functions.push(Function {
            name: format!("loss{suffix}"),
            doc: format!("The loss{of}."),
            shape: ReturnType::Scalar,
            program: Program::new(graph, inputs, &[loss]),
            scalars: scalars.to_vec(),
        });
        functions.push(Function {
            name: format!("gradient{suffix}"),
            doc: format!("The gradient of the loss{of}."),
            shape: ReturnType::Vector,
            program: Program::new(graph, inputs, &gradient),
            scalars: scalars.to_vec(),
        });
    }
    functions
}

impl Module {
    /// The names in a language with these reserved words.
    pub fn names(&self, reserved: &[&[&str]], lowercase: bool) -> Names {
        let mut namer = Namer::new(&reserved.concat(), lowercase);
        let h = namer.name("h");
        let mut name = |wanted: &String| namer.name(wanted);
        let scalars: Vec<String> = self
            .scalars
            .iter()
            .enumerate()
            .map(|(i, wanted)| if i == self.step { h.clone() } else { name(wanted) })
            .collect();
        let point = self.variables.iter().map(name).collect();
        Names { point, scalars, prefix: namer.prefix() }
    }

    /// The flow is one of those that can be written.
    pub fn new(request: &CodeRequest) -> Result<Module, CodegenError> {
        match request.optimizer.step(request.values)? {
            Step::Linear(program) => Module::linear(request, &program.method()),
            Step::Nonlinear(program) => nonlinear::module(request, &program),
        }
    }

    fn linear(request: &CodeRequest, method: &GeneralLinearMethod) -> Result<Module, CodegenError> {
        let CodeRequest { objective, optimizer, values, flow, .. } = *request;
        let names: Vec<&str> = method.fields.iter().map(|f| f.name.as_str()).collect();
        check_fields(request, &names)?;
        let order = match flow {
            FlowName::Order(n) | FlowName::PrincipalWith(n) => n,
            _ => 0,
        };
        let field = Field::derive(&optimizer.name, method, order)?;

        let mut graph = objective.graph.clone();
        let dimension = objective.variables.len();
        let coordinates: Vec<u32> = (0..dimension as u32).collect();
        let scalars = Scalars::new(&objective.parameters, &field.parameters);
        let inputs = dimension + scalars.names.len();
        let (h, parameters) = scalars.expressions(&mut graph, dimension);
        let of_loss = scalars.of_loss.clone();
        let losses = &objective.losses;
        let mut functions =
            of_losses(&mut graph, losses, &names, &coordinates, inputs, &scalars.of_loss);
        let with_step = scalars.with_step();
        let (velocity, formula) = match flow {
            FlowName::Order(n) => {
                let value = modified_field(&mut graph, &objective.fields, &field, h, &parameters);
                let function = Function {
                    name: "field".into(),
                    doc: format!("The velocity: the modified field with all terms up to h^{n}."),
                    shape: ReturnType::Vector,
                    program: Program::new(&graph, inputs, &value),
                    scalars: with_step,
                };
                (Velocity::Direct(function), terms(&field, values, Part::All))
            }
            _ => {
                let (joint, closed) = principal::closed_form(request, method)?;
                let one_loss = method.fields.len() == 1;
                let mut formula = principal::formula(&closed, flow, one_loss);
                let (force, jacobian) = if one_loss {
                    let rows = graph.hessian(objective.losses[0], &coordinates);
                    let entries: Vec<Expr> = rows.into_iter().flatten().collect();
                    let hessian = Function {
                        name: "hessian".into(),
                        doc: "The Hessian of the loss.".into(),
                        shape: ReturnType::Matrix,
                        program: Program::new(&graph, inputs, &entries),
                        scalars: of_loss.clone(),
                    };
                    ("gradient", hessian)
                } else {
                    let (force, jacobian) =
                        principal::of_fields(&mut graph, request, inputs, &of_loss);
                    functions.push(force);
                    ("vector_field", jacobian)
                };
                let rest = match flow {
                    FlowName::PrincipalWith(n) => {
                        formula.push(String::new());
                        formula.extend(terms(&field, values, Part::NonPrincipal));
                        let fields = &objective.fields;
                        let value = non_principal_field(&mut graph, fields, &field, h, &parameters);
                        Some(Function {
                            name: "non_principal".into(),
                            doc: format!("The non-principal terms up to h^{n}."),
                            shape: ReturnType::Vector,
                            program: Program::new(&graph, inputs, &value),
                            scalars: with_step,
                        })
                    }
                    _ => None,
                };
                let doc = match flow {
                    FlowName::PrincipalWith(n) => {
                        format!("The velocity: the principal flow and the other terms up to h^{n}.")
                    }
                    FlowName::PrincipalEven => "The velocity: the even principal flow.".into(),
                    _ => "The velocity: the principal flow.".to_string(),
                };
                // What the parameters of the method stand for, `h` among them if it is one.
                let mut of_method = scalars.of_optimizer.clone();
                if let Some(place) = joint.step_parameter {
                    of_method.insert(place, scalars.step);
                }
                let principal = PrincipalVelocity {
                    jacobian,
                    force,
                    negative: one_loss,
                    symmetric: method.spaces.len() == 1,
                    keeps_step: joint.step_parameter.is_some(),
                    characteristic: principal::characteristic(&closed, &of_method),
                    even: flow == FlowName::PrincipalEven,
                    rest,
                    doc,
                };
                (Velocity::Principal(Box::new(principal)), formula)
            }
        };
        Ok(Module {
            header: header(request, formula),
            variables: objective.variables.clone(),
            scalars: scalars.names,
            step: scalars.step,
            functions,
            velocity,
            field_scalars: scalars.of_field,
        })
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.variables.len()
    }

    /// All functions with a program of `θ`, `field` last if it has one.
    pub fn programs(&self) -> Vec<&Function> {
        let mut all: Vec<&Function> = self.functions.iter().collect();
        match &self.velocity {
            Velocity::Direct(field) => all.push(field),
            Velocity::Principal(principal) => {
                all.push(&principal.jacobian);
                all.extend(&principal.rest);
            }
        }
        all
    }
}

/// There is a loss for each vector field.
pub(super) fn check_fields(request: &CodeRequest, names: &[&str]) -> Result<(), CodegenError> {
    let objective = request.objective;
    if names.len() == objective.fields.fields.len() {
        return Ok(());
    }
    Err(CodegenError::Fields {
        optimizer: request.optimizer.name.clone(),
        names: names.join(", "),
        expected: names.len(),
        found: objective.losses.len(),
    })
}

/// The comment that a file starts with; `formula` is its velocity.
pub(super) fn header(request: &CodeRequest, formula: Vec<String>) -> Vec<String> {
    let CodeRequest { objective, optimizer, values, flow, command } = request;
    let mut named = optimizer.name.clone();
    if !optimizer.parameters.is_empty() {
        let show = |name: &String| match values.get(name) {
            Some(value) => format!("{name} = {value}"),
            None => name.clone(),
        };
        let parameters: Vec<String> = optimizer.parameters.iter().map(show).collect();
        named += &format!("({})", parameters.join(", "));
    }
    let mut lines =
        vec![format!("The flow `{flow}` of {named} on {}.", objective.name), String::new()];
    if !objective.formula.is_empty() {
        lines.extend(objective.formula.lines().map(|line| format!("    {line}").trim_end().into()));
        lines.push(String::new());
    }
    lines.extend(formula.iter().map(|line| format!("    {line}").trim_end().into()));
    lines.push(String::new());
    let version = env!("CARGO_PKG_VERSION");
    match command {
        Some(command) => {
            lines.push(format!("Made by bea {version}:"));
            lines.push(String::new());
            lines.push(format!("    {command}"));
        }
        None => lines.push(format!("Made by bea {version}.")),
    }
    lines
        .iter()
        .flat_map(|line| line.lines().chain(line.is_empty().then_some("")))
        .map(String::from)
        .collect()
}

/// The highest order whose terms are written out in the header.
const MAX_SHOWN: usize = 4;

/// The terms of a field as `bea derive` shows them.
fn terms(
    field: &Field,
    values: &std::collections::BTreeMap<String, num_rational::BigRational>,
    part: Part,
) -> Vec<String> {
    if field.order > MAX_SHOWN {
        return vec![
            "Σ_τ h^(|τ|-1) b(τ)/σ(τ) F(τ) over the rooted trees τ".into(),
            format!("with up to {} nodes, whose weights `bea derive` prints", field.order + 1),
        ];
    }
    let mut document = Document::new(field);
    document.values = values.clone().into_iter().collect();
    document.content = Content::Terms(part);
    let mut text = Vec::new();
    Format::Text.write(&document, &mut text).expect("memory can be written to");
    String::from_utf8_lossy(&text).lines().map(String::from).collect()
}
