//! The state of a run in a file, from which it continues bit for bit.

use super::State;
use bea_series::text::file;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The version of the format.
const VERSION: u64 = 3;
/// The only entry of the metadata, in JSON: safetensors writes several entries in a random order,
/// and equal runs shall have equal files.
const ENTRY: &str = "bea.checkpoint";

/// The state of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Checkpoint {
    /// The optimizer's.
    pub state: State,
    /// The eigenvectors that the next search for the sharpest directions starts from.
    pub directions: Vec<Vec<f64>>,
    /// The resolved description. Only a run with the same one can continue.
    pub run: String,
    /// The files and data that the description names, with their checksums. These must be the same too.
    pub sums: Vec<(String, String)>,
}

/// What a checkpoint holds beside arrays.
#[derive(serde::Serialize, serde::Deserialize)]
struct Header {
    version: u64,
    step: usize,
    buffers: Vec<String>,
    run: String,
    sums: Vec<(String, String)>,
}

/// Why a file is no checkpoint of a run.
#[derive(Clone, PartialEq, Debug, thiserror::Error, miette::Diagnostic)]
pub enum CheckpointError {
    /// It cannot be read or written.
    #[error("cannot access the checkpoint {}: {cause}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// It is truncated, or something else.
    #[error("{} is no checkpoint, or a damaged one: {cause}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is missing.
        cause: String,
    },
    /// It is of another version of the program.
    #[error("the checkpoint {} has version {found}; this program reads {VERSION}", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// It is of another network.
    #[error(
        "the checkpoint {} has {found} parameters, the network {expected}", .path.display()
    )]
    Network {
        /// The file.
        path: PathBuf,
        /// Its number of parameters.
        found: usize,
        /// That of the network.
        expected: usize,
    },
}

impl Checkpoint {
    /// Writes the file, which appears, or replaces another, only when it is complete.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let error = |cause: String| CheckpointError::Io { path: path.into(), cause };
        let State { step, theta, buffers } = &self.state;
        let mut vectors = vec![("theta".to_string(), theta.as_slice())];
        for (name, values) in buffers {
            vectors.push((format!("buffer.{name}"), values));
        }
        for (k, direction) in self.directions.iter().enumerate() {
            vectors.push((format!("direction.{k}"), direction));
        }
        let bytes: Vec<(String, Vec<u8>)> = vectors
            .into_iter()
            .map(|(name, v)| (name, v.iter().flat_map(|x| x.to_le_bytes()).collect()))
            .collect();
        let views = bytes.iter().map(|(name, bytes)| {
            let view = TensorView::new(Dtype::F64, vec![bytes.len() / 8], bytes);
            view.map(|view| (name.as_str(), view))
        });
        let views: Vec<_> = views.collect::<Result<_, _>>().map_err(|e| error(e.to_string()))?;
        let (step, run, sums) = (*step, self.run.clone(), self.sums.clone());
        let buffers = buffers.iter().map(|(name, _)| name.clone()).collect();
        let header = serde_json::to_string(&Header { version: VERSION, step, buffers, run, sums });
        let header = header.map_err(|e| error(e.to_string()))?;
        let metadata = HashMap::from([(ENTRY.to_string(), header)]);
        let bytes = serialize(views, Some(metadata)).map_err(|e| error(e.to_string()))?;
        file::replace(path, |out| out.write_all(&bytes)).map_err(|e| error(e.to_string()))
    }

    /// Reads a file that [`save`](Self::save) wrote, of a network of so many parameters.
    ///
    /// # Errors
    /// It cannot be read, is no checkpoint, or one of another version or of another network.
    pub fn load(path: &Path, parameters: usize) -> Result<Checkpoint, CheckpointError> {
        let io = |cause: std::io::Error| CheckpointError::Io {
            path: path.into(),
            cause: cause.to_string(),
        };
        let corrupt =
            |cause: &str| CheckpointError::Corrupt { path: path.into(), cause: cause.into() };
        let bytes = std::fs::read(path).map_err(io)?;
        let damaged = |e: safetensors::SafeTensorError| corrupt(&e.to_string());
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let entry = metadata.get(ENTRY).ok_or_else(|| corrupt("no version"))?;
        let entry: Value = serde_json::from_str(entry).map_err(|_| corrupt("no version"))?;
        // In the first version this entry was the version alone.
        let version = entry.get("version").unwrap_or(&entry);
        if version.as_u64() != Some(VERSION) {
            let found = version.to_string();
            return Err(CheckpointError::Version { path: path.into(), found });
        }
        let header = serde_json::from_value(entry);
        let Header { step, buffers, run, sums, .. } =
            header.map_err(|e| corrupt(&e.to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(damaged)?;
        let vector = |name: &str| -> Option<Vec<f64>> {
            let view = file.tensor(name).ok().filter(|view| view.dtype() == Dtype::F64)?;
            let number =
                |b: &[u8]| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
            Some(view.data().chunks_exact(8).map(number).collect())
        };
        let required = |name: &str| vector(name).ok_or_else(|| corrupt(&format!("no `{name}`")));
        let buffer = |name: String| {
            let values = required(&format!("buffer.{name}"))?;
            Ok((name, values))
        };
        let buffers = buffers.into_iter().map(buffer).collect::<Result<_, CheckpointError>>()?;
        let state = State { step, theta: required("theta")?, buffers };
        let directions: Vec<Vec<f64>> =
            (0..).map_while(|k| vector(&format!("direction.{k}"))).collect();
        // Buffers may have other lengths: see `State::check`.
        for v in [&state.theta].into_iter().chain(&directions) {
            if v.len() != parameters {
                let (found, expected) = (v.len(), parameters);
                return Err(CheckpointError::Network { path: path.into(), found, expected });
            }
        }
        Ok(Checkpoint { state, directions, run, sums })
    }
}
