//! Python with NumPy, for real and complex points; SciPy for the error function.

use super::Emit;
use super::body::{Body, Level, Operand, Syntax, Text, sign};
use super::module::{Function, Module, Names, ReturnType, Velocity};
use super::principal::PrincipalVelocity;
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
const OURS: [&str; 29] = [
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
    "alpha",
    "any",
    "f",
    "jacobian",
    "result",
    "values",
    "vector_field",
    "vectors",
    "velocity",
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

    fn raise(&self, x: &Operand, y: &Operand) -> Text {
        Text::atom(format!("np.power({}, {})", x.text.code, y.text.code))
    }

    fn hypot(&self, x: &Operand, y: &Operand) -> Text {
        Text::atom(format!("_hypot({}, {})", x.text.code, y.text.code))
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
        let part = |x: &Operand| {
            if x.literal { x.text.code.clone() } else { format!("np.real({})", x.text.code) }
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
        let mut hypot = false;
        let mut code = String::new();
        for function in module.programs() {
            let body = Body::new(&function.program, &Arrays, &inputs, &names.prefix);
            used.extend(body.functions.iter().copied());
            hypot |= body.hypot;
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
        if hypot {
            out += include_str!("runtime/hypot.py.in");
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
        ReturnType::Scalar => writeln!(out, "    return {}", values[0]).unwrap(),
        ReturnType::Vector => writeln!(out, "    return np.array({})", array(&values, 4)).unwrap(),
        ReturnType::Matrix => {
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

fn write_principal(
    out: &mut String,
    principal: &PrincipalVelocity,
    module: &Module,
    names: &Names,
) {
    let of_loss = list(&principal.jacobian.scalars, names);
    let of_field = list(&module.field_scalars, names);
    let of_root: &[usize] = principal.characteristic.as_ref().map_or(&[], |c| &c.scalars);
    let of_root = list(of_root, names);
    let point = if principal.even { "_real" } else { "_point" };
    let plus = match principal.rest {
        Some(_) => format!(" + non_principal(theta, h{of_field})"),
        None => String::new(),
    };
    let (force, jacobian) = (principal.force, &principal.jacobian.name);
    let (scale, sign, over) = (principal.scale(), principal.sign(), principal.over());
    let mut doc = format!("{}\n\n    {}", principal.doc, principal.convention().join("\n    "));
    if principal.even {
        doc += " The point is real.";
    } else {
        let matrix = if principal.negative { "Hessian" } else { "Jacobian" };
        doc += &format!("\n    Not a number where the {matrix} has no basis of eigenvectors.");
    }
    write!(
        out,
        "\n\ndef field(theta, h{of_field}):\n    \"\"\"{doc}\n    \"\"\"\n    \
         theta = {point}(theta)\n    \
         values, vectors, f = _eigen({scale}{jacobian}(theta{of_loss}), {sign}{force}(theta{of_loss}))\n    \
         alpha = _alpha(values{of_root})\n"
    )
    .unwrap();
    *out += &match (principal.symmetric, principal.even) {
        (true, _) => format!("    return vectors @ (alpha * f){over}{plus}\n"),
        (false, true) => format!("    return np.real(vectors @ (alpha * f)){over}{plus}\n"),
        (false, false) => format!(
            "    velocity = vectors @ (alpha * f){over}\n    \
             # Conjugate eigenvalues have conjugate logarithms.\n    \
             if np.isrealobj(theta) and not np.any(np.imag(alpha[np.isreal(values)])):\n        \
             velocity = np.real(velocity)\n    return velocity{plus}\n"
        ),
    };
    match &principal.characteristic {
        None => write_alpha_of_descent(out, principal),
        Some(characteristic) => {
            write_alpha(out, principal, &of_root);
            let mut inputs = vec![("z".to_string(), false)];
            inputs.extend(characteristic.scalars.iter().map(|&i| (names.scalars[i].clone(), true)));
            let body = Body::new(&characteristic.program, &Arrays, &inputs, &names.prefix);
            write!(
                out,
                "\n\ndef _characteristic(z{of_root}):\n    \
                 \"\"\"The coefficients of the polynomial whose root is R(z), lowest power first.\"\"\"\n"
            )
            .unwrap();
            for (name, value) in &body.statements {
                writeln!(out, "    {name} = {value}").unwrap();
            }
            let values: Vec<String> = body.outputs.iter().map(|x| x.text.code.clone()).collect();
            writeln!(out, "    return {}", array(&values, 4)).unwrap();
            let root = include_str!("runtime/principal_root.py.in");
            *out += &root.replace(", SCALARS", &of_root);
        }
    }
    if principal.even {
        out.push_str(include_str!("runtime/real.py.in"));
    }
    out.push_str(match (principal.symmetric, principal.even) {
        (true, true) => include_str!("runtime/eigen_symmetric.py.in"),
        (true, false) => include_str!("runtime/eigen_complex.py.in"),
        (false, _) => include_str!("runtime/eigen_general.py.in"),
    });
}

/// `log(1+z)/z`, of all eigenvalues at once.
fn write_alpha_of_descent(out: &mut String, principal: &PrincipalVelocity) {
    let log = match (principal.even, principal.symmetric) {
        (false, _) => "log = _log_1p(z)",
        (true, true) => "log = np.real(_log_1p(z))",
        (true, false) => "log = _log_1p(z)\n    log = np.where(np.isreal(z), np.real(log), log)",
    };
    let result = if principal.even {
        "alpha"
    } else {
        "alpha if np.any(np.imag(alpha)) else np.real(alpha)"
    };
    write!(
        out,
        "\n\ndef _alpha(z):\n    \"\"\"{}; real if it can be.\"\"\"\n    {log}\n    \
         alpha = np.where(z == 0.0, 1.0, log / np.where(z == 0.0, 1.0, z))\n    \
         return {result}\n",
        principal.symbol()
    )
    .unwrap();
}

/// `log(P(z))/z`, one eigenvalue after another.
fn write_alpha(out: &mut String, principal: &PrincipalVelocity, of_root: &str) {
    let (argument, log) = if principal.even {
        ("_", "if z.imag == 0.0:\n            log = log.real")
    } else {
        (
            "argument",
            "# On the sheet that the root came along.\n        \
             turns = np.round((argument - log.imag) / (2.0 * np.pi))\n        \
             log += 2j * np.pi * turns",
        )
    };
    let result = match (principal.even, principal.symmetric) {
        (true, true) => "np.real(alpha)",
        (true, false) => "alpha",
        (false, _) => "alpha if np.any(np.imag(alpha)) else np.real(alpha)",
    };
    write!(
        out,
        "\n\ndef _alpha(z{of_root}):\n    \
         \"\"\"{} with P(z) = 1 + z R(z); real if it can be.\"\"\"\n\n    \
         def at(z):\n        \
         rate, {argument} = _principal_root(z{of_root})\n        \
         if z == 0.0:\n            return rate\n        \
         log = complex(_log_1p(z * rate))\n        {log}\n        return log / z\n\n    \
         alpha = np.array([at(complex(value)) for value in z])\n    return {result}\n",
        principal.symbol()
    )
    .unwrap();
}
