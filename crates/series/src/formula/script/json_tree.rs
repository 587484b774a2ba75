//! Formulas as trees of JSON objects.

use super::Script;
use crate::formula::Math;
use serde_json::{Value, json};

/// Each node is an object with its `type` and its parts:
///
/// | type | parts |
/// |---|---|
/// | `integer` | `value`, a string of digits |
/// | `symbol` | `name` |
/// | `sum` | `terms` |
/// | `product` | `factors` |
/// | `negative`, `sqrt`, `log` | `of` |
/// | `quotient` | `numerator`, `denominator` |
/// | `power` | `base`, `exponent` |
/// | `equation` | `left`, `right` |
/// | `apply` | `function`, `arguments` |
#[derive(Clone, Copy, Debug)]
pub struct JsonTree;

impl Script for JsonTree {
    fn write(&self, formula: &Math, out: &mut String) {
        out.push_str(&value(formula).to_string());
    }
}

fn value(formula: &Math) -> Value {
    let list = |formulas: &[Math]| formulas.iter().map(value).collect::<Vec<_>>();
    match formula {
        Math::Number(digits) => json!({"type": "integer", "value": digits}),
        Math::Name(name) => json!({"type": "symbol", "name": name}),
        Math::Group(inner) => value(inner),
        Math::Sum(terms) | Math::LongSum(terms) => {
            let term = |(negative, term): &(bool, Math)| {
                if *negative { json!({"type": "negative", "of": value(term)}) } else { value(term) }
            };
            match terms.as_slice() {
                [one] => term(one),
                _ => json!({"type": "sum", "terms": terms.iter().map(term).collect::<Vec<_>>()}),
            }
        }
        Math::Product(factors) | Math::Row(factors) | Math::Contraction(factors) => {
            json!({"type": "product", "factors": list(factors)})
        }
        Math::Fraction(top, bottom) => {
            json!({"type": "quotient", "numerator": value(top), "denominator": value(bottom)})
        }
        Math::Power(base, exponent) => json!({"type": "power", "base": value(base), "exponent": {
            "type": "integer", "value": exponent.to_string()
        }}),
        Math::PowerOf(base, exponent) => {
            json!({"type": "power", "base": value(base), "exponent": value(exponent)})
        }
        Math::SquareRoot(inner) => json!({"type": "sqrt", "of": value(inner)}),
        Math::Logarithm(inner) => json!({"type": "log", "of": value(inner)}),
        Math::Equation(left, right) => {
            json!({"type": "equation", "left": value(left), "right": value(right)})
        }
        Math::Apply(head, arguments, _) => {
            json!({"type": "apply", "function": value(head), "arguments": list(arguments)})
        }
        Math::InverseRoot(base, degree, primes) => {
            value(&Math::inverse_root_in_words(base, degree, *primes))
        }
        other => json!({"type": "symbol", "name": super::Plain.show(other)}),
    }
}
