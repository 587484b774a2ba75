//! `bea run`, `bea sweep` and `bea reproduce` of networks, from the command line.

mod needs;

use assert_cmd::Command;
use bea::experiment::Scale;
use bea::reproduction::NETWORK_FIGURES;
use std::path::Path;

const IRIS: &str = "network = \"mlp:5,elu\"\ndata = \"iris\"\n[train]\nmethod = \"gd\"\nlr = 0.1\nsteps = 4\n\
    [measure]\nmetrics = [\"loss\", \"lambda\"]\n[grid]\nseed = [0, 1]\n";

fn bea(folder: &Path, arguments: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bea"));
    let output = command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_run_leaves_its_folder_and_is_not_overwritten() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("iris.toml"), IRIS).unwrap();
    let (code, out, _) = bea(place.path(), "run iris.toml --out a");
    assert_eq!(code, 0);
    assert!(out.starts_with("iris finished after 4 steps"), "{out}");
    let pictures = ["metrics.svg", "metrics.png", "metrics.pdf"];
    for file in ["config.toml", "metrics.csv", "metrics.parquet"].into_iter().chain(pictures) {
        assert!(place.path().join("a").join(file).is_file(), "{file}");
    }
    for file in ["report.html", "checkpoint.safetensors", "weights.safetensors"] {
        assert!(place.path().join("a").join(file).is_file(), "{file}");
    }
    let (code, _, error) = bea(place.path(), "run iris.toml --out a");
    assert!(code == 2 && error.contains("holds a run already"), "{error}");
    let before = std::fs::read(place.path().join("a/metrics.csv")).unwrap();
    let (code, _, _) = bea(place.path(), "run iris.toml --out a --resume");
    assert_eq!(code, 0);
    assert_eq!(std::fs::read(place.path().join("a/metrics.csv")).unwrap(), before);
    let (code, _, error) = bea(place.path(), "run iris.toml --out a --resume --set train.lr=0.2");
    assert!(code == 2 && error.contains("of another run"), "{error}");
    // A part of a run is none that could go on, and none that --resume may begin anew.
    std::fs::create_dir(place.path().join("part")).unwrap();
    std::fs::copy(place.path().join("a/metrics.csv"), place.path().join("part/metrics.csv"))
        .unwrap();
    let (code, _, error) = bea(place.path(), "run iris.toml --out part --resume");
    assert!(code == 2 && error.contains("there is no config.toml"), "{error}");
    assert!(
        error.contains("--force begins it again") && !error.contains("--resume goes"),
        "{error}"
    );
    // The resolved description is an experiment itself.
    let (code, _, _) = bea(place.path(), "run a/config.toml --out b");
    assert_eq!(code, 0);
    assert_eq!(std::fs::read(place.path().join("b/metrics.csv")).unwrap(), before);
}

/// A gradient a step and one at the end; going on from there, the end is measured again.
#[test]
fn evaluations_are_counted_by_kind() {
    let place = tempfile::tempdir().unwrap();
    let text = IRIS.replace("\"lambda\"", "\"hg\"");
    std::fs::write(place.path().join("iris.toml"), text).unwrap();
    let counts = |kind: &str| {
        let text = std::fs::read_to_string(place.path().join("a/timing.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["counts"][kind].as_u64().unwrap()
    };
    let (code, out, _) = bea(place.path(), "run iris.toml --out a --counts");
    let said = "\nevaluations: 5 gradients, 5 Hessian-vector products\n";
    assert!(code == 0 && out.ends_with(said), "{out}");
    assert_eq!((counts("gradients"), counts("hessian_vectors"), counts("values")), (5, 5, 0));
    let (code, out, _) = bea(place.path(), "run iris.toml --out a --resume");
    assert!(code == 0 && !out.contains("evaluations"), "{out}");
    assert_eq!((counts("gradients"), counts("hessian_vectors")), (6, 6));
}

#[test]
fn bad_input_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("iris.toml"), IRIS).unwrap();
    let grid = IRIS.replace("lr = 0.1\n", "").replace("seed = [0, 1]", "train.lr = [0.1, 0.2]");
    std::fs::write(place.path().join("grid.toml"), grid).unwrap();
    for (arguments, message) in [
        ("run none.toml --out a", "cannot read the experiment"),
        ("run iris.toml --out a --set train.steps=-1", "`steps` must be an integer"),
        ("run iris.toml --out a --set train.stepss=3", "did you mean `steps`"),
        ("run iris.toml --out a --set data=irs", "there is no data"),
        ("sweep iris.toml --out a --set device=cuda:9", "no device"),
        ("sweep iris.toml --out a --jobs 0", "a whole number from 1 on"),
        ("run iris.toml --set name=a/b", "must be the name of a folder"),
        ("run grid.toml --out a", "`bea sweep` conducts the 2 of its grid"),
        ("reproduce fig99 --out a", "there is no figure `fig99`"),
    ] {
        let (code, _, error) = bea(place.path(), arguments);
        assert!(code == 2 && error.contains(message), "{arguments}: {error}");
        assert!(!place.path().join("a").exists(), "{arguments}");
    }
}

/// What variants set is not missing: the runs are those of `bea sweep`.
#[test]
fn a_run_of_variants_points_to_the_sweep() {
    let place = tempfile::tempdir().unwrap();
    let base = IRIS.replace("lr = 0.1\n", "").replace("[grid]\nseed = [0, 1]\n", "");
    let variant = |lr: &str| format!("[[variant]]\nlabel = \"{lr}\"\ntrain.lr = {lr}\n");
    let run = |text: String, arguments: &str| {
        std::fs::write(place.path().join("v.toml"), text).unwrap();
        bea(place.path(), &format!("run v.toml --out a {arguments}"))
    };
    for (variants, count) in [(variant("0.1"), 1), (variant("0.1") + &variant("0.2"), 2)] {
        let (code, _, error) = run(base.clone() + &variants, "");
        let message = unbroken(&error);
        assert_eq!(code, 2);
        assert!(message.contains(&format!("`bea sweep` conducts the {count} of its")), "{error}");
        assert!(message.contains("[train] needs the key `lr`"), "{error}");
        assert!(!message.contains("for example"), "{error}");
    }
    // A fault of a variant comes first; without variants the key is missing.
    let (_, _, error) = run(base.clone() + &variant("0.1") + &variant("-1"), "");
    assert!(unbroken(&error).contains("`lr` must be positive"), "{error}");
    let (_, _, error) = run(base.clone(), "");
    assert!(error.contains("for example `lr = 0.1`") && !error.contains("sweep"), "{error}");
    let (code, _, error) = run(base + &variant("0.1"), "--set train.lr=0.2");
    assert_eq!(code, 0, "{error}");
}

#[test]
fn a_sweep_tabulates_its_runs() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("iris.toml"), IRIS).unwrap();
    let (code, out, _) = bea(place.path(), "sweep iris.toml --out s");
    assert_eq!(code, 0);
    assert!(out.contains("seed=0") && out.contains("seed=1"), "{out}");
    let table = std::fs::read_to_string(place.path().join("s/sweep.csv")).unwrap();
    assert_eq!(table.lines().count(), 3);
    assert!(place.path().join("s/report.html").is_file());
}

/// Labels with commas, quotes and line breaks are read back from the table as they are.
#[test]
fn labels_of_variants_survive_the_table_of_a_sweep() {
    let labels = ["a \"quoted\" one", "one, with commas, three", "two\nlines", "\"", "λ = 2/h"];
    let variants: String = labels
        .iter()
        .zip(1..)
        .map(|(label, seed)| format!("[[variant]]\nlabel = {label:?}\nseed = {seed}\n"))
        .collect();
    let place = tempfile::tempdir().unwrap();
    let description = IRIS.replace("[grid]\nseed = [0, 1]\n", &variants);
    std::fs::write(place.path().join("odd.toml"), description).unwrap();
    let (code, _, error) = bea(place.path(), "sweep odd.toml --out s");
    assert_eq!(code, 0, "{error}");
    let mut table = csv::Reader::from_path(place.path().join("s/sweep.csv")).unwrap();
    let names: Vec<String> = table.headers().unwrap().iter().map(String::from).collect();
    assert_eq!(names, ["run", "steps", "end", "loss", "lambda_0"]);
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|row| &row[0]).collect::<Vec<_>>(), labels);
    let losses: Vec<f64> = rows.iter().map(|row| row[3].parse().unwrap()).collect();
    assert!(rows.iter().all(|row| (&row[1], &row[2]) == ("4", "finished")), "{rows:?}");
    assert!(losses.windows(2).all(|pair| pair[0] != pair[1]), "each seed has its own: {losses:?}");
}

/// One experiment of each kind for a few steps, on real images.
#[test]
fn experiments_run_on_fashion_mnist() {
    let Some(fashion_mnist) = needs::fashion_mnist() else { return };
    let place = tempfile::tempdir().unwrap();
    let few = format!("--set data=fashion_mnist:{fashion_mnist},first=100 --set");
    for (figure, steps) in [
        // Full batches: eigenvalues, drift, predictions, flows from an iterate and the non-principal term.
        ("fig8", format!("{few} train.steps=3")),
        ("fig11", format!("{few} train.steps=3")),
        ("fig12", format!("{few} train.steps=3")),
        ("fig17", format!("{few} train.steps=3")),
        ("fig25", format!("{few} train.steps=3")),
        ("fig38", format!("{few} train.steps=2")),
        // A flow that is followed beside gradient descent.
        ("fig49", format!("{few} follow.steps=3")),
        // A change of the learning rate, DAL, another loss, and a rate for each parameter.
        ("fig34", format!("{few} train.steps=3")),
        ("fig18", format!("{few} train.steps=3")),
        ("fig44", format!("{few} train.steps=2")),
        ("fig45", format!("{few} train.steps=2")),
        // Mini-batches, with differences of gradients and with momentum.
        ("fig26", "--set train.steps=2".to_owned()),
        ("fig48", "--set train.steps=2".to_owned()),
    ] {
        let (code, out, error) =
            bea(place.path(), &format!("reproduce {figure} --out {figure} {steps}"));
        assert!(code == 0 && out.starts_with(&format!("{figure}: ")), "{figure}: {out}{error}");
        let runs = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(runs.contains("of 2 steps, ") || runs.contains("of 3 steps, "), "{out}");
        assert!(place.path().join(figure).join(format!("{figure}.html")).is_file());
    }
}

/// One figure whose data are missing does not keep the others from being made, nor their rows from the table.
#[test]
fn a_figure_that_fails_leaves_the_others_their_rows() {
    let place = tempfile::tempdir().unwrap();
    let old = "| [9](fig9.svg) | `bea reproduce fig9` | an old claim | holds | 7 |";
    std::fs::write(place.path().join("r.md"), format!("{old}\n")).unwrap();
    let command =
        "reproduce fig3 fig12 fig36 fig38 fig1 --out r --report r.md --set data=mnist:nowhere";
    let (code, out, error) = bea(place.path(), command);
    assert_eq!(code, 2, "{out}{error}");
    assert!(out.starts_with("fig3: ") && out.contains("\nfig1: "), "{out}");
    assert!(unbroken(&error).contains("fig12 could not be made"), "{error}");
    assert!(error.contains("--set data=mnist:FOLDER"), "{error}");
    let table = std::fs::read_to_string(place.path().join("r.md")).unwrap();
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), 5, "{table}");
    for (row, id) in rows.iter().zip(["fig3", "fig12", "fig36", "fig38", "fig1"]) {
        assert!(row.contains(&format!("`bea reproduce {id}`")), "{row}");
        let failed = row.contains("not run: ") && row.contains("no file or folder nowhere");
        assert_eq!(failed, ["fig12", "fig36", "fig38"].contains(&id), "{row}");
    }
}

/// What the table costs is there where runs are kept, too.
#[test]
fn the_seconds_of_runs_that_are_kept_are_those_they_took() {
    let place = tempfile::tempdir().unwrap();
    let seconds = |arguments: &str| -> f64 {
        let command =
            format!("reproduce fig33 --out r --report r.md --set train.steps=3 {arguments}");
        let (code, out, error) = bea(place.path(), &command);
        assert_eq!(code, 0, "{out}{error}");
        let table = std::fs::read_to_string(place.path().join("r.md")).unwrap();
        table.trim_end().rsplit('|').nth(1).unwrap().trim().parse().unwrap()
    };
    seconds("");
    let timing = place.path().join("r/fig33");
    let mut folders: Vec<_> =
        std::fs::read_dir(&timing).unwrap().map(|file| file.unwrap().path()).collect();
    folders.push(timing);
    let files = folders.iter().map(|folder| folder.join("timing.json"));
    let files: Vec<_> = files.filter(|file| file.is_file()).collect();
    files.iter().for_each(|file| std::fs::write(file, "{\"seconds\":1000}").unwrap());
    let kept = seconds("--resume");
    assert!((1000.0 * files.len() as f64..2000.0 * files.len() as f64).contains(&kept), "{kept}");
}

#[test]
fn the_eigenvalues_of_figure_33_have_a_verdict() {
    let place = tempfile::tempdir().unwrap();
    let (code, out, _) = bea(place.path(), "reproduce fig33 --out r --set train.steps=100");
    assert_eq!(code, 0);
    assert!(out.starts_with("fig33: ") && out.contains("Σ|λᵢ|"), "{out}");
}

#[test]
fn every_figure_is_a_description_at_every_size() {
    for figure in &NETWORK_FIGURES {
        for scale in [Scale::Small, Scale::Medium, Scale::Paper] {
            let runs = figure.runs(scale, &[]).unwrap_or_else(|e| panic!("{}: {e:?}", figure.id));
            assert!(!runs.is_empty());
        }
        // At the medium size there are seeds to compare, and enough images.
        let medium = figure.runs(Scale::Medium, &[]).unwrap();
        let data = medium[0].data.as_deref().unwrap();
        let small =
            data.strip_prefix("fashion_mnist:").and_then(|data| data.split("first=").nth(1));
        if let Some(images) = small {
            let expected = if medium[0].network_name().starts_with("mlp") { 5000 } else { 1000 };
            assert!(images.parse::<usize>().unwrap() >= expected, "{}: {data}", figure.id);
            let mut seeds: Vec<u64> = medium.iter().map(|run| run.seed).collect();
            seeds.sort_unstable();
            seeds.dedup();
            assert!(seeds.len() >= 3, "{}: {seeds:?}", figure.id);
        }
        // Judges say something, and do not fail, where there is nothing to judge.
        assert!(!figure.caption(&[]).to_string().is_empty());
    }
}

/// `bea …` where no file may grow beyond some blocks of 512 bytes, which writes beyond report as a full disk does: as
/// an error of the system.
#[cfg(unix)]
fn bea_on_a_small_disk(folder: &Path, blocks: usize, arguments: &str) -> (i32, String, String) {
    let line =
        format!("trap '' XFSZ; ulimit -f {blocks}; exec {} {arguments}", env!("CARGO_BIN_EXE_bea"));
    let mut command = Command::new("sh");
    let output = command.current_dir(folder).args(["-c", &line]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The message, without the lines it was broken into.
fn unbroken(message: &str) -> String {
    message.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[cfg(unix)]
#[test]
fn a_run_whose_disk_is_full_says_so_and_goes_on_later() {
    let place = tempfile::tempdir().unwrap();
    let long = IRIS.replace("steps = 4", "steps = 400");
    std::fs::write(place.path().join("iris.toml"), long).unwrap();
    // The start can be saved; the measurements at the end can not.
    let (code, out, error) = bea_on_a_small_disk(place.path(), 12, "run iris.toml --out a");
    assert_eq!(code, 2, "{out}{error}");
    let message = unbroken(&error);
    assert!(message.contains("cannot access a/metrics.csv: File too large"), "{error}");
    let files = || {
        let names = std::fs::read_dir(place.path().join("a")).unwrap();
        let mut names: Vec<String> =
            names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        files(),
        ["checkpoint.safetensors", "config.toml", "lock", "metrics.csv", "timing.json"]
    );
    let (code, _, error) = bea(place.path(), "run iris.toml --out a --resume");
    assert_eq!(code, 0, "{error}");
    let (code, _, _) = bea(place.path(), "run iris.toml --out b");
    assert_eq!(code, 0);
    let metrics = |run: &str| std::fs::read(place.path().join(run).join("metrics.csv")).unwrap();
    assert_eq!(metrics("a"), metrics("b"));
}

#[cfg(unix)]
#[test]
fn a_run_that_fails_lets_the_others_of_a_sweep_end_and_is_reported() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("iris.toml"), IRIS).unwrap();
    // A file where the folder of the first run should be.
    std::fs::create_dir(place.path().join("s")).unwrap();
    std::fs::write(place.path().join("s/01-seed=0"), "").unwrap();
    for jobs in [1, 2] {
        let command = format!("sweep iris.toml --out s --force --jobs {jobs}");
        let (code, out, error) = bea(place.path(), &command);
        assert_eq!(code, 2, "{out}");
        let message = unbroken(&error);
        assert!(message.contains("1 of 2 runs failed"), "{error}");
        assert!(message.contains("seed=0: cannot access s/01-seed=0"), "{error}");
        assert!(out.contains("seed=1") && !out.contains("seed=0"), "{out}");
        let table = std::fs::read_to_string(place.path().join("s/sweep.csv")).unwrap();
        assert_eq!(table.lines().count(), 2, "{table}");
        assert!(place.path().join("s/02-seed=1/report.html").is_file());
    }
    // Once the obstacle is gone, the sweep goes on with what is missing.
    std::fs::remove_file(place.path().join("s/01-seed=0")).unwrap();
    let (code, out, error) = bea(place.path(), "sweep iris.toml --out s --resume");
    assert!(code == 0 && out.contains("seed=0") && out.contains("seed=1"), "{out}{error}");
}

/// The standard output, and a file that is a device, on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let evaluate = "evaluate --network mlp:3 --data iris --quantities gradient --out /dev/full";
    let (code, out, error) = bea(place.path(), evaluate);
    assert_eq!(code, 2, "{out}");
    assert!(unbroken(&error).contains("No space left on device"), "{error}");
    let flow = "flow --network mlp:3 --data iris --lr 0.1 --steps 40 --flows ngf --out run";
    let (code, out, error) = bea_on_a_small_disk(place.path(), 8, flow);
    assert_eq!(code, 2, "{out}");
    assert!(unbroken(&error).contains("File too large"), "{error}");
    let left = std::fs::read_dir(place.path()).unwrap().count();
    assert_eq!(left, 0, "nothing half-written");
}

/// The last iterate has no step after it; what belongs to a step is one step older, and the summary says so.
#[test]
fn the_summary_names_the_step_of_every_value() {
    let place = tempfile::tempdir().unwrap();
    let text =
        IRIS.replace("\"lambda\"", "\"lambda:1\", \"sc:1\", \"error:ngf\", \"gradient_norm\"");
    for (every, earlier) in [(1, 3), (2, 2), (3, 3), (10, 0)] {
        let text = text.replace("[measure]", &format!("[measure]\nevery = {every}"));
        std::fs::write(place.path().join("iris.toml"), text).unwrap();
        let (code, out, error) = bea(place.path(), "run iris.toml");
        assert_eq!(code, 0, "{error}");
        let folder = out.lines().last().unwrap().strip_prefix("wrote ").unwrap();
        let csv = std::fs::read_to_string(place.path().join(folder).join("metrics.csv")).unwrap();
        let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        for (column, name) in rows[0].iter().enumerate().skip(1) {
            let steps = ["sc_0_re", "sc_0_im", "error_ngf"];
            let step = if steps.contains(name) { earlier } else { 4 };
            let row = rows.iter().find(|row| row[0] == step.to_string()).unwrap();
            let value: f64 = row[column].parse().unwrap();
            let first: f64 = rows[1][column].parse().unwrap();
            let line =
                out.lines().find(|line| line.trim().starts_with(&format!("{name} "))).unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            let said = [&*format!("{first:.4e}"), "→", &*format!("{value:.4e}"), "at", "step"];
            assert_eq!(&words[1..6], &said, "{line}");
            assert_eq!(words[6], step.to_string(), "{line}");
        }
    }
    // A sweep's table has one value a column; below it stands which are older.
    std::fs::write(place.path().join("iris.toml"), text).unwrap();
    let (_, out, _) = bea(place.path(), "sweep iris.toml");
    let said =
        "sc_0_re, sc_0_im, error_ngf: at the last iterate that has a step after it; the others at";
    assert!(out.contains(said), "{out}");
    std::fs::write(place.path().join("iris.toml"), IRIS).unwrap();
    assert!(!bea(place.path(), "sweep iris.toml").1.contains("at the last iterate"));
}

/// A text is a number if it is one exactly; what is none is refused where it stands, also where a grid would replace it.
#[test]
fn numbers_may_be_fractions() {
    let place = tempfile::tempdir().unwrap();
    let grid = IRIS.replace("seed = [0, 1]", "train.lr = [0.1, \"1/5\"]");
    std::fs::write(place.path().join("iris.toml"), IRIS).unwrap();
    std::fs::write(place.path().join("grid.toml"), &grid).unwrap();
    std::fs::write(place.path().join("text.toml"), IRIS.replace("lr = 0.1", "lr = \"0.2\""))
        .unwrap();
    let mut metrics = Vec::new();
    for (i, line) in [
        "run iris.toml --set train.lr=0.2",
        "run iris.toml --set train.lr=1/5",
        "run iris.toml --set train.lr=\"1/5\"",
        "run iris.toml --set train.lr=2e-1",
        "run text.toml",
    ]
    .iter()
    .enumerate()
    {
        let (code, _, error) = bea(place.path(), &format!("{line} --out {i}"));
        assert_eq!(code, 0, "{line}: {error}");
        metrics
            .push(std::fs::read_to_string(place.path().join(format!("{i}/metrics.csv"))).unwrap());
    }
    assert!(metrics.iter().all(|table| *table == metrics[0]));
    assert_eq!(bea(place.path(), "sweep grid.toml --out s").0, 0);
    let swept = std::fs::read_to_string(place.path().join("s/02-lr=1-5/metrics.csv")).unwrap();
    assert_eq!(swept, metrics[0]);
    for (line, message) in [
        ("run iris.toml --set train.lr=fast", "`lr` must be a number"),
        ("run iris.toml --set train.lr=1/0", "not TOML"),
        ("run iris.toml --set train.lr=\"1/0\"", "`lr` must be a number"),
        ("run iris.toml --set train.lr=-1/5", "`lr` must be positive"),
        ("run iris.toml --set train.lr=1e400", "`lr` must be a finite number"),
        ("run iris.toml --set train.lr=\"1e400\"", "`lr` must be a finite number"),
        ("run iris.toml --set train.steps=1/5", "`steps` must be an integer"),
        ("run iris.toml --set seed=1/5", "`seed` must be a whole number"),
        ("run iris.toml --set measure.metrics=loss,lamda:1", "there is no metric `lamda:1`"),
        ("run iris.toml --set measure.metrics=loss,loss", "names a metric twice"),
    ] {
        let (code, _, error) = bea(place.path(), &format!("{line} --out no"));
        assert!(code == 2 && unbroken(&error).contains(message), "{line}: {error}");
        assert!(!place.path().join("no").exists(), "{line}");
    }
    for wrong in ["\"fast\"", "true", "[0.1]", "-1"] {
        let text = grid.replace("lr = 0.1\n", &format!("lr = {wrong}\n"));
        std::fs::write(place.path().join("wrong.toml"), text).unwrap();
        let (code, _, error) = bea(place.path(), "run wrong.toml --out no");
        assert!(code == 2 && error.contains("`lr` must be") && !error.contains("sweep"), "{error}");
    }
}

/// Lists of names are one text after `--set`.
#[test]
fn lists_of_names_need_no_brackets() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("iris.toml"), IRIS).unwrap();
    let lists = [
        "--set measure.metrics=loss,lambda:2 --set follow.flows=ngf,order:2 --set follow.steps=2",
        "--set measure.metrics=[\"loss\",\"lambda:2\"] --set follow.flows=[\"ngf\",\"order:2\"] --set follow.steps=2",
    ];
    let files = ["metrics.csv", "follow.csv"];
    let written = lists.map(|list| {
        let folder = list.len().to_string();
        let (code, _, error) = bea(place.path(), &format!("run iris.toml --out {folder} {list}"));
        assert_eq!(code, 0, "{error}");
        files.map(|name| std::fs::read_to_string(place.path().join(&folder).join(name)).unwrap())
    });
    assert_eq!(written[0], written[1]);
    assert!(written[0][0].starts_with("step,loss,lambda_0,lambda_1\n"));
}

/// What a flow costs is known before it is derived. The bound is one on derivatives, and `--force` lifts it; a run that
/// was let through goes on without it.
#[test]
fn flows_that_would_take_hours_are_refused_at_once() {
    let place = tempfile::tempdir().unwrap();
    let text = IRIS
        .replace("mlp:5,elu", "mlp:1,tanh")
        .replace("data = \"iris\"", "data = \"gaussian:2x1\"");
    std::fs::write(place.path().join("small.toml"), text.replace("steps = 4", "steps = 1"))
        .unwrap();
    let begun = std::time::Instant::now();
    for metric in ["error", "loss_error", "flow_loss", "flow_lambda"] {
        for flow in ["order:9", "order:12", "pf+np:12"] {
            let line = format!("run small.toml --set measure.metrics=loss,{metric}:{flow}");
            let (code, _, error) = bea(place.path(), &line);
            let message = unbroken(&error);
            assert!(code == 2 && message.contains(&format!("the flow `{flow}` takes")), "{error}");
            assert!(message.contains("more than 1,000 are refused"), "{error}");
        }
    }
    for line in [
        "run small.toml --set follow.flows=ngf,order:11 --set follow.steps=1",
        "sweep small.toml --set measure.metrics=error:order:12",
        "flow --network mlp:2 --data iris --lr 0.1 --flows order:12",
        "reproduce fig10 --set measure.metrics=error:order:12",
    ] {
        let (code, _, error) = bea(place.path(), line);
        assert!(
            code == 2 && unbroken(&error).contains("more than 1,000 are refused"),
            "{line}: {error}"
        );
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
    let line = "run small.toml --set measure.metrics=error:order:9 --out a";
    assert_eq!(bea(place.path(), line).0, 2);
    assert!(!place.path().join("a").exists());
    assert_eq!(bea(place.path(), &format!("{line} --force")).0, 0);
    assert_eq!(bea(place.path(), &format!("{line} --resume")).0, 0);
    assert_eq!(
        bea(
            place.path(),
            "run small.toml --set measure.metrics=error:order:8,error:interpolated:12"
        )
        .0,
        0
    );
}
