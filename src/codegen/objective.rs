//! Losses of the loss language as the vector fields of an optimizer.

use super::{CodegenError, Objective};
use crate::loss::{Expr, Graph, Instruction, Loss, Program, Register, VectorFields};
use crate::optimizer::Optimizer;
use crate::series::GeneralLinearMethod;

impl Objective {
    /// One loss, or one a vector field of the optimizer in its order, `f_c = -∇E_c`. Coordinates of
    /// several losses with one name are the same.
    ///
    /// # Errors
    /// If the optimizer is a game, or the numbers differ.
    pub fn new(
        losses: &[Loss],
        optimizer: &Optimizer,
        method: &GeneralLinearMethod,
    ) -> Result<Objective, CodegenError> {
        if method.spaces.len() > 1 {
            let optimizer = optimizer.name.clone();
            return Err(CodegenError::Game { optimizer, players: method.spaces.join(", ") });
        }
        if losses.len() != method.fields.len() {
            let names: Vec<&str> = method.fields.iter().map(|f| f.name.as_str()).collect();
            return Err(CodegenError::Fields {
                optimizer: optimizer.name.clone(),
                names: names.join(", "),
                expected: method.fields.len(),
                found: losses.len(),
            });
        }
        let mut graph = Graph::new();
        let mut variables: Vec<String> = Vec::new();
        let mut expressions = Vec::new();
        for loss in losses {
            let mut inputs = Vec::new();
            for name in &loss.variables {
                let known = variables.iter().position(|v| v == name).unwrap_or_else(|| {
                    variables.push(name.clone());
                    variables.len() - 1
                });
                inputs.push(graph.variable(known as u32));
            }
            let program = Program::new(loss.graph(), inputs.len(), &[loss.expression()]);
            expressions.push(import(&mut graph, &program, &inputs));
        }
        let coordinates: Vec<u32> = (0..variables.len() as u32).collect();
        let mut fields = VectorFields { spaces: vec![coordinates.clone()], fields: Vec::new() };
        for &loss in &expressions {
            fields.fields.extend(VectorFields::of_loss(&mut graph, loss, &coordinates).fields);
        }
        let names: Vec<&str> = losses.iter().map(|loss| loss.name.as_str()).collect();
        let docs: Vec<&str> = losses.iter().map(|loss| loss.doc.as_str()).collect();
        Ok(Objective {
            name: names.join(" and "),
            formula: docs.join("\n").trim().to_string(),
            graph,
            variables,
            parameters: Vec::new(),
            losses: expressions,
            fields,
        })
    }
}

/// The only output of a program as an expression of another graph.
fn import(graph: &mut Graph, program: &Program, inputs: &[Expr]) -> Expr {
    let mut values: Vec<Expr> = Vec::new();
    for instruction in program.instructions() {
        let at = |r: Register| values[r as usize];
        let constant = |i: u32| &program.constants()[i as usize].exact;
        let value = match *instruction {
            Instruction::Constant(i) => graph.constant(constant(i).clone()),
            Instruction::Pi => graph.pi(),
            Instruction::Input(i) => inputs[i as usize],
            Instruction::Neg(a) => graph.neg(at(a)),
            Instruction::Add(a, b) => graph.add(at(a), at(b)),
            Instruction::Sub(a, b) => graph.sub(at(a), at(b)),
            Instruction::Mul(a, b) => graph.mul(at(a), at(b)),
            Instruction::Div(a, b) => graph.div(at(a), at(b)),
            Instruction::Sqrt(a) => {
                let half = crate::exact::Rational::new(1, 2).expect("2 is not 0");
                graph.power(at(a), &half)
            }
            Instruction::Power(a, i) => graph.power(at(a), constant(i)),
            Instruction::Apply(function, a) => graph.apply(function, at(a)),
            Instruction::Select(left, relation, right, yes, no) => {
                let condition =
                    crate::loss::Condition { left: at(left), relation, right: at(right) };
                graph.select(condition, at(yes), at(no))
            }
        };
        values.push(value);
    }
    values[program.outputs()[0] as usize]
}
