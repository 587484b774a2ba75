//! Batch norms with running statistics: against a calculation by hand, NumPy, and differences.

mod needs;

use bea::network::NetworkLoss;
use bea::network::architecture::{Architecture, BatchNormMode, Criterion, Dtype};
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::weights::{
    StatisticsRemark, Tensor, load, load_statistics, save, statistics, tensors, unused_statistics,
};
use bea::source::Source;
use num_complex::Complex64;
use std::path::{Path, PathBuf};

const IMAGES: &str = "loss = \"mse\"\ndtype = \"f64\"\ninput = [2, 3, 3]\n\
    [[layer]]\ntype = \"batch_norm\"\nmode = \"running\"\nepsilon = 0.01\n\
    [[layer]]\ntype = \"tanh\"\n[[layer]]\ntype = \"flatten\"\n\
    [[layer]]\ntype = \"linear\"\nout = 2\n[[layer]]\ntype = \"batch_norm\"\nmode = \"running\"\n";

/// Numbers in [-1, 1) that look random.
fn numbers(seed: usize, count: usize) -> Vec<f64> {
    let number = |i: usize| (i * 7919 + seed * 104_729) % 1009;
    (0..count).map(|i| number(i) as f64 / 504.5 - 1.0).collect()
}

fn parse(text: &str) -> Architecture {
    Architecture::parse(&Source::new("net.toml", text)).unwrap()
}

/// The network, with weights and statistics from a file of them, and data.
struct Case {
    network: Architecture,
    theta: Vec<f64>,
    file: PathBuf,
    data: Dataset,
    _folder: tempfile::TempDir,
}

/// Statistics of norm `0` and norm `4`.
const MEANS: [[f64; 2]; 2] = [[0.3, -0.7], [0.1, 0.4]];
const VARIANCES: [[f64; 2]; 2] = [[0.5, 2.0], [0.25, 0.0]];

fn case(text: &str) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.safetensors");
    let mut network = parse(text);
    let theta = numbers(3, network.len());
    let mut parts = tensors(&network, &theta, "");
    for ((norm, mean), variance) in ["0", "4"].iter().zip(MEANS).zip(VARIANCES) {
        for (buffer, values) in [("running_mean", mean), ("running_var", variance)] {
            let (name, values) = (format!("{norm}.{buffer}"), values.to_vec());
            parts.push(Tensor { name, shape: vec![2], values });
        }
    }
    save(&file, &parts, Dtype::F64).unwrap();
    assert_eq!(load_statistics(Some(&file), &mut network).unwrap(), None);
    assert_eq!(load(&file, &network).unwrap(), theta);
    let targets = Targets::Values { values: numbers(8, 10), width: 2 };
    let data = Dataset::new("d", vec![2, 3, 3], Values::F64(numbers(7, 90)), targets).unwrap();
    Case { network, theta, file, data, _folder: folder }
}

impl Case {
    fn loss(&self) -> NetworkLoss {
        NetworkLoss::new(self.network.clone(), &self.data, &Device::cpu()).unwrap()
    }
}

/// The loss of [`IMAGES`], number by number, as PyTorch computes it after `eval()`.
fn by_hand(theta: &[f64], data: &Dataset) -> f64 {
    let norm = |x: f64, which: usize, channel: usize, epsilon: f64, scale: f64, shift: f64| {
        (x - MEANS[which][channel]) / (VARIANCES[which][channel] + epsilon).sqrt() * scale + shift
    };
    let (first, rest) = theta.split_at(4);
    let (weight, rest) = rest.split_at(36);
    let (bias, last) = rest.split_at(2);
    let Targets::Values { values: targets, .. } = &data.targets else { panic!("values") };
    let mut sum = 0.0;
    for example in 0..5 {
        let x = data.rows_f64(example..example + 1);
        let hidden: Vec<f64> = (0..18)
            .map(|i| norm(x[i], 0, i / 9, 0.01, first[i / 9], first[2 + i / 9]).tanh())
            .collect();
        for out in 0..2 {
            let row = &weight[18 * out..18 * (out + 1)];
            let y: f64 = row.iter().zip(&hidden).map(|(w, h)| w * h).sum::<f64>() + bias[out];
            let y = norm(y, 1, out, 1e-5, last[out], last[2 + out]);
            sum += (y - targets[2 * example + out]).powi(2);
        }
    }
    sum / 10.0
}

#[test]
fn running_statistics_are_used_as_pytorch_uses_them() {
    let case = case(IMAGES);
    let loss = case.loss();
    let (found, expected) = (loss.loss(&case.theta).unwrap(), by_hand(&case.theta, &case.data));
    assert!((found / expected - 1.0).abs() < 1e-13, "{found} {expected}");
    // Statistics of the examples are something else.
    let other = parse(&IMAGES.replace("mode = \"running\"", "mode = \"batch\""));
    let other = NetworkLoss::new(other, &case.data, &Device::cpu()).unwrap();
    assert!((other.loss(&case.theta).unwrap() / expected - 1.0).abs() > 0.1);
    // The gradient, and a product with the Hessian, by differences of the calculation by hand.
    let (_, gradient) = loss.gradient(&case.theta).unwrap();
    let direction = numbers(9, case.theta.len());
    let product = loss.hessian_vectors(&case.theta, &[&direction]).unwrap().remove(0);
    let moved = |i: usize, h: f64, along: f64| {
        let mut theta: Vec<f64> =
            case.theta.iter().zip(&direction).map(|(x, v)| x + along * v).collect();
        theta[i] += h;
        by_hand(&theta, &case.data)
    };
    // The last norm has no variance in one channel, and scales by 1/√ε: its derivatives are large.
    let largest = |v: &[f64]| v.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let (of_gradient, of_product) = (largest(&gradient), largest(&product));
    for i in 0..case.theta.len() {
        let h = 1e-5;
        let slope = (moved(i, h, 0.0) - moved(i, -h, 0.0)) / (2.0 * h);
        assert!((slope - gradient[i]).abs() < 1e-8 * of_gradient, "{i}: {slope} {}", gradient[i]);
        let h = 1e-4;
        let mixed =
            (moved(i, h, h) - moved(i, h, -h) - moved(i, -h, h) + moved(i, -h, -h)) / (4.0 * h * h);
        assert!((mixed - product[i]).abs() < 1e-6 * of_product, "{i}: {mixed} {}", product[i]);
    }
    // At complex parameters: the derivative along a direction by a complex step.
    let step = 1e-30;
    let complex: Vec<Complex64> =
        case.theta.iter().zip(&direction).map(|(x, v)| Complex64::new(*x, step * v)).collect();
    let along = loss.loss(&complex).unwrap().im / step;
    let expected: f64 = gradient.iter().zip(&direction).map(|(g, v)| g * v).sum();
    assert!((along / expected - 1.0).abs() < 1e-12, "{along} {expected}");
}

/// With fixed statistics the loss is a mean over examples, which those of a batch are not.
#[test]
fn examples_do_not_depend_on_each_other() {
    let case = case(IMAGES);
    let whole = case.loss().loss(&case.theta).unwrap();
    let parts: f64 = (0..5)
        .map(|i| case.loss().over(&case.data.subset(i..i + 1)).unwrap().loss(&case.theta).unwrap())
        .sum();
    assert!((parts / 5.0 / whole - 1.0).abs() < 1e-14, "{parts} {whole}");
}

/// NumPy, by a script that reads the same files.
#[test]
fn numpy_agrees() {
    let Some(mut python) = needs::python() else { return };
    let case = case(IMAGES);
    let program = "
import json, sys, numpy as np
raw = open(sys.argv[1], 'rb').read()
n = int.from_bytes(raw[:8], 'little')
head = json.loads(raw[8:8 + n])
t = {k: np.frombuffer(raw[8 + n:][slice(*v['data_offsets'])], '<f8').reshape(v['shape'])
     for k, v in head.items() if k != '__metadata__'}
x, y = (np.array(json.loads(a)) for a in sys.argv[2:4])
x, y = x.reshape(5, 2, 3, 3), y.reshape(5, 2)
def norm(x, name, eps):
    s = (1, -1) + (1,) * (x.ndim - 2)
    m, v, w, b = (t[f'{name}.{k}'].reshape(s) for k in ('running_mean', 'running_var', 'weight', 'bias'))
    return (x - m) / np.sqrt(v + eps) * w + b
h = np.tanh(norm(x, '0', 0.01)).reshape(5, -1)
print(np.mean((norm(h @ t['3.weight'].T + t['3.bias'], '4', 1e-5) - y) ** 2))
";
    let Targets::Values { values, .. } = &case.data.targets else { panic!("values") };
    let output = python
        .args(["-c", program])
        .arg(&case.file)
        .args([format!("{:?}", case.data.rows_f64(0..5)), format!("{values:?}")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected: f64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    let found = case.loss().loss(&case.theta).unwrap();
    assert!((found / expected - 1.0).abs() < 1e-13, "{found} {expected}");
}

#[test]
fn before_any_are_read_the_mean_is_0_and_the_variance_1() {
    let case = case(IMAGES);
    let fresh = parse(IMAGES);
    let modes: Vec<BatchNormMode> =
        fresh.batch_norms().into_iter().map(|(_, _, mode)| mode.clone()).collect();
    assert_eq!(modes, [BatchNormMode::Running(None), BatchNormMode::Running(None)]);
    let loss = NetworkLoss::new(fresh.clone(), &case.data, &Device::cpu()).unwrap();
    let found = loss.loss(&case.theta).unwrap();
    // What is written is what is meant.
    let file = case.file.with_file_name("fresh.safetensors");
    let parts = [tensors(&fresh, &case.theta, ""), statistics(&fresh)].concat();
    save(&file, &parts, Dtype::F64).unwrap();
    let mut read = fresh;
    load_statistics(Some(&file), &mut read).unwrap();
    assert_ne!(read.batch_norms()[0].2, &BatchNormMode::Running(None));
    let loss = NetworkLoss::new(read, &case.data, &Device::cpu()).unwrap();
    let again = loss.loss(&case.theta).unwrap();
    assert!((again / found - 1.0).abs() < 1e-14, "{again} {found}");
}

#[test]
fn what_is_not_used_is_reported() {
    let case = case(IMAGES);
    let mut batch = parse(&IMAGES.replacen("mode = \"running\"", "mode = \"batch\"", 1));
    let remark = load_statistics(Some(&case.file), &mut batch).unwrap().unwrap();
    let text = remark.to_string();
    assert!(text.contains("1 batch norms, `0` the first, are not used"), "{text}");
    assert!(text.contains("mode = \"running\""), "{text}");
    let StatisticsRemark::Unused { norms, .. } = remark else { panic!("{remark:?}") };
    assert_eq!(norms, ["0"]);
    let unread = load_statistics(None, &mut batch).unwrap().unwrap();
    assert!(unread.to_string().contains("mean 0 and variance 1"), "{unread}");
}

#[test]
fn statistics_that_are_missing_or_wrong_are_refused() {
    let case = case(IMAGES);
    let complaint = |change: &dyn Fn(&mut Vec<Tensor>)| {
        let mut parts =
            [tensors(&case.network, &case.theta, ""), statistics(&case.network)].concat();
        change(&mut parts);
        let file = case.file.with_file_name("wrong.safetensors");
        save(&file, &parts, Dtype::F64).unwrap();
        let error = load_statistics(Some(&file), &mut parse(IMAGES)).unwrap_err();
        format!("{error}; {}", error.help.clone().unwrap_or_default())
    };
    let text = complaint(&|parts| parts.retain(|part| part.name != "4.running_var"));
    assert!(
        text.contains("no tensor `4.running_var`") && text.contains("mode = \"batch\""),
        "{text}"
    );
    let of = |parts: &mut Vec<Tensor>, name: &str| -> usize {
        parts.iter().position(|part| part.name == name).unwrap()
    };
    let text = complaint(&|parts| {
        let at = of(parts, "0.running_var");
        parts[at].values[1] = -0.5;
    });
    assert!(text.contains("`0.running_var` is -0.5 at 1"), "{text}");
    let text = complaint(&|parts| {
        let at = of(parts, "0.running_mean");
        parts[at].values[0] = f64::NAN;
    });
    assert!(text.contains("`0.running_mean` is NaN at [0]"), "{text}");
    let text = complaint(&|parts| {
        let at = of(parts, "0.running_mean");
        (parts[at].shape, parts[at].values) = (vec![3], vec![0.0; 3]);
    });
    assert!(text.contains("`0.running_mean` is [3], but layer 0"), "{text}");
}

#[test]
fn networks_of_the_library_run_too() {
    let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
    let find =
        |spec: &str| Architecture::find(spec, &[3, 32, 32], 10, criterion.clone(), Dtype::F32);
    let running = |network: &Architecture| {
        let norms = network.batch_norms();
        (norms.len(), norms.iter().filter(|norm| *norm.2 != BatchNormMode::Batch).count())
    };
    assert_eq!(running(&find("resnet18:relu").unwrap()), (20, 0));
    assert_eq!(running(&find("resnet18:relu,running").unwrap()), (20, 20));
    assert_eq!(running(&find("vgg11_bn:running").unwrap()), (8, 8));
    let error = find("vgg11:running").unwrap_err().to_string();
    assert!(error.contains("no batch norms"), "{error}");
    let head = "loss = \"cross_entropy\"\ninput = [3, 32, 32]\nout = 10\n";
    let text = format!("architecture = \"resnet18\"\nmode = \"running\"\n{head}");
    assert_eq!(running(&parse(&text)), (20, 20));
    let refused = |text: &str| {
        let error = Architecture::parse(&Source::new("net.toml", text)).unwrap_err();
        error.to_string()
    };
    let text = format!("architecture = \"vgg11\"\nmode = \"running\"\n{head}");
    assert!(refused(&text).contains("no key `mode`"), "{}", refused(&text));
    let text = IMAGES.replacen("mode = \"running\"", "mode = \"eval\"", 1);
    assert!(refused(&text).contains("no mode of batch norms `eval`"), "{}", refused(&text));
}

fn bea(folder: &Path, arguments: &str) -> (i32, String, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_bea"));
    let output = command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Every command takes the same statistics, and says which it does not take.
#[test]
fn commands_say_what_they_take() {
    let case = case(IMAGES);
    let folder = case.file.parent().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    write("net.toml", IMAGES.into());
    write("batch.toml", IMAGES.replace("mode = \"running\"", "mode = \"batch\""));
    let Targets::Values { values, .. } = &case.data.targets else { panic!("values") };
    let part = |name: &str, shape: &[usize], values: &[f64]| Tensor {
        name: name.into(),
        shape: shape.into(),
        values: values.into(),
    };
    let data = [
        part("inputs", &[5, 2, 3, 3], &case.data.rows_f64(0..5)),
        part("targets", &[5, 2], values),
    ];
    save(&folder.join("d.safetensors"), &data, Dtype::F64).unwrap();
    let with = "--data d.safetensors --weights w.safetensors";
    let (code, out, error) = bea(folder, &format!("evaluate --network net.toml {with}"));
    assert_eq!((code, error.as_str()), (0, ""));
    let expected = format!("{:.10}", by_hand(&case.theta, &case.data));
    assert!(out.contains(&expected), "{expected} in {out}");
    let (_, _, error) = bea(folder, &format!("evaluate --network batch.toml {with}"));
    assert!(error.contains("note:") && error.contains("`0` the first, are not used"), "{error}");
    let (_, _, error) = bea(folder, "evaluate --network net.toml --data d.safetensors");
    assert!(error.contains("which no file of weights gives"), "{error}");
    // A direction and vectors to start from have no statistics.
    for command in [
        "evaluate --quantities hvp --direction w.safetensors",
        "spectrum --top 1 --start-vectors w.safetensors",
    ] {
        let (code, _, error) = bea(folder, &format!("{command} --network net.toml {with}"));
        let said = error.contains("this file is read for its tensors of the parameters alone");
        assert!(code == 0 && said && error.contains("2 batch norms"), "{command}: {error}");
    }
    // A run starts from the same loss, and leaves weights that can be gone on from.
    write(
        "run.toml",
        "network = \"net.toml\"\ndata = \"d.safetensors\"\n[train]\nmethod = \"gd\"\nlr = 1e-6\nsteps = 2\n\
         weights = \"w.safetensors\"\n"
            .into(),
    );
    let (code, _, error) = bea(folder, "run run.toml --out r");
    assert_eq!((code, error.as_str()), (0, ""));
    let metrics = std::fs::read_to_string(folder.join("r/metrics.csv")).unwrap();
    let rows: Vec<f64> = metrics
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    assert!((rows[0] / by_hand(&case.theta, &case.data) - 1.0).abs() < 1e-13, "{rows:?}");
    let (_, out, error) = bea(
        folder,
        "evaluate --network net.toml --data d.safetensors --weights r/weights.safetensors",
    );
    assert!(error.is_empty() && out.contains(&format!("{:.10}", rows[2])), "{out}{error}");
    // Other statistics are another run.
    let mut parts = [tensors(&case.network, &case.theta, ""), statistics(&case.network)].concat();
    parts.last_mut().unwrap().values[0] += 1.0;
    save(&case.file, &parts, Dtype::F64).unwrap();
    let (code, _, error) = bea(folder, "run run.toml --out r --resume");
    assert!(code == 2 && error.contains("the file of running statistics"), "{error}");
}

/// splitmix64 of Steele, Lea and Flood (2014), one start for each number: in [-1, 1), as tests/pytorch/resnet18.py has them.
fn random(seed: usize, count: usize) -> Vec<f64> {
    let number = |i: u64| {
        let z = ((seed as u64) << 40).wrapping_add(i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-52) - 1.0
    };
    (0..count as u64).map(number).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// torchvision's ResNet-18 after `eval()`: loss, gradient and Hessian-vector product, as PyTorch computes them from the same
/// weights and running statistics.
#[test]
fn resnet18_agrees_with_pytorch() {
    let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
    let shape = [3, 64, 64];
    let mut network =
        Architecture::find("resnet18:relu,running", &shape, 10, criterion, Dtype::F64).unwrap();
    let mut theta = Vec::new();
    for (seed, parameter) in network.parameters.iter().enumerate() {
        let fan_in: usize = parameter.shape[1..].iter().product();
        let scale = (6.0 / fan_in as f64).sqrt();
        let start = if parameter.name.ends_with("weight") { 1.0 } else { 0.0 };
        theta.extend(random(seed, parameter.len()).iter().map(|x| match parameter.shape.len() {
            1 => 0.2 * x + start,
            _ => scale * x,
        }));
    }
    // Mean, variance and number of batches of each norm, in the order of the parameters.
    let scales =
        network.parameters.iter().filter(|p| p.shape.len() == 1 && p.name.ends_with("weight"));
    let mut parts = tensors(&network, &theta, "");
    for (norm, scale) in scales.enumerate() {
        let mut part = |buffer: &str, values: Vec<f64>| {
            let name = format!("{}.{buffer}", scale.layer());
            parts.push(Tensor { name, shape: scale.shape.clone(), values });
        };
        let channels = scale.len();
        part("running_mean", random(1000 + 3 * norm, channels).iter().map(|x| 0.3 * x).collect());
        let variance = random(1001 + 3 * norm, channels);
        part("running_var", variance.iter().map(|x| 1.0 + 0.5 * x).collect());
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.safetensors");
    save(&file, &parts, Dtype::F64).unwrap();
    assert_eq!(load_statistics(Some(&file), &mut network).unwrap(), None);
    let labels = (0..4).map(|i| i * 3 % 10).collect::<Vec<u32>>();
    let targets = Targets::Classes { labels, classes: 10 };
    let images = Values::F64(random(2000, 4 * 3 * 64 * 64));
    let data = Dataset::new("images", shape.to_vec(), images, targets).unwrap();
    let of_each = |first: usize| -> Vec<f64> {
        let parameters = network.parameters.iter().enumerate();
        parameters.flat_map(|(i, p)| random(first + i, p.len())).collect()
    };
    let (direction, probe) = (of_each(3000), of_each(4000));
    let loss = NetworkLoss::new(network.clone(), &data, &Device::cpu()).unwrap();
    let (value, gradient) = loss.gradient(&theta).unwrap();
    let product = loss.hessian_vectors(&theta, &[&direction]).unwrap().remove(0);

    let expected = include_str!("pytorch/resnet18.expected.txt");
    let lines: Vec<(&str, Vec<f64>)> = expected
        .lines()
        .map(|line| {
            let (name, numbers) = line.split_once(' ').unwrap();
            (name, numbers.split(' ').map(|x| x.parse().unwrap()).collect())
        })
        .collect();
    let near = |found: f64, expected: f64, size: f64, what: &str| {
        assert!((found - expected).abs() < 1e-11 * size, "{what}: {found} for {expected}");
    };
    near(value, lines[0].1[0], value, "loss");
    near(dot(&gradient, &direction), lines[1].1[0], 1e3, "slope");
    assert_eq!(lines.len(), 2 + network.parameters.len());
    for (parameter, (name, expected)) in network.parameters.iter().zip(&lines[2..]) {
        assert_eq!(parameter.name, *name);
        let at = parameter.range();
        for (vector, expected) in [(&gradient, &expected[..2]), (&product, &expected[2..])] {
            let part = &vector[at.clone()];
            let norm = dot(part, part).sqrt();
            near(norm, expected[1], norm, name);
            near(
                dot(part, &probe[at.clone()]),
                expected[0],
                norm * (part.len() as f64).sqrt(),
                name,
            );
        }
    }
}

/// A vector of the form of the parameters has no use for the statistics beside it.
#[test]
fn statistics_beside_a_direction_are_said_to_be_unused() {
    let case = case(IMAGES);
    let remark = unused_statistics(&case.file, &case.network).unwrap().unwrap().to_string();
    assert!(
        remark.contains("the running statistics of 2 batch norms, `0` the first, are not used")
    );
    let plain = case.file.with_file_name("plain.safetensors");
    save(&plain, &tensors(&case.network, &case.theta, ""), Dtype::F64).unwrap();
    assert_eq!(unused_statistics(&plain, &case.network).unwrap(), None);
}
