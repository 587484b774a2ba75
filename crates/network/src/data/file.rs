//! Files, plain or compressed.

use super::DataError;
use bea_series::text::near;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

/// The whole file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|error| refusal(path, error))?;
    Ok(bytes)
}

/// A file, unpacked if it is compressed with gzip; that is seen from its first two bytes, not from its
/// name.
pub(super) fn unpacked(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let mut file = open(path)?;
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic).map_err(|error| refusal(path, error))?;
    let compressed = magic == [0x1f, 0x8b];
    let file = BufReader::new(Cursor::new(magic).chain(file));
    Ok(if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// The error for a `path` that cannot be read, with names that resemble it if it does not exist.
pub(super) fn refusal(path: &Path, source: io::Error) -> DataError {
    match source.kind() {
        io::ErrorKind::NotFound => missing(path),
        // The errors of a decoder for a damaged stream.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            DataError::Corrupt {
                path: path.into(),
                problem: format!("it cannot be unpacked ({source})"),
                expected: Some("a complete file compressed with gzip; fetch it anew".into()),
            }
        }
        _ => DataError::Unreadable { path: path.into(), source },
    }
}

/// The file as it is.
pub(super) fn open(path: &Path) -> Result<File, DataError> {
    if path.is_dir() {
        return Err(DataError::Unreadable {
            path: path.into(),
            source: io::ErrorKind::IsADirectory.into(),
        });
    }
    File::open(path).map_err(|error| refusal(path, error))
}

/// The error for a missing file, with the names beside it that resemble it.
pub(super) fn missing(path: &Path) -> DataError {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let help = if folder.is_dir() {
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names: Vec<String> =
            names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let wanted = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        match near::names(wanted, &names).as_slice() {
            [] => None,
            found => Some(format!("did you mean {}?", near::quoted(found))),
        }
    } else {
        Some(format!("there is no folder {}", folder.display()))
    };
    DataError::Missing { path: path.into(), help }
}
