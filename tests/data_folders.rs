//! MNIST and CIFAR-10 in the folders and files that torchvision makes.

mod needs;

use bea::network::data::{Targets, open};
use std::path::Path;

fn idx(magic: u32, axes: &[u32], data: &[u8]) -> Vec<u8> {
    let words = [&[magic], axes].concat();
    [words.iter().flat_map(|word| word.to_be_bytes()).collect(), data.to_vec()].concat()
}

fn mnist(folder: &Path, shade: u8) {
    std::fs::create_dir_all(folder).unwrap();
    for part in ["train", "t10k"] {
        let images = idx(0x803, &[2, 28, 28], &[shade; 1568]);
        std::fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        let labels = idx(0x801, &[2], &[3, 4]);
        std::fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn mnist_is_found_below_the_root_of_torchvision() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().display();
    mnist(&place.path().join("MNIST/raw"), 51);
    mnist(&place.path().join("FashionMNIST/raw"), 102);
    for (data, shade) in [
        (format!("mnist:{root}"), 0.2),
        (format!("mnist:{root}/MNIST"), 0.2),
        (format!("mnist:{root}/MNIST/raw,split=test"), 0.2),
        (format!("fashion_mnist:{root}"), 0.4),
        (format!("fashion_mnist:{root}/FashionMNIST,split=test"), 0.4),
    ] {
        let set = open(&data).unwrap();
        assert_eq!((set.len(), set.rows_f64(0..1)[0]), (2, shade), "{data}");
    }
}

/// Batches as Python 2 wrote those of the archive, and as other versions of Python and NumPy would.
#[test]
fn batches_for_python_are_read_without_running_them() {
    let Some(mut python) = needs::python() else { return };
    let place = tempfile::tempdir().unwrap();
    let program = "
import io, os, pickle, struct, sys
import numpy as np
folder = sys.argv[1]
def data(batch):
    x = (np.arange(10000 * 3072, dtype=np.uint64) * (2 * batch + 3) % 251).astype(np.uint8)
    return x.reshape(10000, 3072), [(i + batch) % 10 for i in range(10000)]
def of_python_2(x, y):
    # The operations in the published files, one after the other.
    out = io.BytesIO()
    w = out.write
    text = lambda s: w(b'U' + bytes([len(s)]) + s)
    w(b'\\x80\\x02}q\\x01('); text(b'batch_label'); w(b'q\\x02'); text(b'training batch 1 of 5'); w(b'q\\x03')
    text(b'labels'); w(b'q\\x04]q\\x05(' + b''.join(b'K' + bytes([n]) for n in y) + b'e')
    text(b'data'); w(b'q\\x06cnumpy.core.multiarray\\n_reconstruct\\nq\\x07cnumpy\\nndarray\\nq\\x08K\\x00\\x85q\\x09')
    text(b'b'); w(b'\\x87Rq\\x0a(K\\x01M' + struct.pack('<H', 10000) + b'M' + struct.pack('<H', 3072) + b'\\x86cnumpy\\ndtype\\nq\\x0b')
    text(b'u1'); w(b'K\\x00K\\x01\\x87Rq\\x0c(K\\x03'); text(b'|'); w(b'NNNJ\\xff\\xff\\xff\\xffJ\\xff\\xff\\xff\\xffK\\x00tb\\x89')
    w(b'T' + struct.pack('<i', x.size) + x.tobytes() + b'tb')
    text(b'filenames'); w(b']q\\x0d('); text(b'a.png'); w(b'eu.')
    return out.getvalue()
names = ['data_batch_%d' % k for k in range(1, 6)] + ['test_batch']
for k, name in enumerate(names):
    x, y = data(k)
    if k == 0:
        raw = of_python_2(x, y)
        assert (pickle.loads(raw, encoding='bytes')[b'data'] == x).all()
    else:
        keys = ('data', 'labels') if k % 2 else (b'data', b'labels')
        raw = pickle.dumps({keys[0]: x, keys[1]: y}, protocol=k)
    open(os.path.join(folder, name), 'wb').write(raw)
";
    let folder = place.path().join("cifar-10-batches-py");
    std::fs::create_dir(&folder).unwrap();
    assert!(python.args(["-c", program]).arg(&folder).status().unwrap().success());
    let pixel = |batch: usize, i: usize| (i * (2 * batch + 3) % 251) as f64;
    for root in [place.path(), &folder] {
        let train = open(&format!("cifar10:{},scale=raw", root.display())).unwrap();
        let test = open(&format!("cifar10:{},scale=raw,split=test", root.display())).unwrap();
        assert_eq!((train.len(), test.len(), &train.shape[..]), (50_000, 10_000, &[3, 32, 32][..]));
        let (Targets::Classes { labels, classes: 10 }, Targets::Classes { labels: of_test, .. }) =
            (&train.targets, &test.targets)
        else {
            panic!("labels")
        };
        for batch in 0..6 {
            let (set, labels, row) =
                if batch < 5 { (&train, labels, 10_000 * batch) } else { (&test, of_test, 0) };
            for own in [0, 1, 777, 9_999] {
                assert_eq!(labels[row + own] as usize, (own + batch) % 10);
                let expected: Vec<f64> =
                    (own * 3072..(own + 1) * 3072).map(|i| pixel(batch, i)).collect();
                assert_eq!(
                    set.rows_f64(row + own..row + own + 1),
                    expected,
                    "batch {batch}, {own}"
                );
            }
        }
    }
    // A file that calls something else, is cut short, or has other contents.
    let test = folder.join("test_batch");
    let whole = std::fs::read(&test).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&test, bytes).unwrap();
        open(&format!("cifar10:{},split=test", folder.display())).unwrap_err().to_string()
    };
    let called = place.path().join("called");
    let evil = format!("cos\nsystem\nX{}touch {}\u{85}R.", "\u{1}\0\0\0", called.display());
    for bytes in [evil.as_bytes(), &whole[..whole.len() / 2], b"", b"}.", b"\x80\x02]q\x00h\x00."] {
        assert!(refused(bytes).contains("is corrupt"), "{}", refused(bytes));
    }
    assert!(!called.exists());
    for at in (0..300).chain(whole.len() - 300..whole.len()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x15;
        std::fs::write(&test, bytes).unwrap();
        let _ = open(&format!("cifar10:{},split=test,first=1", folder.display()));
    }
}
