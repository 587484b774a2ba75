//! Rust: the standard library, and nalgebra for principal flows.

use super::Emit;
use super::body::{Body, Level, Operand, Syntax, Text, sign};
use super::module::{Function, Module, Names, ReturnType, Velocity};
use super::principal::PrincipalVelocity;
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
const OURS: [&str; 32] = [
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
    "alpha",
    "characteristic",
    "eigen",
    "g",
    "general",
    "jacobian",
    "lambda",
    "newton",
    "principal_root",
    "symmetric",
    "v",
    "vector_field",
    "rest",
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
        if self.complex && x.real {
            format!("Complex64::from({})", x.text.code)
        } else {
            x.text.code.clone()
        }
    }
}

fn method(x: &Operand, name: &str) -> Text {
    Text::atom(if x.literal {
        format!("f64::{name}({})", x.text.code)
    } else {
        format!("{}.{name}()", x.text.at(Level::Atom))
    })
}

fn binary(x: &Operand, name: &str, argument: &str) -> Text {
    Text::atom(if x.literal {
        format!("f64::{name}({}, {argument})", x.text.code)
    } else {
        format!("{}.{name}({argument})", x.text.at(Level::Atom))
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
        binary(x, "powf", exponent)
    }

    fn raise(&self, x: &Operand, y: &Operand) -> Text {
        if y.real {
            binary(x, "powf", &y.text.code)
        } else {
            {
                let x = if x.real { self.point(x) } else { x.text.at(Level::Atom) };
                Text::atom(format!("{x}.powc({})", y.text.code))
            }
        }
    }

    fn hypot(&self, x: &Operand, y: &Operand) -> Text {
        if x.real && y.real {
            return binary(x, "hypot", &y.text.code);
        }
        let square = |x: &Operand| {
            let x = x.text.at(Level::Atom);
            format!("{x} * {x}")
        };
        Text::atom(format!("({} + {}).sqrt()", square(x), square(y)))
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
        let part = |x: &Operand| {
            if x.real { x.text.at(Level::Sum) } else { format!("{}.re", x.text.at(Level::Atom)) }
        };
        let (left, right) = (part(left), part(right));
        let (yes, no) = if yes.real && no.real {
            (yes.text.code.clone(), no.text.code.clone())
        } else {
            (self.point(yes), self.point(no))
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
            write_principal(&mut code, principal, module, &names);
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
        if let Some(principal) = principal {
            let general = if principal.needs_general() { ", Schur" } else { "" };
            let symmetric = if principal.symmetric { ", SymmetricEigen" } else { "" };
            writeln!(out, "use nalgebra::{{Complex, DMatrix, DVector{general}{symmetric}}};")
                .unwrap();
        }
        // The sheet of a logarithm is counted in full turns.
        let tau = principal.is_some_and(|p| !p.even && p.characteristic.is_some());
        out += match (pi, tau) {
            (true, true) => "use std::f64::consts::{PI, TAU};\n",
            (true, false) => "use std::f64::consts::PI;\n",
            (false, true) => "use std::f64::consts::TAU;\n",
            (false, false) => "",
        };
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
        ReturnType::Scalar => number.to_string(),
        ReturnType::Vector => format!("[{number}; N]"),
        ReturnType::Matrix => format!("[[{number}; N]; N]"),
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
    if function.shape == ReturnType::Scalar {
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
        ReturnType::Scalar => writeln!(out, "    {}", values[0]).unwrap(),
        ReturnType::Vector => writeln!(out, "    {}", array(&values, 4)).unwrap(),
        ReturnType::Matrix => {
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

impl PrincipalVelocity {
    /// Whether matrices are met that are not real symmetric.
    fn needs_general(&self) -> bool {
        !(self.symmetric && self.even)
    }
}

/// `field` as a function of the eigenvalues of the Jacobian.
fn write_principal(
    out: &mut String,
    principal: &PrincipalVelocity,
    module: &Module,
    names: &Names,
) {
    let list = |scalars: &[usize], suffix: &str| -> String {
        scalars.iter().map(|&i| format!(", {}{suffix}", names.scalars[i])).collect()
    };
    let (number, part) = if principal.even { ("f64", ".re") } else { ("Complex64", "") };
    let of_loss = list(&principal.jacobian.scalars, "");
    let of_field = list(&module.field_scalars, "");
    let of_field_typed = list(&module.field_scalars, ": f64");
    let of_root: &[usize] = principal.characteristic.as_ref().map_or(&[], |c| &c.scalars);
    let (of_root, of_root_typed) = (list(of_root, ""), list(of_root, ": f64"));
    let (rest, plus) = match principal.rest {
        Some(_) => (format!("    let rest = non_principal(theta, h{of_field});\n"), " + rest[i]"),
        None => (String::new(), ""),
    };
    let mut doc = format!("/// {}\n///\n", principal.doc);
    principal.convention().iter().for_each(|line| doc += &format!("/// {line}\n"));
    if principal.needs_general() {
        let matrix = if principal.negative { "Hessian" } else { "Jacobian" };
        doc += &format!("/// Not a number where the {matrix} has no basis of eigenvectors.\n");
    }
    let jacobian = &principal.jacobian.name;
    let force = if principal.even {
        format!(
            "DVector::from_iterator(N, {}(theta{of_loss}).map(Complex64::from))",
            principal.force
        )
    } else {
        format!("DVector::from_row_slice(&{}(theta{of_loss}))", principal.force)
    };
    let (scale, sign, over) = (principal.scale(), principal.sign(), principal.over());
    write!(
        out,
        "\n{doc}pub fn field(theta: &[{number}; N], h: f64{of_field_typed}) -> [{number}; N] {{\n    \
         let Some(Eigen {{ values, vectors, inverse }}) = eigen(&{jacobian}(theta{of_loss})) else {{\n        \
         return [{nan}; N];\n    }};\n    \
         let g = inverse * {force};\n    \
         let v = vectors * DVector::from_fn(N, |i, _| {sign}alpha({scale}values[i]{of_root}) * g[i]{over});\n\
         {rest}    std::array::from_fn(|i| v[i]{part}{plus})\n}}\n",
        nan = if principal.even { "f64::NAN" } else { "Complex64::from(f64::NAN)" },
    )
    .unwrap();
    write_alpha(out, principal, &of_root, &of_root_typed);
    if let Some(characteristic) = &principal.characteristic {
        let numbers = Numbers { complex: true };
        let mut inputs = vec![("z".to_string(), false)];
        inputs.extend(characteristic.scalars.iter().map(|&i| (names.scalars[i].clone(), true)));
        let body = Body::new(&characteristic.program, &numbers, &inputs, &names.prefix);
        let arguments: Vec<String> = (0..inputs.len())
            .map(|i| {
                let unused = if body.inputs.contains(&i) { "" } else { "_" };
                format!("{unused}{}: {}", inputs[i].0, if i == 0 { "Complex64" } else { "f64" })
            })
            .collect();
        let values: Vec<String> = body.outputs.iter().map(|x| numbers.point(x)).collect();
        write!(
            out,
            "\n/// The coefficients of the polynomial whose root is `R(z)`, lowest power first.\n\
             fn characteristic({}) -> [Complex64; {}] {{\n",
            arguments.join(", "),
            values.len()
        )
        .unwrap();
        for (name, value) in &body.statements {
            writeln!(out, "    let {name} = {value};").unwrap();
        }
        writeln!(out, "    {}\n}}", array(&values, 4)).unwrap();
        let root = include_str!("runtime/principal_root.rs.in");
        *out += &root.replace(", TYPED", &of_root_typed).replace(", SCALARS", &of_root);
    }
    out.push_str(include_str!("runtime/log_1p.rs.in"));
    out.push_str(include_str!("runtime/eigen.rs.in"));
    out.push_str(match (principal.symmetric, principal.even) {
        (true, true) => include_str!("runtime/eigen_of_real_symmetric.rs.in"),
        (true, false) => include_str!("runtime/eigen_of_symmetric.rs.in"),
        (false, true) => include_str!("runtime/eigen_of_real.rs.in"),
        (false, false) => include_str!("runtime/eigen_of_complex.rs.in"),
    });
    if principal.symmetric {
        out.push_str(include_str!("runtime/eigen_symmetric.rs.in"));
    }
    if principal.needs_general() {
        out.push_str(include_str!("runtime/eigen_general.rs.in"));
    }
}

/// `log(P(z))/z`.
fn write_alpha(out: &mut String, principal: &PrincipalVelocity, of_root: &str, typed: &str) {
    let is_root = principal.characteristic.is_some();
    let with = if is_root { " with `P(z) = 1 + z R(z)`" } else { "" };
    let mut body = match (is_root, principal.even) {
        (false, _) => {
            "    if z == Complex64::ZERO {\n        return Complex64::ONE;\n    }\n".to_string()
        }
        (true, even) => format!(
            "    let Some((rate, {argument})) = principal_root(z{of_root}) else {{\n        \
             return Complex64::from(f64::NAN);\n    }};\n    \
             if z == Complex64::ZERO {{\n        return rate;\n    }}\n",
            argument = if even { "_" } else { "argument" }
        ),
    };
    let log = if is_root { "log_1p(z * rate)" } else { "log_1p(z)" };
    body += &match (is_root, principal.even) {
        (false, false) => format!("    {log} / z\n"),
        (true, false) => format!(
            "    let mut log = {log};\n    \
             // On the sheet that the root came along.\n    \
             log.im += TAU * ((argument - log.im) / TAU).round();\n    log / z\n"
        ),
        (_, true) => format!(
            "    let mut log = {log};\n    \
             if z.im == 0.0 {{\n        log.im = 0.0;\n    }}\n    log / z\n"
        ),
    };
    write!(
        out,
        "\n/// `{}`{with}.\nfn alpha(z: Complex64{typed}) -> Complex64 {{\n{body}}}\n",
        principal.symbol()
    )
    .unwrap();
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
