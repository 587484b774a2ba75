//! The effective start in claims and through the command line.

mod needs;

mod claims {
    use bea::claim::{Checker, parse};
    use bea::source::Source;

    fn holds(equation: &str) -> Result<bool, String> {
        let source = Source::new("test.bea", format!("claim \"c\": {equation}"));
        let claims = parse(&source).map_err(|e| e.to_string())?;
        // What is printed is read again.
        let printed = claims[0].to_string();
        let again = parse(&Source::new("again.bea", printed.as_str())).unwrap();
        assert_eq!(again[0], claims[0], "{printed}");
        let verdict = Checker::new(&[]).check(&claims[0], &source).map_err(|e| e.to_string())?;
        Ok(verdict.holds)
    }

    #[test]
    fn starts_are_stated() {
        for equation in [
            "start(heavy_ball, 1) == theta - h*m/(1-m)^2*f",
            "start(heavy_ball, 1) == θ + h*m/(1-m)^2*∇E",
            "start(heavy_ball, 0) == theta",
            "start(gradient_descent, 4) == theta",
            "start(heavy_ball(m = 1/2), 3) - theta == -2*h*f - 12*h^2*f'f + h^3*0*f modulo nonprincipal \
             expect false",
            "start(momentum_gda, 1) == x + y - h*m/(1-m)^2*(fx + fy)",
            "component(start(momentum_gda, 1), x) == x - h*m/(1-m)^2*fx",
            "start(averaged_momentum, n) == theta for n in 0..0",
            "start(heavy_ball, 2) == theta - h*m/(1-m)^2*f up to h^1",
        ] {
            let expected = !equation.contains("expect false");
            assert_eq!(holds(equation), Ok(expected), "{equation}");
        }
        assert_eq!(holds("start(heavy_ball, 1) == theta + h*m/(1-m)^2*f"), Ok(false));
    }

    #[test]
    fn faults_say_what_is_wrong() {
        let fault = |equation: &str| holds(equation).unwrap_err();
        assert!(fault("start(heavy_bal, 1) == theta").contains("heavy_bal"));
        assert!(fault("start(heavy_ball) == theta").contains("not called like this"));
        assert!(fault("D(start(heavy_ball, 1)) == 0").contains("no derivative"));
        assert!(fault("start(heavy_ball(m = 1), 1) == theta").contains("slow manifold"));
        assert!(fault("start(heavy_ball(m = -1), 3) == theta").contains("product of roots"));
    }
}

mod command {
    use crate::needs;
    use assert_cmd::Command;
    use std::fs;

    fn bea(arguments: &[&str]) -> (String, String, i32) {
        let mut command = Command::cargo_bin("bea").unwrap();
        for variable in ["COLUMNS", "FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR"] {
            command.env_remove(variable);
        }
        let output = command.args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }

    fn stdout(arguments: &[&str]) -> String {
        let (out, error, code) = bea(arguments);
        assert_eq!((error.as_str(), code), ("", 0));
        out
    }

    #[test]
    fn derive_prints_the_effective_start_in_every_format() {
        let start = ["derive", "heavy_ball", "--start", "rest", "--order", "2"];
        let text = stdout(&start);
        insta::assert_snapshot!("start_text", text);
        let with = |format: &str| stdout(&[&start[..], &["--format", format]].concat());
        insta::assert_snapshot!("start_latex", with("latex"));
        insta::assert_snapshot!("start_typst", with("typst"));
        insta::assert_snapshot!("start_mathematica", with("mathematica"));
        let json: serde_json::Value = serde_json::from_str(&with("json")).unwrap();
        assert_eq!((&json["start"], &json["order"]), (&"rest".into(), &2.into()));
        let first = &json["terms"][0];
        assert_eq!((&first["h"], &first["a"]), (&1.into(), &"-m/(1-m)^2".into()));
        assert!(with("html").contains("<mover><mi>θ</mi><mo>^</mo></mover>"));
        for format in ["markdown", "svg"] {
            assert!(with(format).contains("effective start"), "{format}");
        }
        // In other terms, of a game, of one tree.
        let gradient = stdout(&[&start[..], &["--as", "gradient"]].concat());
        assert!(gradient.contains("θ̂_0 = θ_0\n  + h*m/(1-m)² ∇E"), "{gradient}");
        let game = stdout(&["derive", "momentum_gda", "--start", "rest", "--order", "1"]);
        assert!(game.contains("x̂_0 = x_0\n  - h*m/(1-m)² fx\n  + O(h²)"), "{game}");
        let tree = stdout(&["derive", "heavy_ball", "--start", "rest", "--tree", "[]"]);
        assert!(tree.contains("  a            -m/(1-m)²"), "{tree}");
        let none = stdout(&["derive", "rk4", "--start", "rest", "--order", "3"]);
        assert!(none.contains("θ̂_0 = θ_0\n  + O(h⁴)"), "{none}");
    }

    #[test]
    fn the_python_module_has_the_exact_start() {
        let Some(mut python) = needs::python() else { return };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("start.py");
        let out = file.to_str().unwrap();
        stdout(&["derive", "heavy_ball", "--start", "rest", "--set", "m=1/2", "--out", out]);
        let code = "from start import *\nfrom sympy import symbols, expand\nx = symbols('x')\n\
                    start = effective_start({'f': [-x - x**3]}, {'theta': [x]})['theta'][0]\n\
                    print(expand(start.subs(x, 1)))";
        let output = python.args(["-c", code]).current_dir(folder.path()).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.trim(), "8234624*h**4/21 + 7328*h**3 + 160*h**2 + 4*h + 1");
    }

    #[test]
    fn what_has_no_effective_start_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.bea");
        let name = file.to_str().unwrap();
        let error = |text: &str, arguments: &[&str]| {
            fs::write(&file, text).unwrap();
            let (out, error, code) =
                bea(&[&["derive", name, "--start", "rest"], arguments].concat());
            assert_eq!((out.as_str(), code), ("", 2), "{error}");
            error
                .split_whitespace()
                .filter(|w| !["│", "×"].contains(w))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let irrational =
            "optimizer o(m) { state v, w\n w' = v\n v' = m*w + h*f(theta)\n theta' = theta + v' }";
        let message = error(irrational, &[]);
        assert!(message.contains("no rational functions of the parameters"), "{message}");
        assert!(message.contains("give parameters values with --set"), "{message}");
        assert_eq!(bea(&["derive", name, "--start", "rest", "--set", "m=1/4"]).2, 0);
        let away = "optimizer o(m) { state v = 2\n v' = m*v + h*f(theta)\n theta' = theta + v' }";
        assert!(error(away, &[]).contains("`v` starts at 2"));
        let usual = away.replace(" = 2", "");
        assert!(error(&usual, &["--order", "0"]).contains("the start itself"));
        assert!(error(&usual, &["--modified-loss"]).contains("cannot be used with"));
        let averaged =
            "optimizer o { state v\n v' = v/2 + g^2/2\n theta' = theta - h*g/sqrt(v' + 1) }";
        assert!(error(averaged, &[]).contains("`o` has no closed form: its step is nonlinear"));
        let memoryless = "optimizer o { theta' = theta - h*g/norm(g) }";
        assert!(error(memoryless, &[]).contains("`o` has no buffers"));
    }

    #[test]
    fn flow_begins_there_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let flow = |more: &[&str]| {
            let arguments = [
                &["flow", "--loss", "x^2/2+x^4/4", "--start", "1", "--optimizer", "heavy_ball"][..],
                &["--set", "m=1/2", "--lr", "1/100", "--steps", "30", "--flows", "ngf,order:3"],
                &["--force", "--out", out.to_str().unwrap()],
                more,
            ];
            stdout(&arguments.concat())
        };
        let json = || -> serde_json::Value {
            serde_json::from_str(&fs::read_to_string(out.join("trajectories.json")).unwrap())
                .unwrap()
        };
        let text = flow(&[]);
        assert!(text.contains("order:3 begins at the effective start"), "{text}");
        let order = &json()["flows"]["order:3"];
        assert_eq!(order["beginning"], "effective_start");
        let expected = 1.0 + 0.04 + 160e-4 + 7328e-6;
        assert!((order["re"][0][0].as_f64().unwrap() - expected).abs() < 1e-13);
        assert_eq!(json()["flows"]["ngf"]["re"][0][0], 1.0);
        let last = |name: &str| json()["flows"][name]["distance"][30].as_f64().unwrap();
        let near = last("order:3");
        let text = flow(&["--flows-from", "start"]);
        assert!(!text.contains("effective start;"), "{text}");
        assert_eq!(json()["flows"]["order:3"]["re"][0][0], 1.0);
        assert!(last("order:3") > 5.0 * near, "{near} {}", last("order:3"));
        let text = flow(&["--buffers", "settled"]);
        assert!(!text.contains("transient"), "{text}");
    }

    #[test]
    fn where_nothing_settles_the_flow_begins_at_the_start_and_the_line_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let flow = |optimizer: &[&str]| {
            let arguments = [
                &["flow", "--loss", "x^2", "--start", "1", "--lr", "0.1", "--steps", "2"][..],
                &["--flows", "order:1", "--out", out.to_str().unwrap(), "--force", "--optimizer"],
                optimizer,
            ];
            stdout(&arguments.concat())
        };
        let text = flow(&["heavy_ball", "--set", "m=9/10"]);
        assert!(
            text.contains(
                "order:1 begins at the start: the series of the effective start diverges"
            )
        );
        let adam = ["adam", "--set", "beta1=0.9", "--set", "beta2=0.999", "--set", "eps=1e-8"];
        let text = flow(&adam);
        assert!(
            text.contains("order:1 begins at the start: its buffers take 18414 steps"),
            "{text}"
        );
        let text = flow(&["adam", "--set", "beta1=1/4", "--set", "beta2=1/3", "--set", "eps=2"]);
        let expected = "order:1 begins at the effective start, found by";
        assert!(text.contains(expected), "{text}");
    }

    /// Followed back, flows of large steps are drawn to a point where they stand still, from all numbers of steps alike.
    #[test]
    fn a_start_from_which_the_flow_does_not_meet_the_optimizer_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let adamw = ["adamw", "beta1=1/2", "beta2=3/4", "eps=1/10", "lambda=1/10"];
        let dal = ["dal_heavy_ball", "p=1/2", "m=1/2"];
        let lamb = ["lamb", "beta1=1/2", "beta2=1/2", "eps=1/10", "lambda=1/10"];
        let lars = ["lars", "m=1/2", "lambda=1/10"];
        let adam = ["adam", "beta1=1/2", "beta2=3/4", "eps=1/10"];
        let cases = [
            ("0.1", &adamw[..], "the start"),
            ("0.03", &dal, "the start"),
            ("0.1", &lamb, "the start"),
            ("0.1", &lars, "the start"),
            // By the flow of the next order.
            ("0.01", &adam, "the effective start"),
        ];
        for (lr, optimizer, from) in cases {
            let loss = ["--loss", "x^2/2+2*y^2+x^2*y/4", "--start", "1,0.7", "--steps", "25"];
            let to = ["--out", out.to_str().unwrap(), "--force"];
            let mut arguments =
                [&["flow", "--lr", lr, "--flows", "order:1"][..], &loss, &to].concat();
            arguments.extend(["--optimizer", optimizer[0]]);
            optimizer[1..].iter().for_each(|value| arguments.extend(["--set", value]));
            let text = stdout(&arguments);
            assert!(text.contains(&format!("order:1 begins at {from}")), "{text}");
        }
    }

    #[test]
    fn pictures_show_the_effective_start_and_the_way_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let flow = |loss: &str, start: &str, from: &str| {
            stdout(&[
                "flow",
                "--loss",
                loss,
                "--start",
                start,
                "--optimizer",
                "heavy_ball",
                "--set",
                "m=1/2",
                "--lr",
                "0.02",
                "--steps",
                "9",
                "--flows",
                "order:2",
                "--plot",
                "--force",
                "--flows-from",
                from,
                "--out",
                out.to_str().unwrap(),
            ]);
            let csv = fs::read_to_string(out.join("trajectories.svg")).unwrap();
            csv.matches("effective start").count()
        };
        for (loss, start) in [("x^2", "1"), ("x^2+y^2", "1,2")] {
            assert!(flow(loss, start, "effective-start") > 0, "{loss}");
            assert_eq!(flow(loss, start, "start"), 0, "{loss}");
        }
    }

    #[test]
    fn a_run_follows_from_there_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let description = folder.path().join("ball.toml");
        let text = "network = \"mlp:6,tanh\"\ndata = \"iris\"\ndtype = \"f64\"\nseed = 3\n[train]\n\
                    method = \"heavy_ball\"\nmomentum = 0.5\nlr = 0.002\nsteps = 1\n[follow]\nsteps = 40\n\
                    flows = [\"order:0\", \"order:3\"]\n";
        fs::write(&description, text).unwrap();
        // The distances of order:3 from the first step to the last, and the notes.
        let run = |more: &[&str]| {
            let out = folder.path().join("out");
            let (description, out) = (description.to_str().unwrap(), out.to_str().unwrap());
            let arguments = [&["run", description, "--force", "--out", out][..], more].concat();
            let (_, notes, code) = bea(&arguments);
            assert_eq!(code, 0, "{notes}");
            let csv = fs::read_to_string(format!("{out}/follow.csv")).unwrap();
            let rows = csv.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
            let own = rows.filter(|row| row[3] == "2");
            let distances: Vec<f64> = own.map(|row| row[4].parse().unwrap()).collect();
            (distances, notes)
        };
        let (effective, notes) = run(&[]);
        assert!(notes.contains("from step 0 order:3 begins at the effective start"), "{notes}");
        let (start, notes) = run(&["--set", "flows.from=start"]);
        assert!(!notes.contains("effective"), "{notes}");
        assert!(effective[0] > 1e-3 && start[0] == 0.0);
        assert!(effective[40] < 1e-5 && start[40] > 1e-3, "{} {}", effective[40], start[40]);
        let (settled, notes) = run(&["--set", "train.buffers=settled"]);
        assert!(!notes.contains("effective"), "{notes}");
        assert!(settled.iter().all(|distance| *distance < 2e-5), "{settled:?}");
    }
}
