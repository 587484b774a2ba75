//! From a definition to a loss.

use super::arrays::Value;
use super::lower::Lowering;
use super::syntax::{Definition, Expression, Name};
use super::{DEFAULT_DOMAIN, Loss, MAX_VARIABLES, coordinates, evaluate, setting};
use crate::loss::{Graph, data};
use bea_series::exact::Rational;
use bea_series::text::near;
use bea_series::text::source::{Source, SourceError};
use std::collections::BTreeMap;

/// The loss of a definition.
pub(super) fn defined(
    source: &Source,
    definition: &Definition,
    settings: &BTreeMap<String, String>,
) -> Result<Loss, SourceError> {
    let mut graph = Graph::new();
    let mut lowering = Lowering::new(source, &mut graph, Vec::new());
    for (name, default) in &definition.parameters {
        lowering.check_name(name)?;
        let value = match (settings.get(&name.text), default) {
            (Some(text), _) => setting(lowering.graph, &name.text, text)?,
            (None, Some(default)) => lowering.any(default)?,
            (None, None) => {
                let message = format!("the parameter `{}` has no value", name.text);
                let help = Some(format!("give it one: `--set {}=…`", name.text));
                return Err(lowering.fault(&name.span, message, "needs a value", help));
            }
        };
        lowering.names.push((name.text.clone(), value));
    }
    if let Some(unknown) =
        settings.keys().find(|k| !definition.parameters.iter().any(|(n, _)| n.text == **k))
    {
        let known: Vec<&str> = definition.parameters.iter().map(|(n, _)| n.text.as_str()).collect();
        let help = match known.as_slice() {
            [] => Some("it has no parameters".into()),
            known => near::advice(unknown, known),
        };
        let message = format!("the loss `{}` has no parameter `{unknown}`", definition.name.text);
        return Err(lowering.fault(&definition.name.span, message, "this loss", help));
    }
    let data = definition.data.iter().map(|d| (&d.inputs, &d.targets, &d.table));
    for (inputs, targets, table) in data {
        bind_table(&mut lowering, inputs, targets, table)?;
    }
    let mut variables = Vec::new();
    let (mut domain, mut arrays) = (Vec::new(), Vec::new());
    for variable in &definition.variables {
        lowering.check_name(&variable.name)?;
        let mut shape = Vec::new();
        for size in &variable.shape {
            let n = lowering.integer(size)?;
            let n = usize::try_from(n).ok().filter(|n| (1..=MAX_VARIABLES).contains(n));
            shape.push(n.ok_or_else(|| {
                let message = format!("a size is a whole number from 1 to {MAX_VARIABLES}");
                lowering.fault(&size.span, message, "not a size", None)
            })?);
        }
        let size = shape.iter().fold(1_usize, |n, size| n.saturating_mul(*size));
        if size.saturating_add(variables.len()) > MAX_VARIABLES {
            let message = format!("a loss has at most {MAX_VARIABLES} variables");
            return Err(lowering.fault(&variable.name.span, message, "too many", None));
        }
        let interval = match &variable.domain {
            None => (-DEFAULT_DOMAIN, DEFAULT_DOMAIN),
            Some((from, to)) => {
                let ends = (lowering.number(from)?, lowering.number(to)?);
                if ends.0.partial_cmp(&ends.1) != Some(std::cmp::Ordering::Less) {
                    let span = from.span.start..to.span.end;
                    let label = "the first end is not the smaller one";
                    return Err(lowering.fault(&span, "an empty interval", label, None));
                }
                ends
            }
        };
        let value = coordinates(lowering.graph, &variable.name.text, &shape, &mut variables);
        domain.resize(variables.len(), interval);
        arrays.push(shape);
        lowering.names.push((variable.name.text.clone(), value));
    }
    if variables.is_empty() {
        let message = format!("the loss `{}` has no variables", definition.name.text);
        let help = Some("declare them: `variables x, y;`".into());
        return Err(lowering.fault(&definition.name.span, message, "this loss", help));
    }
    let start = match definition.start.as_slice() {
        [] => None,
        list => Some(lowering.coordinates_of(list, variables.len())?),
    };
    let minima = definition.minima.iter().filter(|list| {
        settings.is_empty() || definition.parameters.iter().any(|(p, _)| speak_of(source, list, p))
    });
    let minima = minima
        .map(|list| lowering.coordinates_of(list, variables.len()))
        .collect::<Result<_, _>>()?;
    let expression = lowering.body(&definition.body)?;
    Ok(Loss {
        name: definition.name.text.clone(),
        doc: definition.doc.clone(),
        variables,
        arrays,
        domain,
        start,
        minima,
        graph,
        expression,
    })
}

/// Whether expressions speak of a name.
fn speak_of(source: &Source, list: &[Expression], name: &Name) -> bool {
    list.iter().any(|e| {
        let text = &source.text[e.span.clone()];
        text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name.text)
    })
}

fn bind_table(
    lowering: &mut Lowering<'_>,
    inputs: &Name,
    targets: &Name,
    table: &Name,
) -> Result<(), SourceError> {
    let Some((rows, labels)) = data::table(&table.text) else {
        let help = near::advice(&table.text, data::NAMES);
        let message = format!("there is no data set `{}`", table.text);
        return Err(lowering.fault(&table.span, message, "not a data set", help));
    };
    for (name, value) in [
        (inputs, Value::Array(rows.into_iter().map(|row| array(lowering.graph, row)).collect())),
        (targets, array(lowering.graph, labels)),
    ] {
        lowering.check_name(name)?;
        lowering.names.push((name.text.clone(), value));
    }
    Ok(())
}

fn array(graph: &mut Graph, numbers: Vec<Rational>) -> Value {
    Value::Array(numbers.into_iter().map(|x| Value::Scalar(graph.constant(x))).collect())
}

impl Lowering<'_> {
    /// The coordinates of a constant point.
    fn coordinates_of(
        &mut self,
        list: &[Expression],
        wanted: usize,
    ) -> Result<Vec<f64>, SourceError> {
        let mut flat = Vec::new();
        for item in list {
            self.any(item)?.flat(&mut flat);
        }
        let span = list[0].span.start..list[list.len() - 1].span.end;
        if flat.len() != wanted {
            let message = format!("a point has {wanted} coordinates, not {}", flat.len());
            return Err(self.fault(&span, message, "this point", None));
        }
        if !self.graph.variables(&flat).is_empty() {
            return Err(self.fault(
                &span,
                "a point is constant",
                "this depends on variables",
                None,
            ));
        }
        Ok(evaluate(self.graph, &flat))
    }

    /// A constant number, as a float.
    fn number(&mut self, expression: &Expression) -> Result<f64, SourceError> {
        Ok(self.coordinates_of(std::slice::from_ref(expression), 1)?[0])
    }
}
