//! The pictures of `bea stability` and `bea spectrum`: what is in them, and what is refused.

mod golden;

use assert_cmd::Command;
use predicates::str::contains;
use std::path::Path;

fn bea(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("bea").unwrap().current_dir(folder).args(arguments).assert()
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The pictures of the guides are what their commands draw.
#[test]
fn the_pictures_of_the_guides_are_drawn() {
    let guides = [include_str!("../docs/stability.md"), include_str!("../docs/networks.md")];
    let lines: Vec<&str> = guides.iter().flat_map(|guide| guide.lines()).collect();
    for (name, file) in [
        ("momentum", "stability.svg"),
        ("runge_kutta", "stability.svg"),
        ("eigenvalues", "spectrum.svg"),
    ] {
        let ending = format!("--out {name}");
        let drawn = |line: &&&str| line.contains(" --plot") && line.contains(&ending);
        let command = lines.iter().find(drawn);
        let command = command.unwrap_or_else(|| panic!("no command draws {name}"));
        let command = command.trim_start_matches("$ ").trim_start_matches("bea ");
        let arguments: Vec<&str> = command.split(" | ").next().unwrap().split(' ').collect();
        let folder = tempfile::tempdir().unwrap();
        let network = "loss = \"mse\"\ndtype = \"f64\"\ninput = [30]\n[[layer]]\ntype = \"linear\"\nout = 10\n";
        std::fs::write(folder.path().join("linear.toml"), network).unwrap();
        bea(folder.path(), &arguments).success();
        let svg = read(&folder.path().join(name), file);
        golden::assert_golden(&format!("docs/{name}.svg"), &svg);
    }
}

#[test]
fn stability_is_drawn_for_every_kind_of_method() {
    let folder = tempfile::tempdir().unwrap();
    for (name, options, texts) in [
        ("descent", &["--loss", "x^2 + 5*y^2"][..], &["λ = 10", "λ = 2", "critical h = 0.2"][..]),
        (
            "implicit",
            &["--loss", "x^2 + 5*y^2", "--optimizer", "implicit_midpoint", "--lr", "0.5"],
            &["converges for every step size", "h = 0.5"],
        ),
        (
            "saddle",
            &["--loss", "x^2 - y^2", "--lr", "0.1"],
            &["does not converge for small step sizes", "λ = −2"],
        ),
        (
            "sam",
            &["--loss", "x^2", "--optimizer", "sam", "--set", "rho=1/4", "--lr", "0.1"],
            &["region of stability at h = 0.1"],
        ),
        (
            "game",
            &["--loss", "x^2/2 + 2*x*y - y^2/2", "--optimizer", "extragradient_gda", "--lr", "0.2"],
            &["multipliers μ", "hλ at h = 0.2"],
        ),
        (
            "many",
            &["--loss", "a^2+2*b^2+3*c^2+4*d^2+5*e^2+6*g^2+7*k^2+7*l^2+a*0", "--lr", "0.1"],
            &["λ = 14 (2 times)", "λ = 2<"],
        ),
    ] {
        let zeros = vec![
            "0";
            if name == "many" {
                8
            } else if options[1].contains('y') {
                2
            } else {
                1
            }
        ];
        let at = zeros.join(",");
        let arguments = [&["stability"], options, &["--at", &at, "--plot", "--out", name]].concat();
        let run = bea(folder.path(), &arguments).success();
        let run = run.stdout(contains(format!("wrote {name}/stability.svg")));
        if name == "many" {
            run.stdout(contains("the picture shows 5 of 7 different eigenvalues"));
        }
        let svg = read(folder.path(), &format!("{name}/stability.svg"));
        for text in texts.iter().chain(&["|μ| = 1", "boundary of stability"]) {
            assert!(svg.contains(text), "{name}: {text}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        let table = read(folder.path(), &format!("{name}/multipliers.csv"));
        assert!(table.starts_with("lambda,path,h,mu_re,mu_im\n") && table.lines().count() > 200);
        let table = read(folder.path(), &format!("{name}/region.csv"));
        assert!(table.starts_with("piece,angle,z_re,z_im\n") && table.lines().count() > 100);
        assert!(
            std::fs::read(folder.path().join(name).join("stability.png"))
                .unwrap()
                .starts_with(b"\x89PNG")
        );
    }
}

/// On x²+5y² gradient descent has μ = 1-hλ, in the table as well.
#[test]
fn the_table_of_multipliers_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["stability", "--loss", "x^2 + 5*y^2", "--at", "0,0", "--plot", "--out", "a"];
    bea(folder.path(), &options).success();
    for row in read(folder.path(), "a/multipliers.csv").lines().skip(1) {
        let row: Vec<f64> = row.split(',').map(|x| x.parse().unwrap()).collect();
        let [lambda, _, h, re, im] = row[..] else { panic!("{row:?}") };
        assert!((re - (1.0 - h * lambda)).abs() < 1e-12 && im == 0.0, "{row:?}");
    }
    for row in read(folder.path(), "a/region.csv").lines().skip(1) {
        let row: Vec<f64> = row.split(',').map(|x| x.parse().unwrap()).collect();
        assert!(((row[2] - 1.0).hypot(row[3]) - 1.0).abs() < 1e-12, "{row:?}");
    }
}

#[test]
fn a_method_without_a_region_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let game =
        ["stability", "--loss", "x*y", "--at", "0,0", "--optimizer", "alternating_gda", "--plot"];
    let with = |more: &[&'static str]| [&game[..], more].concat();
    bea(folder.path(), &with(&["--out", "a"]))
        .success()
        .stdout(contains("alternating_gda treats its vector fields differently"));
    assert!(!folder.path().join("a/region.csv").exists());
    bea(folder.path(), &with(&["--out", "b", "--panel", "region"]))
        .code(2)
        .stderr(contains("--panel multipliers"));
    assert!(!folder.path().join("b").exists());
    bea(folder.path(), &with(&["--panel", "radius"])).success();
    let svg = read(folder.path(), "results/stability/stability.svg");
    assert!(svg.contains("step size h") && !svg.contains("Re μ"));
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    let stability = ["stability", "--loss", "x^2", "--at", "0"];
    let spectrum = ["spectrum", "--network", "mlp:3", "--data", "iris"];
    for (command, options, message) in [
        (&stability[..], &["--out", "a"][..], "--plot"),
        (&stability, &["--panel", "region"], "--plot"),
        (
            &stability,
            &["--plot", "--panel", "valley"],
            "possible values: multipliers, radius, region",
        ),
        (&stability, &["--plot", "--out", "taken"], "taken exists"),
        (&["stability", "--loss", "x^4", "--at", "0"], &["--plot"], "nothing to draw"),
        (&spectrum, &["--out", "a"], "--plot"),
        (&spectrum, &["--plot", "--top", "0"], "nothing to draw"),
        (&spectrum, &["--plot", "--out", "taken"], "taken exists"),
    ] {
        let arguments = [command, options].concat();
        bea(folder.path(), &arguments).code(2).stderr(contains(message));
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_spectrum_is_drawn_whole_and_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let network = ["spectrum", "--network", "mlp:4", "--data", "iris", "--dtype", "f64", "--plot"];
    for (name, options, texts) in [
        ("all", &["--full", "--lr", "1"][..], &["of 35 eigenvalues", "2/h = 2", "1/h = 1"][..]),
        (
            "ends",
            &["--top", "3", "--bottom", "2"],
            &["5 of 35 eigenvalues", "30 between, not computed"],
        ),
        (
            "density",
            &["--top", "2", "--density", "--steps", "20"],
            &["density, by Lanczos quadrature"],
        ),
        (
            "gauss_newton",
            &["--full", "--gauss-newton"],
            &["eigenvalue λ of the Gauss-Newton matrix"],
        ),
    ] {
        let arguments = [&network[..], options, &["--out", name]].concat();
        bea(folder.path(), &arguments).success().stdout(contains(format!("{name}/spectrum.svg")));
        let svg = read(folder.path(), &format!("{name}/spectrum.svg"));
        for text in texts {
            assert!(svg.contains(text), "{name}: {text}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        let table = read(folder.path(), &format!("{name}/spectrum.csv"));
        let rows = if options.contains(&"--full") {
            35
        } else if name == "ends" {
            5
        } else {
            2
        };
        assert_eq!(table.lines().count(), 1 + rows, "{name}");
    }
}

/// Width and height of the longest of the lines in a picture that are not straight.
fn shape_of_longest_curve(svg: &str) -> (f64, f64) {
    let lines = svg.lines().filter(|line| line.contains("fill=\"none\""));
    let paths = lines.filter_map(|line| line.split("<path d=\"").nth(1)?.split('"').next());
    let numbers = |path: &str| -> Vec<f64> {
        let parts = path.split(|c: char| !c.is_ascii_digit() && c != '.' && c != '-');
        parts.filter_map(|x| x.parse().ok()).collect()
    };
    let range = |path: &[f64], from: usize| {
        let ends = path.iter().skip(from).step_by(2);
        let ends =
            ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
        ends.1 - ends.0
    };
    let curved = paths.map(numbers).filter(|path| range(path, 0) > 1.0 && range(path, 1) > 1.0);
    let longest = curved.max_by_key(Vec::len).unwrap();
    (range(&longest, 0), range(&longest, 1))
}

/// The unit circle is one, whatever the size of the picture.
#[test]
fn circles_are_round_in_every_size() {
    let folder = tempfile::tempdir().unwrap();
    for (i, size) in ["900x300", "500x700", "700x700"].into_iter().enumerate() {
        for panel in [None, Some("multipliers")] {
            let out = format!("{i}{}", panel.is_some());
            let options = ["stability", "--loss", "x^2", "--at", "0", "--plot", "--out", &out];
            let panel = panel.map(|panel| vec!["--panel", panel]).unwrap_or_default();
            bea(folder.path(), &[&options[..], &["--size", size], &panel].concat()).success();
            let (width, height) =
                shape_of_longest_curve(&read(folder.path(), &format!("{out}/stability.svg")));
            assert!(
                width > 20.0 && (width / height - 1.0).abs() < 0.01,
                "{size}: {width} {height}"
            );
        }
    }
}
