//! Long derivations fit on the page: LaTeX itself sets them, and says whether a line is too wide.

mod needs;

use std::process::{Command, Stdio};

/// How many points a line may be too wide: less than a digit.
const TOLERANCE: f64 = 4.0;

/// The excess of every line that is too wide, in points.
fn excess(class: &str, arguments: &[&str]) -> Option<Vec<f64>> {
    excess_of(class, &latex(arguments))
}

/// What `bea derive` writes.
fn latex(arguments: &[&str]) -> String {
    derived("latex", arguments)
}

fn derived(format: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bea"))
        .args(["derive", "--format", format])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn excess_of(class: &str, body: &str) -> Option<Vec<f64>> {
    let pdflatex = needs::program(&["pdflatex"])?;
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "{class}\\usepackage{{amsmath}}\\sloppy\\begin{{document}}\n{body}\\end{{document}}\n"
    );
    std::fs::write(folder.path().join("a.tex"), text).unwrap();
    let status = Command::new(pdflatex)
        .args(["-interaction=nonstopmode", "-halt-on-error", "a.tex"])
        .current_dir(&folder)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let log =
        String::from_utf8_lossy(&std::fs::read(folder.path().join("a.log")).unwrap()).into_owned();
    assert!(status.success(), "{log}");
    // "Overfull \hbox (160.8pt too wide) detected at line 29"
    let boxes = log.split("Overfull \\hbox (").skip(1);
    Some(boxes.map(|rest| rest.split("pt").next().unwrap().parse().unwrap()).collect())
}

/// Compiles documents of Typst, in which a displayed equation that is wider than its line is an error; what is wrong.
fn typst_error(bodies: &[String]) -> Option<Option<String>> {
    const DOCUMENT: &str = "#set text(size: 10pt)\n\
        #show math.equation.where(block: true): it => layout(size => {\n\
          let excess = measure(it).width - size.width\n\
          assert(excess < EXCESS, message: \"too wide by \" + repr(excess))\n\
          it\n\
        })\n";
    const SCRIPT: &str = "import sys, typst\n\
        for name in sys.argv[1:]:\n    typst.compile(name, output=name + '.pdf')\n";
    let document = DOCUMENT.replace("EXCESS", &format!("{TOLERANCE}pt"));
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..bodies.len()).map(|i| format!("{i}.typ")).collect();
    for (name, body) in names.iter().zip(bodies) {
        std::fs::write(folder.path().join(name), format!("{document}{body}")).unwrap();
    }
    let mut python = needs::python()?;
    let output = python.args(["-c", SCRIPT]).args(&names).current_dir(&folder).output().unwrap();
    if output.status.success() {
        return Some(None);
    }
    let wrong = names.iter().position(|name| !folder.path().join(format!("{name}.pdf")).is_file());
    let body = wrong.map_or("", |i| &bodies[i]);
    Some(Some(format!("{}\n{body}", String::from_utf8_lossy(&output.stderr))))
}

/// In a column as wide as the default page of Typst, whose text is 16 cm wide, and of 3.25 inches.
#[test]
fn typst_compiles_and_fits() {
    let setting = |width: &str, body: String| {
        let page = if width == "45" { "3.25in" } else { "16cm" };
        format!("#set page(width: {page}, height: auto, margin: 0pt)\n{body}")
    };
    let mut bodies = Vec::new();
    for width in ["45", "69"] {
        for name in [
            "gradient_descent",
            "heavy_ball",
            "nesterov",
            "torch_sgd",
            "sam",
            "extragradient",
            "adam",
            "lion",
            "muon",
            "rmsprop",
            "dal",
            "shampoo",
        ] {
            let order = if (name, width) == ("shampoo", "45") { "0" } else { "2" };
            let arguments = [name, "--order", order, "--width", width];
            bodies.push(setting(width, derived("typst", &arguments)));
        }
        for name in ["gradient_descent", "adam"] {
            let arguments = [name, "--order", "2", "--modified-loss", "--width", width];
            bodies.push(setting(width, derived("typst", &arguments)));
        }
    }
    for arguments in [
        &["heavy_ball", "--order", "2", "--start", "rest"][..],
        &["simultaneous_gda", "--order", "2"],
        &["heavy_ball", "--order", "3", "--only", "principal"],
        &["heavy_ball", "--order", "2", "--as", "gradient", "--notation", "index"],
    ] {
        bodies.push(setting("69", derived("typst", arguments)));
    }
    // What is wrong is found.
    let wide = setting("45", format!("$ {}a $", "a + ".repeat(200)));
    let Some(error) = typst_error(&[wide]) else { return };
    assert!(error.is_some_and(|error| error.contains("too wide by")));
    let error = typst_error(&bodies).unwrap();
    assert!(error.is_none(), "{}", error.unwrap());
}

#[test]
fn derivations_fit_on_the_page() {
    let article = "\\documentclass{article}";
    let columns = "\\documentclass[twocolumn]{article}";
    for (class, arguments) in [
        (article, &["gradient_descent", "--order", "8"][..]),
        (article, &["gradient_descent", "--order", "6", "--as", "gradient"]),
        (article, &["gradient_descent", "--order", "4", "--modified-loss"]),
        (article, &["heavy_ball", "--order", "6"]),
        (article, &["nesterov", "--order", "5"]),
        (article, &["quasi_hyperbolic_momentum", "--order", "4"]),
        (article, &["simultaneous_gda", "--order", "3"]),
        (article, &["rk4", "--order", "6"]),
        (columns, &["gradient_descent", "--order", "6", "--width", "45"]),
        (columns, &["heavy_ball", "--order", "5", "--width", "45"]),
    ] {
        let Some(excess) = excess(class, arguments) else { return };
        let most = excess.iter().copied().fold(0.0, f64::max);
        assert!(most < TOLERANCE, "{arguments:?}: {excess:?}");
    }
}

/// With the closing formulas: `P(z)` of `torch_sgd` was 900 points too wide.
#[test]
fn the_whole_library_fits_on_the_page() {
    let optimizers: Vec<String> = bea::optimizer::library()
        .iter()
        .filter(|optimizer| optimizer.method(&Default::default()).is_ok())
        .map(|optimizer| optimizer.name.clone())
        .collect();
    assert!(optimizers.len() > 50);
    for (class, width) in [("", "69"), ("[twocolumn]", "45")] {
        let bodies = optimizers.iter().map(|name| latex(&[name, "--order", "2", "--width", width]));
        let body = bodies.collect::<Vec<_>>().join("\n\n");
        assert!(body.contains("A^{2}-4\\,m\\,(m+z-\\alpha \\,z)"));
        let class = format!("\\documentclass{class}{{article}}");
        let Some(excess) = excess_of(&class, &body) else { return };
        let most = excess.iter().copied().fold(0.0, f64::max);
        assert!(most < TOLERANCE, "{width}: {excess:?}");
    }
}

/// To second order the field of LAMB was 4,744 points too wide.
#[test]
fn nonlinear_fields_fit_on_the_page() {
    for (class, width) in [("", "69"), ("[twocolumn]", "45")] {
        let mut bodies = Vec::new();
        for optimizer in bea::optimizer::nonlinear_library() {
            let name = optimizer.name.as_str();
            // The conditions under which their bounds are smooth are wider than a column, and have no place to be broken.
            if width == "45"
                && matches!(name, "capped_dal" | "capped_dal_heavy_ball" | "dal_quadratic")
            {
                continue;
            }
            // Beyond these orders single factors are wider than the page, or than a column.
            let order = match (name, width) {
                ("shampoo" | "averaged_shampoo", "45") => "0",
                ("averaged_shampoo", _) => "1",
                _ => "2",
            };
            bodies.push(latex(&[name, "--order", order, "--width", width]));
            if !matches!(name, "adagrad" | "shampoo" | "slow_heavy_ball" | "slow_nesterov") {
                bodies.push(latex(&[name, "--order", "1", "--modified-loss", "--width", width]));
            }
        }
        assert!(bodies.len() > 30);
        let class = format!("\\documentclass{class}{{article}}");
        let Some(excess) = excess_of(&class, &bodies.join("\n\n")) else { return };
        let most = excess.iter().copied().fold(0.0, f64::max);
        assert!(most < TOLERANCE, "{width}: {excess:?}");
    }
}

#[test]
fn a_width_is_for_text_and_for_typeset_lines() {
    let shown = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_bea")).arg("derive").args(arguments).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    for width in [50, 70, 100] {
        let given = width.to_string();
        let text = shown(&["--order", "5", "--width", &given]);
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= width && longest > width / 2, "{width}: {longest}\n{text}");
    }
    let rows = |width: &str| {
        shown(&["--order", "5", "--format", "latex", "--width", width]).lines().count()
    };
    assert!(rows("40") > rows("69") && rows("69") > rows("140"));
    let output = Command::new(env!("CARGO_BIN_EXE_bea")).args(["derive", "--width", "5"]).output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}
