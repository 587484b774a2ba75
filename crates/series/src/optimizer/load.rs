//! Reading `.bea` files from disk.

use crate::text::source::Source;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest file that is read: 1 MiB.
pub const MAX_FILE_SIZE: u64 = 1 << 20;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LoadError {
    /// There is no such file.
    #[error("there is no file {}", path.display())]
    #[diagnostic(help(
        "give the path of a `.bea` file; `bea optimizers` lists what needs no file"
    ))]
    Missing {
        /// The file asked for.
        path: PathBuf,
    },
    /// A directory.
    #[error("{} is a directory", path.display())]
    #[diagnostic(help("name the `.bea` files in it"))]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// Larger than [`MAX_FILE_SIZE`].
    #[error("{} is larger than {} KiB", path.display(), MAX_FILE_SIZE >> 10)]
    #[diagnostic(help("optimizers and claims are short texts; is this a `.bea` file?"))]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not UTF-8.
    #[error("{} is not UTF-8: byte {offset} is 0x{byte:02X}", path.display())]
    #[diagnostic(help("`.bea` files are plain text in UTF-8"))]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where the first byte that is not UTF-8 stands, counted from 0.
        offset: usize,
        /// That byte.
        byte: u8,
    },
    /// The system refuses.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The text of a `.bea` file.
///
/// # Errors
/// See [`LoadError`]. A file that is too large is refused before it is read.
pub fn load(path: impl AsRef<Path>) -> Result<Source, LoadError> {
    let path = path.as_ref();
    let owned = || path.to_path_buf();
    let refusal = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => LoadError::Missing { path: owned() },
        std::io::ErrorKind::IsADirectory => LoadError::Directory { path: owned() },
        _ => LoadError::Unreadable { path: owned(), source },
    };
    let metadata = std::fs::metadata(path).map_err(refusal)?;
    if metadata.is_dir() {
        return Err(LoadError::Directory { path: owned() });
    }
    if metadata.len() > MAX_FILE_SIZE {
        return Err(LoadError::TooLarge { path: owned() });
    }
    // A pipe has no size beforehand.
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(refusal)?;
    file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes).map_err(refusal)?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(LoadError::TooLarge { path: owned() });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(path.display().to_string(), text)),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            Err(LoadError::NotUtf8 { path: owned(), offset, byte: error.as_bytes()[offset] })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn a_text_is_loaded() {
        let file = written("optimizer a { theta' = theta } # größer".as_bytes());
        assert_eq!(&*load(file.path()).unwrap().text, "optimizer a { theta' = theta } # größer");
    }

    #[test]
    fn the_first_bad_byte_is_named() {
        let file = written(b"optimizer \xC3\xA4 \xFF");
        let error = load(file.path()).unwrap_err();
        assert!(matches!(error, LoadError::NotUtf8 { offset: 13, byte: 0xFF, .. }), "{error}");
        assert!(error.to_string().ends_with("is not UTF-8: byte 13 is 0xFF"), "{error}");
    }

    #[test]
    fn large_files_are_refused_by_their_size() {
        let limit = usize::try_from(MAX_FILE_SIZE).unwrap();
        assert!(load(written(&vec![b' '; limit]).path()).is_ok());
        let error = load(written(&vec![b' '; limit + 1]).path()).unwrap_err();
        assert!(matches!(error, LoadError::TooLarge { .. }));
        // A sparse file: reading it would take 100 GB of memory.
        let sparse = tempfile::NamedTempFile::new().unwrap();
        sparse.as_file().set_len(100_000_000_000).unwrap();
        let error = load(sparse.path()).unwrap_err();
        assert!(error.to_string().ends_with("is larger than 1024 KiB"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn endless_devices_are_refused() {
        assert!(matches!(load("/dev/zero"), Err(LoadError::TooLarge { .. })));
    }

    #[test]
    fn what_is_not_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(load(folder.path()), Err(LoadError::Directory { .. })));
        assert!(matches!(load(folder.path().join("a.bea")), Err(LoadError::Missing { .. })));
    }
}
