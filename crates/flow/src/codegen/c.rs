//! C99 and its mathematical library.

use super::Emit;
use super::body::{Body, Level, Operand, Syntax, Text, sign};
use super::module::{Function, Module, Names, ReturnType};
use crate::loss::{self, Relation};
use std::collections::BTreeSet;
use std::fmt::Write;

pub(super) struct C;

/// Keywords, those of C23 too.
const RESERVED: [&str; 47] = [
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "asm",
    "typeof",
    "bool",
    "main",
    "alignas",
    "alignof",
    "constexpr",
    "false",
    "nullptr",
    "static_assert",
    "thread_local",
    "true",
    "typeof_unqual",
];
/// Names that are macros in `math.h` or before it, in GNU mode (`gcc -std=gnu17`) at least. Those that take
/// arguments do no harm.
const MACROS: [&str; 83] = [
    "unix",
    "linux",
    "i386",
    "mips",
    "sparc",
    "sun",
    "HUGE",
    "HUGE_VAL",
    "HUGE_VALF",
    "HUGE_VALL",
    "INFINITY",
    "NAN",
    "SNAN",
    "SNANF",
    "SNANL",
    "MAXFLOAT",
    "DOMAIN",
    "SING",
    "OVERFLOW",
    "UNDERFLOW",
    "PLOSS",
    "TLOSS",
    "X_TLOSS",
    "FP_INFINITE",
    "FP_NAN",
    "FP_NORMAL",
    "FP_SUBNORMAL",
    "FP_ZERO",
    "FP_ILOGB0",
    "FP_ILOGBNAN",
    "FP_LLOGB0",
    "FP_LLOGBNAN",
    "FP_FAST_FMA",
    "FP_FAST_FMAF",
    "FP_FAST_FMAL",
    "FP_INT_UPWARD",
    "FP_INT_DOWNWARD",
    "FP_INT_TOWARDZERO",
    "FP_INT_TONEAREST",
    "FP_INT_TONEARESTFROMZERO",
    "MATH_ERRNO",
    "MATH_ERREXCEPT",
    "math_errhandling",
    "signgam",
    "M_E",
    "M_Ef",
    "M_El",
    "M_LOG2E",
    "M_LOG2Ef",
    "M_LOG2El",
    "M_LOG10E",
    "M_LOG10Ef",
    "M_LOG10El",
    "M_LN2",
    "M_LN2f",
    "M_LN2l",
    "M_LN10",
    "M_LN10f",
    "M_LN10l",
    "M_PI",
    "M_PIf",
    "M_PIl",
    "M_PI_2",
    "M_PI_2f",
    "M_PI_2l",
    "M_PI_4",
    "M_PI_4f",
    "M_PI_4l",
    "M_1_PI",
    "M_1_PIf",
    "M_1_PIl",
    "M_2_PI",
    "M_2_PIf",
    "M_2_PIl",
    "M_2_SQRTPI",
    "M_2_SQRTPIf",
    "M_2_SQRTPIl",
    "M_SQRT2",
    "M_SQRT2f",
    "M_SQRT2l",
    "M_SQRT1_2",
    "M_SQRT1_2f",
    "M_SQRT1_2l",
];
const OURS: [&str; 28] = [
    "theta",
    "out",
    "N",
    "PI",
    "loss",
    "gradient",
    "field",
    "exp",
    "log",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "sqrt",
    "pow",
    "hypot",
    "fabs",
    "erf",
    "erfc",
    "expm1",
    "log1p",
    "relu",
    "elu",
    "sigmoid",
    "softplus",
    "normal_cdf",
];

struct Doubles;

fn call(function: &str, x: &Operand) -> Text {
    Text::atom(format!("{function}({})", x.text.code))
}

impl Syntax for Doubles {
    fn pi(&self) -> Text {
        Text::atom("PI")
    }

    fn sqrt(&self, x: &Operand) -> Text {
        call("sqrt", x)
    }

    fn power(&self, x: &Operand, exponent: &str) -> Text {
        Text::atom(format!("pow({}, {exponent})", x.text.code))
    }

    fn raise(&self, x: &Operand, y: &Operand) -> Text {
        Text::atom(format!("pow({}, {})", x.text.code, y.text.code))
    }

    fn hypot(&self, x: &Operand, y: &Operand) -> Text {
        Text::atom(format!("hypot({}, {})", x.text.code, y.text.code))
    }

    fn apply(&self, function: loss::Function, x: &Operand) -> Text {
        match function {
            loss::Function::Abs => call("fabs", x),
            _ => call(function.name(), x),
        }
    }

    fn select(
        &self,
        [left, right]: [&Operand; 2],
        relation: Relation,
        [yes, no]: [&Operand; 2],
    ) -> Text {
        let (left, right) = (left.text.at(Level::Sum), right.text.at(Level::Sum));
        let (yes, no) = (yes.text.at(Level::Sum), no.text.at(Level::Sum));
        let code = format!("{left} {} {right} ? {yes} : {no}", sign(relation));
        Text { code, level: Level::Negative }
    }
}

impl Emit for C {
    fn file(&self, module: &Module) -> String {
        let names = module.names(&[&RESERVED, &MACROS, &OURS], false);
        let inputs = names.inputs(false);
        let mut used = BTreeSet::new();
        let mut pi = false;
        let mut code = String::new();
        for function in module.programs() {
            let body = Body::new(&function.program, &Doubles, &inputs, &names.prefix);
            used.extend(body.functions.iter().copied());
            pi |= body.pi;
            write_function(&mut code, function, module, &names, &body);
        }
        let mut out = String::new();
        for line in &module.header {
            // A backslash at the end would continue the comment.
            let end = if line.ends_with('\\') { " ." } else { "" };
            writeln!(out, "{}", format!("// {line}{end}").trim_end()).unwrap();
        }
        out += "\n#include <math.h>\n\n";
        writeln!(out, "// The number of coordinates.\nenum {{ N = {} }};", module.dimension())
            .unwrap();
        if pi {
            out += "\nstatic const double PI = 3.141592653589793;\n";
        }
        out += &helpers(&used);
        out + &code
    }
}

fn write_function(
    out: &mut String,
    function: &Function,
    module: &Module,
    names: &Names,
    body: &Body,
) {
    let dimension = module.dimension();
    let mut arguments = vec!["const double theta[N]".to_string()];
    arguments.extend(function.scalars.iter().map(|&i| format!("double {}", names.scalars[i])));
    let result = match function.shape {
        ReturnType::Scalar => "double",
        _ => {
            arguments.push("double out[N]".into());
            "void"
        }
    };
    let (name, arguments) = (&function.name, arguments.join(", "));
    write!(out, "\n// {}\n{result} {name}({arguments}) {{\n", function.doc).unwrap();
    let used_point: Vec<usize> = body.inputs.iter().copied().filter(|i| *i < dimension).collect();
    if used_point.is_empty() {
        out.push_str("    (void)theta;\n");
    }
    for &scalar in &function.scalars {
        if !body.inputs.contains(&(dimension + scalar)) {
            writeln!(out, "    (void){};", names.scalars[scalar]).unwrap();
        }
    }
    for i in used_point {
        writeln!(out, "    const double {} = theta[{i}];", names.point[i]).unwrap();
    }
    for (name, value) in &body.statements {
        writeln!(out, "    const double {name} = {value};").unwrap();
    }
    match function.shape {
        ReturnType::Scalar => writeln!(out, "    return {};", body.outputs[0].text.code).unwrap(),
        _ => {
            for (i, value) in body.outputs.iter().enumerate() {
                writeln!(out, "    out[{i}] = {};", value.text.code).unwrap();
            }
        }
    }
    out.push_str("}\n");
}

/// The functions that the mathematical library lacks, those that are used.
fn helpers(used: &BTreeSet<loss::Function>) -> String {
    use loss::Function::*;
    let body = |function: &loss::Function| {
        Some(match function {
            Relu => ("", "x <= 0.0 ? 0.0 : x"),
            Elu => ("x where it is positive, e^x - 1 elsewhere", "x <= 0.0 ? expm1(x) : x"),
            Sigmoid => (
                "1/(1 + e^(-x)) without overflow",
                "x < 0.0 ? exp(x) / (1.0 + exp(x)) : 1.0 / (1.0 + exp(-x))",
            ),
            Softplus => {
                ("log(1 + e^x) without overflow", "(x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x)))")
            }
            NormalCdf => (
                "The distribution function of the standard normal law",
                "0.5 * erfc(-x * 0.7071067811865476)",
            ),
            Gelu => (
                "x times the distribution function of the standard normal law",
                "0.5 * x * erfc(-x * 0.7071067811865476)",
            ),
            _ => return None,
        })
    };
    let mut out = String::new();
    for function in used {
        if let Some((doc, value)) = body(function) {
            out.push('\n');
            if !doc.is_empty() {
                writeln!(out, "// {doc}.").unwrap();
            }
            let name = function.name();
            write!(out, "static double {name}(double x) {{\n    return {value};\n}}\n").unwrap();
        }
    }
    out
}
