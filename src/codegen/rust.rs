//! Rust: the standard library, and nalgebra for principal flows.

use super::Emit;
use super::body::{Body, Level, Operand, Syntax, Text, sign};
use super::module::{Function, Module, Names, Principal, Shape, Velocity};
use crate::loss::{self, Relation};
use std::collections::BTreeSet;
use std::fmt::Write;

pub(super) struct Rust;

const RESERVED: [&str; 53] = [
    "as", "async", "await", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self",
    "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized",
    "use", "virtual", "where", "while", "yield", "abstract", "become", "f64", "std",
];
const OURS: [&str; 19] = [
    "theta",
    "loss",
    "gradient",
    "field",
    "hessian",
    "non_principal",
    "n",
    "abs",
    "relu",
    "elu",
    "sigmoid",
    "softplus",
    "erf",
    "erfc",
    "normal_cdf",
    "gelu",
    "z",
    "exp_m1",
    "log_1p",
];

/// How numbers are written where points are real, or complex.
struct Numbers {
    complex: bool,
}

impl Numbers {
    fn name(&self) -> &'static str {
        if self.complex { "Complex64" } else { "f64" }
    }

    /// The operand as a value of the type of points.
    fn point(&self, x: &Operand) -> String {
        match self.complex && x.real {
            true => format!("Complex64::from({})", x.text.code),
            false => x.text.code.clone(),
        }
    }
}

fn method(x: &Operand, name: &str) -> Text {
    Text::atom(match x.literal {
        true => format!("f64::{name}({})", x.text.code),
        false => format!("{}.{name}()", x.text.at(Level::Atom)),
    })
}

impl Syntax for Numbers {
    fn pi(&self) -> Text {
        Text::atom("PI")
    }

    fn sqrt(&self, x: &Operand) -> Text {
        method(x, "sqrt")
    }

    fn power(&self, x: &Operand, exponent: &str) -> Text {
        Text::atom(match x.literal {
            true => format!("f64::powf({}, {exponent})", x.text.code),
            false => format!("{}.powf({exponent})", x.text.at(Level::Atom)),
        })
    }

    fn apply(&self, function: loss::Function, x: &Operand) -> Text {
        use loss::Function::*;
        match function {
            Log => method(x, "ln"),
            Exp | Sin | Cos | Tan | Sinh | Cosh | Tanh => method(x, function.name()),
            Abs if !self.complex => method(x, "abs"),
            _ => Text::atom(format!("{}({})", function.name(), self.point(x))),
        }
    }

    fn select(
        &self,
        [left, right]: [&Operand; 2],
        relation: Relation,
        [yes, no]: [&Operand; 2],
    ) -> Text {
        let part = |x: &Operand| match x.real {
            true => x.text.at(Level::Sum),
            false => format!("{}.re", x.text.at(Level::Atom)),
        };
        let (left, right) = (part(left), part(right));
        let (yes, no) = match yes.real && no.real {
            true => (yes.text.code.clone(), no.text.code.clone()),
            false => (self.point(yes), self.point(no)),
        };
        let code = format!("if {left} {} {right} {{ {yes} }} else {{ {no} }}", sign(relation));
        Text { code, level: Level::Negative }
    }
}

impl Emit for Rust {
    fn file(&self, module: &Module) -> String {
        let principal = match &module.velocity {
            Velocity::Principal(principal) => Some(principal.as_ref()),
            Velocity::Direct(_) => None,
        };
        let numbers = Numbers { complex: principal.is_some_and(|p| !p.even) };
        let names = module.names(&[&RESERVED, &OURS], true);
        let inputs = names.inputs(numbers.complex);
        let mut used = BTreeSet::new();
        let mut pi = false;
        let mut code = String::new();
        for function in module.programs() {
            let body = Body::new(&function.program, &numbers, &inputs, &names.prefix);
            used.extend(body.functions.iter().copied());
            pi |= body.pi;
            write_function(&mut code, function, module, &names, &numbers, body);
        }
        if let Some(principal) = principal {
            write_principal(&mut code, principal, module, &names, &mut pi);
        }

        let mut out = String::new();
        for line in &module.header {
            writeln!(out, "{}", format!("// {line}").trim_end()).unwrap();
        }
        let complex_error = numbers.complex && used.iter().any(|f| is_of_error(*f));
        if principal.is_some() {
            let with = if complex_error { " and errorfunctions 0.2" } else { "" };
            write!(out, "//\n// Needs the crate nalgebra (0.33 or newer){with}.\n").unwrap();
        }
        out.push('\n');
        if complex_error {
            out += "use errorfunctions::ComplexErrorFunctions;\n";
        }
        match principal.map(|p| p.even) {
            Some(true) => out += "use nalgebra::{Complex, DMatrix, DVector, SymmetricEigen};\n",
            Some(false) => {
                out += "use nalgebra::{Complex, DMatrix, DVector, Schur, SymmetricEigen};\n";
            }
            None => {}
        }
        if pi {
            out += "use std::f64::consts::PI;\n";
        }
        if principal.is_some() {
            out += "\n/// A complex number.\npub type Complex64 = Complex<f64>;\n";
        }
        if !out.ends_with("\n\n") {
            out.push('\n');
        }
        let coordinates = module.variables.join(", ");
        writeln!(out, "/// The number of coordinates: {}.", shortened(&coordinates)).unwrap();
        writeln!(out, "pub const N: usize = {};", module.dimension()).unwrap();
        out += &code;
        out += &helpers(&used, numbers.complex);
        out
    }
}

/// A long list ends in dots.
fn shortened(list: &str) -> String {
    match list.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &list[..end]),
        None => list.to_string(),
    }
}

fn write_function(
    out: &mut String,
    function: &Function,
    module: &Module,
    names: &Names,
    numbers: &Numbers,
    mut body: Body,
) {
    let dimension = module.dimension();
    let number = numbers.name();
    let unused = |used: bool, name: &str| if used { name.into() } else { format!("_{name}") };
    let used_point: Vec<usize> = body.inputs.iter().copied().filter(|i| *i < dimension).collect();
    let theta = unused(!used_point.is_empty(), "theta");
    let mut arguments = vec![format!("{theta}: &[{number}; N]")];
    for &scalar in &function.scalars {
        let used = body.inputs.contains(&(dimension + scalar));
        arguments.push(format!("{}: f64", unused(used, &names.scalars[scalar])));
    }
    let result = match function.shape {
        Shape::Scalar => number.to_string(),
        Shape::Vector => format!("[{number}; N]"),
        Shape::Matrix => format!("[[{number}; N]; N]"),
    };
    let public = if function.name == "non_principal" { "" } else { "pub " };
    let (name, arguments) = (&function.name, arguments.join(", "));
    write!(out, "\n/// {}\n{public}fn {name}({arguments}) -> {result} {{\n", function.doc).unwrap();
    if used_point.len() == dimension && dimension > 1 && dimension <= 8 {
        writeln!(out, "    let [{}] = *theta;", names.point.join(", ")).unwrap();
    } else {
        for i in used_point {
            writeln!(out, "    let {} = theta[{i}];", names.point[i]).unwrap();
        }
    }
    if function.shape == Shape::Scalar {
        // What is returned has no name of its own.
        let last = body.statements.last().is_some_and(|(n, _)| *n == body.outputs[0].text.code);
        if last {
            let (_, value) = body.statements.pop().expect("there is a last one");
            body.outputs[0].text.code = value;
        }
    }
    for (name, value) in &body.statements {
        writeln!(out, "    let {name} = {value};").unwrap();
    }
    let values: Vec<String> = body.outputs.iter().map(|x| numbers.point(x)).collect();
    match function.shape {
        Shape::Scalar => writeln!(out, "    {}", values[0]).unwrap(),
        Shape::Vector => writeln!(out, "    {}", array(&values, 4)).unwrap(),
        Shape::Matrix => {
            let rows: Vec<String> = values.chunks(dimension).map(|row| array(row, 8)).collect();
            writeln!(out, "    {}", array(&rows, 4)).unwrap();
        }
    }
    out.push_str("}\n");
}

/// An array in a line of up to 100 characters, or one line an entry.
fn array(values: &[String], indent: usize) -> String {
    let line = format!("[{}]", values.join(", "));
    if indent + line.len() <= 100 && !line.contains('\n') {
        return line;
    }
    let space = " ".repeat(indent);
    let lines: String = values.iter().map(|value| format!("{space}    {value},\n")).collect();
    format!("[\n{lines}{space}]")
}

/// `field` as a function of the eigenvalues of the Hessian.
fn write_principal(
    out: &mut String,
    principal: &Principal,
    module: &Module,
    names: &Names,
    pi: &mut bool,
) {
    let number = if principal.even { "f64" } else { "Complex64" };
    let list = |scalars: &[usize], suffix: &str| -> String {
        scalars.iter().map(|&i| format!(", {}{suffix}", names.scalars[i])).collect()
    };
    let of_loss = list(&principal.hessian.scalars, "");
    let of_field = list(&module.field_scalars, "");
    let of_field_typed = list(&module.field_scalars, ": f64");
    let rate_scalars = principal.rate.as_ref().map_or(&[][..], |(_, scalars)| scalars);
    let (of_rate, of_rate_typed) = (list(rate_scalars, ""), list(rate_scalars, ": f64"));
    let (rest, plus) = match principal.rest {
        Some(_) => (format!("    let rest = non_principal(theta, h{of_field});\n"), " + rest[i]"),
        None => (String::new(), ""),
    };
    let solve = if principal.even {
        "    let g = u.tr_mul(&DVector::from_row_slice(&GRADIENT));\n"
    } else {
        "    let Some(g) = u.clone().lu().solve(&DVector::from_row_slice(&GRADIENT)) else {\n        \
         return [Complex64::from(f64::NAN); N];\n    };\n"
    };
    let solve = solve.replace("GRADIENT", &format!("gradient(theta{of_loss})"));
    writeln!(
        out,
        "\n/// {doc}\n{convention}\
         pub fn field(theta: &[{number}; N], h: f64{of_field_typed}) -> [{number}; N] {{\n    \
         let (lambda, u) = eigen(&hessian(theta{of_loss}));\n{solve}    \
         let v = u * DVector::from_fn(N, |i, _| -alpha(-h * lambda[i]{of_rate}) * g[i]);\n{rest}    \
         std::array::from_fn(|i| v[i]{plus})\n}}",
        doc = principal.doc,
        convention = match principal.even {
            true => "",
            false =>
                "///\n/// Logarithms are on their principal branch, `+iπ` where `hλ > 1` at a real \
                 point. Not a\n/// number where the Hessian has no basis of eigenvectors.\n",
        }
    )
    .unwrap();

    let rate = if principal.rate.is_some() { format!("rate(z{of_rate})") } else { "1".into() };
    let alpha = match (principal.even, principal.rate.is_some()) {
        (false, false) => "fn alpha(z: Complex64) -> Complex64 {\n    \
             if z == Complex64::ZERO { Complex64::ONE } else { log_1p(z) / z }\n}"
            .to_string(),
        (false, true) => format!(
            "fn alpha(z: Complex64{of_rate_typed}) -> Complex64 {{\n    let r = {rate};\n    \
             if z == Complex64::ZERO {{ r }} else {{ log_1p(z * r) / z }}\n}}"
        ),
        (true, false) => "fn alpha(z: f64) -> f64 {\n    \
                          if z == 0.0 { 1.0 } else { log_1p(z.into()).re / z }\n}"
            .to_string(),
        (true, true) => format!(
            "fn alpha(z: f64{of_rate_typed}) -> f64 {{\n    let r = {};\n    \
             if z == 0.0 {{ r.re }} else {{ log_1p(z * r).re / z }}\n}}",
            rate.replace("(z", "(z.into()")
        ),
    };
    let what = match (principal.even, principal.rate.is_some()) {
        (false, false) => "`log(1 + z)/z`",
        (true, false) => "`log|1 + z|/z`",
        (false, true) => "`log(P(z))/z` with `P(z) = 1 + z R(z)`",
        (true, true) => "`log|P(z)|/z` with `P(z) = 1 + z R(z)`",
    };
    writeln!(out, "\n/// {what}.\n{alpha}").unwrap();
    if let Some((program, scalars)) = &principal.rate {
        let numbers = Numbers { complex: true };
        let mut inputs = vec![("z".to_string(), false)];
        inputs.extend(scalars.iter().map(|&i| (names.scalars[i].clone(), true)));
        let body = Body::new(program, &numbers, &inputs, &names.prefix);
        *pi |= body.pi;
        let mut arguments = vec!["z: Complex64".to_string()];
        for (i, (name, _)) in inputs.iter().enumerate().skip(1) {
            let unused = if body.inputs.contains(&i) { "" } else { "_" };
            arguments.push(format!("{unused}{name}: f64"));
        }
        if !body.inputs.contains(&0) {
            arguments[0].insert(0, '_');
        }
        write!(
            out,
            "\n/// `R(z)`: the optimizer on a linear field grows by `P(z) = 1 + z R(z)` a step.\n\
             fn rate({}) -> Complex64 {{\n",
            arguments.join(", ")
        )
        .unwrap();
        for (name, value) in &body.statements {
            writeln!(out, "    let {name} = {value};").unwrap();
        }
        writeln!(out, "    {}\n}}", numbers.point(&body.outputs[0])).unwrap();
    }
    out.push_str(include_str!("runtime/log_1p.rs.in"));
    out.push_str(match principal.even {
        true => include_str!("runtime/eigen_real.rs.in"),
        false => include_str!("runtime/eigen_complex.rs.in"),
    });
}

fn is_of_error(function: loss::Function) -> bool {
    use loss::Function::*;
    matches!(function, Erf | NormalCdf | Gelu)
}

/// The functions that the standard library lacks, those that are used.
fn helpers(used: &BTreeSet<loss::Function>, complex: bool) -> String {
    use loss::Function::*;
    let mut out = String::new();
    for function in used {
        out += match (function, complex) {
            (Relu, false) => include_str!("runtime/relu.rs.in"),
            (Elu, false) => include_str!("runtime/elu.rs.in"),
            (Sigmoid, false) => include_str!("runtime/sigmoid.rs.in"),
            (Softplus, false) => include_str!("runtime/softplus.rs.in"),
            (NormalCdf, false) => include_str!("runtime/normal_cdf.rs.in"),
            (Gelu, false) => include_str!("runtime/gelu.rs.in"),
            (Abs, true) => include_str!("runtime/abs_complex.rs.in"),
            (Relu, true) => include_str!("runtime/relu_complex.rs.in"),
            (Elu, true) => include_str!("runtime/elu_complex.rs.in"),
            (Sigmoid, true) => include_str!("runtime/sigmoid_complex.rs.in"),
            (Softplus, true) => include_str!("runtime/softplus_complex.rs.in"),
            (Erf, true) => include_str!("runtime/erf_complex.rs.in"),
            (NormalCdf, true) => include_str!("runtime/normal_cdf_complex.rs.in"),
            (Gelu, true) => include_str!("runtime/gelu_complex.rs.in"),
            _ => "",
        };
    }
    if !complex && used.iter().any(|f| is_of_error(*f)) {
        out += include_str!("runtime/erf.rs.in");
    }
    out
}
