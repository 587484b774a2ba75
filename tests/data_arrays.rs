//! Arrays of other programs: their names, the order of their axes, and their labels.

use bea::network::data::{Dataset, Remark, Targets, open};
use npyz::WriterBuilder;
use std::io::Write;
use std::path::Path;

fn npy<T: npyz::AutoSerialize + Copy>(shape: &[u64], numbers: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(shape);
    let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
    writer.extend(numbers.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

fn npz(file: &Path, arrays: &[(&str, Vec<u8>)]) -> String {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(file).unwrap());
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
    file.to_str().unwrap().to_string()
}

fn refused(specification: &str) -> String {
    let error = open(specification).expect_err(specification);
    let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
    format!("{error}; {}", help.unwrap_or_default())
}

fn classes(set: &Dataset) -> (Vec<u32>, usize) {
    match &set.targets {
        Targets::Classes { labels, classes } => (labels.clone(), *classes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn arrays_of_other_names_are_proposed_and_chosen() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("d.npz");
    let (x, y) = (npy(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), npy(&[2], &[0_i64, 1]));
    // Keras' names, scikit-learn's, MedMNIST's and PyTorch's.
    for (inputs, targets) in [
        ("x_train", "y_train"),
        ("X_train", "y_train"),
        ("X", "y"),
        ("data", "target"),
        ("train_images", "train_labels"),
        ("images", "labels"),
        ("one", "other"),
    ] {
        let path = npz(&file, &[(inputs, x.clone()), (targets, y.clone())]);
        let message = refused(&path);
        let options = format!(",inputs={inputs},target={targets}");
        assert!(message.contains(&format!("`{options}` after the data")), "{message}");
        let set = open(&(path + &options)).unwrap();
        assert_eq!((set.rows_f64(0..2), classes(&set).0), (vec![1.0, 2.0, 3.0, 4.0], vec![0, 1]));
        assert!(set.remarks.is_empty());
    }
    // One of the two has the usual name.
    let path = npz(&file, &[("inputs", x.clone()), ("labels", y.clone())]);
    assert!(refused(&path).contains("`,target=labels` after the data"), "{}", refused(&path));
    assert!(open(&(path.clone() + ",target=labels")).is_ok());
    assert!(refused(&(path + ",target=lables")).contains("no array `lables`; it holds"));
    assert!(refused("iris,inputs=x").contains("only .npz and .safetensors files have arrays"));
}

#[test]
fn arrays_that_are_not_used_are_named() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("d.npz");
    let (x, y) = (npy(&[2, 1], &[1.0, 2.0]), npy(&[2], &[0_i64, 1]));
    let arrays = [
        ("x_train", x.clone()),
        ("y_train", y.clone()),
        ("x_test", x.clone()),
        ("y_test", y.clone()),
    ];
    let path = npz(&file, &arrays);
    let message = refused(&path);
    assert!(message.contains("`,inputs=x_train,target=y_train`"), "{message}");
    let set = open(&(path + ",inputs=x_train,target=y_train")).unwrap();
    let notes: Vec<String> = set.remarks.iter().map(Remark::note).collect();
    assert!(notes.len() == 1 && notes[0].contains("`x_test`, `y_test` are not used"), "{notes:?}");
    let path = npz(&file, &[("inputs", x), ("targets", y), ("weights", npy(&[2], &[1.0, 2.0]))]);
    let set = open(&path).unwrap();
    assert!(set.remarks[0].to_string().contains("`weights` is not used"), "{:?}", set.remarks);
}

/// The pixel of channel `c`, row `y` and column `x` of image `n` is `1000 n + 100 c + 10 y + x`.
fn images(count: usize, [c, h, w]: [usize; 3], channels_last: bool) -> Vec<f32> {
    let sizes = if channels_last { [h, w, c] } else { [c, h, w] };
    let mut out = Vec::new();
    for n in 0..count {
        for i in 0..sizes[0] {
            for j in 0..sizes[1] {
                for k in 0..sizes[2] {
                    let [c, y, x] = if channels_last { [k, i, j] } else { [i, j, k] };
                    out.push((1000 * n + 100 * c + 10 * y + x) as f32);
                }
            }
        }
    }
    out
}

#[test]
fn channels_may_be_last() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("d.npz");
    let labels = npy(&[2], &[0_i64, 1]);
    for [c, h, w] in [[3, 6, 7], [1, 8, 8], [4, 5, 5], [3, 32, 32]] {
        let (last, first) = (images(2, [c, h, w], true), images(2, [c, h, w], false));
        let shape = [2, h as u64, w as u64, c as u64];
        let path = npz(&file, &[("inputs", npy(&shape, &last)), ("targets", labels.clone())]);
        let set = open(&path).unwrap();
        let [remark @ Remark::ChannelsLast { .. }] = &set.remarks[..] else {
            panic!("{:?}", set.remarks)
        };
        assert!(remark.note().contains("`,layout=nhwc`"), "{}", remark.note());
        let set = open(&format!("{path},layout=nhwc")).unwrap();
        assert_eq!((&set.shape[..], set.remarks.len()), (&[c, h, w][..], 0));
        assert_eq!(set.rows_f32(0..2), first);
        let set = open(&format!("{path},layout=nchw")).unwrap();
        assert_eq!((&set.shape[..], set.remarks.len()), (&[h, w, c][..], 0));
        assert_eq!(set.rows_f32(0..2), last);
        // The channels decide what mean 0 and variance 1 are of.
        assert!(refused(&format!("{path},scale=standard")).contains("layout=nhwc"));
        let set = open(&format!("{path},layout=nhwc,scale=standard")).unwrap();
        let pixels = set.rows_f64(0..2);
        for channel in 0..c {
            let own: Vec<f64> = (0..2)
                .flat_map(|n| &pixels[(n * c + channel) * h * w..(n * c + channel + 1) * h * w])
                .copied()
                .collect();
            let mean = own.iter().sum::<f64>() / own.len() as f64;
            assert!(mean.abs() < 1e-12, "{mean}");
        }
    }
    // Images that are as likely, or certainly, channels first say nothing.
    for shape in [[2, 3, 32, 32], [2, 1, 28, 28], [2, 3, 8, 3], [2, 32, 4, 4], [2, 16, 5, 5]] {
        let size = shape.iter().product::<u64>() as usize;
        let numbers = npy(&shape, &vec![0.5_f32; size]);
        let path = npz(&file, &[("inputs", numbers), ("targets", labels.clone())]);
        assert!(open(&path).unwrap().remarks.is_empty(), "{shape:?}");
    }
    // Without an axis of channels there is one.
    let path =
        npz(&file, &[("inputs", npy(&[2, 5, 6], &[0.5_f32; 60])), ("targets", labels.clone())]);
    assert_eq!(open(&format!("{path},layout=nhwc")).unwrap().shape, [1, 5, 6]);
    let path = npz(&file, &[("inputs", npy(&[2, 5], &[0.5_f32; 10])), ("targets", labels)]);
    assert!(refused(&format!("{path},layout=nhwc")).contains("shape [5] are no images"));
    assert!(refused(&format!("{path},layout=nwhc")).contains("`nchw`, `nhwc`"));
    assert!(refused("iris,layout=nhwc").contains("only .npz and .safetensors"));
}

#[test]
fn labels_are_checked() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("d.npz");
    let x = npy(&[4, 1], &[1.0, 2.0, 3.0, 4.0]);
    let path = npz(&file, &[("inputs", x.clone()), ("targets", npy(&[4], &[1_u8, 2, 3, 1]))]);
    let set = open(&path).unwrap();
    assert!(matches!(set.remarks[..], [Remark::LabelsNotFromZero { classes: 4, .. }]));
    assert_eq!(classes(&open(&format!("{path},labels=1")).unwrap()), (vec![0, 1, 2, 0], 3));
    let floats = npy(&[4], &[0.0_f32, 1.0, 1.0, 2.0]);
    let path = npz(&file, &[("inputs", x), ("targets", floats)]);
    assert!(matches!(open(&path).unwrap().remarks[..], [Remark::WholeTargets { .. }]));
    assert_eq!(classes(&open(&format!("{path},targets=classes")).unwrap()).1, 3);
}

/// A shape is compared with the bytes that are there before anything is allocated for it.
#[test]
fn shapes_that_promise_too_much_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("d.npz");
    let labels = npy(&[1], &[0_i64]);
    for count in [1_u64 << 33, 1 << 40, u64::MAX / 4] {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({count}, 8), }}");
        let header = format!("{header:<117}\n");
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(1.0_f64.to_le_bytes());
        let path = npz(&file, &[("inputs", bytes), ("targets", labels.clone())]);
        let message = refused(&path);
        assert!(
            message.contains("cannot be read") && message.contains("shape"),
            "{count}: {message}"
        );
    }
}

#[test]
fn other_files_are_refused_with_the_line_that_converts_them() {
    let place = tempfile::tempdir().unwrap();
    for (name, said) in
        [("d.pt", "torch.load("), ("d.pth", "weights_only=True"), ("d.npy", "numpy.savez")]
    {
        let file = place.path().join(name);
        std::fs::write(&file, b"PK\x03\x04").unwrap();
        let message = refused(file.to_str().unwrap());
        assert!(message.contains(said), "{message}");
    }
}

/// A loss of every pixel, of targets in every order that people have: only those with the outputs last are taken.
#[test]
fn targets_of_pixels_have_their_outputs_last() {
    use bea::network::architecture::Architecture;
    use bea::network::{NetworkLoss, device::Device};
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("d.npz");
    let numbers: Vec<f64> = (0..96).map(|i| f64::from(i % 7) / 7.0).collect();
    for loss in ["mse", "binary_cross_entropy"] {
        let text = format!(
            "loss = \"{loss}\"\ndtype = \"f64\"\ninput = [1, 4, 4]\nlayer = [{{ type = \"conv2d\", out = 2, kernel = 1 }}, {{ type = \"tokens\" }}]\n"
        );
        let network = Architecture::parse(&bea::source::Source::new("net.toml", text)).unwrap();
        let theta = vec![0.5; network.len()];
        let of = |shape: &[u64]| {
            let (x, y) = (npy(&[3, 1, 4, 4], &numbers[..48]), npy(shape, &numbers));
            let data = open(&npz(&file, &[("inputs", x), ("targets", y)])).unwrap();
            NetworkLoss::new(network.clone(), &data, &Device::cpu())
                .map(|network| network.loss(&theta).unwrap())
        };
        let right = of(&[3, 16, 2]).unwrap();
        assert_eq!(of(&[3, 4, 4, 2]).unwrap(), right);
        for wrong in [&[3, 2, 4, 4][..], &[3, 2, 16], &[3, 8, 4]] {
            let error = of(wrong).unwrap_err();
            assert!(
                error.to_string().contains(&format!("targets of shape {:?}", &wrong[1..])),
                "{error}"
            );
            let help = miette::Diagnostic::help(&error).unwrap().to_string();
            assert!(help.contains("targets are [16, 2]"), "{help}");
        }
    }
}
