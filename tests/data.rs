//! Data sets: every format read back from files that the tests write, and faulty files refused.

mod needs;

use bea::network::data::{
    DataError, Dataset, Inputs, Scaling, Summary, TargetSummary, Targets, Values, known, open,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use npyz::WriterBuilder;
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The message and the advice of an error, in one text.
fn said(specification: &str) -> String {
    let error = open(specification).expect_err(specification);
    let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
    format!("{error}\n{}", help.unwrap_or_default())
}

fn assert_said(specification: &str, parts: &[&str]) {
    let text = said(specification);
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

fn labels(set: &Dataset) -> (&[u32], usize) {
    match &set.targets {
        Targets::Classes { labels, classes } => (labels, *classes),
        other => panic!("{other:?} are no labels"),
    }
}

fn values(set: &Dataset) -> (&[f64], usize) {
    match &set.targets {
        Targets::Values { values, width } => (values, *width),
        other => panic!("{other:?} are no values"),
    }
}

// The built-in tables

#[test]
fn iris_has_fishers_values() {
    let set = open("iris").unwrap();
    assert_eq!((set.len(), &set.shape[..], set.width()), (150, &[4][..], 4));
    // Samples 35 and 38, which UCI's file misprints.
    assert_eq!(set.rows_f64(34..35), [4.9, 3.1, 1.5, 0.2]);
    assert_eq!(set.rows_f64(37..38), [4.9, 3.6, 1.4, 0.1]);
    let (labels, classes) = labels(&set);
    assert_eq!(classes, 3);
    for class in 0..3 {
        assert_eq!(labels.iter().filter(|l| **l == class).count(), 50);
    }
    // Means and standard deviations as published with the table.
    for (column, mean, deviation) in
        [(0, 5.84, 0.83), (1, 3.05, 0.43), (2, 3.76, 1.76), (3, 1.20, 0.76)]
    {
        let all = set.rows_f64(0..150);
        let column: Vec<f64> = all.chunks(4).map(|row| row[column]).collect();
        let found = column.iter().sum::<f64>() / 150.0;
        let squares: f64 = column.iter().map(|x| (x - found).powi(2)).sum();
        assert!((found - mean).abs() < 0.01, "{found}");
        assert!(((squares / 149.0).sqrt() - deviation).abs() < 0.01, "{squares}");
    }
}

#[test]
fn the_tables_that_come_with_the_program() {
    let cancer = open("breast_cancer").unwrap();
    assert_eq!((cancer.len(), &cancer.shape[..]), (569, &[30][..]));
    let (benign, classes) = labels(&cancer);
    // 212 malignant and 357 benign tumours, says UCI.
    assert_eq!((benign.iter().sum::<u32>(), classes), (357, 2));
    let digits = open("digits").unwrap();
    assert_eq!((digits.len(), &digits.shape[..]), (1797, &[1, 8, 8][..]));
    // The first digit is a zero; its first row of pixels, of 16 shades.
    assert_eq!(labels(&digits).1, 10);
    assert_eq!(labels(&digits).0[..4], [0, 1, 2, 3]);
    let shades = [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0];
    assert_eq!(digits.rows_f64(0..1)[..8], shades.map(|s| s / 16.0));
    assert_eq!(open("digits,scale=raw").unwrap().rows_f64(0..1)[..8], shades);
    // How many there are of each, as UCI counts its test set.
    let counts: Vec<usize> =
        (0..10).map(|d| labels(&digits).0.iter().filter(|l| **l == d).count()).collect();
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
}

#[test]
fn what_is_known_is_what_is_read() {
    for known in known::KNOWN.iter().filter(|k| k.storage == known::Storage::BuiltIn) {
        let set = open(known.name).unwrap();
        assert_eq!((set.len(), &set.shape[..]), (known.examples.0, known.shape), "{}", known.name);
        assert_eq!(labels(&set).1, known.classes.len());
        assert_eq!(set.class_names, known.classes);
    }
}

#[test]
fn standard_columns_have_mean_0_and_variance_1() {
    for name in ["iris", "breast_cancer"] {
        let raw = open(name).unwrap();
        let set = open(&format!("{name},scale=standard")).unwrap();
        let (n, width) = (set.len(), set.width());
        let (rows, raw) = (set.rows_f64(0..n), raw.rows_f64(0..n));
        for column in 0..width {
            let x: Vec<f64> = rows.iter().skip(column).step_by(width).copied().collect();
            let mean = x.iter().sum::<f64>() / n as f64;
            let variance = x.iter().map(|x| x * x).sum::<f64>() / n as f64;
            assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12, "{mean} {variance}");
            // An affine, growing map: the same slope from the first example to all others.
            let raw: Vec<f64> = raw.iter().skip(column).step_by(width).copied().collect();
            let other = raw.iter().position(|r| *r != raw[0]).unwrap();
            let slope = (x[other] - x[0]) / (raw[other] - raw[0]);
            assert!(slope > 0.0);
            for i in 0..n {
                let expected = x[0] + slope * (raw[i] - raw[0]);
                assert!((x[i] - expected).abs() < 1e-9, "{} {expected}", x[i]);
            }
        }
        // A part of the examples is scaled as the whole is.
        let part = open(&format!("{name},scale=standard,skip=5,first=7")).unwrap();
        assert_eq!(part.len(), 7);
        assert_eq!(part.rows_f64(0..7), set.rows_f64(5..12));
    }
}

// IDX

fn idx(magic: u32, axes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_be_bytes().to_vec();
    axes.iter().for_each(|axis| bytes.extend(axis.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// `n` images whose pixels count up, labelled 0, 1, …, 9, 0, …
fn images(n: usize) -> (Vec<u8>, Vec<u8>) {
    let pixels: Vec<u8> = (0..n * 784).map(|i| (i % 251) as u8).collect();
    let labels: Vec<u8> = (0..n).map(|i| (i % 10) as u8).collect();
    (idx(0x803, &[n as u32, 28, 28], &pixels), idx(0x801, &[n as u32], &labels))
}

#[test]
fn mnist_is_read_plain_or_compressed() {
    let (pixels, tags) = images(12);
    let plain = folder();
    write(&plain, "train-images-idx3-ubyte", &pixels);
    write(&plain, "train-labels-idx1-ubyte", &tags);
    write(&plain, "t10k-images-idx3-ubyte", &images(3).0);
    write(&plain, "t10k-labels-idx1-ubyte", &images(3).1);
    let packed = folder();
    write(&packed, "train-images-idx3-ubyte.gz", &gzip(&pixels));
    write(&packed, "train-labels.idx1-ubyte", &tags);
    let set = open(&format!("mnist:{}", plain.path().display())).unwrap();
    assert_eq!((set.len(), &set.shape[..]), (12, &[1, 28, 28][..]));
    assert_eq!(labels(&set), (&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1][..], 10));
    let expected: Vec<f64> = (0..12 * 784).map(|i| f64::from((i % 251) as u8) / 255.0).collect();
    assert_eq!(set.rows_f64(0..12), expected);
    assert_eq!(
        set.rows_f32(3..5),
        set.rows_f64(3..5).iter().map(|x| *x as f32).collect::<Vec<_>>()
    );
    assert!(matches!(set.inputs.values(), Values::Bytes(_)), "images take a byte a pixel");
    let other = open(&format!("mnist:{}", packed.path().display())).unwrap();
    assert_eq!((&other.inputs, &other.targets), (&set.inputs, &set.targets));
    let test = open(&format!("mnist:{},split=test", plain.path().display())).unwrap();
    assert_eq!(test.len(), 3);
    // The test images are scaled as the training images are.
    let standard = |split| {
        open(&format!("mnist:{},split={split},scale=standard", plain.path().display())).unwrap()
    };
    assert_eq!(standard("train").inputs.scaling(), standard("test").inputs.scaling());
    assert_eq!(standard("train").rows_f64(0..3), standard("test").rows_f64(0..3));
}

#[test]
fn faulty_idx_files_are_explained() {
    let (pixels, tags) = images(4);
    let place = |images: &[u8], labels: &[u8]| {
        let folder = folder();
        write(&folder, "train-images-idx3-ubyte", images);
        write(&folder, "train-labels-idx1-ubyte", labels);
        folder
    };
    let message = |folder: &TempDir| said(&format!("fashion_mnist:{}", folder.path().display()));
    let cases: [(TempDir, &[&str]); 8] = [
        (place(&tags, &tags), &["magic number is 0x00000801", "0x00000803", "3 axes"]),
        (place(&pixels, &pixels), &["magic number is 0x00000803", "0x00000801", "1 axes"]),
        (place(&pixels[..10], &tags), &["ends within its header, after 10 bytes", "16 bytes"]),
        (place(&pixels[..100], &tags), &["4 x 28 x 28 = 3136 bytes, but it ends after 84 of them"]),
        (place(&[&pixels[..], b"!"].concat(), &tags), &["3136 bytes, but it goes on"]),
        (place(&pixels, &images(5).1), &["4 images, but 5 labels"]),
        (place(&idx(0x803, &[4, 2, 3], &[0; 24]), &tags), &["2 x 3 pixels", "28 x 28"]),
        (
            place(&pixels, &idx(0x801, &[4], &[0, 1, 10, 3])),
            &["train-labels", "label of row 2 is 10, but there are 10 classes", "may be 9"],
        ),
    ];
    for (folder, parts) in &cases {
        let text = message(folder);
        for part in *parts {
            assert!(text.contains(part), "no `{part}` in: {text}");
        }
    }
    let huge = place(&idx(0x803, &[u32::MAX; 3], &[]), &tags);
    assert!(message(&huge).contains("less than 1 TiB"));
    let broken = folder();
    let mut gz = gzip(&pixels);
    // The first byte of its checksum.
    let at = gz.len() - 8;
    gz[at] ^= 0x55;
    write(&broken, "train-images-idx3-ubyte.gz", &gz);
    write(&broken, "train-labels-idx1-ubyte.gz", &gzip(&tags));
    assert!(message(&broken).contains("cannot be unpacked"), "{}", message(&broken));
    write(&broken, "train-images-idx3-ubyte.gz", &gzip(&pixels)[..60]);
    assert!(message(&broken).contains("cannot be unpacked"), "{}", message(&broken));
    let empty = folder();
    for part in ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "bea data --help"] {
        assert!(message(&empty).contains(part), "{}", message(&empty));
    }
    assert_said(
        "mnist:/no/such/folder",
        &["no file or folder /no/such/folder", "no folder /no/such"],
    );
}

// CIFAR-10

#[test]
fn cifar_batches_are_read_in_order() {
    // A label, then the red, the green and the blue plane.
    let record = |first: u8, r: u8| {
        let plane = |channel: u8| vec![first * 10 + r + 80 * channel; 1024];
        [vec![(first + r) % 10], plane(0), plane(1), plane(2)].concat()
    };
    // Two such examples and as many of zeros as there must be, which take no room on the disk.
    let write = |path: PathBuf, first: u8, examples: u64| {
        let mut file = std::fs::File::create(path).unwrap();
        file.write_all(&[record(first, 0), record(first, 1)].concat()).unwrap();
        file.set_len(3073 * examples).unwrap();
    };
    let place = folder();
    let inner = place.path().join("cifar-10-batches-bin");
    std::fs::create_dir(&inner).unwrap();
    let batch = |i: u8| inner.join(format!("data_batch_{i}.bin"));
    for i in 1..=5 {
        write(batch(i), i, 10_000);
    }
    write(inner.join("test_batch.bin"), 6, 10_000);
    // The folder that the archive makes, or the one that it is in.
    for path in [place.path(), &inner] {
        let set = open(&format!("cifar10:{},scale=raw", path.display())).unwrap();
        assert_eq!((set.len(), &set.shape[..]), (50_000, &[3, 32, 32][..]));
        let (all, classes) = labels(&set);
        assert_eq!(classes, 10);
        for first in 1..=5_u8 {
            for r in 0..2 {
                let at = (usize::from(first) - 1) * 10_000 + usize::from(r);
                assert_eq!(all[at], u32::from(first + r));
                let bytes = &record(first, r)[1..];
                let numbers: Vec<f64> = bytes.iter().map(|b| f64::from(*b)).collect();
                assert_eq!(set.rows_f64(at..at + 1), numbers);
            }
        }
        let test = open(&format!("cifar10:{},split=test", path.display())).unwrap();
        let planes = [61.0, 141.0, 221.0].map(|value| vec![value / 255.0; 1024]);
        assert_eq!(test.rows_f64(1..2), planes.concat());
    }
    let name = format!("cifar10:{}", place.path().display());
    // Cut within an example, and between two of them.
    std::fs::write(batch(3), &[record(3, 0), record(3, 1)].concat()[..5000]).unwrap();
    assert_said(&name, &["data_batch_3.bin", "5000 bytes are 1 examples and 1927 bytes", "3073"]);
    write(batch(3), 3, 9_999);
    assert_said(&name, &["data_batch_3.bin", "has 9999 examples", "10000 examples of 3073 bytes"]);
    std::fs::File::create(batch(3)).unwrap();
    assert_said(&name, &["data_batch_3.bin", "has 0 examples"]);
    write(batch(3), 10, 10_000);
    std::fs::OpenOptions::new().write(true).open(batch(3)).unwrap().write_all(&[10]).unwrap();
    assert_said(&name, &["label of row 20000 is 10"]);
    std::fs::remove_file(batch(3)).unwrap();
    assert_said(&name, &["no file or folder", "data_batch_3.bin", "bea data --help"]);
}

// Files with arrays

/// The bytes of a `.safetensors` file.
fn tensors(arrays: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
    let views = arrays.iter().map(|(name, dtype, shape, bytes)| {
        (*name, TensorView::new(*dtype, shape.to_vec(), bytes).unwrap())
    });
    serialize(views, None).unwrap()
}

fn f64s(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn f32s(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn i64s(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// 0, 1, …, 5 in IEEE binary16.
const HALVES: [u16; 6] = [0x0000, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500];

#[test]
fn safetensors_of_every_type() {
    let place = folder();
    let numbers = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let small = |width: usize| -> Vec<u8> {
        (0..6_u8).flat_map(|n| [vec![n], vec![0; width - 1]].concat()).collect()
    };
    let types = [
        (Dtype::F64, f64s(&numbers)),
        (Dtype::F32, f32s(&numbers.map(|x| x as f32))),
        (Dtype::I64, small(8)),
        (Dtype::I32, small(4)),
        (Dtype::I16, small(2)),
        (Dtype::I8, small(1)),
        (Dtype::U64, small(8)),
        (Dtype::U32, small(4)),
        (Dtype::U16, small(2)),
        (Dtype::U8, small(1)),
        // The upper halves of 32-bit numbers; and one of 11 bits, of which these are exact.
        (
            Dtype::BF16,
            numbers.iter().flat_map(|x| (*x as f32).to_le_bytes()[2..].to_vec()).collect(),
        ),
        (Dtype::F16, HALVES.iter().flat_map(|x| x.to_le_bytes()).collect()),
    ];
    for (dtype, bytes) in types {
        let file = tensors(&[
            ("inputs", dtype, &[3, 2], bytes.clone()),
            ("targets", Dtype::I64, &[3], i64s(&[2, 0, 1])),
        ]);
        let set = open(&write(&place, "d.safetensors", &file)).unwrap();
        assert_eq!((set.rows_f64(0..3), &set.shape[..]), (numbers.to_vec(), &[2][..]), "{dtype:?}");
        assert_eq!(labels(&set), (&[2, 0, 1][..], 3));
        // The same numbers as targets of two columns.
        let file = tensors(&[
            ("inputs", Dtype::F32, &[3, 1, 2, 2], f32s(&[0.5; 12])),
            ("targets", dtype, &[3, 2], bytes),
        ]);
        let set = open(&write(&place, "d.safetensors", &file)).unwrap();
        assert_eq!(&set.shape[..], [1, 2, 2]);
        assert_eq!(values(&set), (&numbers[..], 2), "{dtype:?}");
    }
    // One number an example, of a type that labels are not of; and the other reading of each.
    let file = tensors(&[
        ("inputs", Dtype::F64, &[3], f64s(&[1.0, 2.0, 3.0])),
        ("targets", Dtype::F64, &[3], f64s(&[1.0, 0.0, 4.0])),
    ]);
    let path = write(&place, "d.safetensors", &file);
    assert_eq!(values(&open(&path).unwrap()), (&[1.0, 0.0, 4.0][..], 1));
    assert_eq!(labels(&open(&format!("{path},targets=classes")).unwrap()), (&[1, 0, 4][..], 5));
    let file = tensors(&[
        ("inputs", Dtype::F64, &[3], f64s(&[1.0, 2.0, 3.0])),
        ("targets", Dtype::I64, &[3], i64s(&[-7, 0, 4])),
    ]);
    let path = write(&place, "d.safetensors", &file);
    assert_eq!(values(&open(&format!("{path},targets=values")).unwrap()).0, [-7.0, 0.0, 4.0]);
    assert_said(&path, &["target of row 0, -7, is no label", "targets=values"]);
}

#[test]
fn faulty_arrays_are_explained() {
    let place = folder();
    let file = |arrays: &[(&str, Dtype, &[usize], Vec<u8>)]| {
        write(&place, "d.safetensors", &tensors(arrays))
    };
    let inputs = ("inputs", Dtype::F64, &[3, 2][..], f64s(&[0.0; 6]));
    let path = file(&[inputs.clone(), ("target", Dtype::I64, &[3], i64s(&[0; 3]))]);
    assert_said(&path, &["no array `targets`", "it holds", "`target`"]);
    let path = file(&[inputs.clone(), ("targets", Dtype::I64, &[2], i64s(&[0; 2]))]);
    assert_said(&path, &["[3, 2], 3 examples", "shape [2], 2", "first axis"]);
    let path = file(&[inputs.clone(), ("targets", Dtype::I64, &[], i64s(&[0]))]);
    assert_said(&path, &["first axis"]);
    let path = file(&[inputs.clone(), ("targets", Dtype::F8_E4M3, &[3], vec![0; 3])]);
    assert_said(&path, &["`targets`", "F8_E4M3", "F64, F32"]);
    let path = file(&[inputs.clone(), ("targets", Dtype::F64, &[3], f64s(&[0.0, 1.0, f64::NAN]))]);
    assert_said(&path, &["target of row 2, column 0, is NaN"]);
    assert_said(&format!("{path},targets=classes"), &["row 2, NaN, is no label"]);
    let path = file(&[inputs, ("targets", Dtype::I64, &[3, 2], i64s(&[0; 6]))]);
    assert_said(&format!("{path},targets=classes"), &["[3, 2]", "one number an example"]);
    let mut numbers = [0.0; 6];
    numbers[3] = f64::INFINITY;
    let targets = ("targets", Dtype::I64, &[3][..], i64s(&[0; 3]));
    let path = file(&[("inputs", Dtype::F64, &[3, 2], f64s(&numbers)), targets.clone()]);
    assert_said(&path, &["input of row 1, column 1, is inf"]);
    let numbers = numbers.map(|x| -x as f32);
    let path = file(&[("inputs", Dtype::F32, &[3, 2], f32s(&numbers)), targets.clone()]);
    assert_said(&path, &["input of row 1, column 1, is -inf"]);
    let path =
        file(&[("inputs", Dtype::F32, &[0, 2], vec![]), ("targets", Dtype::I64, &[0], vec![])]);
    assert_said(&path, &["no example"]);
    let path = file(&[("inputs", Dtype::F32, &[3, 0], vec![]), targets]);
    assert_said(&path, &["shape [0]"]);
    let path =
        write(&place, "d.safetensors", &tensors(&[("inputs", Dtype::F32, &[1], vec![0; 4])])[..20]);
    assert_said(&path, &["corrupt", "header promises", "bytes, but it has 20"]);
    let whole = tensors(&[("inputs", Dtype::F32, &[1], vec![0; 4])]);
    let path = write(&place, "d.safetensors", &whole[..whole.len() - 1]);
    assert_said(
        &path,
        &[&format!("promises {} bytes, but it has {}", whole.len(), whole.len() - 1)],
    );
}

/// The bytes of a `.npz` file, its entries compressed or not.
fn npz(arrays: &[(&str, Vec<u8>)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn npy<T: npyz::AutoSerialize + Copy>(shape: &[u64], numbers: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(numbers.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn npz_of_every_type() {
    let place = folder();
    let arrays = [
        npy(&[3, 2], &[0.0_f64, 1.0, 2.0, 3.0, 4.0, 5.0]),
        npy(&[3, 2], &[0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]),
        npy(&[3, 2], &[0_i64, 1, 2, 3, 4, 5]),
        npy(&[3, 2], &[0_i32, 1, 2, 3, 4, 5]),
        npy(&[3, 2], &[0_i16, 1, 2, 3, 4, 5]),
        npy(&[3, 2], &[0_i8, 1, 2, 3, 4, 5]),
        npy(&[3, 2], &[0_u64, 1, 2, 3, 4, 5]),
        npy(&[3, 2], &[0_u32, 1, 2, 3, 4, 5]),
        npy(&[3, 2], &[0_u16, 1, 2, 3, 4, 5]),
        npy(&[3, 2], &[0_u8, 1, 2, 3, 4, 5]),
        npy(&[3, 2], &HALVES.map(npyz::half::f16::from_bits)),
    ];
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        for inputs in &arrays {
            let targets = npy(&[3], &[1_u64, 0, 2]);
            let file = npz(&[("inputs", inputs.clone()), ("targets", targets)], method);
            let set = open(&write(&place, "d.npz", &file)).unwrap();
            assert_eq!(set.rows_f64(0..3), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
            assert_eq!((labels(&set), &set.shape[..]), ((&[1, 0, 2][..], 3), &[2][..]));
        }
    }
    let bytes = npz(
        &[("inputs", npy(&[1, 2], &[0_u8, 255])), ("targets", npy(&[1], &[0.5]))],
        zip::CompressionMethod::Stored,
    );
    let path = write(&place, "d.npz", &bytes);
    assert_eq!(open(&path).unwrap().rows_f64(0..1), [0.0, 255.0]);
    assert_eq!(open(&format!("{path},scale=unit")).unwrap().rows_f64(0..1), [0.0, 1.0]);
}

/// Column by column, as NumPy stores a transposed array.
#[test]
fn npz_in_fortran_order() {
    let place = folder();
    let fortran = |shape: &[u64], numbers: &[f64]| {
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().default_dtype().order(npyz::Order::Fortran);
        let mut writer = options.shape(shape).writer(&mut bytes).begin_nd().unwrap();
        writer.extend(numbers.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
    };
    // The element [i, j, k] is 100 i + 10 j + k.
    let number = |i: usize, j: usize, k: usize| (100 * i + 10 * j + k) as f64;
    let (mut stored, mut expected) = (Vec::new(), Vec::new());
    for c in 0..24 {
        stored.push(number(c % 2, c / 2 % 3, c / 6));
        expected.push(number(c / 12, c / 4 % 3, c % 4));
    }
    let arrays = [
        ("inputs", fortran(&[2, 3, 4], &stored)),
        ("targets", fortran(&[2, 2], &[1.0, 3.0, 2.0, 4.0])),
    ];
    let bytes = npz(&arrays, zip::CompressionMethod::Stored);
    let set = open(&write(&place, "d.npz", &bytes)).unwrap();
    assert_eq!((set.rows_f64(0..2), &set.shape[..]), (expected, &[3, 4][..]));
    assert_eq!(values(&set), (&[1.0, 2.0, 3.0, 4.0][..], 2));
}

#[test]
fn npz_of_numpy_itself() {
    let place = folder();
    let path = place.path().join("numpy.npz");
    let program = "import numpy, sys\n\
        inputs = numpy.arange(24, dtype='>f8').reshape(4, 3, 2) / 7\n\
        numpy.savez_compressed(sys.argv[1], inputs=inputs, targets=numpy.array([0, 1, 1, 2]))";
    let Some(mut python) = needs::python() else { return };
    assert!(python.args(["-c", program]).arg(&path).status().unwrap().success());
    let set = open(path.to_str().unwrap()).unwrap();
    assert_eq!((set.len(), &set.shape[..]), (4, &[3, 2][..]));
    assert_eq!(set.rows_f64(0..4), (0..24).map(|i| f64::from(i) / 7.0).collect::<Vec<_>>());
    assert_eq!(labels(&set), (&[0, 1, 1, 2][..], 3));
}

#[test]
fn faulty_npz_files_are_explained() {
    let place = folder();
    let stored = zip::CompressionMethod::Stored;
    let targets = npy(&[2], &[0_i64, 1]);
    let path = write(&place, "d.npz", &npz(&[("x_train", targets.clone())], stored));
    assert_said(&path, &["no array `inputs`", "it holds `x_train`"]);
    let path = write(&place, "d.npz", b"not a zip archive");
    assert_said(&path, &["17 bytes are no zip archive", "numpy.savez"]);
    let arrays = [("inputs", npy(&[3], &[0.0; 3])), ("targets", targets.clone())];
    assert_said(&write(&place, "d.npz", &npz(&arrays, stored)), &["3 examples", "shape [2], 2"]);
    // One of the numbers is changed within the archive, whose checksum tells.
    let arrays = [("inputs", npy(&[2], &[1.0, 2.0])), ("targets", targets.clone())];
    let mut bytes = npz(&arrays, stored);
    let at = bytes.windows(8).position(|w| w == 2.0_f64.to_le_bytes()).unwrap();
    bytes[at + 3] ^= 1;
    assert_said(&write(&place, "d.npz", &bytes), &["`inputs` cannot be read", "hecksum"]);
    // An array that is shorter than it says.
    let inputs = npy(&[2], &[1.0, 2.0]);
    let arrays = [("inputs", inputs[..inputs.len() - 1].to_vec()), ("targets", targets)];
    assert_said(&write(&place, "d.npz", &npz(&arrays, stored)), &["`inputs` cannot be read"]);
}

// Tables

#[test]
fn tables_with_and_without_a_header() {
    let place = folder();
    let path = write(&place, "d.csv", b"a,b,t\n1,2.5,0\n-3e1, 4 ,2\n");
    let set = open(&path).unwrap();
    assert_eq!((set.rows_f64(0..2), &set.shape[..]), (vec![1.0, 2.5, -30.0, 4.0], &[2][..]));
    assert_eq!(labels(&set), (&[0, 2][..], 3));
    assert_eq!(values(&open(&format!("{path},targets=values")).unwrap()), (&[0.0, 2.0][..], 1));
    let set = open(&format!("{path},target=b")).unwrap();
    assert_eq!((set.rows_f64(0..2), values(&set).0), (vec![1.0, 0.0, -30.0, 2.0], &[2.5, 4.0][..]));
    let path = write(&place, "bare.csv.gz", &gzip(b"# a comment\n1,2.5,0.0\n-30,4,2.5\n"));
    let set = open(&path).unwrap();
    assert_eq!((set.rows_f64(0..2), values(&set).0), (vec![1.0, 2.5, -30.0, 4.0], &[0.0, 2.5][..]));
    let words = b"5.1,setosa\n7,virginica\n6,setosa\n";
    let set = open(&write(&place, "words.csv", words)).unwrap();
    assert_eq!(labels(&set), (&[0, 1, 0][..], 2));
    assert_eq!(set.class_names, ["setosa", "virginica"]);
    let mixed = write(&place, "mixed.csv", b"1,2\n2,none\n3,10\n");
    let set = open(&format!("{mixed},targets=classes")).unwrap();
    assert_eq!(set.class_names, ["10", "2", "none"]);
}

#[test]
fn faulty_tables_are_explained() {
    let place = folder();
    let cases: [(&[u8], &str, &[&str]); 14] = [
        (b"a,t\n1,0.5\n2,\n4,0.25\n", "", &["line 3: column `t` is empty"]),
        (b"a,t\n1,x\n2,\n4,y\n", "", &["line 3: column `t` is empty"]),
        (b"a,t\n1,0\n2,\n4,1\n", ",targets=classes", &["line 3: column `t` is empty"]),
        (
            b"a,t\n1,0.5\n2,NA\n4,0.25\n",
            "",
            &["column `t` is `NA` in line 3, but `0.5` in line 2", "targets=classes"],
        ),
        (b"1,x\n2,nan\n", "", &["is `x` in line 1, but `nan` in line 2"]),
        (b"a,b,t\n1,2,0\n1,x,0\n", "", &["line 3: column `b` is `x`, not a number"]),
        (b"a,b,t\n1,2,0\n1,,0\n", "", &["line 3: column `b` is empty"]),
        (b"1,2,0\n1,nan,0\n", "", &["line 2: column `1` is NaN", "finite"]),
        (b"a,t\n\n# a comment\n1,inf\n", "", &["line 4: column `t` is inf"]),
        (b"a,b,t\n1,2\n", "", &["line 2 has 2 cells", "have 3"]),
        (b"a,b,t\n1,2,3\n", ",target=bb", &["no column `bb`", "`b`"]),
        (b"1\n2\n", "", &["one column"]),
        (b"a,b\n", "", &["no example"]),
        (b"a,b\n1,\xff\n", "", &["line 2 is not UTF-8"]),
    ];
    for (text, option, parts) in cases {
        let path = write(&place, "d.csv", text);
        assert_said(&format!("{path}{option}"), parts);
    }
    assert_said(&format!("{},targets=values", write(&place, "d.csv", b"1,word\n")), &["`word`"]);
    assert_said(&write(&place, "d.csv.gz", &gzip(b"1,2\n3,4\n")[..20]), &["cannot be unpacked"]);
}

// Specifications

#[test]
fn specifications_choose_examples() {
    let all = open("iris").unwrap();
    let set = open("iris,skip=60,first=5").unwrap();
    assert_eq!((set.len(), set.name.as_str()), (5, "iris,skip=60,first=5"));
    assert_eq!(set.rows_f64(0..5), all.rows_f64(60..65));
    assert_eq!(labels(&set), (&[1; 5][..], 3));
    assert_eq!(open("iris,skip=149").unwrap().len(), 1);
    assert_eq!(open(" iris , first=150").map(|set| set.len()).ok(), Some(150));
}

#[test]
fn faulty_specifications_are_explained() {
    let place = folder();
    write(&place, "measurements.csv", b"1,2\n");
    write(&place, "notes.txt", b"1,2\n");
    let at = |name: &str| place.path().join(name).to_str().unwrap().to_string();
    let cases: [(&str, &[&str]); 22] = [
        ("irsi", &["no data set or file `irsi`", "did you mean `iris`?"]),
        ("xyzzy", &["`xyzzy`", "known here:", "`digits`"]),
        ("mnits:data", &["`mnits:data`", "`mnist`"]),
        ("mnist", &["`mnist:FOLDER`", "bea data mnist"]),
        ("iris:folder", &["`iris` is built in"]),
        ("iris,frist=3", &["`frist`", "no such option", "`first`"]),
        ("iris,first=0", &["no example is left"]),
        ("iris,first=-1", &["`-1`", "whole number"]),
        ("iris,first=151", &["only 150 examples"]),
        ("iris,skip=149,first=2", &["only 1 examples left"]),
        ("iris,skip=150", &["only 150 examples"]),
        ("iris,first=18446744073709551615,skip=3", &["only 147 examples left"]),
        ("iris,first=3,first=4", &["`first`", "twice"]),
        ("iris,split=test", &["`split`", "no parts"]),
        ("mnist:data,split=valid", &["no `valid`", "`train`, `test`"]),
        ("iris,scale=unit", &["no pixels", "scale=standard"]),
        ("iris,scale=log", &["no `log`", "`raw`, `unit`, `standard`"]),
        ("iris,targets=values", &["are labels"]),
        ("iris,target=x", &["`target`", "only a .csv"]),
        (&at("measurement.csv"), &["no file or folder", "`measurements.csv`"]),
        (&at("notes.txt"), &["end in .npz, .safetensors, .csv"]),
        (&at(""), &["fashion_mnist:"]),
    ];
    for (specification, parts) in cases {
        assert_said(specification, parts);
    }
    assert_said(&at("none/d.npz"), &["no folder"]);
    std::fs::create_dir(at("folder.npz")).unwrap();
    assert_said(&at("folder.npz"), &["cannot be read", "directory"]);
}

// Laws

#[test]
fn a_byte_over_255_is_rounded_once() {
    let inputs = Inputs::from(Values::Bytes((0..=255).collect())).scaled(Some(Scaling::by(255.0)));
    for (byte, x) in inputs.f32s(0..256).into_iter().enumerate() {
        assert_eq!(x, byte as f32 / 255.0);
    }
}

#[test]
fn summaries_count_and_measure() {
    let summary = Summary::of(&open("breast_cancer,scale=standard").unwrap());
    assert_eq!((summary.examples, &summary.shape[..]), (569, &[30][..]));
    let TargetSummary::Classes(classes) = &summary.targets else { panic!("labels") };
    let counts: Vec<(Option<&str>, usize)> =
        classes.iter().map(|c| (c.name.as_deref(), c.examples)).collect();
    assert_eq!(counts, [(Some("malignant"), 212), (Some("benign"), 357)]);
    assert!(summary.inputs.mean.abs() < 1e-12, "{:?}", summary.inputs);
    assert!((summary.inputs.standard_deviation - 1.0).abs() < 1e-12, "{:?}", summary.inputs);
    let targets = Targets::Values { values: vec![1.0, 2.0, 3.0, 6.0], width: 2 };
    let set = Dataset::new("d", vec![1], Values::F32(vec![-1.0, 4.0]), targets).unwrap();
    let summary = Summary::of(&set);
    assert_eq!((summary.inputs.min, summary.inputs.max, summary.inputs.mean), (-1.0, 4.0, 1.5));
    let TargetSummary::Values { width, statistics } = summary.targets else { panic!("values") };
    assert_eq!((width, statistics.mean, statistics.standard_deviation), (2, 3.0, 3.5_f64.sqrt()));
}

proptest! {
    /// A table is a `.csv`, a `.npz` and a `.safetensors` file with the same examples.
    #[test]
    fn formats_agree(
        rows in prop::collection::vec((prop::array::uniform3(-1e9..1e9_f64), 0..5_i64), 1..20),
    ) {
        let inputs: Vec<f64> = rows.iter().flat_map(|(x, _)| *x).collect();
        let targets: Vec<i64> = rows.iter().map(|(_, t)| *t).collect();
        let n = rows.len();
        let place = folder();
        let lines: String =
            rows.iter().map(|([a, b, c], t)| format!("{a},{b:e},{c},{t}\n")).collect();
        let csv = open(&write(&place, "d.csv", lines.as_bytes())).unwrap();
        let arrays =
            [("inputs", npy(&[n as u64, 3], &inputs)), ("targets", npy(&[n as u64], &targets))];
        let bytes = npz(&arrays, zip::CompressionMethod::Deflated);
        let npz = open(&write(&place, "d.npz", &bytes)).unwrap();
        let bytes = tensors(&[
            ("inputs", Dtype::F64, &[n, 3], f64s(&inputs)),
            ("targets", Dtype::I64, &[n], i64s(&targets)),
        ]);
        let tensors = open(&write(&place, "d.safetensors", &bytes)).unwrap();
        for set in [&csv, &npz, &tensors] {
            prop_assert_eq!(set.rows_f64(0..n), inputs.clone());
            prop_assert_eq!(&set.targets, &csv.targets);
        }
    }

    /// Shards put together are the whole, whatever is stored and however it is scaled.
    #[test]
    fn shards_make_the_whole(
        bytes in prop::collection::vec(any::<u8>(), 24),
        standard in any::<bool>(),
        cut in 0..5_usize,
    ) {
        let numbers: Vec<f64> = bytes.iter().map(|b| f64::from(*b)).collect();
        let single = numbers.iter().map(|x| *x as f32).collect();
        let shape = vec![3, 1, 2];
        let mut seen = Vec::new();
        for values in [Values::Bytes(bytes.clone()), Values::F32(single), Values::F64(numbers)] {
            let scaling = match standard {
                true => Scaling::standard(&values, &shape),
                false => Scaling::by(255.0),
            };
            let inputs = Inputs::from(values).scaled(Some(scaling));
            let targets = Targets::Classes { labels: vec![0; 4], classes: 1 };
            let set = Dataset::new("d", shape.clone(), inputs, targets).unwrap();
            let whole = set.rows_f64(0..4);
            let parts = [set.rows_f64(0..cut), set.rows_f64(cut..9)].concat();
            prop_assert_eq!(&parts, &whole);
            let parts = [set.subset(0..cut), set.subset(cut..9)];
            let parts: Vec<f64> = parts.iter().flat_map(|part| part.rows_f64(0..4)).collect();
            prop_assert_eq!(&parts, &whole);
            let single: Vec<f32> = whole.iter().map(|x| *x as f32).collect();
            prop_assert_eq!(set.rows_f32(0..4), single);
            seen.push(whole);
        }
        prop_assert_eq!(&seen[0], &seen[1]);
        prop_assert_eq!(&seen[0], &seen[2]);
    }

    /// A file that is cut short, or has a wrong byte, is read or refused, but nothing panics; what was
    /// cut is refused, as all of these formats say how long they are.
    #[test]
    fn damaged_files_are_refused(cut in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let place = folder();
        let arrays = [("inputs", npy(&[2, 2], &[1.0, 2.0, 3.0, 4.0])), ("targets", npy(&[2], &[0_i64, 1]))];
        let (pixels, tags) = images(1);
        write(&place, "t10k-labels-idx1-ubyte", &tags);
        write(&place, "train-labels-idx1-ubyte", &tags);
        let file = tensors(&[
            ("inputs", Dtype::F64, &[2, 2], f64s(&[1.0, 2.0, 3.0, 4.0])),
            ("targets", Dtype::I64, &[2], i64s(&[0, 1])),
        ]);
        let idx_at = format!("mnist:{}", place.path().display());
        let cases = [
            ("d.safetensors", file, None),
            ("d.npz", npz(&arrays, zip::CompressionMethod::Deflated), None),
            ("d.npz", npz(&arrays, zip::CompressionMethod::Stored), None),
            ("train-images-idx3-ubyte", pixels.clone(), Some(&idx_at)),
            ("train-images-idx3-ubyte", gzip(&pixels), Some(&idx_at)),
            ("d.csv.gz", gzip(b"a,b\n1,2\n3,4\n5,6\n"), None),
        ];
        for (name, bytes, specification) in cases {
            let at = cut.index(bytes.len());
            let path = write(&place, name, &bytes[..at]);
            let specification = specification.unwrap_or(&path);
            prop_assert!(open(specification).is_err(), "{name} cut at {at}");
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            write(&place, name, &damaged);
            let _ = open(specification);
            write(&place, name, &bytes);
            prop_assert!(open(specification).is_ok(), "{name}");
        }
    }
}

#[test]
fn cut_at_every_byte() {
    let place = folder();
    let file = tensors(&[
        ("inputs", Dtype::F32, &[2, 1], f32s(&[1.0, 2.0])),
        ("targets", Dtype::U8, &[2], vec![0, 1]),
    ]);
    let arrays = [("inputs", npy(&[2], &[1.0, 2.0])), ("targets", npy(&[2], &[0_u8, 1]))];
    let archive = npz(&arrays, zip::CompressionMethod::Deflated);
    for (name, bytes) in [("d.safetensors", file), ("d.npz", archive)] {
        assert!(open(&write(&place, name, &bytes)).is_ok());
        for end in 0..bytes.len() {
            assert!(open(&write(&place, name, &bytes[..end])).is_err(), "{name} cut at {end}");
        }
    }
    let plain = idx(0x801, &[2], &[0, 1]);
    let pixels = idx(0x803, &[2, 28, 28], &[7; 1568]);
    for labels in [plain.clone(), gzip(&plain)] {
        let place = folder();
        let at = format!("mnist:{}", place.path().display());
        write(&place, "train-images-idx3-ubyte", &pixels);
        for end in 0..=labels.len() {
            write(&place, "train-labels-idx1-ubyte", &labels[..end]);
            assert_eq!(open(&at).is_ok(), end == labels.len(), "cut at {end}");
        }
    }
}

#[test]
fn the_real_fashion_mnist() {
    let Some(path) = needs::fashion_mnist() else { return };
    let summary =
        |split: &str| Summary::of(&open(&format!("fashion_mnist:{path},split={split}")).unwrap());
    for (split, examples) in [("train", 60_000), ("test", 10_000)] {
        let summary = summary(split);
        assert_eq!((summary.examples, &summary.shape[..]), (examples, &[1, 28, 28][..]));
        assert_eq!((summary.inputs.min, summary.inputs.max), (0.0, 1.0));
        let TargetSummary::Classes(classes) = &summary.targets else { panic!("labels") };
        assert!(classes.iter().all(|class| class.examples == examples / 10), "{classes:?}");
        assert_eq!(classes[9].name.as_deref(), Some("Ankle boot"));
    }
    // The mean and deviation with which everyone normalises these images.
    let inputs = summary("train").inputs;
    assert!((inputs.mean - 0.2860).abs() < 5e-5, "{inputs:?}");
    assert!((inputs.standard_deviation - 0.3530).abs() < 5e-5, "{inputs:?}");
    let first = open(&format!("fashion_mnist:{path},first=1000")).unwrap();
    assert_eq!(first.len(), 1000);
    // The first training image is an ankle boot, the second a T-shirt.
    assert_eq!(labels(&first).0[..2], [9, 0]);
}

// The command

fn bea(arguments: &[&str]) -> (String, String, Option<i32>) {
    let mut command = assert_cmd::Command::cargo_bin("bea").unwrap();
    let command = command.arg("data").args(arguments).env("NO_COLOR", "1").env("COLUMNS", "200");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn the_command_lists_describes_and_summarises() {
    let (list, _, code) = bea(&[]);
    assert_eq!(code, Some(0));
    let (json, _, _) = bea(&["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.as_array().unwrap().len(), known::KNOWN.len());
    for (known, entry) in known::KNOWN.iter().zip(json.as_array().unwrap()) {
        assert!(list.contains(&format!("\n{}", known.name)), "{list}");
        let built_in = known.storage == known::Storage::BuiltIn;
        assert_eq!(entry["built_in"], built_in);
        // A name alone says where the data are from, whether they are built in or not.
        let (text, error, code) = bea(&[known.name]);
        assert_eq!((code, error.as_str()), (Some(0), ""));
        for part in [known.source, known.licence, known.citation] {
            assert!(text.contains(part), "no {part} in:\n{text}");
        }
        assert_eq!(entry["files"].as_array().unwrap().is_empty(), built_in);
        for file in entry["files"].as_array().unwrap() {
            let sum = file["sha256"].as_str().unwrap();
            assert!(sum.len() == 64 && text.contains(sum), "no {sum} in:\n{text}");
        }
    }
    let (text, _, _) = bea(&["iris"]);
    insta::assert_snapshot!(text, @r"
    iris
    examples  150
    shape     4
    inputs    0.1 to 7.9, mean 3.4645, standard deviation 1.97384
    classes   3
                    50  setosa
                    50  versicolor
                    50  virginica
    source    built in; doi:10.24432/C56C76, with Fisher's values in samples 35 and 38
    licence   CC BY 4.0
    cite      R. A. Fisher (1936), The use of multiple measurements in taxonomic problems, Annals of Eugenics 7, 179-188
    ");
    let (json, _, _) = bea(&["digits,first=10", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["examples"], &json["shape"]), (&10.into(), &serde_json::json!([1, 8, 8])));
    assert_eq!(
        json["targets"]["classes"][9],
        serde_json::json!({
            "label": 9, "name": "9", "examples": 1
        })
    );
}

#[test]
fn the_command_explains_bad_data() {
    let (out, error, code) = bea(&["irsi"]);
    assert_eq!((out.as_str(), code), ("", Some(2)));
    insta::assert_snapshot!(error, @r"
    × there is no data set or file `irsi`
    help: did you mean `iris`?
    ");
    let place = folder();
    let path = write(&place, "d.csv", b"a,b,t\n1,2,0\n1,nan,0\n");
    let (out, error, code) = bea(&[&path]);
    assert_eq!((out.as_str(), code), ("", Some(2)));
    assert!(error.contains("line 3: column `b` is NaN"), "{error}");
}

#[test]
fn the_command_knows_its_files() {
    let place = folder();
    let (pixels, tags) = images(10);
    write(&place, "train-images-idx3-ubyte", &pixels);
    write(&place, "train-labels-idx1-ubyte.gz", &gzip(&tags));
    // These are not MNIST's files. The sum is that of the unpacked file, as `sha256sum` has it.
    let (text, error, code) = bea(&[&format!("mnist:{}", place.path().display())]);
    assert_eq!((code, error.as_str()), (Some(1), ""));
    let plain = write(&place, "labels", &tags);
    let Some(sha256sum) = needs::program(&["sha256sum"]) else { return };
    let output = std::process::Command::new(sha256sum).arg(plain).output().unwrap();
    let sum = String::from_utf8(output.stdout).unwrap()[..64].to_string();
    let line = format!("train-labels-idx1-ubyte.gz: NOT the known file, its sum is {sum}");
    assert!(text.contains(&line), "{text}");
    let Some(path) = needs::fashion_mnist() else { return };
    let (text, _, code) = bea(&[&format!("fashion_mnist:{path},first=10")]);
    assert_eq!(code, Some(0));
    assert_eq!(text.matches("-ubyte.gz: as known\n").count(), 4, "{text}");
    // The labels of another data set of the same shape are told apart.
    let (text, _, code) = bea(&[&format!("mnist:{path},first=10")]);
    assert_eq!(code, Some(1));
    assert_eq!(text.matches("NOT the known file").count(), 4, "{text}");
}

#[test]
fn errors_can_be_told_apart() {
    assert!(matches!(open("irsi"), Err(DataError::Unknown { .. })));
    assert!(matches!(open("no.npz"), Err(DataError::Missing { .. })));
    assert!(matches!(open("iris,first=x"), Err(DataError::Option { .. })));
}
