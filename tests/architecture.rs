//! Network files and named architectures: parameters as PyTorch has them, shapes inferred, mistakes explained.

use bea::network::architecture::{
    Activation, Architecture, ArchitectureError, Criterion, Dtype, Layer, Role,
};
use bea::source::Source;
use miette::{GraphicalReportHandler, GraphicalTheme};
use std::collections::HashSet;

macro_rules! snapshot {
    ($text:expr) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($text) })
    };
}

const CROSS_ENTROPY: Criterion = Criterion::CrossEntropy { smoothing: 0.0 };

/// A network file with these layers, for inputs of this shape.
fn parse(input: &str, layers: &str) -> Result<Architecture, ArchitectureError> {
    let text = format!("loss = \"mean_squared_error\"\ninput = {input}\nlayer = [\n{layers}]\n");
    Architecture::parse(&Source::new("net.toml", text))
}

fn find(spec: &str, input: &[usize], outputs: usize) -> Result<Architecture, ArchitectureError> {
    Architecture::find(spec, input, outputs, CROSS_ENTROPY, Dtype::F32)
}

/// The error as a terminal without colours shows it.
fn shown(error: &dyn miette::Diagnostic) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut text, error)
        .unwrap();
    text
}

fn error_of(text: &str) -> String {
    match Architecture::parse(&Source::new("net.toml", text)) {
        Ok(_) => panic!("no error in {text}"),
        Err(error) => shown(&error),
    }
}

/// Names and shapes.
type Parameters = Vec<(String, Vec<usize>)>;

fn list(network: &Architecture) -> Parameters {
    network.parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect()
}

/// `parameters.txt` is what torchvision itself lists.
#[test]
fn names_and_shapes_are_those_of_torchvision() {
    let mut networks: Vec<(&str, Parameters)> = Vec::new();
    for line in include_str!("pytorch/parameters.txt").lines() {
        match line.strip_prefix("  ") {
            None => networks.push((line, Vec::new())),
            Some(parameter) => {
                let (name, shape) = parameter.split_once(' ').unwrap();
                let shape = shape.split(' ').map(|size| size.parse().unwrap()).collect();
                networks.last_mut().unwrap().1.push((name.into(), shape));
            }
        }
    }
    assert_eq!(networks.len(), 6);
    for (name, parameters) in networks {
        let network = find(name, &[3, 224, 224], 1000).unwrap();
        assert_eq!(list(&network), parameters, "{name}");
    }
}

/// The counts that torchvision's documentation gives at 224x224 with 1000 classes, and those of networks for CIFAR-10
/// by hand: without the large stem, or with one linear layer of 512 inputs.
#[test]
fn counts_are_the_published_ones() {
    let imagenet = |name| find(name, &[3, 224, 224], 1000).unwrap().len();
    assert_eq!(imagenet("vgg11"), 132_863_336);
    assert_eq!(imagenet("vgg16"), 138_357_544);
    assert_eq!(imagenet("resnet18"), 11_689_512);
    assert_eq!(imagenet("resnet50"), 25_557_032);
    let cifar = |name| find(name, &[3, 32, 32], 10).unwrap().len();
    let classes = (1000 - 10) * 513;
    assert_eq!(cifar("resnet18"), 11_689_512 - 64 * 3 * (49 - 9) - classes);
    assert_eq!(cifar("vgg16"), 138_357_544 - 123_642_856 + 5130);
    let (first, others) = (784 * 100 + 100, 3 * 10_100);
    let mlp = find("mlp:100,100,100,100", &[1, 28, 28], 10).unwrap();
    assert_eq!(mlp.len(), first + others + 1010);
    assert_eq!((&mlp.layers[0], mlp.parameters[0].name.as_str()), (&Layer::Flatten, "1.weight"));
    assert_eq!(find("mlp:100,100,100,100", &[784], 10).unwrap().parameters[2].name, "2.weight");
}

/// VGG's last image is 7x7 at 224x224 and averaged to that from larger ones.
#[test]
fn images_decide_how_a_network_is_cut() {
    let stem = |network: &Architecture| network.parameters[0].shape.clone();
    assert_eq!(stem(&find("resnet50", &[3, 63, 63], 10).unwrap()), [64, 3, 3, 3]);
    assert_eq!(stem(&find("resnet50", &[3, 64, 64], 10).unwrap()), [64, 3, 7, 7]);
    assert_eq!(find("vgg11", &[3, 448, 448], 1000).unwrap().len(), 132_863_336);
    let text =
        "architecture = \"resnet18\"\nloss = \"cross_entropy\"\ninput = [1, 64, 64]\nout = 7\n";
    let chosen = format!("{text}images = \"cifar\"\nactivation = \"relu\"\n");
    let chosen = Architecture::parse(&Source::new("a/net.toml", chosen)).unwrap();
    assert_eq!(stem(&chosen), [64, 1, 3, 3]);
    assert_eq!((chosen.name.as_str(), chosen.outputs.as_slice()), ("resnet18", &[7][..]));
    assert_eq!(chosen.layers[2], Layer::Activation(Activation::Relu));
    let usual = Architecture::parse(&Source::new("net.toml", text)).unwrap();
    assert_eq!(usual.layers[2], Layer::Activation(Activation::Elu { alpha: 1.0 }));
    assert_eq!(stem(&usual), [64, 1, 7, 7]);
}

#[test]
fn specifications_choose_an_activation() {
    for (spec, activation) in
        [("mlp:5", Activation::Elu { alpha: 1.0 }), ("mlp:5,tanh", Activation::Tanh)]
    {
        let network = find(spec, &[4], 3).unwrap();
        assert_eq!(network.layers[1], Layer::Activation(activation), "{spec}");
    }
    let relu = find("vgg16:relu", &[3, 32, 32], 10).unwrap();
    assert_eq!(relu.layers[1], Layer::Activation(Activation::Relu));
}

/// The flat vector is the parameters one after the other, without gaps, under names that differ.
#[test]
fn parameters_fill_the_flat_vector() {
    for (spec, input) in [("resnet50", &[3, 32, 32][..]), ("transformer", &[8, 8]), ("mlp:3", &[4])]
    {
        let network = find(spec, input, 10).unwrap();
        let mut end = 0;
        let mut names = HashSet::new();
        for parameter in &network.parameters {
            assert_eq!(parameter.range(), end..end + parameter.shape.iter().product::<usize>());
            end = parameter.range().end;
            assert!(names.insert(&parameter.name), "{}", parameter.name);
        }
        assert_eq!(end, network.len());
    }
}

/// Names and order of `nn.TransformerEncoderLayer`'s parameters, by first use.
#[test]
fn a_transformer_has_the_names_of_pytorch() {
    let network = find("transformer:tanh", &[8, 6], 10).unwrap();
    let names: Vec<&str> = network.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names[..3], ["embedding.weight", "embedding.bias", "position.weight"]);
    let block: Vec<&str> =
        names.iter().filter_map(|name| name.strip_prefix("encoder.layers.1.")).collect();
    let order = [
        "norm1.weight",
        "norm1.bias",
        "self_attn.in_proj_weight",
        "self_attn.in_proj_bias",
        "self_attn.out_proj.weight",
        "self_attn.out_proj.bias",
        "norm2.weight",
        "norm2.bias",
        "linear1.weight",
        "linear1.bias",
        "linear2.weight",
        "linear2.bias",
    ];
    assert_eq!(block, order);
    assert_eq!(names[names.len() - 2..], ["classifier.weight", "classifier.bias"]);
}

#[test]
fn shapes_follow_from_the_layers() {
    let network = parse(
        "[3, 9, 8]",
        r#"
        { type = "conv2d", out = 4, kernel = [3, 2], stride = [2, 1], padding = 1, bias = false },
        { type = "residual", name = "block", layers = [
            { type = "batch_norm" },
            { type = "conv2d", name = "last", out = 6, kernel = 1, stride = 2 },
          ], shortcut = [{ type = "max_pool2d", kernel = 1, stride = 2 },
                         { type = "conv2d", out = 6, kernel = 1 }] },
        { type = "avg_pool2d", kernel = 2 },
        { type = "flatten" },
        { type = "linear", in = 12, out = 2, name = "head" },
        "#,
    )
    .unwrap();
    let expected: Parameters = [
        ("0.weight", vec![4, 3, 3, 2]),
        ("block.0.weight", vec![4]),
        ("block.0.bias", vec![4]),
        ("block.last.weight", vec![6, 4, 1, 1]),
        ("block.last.bias", vec![6]),
        ("block.shortcut.1.weight", vec![6, 4, 1, 1]),
        ("block.shortcut.1.bias", vec![6]),
        ("head.weight", vec![2, 12]),
        ("head.bias", vec![2]),
    ]
    .map(|(name, shape)| (name.to_string(), shape))
    .into();
    assert_eq!(list(&network), expected);
    assert_eq!(network.parameters[1].role, Role::Ones);
    assert_eq!(network.parameters[4].role, Role::Bias { fan_in: 4 });
    assert_eq!((network.dtype, network.criterion()), (Dtype::F32, &Criterion::MeanSquaredError));
}

#[test]
fn spelling_of_types_is_pytorchs_or_ours() {
    let ours = parse(
        "[2, 4]",
        "{ type = \"layer_norm\" }, { type = \"gelu\" }, { type = \"mean_tokens\" }",
    );
    let pytorchs =
        parse("[2, 4]", "{ type = \"LayerNorm\" }, { type = \"GELU\" }, { type = \"MeanTokens\" }");
    assert_eq!(ours.unwrap(), pytorchs.unwrap());
}

#[test]
fn mistakes_in_files() {
    let file = |rest: &str| format!("loss = \"cross_entropy\"\ninput = [6]\n{rest}");
    let layer =
        |rest: &str| file(&format!("[[layer]]\ntype = \"linear\"\nout = 9\n[[layer]]\n{rest}"));
    let texts = [
        "".to_string(),
        "loss = \"cross_entropy\"\ninput = [6]\n[[layer]\n".into(),
        file(""),
        file("layers = []\n"),
        file("layer = []\n"),
        file("layer = 3\n"),
        "loss = \"cross_entrpy\"\ninput = [6]\nlayer = [{ type = \"linear\", out = 2 }]".into(),
        "loss = \"cross_entropy\"\nlayer = [{ type = \"linear\", out = 2 }]".into(),
        "loss = \"cross_entropy\"\ninput = 6\nlayer = [{ type = \"linear\", out = 2 }]".into(),
        "loss = \"cross_entropy\"\ninput = []\nlayer = [{ type = \"linear\", out = 2 }]".into(),
        "loss = \"mean_squared_error\"\nlabel_smoothing = 0.1\ninput = [6]\nlayer = [{ type = \"linear\", out = 2 }]"
            .into(),
        file("label_smoothing = 1\nlayer = [{ type = \"linear\", out = 2 }]"),
        file("dtype = \"f16\"\nlayer = [{ type = \"linear\", out = 2 }]"),
        layer("type = \"liner\"\nout = 4\n"),
        layer("type = \"celu\"\n"),
        layer("type = 3\n"),
        layer("out = 4\n"),
        layer("type = \"linear\"\n"),
        layer("type = \"linear\"\noutputs = 4\n"),
        layer("type = \"elu\"\nbeta = 2\n"),
        layer("type = \"linear\"\nout = 0\n"),
        layer("type = \"linear\"\nout = -3\n"),
        layer("type = \"linear\"\nout = 99999999999999999999\n"),
        layer("type = \"linear\"\nout = 4\nbias = 1\n"),
        layer("type = \"batch_norm\"\nepsilon = 0\n"),
        layer("type = \"linear\"\nout = 4\nname = \"\"\n"),
        layer("type = \"linear\"\nout = 4\nname = \"0\"\n"),
        layer("type = \"residual\"\nlayers = []\n"),
        file("[[layer]]\ntype = \"tanh\"\n"),
    ];
    snapshot!(texts.iter().map(|text| error_of(text)).collect::<Vec<_>>().join("\n"));
}

#[test]
fn mistakes_in_losses() {
    let file = |head: &str| {
        error_of(&format!("{head}\ninput = [6]\nlayer = [{{ type = \"linear\", out = 2 }}]"))
    };
    let texts = [
        file("loss = \"bce\""),
        file("loss = \"mae\""),
        file("loss = { type = \"hubber\" }"),
        file("loss = { type = \"huber\", delta = 0 }"),
        file("loss = { type = \"huber\", margin = 1 }"),
        file("loss = { type = \"hinge\", power = 3 }"),
        file("loss = { type = \"logistic\", delta = 1 }"),
        file("loss = { delta = 1 }"),
        file("loss = { formula = \"(y - t)^2\", type = \"huber\" }"),
        file("loss = { formula = \"(y - t)^\" }"),
        file("loss = { formula = \"sum((y - s)^2)\" }"),
        file("loss = { formula = \"y[2]^2\" }"),
        file("loss = { formula = \"dot(t, t)\" }"),
        file("loss = \"huber\"\nlabel_smoothing = 0.1"),
        file("loss = \"huber\"\nl2 = -1"),
        error_of(
            "loss = \"cross_entropy\"\ninput = [4, 6]\nlayer = [{ type = \"linear\", out = 1 }]",
        ),
    ];
    snapshot!(texts.join("\n"));
}

#[test]
fn layers_that_do_not_fit() {
    let error = |input: &str, layers: &str| match parse(input, layers) {
        Ok(_) => panic!("no error in {layers}"),
        Err(error) => shown(&error),
    };
    let convolution = "{ type = \"conv2d\", out = 16, kernel = 5 },\n";
    let pooled =
        format!("{convolution}{{ type = \"tanh\" }},\n{{ type = \"max_pool2d\", kernel = 2 }},\n");
    let texts = [
        error("[1, 12, 12]", &format!("{pooled}{{ type = \"linear\", in = 256, out = 10 }},\n")),
        error("[1, 12, 12]", &format!("{pooled}{{ type = \"linear\", in = 400, out = 10 }},\n")),
        error("[1, 12, 12]", "{ type = \"linear\", out = 10 },\n"),
        error("[12]", "{ type = \"linear\", in = 10, out = 10 },\n"),
        error("[12]", convolution),
        error("[3, 12, 12]", "{ type = \"conv2d\", in = 1, out = 16, kernel = 5 },\n"),
        error("[1, 4, 12]", convolution),
        error("[1, 2, 12]", "{ type = \"avg_pool2d\", kernel = 6, padding = 1 },\n"),
        error("[1, 9, 9]", "{ type = \"avg_pool2d\", kernel = 2, padding = 2 },\n"),
        error("[1, 9, 9]", "{ type = \"max_pool2d\", kernel = [2, 2, 2] },\n"),
        error("[4, 9]", "{ type = \"max_pool1d\", kernel = 10 },\n"),
        error("[9]", "{ type = \"layer_norm\", axes = 2 },\n"),
        error("[9]", "{ type = \"position\" },\n"),
        error("[4, 9]", "{ type = \"attention\", heads = 2 },\n"),
        error(
            "[9]",
            "{ type = \"linear\", out = 3 },\n{ type = \"embedding\", vocabulary = 9, width = 2 },\n",
        ),
        error("[9]", "{ type = \"residual\", layers = [{ type = \"linear\", out = 8 }] },\n"),
        error(
            "[9]",
            "{ type = \"residual\", layers = [{ type = \"linear\", out = 8 }],\n  shortcut = [{ type = \"linear\", out = 7 }] },\n",
        ),
        error(
            "[9]",
            "{ type = \"residual\", name = \"a\", layers = [{ type = \"conv2d\", out = 8, kernel = 1 }] },\n",
        ),
        error("[3, 9, 9]", convolution),
        error("[16777216]", "{ type = \"linear\", out = 16777216 },\n"),
        error("[16777216, 16777216, 16777216]", "{ type = \"flatten\" },\n"),
    ];
    snapshot!(texts.join("\n"));
}

#[test]
fn mistakes_in_named_architectures() {
    let file =
        |rest: &str| error_of(&format!("loss = \"cross_entropy\"\ninput = [1, 28, 28]\n{rest}"));
    let found = |spec: &str, input: &[usize]| match find(spec, input, 10) {
        Ok(_) => panic!("no error in {spec}"),
        Err(error) => shown(&error),
    };
    let texts = [
        file("architecture = \"resnet\"\nout = 10\n"),
        file("architecture = \"mlp\"\nout = 10\n"),
        file("architecture = \"mlp\"\nhiden = [5]\nout = 10\n"),
        file("architecture = \"mlp\"\nhidden = [5, 0]\nout = 10\n"),
        file("architecture = \"mlp\"\nhidden = [5]\n"),
        file("architecture = \"mlp\"\nhidden = [5]\nout = 10\nactivation = \"swoosh\"\n"),
        file("architecture = \"vgg16\"\nout = 10\n"),
        file("architecture = \"resnet18\"\nout = 1\n"),
        file("architecture = \"resnet18\"\nout = 10\nimages = \"mnist\"\n"),
        error_of(
            "architecture = \"transformer\"\nloss = \"cross_entropy\"\ninput = [8]\nout = 2\n",
        ),
        error_of(
            "architecture = \"transformer\"\nloss = \"cross_entropy\"\ninput = [8, 3]\nheads = 5\nout = 2\n",
        ),
        found("resnet52", &[3, 32, 32]),
        found("mlp", &[4]),
        found("mlp:", &[4]),
        found("mlp:0", &[4]),
        found("mlp:10,tan", &[4]),
        found("mlp:10,tanh,elu", &[4]),
        found("vgg11:64", &[3, 32, 32]),
        found("vgg11", &[784]),
        found("vgg11", &[3, 100, 100]),
        found("transformer", &[8]),
        found("mlp:3", &[usize::MAX, 2]),
        found("mlp:3", &[0]),
    ];
    snapshot!(texts.join("\n"));
}

/// Names as files of torchvision have them: of a shortcut, within a residual that adds none, and of tensors that are no layer's `weight`.
#[test]
fn names_are_exactly_those_of_a_file() {
    let network = parse(
        "[3, 4, 4]",
        r#"
        { type = "residual", name = "layer1.0", shortcut_name = "downsample",
          layers = [{ type = "conv2d", name = "conv1", out = 6, kernel = 1, bias = false }],
          shortcut = [{ type = "conv2d", out = 6, kernel = 1, bias = false }, { type = "batch_norm" }] },
        { type = "residual", name = "", shortcut_name = "",
          layers = [{ type = "conv2d", name = "mix", out = 6, kernel = 1, bias = false }],
          shortcut = [{ type = "conv2d", name = "around", out = 6, kernel = 1, bias = false }] },
        { type = "residual", name = "", layers = [{ type = "tanh", name = "bend" }] },
        { type = "tokens" },
        { type = "class_token", parameter = "cls_token" },
        { type = "repeat", name = "", times = 2, layers = [{ type = "position", parameter = "encoder.pos_embedding" }] },
        { type = "first_token" },
        { type = "linear", out = 2, name = "head", bias = false },
        "#,
    )
    .unwrap();
    let names: Vec<&str> = network.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "layer1.0.conv1.weight",
            "layer1.0.downsample.0.weight",
            "layer1.0.downsample.1.weight",
            "layer1.0.downsample.1.bias",
            "mix.weight",
            "around.weight",
            "cls_token",
            "encoder.pos_embedding",
            "head.weight",
        ]
    );
    // They are found by these names, and their tensors may have axes of one before.
    let data = bea::network::data::Dataset::new(
        "one",
        vec![3, 4, 4],
        bea::network::data::Values::F64((0..48).map(|i| f64::from(i).sin()).collect()),
        bea::network::data::Targets::Values { values: vec![1.0, 2.0], width: 2 },
    )
    .unwrap();
    let device = bea::network::device::Device::cpu();
    let loss = bea::network::NetworkLoss::new(network.clone(), &data, &device).unwrap();
    let theta: Vec<f64> = (0..network.len()).map(|i| (0.3 * i as f64).cos()).collect();
    let gradient = loss.gradient(&theta).unwrap().1;
    for parameter in network.parameters.iter().filter(|p| p.role == Role::Position) {
        assert!(gradient[parameter.range()].iter().any(|g| *g != 0.0), "{}", parameter.name);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.safetensors");
    let mut tensors = bea::network::weights::tensors(&network, &theta, "");
    for tensor in &mut tensors {
        match tensor.name.as_str() {
            "cls_token" => tensor.shape.splice(0..0, [1, 1]).for_each(drop),
            "encoder.pos_embedding" => tensor.shape.insert(0, 1),
            _ => {}
        }
    }
    bea::network::weights::save(&file, &tensors, Dtype::F64).unwrap();
    assert_eq!(bea::network::weights::load(&file, &network).unwrap(), theta);
}

#[test]
fn mistakes_in_names() {
    let refused = |layer: &str| match parse("[2, 3]", layer) {
        Ok(_) => panic!("no error in {layer}"),
        Err(error) => shown(&error).split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let message = refused("{ type = \"class_token\", name = \"a\", parameter = \"b\" }");
    assert!(
        message.contains("`name` is said by `parameter` already: leave one of them out"),
        "{message}"
    );
    let message = refused("{ type = \"linear\", out = 2, parameter = \"b\" }");
    assert!(message.contains("has no key `parameter`"), "{message}");
    let message = refused("{ type = \"linear\", out = 2, name = \"\" }");
    assert!(message.contains("`name` must not be empty"), "{message}");
    let message =
        refused("{ type = \"residual\", shortcut_name = \"b\", layers = [{ type = \"tanh\" }] }");
    assert!(message.contains("`shortcut_name` is for a residual with a `shortcut`"), "{message}");
}

/// A name that no layer has is said before what is not used because of it.
#[test]
fn an_unknown_name_comes_first() {
    let layers = "{ type = \"linear\", name = \"a\", out = 2 },\n{ type = \"tanh\", from = \"input\" },\n\
                  { type = \"linear\", from = \"aa\", out = 2 },\n";
    let Err(error) = parse("[2]", layers) else { panic!("no error") };
    let message = shown(&error);
    assert!(message.contains("takes what `aa` gives, which is no layer"), "{message}");
    assert!(message.contains("`a`"), "{message}");
    let Err(error) = parse("[2]", &layers.replace("aa", "input")) else { panic!("no error") };
    assert!(shown(&error).contains("what layer a (linear) gives is not used"), "{error:?}");
}

#[test]
fn label_smoothing_may_stand_in_the_table_of_the_loss() {
    let text =
        |head: &str| format!("{head}\ninput = [2]\nlayer = [{{ type = \"linear\", out = 3 }}]\n");
    let criterion = |head: &str| {
        let network = Architecture::parse(&Source::new("net.toml", text(head))).unwrap();
        network.criterion().clone()
    };
    let smoothed = Criterion::CrossEntropy { smoothing: 0.1 };
    let table = "loss = { type = \"cross_entropy\", label_smoothing = 0.1 }";
    assert_eq!(criterion(table), smoothed);
    assert_eq!(criterion("loss = \"cross_entropy\"\nlabel_smoothing = 0.1"), smoothed);
    let message = error_of(&text(&format!("{table}\nlabel_smoothing = 0.2")));
    assert!(message.contains("is in the table of the loss already"), "{message}");
    let message = error_of(&text("loss = { type = \"cross_entropy\", label_smoothing = 1 }"));
    assert!(message.contains("must be at least 0 and below 1"), "{message}");
}
