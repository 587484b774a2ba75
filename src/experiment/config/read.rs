//! A description as one run.

use super::description::{Experiment, Scale};
use super::layers::Layers;
use super::metric::Metric;
use super::one_run::{Config, Flows, Follow, Loss, NetworkSource, Start};
use super::{keys, network_file, resolved, rule, unread, unused};
use bea_flow::flow::{FlowName, FlowsFrom};
use bea_network::architecture::{Criterion, Dtype, penalty, smoothing, table_smoothing, twice};
use bea_network::data::known::Known;
use bea_network::data::{Specification, located};
use bea_network::graph::Graph;
use bea_network::initialise::Scheme;
use bea_series::text::near;
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::{Entry, Table, parse};
use std::path::{Path, PathBuf};

/// The layer over a description that makes one run of it.
pub(super) struct Overlay<'a> {
    pub label: String,
    pub cell: Source,
    pub variant: Option<&'a Table<'a>>,
    /// All of the description.
    pub variants: &'a [Table<'a>],
}

pub(super) fn config(
    experiment: &Experiment,
    base: &Table,
    overlay: &Overlay,
) -> Result<Config, SourceError> {
    let keys = keys::names("");
    let outer: Vec<&str> = keys::LAYERS.iter().map(|layer| layer.name).collect();
    base.only(&[&keys[..], &outer].concat())?;
    let texts = experiment.set.iter().chain([&overlay.cell]);
    let parsed: Vec<_> =
        texts.map(|text| Ok((text, parse(text)?))).collect::<Result<_, SourceError>>()?;
    let mut tables: Vec<Table> = Vec::new();
    for (source, parsed) in &parsed {
        let what = "an experiment".to_string();
        tables.push(Table { source, entries: parsed.get_ref(), span: 0..0, what });
    }
    for table in &tables {
        table.only(&keys)?;
    }
    unread::variants_known(overlay.variants, "variant")?;
    tables.extend(overlay.variant.cloned());
    for scale in [Scale::Medium, Scale::Paper] {
        let Some((name, entry)) = scale.table().and_then(|name| Some((name, base.optional(name)?)))
        else {
            continue;
        };
        let scaled = entry.table(&format!("[{name}]"))?;
        unread::only_known(&scaled, name, &["grid", "variant"])?;
        if experiment.scale == scale {
            tables.push(scaled);
        }
    }
    tables.push(base.clone());
    let all = Layers::new(tables, experiment.set.len());

    let text = |entry: Entry| entry.string().map(str::to_string);
    let name = all.read("name", folder_name)?.unwrap_or_else(|| stem(&experiment.source.name));
    let dtypes = [("f32", Dtype::F32), ("f64", Dtype::F64)];
    let dtype = all.read("dtype", |entry| entry.choice("dtype", &dtypes))?;
    let network = network_of(&all, &experiment.source)?;
    let loss = loss(&all)?;
    let mut notes = Vec::new();
    let of_file = match &network {
        NetworkSource::File(source) => {
            network_file::replaced(&all, source, dtype, &loss, &mut notes)?
        }
        NetworkSource::Graph(graph) => graph.layout().dtype,
        NetworkSource::Named(_) | NetworkSource::Table(_) => Dtype::F32,
    };
    let seed = all.read("seed", |entry| entry.whole())?.unwrap_or(0);
    let examples = |entry: Entry, key| -> Result<String, SourceError> {
        Ok(located(entry.string()?, &base_of(&all, key, &experiment.source)))
    };
    let graph = matches!(network, NetworkSource::Graph(_));
    let data = if graph {
        refuse_beside_graph(&all, &["data", "loss", "label_smoothing", "l2", "init"])?;
        None
    } else {
        Some(examples(all.required("data", "data = \"iris\"")?, "data")?)
    };

    let need = "[train] with method = \"gd\", lr = 0.1 and steps = 100";
    let train = all.below("train", "[train]")?.ok_or_else(|| all.missing("train", need))?;
    train.only(&keys::names("train"))?;
    let place = base_of(&train, "optimizer", &experiment.source);
    let training = rule::read(&train, &place, overlay.variants)?;
    rule::refuse_idle(&train, training.method, &rule::methods_of(overlay.variants))?;
    let steps = train.required("steps", "steps = 100")?.size(1)?;
    let batch = train.read("batch", |entry| entry.size(1))?;
    if let (NetworkSource::Graph(graph), Some(entry)) = (&network, train.optional("batch"))
        && let Err(cause) = graph.examples()
    {
        let help = "leave it out for all examples at every step; `bea.save` writes graphs that follow their examples";
        let must = format!("needs a graph that can be evaluated on some of its examples: {cause}");
        return Err(entry.fault(&must, Some(help.into())));
    }
    let weights = train.read("weights", text)?;
    let scheme = all.read("init", |entry| {
        let name = entry.string()?;
        name.parse::<Scheme>().map_err(|error| entry.fault(&format!("is wrong: {error}"), None))
    })?;
    let start = match weights {
        Some(file) => {
            Start::Weights(beside(&base_of(&train, "weights", &experiment.source), &file))
        }
        None if graph => Start::Own,
        None => Start::Scheme(scheme.unwrap_or(Scheme::PyTorch)),
    };

    let (mut metrics, mut every) = (vec![Metric::Loss], 1);
    if let Some(measure) = all.below("measure", "[measure]")? {
        measure.only(&keys::names("measure"))?;
        metrics = measure.read("metrics", names)?.unwrap_or(metrics);
        if graph && metrics.iter().any(Metric::needs_outputs) {
            let help =
                "leave out `accuracy` and `test_accuracy`: an operator graph ends in its loss";
            let entry = measure.required("metrics", "metrics = [\"loss\"]")?;
            return Err(
                entry.fault("needs outputs, which a graph does not name", Some(help.into()))
            );
        }
        every = measure.read("every", |entry| entry.size(1))?.unwrap_or(1);
    }
    let is_test = |metric: &Metric| matches!(metric, Metric::TestLoss | Metric::TestAccuracy);
    let test = all.read("test", |entry| match graph {
        true => test_graph(&entry, &base_of(&all, "test", &experiment.source)),
        false => examples(entry, "test"),
    })?;
    if metrics.iter().any(is_test) && test.is_none() {
        let example = match graph {
            true => "test = \"test.bea-graph\"",
            false => "test = \"fashion_mnist:FOLDER,split=test\"",
        };
        all.required("test", example)?;
    }
    if let (Some(data), Some(test), Some(entry)) = (&data, &test, all.optional("test")) {
        check_test(data, test, &entry)?;
    }
    let config = Config {
        label: overlay.label.clone(),
        name,
        seed,
        network,
        data,
        test,
        loss,
        dtype: dtype.unwrap_or(of_file),
        start,
        device: all.read("device", text)?.unwrap_or_else(|| "cpu".into()),
        rule: training.rule,
        optimizer: training.optimizer,
        steps,
        batch,
        metrics,
        every,
        flows: flows(&all)?,
        follow: follow(&all)?,
        notes,
        resolved: String::new(),
    };
    let config = unused::noted(config, &all, &train);
    let resolved = resolved::text(&all, &config, training.method, training.resolved);
    Ok(Config { resolved, ..config })
}

/// Refuses known data to test with whose examples have another shape or other classes than those to train on.
fn check_test(data: &str, test: &str, entry: &Entry) -> Result<(), SourceError> {
    // What is wrong with a specification is told where it is opened.
    let known = |text: &str| Specification::parse(text).ok().and_then(|found| found.known());
    let (Some(train), Some(other)) = (known(data), known(test)) else { return Ok(()) };
    if (train.shape, train.classes.len()) == (other.shape, other.classes.len()) {
        return Ok(());
    }
    let size =
        |known: &Known| known.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let must = format!(
        "is of {}, {} and {} classes, and `data` of {}, {} and {} classes: both have to be examples of one kind",
        other.name,
        size(other),
        other.classes.len(),
        train.name,
        size(train),
        train.classes.len(),
    );
    let of_train = match train.examples.1 {
        0 => format!("set `test` to other examples of {}", train.name),
        _ => format!("set `test`, too: `--set test={}:FOLDER,split=test`", train.name),
    };
    Err(entry.fault(&must, Some(of_train)))
}

/// A name, which is that of a folder of results.
fn folder_name(entry: Entry) -> Result<String, SourceError> {
    let name = entry.string()?;
    let leads_elsewhere = name.contains(['/', '\\', '\0']) || matches!(name, "" | "." | "..");
    if leads_elsewhere {
        let help = "--out DIR chooses where results go";
        let must = "must be the name of a folder, without `/` and `\\`";
        return Err(entry.fault(must, Some(help.into())));
    }
    Ok(name.into())
}

/// The name of a file without folder and ending.
fn stem(file: &str) -> String {
    let stem = Path::new(file).file_stem();
    stem.map_or_else(|| file.into(), |stem| stem.to_string_lossy().into_owned())
}

/// What a path under `key` is relative to: the folder of the description that it is in, or the working directory if it
/// is from the command line.
fn base_of(layers: &Layers, key: &str, source: &Source) -> PathBuf {
    let set = layers.tables().find(|(_, table)| table.keys().any(|known| known == key));
    match set {
        Some((true, _)) => PathBuf::new(),
        _ => Path::new(&*source.name).parent().unwrap_or(Path::new("")).into(),
    }
}

/// The path of `file` in a folder from the root, without links, `.` and `..` as far as it is there.
fn beside(folder: &Path, file: &str) -> PathBuf {
    let path = folder.join(file);
    path.canonicalize().or_else(|_| std::path::absolute(&path)).unwrap_or(path)
}

/// The folder of the operator graph of a model on its test data.
fn test_graph(entry: &Entry, base: &Path) -> Result<String, SourceError> {
    let folder = beside(base, entry.string()?);
    if Graph::is_at(&folder) {
        return Ok(folder.display().to_string());
    }
    let help = "`bea.save` writes the loss of a model on other data as a graph of its own: test = \"test.bea-graph\"";
    Err(entry.fault("must name an operator graph, as the network is one", Some(help.into())))
}

/// Refuses what an operator graph has itself, or has not at all.
fn refuse_beside_graph(layers: &Layers, keys: &[&'static str]) -> Result<(), SourceError> {
    match keys.iter().find_map(|key| layers.optional(key)) {
        None => Ok(()),
        Some(entry) => {
            let help = "an operator graph ends in its loss, with all of its data and the parameters it starts from";
            Err(entry.fault("is not for an operator graph", Some(help.into())))
        }
    }
}

fn network_of(all: &Layers, source: &Source) -> Result<NetworkSource, SourceError> {
    let entry = all.required("network", "network = \"mlp:100,100,100,100\"")?;
    if entry.is_table() {
        // Faults are shown in the description if the table stands there.
        let own = parse(source)?;
        let top = own.get_ref().get("network").is_some_and(|value| value.span() == entry.span());
        let alone = || Source::new("the network", format!("network = {}", entry.text()));
        return Ok(NetworkSource::Table(if top { source.clone() } else { alone() }));
    }
    let name = entry.string()?;
    let folder = beside(&base_of(all, "network", source), name);
    if Graph::is_at(&folder) {
        let graph = Graph::open(&folder).map_err(|error| {
            let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
            entry.fault(&format!("names an operator graph that is wrong: {error}"), help)
        })?;
        return Ok(NetworkSource::Graph(graph.into()));
    }
    if !name.ends_with(".toml") {
        return Ok(NetworkSource::Named(name.into()));
    }
    let path = beside(&base_of(all, "network", source), name);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        entry.fault(&format!("names a file that cannot be read: {error}"), None)
    })?;
    Ok(NetworkSource::File(Source::new(path.display().to_string(), text)))
}

fn loss(all: &Layers) -> Result<Loss, SourceError> {
    let criterion = all.read("loss", |entry| Criterion::read(&entry))?;
    let smoothing = all.read("label_smoothing", |entry| smoothing(&entry))?;
    let is_other = criterion.as_ref().is_some_and(|c| !matches!(c, Criterion::CrossEntropy { .. }));
    if is_other && smoothing.is_some() {
        let entry = all.required("label_smoothing", "")?;
        return Err(entry.fault("is for the loss `cross_entropy` only", None));
    }
    let own = all.read("loss", |entry| table_smoothing(&entry))?.flatten();
    if own.is_some() && smoothing.is_some() {
        return Err(twice(&all.required("label_smoothing", "")?));
    }
    let l2 = all.read("l2", |entry| penalty(&entry))?;
    Ok(Loss { criterion, smoothing: smoothing.or(own), l2 })
}

/// The names of an array, or of one text with commas between them, which is easier to write after `--set`.
fn list<'a>(entry: &Entry<'a>, must: &str) -> Result<Vec<(Entry<'a>, &'a str)>, SourceError> {
    if let Ok(text) = entry.string() {
        return Ok(text.split(',').map(|name| (entry.clone(), name.trim())).collect());
    }
    let elements = entry.elements(must)?.into_iter();
    elements.map(|element| element.string().map(|name| (element.clone(), name))).collect()
}

fn names(entry: Entry) -> Result<Vec<Metric>, SourceError> {
    let mut metrics = Vec::new();
    for (element, name) in list(&entry, "must be an array of names, [\"loss\", \"lambda:1\"] say")?
    {
        let metric = Metric::parse(name).map_err(|(message, help)| element.wrong(message, help))?;
        if metrics.contains(&metric) {
            return Err(element.fault("names a metric twice", None));
        }
        metrics.push(metric);
    }
    Ok(metrics)
}

fn flows(all: &Layers) -> Result<Flows, SourceError> {
    let mut flows = Flows::default();
    if let Some(table) = all.below("flows", "[flows]")? {
        table.only(&keys::names("flows"))?;
        let positive = |entry: Entry| entry.number_that("must be positive", |x| x > 0.0);
        flows.rtol = table.read("rtol", positive)?;
        flows.atol = table.read("atol", positive)?;
        flows.euler = table.read("euler", positive)?;
        flows.directions = table.read("directions", |entry| entry.size(1))?;
        let known = [("effective_start", FlowsFrom::EffectiveStart), ("start", FlowsFrom::Start)];
        let from = table.read("from", |entry| entry.choice("beginning of flows", &known))?;
        flows.from = from.unwrap_or(flows.from);
    }
    Ok(flows)
}

fn follow(all: &Layers) -> Result<Option<Follow>, SourceError> {
    let Some(table) = all.below("follow", "[follow]")? else { return Ok(None) };
    table.only(&keys::names("follow"))?;
    let must = "must be an array of steps, [0, 100] say";
    let from = table.read("from", |entry| {
        entry.elements(must)?.iter().map(|step| step.size(0)).collect::<Result<Vec<_>, _>>()
    })?;
    let flows = |entry: Entry| {
        let mut flows = Vec::new();
        for (element, text) in list(&entry, "must be an array of flows, [\"ngf\", \"pf\"] say")? {
            let found = FlowName::parse(&Source::new("flow", text)).map_err(|error| {
                element.wrong(error.to_string(), near::advice(text, &FlowName::names()))
            })?;
            flows.extend(found);
        }
        Ok(flows)
    };
    Ok(Some(Follow {
        from: from.unwrap_or_else(|| vec![0]),
        steps: table.required("steps", "steps = 5")?.size(1)?,
        flows: flows(table.required("flows", "flows = [\"ngf\", \"pf\"]")?)?,
        sharpness: table.read("sharpness", |entry| entry.boolean())?.unwrap_or(false),
    }))
}
