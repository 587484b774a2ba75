//! Flows through the edge of stability from the command line, in runs, and on networks.

use assert_cmd::Command;
use bea::experiment::{Experiment, Run, Scale};
use bea::source::Source;
use std::path::Path;

fn bea(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder).args(arguments);
    let output = command.assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

/// What the command says as it refuses this, and leaves nothing in the folder `kept`.
fn refused(folder: &Path, arguments: &[&str], kept: &str) -> String {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder).args(arguments);
    let error = command.assert().code(2).get_output().stderr.clone();
    assert!(!folder.join(kept).exists());
    String::from_utf8(error).unwrap()
}

/// The numbers of a column, in the rows of one flow.
fn column(table: &str, name: &str, key: &str, value: &str) -> Vec<f64> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let names = reader.headers().unwrap().clone();
    let place = |name: &str| names.iter().position(|known| known == name).unwrap();
    let (key, name) = (place(key), place(name));
    let rows = reader.records().map(Result::unwrap).filter(|row| &row[key] == value);
    rows.map(|row| row[name].parse().unwrap_or(f64::NAN)).collect()
}

#[test]
fn the_command_leaves_oscillations() {
    let folder = tempfile::tempdir().unwrap();
    let loss = "(3 + y)*x^2/2 - y/100";
    let text = bea(
        folder.path(),
        &[
            "flow",
            "--loss",
            loss,
            "--start",
            "x=0.3,y=0",
            "--lr",
            "1/2",
            "--steps",
            "300",
            "--flows",
            "central,rod,ngf",
            "--plot",
            "--out",
            "run",
        ],
    );
    assert!(text.contains("oscillation at the edge of stability"), "{text}");
    assert!(text.contains("gd: measured: averages over 20 steps before and after"), "{text}");
    let run = folder.path().join("run");
    let table = std::fs::read_to_string(run.join("oscillations.csv")).unwrap();
    let last = |name: &str, flow: &str| *column(&table, name, "flow", flow).last().unwrap();
    assert!((last("trace", "central") - 0.02).abs() < 1e-8);
    assert!((last("sharpness", "central") - last("edge", "central")).abs() < 1e-8);
    assert_eq!(column(&table, "trace", "flow", "gd").len(), 301);
    // The path of the iterates is not known at their ends.
    let measured = column(&table, "sharpness", "flow", "gd");
    assert!(measured[0].is_nan() && measured[300].is_nan());
    assert!(measured[1..300].iter().all(|sharpness| sharpness.is_finite()));
    assert_eq!(column(&table, "trace", "flow", "ngf").len(), 0);
    let json = std::fs::read_to_string(run.join("trajectories.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let found = &json["flows"]["central"]["oscillations"];
    assert_eq!(found["trace"].as_array().unwrap().len(), 301);
    assert_eq!(json["flows"]["rod"]["beginning"], "midpoint of the first step");
    assert!(json["flows"]["ngf"]["oscillations"].is_null());
    let picture = std::fs::read_to_string(run.join("trajectories.svg")).unwrap();
    assert!(picture.contains("sharpness") && picture.contains("tr Σ"));
}

/// One step has no averaged iterate: no distance to it, and no `Σ` is measured.
#[test]
fn one_step_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let line = "flow --loss (3+y)*x^2/2-y/100 --start x=0.3,y=0 --lr 1/2 --steps 1 --flows central --out run";
    let text = bea(folder.path(), &line.split(' ').collect::<Vec<_>>());
    assert!(!text.contains("ended"), "{text}");
    let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
    let of = |name: &str, flow: &str| column(&table, name, "flow", flow);
    assert!(of("sharpness", "gd").iter().all(|x| x.is_nan()), "{table}");
    for flow in ["gd", "central"] {
        assert_eq!(of("sharpness", flow).len(), 2, "{table}");
        assert!(of("distance", flow).iter().all(|x| x.is_nan()), "{table}");
    }
    assert_eq!(of("trace", "central"), [0.0, 0.0]);
    assert!(of("trace", "gd").iter().all(|x| x.is_nan()), "{table}");
}

#[test]
fn panels_of_oscillations_need_one() {
    let folder = tempfile::tempdir().unwrap();
    let line = "flow --loss x^2 --start 1 --lr 0.1 --flows ngf --plot --panel sharpness --out run";
    let error = refused(folder.path(), &line.split(' ').collect::<Vec<_>>(), "run");
    assert!(error.contains("add central or rod to --flows"), "{error}");
}

/// A step from the iterate, whatever follows it: `error:central` is that of a flow of one step from there. Before the edge the
/// central flow is that of the negative gradient.
#[test]
fn errors_of_a_step_of_runs() {
    let folder = tempfile::tempdir().unwrap();
    let text = RUN.split("[follow]").next().unwrap();
    let metrics = |names: &str| text.replace("\"lambda:1\", \"self_stabilization\"", names);
    let write = |text: String| std::fs::write(folder.path().join("run.toml"), text).unwrap();
    write(metrics("\"error:central\", \"error:ngf\"").replace("lr = 1.0", "lr = 0.05"));
    bea(folder.path(), &["run", "run.toml", "--out", "out"]);
    let table = std::fs::read_to_string(folder.path().join("out/metrics.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let names = rows.headers().unwrap().clone();
    let place = |name: &str| names.iter().position(|known| known == name).unwrap();
    let pair = ["error_central", "error_ngf"].map(place);
    let mut compared = 0;
    for row in rows.records().map(Result::unwrap) {
        let [central, ngf] = pair.map(|at| row[at].parse::<f64>().unwrap_or(f64::NAN));
        if ngf.is_finite() {
            assert!(ngf > 0.0 && (central / ngf - 1.0).abs() < 1e-4, "{table}");
            compared += 1;
        }
    }
    assert!(compared > 10, "{table}");
    write(metrics("\"error:rod\""));
    let error = refused(folder.path(), &["run", "run.toml", "--out", "refused"], "refused");
    assert!(error.contains("it is one of midpoints, which no iterate is"), "{error}");
}

/// Figure 10's network: once the oscillation has set in, the averaged loss is within 3 % of what the central flow predicts, and the
/// sharpness of its path within 0.4 % of 2/h.
#[test]
fn a_network_stays_at_the_edge() {
    let folder = tempfile::tempdir().unwrap();
    let line = "flow --network mlp:10,10,10,10,10,elu --data iris,scale=standard --dtype f64 --lr 0.2 \
                --steps 400 --flows central --out run";
    bea(folder.path(), &line.split_whitespace().collect::<Vec<_>>());
    let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
    let of = |name: &str, flow: &str| column(&table, name, "flow", flow);
    let (sharpness, edge) = (of("sharpness", "central"), of("edge", "central"));
    let onset = of("trace", "central").iter().position(|trace| *trace > 0.0).unwrap();
    assert!(onset < 200, "{onset}");
    for n in onset + 1..=400 {
        assert!((sharpness[n] / edge[n] - 1.0).abs() < 0.004, "{n}: {}", sharpness[n]);
    }
    assert!(of("residual", "central").iter().all(|residual| *residual < 1e-8));
    let mean = |values: &[f64]| values[240..=380].iter().sum::<f64>() / 141.0;
    for (name, tolerance) in [("loss", 0.03), ("gradient_norm", 0.1), ("trace", 0.15)] {
        let (own, flow) = (of(name, "gd"), of(name, "central"));
        assert!((mean(&own) / mean(&flow) - 1.0).abs() < tolerance, "{name}");
        if name == "loss" {
            for n in 240..=380 {
                assert!((own[n] / flow[n] - 1.0).abs() < tolerance, "{n}: {} {}", own[n], flow[n]);
            }
        }
    }
}

/// The same of optimizers that divide their steps, with one `ν` and with one for each parameter: the averaged loss is within 5 % of the central flow's
/// prediction at every step, and the sharpness of `P⁻¹H` within 1 % of the edge on the average, on both paths.
#[test]
fn adaptive_optimizers_of_a_network_stay_at_the_edge() {
    let folder = tempfile::tempdir().unwrap();
    let joint = "optimizer joint(alpha) { state v; v' = alpha*v + (1-alpha)*dot(g, g)
                 theta' = theta - h*g/sqrt(v') }";
    std::fs::write(folder.path().join("joint.bea"), joint).unwrap();
    let network = "flow --network mlp:10,10,10,10,10,elu --data iris,scale=standard --dtype f64 \
                   --steps 800 --flows central --force --out run";
    for (name, optimizer, values, lr) in [
        ("joint", "joint.bea", &["alpha=0.99"][..], "0.05"),
        ("rmsprop", "rmsprop", &["alpha=0.9", "eps=1e-8"], "0.001"),
        ("adam", "adam", &["beta1=0.5", "beta2=0.99", "eps=0.001"], "0.002"),
    ] {
        let mut line: Vec<&str> = network.split_whitespace().collect();
        line.extend(["--optimizer", optimizer, "--lr", lr]);
        values.iter().for_each(|value| line.extend(["--set", value]));
        bea(folder.path(), &line);
        let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
        let of = |column_name: &str, flow: &str| column(&table, column_name, "flow", flow);
        let (own, flow) = (of("loss", name), of("loss", "central"));
        for n in 400..=780 {
            assert!((own[n] / flow[n] - 1.0).abs() < 0.05, "{name} {n}: {} {}", own[n], flow[n]);
        }
        for path in [name, "central"] {
            let (sharpness, edge) = (of("sharpness", path), of("edge", path));
            let mean = (400..=780).map(|n| sharpness[n] / edge[n]).sum::<f64>() / 381.0;
            assert!((mean - 1.0).abs() < 0.01, "{name} {path}: {mean}");
        }
    }
}

/// What is printed on the standard error.
fn said(folder: &Path, line: &str) -> String {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder).args(line.split(' '));
    String::from_utf8(command.assert().success().get_output().stderr.clone()).unwrap()
}

#[test]
fn kinks_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let note = "between the kinks of activations";
    let flow = |activation: &str, flows: &str| {
        let out = format!("{activation}-{flows}");
        let line = format!(
            "flow --network mlp:4,{activation} --data iris --steps 2 --lr 0.1 --flows {flows} --out {out}"
        );
        said(folder.path(), &line).contains(note)
    };
    assert!(flow("relu", "central"));
    assert!(!flow("relu", "ngf") && !flow("tanh", "central"));
    for activation in ["relu", "tanh"] {
        let text = RUN.replace("tanh", activation);
        std::fs::write(folder.path().join("run.toml"), text).unwrap();
        let text = said(folder.path(), &format!("run run.toml --out run-{activation}"));
        assert_eq!(text.matches(note).count(), usize::from(activation == "relu"), "{text}");
        // Metrics take third derivatives, too.
        let measured = |metrics: &str| {
            let line = format!(
                "run run.toml --set train.steps=1 --set follow.from=[0] --set follow.flows=ngf --set measure.metrics={metrics} \
                 --force --out measured"
            );
            said(folder.path(), &line)
        };
        let text = measured("error:central,self_stabilization,third");
        assert_eq!(text.contains(note), activation == "relu", "{text}");
        let names = "`error:central`, `self_stabilization`, `third` take third derivatives";
        assert_eq!(text.contains(names), activation == "relu", "{text}");
        assert!(!measured("error:ngf").contains(note));
    }
    let formula = |loss: &str, flows: &str| {
        let line = format!(
            "flow --loss {loss} --start 0.5 --lr 0.1 --steps 1 --flows {flows} --force --out f"
        );
        said(folder.path(), &line)
    };
    for loss in ["max(x,0)^3", "abs(x)/10+x^2", "min(x,2)^2"] {
        let text = formula(loss, "central");
        assert!(text.contains("between its kinks"), "{loss}: {text}");
        assert_eq!(formula(loss, "ngf"), "", "{loss}");
    }
    assert_eq!(formula("x^2+sin(x)", "central"), "");
}

/// Every metric of held preconditioners is looked at, whichever stands first.
#[test]
fn preconditioned_sharpness_of_gradient_descent_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("run.toml"), RUN).unwrap();
    for metrics in ["preconditioned:2", "loss,preconditioned:2", "threshold,preconditioned:2"] {
        let set = format!("measure.metrics={metrics}");
        let line = ["run", "run.toml", "--out", "out", "--set", &set];
        let error = refused(folder.path(), &line, "out");
        assert!(error.contains("there is no `preconditioned:2` here"), "{metrics}: {error}");
    }
}

/// The Hessian of a linear network with squared errors is the same for every output and at every point.
#[test]
fn sharpness_without_a_gradient_has_no_self_stabilization() {
    let folder = tempfile::tempdir().unwrap();
    let own = "a,b,y\n1.0,0.5,0.25\n-0.5,2.0,1.5\n0.25,-1.0,-0.75\n";
    std::fs::write(folder.path().join("own.csv"), own).unwrap();
    for (outputs, data, note) in [
        (3, "iris,scale=standard", "the sharpness has no gradient"),
        (1, "own.csv", "the gradient of the sharpness is 0 up to rounding"),
    ] {
        let text = format!(
            "data = '{data}'\nloss = 'mean_squared_error'\ndtype = 'f64'\n\
             network.layer = [{{ type = 'linear', out = {outputs} }}]\n\
             train = {{ method = 'gd', lr = 0.01, steps = 3 }}\n\
             measure.metrics = ['lambda:1', 'self_stabilization']\n"
        );
        std::fs::write(folder.path().join("run.toml"), text).unwrap();
        let text = said(folder.path(), "run run.toml --force --out out");
        assert_eq!(text.matches(note).count(), 1, "{text}");
        let table = std::fs::read_to_string(folder.path().join("out/metrics.csv")).unwrap();
        let mut rows = csv::Reader::from_reader(table.as_bytes());
        let names = rows.headers().unwrap().clone();
        let at = names.iter().position(|name| name == "self_stabilization_variance").unwrap();
        assert!(rows.records().all(|row| row.unwrap()[at].is_empty()), "{table}");
    }
}

/// What metrics are of optimizers that do not multiply the gradient by their `h`.
#[test]
fn metrics_of_other_optimizers_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = RUN.split("[follow]").next().unwrap();
    let note = |train: &str, metrics: &str| {
        let text = text.replace("method = \"gd\"\nlr = 1.0\nsteps = 12\n", train);
        std::fs::write(folder.path().join("run.toml"), text).unwrap();
        let line = format!("run run.toml --set measure.metrics={metrics} --force --out out");
        said(folder.path(), &line)
    };
    let quadratic =
        "optimizer = 'dal_quadratic'\nlr = 1.0\nsteps = 2\nset = { p = 1.0, c = 2.0, cap = 5.0 }\n";
    let dal = "method = 'dal'\nsteps = 2\n";
    let adam = "method = 'adam'\nlr = 0.001\nsteps = 2\n";
    let gd = "method = 'gd'\nlr = 0.1\nsteps = 2\n";
    let text = note(quadratic, "learning_rate,loss");
    assert!(
        text.contains("`learning_rate` takes the learning rate h of `dal_quadratic`"),
        "{text}"
    );
    for train in [dal, adam, gd] {
        assert_eq!(note(train, "learning_rate,loss"), "", "{train}");
    }
    for (train, is_said) in [(dal, false), (gd, false), (adam, true)] {
        let text = note(train, "self_stabilization");
        assert_eq!(
            text.contains("`self_stabilization` is of gradient descent"),
            is_said,
            "{train}: {text}"
        );
    }
}

/// Where the rod leaves the edge for good, its oscillation has not grown; where it has, nothing is said.
#[test]
fn a_rod_that_oscillates_is_not_said_to_drift() {
    let folder = tempfile::tempdir().unwrap();
    let line = "flow --loss 3*x^2/2-x^4/4+3.2*w^2/2-w^4/4 --start x=0.3,w=-0.2 --lr 0.8 --steps 80 --flows rod --out run";
    let text = bea(folder.path(), &line.split(' ').collect::<Vec<_>>());
    assert!(!text.contains("no oscillation grows"), "{text}");
    let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
    // S/Q - 2/(hQ) along both.
    let trace = *column(&table, "trace", "flow", "rod").last().unwrap();
    assert!((trace - 1.2).abs() < 1e-3, "{trace}");
}

/// Steps as long as the optimizer's would not follow the rod's `Σ`.
#[test]
fn long_steps_of_the_rod_are_shortened() {
    let folder = tempfile::tempdir().unwrap();
    let sharpness = |euler: &str| {
        let line = format!(
            "flow --loss (3/2+y)*x^2/2-y/50 --start x=0.3,y=0 --lr 1 --steps 50 --flows rod {euler} --force --out run"
        );
        let text = bea(folder.path(), &line.split_whitespace().collect::<Vec<_>>());
        let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
        let is_said = text.contains("a quarter of the optimizer's");
        (*column(&table, "sharpness", "flow", "rod").last().unwrap(), is_said)
    };
    let (usual, is_said) = sharpness("");
    assert!(!is_said && !sharpness("--euler 0.25").1);
    for euler in ["--euler 1", "--euler 10"] {
        let (long, is_said) = sharpness(euler);
        assert!(is_said && (long / usual - 1.0).abs() < 0.001, "{euler}: {long} {usual}");
    }
}

/// A flow that does not hold the edge says so, and one that does is silent.
#[test]
fn a_central_flow_beyond_the_edge_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = |lr: &str| {
        let line = format!(
            "flow --network mlp:4,tanh --data iris --dtype f64 --lr {lr} --steps 12 --flows central --force --out run"
        );
        bea(folder.path(), &line.split(' ').collect::<Vec<_>>())
    };
    let note = "on its sharpness is above the edge";
    let far = text("12");
    assert!(far.contains(note), "{far}");
    let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
    let [sharpness, edge] =
        ["sharpness", "edge"].map(|name| column(&table, name, "flow", "central"));
    let beyond = sharpness.iter().zip(&edge).filter(|(s, edge)| *s / *edge > 1.05).count();
    assert!(far.contains(&format!("more than 5 % at {beyond} steps")), "{beyond}: {far}");
    assert!(!text("0.1").contains(note));
}

/// Beyond a pole there is no loss, and no flow.
#[test]
fn flows_that_leap_over_a_pole_end() {
    let folder = tempfile::tempdir().unwrap();
    let line =
        "flow --loss log(x)+x^2 --start 0.01 --lr 0.5 --steps 4 --flows central,rod --out run";
    let text = bea(folder.path(), &line.split(' ').collect::<Vec<_>>());
    for flow in ["central", "rod"] {
        assert!(text.contains(&format!("{flow} ended: step ")), "{flow}: {text}");
    }
    assert_eq!(text.matches("averaged over the oscillation, is not finite").count(), 2, "{text}");
}

#[test]
fn averages_that_are_none_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let line = |alpha: &str, eps: &str| {
        format!(
            "flow --loss x^4+x^2 --start 0 --optimizer rmsprop --set alpha={alpha} --set eps={eps} --lr 0.1 --steps 3 \
             --flows central --out run"
        )
    };
    let arguments = line("0", "1/100");
    let error = refused(folder.path(), &arguments.split(' ').collect::<Vec<_>>(), "run");
    assert!(error.contains("0 < β₂ < 1") && error.contains("`rmsprop` with its values"), "{error}");
    let text = line("9/10", "0");
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder.path());
    let output = command.args(text.split(' ')).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(text.contains("0/0") && !text.contains("Krylov"), "{text}");
}

/// A size that the description does not have is not taken in silence.
#[test]
fn sizes_that_are_missing_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = RUN.split("[follow]").next().unwrap();
    let note = "has no [medium]";
    for (more, is_said) in [("", true), ("[medium]\ntrain.steps = 1\n", false)] {
        std::fs::write(folder.path().join("run.toml"), format!("{text}{more}")).unwrap();
        let text = said(
            folder.path(),
            "run run.toml --scale medium --set train.steps=1 --force --out out",
        );
        assert_eq!(text.contains(note), is_said, "{text}");
        assert!(!said(folder.path(), "run run.toml --force --out out").contains(note));
    }
    for (figure, is_said) in [("fig33", true), ("fig20", false)] {
        let line = format!(
            "reproduce {figure} --scale medium --set data=none.csv --set test=none.csv --out out"
        );
        let mut command = Command::cargo_bin("bea").unwrap();
        command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder.path());
        let output = command.args(line.split(' ')).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.contains(&format!("{figure} has no medium size")), is_said, "{text}");
    }
}

/// One `--set` for the data would leave the data to test with of another kind.
#[test]
fn figures_with_test_data_of_another_kind_are_refused_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder.path());
    let line = "reproduce fig20 --set data=cifar10:there,first=20 --out out";
    let text = command.args(line.split(' ')).assert().code(2).get_output().stderr.clone();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.matches("`test` is of fashion_mnist").count(), 1, "{text}");
    assert!(text.contains("--set test=cifar10:FOLDER,split=test"), "{text}");
}

/// The loss of a linear network is quadratic, so nothing keeps the curvature at the edge.
#[test]
fn followed_flows_that_end_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = "data = 'iris,scale=standard'\nloss = 'mean_squared_error'\ndtype = 'f64'\n\
                network.layer = [{ type = 'linear', out = 3 }]\n\
                train = { method = 'gd', lr = 5.0, steps = 4 }\n\
                follow = { from = [0, 2], steps = 3, flows = ['central'] }\n";
    std::fs::write(folder.path().join("run.toml"), text).unwrap();
    let text = said(folder.path(), "run run.toml --out out");
    for from in [0, 2] {
        let note = format!("note: from iterate {from}: central: ended: step 0.000: no oscillation");
        assert_eq!(text.matches(&note).count(), 1, "{text}");
    }
    let table = std::fs::read_to_string(folder.path().join("out/follow.csv")).unwrap();
    // The optimizer's rows, and the start of each flow.
    assert_eq!(column(&table, "step", "flow", "0").len(), 8);
    assert_eq!(column(&table, "step", "flow", "1"), [0.0, 0.0]);
}

const RUN: &str = r#"
network = "mlp:4,tanh"
data = "iris,scale=standard"
dtype = "f64"
[train]
method = "gd"
lr = 1.0
steps = 12
[measure]
metrics = ["loss", "lambda:1", "self_stabilization"]
[follow]
from = [2, 6]
steps = 8
flows = ["central", "rod"]
"#;

fn started() -> Run {
    let source = Source::new("run.toml", RUN);
    let experiment = Experiment::parse(source, Scale::Small, &[]).unwrap();
    Run::new(experiment.runs().unwrap().remove(0)).unwrap()
}

fn finished(mut run: Run) -> Run {
    while run.end().is_none() {
        run.advance(&|| false).unwrap();
    }
    run
}

#[test]
fn runs_with_them_go_on_bit_for_bit() {
    let whole = finished(started());
    let follow = whole.follow().unwrap();
    for name in ["edge", "sharpness", "trace", "mean_loss", "mean_gradient_norm", "mean_distance"] {
        assert!(follow.columns.iter().any(|column| column == name), "{:?}", follow.columns);
    }
    // Two starts, three trajectories of nine points.
    assert_eq!(follow.rows.len(), 54);
    let variance = whole.metrics().column("self_stabilization_variance").unwrap();
    let [rate, slope] = ["sharpening", "slope"]
        .map(|name| whole.metrics().column(&format!("self_stabilization_{name}")).unwrap());
    for i in 0..variance.len() {
        assert_eq!(variance[i], 2.0 * rate[i] / slope[i]);
        assert!(slope[i] > 0.0);
    }
    for stop in [0, 3, 7] {
        let mut first = started();
        (0..stop).for_each(|_| first.advance(&|| false).unwrap());
        let (metrics, follow) = (first.metrics().clone(), first.follow().cloned());
        let second = started().resume(first.checkpoint(), metrics, follow).unwrap();
        let second = finished(second);
        assert_eq!(second.metrics().csv(), whole.metrics().csv());
        assert_eq!(second.follow().unwrap().csv(), whole.follow().unwrap().csv(), "{stop}");
    }
}
