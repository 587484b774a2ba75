//! The terms for programs, as typed trees. Keys are added but never renamed or removed.

use super::TypedDocument;
use super::layout::{Writer, is_vector};
use crate::formula::{Plain, Script};
use crate::typed::{
    Axis, Elementary, Exponent, Factor, Factors, MatrixFunction, Shape, Terms, TypedPotential,
};
use serde_json::{Value, json};
use std::io::{self, Write};

/// One object for the field. A tree is an object with a `type`:
///
/// | type | parts |
/// |---|---|
/// | `coordinate` | `name` |
/// | `gradient` | `of`: the vectors that `∇^(k+1)E` is applied to, none for the gradient itself |
/// | `product` | `factors` |
/// | `power` | `base`, `exponent` |
/// | `sum` | `terms`, with `coefficient` and `tree` |
/// | `function` | `name` (`exp`, `log`, `tanh`, `abs`, `sign`, `step`), `of` |
/// | `entries` | `of`: the vector whose entries are summed |
/// | `dimension` | |
/// | `matmul` | `factors`, matrices |
/// | `transpose` | `of` |
/// | `polar` | `of`, and `along`: the matrices that its Fréchet derivative is taken along |
/// | `inverse_root` | the same, and `degree`: `k` of `M^(-1/k)` |
/// | `identity` | |
/// | `loss` | |
///
/// A modified loss has `modified_loss` for `coordinates`: its `terms`, and for every order whether it is a `gradient` (null:
/// not known).
pub(super) fn write(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let field = document.field;
    let names = &field.parameters;
    let plain = Writer::unnamed(field);
    let coordinates: Vec<Value> = field
        .coordinates
        .iter()
        .map(|coordinate| {
            let terms: Vec<Value> = coordinate
                .terms
                .iter()
                .map(|term| {
                    json!({
                        "h": term.power,
                        "coefficient": term.coefficient.display(names),
                        "notation": Plain.show(&plain.vector(&term.factors)),
                        "tree": product(&term.factors, names),
                    })
                })
                .collect();
            let shape = match coordinate.shape {
                Shape::Number => "number",
                Shape::Vector => "vector",
                Shape::Square(Axis::Rows) => "rows × rows",
                Shape::Square(Axis::Columns) => "columns × columns",
                Shape::Transposed => "columns × rows",
            };
            json!({"name": coordinate.name, "shape": shape, "terms": terms})
        })
        .collect();
    let mut object = json!({
        "optimizer": field.optimizer,
        "linear": false,
        "parameters": names,
        "order": field.order,
        "step": field.step,
        "smooth": field.kinks.is_empty(),
        "coordinates": coordinates,
    });
    if let Some(potentials) = document.potentials {
        let orders: Vec<Value> = potentials
            .iter()
            .map(|potential| match potential {
                TypedPotential::Gradient(_) => json!(true),
                TypedPotential::Obstructed(_) => json!(false),
                TypedPotential::Unknown => Value::Null,
            })
            .collect();
        let terms = object["coordinates"][0]["terms"].take();
        object["modified_loss"] = json!({"terms": terms, "gradient": orders});
        object.as_object_mut().expect("an object").remove("coordinates");
    }
    if !document.values.is_empty() {
        let values: serde_json::Map<String, Value> =
            document.values.iter().map(|(k, v)| (k.clone(), v.to_string().into())).collect();
        object["values"] = values.into();
    }
    writeln!(out, "{object:#}")
}

/// A product as a tree.
pub(super) fn product(factors: &Factors, names: &[String]) -> Value {
    let mut parts: Vec<Value> = factors
        .iter()
        .map(|(factor, exponent)| match exponent.as_integer() {
            Some(1) => tree(factor, names),
            _ => json!({
                "type": "power", "base": tree(factor, names), "exponent": shown(exponent, names),
            }),
        })
        .collect();
    match parts.len() {
        1 => parts.remove(0),
        _ => json!({"type": "product", "factors": parts}),
    }
}

fn shown(exponent: &Exponent, names: &[String]) -> String {
    exponent.value().display(names)
}

fn sum(terms: &Terms, names: &[String]) -> Value {
    let terms: Vec<Value> = terms
        .iter()
        .map(|(c, factors)| json!({"coefficient": c.display(names), "tree": product(factors, names)}))
        .collect();
    json!({"type": "sum", "terms": terms})
}

fn tree(factor: &Factor, names: &[String]) -> Value {
    match factor {
        Factor::Coordinate(name) => json!({"type": "coordinate", "name": name}),
        Factor::Gradient(arguments) => {
            let arguments: Vec<Value> = arguments.iter().map(|a| product(a, names)).collect();
            json!({"type": "gradient", "of": arguments})
        }
        Factor::Base(terms) => sum(terms, names),
        Factor::Function(function, argument) => {
            let name = match function {
                Elementary::Exponential => "exp",
                Elementary::Logarithm => "log",
                Elementary::HyperbolicTangent => "tanh",
                Elementary::Absolute => "abs",
                Elementary::Sign => "sign",
                Elementary::Positive => "step",
            };
            json!({
                "type": "function", "name": name, "of": sum(argument, names),
                "shape": if is_vector(factor) { "vector" } else { "number" },
            })
        }
        Factor::Entries(vector) => json!({"type": "entries", "of": product(vector, names)}),
        Factor::Dimension => json!({"type": "dimension"}),
        Factor::Loss => json!({"type": "loss"}),
        Factor::Chain(factors) => {
            let factors: Vec<Value> = (factors.iter())
                .map(|(x, turned)| match (product(x, names), turned) {
                    (tree, true) => json!({"type": "transpose", "of": tree}),
                    (tree, false) => tree,
                })
                .collect();
            match &factors[..] {
                [one] => one.clone(),
                _ => json!({"type": "matmul", "factors": factors}),
            }
        }
        Factor::Frechet(function, base, along) => {
            let along: Vec<Value> = along.iter().map(|a| product(a, names)).collect();
            match function {
                MatrixFunction::Polar => {
                    json!({"type": "polar", "of": sum(base, names), "along": along})
                }
                MatrixFunction::InverseRoot(k) => json!({
                    "type": "inverse_root", "degree": k, "of": sum(base, names), "along": along,
                }),
            }
        }
        Factor::Identity => json!({"type": "identity"}),
    }
}
