//! What the file of a nonlinear step contains.
//!
//! The point holds the parameters and, after them, the slow variables, on which the loss does not depend.

use super::module::{
    Function, Module, ReturnType, Scalars, Velocity, check_fields, header, of_losses,
};
use super::{CodeRequest, CodegenError};
use crate::flow::FlowName;
use crate::loss::{Graph, Program, typed_field};
use bea_series::render::typed::{TypedDocument, write};
use bea_series::render::{Format, Layout};
use bea_series::typed::{self, Shape, TypedField};

/// Fields with more terms are not written out in the header.
const MAX_SHOWN: usize = 50;

/// The flow is one of those that can be written.
pub(super) fn module(
    request: &CodeRequest,
    program: &typed::Program,
) -> Result<Module, CodegenError> {
    let CodeRequest { objective, optimizer, flow, .. } = *request;
    let FlowName::Order(order) = flow else {
        return Err(CodegenError::NoClosedForm {
            flow,
            optimizer: optimizer.name.clone(),
            reason: "its step is not linear in its gradients, so there is no principal part",
        });
    };
    check_fields(request, &["f"])?;
    if program.needs_matrices().is_some() {
        return Err(CodegenError::Matrices(optimizer.name.clone()));
    }
    let field = TypedField::derive(program, order, None)
        .map_err(|error| CodegenError::Typed { optimizer: optimizer.name.clone(), error })?;

    let (variables, coordinates) = point(&field, &objective.variables);
    let count = variables.len();
    let scalars = Scalars::new(&objective.parameters, &field.parameters);
    let inputs = count + scalars.names.len();
    let mut graph = Graph::new();
    // The parameters of the loss stand after the slow variables.
    let of_loss = (count..count + objective.parameters.len()).map(|i| i as u32);
    let to: Vec<u32> = coordinates[0].iter().copied().chain(of_loss).collect();
    let loss = graph.import(&objective.graph, objective.losses[0], &to);
    let all: Vec<u32> = coordinates.concat();
    let functions = of_losses(&mut graph, &[loss], &["f"], &all, inputs, &scalars.of_loss);
    let (h, parameters) = scalars.expressions(&mut graph, count);
    let velocity = typed_field(&mut graph, loss, &coordinates, &field, h, &parameters);
    let velocity = Function {
        name: "field".into(),
        doc: format!("The velocity: the modified field with all terms up to h^{order}."),
        shape: ReturnType::Vector,
        program: Program::new(&graph, inputs, &velocity.concat()),
        scalars: scalars.with_step(),
    };
    let mut formula = equations(request, &field);
    if count > coordinates[0].len() {
        let slow = variables[coordinates[0].len()..].join(", ");
        formula.push(String::new());
        formula.push(format!("a point is {}, then the slow", objective.variables.join(", ")));
        formula.push(format!("variables {slow}, on which the loss does not depend"));
    }
    Ok(Module {
        header: header(request, formula),
        variables,
        scalars: scalars.names,
        step: scalars.step,
        functions,
        velocity: Velocity::Direct(velocity),
        field_scalars: scalars.of_field,
    })
}

/// The names of all coordinates, and the variables of the parameters and of each slow variable.
fn point(field: &TypedField, parameters: &[String]) -> (Vec<String>, Vec<Vec<u32>>) {
    let mut names = parameters.to_vec();
    let mut coordinates: Vec<Vec<u32>> = vec![(0..names.len() as u32).collect()];
    for slow in &field.coordinates[1..] {
        let first = names.len() as u32;
        match slow.shape {
            Shape::Number => names.push(slow.name.clone()),
            // Fields of matrices are refused.
            Shape::Vector | Shape::Square(_) | Shape::Transposed => {
                names.extend(parameters.iter().map(|x| format!("{}[{x}]", slow.name)));
            }
        }
        coordinates.push((first..names.len() as u32).collect());
    }
    (names, coordinates)
}

/// The field as `bea derive` shows it.
fn equations(request: &CodeRequest, field: &TypedField) -> Vec<String> {
    let terms: usize = field.coordinates.iter().map(|c| c.terms.len()).sum();
    if terms > MAX_SHOWN {
        return vec![format!("{terms} terms, which `bea derive` prints")];
    }
    let Layout { width, line, .. } = Layout::default();
    let values = request.values.clone().into_iter().collect();
    let document = TypedDocument { field, values, width, line, potentials: None };
    let mut text = Vec::new();
    write(Format::Text, &document, &mut text).expect("memory can be written to");
    String::from_utf8_lossy(&text).lines().map(String::from).collect()
}
