//! IDX files, the format of MNIST: a magic number, the sizes of the axes, and a byte per pixel.

use super::known::Known;
use super::specification::Split;
use super::{DataError, Dataset, Targets, Values, file};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The examples of one part of MNIST or Fashion-MNIST.
pub(super) fn read(known: &Known, folder: &Path, split: Split) -> Result<Dataset, DataError> {
    let prefix = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let images = find(known, folder, &format!("{prefix}-images-idx3-ubyte"))?;
    let labels = find(known, folder, &format!("{prefix}-labels-idx1-ubyte"))?;
    let pixels = bytes(&images, 3)?;
    let classes = bytes(&labels, 1)?;
    let shape_error = |problem: String, expected: String| DataError::Shape {
        name: folder.display().to_string(),
        problem,
        expected: Some(expected),
    };
    if pixels.axes[1..] != known.shape[1..] {
        return Err(shape_error(
            format!("the images have {} x {} pixels", pixels.axes[1], pixels.axes[2]),
            format!("{} has images of {} x {}", known.name, known.shape[1], known.shape[2]),
        ));
    }
    if pixels.axes[0] != classes.axes[0] {
        return Err(shape_error(
            format!("{} images, but {} labels", pixels.axes[0], classes.axes[0]),
            "a label for each image; are both files of the same data set?".into(),
        ));
    }
    let targets = Targets::Classes {
        labels: classes.data.into_iter().map(u32::from).collect(),
        classes: known.classes.len(),
    };
    let name = labels.display().to_string();
    let set = Dataset::new(name, known.shape.to_vec(), Values::Bytes(pixels.data), targets)?;
    Ok(known.describe(set))
}

/// The file of that name, or its `.gz`, of a known data set: in `folder`, or where torchvision puts it below that.
pub(super) fn find(known: &Known, folder: &Path, name: &str) -> Result<PathBuf, DataError> {
    let own = if known.name == "mnist" { "MNIST" } else { "FashionMNIST" };
    let inner_folders = [String::new(), "raw".into(), format!("{own}/raw")];
    let plain = folder.join(name);
    // Some copies write the dot that others write as a hyphen.
    let names = [name.to_string(), format!("{name}.gz")];
    let dotted = names.clone().map(|name| name.replace("-idx", ".idx"));
    let places = inner_folders.iter().map(|inner| folder.join(inner));
    let found = places
        .flat_map(|place| names.iter().chain(&dotted).map(move |name| place.join(name)))
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        if !folder.is_dir() {
            return file::missing(folder);
        }
        let help = format!("nor {name}.gz; `bea data --help` says where to get the files");
        DataError::Missing { path: plain, help: Some(help) }
    })
}

/// What an IDX file holds.
struct Idx {
    axes: Vec<usize>,
    data: Vec<u8>,
}

/// Reads an IDX file of bytes with so many axes.
fn bytes(path: &Path, rank: usize) -> Result<Idx, DataError> {
    let corrupt = |problem: String, expected: String| DataError::Corrupt {
        path: path.into(),
        problem,
        expected: Some(expected),
    };
    let mut file = file::unpacked(path)?;
    let mut read = |limit: u64| {
        let mut bytes = Vec::new();
        file.by_ref().take(limit).read_to_end(&mut bytes).map_err(|e| file::refusal(path, e))?;
        Ok::<_, DataError>(bytes)
    };
    let size = 4 + 4 * rank;
    let header = read(size as u64)?;
    let magic = [0, 0, 8, rank as u8];
    let words = header.as_chunks::<4>().0;
    if words.first().is_some_and(|found| *found != magic) {
        return Err(corrupt(
            format!("its magic number is 0x{:08x}", u32::from_be_bytes(words[0])),
            format!("0x{:08x}, which is bytes with {rank} axes", u32::from_be_bytes(magic)),
        ));
    }
    if header.len() < size {
        return Err(corrupt(
            format!("it ends within its header, after {} bytes", header.len()),
            format!("a header of {size} bytes"),
        ));
    }
    let axes: Vec<usize> = words[1..].iter().map(|w| u32::from_be_bytes(*w) as usize).collect();
    let length = axes.iter().try_fold(1_u64, |n, axis| n.checked_mul(*axis as u64));
    let sizes = axes.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let Some(length) = length.filter(|n| *n < 1 << 40) else {
        return Err(corrupt(format!("its header says {sizes} bytes"), "less than 1 TiB".into()));
    };
    // One byte more, to detect a file that is too long.
    let data = read(length + 1)?;
    if data.len() as u64 != length {
        let found = if data.len() as u64 > length {
            "it goes on after them".to_string()
        } else {
            format!("it ends after {} of them", data.len())
        };
        return Err(corrupt(
            format!("its header says {sizes} = {length} bytes, but {found}"),
            "a complete file; fetch it anew".into(),
        ));
    }
    Ok(Idx { axes, data })
}
