//! Julia with its standard library, for real and complex points; SpecialFunctions for the error
//! function.

use super::Emit;
use super::body::{Body, Level, Operand, Syntax, Text, sign};
use super::module::{Function, Module, Names, ReturnType, Velocity};
use super::principal::PrincipalVelocity;
use crate::loss::{self, Relation};
use std::collections::BTreeSet;
use std::fmt::Write;

pub(super) struct Julia;

const RESERVED: [&str; 37] = [
    "baremodule",
    "begin",
    "break",
    "catch",
    "const",
    "continue",
    "do",
    "else",
    "elseif",
    "end",
    "export",
    "false",
    "finally",
    "for",
    "function",
    "global",
    "if",
    "import",
    "in",
    "isa",
    "let",
    "local",
    "macro",
    "module",
    "quote",
    "return",
    "struct",
    "true",
    "try",
    "using",
    "where",
    "while",
    "abstract",
    "mutable",
    "primitive",
    "type",
    "im",
];
const OURS: [&str; 47] = [
    "theta",
    "loss",
    "gradient",
    "hessian",
    "field",
    "non_principal",
    "alpha",
    "rate",
    "log_1p",
    "eigenvectors",
    "characteristic",
    "eigen",
    "f",
    "i",
    "jacobian",
    "newton",
    "principal_root",
    "root",
    "values",
    "vector_field",
    "vectors",
    "velocity",
    "isreal",
    "hypotenuse",
    "exp",
    "log",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "sqrt",
    "real",
    "imag",
    "complex",
    "zero",
    "expm1",
    "absolute",
    "relu",
    "elu",
    "sigmoid",
    "softplus",
    "erf",
    "normal_cdf",
    "gelu",
    "z",
];

struct Numbers;

fn call(function: &str, x: &Operand) -> Text {
    Text::atom(format!("{function}({})", x.text.code))
}

impl Syntax for Numbers {
    fn pi(&self) -> Text {
        Text::atom("Float64(π)")
    }

    fn sqrt(&self, x: &Operand) -> Text {
        call("sqrt", x)
    }

    fn power(&self, x: &Operand, exponent: &str) -> Text {
        let code = format!("{}^({exponent})", x.text.at(Level::Atom));
        Text { code, level: Level::Product }
    }

    fn raise(&self, x: &Operand, y: &Operand) -> Text {
        let code = format!("{}^{}", x.text.at(Level::Atom), y.text.at(Level::Atom));
        Text { code, level: Level::Product }
    }

    fn hypot(&self, x: &Operand, y: &Operand) -> Text {
        Text::atom(format!("hypotenuse({}, {})", x.text.code, y.text.code))
    }

    fn apply(&self, function: loss::Function, x: &Operand) -> Text {
        match function {
            loss::Function::Abs => call("absolute", x),
            _ => call(function.name(), x),
        }
    }

    fn select(
        &self,
        [left, right]: [&Operand; 2],
        relation: Relation,
        [yes, no]: [&Operand; 2],
    ) -> Text {
        let part = |x: &Operand| {
            if x.literal { x.text.code.clone() } else { format!("real({})", x.text.code) }
        };
        let (yes, no) = (yes.text.at(Level::Sum), no.text.at(Level::Sum));
        let code = format!("{} {} {} ? {yes} : {no}", part(left), sign(relation), part(right));
        Text { code, level: Level::Negative }
    }
}

impl Emit for Julia {
    fn file(&self, module: &Module) -> String {
        let names = module.names(&[&RESERVED, &OURS], false);
        let inputs = names.inputs(true);
        let mut used = BTreeSet::new();
        let mut hypot = false;
        let mut code = String::new();
        for function in module.programs() {
            let body = Body::new(&function.program, &Numbers, &inputs, &names.prefix);
            used.extend(body.functions.iter().copied());
            hypot |= body.hypot;
            write_function(&mut code, function, module, &names, &body);
        }
        let mut out = String::new();
        for line in &module.header {
            writeln!(out, "{}", format!("# {line}").trim_end()).unwrap();
        }
        out += "#\n# The points are real or complex vectors.\n";
        use loss::Function::*;
        let principal = match &module.velocity {
            Velocity::Principal(principal) => Some(principal),
            Velocity::Direct(_) => None,
        };
        let mut imports = String::new();
        if principal.is_some() {
            imports += "using LinearAlgebra\n";
        }
        if used.iter().any(|f| matches!(f, Erf | NormalCdf | Gelu)) {
            imports += "using SpecialFunctions: erf, erfc\n";
        }
        if !imports.is_empty() {
            write!(out, "\n{imports}").unwrap();
        }
        out += &code;
        if let Some(principal) = principal {
            write_principal(&mut out, principal, module, &names);
        }
        if principal.is_some() || used.contains(&Softplus) {
            out += include_str!("runtime/log_1p.jl.in");
        }
        if hypot {
            out += "\n# The square root of x^2 + y^2, without overflow at real points.\n\
                    hypotenuse(x::Real, y::Real) = hypot(x, y)\n\
                    hypotenuse(x, y) = sqrt(x * x + y * y)\n";
        }
        for function in used {
            out += helper(function);
        }
        out
    }
}

/// What the standard library lacks.
fn helper(function: loss::Function) -> &'static str {
    use loss::Function::*;
    match function {
        Abs => {
            "\n# z where its real part is not negative, -z elsewhere.\n\
             absolute(z) = real(z) < 0.0 ? -z : z\n"
        }
        Relu => {
            "\n# z where its real part is positive, 0 elsewhere.\n\
             relu(z) = real(z) <= 0.0 ? zero(z) : z\n"
        }
        Elu => {
            "\n# z where its real part is positive, e^z - 1 elsewhere.\n\
             elu(z) = real(z) <= 0.0 ? expm1(z) : z\n"
        }
        Sigmoid => {
            "\n# 1/(1 + e^(-z)) without overflow.\n\
             sigmoid(z) = real(z) < 0.0 ? exp(z) / (1.0 + exp(z)) : 1.0 / (1.0 + exp(-z))\n"
        }
        Softplus => {
            "\n# log(1 + e^z) without overflow, principal branch.\n\
             softplus(z::Real) = max(z, 0.0) + log1p(exp(-abs(z)))\n\
             function softplus(z)\n    \
             real(z) <= 0.0 && return log_1p(exp(z))\n    \
             value = z + log_1p(exp(-z))\n    \
             return value - 2.0im * π * round(imag(value) / (2.0 * π))\n\
             end\n"
        }
        NormalCdf => {
            "\n# The distribution function of the standard normal law.\n\
             normal_cdf(z) = 0.5 * erfc(-z * sqrt(0.5))\n"
        }
        Gelu => {
            "\n# z times the distribution function of the standard normal law.\n\
             gelu(z) = 0.5 * z * erfc(-z * sqrt(0.5))\n"
        }
        _ => "",
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
    write!(out, "\n\"{}\"\nfunction {name}(theta{arguments})\n", function.doc).unwrap();
    for &i in body.inputs.iter().filter(|i| **i < module.dimension()) {
        writeln!(out, "    {} = theta[{}]", names.point[i], i + 1).unwrap();
    }
    for (name, value) in &body.statements {
        writeln!(out, "    {name} = {value}").unwrap();
    }
    let values = body.outputs.iter().map(|x| x.text.at(Level::Atom));
    match function.shape {
        ReturnType::Scalar => {
            writeln!(out, "    return {}", body.outputs[0].text.code).unwrap();
        }
        ReturnType::Vector => {
            let values: Vec<String> = body.outputs.iter().map(|x| x.text.code.clone()).collect();
            writeln!(out, "    return {}", array(&values)).unwrap();
        }
        ReturnType::Matrix => {
            let values: Vec<String> = values.collect();
            out.push_str("    return [\n");
            for row in values.chunks(module.dimension()) {
                writeln!(out, "        {}", row.join(" ")).unwrap();
            }
            out.push_str("    ]\n");
        }
    }
    out.push_str("end\n");
}

/// A vector in one line of up to 92 characters, or one line an entry.
fn array(values: &[String]) -> String {
    let line = format!("[{}]", values.join(", "));
    if line.len() <= 80 {
        return line;
    }
    let lines: String = values.iter().map(|value| format!("        {value},\n")).collect();
    format!("[\n{lines}    ]")
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
    let plus = match principal.rest {
        Some(_) => format!(" + non_principal(theta, h{of_field})"),
        None => String::new(),
    };
    let (force, jacobian) = (principal.force, &principal.jacobian.name);
    let (scale, sign, over) = (principal.scale(), principal.sign(), principal.over());
    let mut doc = format!("{}\n\n{}", principal.doc, principal.convention().join("\n"));
    if principal.even {
        doc += " The point is real.";
    } else {
        let matrix = if principal.negative { "Hessian" } else { "Jacobian" };
        doc += &format!("\nNot a number where the {matrix} has no basis of eigenvectors.");
    }
    write!(
        out,
        "\n\"\"\"\n{doc}\n\"\"\"\nfunction field(theta, h{of_field})\n    \
         values, vectors, f = eigenvectors({scale}{jacobian}(theta{of_loss}), {sign}{force}(theta{of_loss}))\n    \
         velocity = vectors * [alpha(values[i]{of_root}) * f[i]{over} for i in eachindex(f)]\n    \
         return {}{plus}\nend\n",
        if principal.even { "real(velocity)" } else { "velocity" }
    )
    .unwrap();
    let symbol = principal.symbol();
    // Only the real part at a real eigenvalue.
    let end = if principal.even {
        "    return (iszero(imag(z)) ? real(log) : log) / z\nend\n"
    } else {
        "    return log / z\nend\n"
    };
    match &principal.characteristic {
        None => write!(
            out,
            "\n# {symbol}.\nfunction alpha(z)\n    iszero(z) && return one(complex(z))\n    \
             log = log_1p(z)\n{end}"
        )
        .unwrap(),
        Some(characteristic) => {
            let (argument, sheet) = if principal.even {
                ("_", "")
            } else {
                (
                    "argument",
                    "    # On the sheet that the root came along.\n    \
                     log += 2.0im * π * round((argument - imag(log)) / (2.0 * π))\n",
                )
            };
            write!(
                out,
                "\n# {symbol} with P(z) = 1 + z R(z).\nfunction alpha(z{of_root})\n    \
                 rate, {argument} = principal_root(complex(z){of_root})\n    \
                 iszero(z) && return rate\n    log = log_1p(z * rate)\n{sheet}{end}"
            )
            .unwrap();
            let mut inputs = vec![("z".to_string(), false)];
            inputs.extend(characteristic.scalars.iter().map(|&i| (names.scalars[i].clone(), true)));
            let body = Body::new(&characteristic.program, &Numbers, &inputs, &names.prefix);
            write!(
                out,
                "\n# The coefficients of the polynomial whose root is R(z), lowest power first.\n\
                 function characteristic(z{of_root})\n"
            )
            .unwrap();
            for (name, value) in &body.statements {
                writeln!(out, "    {name} = {value}").unwrap();
            }
            let values: Vec<String> = body.outputs.iter().map(|x| x.text.code.clone()).collect();
            write!(out, "    return {}\nend\n", array(&values)).unwrap();
            let root = include_str!("runtime/principal_root.jl.in");
            *out += &root.replace(", SCALARS", &of_root);
        }
    }
    out.push_str(match (principal.symmetric, principal.even) {
        (true, true) => include_str!("runtime/eigen_symmetric.jl.in"),
        (true, false) => include_str!("runtime/eigen_complex.jl.in"),
        (false, _) => include_str!("runtime/eigen_general.jl.in"),
    });
}
