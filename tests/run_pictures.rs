//! The pictures that runs and sweeps leave, from the command line.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const IRIS: &str = "network = \"mlp:5,elu\"\ndata = \"iris\"\n[train]\nmethod = \"gd\"\nlr = 0.1\nsteps = 4\n\
    [measure]\nmetrics = [\"loss\", \"lambda\"]\n";

fn bea(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bea"));
    command.current_dir(folder).args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &str) -> (i32, String, String) {
    let output = bea(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A folder with a description of this text.
fn place(text: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("iris.toml"), text).unwrap();
    place
}

#[test]
fn a_sweep_leaves_a_picture_of_all_its_runs() {
    let grid = "[grid]\nseed = [0, 1, 2]\ntrain.lr = [0.1, 0.2]\n";
    let place = place(&(IRIS.to_string() + grid));
    let svg = || std::fs::read_to_string(place.path().join("s/sweep.svg")).unwrap();
    let (code, _, error) = run(place.path(), "sweep iris.toml --out s");
    assert_eq!(code, 0, "{error}");
    let medians = svg();
    for text in [
        "h = 0.1<",
        "h = 0.2<",
        ">loss E<",
        ">sharpness λ₀<",
        "smallest to largest of 3 seeds, around their median<",
        ">2/h of each<",
    ] {
        assert!(medians.contains(text), "{text}: {medians}");
    }
    assert!(medians.contains(">iris: the loss ends lowest with h = 0.2, at "), "{medians}");
    assert!(std::fs::read(place.path().join("s/sweep.png")).unwrap().starts_with(b"\x89PNG"));
    // The data beside it: medians, and the bands around them.
    let data = std::fs::read_to_string(place.path().join("s/sweep_curves.csv")).unwrap();
    assert!(data.starts_with("panel,x_axis,y_axis,series,x,y,low,high\n"), "{data}");
    let rows = |of_band: bool| {
        let own = data.lines().filter(|line| line.starts_with("1,step,loss E,h = 0.1,"));
        own.filter(|line| line.ends_with(",,") != of_band).count()
    };
    assert_eq!((rows(false), rows(true)), (5, 5), "{data}");
    let median = |seed: usize| -> f64 {
        let folder = ["01-seed=0-lr=0.1", "03-seed=1-lr=0.1", "05-seed=2-lr=0.1"][seed];
        let path = place.path().join("s").join(folder).join("metrics.csv");
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().nth(2).unwrap().split(',').nth(1).unwrap().parse().unwrap()
    };
    let mut losses = [0, 1, 2].map(median);
    losses.sort_by(f64::total_cmp);
    let [low, middle, high] = losses;
    assert!(data.contains(&format!("1,step,loss E,h = 0.1,1,{middle},,\n")), "{data}");
    assert!(data.contains(&format!("1,step,loss E,h = 0.1,1,,{low},{high}\n")), "{data}");
    // Every seed on request; the runs are kept.
    let (code, _, error) = run(place.path(), "sweep iris.toml --out s --resume --all-seeds");
    assert_eq!(code, 0, "{error}");
    assert!(svg().contains("thick: median of 3 seeds") && svg() != medians);
}

/// Nothing is drawn, and that is said.
#[test]
fn what_diverges_at_once_leaves_no_empty_picture() {
    let place = place(&IRIS.replace("lr = 0.1", "lr = 1e300"));
    let data = "x1,x2,y\n1e300,1e300,1e300\n-1e300,1e300,-1e300\n";
    std::fs::write(place.path().join("huge.csv"), data).unwrap();
    let set = "--set data=huge.csv";
    let (code, out, error) = run(place.path(), &format!("run iris.toml --out r {set}"));
    if code == 0 {
        assert!(out.contains("no picture: nothing that was measured is finite"), "{out}");
        assert!(!place.path().join("r/metrics.svg").exists());
        assert!(place.path().join("r/report.html").is_file());
    } else {
        panic!("{error}");
    }
}

#[test]
fn a_run_is_drawn_while_it_goes_on() {
    let place = place(&IRIS.replace("steps = 4", "steps = 16777216"));
    let mut child = bea(place.path(), "run iris.toml --out r --plot --theme dark")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let path = place.path().join("r/metrics.svg");
    let begun = Instant::now();
    let look = |before: Option<&str>| loop {
        assert!(begun.elapsed() < Duration::from_secs(120), "no picture");
        match std::fs::read_to_string(&path) {
            // It is whole whenever it is there.
            Ok(svg) if Some(svg.as_str()) != before => {
                assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{svg}");
                return svg;
            }
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let first = look(None);
    let second = look(Some(&first));
    assert!(second.contains(">loss E<"));
    assert!(second.contains("fill=\"#12161b\"/>"), "the live picture has the theme");
    // The last one stays where the run ends of itself or of others.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("</svg>\n"));
}

/// What stands in the way of a picture is said before the run, not after it.
#[test]
fn a_picture_that_cannot_be_written_is_refused_before_the_run() {
    let place = place(IRIS);
    // A folder in the place of the file.
    std::fs::create_dir_all(place.path().join("r/metrics.svg/x")).unwrap();
    let (code, _, error) = run(place.path(), "run iris.toml --out r --plot");
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("r/metrics.svg"), "{error}");
    assert!(!place.path().join("r/metrics.csv").exists());
}

/// Also whether it fits: nothing is computed for a picture that does not.
#[test]
fn a_size_that_is_too_small_is_refused_before_the_runs() {
    let place = place(&(IRIS.to_string() + "[grid]\nseed = [0, 1]\n"));
    for arguments in ["sweep iris.toml --out s --size 40x40", "run iris.toml --out s --size 40x40"]
    {
        let (code, _, error) = run(place.path(), arguments);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("are too small for this picture"), "{arguments}: {error}");
        assert!(!place.path().join("s").exists(), "{arguments}");
    }
    let (code, _, error) = run(place.path(), "reproduce fig7 --out s --size 40x40");
    assert!(code == 2 && error.contains("are too small for this picture"), "{error}");
    assert!(!place.path().join("s").exists());
}

/// What is up to date stays as it is; what is missing is made.
#[test]
fn a_sweep_that_goes_on_draws_only_what_is_missing() {
    let place = place(&(IRIS.to_string() + "[grid]\nseed = [0, 1]\n"));
    let (code, _, error) = run(place.path(), "sweep iris.toml --out s");
    assert_eq!(code, 0, "{error}");
    let file = |run: &str, name: &str| place.path().join("s").join(run).join(name);
    let table = std::fs::read(place.path().join("s/sweep.csv")).unwrap();
    std::fs::write(file("01-seed=0", "metrics.svg"), "mine").unwrap();
    std::fs::write(file("02-seed=1", "metrics.svg"), "mine").unwrap();
    std::fs::remove_file(file("02-seed=1", "metrics.png")).unwrap();
    let (code, _, error) = run(place.path(), "sweep iris.toml --out s --resume");
    assert_eq!(code, 0, "{error}");
    assert_eq!(std::fs::read_to_string(file("01-seed=0", "metrics.svg")).unwrap(), "mine");
    let drawn = std::fs::read_to_string(file("02-seed=1", "metrics.svg")).unwrap();
    assert!(drawn.starts_with("<svg"), "{drawn}");
    assert!(file("02-seed=1", "metrics.png").is_file());
    assert_eq!(std::fs::read(place.path().join("s/sweep.csv")).unwrap(), table);
    // More steps are other runs.
    let (code, _, error) =
        run(place.path(), "sweep iris.toml --out s --resume --set train.steps=6");
    assert_eq!(code, 0, "{error}");
    let drawn = std::fs::read_to_string(file("01-seed=0", "metrics.svg")).unwrap();
    assert!(drawn.starts_with("<svg"), "{drawn}");
}

/// A run that was drawn for a dark screen is drawn as it is asked for when it goes on.
#[test]
fn a_run_that_goes_on_has_the_theme_that_is_asked_for() {
    let place = place(IRIS);
    let background = |arguments: &str| {
        let (code, _, error) = run(place.path(), arguments);
        assert_eq!(code, 0, "{error}");
        let svg = std::fs::read_to_string(place.path().join("r/metrics.svg")).unwrap();
        svg.contains("fill=\"#12161b\"/>")
    };
    assert!(background("run iris.toml --out r --theme dark"));
    assert!(!background("run iris.toml --out r --resume"));
}
