//! What is fuzzed: one function for each grammar and each binary format, and the texts and files that mutations
//! start from. `cargo fuzz` runs them guided by coverage, `tests/fuzz.rs` with plain mutations on a stable compiler.
//!
//! A target may refuse its input, with an error that can be shown; it may not panic, and it may not take more than
//! two seconds or a gibibyte.

#[path = "words.rs"]
mod words;

use bea::experiment::{Experiment, Scale};
use bea::field::Field;
use bea::loss::{self, Loss, Program};
use bea::network::NetworkLoss;
use bea::network::architecture::Architecture;
use bea::network::data::{Dataset, Specification, Targets, Values, open};
use bea::network::device::Device;
use bea::network::graph::Graph;
use bea::network::training::Checkpoint;
use bea::network::weights;
use bea::source::{Source, SourceError};
use bea::{claim, exact::effort, optimizer, render, tree, typed};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use words::{BINARY, CLAIM, CSV, GRAPH, LOSS, NUMBERS, OPTIMIZER, SPECIFICATION, TOML};

/// One function to be fuzzed.
pub struct Target {
    /// Its name, as in `cargo fuzz run NAME`.
    pub name: &'static str,
    /// Runs it on one input.
    pub run: fn(&[u8]),
    /// What mutations start from, given the root of the repository.
    pub corpus: fn(&Path) -> Vec<Vec<u8>>,
    /// What is put into inputs.
    pub words: &'static [&'static str],
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "loss", run: a_loss, corpus: losses, words: LOSS },
    Target { name: "point", run: a_point, corpus: points, words: LOSS },
    Target { name: "value", run: a_value, corpus: values, words: NUMBERS },
    Target { name: "optimizer", run: an_optimizer, corpus: optimizers, words: OPTIMIZER },
    Target { name: "claim", run: a_claim, corpus: claims, words: CLAIM },
    Target {
        name: "tree",
        run: a_tree,
        corpus: trees,
        words: &["[", "]", ",", "[]", "[[],[]]", " "],
    },
    Target { name: "network", run: a_network, corpus: networks, words: TOML },
    Target { name: "graph", run: a_graph, corpus: graphs, words: GRAPH },
    Target { name: "run", run: a_run, corpus: runs, words: TOML },
    Target {
        name: "specification",
        run: a_specification,
        corpus: specifications,
        words: SPECIFICATION,
    },
    Target { name: "csv", run: csv, corpus: tables, words: CSV },
    Target { name: "npz", run: npz, corpus: npz_files, words: BINARY },
    Target { name: "safetensors", run: safetensors, corpus: safetensors_files, words: BINARY },
    Target { name: "idx", run: idx, corpus: idx_files, words: BINARY },
    Target { name: "cifar", run: cifar, corpus: cifar_files, words: BINARY },
    Target { name: "weights", run: weights, corpus: weights_files, words: BINARY },
    Target { name: "checkpoint", run: checkpoint, corpus: checkpoints, words: BINARY },
];

/// A bound on exact work that is passed well before two seconds are over, on a busy machine too.
const EFFORT: u64 = 30_000_000;

/// Shows a fault with its line, as the command does.
fn show(error: impl miette::Diagnostic + Send + Sync + 'static) {
    let text = format!("{:?}", miette::Report::new(error));
    assert!(!text.is_empty());
}

fn shown<T>(result: Result<T, SourceError>) -> Option<T> {
    result.map_err(show).ok()
}

/// A text of the input, if it is one.
fn text(input: &[u8]) -> Option<String> {
    std::str::from_utf8(input).ok().map(String::from)
}

/// The folder of this process's input files.
pub fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    folder.join(format!("bea-fuzz-{}", std::process::id()))
}

/// An input file of this process.
fn file(name: &str, input: &[u8]) -> PathBuf {
    std::fs::create_dir_all(folder()).expect("a folder for inputs");
    let path = folder().join(name);
    std::fs::write(&path, input).expect("an input");
    path
}

fn a_loss(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let source = Source::new("loss", text);
    let _ = effort::within(EFFORT, || {
        if let Some(names) = shown(loss::names_in(&source)) {
            for (name, _) in names.into_iter().take(3) {
                let _ = shown(loss::named(&source, &name, &BTreeMap::new()));
            }
        }
        let Some(loss) = shown(Loss::parse(&source, &BTreeMap::new())) else { return };
        let start = loss.start.clone().unwrap_or_else(|| vec![0.5; loss.variables.len()]);
        let _ = loss.value(&start);
        if loss.variables.len() > 10 {
            return;
        }
        let dimension = loss.variables.len();
        let (mut graph, e) = loss.into_parts();
        let variables: Vec<u32> = (0..dimension as u32).collect();
        let mut roots = graph.gradient(e, &variables);
        for i in 0..roots.len() {
            let second = graph.derivative(roots[i], 0);
            roots.push(second);
        }
        let mut out = vec![0.0; roots.len()];
        Program::new(&graph, dimension, &roots).evaluate(&start, &mut out, &mut Vec::new());
    });
}

fn a_point(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let names = ["x", "w[0]", "w[1]"].map(String::from);
    let _ = effort::within(EFFORT, || shown(loss::point(&Source::new("point", text), &names)));
}

fn a_value(input: &[u8]) {
    let Some(text) = text(input) else { return };
    if let Err(error) = optimizer::parse_value(&text) {
        assert!(!error.to_string().is_empty());
    }
}

fn an_optimizer(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let source = Source::new("optimizers", text);
    let _ = effort::within(EFFORT, || {
        for optimizer in shown(optimizer::parse(&source)).unwrap_or_default().iter().take(3) {
            let method = match shown(optimizer.step(&BTreeMap::new())) {
                Some(optimizer::Step::Linear(program)) => program.method(),
                Some(optimizer::Step::Nonlinear(program)) => {
                    if let Ok(field) = typed::TypedField::derive(&program, 2, None) {
                        let (values, width, line) = (Vec::new(), 80, 69);
                        let document = render::typed::TypedDocument {
                            field: &field,
                            values,
                            width,
                            line,
                            potentials: None,
                        };
                        let mut out = Vec::new();
                        render::typed::write(render::Format::Text, &document, &mut out)
                            .expect("a vector");
                        assert!(!out.is_empty());
                    }
                    continue;
                }
                None => continue,
            };
            if let Ok(field) = Field::derive("o", &method, 2) {
                let mut document = render::Document::new(&field);
                document.verdict = Some(field.principal_part());
                let mut out = Vec::new();
                render::Format::Text.write(&document, &mut out).expect("a vector");
                assert!(!out.is_empty());
            }
        }
    });
}

fn a_claim(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let _ = effort::within(EFFORT, || match claim::Document::parse(Source::new("claims", text)) {
        Err(error) => show(error),
        Ok(document) => {
            document.faults().iter().for_each(|fault| show(fault.error.clone()));
            document.check(true, |_| {}, |_, verdict| drop(shown(verdict)));
        }
    });
}

fn a_tree(input: &[u8]) {
    let Some(text) = text(input) else { return };
    if let Ok(tree) = text.parse::<tree::Tree>() {
        assert_eq!(tree.to_string().parse::<tree::Tree>().as_ref(), Ok(&tree));
        assert!(tree.density() >= tree.size().into() && tree.symmetry() >= 1_u32.into());
    }
}

fn a_graph(input: &[u8]) {
    let Some(text) = text(input) else { return };
    match Graph::parse(&text) {
        Ok(graph) => assert!(graph.layout().len() < usize::MAX),
        Err(error) => show(error),
    }
}

fn a_network(input: &[u8]) {
    let Some(text) = text(input) else { return };
    match Architecture::parse(&Source::new("network.toml", text)) {
        Ok(network) => small_network(network),
        Err(error) => show(error),
    }
}

/// What has been accepted can be evaluated: its layers fit one another as a graph, too.
fn small_network(network: Architecture) {
    let size: usize = network.input.iter().product();
    if network.len() > 10_000 || network.activations > 10_000 || size > 1_000 {
        return;
    }
    let width: usize = network.outputs.iter().product();
    let targets = match network.criterion().name() {
        Some("contrastive") => Targets::Classes { labels: vec![0, 0], classes: 1 },
        _ => Targets::Values { values: vec![0.5; 2 * width], width },
    };
    let (input, inputs) = (network.input.clone(), Values::F64(vec![0.0; 2 * size]));
    let data = Dataset::new("zeros", input, inputs, targets).expect("examples of that shape");
    let theta = vec![0.1; network.len()];
    match NetworkLoss::new(network, &data, &Device::cpu()) {
        Ok(loss) => drop(loss.gradient(&theta).expect("the host does not fail")),
        Err(error) => show(error),
    }
}

fn a_run(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let source = Source::new("run.toml", text);
    let Some(experiment) = shown(Experiment::parse(source, Scale::Small, &[])) else { return };
    let _ = effort::within(EFFORT, || {
        if let Err(error) = experiment.runs() {
            show(error);
        }
    });
}

fn a_specification(input: &[u8]) {
    let Some(text) = text(input) else { return };
    match Specification::parse(&text) {
        Ok(specification) => assert_eq!(specification.text, text),
        Err(error) => show(error),
    }
}

fn data(specification: String) {
    match open(&specification) {
        Ok(set) => assert!(!set.is_empty()),
        Err(error) => show(error),
    }
}

fn csv(input: &[u8]) {
    let path = file("data.csv", input);
    data(format!("{}", path.display()));
    data(format!("{},targets=classes,scale=standard", path.display()));
}

fn npz(input: &[u8]) {
    data(format!("{}", file("data.npz", input).display()));
}

fn safetensors(input: &[u8]) {
    data(format!("{}", file("data.safetensors", input).display()));
}

/// Images and labels, cut in the middle.
fn idx(input: &[u8]) {
    let cut = input.len() - input.len().min(12);
    let images = file("train-images-idx3-ubyte", &input[..cut]);
    file("train-labels-idx1-ubyte", &input[cut..]);
    data(format!("mnist:{}", images.parent().expect("a folder").display()));
}

/// A batch of CIFAR-10: 10,000 images of 3,072 bytes, each behind its label.
const BATCH: usize = 10_000 * 3_073;

/// Batches of any length; now and then one of the right length that starts with the input.
fn cifar(input: &[u8]) {
    let batches = [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ];
    let first = file(&format!("{}.bin", batches[0]), input);
    let folder = first.parent().expect("a folder");
    if input.len().is_multiple_of(64) {
        let batch = std::fs::OpenOptions::new().write(true).open(&first).expect("a batch");
        batch.set_len(BATCH as u64).expect("a longer batch");
    }
    for name in &batches[1..] {
        let path = folder.join(format!("{name}.bin"));
        if !path.exists() {
            std::fs::write(path, vec![0; BATCH]).expect("a batch");
        }
    }
    data(format!("cifar10:{}", folder.display()));
}

/// A network of three parameters.
const SMALL: &str = "input = [2]\nloss = \"mean_squared_error\"\nlayer = [{ type = \"linear\", out = 1, name = \"a\" }]\n";

fn small() -> Architecture {
    Architecture::parse(&Source::new("small.toml", SMALL)).expect("a network")
}

fn weights(input: &[u8]) {
    let path = file("weights.safetensors", input);
    for result in [
        weights::load(&path, &small()).map(|w| w.len()),
        weights::load_complex(&path, &small()).map(|w| w.len()),
    ] {
        match result {
            Ok(count) => assert_eq!(count, 3),
            Err(error) => show(error),
        }
    }
}

fn checkpoint(input: &[u8]) {
    let path = file("checkpoint.safetensors", input);
    match Checkpoint::load(&path, 3) {
        Ok(checkpoint) => assert_eq!(checkpoint.state.theta.len(), 3),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The files of a folder with this ending, no longer than `most` bytes.
fn files(folder: PathBuf, ending: &str, most: usize) -> Vec<Vec<u8>> {
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|f| f.expect("an entry").path()).collect();
    paths.sort();
    let wanted = paths.iter().filter(|p| p.extension().is_some_and(|e| e == ending));
    let texts = wanted.map(|p| std::fs::read(p).expect("a file"));
    texts.filter(|text| text.len() <= most).collect()
}

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The blocks between three backticks of the documentation that start with one of the words.
fn samples(root: &Path, document: &str, language: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(root.join("docs").join(document)).expect("a document");
    let open = format!("```{language}\n");
    let blocks = text.split(open.as_str()).skip(1);
    blocks
        .filter_map(|rest| rest.split("```").next())
        .map(|block| block.as_bytes().to_vec())
        .collect()
}

fn losses(root: &Path) -> Vec<Vec<u8>> {
    let mut all = files(root.join("losses"), "bea", 6_000);
    all.extend(bytes(&[
        "let r = x^2 + y^2; r^2 - r/(1 + exp(-x*y))",
        "sum(i in 0..1, j in 0..i: x[i]*w[i, j]) + mean([for i in 0..2: i^2*z])",
        "where(x < 0, cos(x) + x, (x/3)^2 + 1 + x/3) + max(x, y, 2)*min(x^2, y)",
        "dot([[1, 2], [3, 4]], [x, y])[1] + len([1, 2])*sqrt(2 + x^2)^(-2/3) + gelu(x)*pi",
        "(1-x)^2 + 100*(y-x^2)^2",
        "x^(y^(x^y)) + log(1+log(1+x*y))",
    ]));
    all
}

fn points(_: &Path) -> Vec<Vec<u8>> {
    bytes(&["-1, 1/2, 3", "x=pi, w=[1, 2^(1/2)]", "x = -1, w = [0, 1e-3]", "[1, 2, 3]"])
}

fn values(_: &Path) -> Vec<Vec<u8>> {
    bytes(&["9/10", "-0.5e-3", "1e-3", "+3", "12/7"])
}

fn optimizers(root: &Path) -> Vec<Vec<u8>> {
    files(root.join("derivations/optimizers"), "bea", 4_000)
}

/// The claims one by one: whole files take too long.
fn claims(root: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for text in files(root.join("derivations"), "bea", usize::MAX).into_iter().chain(samples(
        root,
        "claims.md",
        "bea",
    )) {
        let text = String::from_utf8(text).expect("a text");
        let starts: Vec<usize> = text.match_indices("\nclaim ").map(|(at, _)| at).collect();
        for (i, start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).copied().unwrap_or(text.len());
            all.push(text.as_bytes()[*start..end].to_vec());
        }
    }
    all
}

fn trees(_: &Path) -> Vec<Vec<u8>> {
    bytes(&["[]", "[[],[[]]]", "[[[[]],[]],[[],[]],[]]", " [ [] , [ [ ] ] ] "])
}

fn graphs(root: &Path) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(root.join("tests/graph/operations.json")).expect("graphs");
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("graphs");
    cases.iter().map(|case| case["graph"].to_string().into_bytes()).collect()
}

fn networks(root: &Path) -> Vec<Vec<u8>> {
    let mut all = samples(root, "networks.md", "toml");
    all.push(SMALL.as_bytes().to_vec());
    all.extend(bytes(&[
        "architecture = \"mlp\"\ninput = [4]\nout = 3\nhidden = [5, 5]\nactivation = \"tanh\"\nloss = \"cross_entropy\"\n",
        "input = [3, 8, 8]\nloss = \"cross_entropy\"\n[[layer]]\ntype = \"conv2d\"\nout = 4\nkernel = 3\npadding = 1\n\
         [[layer]]\ntype = \"batch_norm2d\"\n[[layer]]\ntype = \"residual\"\nlayers = [{ type = \"conv2d\", out = 4, kernel = 1 }]\n\
         [[layer]]\ntype = \"max_pool2d\"\nkernel = 2\n[[layer]]\ntype = \"global_avg_pool\"\n[[layer]]\ntype = \"linear\"\nout = 10\n",
        "input = [6]\nloss = \"mse\"\nlayer = [{ type = \"slice\", stop = 2 }, { type = \"linear\", name = \"a\", out = 3 }, \
         { type = \"slice\", from = \"input\", start = 2, stop = 4 }, { type = \"linear\", out = 3, share = \"a\" }, \
         { type = \"concat\", from = [\"a\", \"3\", \"input\"] }, { type = \"repeat\", times = 3, layers = [{ type = \"silu\" }, \
         { type = \"scale\", factor = 0.5 }] }, { type = \"reshape\", shape = [4, 3] }, { type = \"lstm\", hidden = 2 }, \
         { type = \"permute\", axes = [1, 0] }, { type = \"conv1d\", out = 4, kernel = 2, groups = 2 }, { type = \"group_norm\", \
         groups = 2 }, { type = \"upsample\", factor = 2 }, { type = \"conv_transpose1d\", out = 2, kernel = 2, stride = 2, \
         output_padding = 1 }, { type = \"global_max_pool\" }]\n",
        "input = [6]\nloss = \"cross_entropy\"\nlayer = [{ type = \"embedding\", vocabulary = 7, width = 4 }, { type = \"position\" }, \
         { type = \"attention\", heads = 2 }, { type = \"layer_norm\" }, { type = \"mean_tokens\" }, { type = \"linear\", out = 3 }]\n",
    ]));
    all
}

fn runs(root: &Path) -> Vec<Vec<u8>> {
    let mut all = samples(root, "experiments.md", "toml");
    all.extend(files(root.join("examples/experiments"), "toml", 8_000));
    all.push(
        b"network = \"mlp:4,tanh\"\ndata = \"iris\"\n[train]\nmethod = \"heavy_ball\"\nmomentum = 0.9\nlr = 0.1\nsteps = 3\n\
          [measure]\nevery = 1\nmetrics = [\"loss\", \"error:pf\"]\n".to_vec(),
    );
    all
}

fn specifications(_: &Path) -> Vec<Vec<u8>> {
    bytes(&[
        "iris",
        "iris,skip=3,first=10,scale=standard",
        "mnist:folder,split=test,scale=unit",
        "gaussian:5x2,seed=3",
        "data.csv,target=price,targets=values",
        "some,path=with/commas.npz",
    ])
}

fn tables(_: &Path) -> Vec<Vec<u8>> {
    bytes(&[
        "a,b,y\n1,2,0\n3,4.5,1\n-1e3,0,1\n",
        "1,2,x\n3,4,z\n",
        "\"a\",\"b\"\r\n1,\"2\"\r\n3,4\r\n",
        "y\n1\n2\n",
    ])
}

/// An array of NumPy's format.
fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

/// An archive of files that are stored as they are.
fn archive(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let (start, size) = (out.len() as u32, data.len() as u32);
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        common.extend(crc32(data).to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(data);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, size, count) = (out.len() as u32, directory.len() as u32, entries.len() as u16);
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

fn numbers(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn npz_files(_: &Path) -> Vec<Vec<u8>> {
    let inputs = npy("<f8", "(2, 2)", &numbers(&[1.0, 2.0, 3.0, -4.0]));
    let single: Vec<u8> = [0.5_f32, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    vec![
        archive(&[("inputs.npy", inputs.clone()), ("targets.npy", npy("|u1", "(2,)", &[0, 1]))]),
        archive(&[("x.npy", inputs), ("y.npy", npy("<f4", "(2,)", &single))]),
        archive(&[
            ("inputs.npy", npy("|u1", "(2, 1, 2, 2)", &[1; 8])),
            ("targets.npy", npy("<i8", "(2,)", &[0; 16])),
        ]),
    ]
}

fn tensors(header: &str, data: &[u8]) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

fn safetensors_files(_: &Path) -> Vec<Vec<u8>> {
    vec![
        tensors(
            r#"{"inputs":{"dtype":"F64","shape":[2,2],"data_offsets":[0,32]},"targets":{"dtype":"U8","shape":[2],"data_offsets":[32,34]}}"#,
            &[numbers(&[1.0, 2.0, 3.0, 4.0]), vec![0, 1]].concat(),
        ),
        tensors(
            r#"{"inputs":{"dtype":"U8","shape":[2,1,2,2],"data_offsets":[0,8]},"targets":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
            &[7; 16],
        ),
    ]
}

fn idx_files(_: &Path) -> Vec<Vec<u8>> {
    let mut file = vec![0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 28, 0, 0, 0, 28];
    file.extend(vec![9; 4 * 28 * 28]);
    file.extend([0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4]);
    vec![file]
}

fn cifar_files(_: &Path) -> Vec<Vec<u8>> {
    let mut file = vec![3_u8];
    file.extend(vec![200; 3 * 32 * 32]);
    vec![file.clone(), [file.clone(), file].concat()]
}

fn weights_files(_: &Path) -> Vec<Vec<u8>> {
    let values = numbers(&[1.0, 2.0, 3.0]);
    vec![
        tensors(
            r#"{"a.weight":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]},"a.bias":{"dtype":"F64","shape":[1],"data_offsets":[16,24]}}"#,
            &values,
        ),
        tensors(
            r#"{"a.weight.re":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]},"a.weight.im":{"dtype":"BF16","shape":[1,2],"data_offsets":[16,20]},"a.bias":{"dtype":"F32","shape":[1],"data_offsets":[20,24]}}"#,
            &values,
        ),
    ]
}

fn checkpoints(_: &Path) -> Vec<Vec<u8>> {
    let path = file("written.safetensors", &[]);
    let mut state = bea::network::training::State::new(vec![1.0, 2.0, 3.0]);
    state.step = 7;
    state.buffers.push(("v".into(), vec![0.5; 3]));
    let (directions, run, sums) = (vec![vec![1.0; 3]], "run".to_string(), Vec::new());
    let checkpoint = Checkpoint { state, directions, run, sums };
    checkpoint.save(&path).expect("a checkpoint");
    vec![std::fs::read(path).expect("the checkpoint")]
}
