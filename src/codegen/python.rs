//! Python with NumPy, for real and complex points; SciPy for the error function.

use super::Emit;
use super::body::{Body, Level, Operand, Syntax, Text, sign};
use super::module::{Function, Module, Names, Principal, Shape, Velocity};
use crate::loss::{self, Relation};
use std::collections::BTreeSet;
use std::fmt::Write;

pub(super) struct Python;

const RESERVED: [&str; 39] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield", "match", "case", "type", "print",
];
const OURS: [&str; 20] = [
    "theta",
    "np",
    "special",
    "loss",
    "gradient",
    "hessian",
    "field",
    "non_principal",
    "abs",
    "relu",
    "elu",
    "sigmoid",
    "softplus",
    "erf",
    "normal_cdf",
    "gelu",
    "z",
    "float",
    "complex",
    "rate",
];

struct Arrays;

fn call(function: &str, x: &Operand) -> Text {
    Text::atom(format!("{function}({})", x.text.code))
}

impl Syntax for Arrays {
    fn pi(&self) -> Text {
        Text::atom("np.pi")
    }

    fn sqrt(&self, x: &Operand) -> Text {
        call("np.sqrt", x)
    }

    fn power(&self, x: &Operand, exponent: &str) -> Text {
        Text::atom(format!("np.power({}, {exponent})", x.text.code))
    }

    fn apply(&self, function: loss::Function, x: &Operand) -> Text {
        use loss::Function::*;
        match function {
            Exp | Log | Sin | Cos | Tan | Sinh | Cosh | Tanh => {
                call(&format!("np.{}", function.name()), x)
            }
            Erf => call("special.erf", x),
            _ => call(&format!("_{}", function.name()), x),
        }
    }

    fn select(
        &self,
        [left, right]: [&Operand; 2],
        relation: Relation,
        [yes, no]: [&Operand; 2],
    ) -> Text {
        let part = |x: &Operand| match x.literal {
            true => x.text.code.clone(),
            false => format!("np.real({})", x.text.code),
        };
        let (yes, no) = (yes.text.at(Level::Sum), no.text.at(Level::Sum));
        let code = format!("{yes} if {} {} {} else {no}", part(left), sign(relation), part(right));
        Text { code, level: Level::Negative }
    }
}

impl Emit for Python {
    fn file(&self, module: &Module) -> String {
        let names = module.names(&[&RESERVED, &OURS], false);
        let inputs = names.inputs(true);
        let mut used = BTreeSet::new();
        let mut code = String::new();
        for function in module.programs() {
            let body = Body::new(&function.program, &Arrays, &inputs, &names.prefix);
            used.extend(body.functions.iter().copied());
            write_function(&mut code, function, module, &names, &body);
        }
        if let Velocity::Principal(principal) = &module.velocity {
            write_principal(&mut code, principal, module, &names);
        }
        let mut out = "r\"\"\"".to_string();
        for line in &module.header {
            writeln!(out, "{}", line.replace("\"\"\"", "'''")).unwrap();
        }
        out += "\nThe points are real or complex arrays.\n\"\"\"\n\nimport numpy as np\n";
        use loss::Function::*;
        if used.iter().any(|f| matches!(f, Erf | NormalCdf | Gelu)) {
            out += "from scipy import special\n";
        }
        let coordinates: Vec<String> =
            names.point.iter().map(|name| format!("\"{name}\"")).collect();
        let comma = if coordinates.len() == 1 { "," } else { "" };
        write!(
            out,
            "\nCOORDINATES = ({}{comma})\n{}",
            coordinates.join(", "),
            include_str!("runtime/point.py.in")
        )
        .unwrap();
        out += &code;
        let log = matches!(module.velocity, Velocity::Principal(_)) || used.contains(&Softplus);
        if log {
            out += include_str!("runtime/log_1p.py.in");
        }
        for function in used {
            out += match function {
                Abs => include_str!("runtime/abs.py.in"),
                Relu => include_str!("runtime/relu.py.in"),
                Elu => include_str!("runtime/elu.py.in"),
                Sigmoid => include_str!("runtime/sigmoid.py.in"),
                Softplus => include_str!("runtime/softplus.py.in"),
                NormalCdf => include_str!("runtime/normal_cdf.py.in"),
                Gelu => include_str!("runtime/gelu.py.in"),
                _ => "",
            };
        }
        out
    }
}

/// `, a, b`
fn list(scalars: &[usize], names: &Names) -> String {
    scalars.iter().map(|&i| format!(", {}", names.scalars[i])).collect()
}

fn write_function(
    out: &mut String,
    function: &Function,
    module: &Module,
    names: &Names,
    body: &Body,
) {
    let (name, arguments) = (&function.name, list(&function.scalars, names));
    write!(out, "\n\ndef {name}(theta{arguments}):\n    \"\"\"{}\"\"\"\n", function.doc).unwrap();
    let comma = if module.dimension() == 1 { "," } else { "" };
    if module.dimension() <= 8 {
        writeln!(out, "    {}{comma} = _point(theta)", names.point.join(", ")).unwrap();
    } else {
        out.push_str("    theta = _point(theta)\n");
        for &i in body.inputs.iter().filter(|i| **i < module.dimension()) {
            writeln!(out, "    {} = theta[{i}]", names.point[i]).unwrap();
        }
    }
    for (name, value) in &body.statements {
        writeln!(out, "    {name} = {value}").unwrap();
    }
    let values: Vec<String> = body.outputs.iter().map(|x| x.text.code.clone()).collect();
    match function.shape {
        Shape::Scalar => writeln!(out, "    return {}", values[0]).unwrap(),
        Shape::Vector => writeln!(out, "    return np.array({})", array(&values, 4)).unwrap(),
        Shape::Matrix => {
            let rows: Vec<String> =
                values.chunks(module.dimension()).map(|row| array(row, 8)).collect();
            writeln!(out, "    return np.array({})", array(&rows, 4)).unwrap();
        }
    }
}

/// A list in a line of up to 88 characters, or one line an entry.
fn array(values: &[String], indent: usize) -> String {
    let line = format!("[{}]", values.join(", "));
    if indent + line.len() + "return np.array()".len() <= 88 && !line.contains('\n') {
        return line;
    }
    let space = " ".repeat(indent);
    let lines: String = values.iter().map(|value| format!("{space}    {value},\n")).collect();
    format!("[\n{lines}{space}]")
}

fn write_principal(out: &mut String, principal: &Principal, module: &Module, names: &Names) {
    let of_loss = list(&principal.hessian.scalars, names);
    let of_field = list(&module.field_scalars, names);
    let of_rate = principal.rate.as_ref().map_or(String::new(), |(_, s)| list(s, names));
    let (result, point, plus) = match (principal.even, &principal.rest) {
        (true, _) => ("A real point is needed: log|·| is not analytic.", "_real", ""),
        (false, None) => (
            "Logarithms are on their principal branch: at a real point where hλ > 1 for some\n    \
             eigenvalue λ of the Hessian the velocity is complex, with log(1 - hλ) = log|1 - hλ| + iπ.",
            "_point",
            "",
        ),
        (false, Some(_)) => (
            "Logarithms are on their principal branch: at a real point where hλ > 1 for some\n    \
             eigenvalue λ of the Hessian the velocity is complex, with log(1 - hλ) = log|1 - hλ| + iπ.",
            "_point",
            " + non_principal(theta, h)",
        ),
    };
    let plus = plus.replace("h)", &format!("h{of_field})"));
    write!(
        out,
        "\n\ndef field(theta, h{of_field}):\n    \"\"\"{}\n\n    {result}\n    \"\"\"\n    \
         theta = {point}(theta)\n    \
         eigenvalues, vectors, g = _eigen(hessian(theta{of_loss}), gradient(theta{of_loss}))\n    \
         alpha = _alpha(-h * eigenvalues{of_rate})\n    \
         return vectors @ (-alpha * g){plus}\n",
        principal.doc
    )
    .unwrap();
    let (what, log) = match principal.even {
        true => ("log|P(z)|/z", "np.real(_log_1p(w))"),
        false => ("log(P(z))/z", "_log_1p(w)"),
    };
    let growth = match principal.rate {
        Some(_) => "P(z) = 1 + z R(z)",
        None => "P(z) = 1 + z",
    };
    let rate = match principal.rate {
        Some(_) => format!("_rate(z{of_rate})"),
        None => "np.ones_like(z)".into(),
    };
    let finish = match principal.even {
        true => "np.real(alpha)",
        false => "alpha if np.any(np.imag(alpha)) else np.real(alpha)",
    };
    write!(
        out,
        "\n\ndef _alpha(z{of_rate}):\n    \"\"\"{what} with {growth}; real if it can be.\"\"\"\n    \
         z = z.astype(complex)\n    r = {rate}\n    w = z * r\n    \
         alpha = np.where(z == 0.0, r, {log} / np.where(z == 0.0, 1.0, z))\n    \
         return {finish}\n"
    )
    .unwrap();
    if let Some((program, scalars)) = &principal.rate {
        let mut inputs = vec![("z".to_string(), false)];
        inputs.extend(scalars.iter().map(|&i| (names.scalars[i].clone(), true)));
        let body = Body::new(program, &Arrays, &inputs, &names.prefix);
        write!(
            out,
            "\n\ndef _rate(z{of_rate}):\n    \"\"\"R(z): the optimizer on a linear field grows by \
             1 + z R(z) a step.\"\"\"\n"
        )
        .unwrap();
        for (name, value) in &body.statements {
            writeln!(out, "    {name} = {value}").unwrap();
        }
        writeln!(out, "    return {} + 0.0 * z", body.outputs[0].text.at(Level::Sum)).unwrap();
    }
    out.push_str(match principal.even {
        true => include_str!("runtime/eigen_real.py.in"),
        false => include_str!("runtime/eigen_complex.py.in"),
    });
}
