//! Emitted code is compiled and run, and computes what the library computes.
//!
//! Needs a C compiler, and Python 3 with NumPy and SciPy. Julia is checked as text.

mod emitted;
mod needs;

use bea::codegen::{CodeRequest, CodegenError, Language, emit};
use bea::flow::FlowName;
use bea::optimizer;
use emitted::{
    Case, Expected, assert_close, cases, complex, has_principal_flow, of_library, rosenbrock,
};
use num_complex::Complex64;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a command and returns what it prints.
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| {
        panic!("{command:?} cannot be run: {error}");
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Compares the lines that a program prints, `re im re im …` for each of loss, gradient and field
/// of each point, with what is expected.
fn compare(printed: &str, expected: &[(String, Vec<Complex64>)]) {
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{printed}");
    for (line, (what, expected)) in lines.iter().zip(expected) {
        let numbers: Vec<f64> = line
            .split_whitespace()
            .map(|x| x.parse().unwrap_or_else(|_| panic!("{what}: {line}")))
            .collect();
        let found: Vec<Complex64> =
            numbers.chunks(2).map(|pair| Complex64::new(pair[0], pair[1])).collect();
        assert_close(&found, expected, what);
    }
}

/// What all points of a case give; complex points give complex values.
fn expected(case: &Case, number: usize, is_complex: bool) -> Vec<(String, Vec<Complex64>)> {
    let mut lines = Vec::new();
    for point in &case.points {
        let Expected { loss, gradient, field } =
            if is_complex { case.expected(&complex(point)) } else { real(case, point) };
        let name = |what| {
            let Case { objective, optimizer, flow, .. } = case;
            format!("case {number}: {what} of {} {optimizer} {flow} {point:?}", objective.name)
        };
        lines.push((name("loss"), vec![loss]));
        lines.push((name("gradient"), gradient));
        lines.push((name("field"), field));
    }
    lines
}

/// At a real point: principal flows are complex beyond the branch point.
fn real(case: &Case, point: &[f64]) -> Expected<Complex64> {
    if matches!(case.flow, FlowName::Order(_)) {
        let Expected { loss, gradient, field } = case.expected(point);
        let complex = |v: Vec<f64>| v.into_iter().map(Complex64::from).collect();
        return Expected { loss: loss.into(), gradient: complex(gradient), field: complex(field) };
    }
    let point: Vec<Complex64> = point.iter().map(|&x| x.into()).collect();
    case.expected(&point)
}

/// The names of the losses and the gradients, of which the first ones are compared.
fn all_names(case: &Case) -> Vec<(String, String)> {
    match case.objective.losses.len() {
        1 => vec![("loss".into(), "gradient".into())],
        _ => {
            let optimizer = optimizer::find(&case.optimizer).unwrap();
            let method = optimizer.method(&case.values).unwrap();
            let name = |field: &str| (format!("loss_{field}"), format!("gradient_{field}"));
            method.fields.iter().map(|field| name(&field.name)).collect()
        }
    }
}

fn names(case: &Case) -> (String, String) {
    all_names(case).swap_remove(0)
}

fn arguments(values: &[f64]) -> String {
    values.iter().map(|x| format!(", {x:?}")).collect()
}

/// The newest compiled library of a dependency, beside this test.
fn dependency(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let folder = std::fs::read_dir(this.parent().unwrap()).unwrap();
    let start = format!("lib{name}-");
    folder
        .map(|file| file.unwrap().path())
        .filter(|path| {
            let file = path.file_name().unwrap().to_string_lossy();
            file.starts_with(&start) && file.ends_with(".rlib")
        })
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap())
        .unwrap_or_else(|| panic!("no library {name} beside {}", this.display()))
}

/// Compiles the files of some cases and a program that calls them all, without a warning.
fn run_rust(cases: &[(usize, &Case)], folder: &Path, needs_crates: bool) -> String {
    let mut main = String::new();
    let mut calls = String::new();
    for (i, case) in cases {
        std::fs::write(folder.join(format!("case{i}.rs")), case.emit(Language::Rust)).unwrap();
        main += &format!("mod case{i};\n");
        let (loss, gradient) = names(case);
        let module = format!("case{i}");
        let is_complex = needs_crates && case.flow != FlowName::PrincipalEven;
        let (of_loss, of_field) =
            (arguments(&case.loss_arguments), arguments(&case.field_arguments));
        // Called, so that the compiler has nothing to warn of.
        for (loss, gradient) in &all_names(case)[1..] {
            calls += &format!("    let _ = ({module}::{loss}, {module}::{gradient});\n");
        }
        if !matches!(case.flow, FlowName::Order(_)) {
            let matrix =
                if case.objective.fields.fields.len() == 1 { "hessian" } else { "jacobian" };
            calls += &format!("    let _ = {module}::{matrix};\n");
        }
        let points = |complexes: bool| {
            case.points.iter().map(move |point| {
                let values: Vec<String> = match (is_complex, complexes) {
                    (false, _) => point.iter().map(|x| format!("{x:?}")).collect(),
                    (true, false) => point
                        .iter()
                        .map(|x| format!("case{i}::Complex64::new({x:?}, 0.0)"))
                        .collect(),
                    (true, true) => complex(point)
                        .iter()
                        .map(|z| format!("case{i}::Complex64::new({:?}, {:?})", z.re, z.im))
                        .collect(),
                };
                values.join(", ")
            })
        };
        let show = match is_complex {
            true => "z.iter().map(|z| format!(\"{:?} {:?} \", z.re, z.im))",
            false => "z.iter().map(|x| format!(\"{x:?} 0 \"))",
        };
        let number = if is_complex { format!("case{i}::Complex64") } else { "f64".into() };
        calls += &format!(
            "    let show = |z: &[{number}]| println!(\"{{}}\", {show}.collect::<String>());\n"
        );
        let all = points(false).chain(points(true).filter(|_| is_complex));
        for point in all {
            calls += &format!(
                "    let p: [{number}; case{i}::N] = [{point}];\n    \
                 show(&[{module}::{loss}(&p{of_loss})]);\n    \
                 show(&{module}::{gradient}(&p{of_loss}));\n    \
                 show(&{module}::field(&p, {:?}{of_field}));\n",
                case.h
            );
        }
    }
    main += &format!("\nfn main() {{\n{calls}}}\n");
    std::fs::write(folder.join("main.rs"), main).unwrap();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2021", "-O", "-D", "warnings", "-o", "program", "main.rs"]);
    if needs_crates {
        let this = std::env::current_exe().unwrap();
        rustc.arg("-L").arg(format!("dependency={}", this.parent().unwrap().display()));
        for name in ["nalgebra", "errorfunctions"] {
            rustc.arg("--extern").arg(format!("{name}={}", dependency(name).display()));
        }
    }
    run(rustc.current_dir(folder));
    run(&mut Command::new(folder.join("program")))
}

#[test]
fn rust_without_crates() {
    let folder = tempfile::tempdir().unwrap();
    let all = cases();
    let chosen = |case: &Case| matches!(case.flow, FlowName::Order(_));
    let chosen: Vec<(usize, &Case)> = all.iter().enumerate().filter(|(_, c)| chosen(c)).collect();
    let printed = run_rust(&chosen, folder.path(), false);
    let expected: Vec<_> = chosen.iter().flat_map(|(i, case)| expected(case, *i, false)).collect();
    assert!(expected.len() >= 150, "too few");
    compare(&printed, &expected);
}

#[test]
fn rust_with_nalgebra() {
    let folder = tempfile::tempdir().unwrap();
    let all = cases();
    let chosen = |case: &Case| !matches!(case.flow, FlowName::Order(_));
    let chosen: Vec<(usize, &Case)> = all.iter().enumerate().filter(|(_, c)| chosen(c)).collect();
    let printed = run_rust(&chosen, folder.path(), true);
    let mut lines = Vec::new();
    for (i, case) in &chosen {
        lines.extend(expected(case, *i, false));
        if case.has_complex_field() {
            lines.extend(expected(case, *i, true));
        }
    }
    compare(&printed, &lines);
}

#[test]
fn c() {
    for (i, case) in cases().iter().enumerate() {
        if !matches!(case.flow, FlowName::Order(_)) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("emitted.c"), case.emit(Language::C)).unwrap();
        let (loss, gradient) = names(case);
        let (of_loss, of_field) =
            (arguments(&case.loss_arguments), arguments(&case.field_arguments));
        let mut main = "#include \"emitted.c\"\n#include <stdio.h>\n\n\
                        static void show(const double *x, int n) {\n    \
                        for (int i = 0; i < n; i++) printf(\"%.17g 0 \", x[i]);\n    \
                        printf(\"\\n\");\n}\n\nint main(void) {\n    double out[N];\n    double e;\n"
            .to_string();
        for point in &case.points {
            let values: Vec<String> = point.iter().map(|x| format!("{x:?}")).collect();
            main += &format!(
                "    {{ const double p[N] = {{{}}};\n    e = {loss}(p{of_loss});\n    show(&e, 1);\n    \
                 {gradient}(p{of_loss}, out);\n    show(out, N);\n    \
                 field(p, {:?}{of_field}, out);\n    show(out, N); }}\n",
                values.join(", "),
                case.h
            );
        }
        main += "    return 0;\n}\n";
        std::fs::write(folder.path().join("main.c"), main).unwrap();
        let flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"];
        let mut cc = Command::new("cc");
        cc.args(flags).args(["-o", "program", "main.c", "-lm"]).current_dir(folder.path());
        run(&mut cc);
        let printed = run(&mut Command::new(folder.path().join("program")));
        compare(&printed, &expected(case, i, false));
    }
}

#[test]
fn python() {
    let folder = tempfile::tempdir().unwrap();
    let mut main = "import numpy as np\n\n\ndef show(z):\n    \
                    z = np.atleast_1d(z)\n    \
                    print(*(f\"{float(v.real)!r} {float(v.imag)!r}\" for v in z))\n\n\n"
        .to_string();
    let mut lines = Vec::new();
    for (i, case) in cases().iter().enumerate() {
        std::fs::write(folder.path().join(format!("case{i}.py")), case.emit(Language::Python))
            .unwrap();
        main += &format!("import case{i}\n\n");
        let (loss, gradient) = names(case);
        let (of_loss, of_field) =
            (arguments(&case.loss_arguments), arguments(&case.field_arguments));
        let mut call = |point: String| {
            main += &format!(
                "p = np.array([{point}])\nshow(case{i}.{loss}(p{of_loss}))\n\
                 show(case{i}.{gradient}(p{of_loss}))\nshow(case{i}.field(p, {:?}{of_field}))\n",
                case.h
            );
        };
        for point in &case.points {
            call(point.iter().map(|x| format!("{x:?}, ")).collect());
        }
        lines.extend(expected(case, i, false));
        if case.has_complex_field() {
            for point in &case.points {
                let values = complex(point);
                call(values.iter().map(|z| format!("{:?} + {:?}j, ", z.re, z.im)).collect());
            }
            lines.extend(expected(case, i, true));
        }
    }
    std::fs::write(folder.path().join("main.py"), main).unwrap();
    let Some(mut python) = needs::python() else { return };
    python.args(["-W", "error", "main.py"]).current_dir(folder.path());
    compare(&run(&mut python), &lines);
}

/// `x^y` of a negative `x` and a whole `y`, and `sqrt(x^2 + z^2)` where the squares are no doubles.
#[test]
fn powers_of_negative_numbers_and_distances_of_any_size() {
    let case = cases().into_iter().find(|case| case.objective.name == "powers").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let points =
        [[-2.0, 3.0, 0.0], [-2.0, -2.0, 1e200], [-3e200, 0.0, 4e200], [-3e-200, 0.0, 4e-200]];
    // x^y |(x, z)| + |(1, z)| and its derivative by z, x^y z/|(x, z)| + z/|(1, z)|.
    let expected = [-15.0, 0.0, 1.25e200, 1.25, 9e200, 1.8, 1.0, 0.8];
    let close = |printed: &str, language: &str| {
        let found: Vec<f64> = printed.split_whitespace().map(|x| x.parse().unwrap()).collect();
        assert_eq!(found.len(), expected.len(), "{printed}");
        for (found, expected) in found.iter().zip(expected) {
            let near = (found - expected).abs() <= 1e-14 * expected.abs();
            assert!(near, "{language}: {found:e} is not {expected:e}");
        }
    };
    let list = |open: &str, close: &str| -> Vec<String> {
        points.iter().map(|[x, y, z]| format!("{open}{x:?}, {y:?}, {z:?}{close}")).collect()
    };

    std::fs::write(path("emitted.c"), case.emit(Language::C)).unwrap();
    let calls: String = list("{", "}")
        .iter()
        .map(|p| {
            format!(
                "    {{ const double p[N] = {p}; gradient(p, out); printf(\"%.17g %.17g\\n\", loss(p), out[2]); }}\n"
            )
        })
        .collect();
    let main = format!(
        "#include \"emitted.c\"\n#include <stdio.h>\nint main(void) {{\n    double out[N];\n{calls}    return 0;\n}}\n"
    );
    std::fs::write(path("main.c"), main).unwrap();
    let mut cc = Command::new("cc");
    run(cc.args(["-std=c99", "-o", "c", "main.c", "-lm"]).current_dir(folder.path()));
    close(&run(&mut Command::new(path("c"))), "C");

    std::fs::write(path("emitted.rs"), case.emit(Language::Rust)).unwrap();
    let calls: String = list("[", "]")
        .iter()
        .map(|p| {
            format!("    println!(\"{{:?}} {{:?}}\", emitted::loss(&{p}), emitted::gradient(&{p})[2]);\n")
        })
        .collect();
    std::fs::write(path("main.rs"), format!("mod emitted;\nfn main() {{\n{calls}}}\n")).unwrap();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    run(rustc
        .args(["--edition=2021", "-A", "dead_code", "-o", "rust", "main.rs"])
        .current_dir(folder.path()));
    close(&run(&mut Command::new(path("rust"))), "Rust");

    std::fs::write(path("emitted.py"), case.emit(Language::Python)).unwrap();
    let code = format!(
        "import numpy as np\nnp.seterr(all='ignore')\nimport emitted\nfor p in [{}]:\n    \
         print(float(emitted.loss(p)), float(emitted.gradient(p)[2]))\n",
        list("[", "]").join(", ")
    );
    let Some(mut python) = needs::python() else { return };
    close(&run(python.args(["-c", &code]).current_dir(folder.path())), "Python");
}

/// Real points give real arrays, and complex ones only where a logarithm asks for them.
#[test]
fn python_stays_real_where_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let case = cases().into_iter().find(|case| case.flow == FlowName::Principal).unwrap();
    std::fs::write(folder.path().join("emitted.py"), case.emit(Language::Python)).unwrap();
    let code = "import emitted, numpy as np\n\
                p = np.array([-1.0, 1.0])\n\
                print(emitted.field(p, 1e-4).dtype, emitted.field(p, 1e-2).dtype)\n\
                print(emitted.gradient([1, 2]).dtype, emitted.gradient(1j * p).dtype)\n\
                try:\n    emitted.field([1.0, 2.0, 3.0], 0.1)\n\
                except ValueError as error:\n    print(error)\n";
    let Some(mut python) = needs::python() else { return };
    let printed = run(python.args(["-c", code]).current_dir(folder.path()));
    assert_eq!(
        printed,
        "float64 complex128\nfloat64 complex128\ntheta has 2 coordinates, not shape (3,)\n"
    );
}

#[test]
fn julia_is_as_it_was_reviewed() {
    let case = |flow: FlowName| cases().into_iter().find(|case| case.flow == flow).unwrap();
    insta::assert_snapshot!("julia_order", case(FlowName::Order(2)).emit(Language::Julia));
    let principal = case(FlowName::PrincipalWith(2)).emit(Language::Julia);
    insta::assert_snapshot!("julia_principal", principal);
}

/// For checking all of it with a parser of Julia: `BEA_JULIA=FOLDER` keeps the files.
#[test]
fn julia_brackets_and_blocks_close() {
    for (i, case) in cases().iter().enumerate() {
        let text = case.emit(Language::Julia);
        if let Some(folder) = std::env::var_os("BEA_JULIA") {
            std::fs::write(Path::new(&folder).join(format!("case{i}.jl")), &text).unwrap();
        }
        // Every other part between triple quotes is a comment.
        let code = text.split("\"\"\"\n").step_by(2).flat_map(str::lines);
        let code = code.filter(|line| !line.starts_with(['#', '"']));
        let mut depth = 0;
        for line in code {
            for (open, close) in [('(', ')'), ('[', ']')] {
                if !line.ends_with('[') && line.trim() != "]" {
                    assert_eq!(line.matches(open).count(), line.matches(close).count(), "{line}");
                }
            }
            let word = line.trim_start().split([' ', '(']).next().unwrap_or("");
            depth += i32::from(matches!(word, "function" | "if" | "while" | "for"))
                - i32::from(word == "end");
            assert!(depth >= 0, "case {i}: {line}");
        }
        assert_eq!(depth, 0, "case {i}");
    }
}

#[test]
fn a_common_subexpression_appears_once() {
    let case = cases().into_iter().find(|case| case.flow == FlowName::Order(4)).unwrap();
    for language in [Language::Rust, Language::C, Language::Python, Language::Julia] {
        let text = case.emit(language);
        let mut values: Vec<&str> = text
            .split(if language == Language::Python { "def field" } else { "field(" })
            .nth(1)
            .unwrap()
            .lines()
            .filter_map(|line| line.split_once(" = "))
            .map(|(_, value)| value)
            .collect();
        let count = values.len();
        assert!(count > 20, "{text}");
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), count, "{text}");
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let objective = rosenbrock();
    let values = BTreeMap::new();
    let fails = |language, name: &str, flow| -> CodegenError {
        let optimizer = optimizer::find(name).unwrap();
        let request =
            CodeRequest { objective: &objective, optimizer, values: &values, flow, command: None };
        emit(language, &request).unwrap_err()
    };
    let error = fails(Language::C, "gradient_descent", FlowName::Principal);
    assert_eq!(error.to_string(), "`pf` cannot be written in C, which has no eigenvalue solver");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.starts_with("C can have any `order:n`"), "{help}");
    assert_eq!(
        fails(Language::Python, "minibatch2", FlowName::Order(1)).to_string(),
        "`minibatch2` has 2 vector fields (f1, f2), but the number of losses is 1"
    );
}

/// What `bea flow` cannot do cannot be written either, and the other way round.
#[test]
fn principal_flows_are_those_that_are_simulated() {
    let mut refused = Vec::new();
    for optimizer in optimizer::library() {
        let case = of_library(&optimizer.name, FlowName::Principal);
        let Case { objective, values, flow, .. } = &case;
        let request = CodeRequest { objective, optimizer, values, flow: *flow, command: None };
        let written = emit(Language::Rust, &request);
        assert_eq!(written.is_ok(), has_principal_flow(&case), "{}", optimizer.name);
        if let Err(error) = written {
            assert_eq!(
                error.to_string(),
                format!(
                    "`pf` of `{}` cannot be written down: it does not treat its vector fields alike, \
                     and their Jacobians do not commute",
                    optimizer.name
                )
            );
            refused.push(optimizer.name.as_str());
        }
    }
    assert_eq!(
        refused,
        [
            "decoupled_weight_decay_heavy_ball",
            "minibatch2",
            "minibatch3",
            "minibatch2_heavy_ball",
            "alternating_gda",
            "two_time_scale_gda",
            "negative_momentum_gda",
            "stormer_verlet"
        ]
    );
}
