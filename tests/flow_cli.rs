//! `bea flow`: what it prints, the files it leaves, and what it refuses.

mod golden;

use assert_cmd::Command;
use predicates::prelude::*;
use std::path::Path;

fn flow(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.current_dir(folder).arg("flow").args(arguments).assert()
}

const QUADRATIC: [&str; 8] =
    ["--loss", "(x-0.6)^2/2", "--start", "0", "--lr", "1.2", "--steps", "6"];

#[test]
fn the_files_hold_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&QUADRATIC[..], &["--flows", "ngf,pf", "--out", "run", "--plot"]].concat();
    flow(folder.path(), &arguments).success().stdout(predicate::str::contains("pf"));
    let run = folder.path().join("run");
    let json = std::fs::read_to_string(run.join("trajectories.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["lr"], 1.2);
    for name in ["gd", "ngf", "pf"] {
        let entry = &json["flows"][name];
        for key in ["t", "re", "im", "loss"] {
            assert_eq!(entry[key].as_array().unwrap().len(), 7, "{name} {key}");
        }
        assert!(entry["note"].is_null());
    }
    for step in 0..7 {
        // Gradient descent multiplies the distance to 0.6 by 1 - h.
        let exact = 0.6 - 0.6 * (-0.2f64).powi(step);
        for name in ["gd", "pf"] {
            let found = json["flows"][name]["re"][step as usize][0].as_f64().unwrap();
            assert!((found - exact).abs() < 1e-9, "{name} {step}: {found} {exact}");
        }
    }
    let csv = std::fs::read_to_string(run.join("trajectories.csv")).unwrap();
    assert!(csv.starts_with("flow,step,t,x_re,x_im,loss_re,loss_im,distance\n"));
    assert_eq!(csv.lines().count(), 1 + 3 * 7);
    assert!(std::fs::read_to_string(run.join("trajectories.svg")).unwrap().starts_with("<svg"));
    assert!(std::fs::read(run.join("trajectories.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn the_same_run_leaves_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for out in ["a", "b"] {
        let options =
            ["--loss", "rosenbrock", "--lr", "0.0006", "--steps", "5", "--plot", "--out", out];
        flow(folder.path(), &options).success();
    }
    let pictures = ["trajectories.svg", "trajectories.png", "trajectories.pdf"];
    for file in ["trajectories.csv", "trajectories.json"].into_iter().chain(pictures) {
        let read = |out: &str| std::fs::read(folder.path().join(out).join(file)).unwrap();
        assert!(read("a") == read("b"), "{file}");
    }
}

/// The pictures of the README are what its commands draw.
#[test]
fn the_pictures_of_the_readme_are_drawn() {
    let readme = include_str!("../README.md");
    let commands = || {
        let of = |line: &'static str| {
            let command =
                line.strip_prefix("$ bea ").or(line.strip_prefix("cargo run --release -- "));
            command?.strip_prefix("flow ")
        };
        readme.lines().filter_map(of)
    };
    for name in ["banana", "opening"] {
        let ending = format!(" --out {name}");
        let command = commands().find(|line| line.contains("--plot") && line.ends_with(&ending));
        // What stands in quotes is one argument.
        let quoted = command.unwrap().split('\'').enumerate();
        let arguments: Vec<&str> = quoted
            .flat_map(|(i, text)| match i % 2 {
                0 => text.split_whitespace().collect(),
                _ => vec![text],
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        flow(folder.path(), &arguments).success();
        let file = folder.path().join(name).join("trajectories.svg");
        let svg = std::fs::read_to_string(file).unwrap();
        golden::assert_golden(&format!("docs/{name}.svg"), &svg);
    }
}

/// What a network does not have of a picture is refused, and what it has is drawn.
#[test]
fn pictures_of_networks_take_their_options() {
    let folder = tempfile::tempdir().unwrap();
    let common = ["--network", "mlp:3", "--data", "iris", "--lr", "0.1", "--steps", "1", "--plot"];
    let run = |options: &[&str], out: &str| {
        flow(folder.path(), &[&common[..], &["--flows", "ngf", "--out", out], options].concat())
    };
    run(&["--panel", "distance", "--title", "a title"], "a").success();
    let svg = std::fs::read_to_string(folder.path().join("a/trajectories.svg")).unwrap();
    assert!(svg.contains("a title") && svg.contains("distance to gd") && !svg.contains(">loss<"));
    for options in [
        &["--panel", "landscape"][..],
        &["--panel", "complex-plane"],
        &["--box=0,1"],
        &["--frame", "all"],
    ] {
        run(options, "no").code(2);
        assert!(!folder.path().join("no").exists(), "{options:?}");
    }
}

/// Themes and sizes, and what is said of those that there are not.
#[test]
fn pictures_have_themes_and_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let run = |options: &[&str], out: &str| {
        let common = ["--flows", "ngf,pf", "--plot", "--out", out];
        flow(folder.path(), &[&QUADRATIC[..], &common, options].concat())
    };
    for (i, (options, size)) in [
        (&["--theme", "paper"][..], "width=\"312\""),
        (&["--theme", "talk"], "width=\"1280\" height=\"720\""),
        (&["--theme", "dark"], "fill=\"#12161b\"/>"),
        (&["--size", "3.25x2.5in", "--panel", "loss"], "width=\"312\" height=\"240\""),
        (
            &["--theme", "paper", "--size", "600x400", "--panel", "landscape"],
            "width=\"600\" height=\"400\"",
        ),
        (&["--outlined"], "aria-label=\"end\""),
        (&["--dpi", "600"], "width=\""),
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("run{i}");
        run(options, &out).success();
        let read = |file: &str| std::fs::read(folder.path().join(&out).join(file)).unwrap();
        let svg = String::from_utf8(read("trajectories.svg")).unwrap();
        assert!(svg.contains(size), "{options:?}: no {size} in {}", &svg[..300]);
        assert!(read("trajectories.pdf").starts_with(b"%PDF-"));
    }
    for (options, message) in [
        (&["--theme", "poster"][..], "[possible values: screen, paper, talk, dark]"),
        (
            &["--panel", "phase"],
            "[possible values: landscape, complex-plane, loss, distance, sharpness, covariance]",
        ),
        (&["--size", "big"], "write width and height, such as 600x400 or 3.25x2.5in"),
        (&["--size", "40x40"], "are too small for this picture"),
        (&["--dpi", "1"], "write a number from 10 to 2400"),
        (&["--size", "9000x9000", "--dpi", "2400"], "are too many"),
    ] {
        run(options, "no").code(2).stderr(predicate::str::contains(message));
        assert!(!folder.path().join("no").exists(), "{options:?}");
    }
    flow(folder.path(), &[&QUADRATIC[..], &["--theme", "paper"]].concat())
        .code(2)
        .stderr(predicate::str::contains("--plot"));
    let nowhere = ["--loss", "log(x)+x^2", "--start", "1", "--lr", "0.1", "--steps", "2"];
    let shown = ["--flows", "ngf", "--plot", "--box=-3,-1", "--out", "no"];
    flow(folder.path(), &[&nowhere[..], &shown].concat())
        .code(2)
        .stderr(predicate::str::contains("no finite value in all that the picture shows"));
    assert!(!folder.path().join("no").exists());
    // What runs away is drawn as far as it has a loss.
    let away = ["--loss", "x^2*1e10", "--start", "1", "--lr", "1", "--steps", "30"];
    flow(folder.path(), &[&away[..], &["--flows", "ngf", "--plot", "--out", "away"]].concat())
        .success();
    let svg = std::fs::read_to_string(folder.path().join("away/trajectories.svg")).unwrap();
    // The flow ends before the first step, so that there is no distance, but losses.
    assert_eq!(svg.matches("no value that this axis can show").count(), 1);
    assert!(svg.contains(">10²³⁶<"));
}

/// Start, end and directions are marked, and the complex plane has the phase of `1-hλ`.
#[test]
fn pictures_show_where_it_begins_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let complex = ["--flows", "ngf,pf", "--plot", "--panel", "complex-plane", "--out", "run"];
    flow(folder.path(), &[&QUADRATIC[..], &complex].concat()).success();
    let svg = std::fs::read_to_string(folder.path().join("run/trajectories.svg")).unwrap();
    for text in [">start<", ">end<", ">phase of 1 − hλ<", ">π/2<", ">−3π/4<"] {
        assert!(svg.contains(text), "{text}");
    }
}

/// What is shown of a landscape: all that the optimizer does, with one scale for variables that are alike.
#[test]
fn a_picture_frames_the_trajectory() {
    let folder = tempfile::tempdir().unwrap();
    let circles = |out: &str, options: &[&str]| -> Vec<(f64, f64)> {
        let common = ["--loss", "(x*y-1)^2/2", "--start", "3,0.6", "--lr", "0.15", "--steps", "20"];
        let more = ["--flows", "ngf", "--plot", "--panel", "landscape", "--out", out];
        flow(folder.path(), &[&common[..], &more, options].concat()).success();
        let svg =
            std::fs::read_to_string(folder.path().join(out).join("trajectories.svg")).unwrap();
        let number = |circle: &str, key: &str| -> f64 {
            circle.split(key).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        // The last one is in the legend.
        let circles: Vec<&str> = svg.split("<circle").skip(1).collect();
        circles[..circles.len() - 1]
            .iter()
            .map(|circle| (number(circle, "cx=\""), number(circle, "cy=\"")))
            .collect()
    };
    let extent = |points: &[(f64, f64)]| {
        let range = |of: fn(&(f64, f64)) -> f64| {
            let (low, high) =
                points.iter().map(of).fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
            high - low
        };
        (range(|p| p.0), range(|p| p.1))
    };
    // The first step goes furthest, by 0.15 (0.48, 2.4): on the picture in that ratio, over half of its height.
    let (x, y) = extent(&circles("near", &[]));
    assert!(y > 150.0 && y < 280.0, "{x} {y}");
    assert!((y / x - 5.0).abs() < 0.01, "{x} {y}");
    let (_, far) = extent(&circles("far", &["--box=-4,4,-4,4"]));
    assert!((far - 350.0 * 0.36 / 8.0).abs() < 1.5, "{far}");
    for (options, message) in [
        (&["--box", "1,2"][..], "--box 1,2 is no box"),
        (&["--box", "1,2,4,3"], "is no box"),
        (&["--box", "1,2,3,1e999"], "is no box"),
        (&["--panel", "complex-plane"], "for losses of one variable"),
    ] {
        let common = ["--loss", "x*y", "--start", "1,1", "--lr", "0.1", "--plot", "--out", "no"];
        flow(folder.path(), &[&common[..], options].concat())
            .code(2)
            .stderr(predicates::str::contains(message));
        assert!(!folder.path().join("no").exists());
    }
}

#[test]
fn a_folder_is_replaced_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let with = |more: &[&'static str]| [&QUADRATIC[..], &["--out", "run"], more].concat();
    flow(folder.path(), &with(&["--plot"])).success();
    let svg = folder.path().join("run/trajectories.svg");
    std::fs::write(folder.path().join("run/mine.txt"), "kept").unwrap();
    flow(folder.path(), &with(&[])).code(2).stderr(predicate::str::contains("run exists"));
    assert!(svg.exists());
    flow(folder.path(), &with(&["--force"])).success();
    assert!(!svg.exists(), "pictures of an older run would be wrong");
    assert!(folder.path().join("run/mine.txt").exists());
}

#[test]
fn without_a_name_every_run_gets_a_folder_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for (name, more) in
        [("flow", None), ("flow-2", None), ("flow-3", None), ("flow", Some("--force"))]
    {
        let arguments: Vec<&str> = QUADRATIC.into_iter().chain(more).collect();
        let written = format!("wrote results/{name}/trajectories.csv, ");
        flow(folder.path(), &arguments).success().stdout(predicate::str::contains(written));
    }
    assert_eq!(std::fs::read_dir(folder.path().join("results")).unwrap().count(), 3);
}

/// This one would take days.
#[test]
fn a_folder_that_cannot_be_written_is_found_before_the_simulation() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::create_dir(folder.path().join("there")).unwrap();
    let long = ["flow", "--loss", "rosenbrock", "--lr", "0.001", "--euler", "1e-13", "--out"];
    for (out, message) in [
        ("file", "file is a file, not a folder"),
        ("file/run", "cannot write the folder file/run"),
        ("file/deep/run", "cannot write the folder file/deep/run"),
        ("there", "there exists"),
    ] {
        let mut command = Command::cargo_bin("bea").unwrap();
        command.timeout(std::time::Duration::from_secs(60));
        let outcome = command.current_dir(folder.path()).args(long).arg(out).assert();
        outcome.code(2).stderr(predicate::str::contains(message));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(std::fs::read_dir(folder.path().join("there")).unwrap().count(), 0);
}

#[test]
fn a_trajectory_that_ends_is_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let options = [
        "--loss", "x^2/2", "--start", "1", "--lr", "1", "--steps", "3", "--flows", "ngf,pf",
        "--out", "run",
    ];
    flow(folder.path(), &options).success().stdout(predicate::str::contains("pf ended"));
    let json = std::fs::read_to_string(folder.path().join("run/trajectories.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["flows"]["pf"]["note"].is_string());
    assert!(json["flows"]["ngf"]["note"].is_null());
}

/// `cubic` has a pole where `hλ = 1`: it ends there, whatever the integrator.
#[test]
fn cubic_does_not_step_over_the_branch_point() {
    let folder = tempfile::tempdir().unwrap();
    let start = |start: &'static str, more: &[&'static str]| {
        let options = [
            "--loss",
            "x^2/4 + y^2*(1-x)/2",
            "--lr",
            "1.2",
            "--steps",
            "4",
            "--flows",
            "cubic",
            "--force",
            "--out",
            "run",
            "--start",
            start,
        ];
        flow(folder.path(), &[&options[..], more].concat()).success();
        let json = std::fs::read_to_string(folder.path().join("run/trajectories.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        json["flows"]["cubic"]["note"].as_str().map(str::to_string)
    };
    let time = |note: &str| -> f64 { note["t = ".len()..note.find(',').unwrap()].parse().unwrap() };
    let adaptive = time(&start("0.5,0.01", &[]).unwrap());
    for step in ["1e-2", "1e-3", "1e-4"] {
        for branch in ["continued", "principal"] {
            let note = start("0.5,0.01", &["--euler", step, "--branch", branch]).unwrap();
            assert!(note.contains("branch point hλ = 1"), "{note}");
            let off = (time(&note) - adaptive).abs();
            assert!(off < 3.0 * step.parse::<f64>().unwrap(), "{note}, adaptive at {adaptive}");
        }
    }
    // Without a part of the gradient along it there is no pole.
    assert_eq!(start("0.5,0", &["--euler", "1e-3"]), None);
}

/// Zeros are no digits.
#[test]
fn a_small_step_size_is_named_in_a_few_letters() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["--loss", "x^2", "--start", "1", "--lr", "1e-300", "--steps", "1", "--flows", "ngf"];
    let heading = predicate::str::contains("gd with h = 1e-300, 1 steps from x = 1\n");
    flow(folder.path(), &arguments).success().stdout(heading);
}

/// The distance to the optimizer after the last step of every flow, from the CSV.
fn last_distances(csv: &str, steps: usize) -> Vec<f64> {
    let mark = format!(",{steps},");
    let rows = csv.lines().filter(|line| line.contains(&mark));
    rows.skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_zero_sum_game_needs_one_loss() {
    let folder = tempfile::tempdir().unwrap();
    let game = ["--optimizer", "alternating_gda", "--start", "1,1", "--lr", "0.1", "--steps", "5"];
    let one =
        [&game[..], &["--flows", "order:0,order:3", "--loss", "x*y", "--out", "one"]].concat();
    let two = ["--flows", "order:0,order:3", "--loss", "x*y", "--loss", "-x*y", "--out", "two"];
    flow(folder.path(), &one).success();
    flow(folder.path(), &[&game[..], &two[..]].concat()).success();
    let read = |name: &str| {
        std::fs::read_to_string(folder.path().join(name).join("trajectories.csv")).unwrap()
    };
    assert_eq!(read("one"), read("two"));
    let distances = last_distances(&read("one"), 5);
    assert_eq!(distances.len(), 2);
    assert!(distances[1] < 1e-2 * distances[0], "{distances:?}");
}

#[test]
fn bad_input_is_refused_and_leaves_nothing() {
    let game = |players: &'static str, start: &'static str| {
        [
            "--loss",
            "x*y*z",
            "--optimizer",
            "simultaneous_gda",
            "--lr",
            "0.1",
            "--players",
            players,
            "--start",
            start,
        ]
    };
    let cases: [(&[&str], &str); 25] = [
        (&["--loss", "x^2+sn(x)", "--start", "1", "--lr", "0.1"], "no function `sn`"),
        (&["--loss", "x^2+y^2", "--start", "1", "--lr", "0.1"], "a point has 2 coordinates"),
        (&["--loss", "x^2", "--lr", "0.1"], "give --start"),
        (&["--loss", "5", "--start", "1", "--lr", "0.1"], "the loss `5` has no variable"),
        (
            &["--loss", "log(x)", "--start", "-1", "--lr", "0.1"],
            "undefined at the start, x = -1: `log(x)` has no finite value",
        ),
        (&["--loss", "x^2", "--start", "1", "--lr", "-1"], "positive number"),
        (&["--loss", "x^2", "--start", "1", "--lr", "0"], "positive number"),
        (&["--loss", "x^2", "--start", "1", "--lr", "0.1", "--steps", "0"], "from 1 on"),
        (&["--loss", "x^2", "--start", "1", "--lr", "0.1", "--rtol", "-1"], "positive number"),
        (&["--loss", "x^2", "--start", "1", "--lr", "0.1", "--flows", "nfg"], "no flow `nfg`"),
        (
            &["--loss", "x^2", "--start", "1", "--lr", "0.1", "--optimizer", "heavy_ball"],
            "parameter `m`",
        ),
        (&game("x;y", "1,1,1"), "--players: `z` belongs to no player"),
        (&game("x;", "1,1,1"), "--players: player 2 has no variables"),
        (&game("x,z;y,z", "1,1,1"), "--players names `z` twice"),
        (&game("x,x,z;y", "1,1,1"), "--players names `x` twice"),
        (&game("x,w;y,z", "1,1,1"), "--players: the loss has no variable `w`"),
        (
            &["--loss", "rosenbrock", "--lr", "0.001", "--steps", "99999999999", "--flows", "ngf"],
            "2 trajectories of 99999999999 steps with 2 parameters take",
        ),
        (&["--loss", "x+y", "--lr", "0.1", "--start", "1,1,"], "a coordinate is empty"),
        (&["--loss", "x+y", "--lr", "0.1", "--start", "1,,1"], "a coordinate is empty"),
        (&["--loss", "x+y", "--lr", "0.1", "--start", ""], "there is no point"),
        (&["--loss", "x+y", "--lr", "0.1", "--start", "x=,y=1"], "`x` has no value"),
        (
            &[
                "--loss",
                "x^2",
                "--loss",
                "log(y)+x",
                "--optimizer",
                "minibatch2",
                "--start",
                "1,-1",
                "--lr",
                "0.1",
            ],
            "the loss `log(y)+x` is undefined at the start, x = 1, y = -1: `log(y)` has no finite \
             value where `y` is -1",
        ),
        (
            &["--loss", "sqrt(x)", "--start", "0", "--lr", "0.1"],
            "the gradient is undefined at the start, x = 0: `1/sqrt(x)` has no finite value where \
             `x` is 0",
        ),
        (&["--loss", "cs(x)", "--start", "0", "--lr", "0.1"], "did you mean `cos`"),
        (&["--loss", "ln(x)", "--start", "1", "--lr", "0.1"], "did you mean `log`"),
    ];
    for (arguments, message) in cases {
        let folder = tempfile::tempdir().unwrap();
        let outcome = flow(folder.path(), arguments).code(2);
        let text = String::from_utf8(outcome.get_output().stderr.clone()).unwrap();
        let lines: Vec<&str> =
            text.lines().map(|line| line.trim().trim_start_matches("│ ")).collect();
        assert!(lines.join(" ").contains(message), "no {message} in\n{text}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{message}");
    }
}

/// Six values: at the start, which is checked, and at every point of gradient descent.
#[test]
fn evaluations_are_counted_by_kind() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--steps", "4", "--flows", "gd", "--out", "run", "--counts"];
    let arguments = [&QUADRATIC[..6], &arguments].concat();
    let said = "\nevaluations: 6 values, 5 gradients\n";
    flow(folder.path(), &arguments).success().stdout(predicate::str::contains(said));
    let json = std::fs::read_to_string(folder.path().join("run/trajectories.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let counts = &json["counts"];
    assert_eq!((&counts["values"], &counts["gradients"]), (&6.into(), &5.into()));
    for kind in ["hessian_vectors", "hessians", "contractions", "modified_fields"] {
        assert_eq!(counts[kind], 0, "{kind}");
    }
}
