//! Every command takes a setting the same way, and says which settings are not used.

use assert_cmd::Command;
use bea::network::architecture::Dtype;
use bea::network::weights::{Tensor, save};
use std::path::Path;

const NET: &str = "loss = \"cross_entropy\"\nlabel_smoothing = 0.2\ndtype = \"f64\"\ninput = [4]\n\
    [[layer]]\ntype = \"linear\"\nout = 5\n[[layer]]\ntype = \"tanh\"\n[[layer]]\ntype = \"linear\"\nout = 3\n";

const RUN: &str = "network = \"net.toml\"\ndata = \"iris\"\n";
const TRAIN: &str = "[train]\nmethod = \"gd\"\nlr = 0.1\nsteps = 2\n";

fn bea(folder: &Path, arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bea"));
    let output = command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Messages without the breaks of lines.
fn unbroken(text: &str) -> String {
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}

/// The losses that a run has measured.
fn losses(folder: &Path, run: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(folder.join(run).join("metrics.csv")).unwrap();
    let cell = |line: &str| line.split(',').nth(1).unwrap().parse().unwrap();
    text.lines().skip(1).map(cell).collect()
}

fn resolved(folder: &Path, run: &str) -> String {
    std::fs::read_to_string(folder.join(run).join("config.toml")).unwrap()
}

#[test]
fn a_run_has_the_numbers_and_the_loss_of_the_network_file() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    write(at, "net.toml", NET);
    let run = |name: &str, keys: &str| {
        write(at, &format!("{name}.toml"), format!("{RUN}{keys}{TRAIN}"));
        let (code, _, error) = bea(at, &format!("run {name}.toml --out {name}"));
        assert_eq!(code, 0, "{error}");
        unbroken(&error)
    };
    assert_eq!(run("plain", ""), "");
    assert!(resolved(at, "plain").contains("dtype = \"f64\"\n"), "{}", resolved(at, "plain"));
    // 64-bit numbers: the losses are those that `bea evaluate` prints at both ends.
    let printed = |weights: &str| {
        let (_, out, _) = bea(at, &format!("evaluate --network net.toml --data iris {weights}"));
        out
    };
    let plain = losses(at, "plain");
    assert!(printed("").contains(&format!("{:.10}", plain[0])), "{plain:?} {}", printed(""));
    let end = printed("--weights plain/weights.safetensors");
    assert!(end.contains(&format!("{:.10}", plain[2])), "{plain:?} {end}");
    // What the description says takes the place of it, and that is said.
    let said = run("single", "dtype = \"f32\"\n");
    assert!(said.contains("note: `dtype` of") && said.contains("`dtype = \"f32\"`"), "{said}");
    assert!(resolved(at, "single").contains("dtype = \"f32\"\n"));
    assert!((losses(at, "single")[0] - plain[0]).abs() < 1e-5);
    // Cross entropy keeps the file's smoothing unless the description has its own.
    assert_eq!(run("named", "loss = \"cross_entropy\"\n"), "");
    assert_eq!(losses(at, "named"), plain);
    let said = run("unsmoothed", "label_smoothing = 0.0\n");
    assert!(said.contains("`label_smoothing` of"), "{said}");
    assert_ne!(losses(at, "unsmoothed")[0], plain[0]);
    let said = run("squares", "loss = \"mse\"\n");
    assert!(said.contains("`loss` of") && said.contains("`loss = \"mse\"`"), "{said}");
    // A smoothing of labels does not turn squares into cross entropy.
    write(
        at,
        "net.toml",
        NET.replace("cross_entropy", "mse").replace("label_smoothing = 0.2\n", ""),
    );
    write(at, "wrong.toml", format!("{RUN}label_smoothing = 0.1\n{TRAIN}"));
    let (code, _, error) = bea(at, "run wrong.toml --out wrong");
    assert_eq!(code, 2);
    assert!(unbroken(&error).contains("for the loss `cross_entropy` only"), "{error}");
    assert!(!at.join("wrong").exists());
}

#[test]
fn an_option_that_replaces_a_key_says_so() {
    let place = tempfile::tempdir().unwrap();
    write(place.path(), "net.toml", NET);
    let evaluate = "evaluate --network net.toml --data iris --dtype";
    let (_, _, error) = bea(place.path(), &format!("{evaluate} f32"));
    assert!(error.starts_with("note: `dtype` of net.toml is not used"), "{error}");
    assert_eq!(bea(place.path(), &format!("{evaluate} f64")).2, "");
    write(place.path(), "net.toml", NET.replace("dtype = \"f64\"\n", ""));
    assert_eq!(bea(place.path(), &format!("{evaluate} f64")).2, "");
}

fn data(folder: &Path, name: &str, first: f64) {
    let part = |name: &str, shape: &[usize], values: Vec<f64>| Tensor {
        name: name.into(),
        shape: shape.into(),
        values,
    };
    let inputs = vec![first, 2.0, -1.0, 0.5, 0.25, -0.75];
    let parts = [part("inputs", &[3, 2], inputs), part("targets", &[3, 1], vec![0.5, -0.5, 1.5])];
    std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    save(&folder.join(name), &parts, Dtype::F64).unwrap();
}

#[test]
fn paths_of_a_description_are_relative_to_it() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    let text = "network = \"net.toml\"\ndata = \"sets/d.safetensors,first=2\"\ntest = \"./t.safetensors\"\n\
        [train]\nmethod = \"gd\"\nlr = 0.1\nsteps = 1\n[measure]\nmetrics = [\"loss\", \"test_loss\"]\n";
    let net =
        "loss = \"mse\"\ndtype = \"f64\"\ninput = [2]\n[[layer]]\ntype = \"linear\"\nout = 1\n";
    write(at, "there/run.toml", text);
    write(at, "there/net.toml", net);
    data(at, "there/sets/d.safetensors", 1.0);
    data(at, "there/t.safetensors", 3.0);
    // Others of the same name in the working directory are not meant.
    data(at, "sets/d.safetensors", 7.0);
    data(at, "t.safetensors", 9.0);
    let (code, _, error) = bea(at, "run there/run.toml --out a");
    assert_eq!((code, error.as_str()), (0, ""));
    let (code, _, error) = bea(&at.join("there"), "run run.toml --out ../b");
    assert_eq!((code, error.as_str()), (0, ""));
    assert_eq!(losses(at, "a"), losses(at, "b"));
    assert_eq!(resolved(at, "a"), resolved(at, "b"));
    let (_, out, _) =
        bea(at, "evaluate --network there/net.toml --data there/sets/d.safetensors,first=2");
    assert!(out.contains(&format!("{:.10}", losses(at, "a")[0])), "{out}");
    // On the command line they are relative to the working directory.
    let (code, _, error) =
        bea(at, "run there/run.toml --out c --set data=sets/d.safetensors,first=2");
    assert_eq!(code, 0, "{error}");
    assert_ne!(losses(at, "c"), losses(at, "a"));
    let (code, _, error) = bea(
        at,
        "run there/run.toml --out d --set network=there/net.toml --set train.weights=a/weights.safetensors",
    );
    assert_eq!(code, 0, "{error}");
    assert_eq!(losses(at, "d")[0], losses(at, "a")[1]);
    // The description that a run leaves is one from anywhere.
    let (code, _, error) = bea(&at.join("there"), "run ../a/config.toml --out ../e");
    assert_eq!(code, 0, "{error}");
    assert_eq!(losses(at, "e"), losses(at, "a"));
    // What is not there is looked for beside the description.
    std::fs::remove_file(at.join("there/sets/d.safetensors")).unwrap();
    let (code, _, error) = bea(at, "run there/run.toml --out f");
    assert_eq!(code, 2);
    assert!(unbroken(&error).contains("there/sets/d.safetensors"), "{error}");
}

#[test]
fn two_names_of_one_file_are_one_run() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    data(at, "d.safetensors", 1.0);
    std::fs::create_dir(at.join("sub")).unwrap();
    let text = |name: &str| {
        format!(
            "network = \"mlp:2\"\ndata = \"{name},targets=values\"\n[train]\nmethod = \"gd\"\nlr = 0.1\nsteps = 2\n"
        )
    };
    write(at, "run.toml", text("d.safetensors"));
    assert_eq!(bea(at, "run run.toml --out a").0, 0);
    for name in
        ["./d.safetensors", "sub/../d.safetensors", at.join("d.safetensors").to_str().unwrap()]
    {
        write(at, "run.toml", text(name));
        let (code, _, error) = bea(at, "run run.toml --out a --resume");
        assert_eq!(code, 0, "{name}: {error}");
    }
    data(at, "d.safetensors", 2.0);
    let (code, _, error) = bea(at, "run run.toml --out a --resume");
    assert!(code == 2 && unbroken(&error).contains("has changed since"), "{error}");
}

#[test]
fn keys_that_change_nothing_are_named() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    write(at, "plain.toml", format!("network = \"mlp:3\"\ndata = \"iris\"\n{TRAIN}"));
    assert_eq!(bea(at, "run plain.toml --out plain").2, "");
    let mut count = 0;
    let mut said = |top: &str, train: &str, below: &str| {
        count += 1;
        let text = format!("network = \"mlp:3\"\ndata = \"iris\"\n{top}{TRAIN}{train}{below}");
        write(at, "run.toml", text);
        let (code, _, error) = bea(at, &format!("run run.toml --out r{count}"));
        assert_eq!(code, 0, "{error}");
        unbroken(&error)
    };
    let weights = "weights = \"plain/weights.safetensors\"\n";
    for (top, train, below, note) in [
        ("init = \"haiku\"\n", weights, "", "`init` is not used: parameters start as"),
        ("seed = 3\n", weights, "", "`seed` is not used: parameters start as"),
        ("test = \"iris\"\n", "", "", "`test` is not used: neither"),
        ("", "", "[flows]\nrtol = 1e-6\n", "`flows.rtol` is not used: no metric"),
        (
            "",
            "",
            "[flows]\ndirections = 3\n[measure]\nmetrics = [\"error:pf\"]\n",
            "`flows.directions` is not used: no metric and no `[follow]` has one of the flows `cubic`, `central` and `rod`",
        ),
        (
            "",
            "",
            "[flows]\nrtol = 1e-6\neuler = 0.01\n[measure]\nmetrics = [\"error:pf\"]\n",
            "`flows.rtol` is not used: `euler`",
        ),
        (
            "",
            "lr_changes = [[2, 0.5]]\n",
            "",
            "`lr_changes` is not used: the run ends after 2 steps",
        ),
        ("", "", "[grid]\nseed = [0, 1]\n", "`[grid]` is not used: this is one run"),
    ] {
        let error = said(top, train, below);
        assert!(error.starts_with(&format!("note: {note}")), "{top}{train}{below}: {error}");
        assert_eq!(error.matches("note:").count(), 1, "{error}");
    }
    for (top, train, below) in [
        ("seed = 3\ninit = \"haiku\"\n", "", ""),
        ("seed = 3\n", "weights = \"plain/weights.safetensors\"\nbatch = 10\n", ""),
        ("test = \"iris\"\n", "", "[measure]\nmetrics = [\"test_loss\"]\n"),
        ("", "", "[flows]\nrtol = 1e-6\n[measure]\nmetrics = [\"error:pf\"]\n"),
        ("", "", "[flows]\nrtol = 1e-6\n[follow]\nsteps = 1\nflows = [\"ngf\"]\n"),
        ("", "lr_changes = [[1, 0.5]]\n", ""),
    ] {
        assert_eq!(said(top, train, below), "", "{top}{train}{below}");
    }
    // A sweep says each of them once.
    let text = format!(
        "network = \"mlp:3\"\ndata = \"iris\"\ntest = \"iris\"\n{TRAIN}[grid]\nseed = [0, 1, 2]\n"
    );
    write(at, "run.toml", text);
    let (code, _, error) = bea(at, "sweep run.toml --out sweep --jobs 2");
    assert_eq!((code, error.matches("note:").count()), (0, 1), "{error}");
}

/// A named network takes its form from the data, which must not be guessed; other networks have their own.
#[test]
fn networks_do_not_guess_the_form_of_data() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    let inputs: Vec<f64> = (0..2 * 8 * 9 * 3).map(|i| (i as f64 * 0.37).sin()).collect();
    let images = [
        Tensor { name: "inputs".into(), shape: vec![2, 8, 9, 3], values: inputs },
        Tensor {
            name: "targets".into(),
            shape: vec![2, 3],
            values: vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        },
    ];
    save(&at.join("d.safetensors"), &images, Dtype::F64).unwrap();
    let evaluate = |network: &str, data: &str| {
        let (code, out, error) =
            bea(at, &format!("evaluate --network {network} --data {data} --dtype f64"));
        (code, out + &unbroken(&error))
    };
    for network in ["resnet_slim", "vgg_slim"] {
        let (code, said) = evaluate(network, "d.safetensors");
        assert_eq!(code, 2);
        assert!(said.contains("channels last") && said.contains("layout=nhwc"), "{said}");
        let (code, said) = evaluate(network, "d.safetensors,layout=nhwc");
        assert!(code == 0 && !said.contains("note"), "{said}");
    }
    // Eight channels, if one says so.
    assert_eq!(evaluate("resnet_slim", "d.safetensors,layout=nchw").0, 0);
    // A list of numbers has no channels.
    assert_eq!(evaluate("mlp:3", "d.safetensors").0, 0);
    // A network of a description takes its input from the data as well.
    let layers = "data = \"d.safetensors\"\n[network]\nlayer = [{ type = \"conv2d\", out = 2, kernel = 3 }, \
        { type = \"global_avg_pool\" }, { type = \"linear\", out = 3 }]\n";
    write(at, "run.toml", format!("{layers}{TRAIN}"));
    let (code, _, error) = bea(at, "run run.toml --out r");
    assert!(code == 2 && unbroken(&error).contains("layout=nhwc"), "{error}");
    // Labels from 1 make a class too many for a network with an output for each.
    write(at, "t.csv", "a,b,t\n0.5,1.5,1\n1.5,0.25,2\n2.5,3.5,3\n");
    let (code, said) = evaluate("mlp:3", "t.csv");
    assert!(code == 2 && said.contains("labels=1"), "{said}");
    assert_eq!(evaluate("mlp:3", "t.csv,labels=1").0, 0);
    let net = NET.replace("input = [4]", "input = [2]");
    write(at, "net.toml", &net);
    let (code, said) = evaluate("net.toml", "t.csv");
    assert!(code == 2 && said.contains("4 classes") && said.contains("labels=1"), "{said}");
    assert_eq!(evaluate("net.toml", "t.csv,labels=1").0, 0);
    let (code, out, error) = bea(at, "data t.csv");
    assert!(code == 0 && out.contains("classes   4") && error.contains("labels=1"), "{out}{error}");
}
