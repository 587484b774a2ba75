//! What was computed is never lost: processes that run at the same time, signals, links, and runs that go on.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const IRIS: &str = "network = \"mlp:5,tanh\"\ndata = \"iris\"\n[train]\nmethod = \"gd\"\nlr = 0.1\nsteps = 20\n\
    [measure]\nmetrics = [\"loss\", \"lambda\", \"sc:1\"]\n";

fn start(folder: &Path, arguments: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bea"));
    command.current_dir(folder).args(arguments.split_whitespace()).stdin(Stdio::null());
    command.env("TMPDIR", folder.join("tmp"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn bea(folder: &Path, arguments: &str) -> (i32, String, String) {
    texts(start(folder, arguments).wait_with_output().unwrap())
}

fn texts(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// So many at the same time.
fn at_once(folder: &Path, number: usize, arguments: &str) -> Vec<(i32, String, String)> {
    let children: Vec<Child> = (0..number).map(|_| start(folder, arguments)).collect();
    children.into_iter().map(|child| texts(child.wait_with_output().unwrap())).collect()
}

/// The names in a folder, hidden ones too.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("tmp")).unwrap();
    fs::write(place.path().join("iris.toml"), IRIS).unwrap();
    place
}

/// The folder that `wrote …` names.
fn wrote(out: &str) -> String {
    let line =
        out.lines().find_map(|line| line.strip_prefix("wrote ")).unwrap_or_else(|| panic!("{out}"));
    let first = line.split(", ").next().unwrap();
    let folder =
        if first.ends_with(".csv") { Path::new(first).parent().unwrap() } else { Path::new(first) };
    folder.display().to_string()
}

const FLOW: &str = "flow --loss (x-1)^2 --start 0 --lr 0.1 --steps 3 --flows ngf";

#[test]
fn simulations_at_the_same_time_have_folders_of_their_own() {
    let place = place();
    let finished = at_once(place.path(), 24, FLOW);
    let mut folders = BTreeSet::new();
    for (code, out, error) in &finished {
        assert!(*code == 0 && error.is_empty(), "{error}");
        assert!(folders.insert(wrote(out)), "{out}: twice");
    }
    let expected: BTreeSet<String> =
        (1..=24).map(|n| if n == 1 { "flow".into() } else { format!("flow-{n}") }).collect();
    assert_eq!(names(&place.path().join("results")), expected, "no gap, nothing half-written");
    for folder in folders {
        let files = names(&place.path().join(folder));
        assert_eq!(files, ["trajectories.csv", "trajectories.json"].map(String::from).into());
    }
}

#[test]
fn simulations_that_replace_the_same_folder_all_succeed() {
    let place = place();
    let finished = at_once(place.path(), 12, &format!("{FLOW} --force"));
    for (code, out, error) in &finished {
        assert!(*code == 0 && error.is_empty(), "{error}");
        assert_eq!(wrote(out), "results/flow");
    }
    assert_eq!(names(&place.path().join("results")), ["flow".to_string()].into());
    assert_eq!(names(&place.path().join("results/flow")).len(), 2);
}

/// The files of a folder that several processes replace are of one of them.
#[test]
fn a_replaced_folder_is_of_one_simulation() {
    let place = place();
    for round in 0..4 {
        let rates = ["0.1", "0.2", "0.3", "0.25"];
        let each = rates.map(|lr| {
            format!("flow --loss (x-1)^2 --start 0 --lr {lr} --flows ngf --force --plot")
        });
        let children: Vec<Child> = each.iter().map(|line| start(place.path(), line)).collect();
        for child in children {
            assert_eq!(texts(child.wait_with_output().unwrap()).0, 0);
        }
        let read =
            |name: &str| fs::read_to_string(place.path().join("results/flow").join(name)).unwrap();
        let json: serde_json::Value = serde_json::from_str(&read("trajectories.json")).unwrap();
        let last = json["flows"]["gd"]["t"].as_array().unwrap().last().unwrap().as_f64().unwrap();
        let lr = last / 20.0;
        let csv = read("trajectories.csv");
        let line = csv.lines().find(|line| line.starts_with("ngf,20,")).unwrap();
        let t: f64 = line.split(',').nth(2).unwrap().parse().unwrap();
        assert!((t - last).abs() < 1e-9, "round {round}: {line} beside {last}");
        let title = format!("h = {}", (lr * 1e6).round() / 1e6);
        assert!(read("trajectories.svg").contains(&title), "round {round}: {title}");
    }
}

#[test]
fn runs_at_the_same_time_have_folders_of_their_own() {
    for command in ["run", "sweep"] {
        let place = place();
        let finished = at_once(place.path(), 6, &format!("{command} iris.toml"));
        let mut folders = BTreeSet::new();
        for (code, out, error) in &finished {
            assert_eq!(*code, 0, "{error}");
            assert!(folders.insert(wrote(out)), "{out}: twice");
        }
        assert_eq!(names(&place.path().join("results")).len(), 6);
        for folder in folders {
            assert!(place.path().join(&folder).join("weights.safetensors").is_file(), "{folder}");
        }
    }
}

/// Of several that are to write one folder, one does, and what it writes stays.
#[test]
fn a_named_folder_is_of_one_run() {
    let place = place();
    let finished = at_once(place.path(), 6, "run iris.toml --out a");
    let (done, refused): (Vec<_>, Vec<_>) = finished.iter().partition(|(code, _, _)| *code == 0);
    assert_eq!((done.len(), refused.len()), (1, 5));
    for (code, _, error) in refused {
        let said = error.contains("another run writes to") || error.contains("holds a run already");
        assert!(*code == 2 && said, "{error}");
    }
    let metrics = fs::read_to_string(place.path().join("a/metrics.csv")).unwrap();
    assert_eq!(metrics.lines().count(), 22, "whole");
}

/// A reserved name is given back by what cannot begin.
#[test]
fn what_fails_reserves_no_folder() {
    let place = place();
    let before = names(place.path());
    for arguments in [
        "run iris.toml --set data=irs",
        "run iris.toml --set train.weights=none.safetensors",
        "sweep iris.toml --set data=irs",
        "sweep iris.toml --set device=cuda:9",
        "flow --loss log(x) --start -1 --lr 0.1",
        "run iris.toml --set measure.metrics=error:order:12",
    ] {
        assert_eq!(bea(place.path(), arguments).0, 2, "{arguments}");
        assert_eq!(names(place.path()), before, "{arguments}");
    }
    fs::create_dir_all(place.path().join("results/iris")).unwrap();
    let (code, out, _) = bea(place.path(), "run iris.toml");
    assert_eq!((code, wrote(&out).as_str()), (0, "results/iris-2"), "an empty folder is not taken");
}

/// A link to a folder that is not there yet is followed, as one to a file is.
#[test]
fn a_dangling_link_is_followed() {
    let place = place();
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, place.path().join(name)).unwrap();
    };
    for (number, line) in [
        format!("{FLOW} --out LINK"),
        format!("{FLOW} --out LINK --force"),
        format!("{FLOW} --out LINK/below"),
        "run iris.toml --out LINK".into(),
        "run iris.toml --out LINK --resume".into(),
        "sweep iris.toml --out LINK".into(),
        "reproduce fig3 --out LINK".into(),
        "spectrum --network mlp:3 --data iris --density --steps 5 --probes 1 --out LINK".into(),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, target) = (format!("link{number}"), format!("target{number}"));
        link(&target, &name);
        let (code, _, error) = bea(place.path(), &line.replace("LINK", &name));
        assert_eq!(code, 0, "{line}: {error}");
        assert!(!names(&place.path().join(&target)).is_empty(), "{line}");
        assert!(
            place.path().join(&name).symlink_metadata().unwrap().is_symlink(),
            "{line}: still a link"
        );
    }
    link("far", "results");
    for (line, folder) in [(FLOW, "far/flow"), ("run iris.toml", "far/iris")] {
        let (code, _, error) = bea(place.path(), line);
        assert_eq!(code, 0, "{line}: {error}");
        assert!(place.path().join(folder).is_dir(), "{line}");
        fs::rename(place.path().join("far"), place.path().join(format!("seen {}", &folder[4..])))
            .unwrap();
    }
    link("elsewhere.json", "field.json");
    assert_eq!(bea(place.path(), "derive --order 2 --out field.json").0, 0);
    assert!(place.path().join("elsewhere.json").is_file());
    assert!(place.path().join("field.json").symlink_metadata().unwrap().is_symlink());
    assert!(
        !names(place.path()).iter().any(|name| name.starts_with(".bea-")),
        "{:?}",
        names(place.path())
    );
    // Links that lead to one another lead nowhere.
    link("two", "one");
    link("one", "two");
    let before = names(place.path());
    for line in [
        format!("{FLOW} --out one"),
        "run iris.toml --out one".into(),
        "derive --out one/x.json".into(),
    ] {
        let (code, _, error) = bea(place.path(), &line);
        assert!(code == 2 && error.contains("cannot write"), "{line}: {error}");
    }
    assert_eq!(names(place.path()), before);
}

/// A mask of signals that the process catches; Linux says so.
fn catches(child: &Child, signal: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal - 1) & 1 == 1
}

fn wait_for(child: &mut Child, ready: impl Fn(&Child) -> bool) {
    let begun = Instant::now();
    while !ready(child) {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        assert!(begun.elapsed() < Duration::from_secs(120), "it does not get ready");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, child: &Child) {
    let line = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
}

/// A simulation that would take days.
const LONG: &str = "flow --loss rosenbrock --lr 0.001 --steps 3 --euler 1e-13 --flows ngf";

/// What batch systems and closed terminals send is as good as Ctrl-C; a signal that comes twice at once is one.
#[cfg(target_os = "linux")]
#[test]
fn what_ends_a_program_leaves_what_it_has() {
    for (signal, number, code) in [("INT", 2, 130), ("TERM", 15, 143), ("HUP", 1, 129)] {
        let place = place();
        let mut child = start(place.path(), LONG);
        wait_for(&mut child, |child| catches(child, number));
        std::thread::sleep(Duration::from_millis(300));
        send(signal, &child);
        send(signal, &child);
        let (found, out, error) = texts(child.wait_with_output().unwrap());
        assert_eq!(found, code, "{error}");
        assert!(error.contains("writing what is there"), "{error}");
        assert_eq!(wrote(&out), "results/flow");
        assert!(place.path().join("results/flow/trajectories.csv").is_file());

        let mut child = start(place.path(), "run iris.toml --out a --set train.steps=1000000");
        let metrics = place.path().join("a/metrics.csv");
        wait_for(&mut child, |child| catches(child, number) && metrics.exists());
        std::thread::sleep(Duration::from_millis(300));
        send(signal, &child);
        let (found, out, error) = texts(child.wait_with_output().unwrap());
        assert_eq!(found, code, "{error}");
        assert!(error.contains("--resume goes on from here"), "{error}");
        let steps: usize = out
            .strip_prefix("iris interrupted after ")
            .and_then(|rest| rest.split(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("{out}"));
        assert!(steps > 0 && fs::read_to_string(&metrics).unwrap().lines().count() == steps + 1);
    }
}

/// `nohup` and scripts that ignore a signal keep it from the program.
#[cfg(target_os = "linux")]
#[test]
fn an_ignored_signal_stays_ignored() {
    let place = place();
    let line = format!("trap '' HUP INT; exec {} {LONG}", env!("CARGO_BIN_EXE_bea"));
    let mut command = Command::new("sh");
    command.current_dir(place.path()).args(["-c", &line]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&mut child, |child| catches(child, 15));
    std::thread::sleep(Duration::from_millis(200));
    for signal in ["HUP", "INT"] {
        send(signal, &child);
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    send("TERM", &child);
    let (code, out, error) = texts(child.wait_with_output().unwrap());
    assert_eq!((code, wrote(&out).as_str()), (143, "results/flow"), "{error}");
}

/// A name that another process has taken meanwhile, and a folder that is gone.
#[cfg(target_os = "linux")]
#[test]
fn results_without_a_place_are_kept_elsewhere() {
    let place = place();
    let mut child = start(place.path(), &format!("{LONG} --out a"));
    wait_for(&mut child, |child| catches(child, 2));
    std::thread::sleep(Duration::from_millis(300));
    fs::create_dir(place.path().join("a")).unwrap();
    fs::write(place.path().join("a/mine"), "").unwrap();
    send("INT", &child);
    let (code, out, error) = texts(child.wait_with_output().unwrap());
    assert_eq!((code, wrote(&out).as_str()), (130, "a-2"), "{error}");
    assert!(error.contains("a was made meanwhile; the results are in a-2"), "{error}");
    assert_eq!(names(&place.path().join("a")), ["mine".to_string()].into());

    fs::create_dir(place.path().join("above")).unwrap();
    let mut child = start(place.path(), &format!("{LONG} --out above/b"));
    wait_for(&mut child, |child| catches(child, 2));
    std::thread::sleep(Duration::from_millis(300));
    fs::remove_dir(place.path().join("above")).unwrap();
    fs::write(place.path().join("above"), "a file now").unwrap();
    send("INT", &child);
    let (code, _, error) = texts(child.wait_with_output().unwrap());
    assert!(code == 2 && error.contains("cannot write the folder above/b"), "{error}");
    let kept = names(&place.path().join("tmp"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    let kept = kept.first().unwrap();
    assert!(error.contains("the results are in") && error.contains(&**kept), "{error}");
    assert!(place.path().join("tmp").join(kept).join("trajectories.json").is_file());
}

/// A run whose folder is gone keeps its state, and goes on where it is.
#[cfg(target_os = "linux")]
#[test]
fn a_run_without_its_folder_goes_on_elsewhere() {
    let place = place();
    let mut child = start(place.path(), "run iris.toml --out a --set train.steps=1000000");
    let state = place.path().join("a/timing.json");
    wait_for(&mut child, |child| catches(child, 15) && state.exists());
    std::thread::sleep(Duration::from_millis(300));
    fs::rename(place.path().join("a"), place.path().join("tmp/old")).unwrap();
    fs::remove_dir_all(place.path().join("tmp/old")).unwrap();
    send("TERM", &child);
    let (code, _, error) = texts(child.wait_with_output().unwrap());
    let kept = names(&place.path().join("tmp"));
    assert!(code == 2 && kept.len() == 1, "{kept:?} {error}");
    let kept = format!("tmp/{}", kept.first().unwrap());
    assert!(error.contains("the state of the run is in") && error.contains(&kept[4..]), "{error}");
    let metrics = || fs::read_to_string(place.path().join(&kept).join("metrics.csv")).unwrap();
    let steps = metrics().lines().count() - 1;
    assert!(steps > 0);
    let more = format!("run iris.toml --out {kept} --resume --set train.steps=1000000");
    let mut child = start(place.path(), &more);
    wait_for(&mut child, |child| catches(child, 15));
    std::thread::sleep(Duration::from_millis(300));
    send("TERM", &child);
    let (code, _, error) = texts(child.wait_with_output().unwrap());
    assert_eq!(code, 143, "{error}");
    assert!(metrics().lines().count() > steps + 1, "it went on");
}

/// What cannot be written to a file for want of room is kept elsewhere, under the name of the file.
#[cfg(target_os = "linux")]
#[test]
fn files_on_a_full_disk_are_kept_elsewhere() {
    let place = place();
    let net = "--network mlp:3 --data iris";
    for (line, plain) in [
        (
            "derive heavy_ball --format json --out /dev/full",
            Some("derive heavy_ball --format json"),
        ),
        (
            "derive --order 12 --format json --out /dev/full",
            Some("derive --order 12 --format json"),
        ),
        ("codegen --loss x^2 --lang c --out /dev/full --force", None),
        (&format!("evaluate {net} --out /dev/full"), None),
        (&format!("spectrum {net} --vectors /dev/full"), None),
    ] {
        let (code, out, error) = bea(place.path(), line);
        let kept = names(&place.path().join("tmp"));
        assert!(code == 2 && kept.len() == 1, "{line}: {kept:?} {out}{error}");
        let folder = place.path().join("tmp").join(kept.first().unwrap());
        let said: String = error.split_whitespace().collect();
        assert!(said.contains("/dev/full:Nospaceleft"), "{line}: {error}");
        assert!(
            said.contains("theresultsarein") && error.contains(kept.first().unwrap()),
            "{line}: {error}"
        );
        assert!(!out.contains("wrote"), "{line}: {out}");
        let bytes = fs::read(folder.join("full")).unwrap();
        assert!(!bytes.is_empty());
        if let Some(plain) = plain {
            assert_eq!(String::from_utf8(bytes).unwrap(), bea(place.path(), plain).1, "{line}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

/// A process that was killed before it wrote anything leaves an empty folder: others take the next name, and leave it.
#[test]
fn empty_folders_of_killed_processes_disturb_nobody() {
    let place = place();
    for folder in ["results/flow", "results/iris"] {
        fs::create_dir_all(place.path().join(folder)).unwrap();
    }
    fs::write(place.path().join("results/iris/lock"), "").unwrap();
    for (line, folder) in [(FLOW, "results/flow-2"), ("run iris.toml", "results/iris-2")] {
        let (code, out, error) = bea(place.path(), line);
        assert!(code == 0 && wrote(&out) == folder, "{line}: {out}{error}");
    }
    assert!(names(&place.path().join("results/flow")).is_empty());
    // Whoever names the folder gets it.
    let (code, out, error) = bea(place.path(), "run iris.toml --resume");
    assert!(code == 0 && wrote(&out) == "results/iris", "{out}{error}");
    let (code, out, error) = bea(place.path(), "run iris.toml --out results/flow");
    assert!(code == 0 && wrote(&out) == "results/flow", "{out}{error}");
}

/// A run that was let through with `--force` goes on without it, alone and in a sweep; another one does not.
#[test]
fn what_was_let_through_goes_on() {
    let place = place();
    let long = "network = \"mlp:1\"\ndata = \"iris,first=4\"\n[train]\nmethod = \"gd\"\nlr = 0.01\nsteps = 1\n\
        [measure]\nmetrics = [\"loss\", \"error:order:9\"]\n";
    fs::write(place.path().join("long.toml"), long).unwrap();
    fs::write(place.path().join("grid.toml"), format!("{long}[grid]\nseed = [0, 1]\n")).unwrap();
    for command in ["run long.toml", "sweep grid.toml"] {
        let out = command.replace([' ', '.'], "_");
        let (code, _, error) = bea(place.path(), &format!("{command} --out {out} --resume"));
        assert!(code == 2 && error.contains("--force"), "nothing is there yet: {error}");
        let (code, _, error) = bea(place.path(), &format!("{command} --out {out} --force"));
        assert_eq!(code, 0, "{error}");
        let more = format!("{command} --out {out} --resume --set train.steps=2");
        let (code, _, error) = bea(place.path(), &more);
        assert_eq!(code, 0, "{error}");
        let (code, _, error) = bea(place.path(), &format!("{command} --out other --resume"));
        assert!(code == 2 && error.contains("more than 1,000"), "{error}");
    }
}

/// A run of 12 steps that goes on to 20 is one of 20 steps from the start, whatever trains and wherever the last
/// measurements of the shorter one were; and so is one that goes on twice.
#[test]
fn a_finished_run_goes_on() {
    let cases = [
        IRIS.to_string(),
        IRIS.replace("[measure]", "[measure]\nevery = 5"),
        IRIS.replace("\"gd\"", "\"adam\"").replace(", \"sc:1\"", "") + "[grid]\n",
        IRIS.replace("method = \"gd\"", "optimizer = \"nesterov\"\nset = { m = 0.9 }")
            .replace("steps = 20", "steps = 20\nbatch = 32\nlr_changes = [[11, 0.05], [15, 0.2]]"),
        IRIS.replace("method = \"gd\"\nlr = 0.1", "method = \"dal\"\nmomentum = 0.5")
            + "[flows]\nrtol = 1e-5\n",
        IRIS.replace("\"sc:1\"", "\"error:pf\", \"update_norm\"")
            + "[follow]\nfrom = [3, 11]\nsteps = 2\nflows = [\"ngf\"]\n",
    ];
    for text in cases {
        let place = place();
        fs::write(place.path().join("iris.toml"), &text).unwrap();
        for line in [
            "run iris.toml --out whole",
            "run iris.toml --out parts --set train.steps=12",
            "run iris.toml --out parts --resume --set train.steps=13",
            "run iris.toml --out parts --resume",
        ] {
            let (code, _, error) = bea(place.path(), line);
            assert_eq!(code, 0, "{text}{line}: {error}");
        }
        let read = |run: &str, name: &str| fs::read(place.path().join(run).join(name)).ok();
        for name in names(&place.path().join("whole")) {
            if name != "timing.json" {
                assert_eq!(read("whole", &name), read("parts", &name), "{text}{name}");
            }
        }
        assert!(
            read("parts", "weights.safetensors").is_some()
                && read("parts", "config.toml").is_some()
        );
        let (code, _, error) =
            bea(place.path(), "run iris.toml --out parts --resume --set train.steps=19");
        assert!(
            code == 2 && error.contains("one of 20 steps, which cannot be shortened to 19"),
            "{error}"
        );
        let (code, _, error) = bea(
            place.path(),
            "run iris.toml --out parts --resume --set train.steps=30 --set seed=5",
        );
        assert!(code == 2 && error.contains("`seed = 0` there, `seed = 5` here"), "{error}");
        assert_eq!(
            read("whole", "metrics.csv"),
            read("parts", "metrics.csv"),
            "nothing has changed"
        );
    }
}

/// So do the runs of a sweep.
#[test]
fn a_finished_sweep_goes_on() {
    let place = place();
    fs::write(place.path().join("iris.toml"), format!("{IRIS}[grid]\nseed = [0, 1, 2]\n")).unwrap();
    for line in [
        "sweep iris.toml --out whole",
        "sweep iris.toml --out parts --set train.steps=7",
        "sweep iris.toml --out parts --resume",
    ] {
        assert_eq!(bea(place.path(), line).0, 0, "{line}");
    }
    let table = |run: &str| fs::read_to_string(place.path().join(run).join("sweep.csv")).unwrap();
    assert_eq!(table("whole"), table("parts"));
}

/// What could not be written is found before minutes of work, and nothing is left.
#[test]
fn files_are_checked_before_the_work() {
    let place = place();
    fs::write(place.path().join("there.py"), "mine").unwrap();
    let before = names(place.path());
    let begun = Instant::now();
    for line in [
        "derive --order 14 --out none/field.json",
        "codegen --loss exp(a*b)+sin(b*c)+tanh(a*c*d) --flow order:12 --out none/flow.py",
        "codegen --loss exp(a*b)+sin(b*c)+tanh(a*c*d) --flow order:12 --out there.py",
        "flow --loss exp(a*b)+sin(b*c) --start 1,1,1 --lr 0.1 --flows order:12 --out iris.toml",
    ] {
        let (code, _, error) = bea(place.path(), line);
        let said =
            ["there is no folder none", "there.py exists already", "is a file, not a folder"];
        assert!(code == 2 && said.iter().any(|text| error.contains(text)), "{line}: {error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(names(place.path()), before);
}
