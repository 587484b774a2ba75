//! The tensors of one safetensors file, or of the shards that an index names, `model.safetensors.index.json`.

use super::error::{Fault, Helped};
use safetensors::tensor::{SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// The bytes of all files.
pub(super) struct Stored {
    shards: Vec<(String, Vec<u8>)>,
    /// The shard of each tensor; without an index there is one.
    index: Option<BTreeMap<String, usize>>,
}

/// What an index says beside its metadata.
#[derive(serde::Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Stored {
    /// Reads `path`, and the shards beside it if it is an index.
    pub(super) fn read(path: &Path) -> Result<Stored, Helped> {
        let name = path.display().to_string();
        if path.extension().is_none_or(|ending| ending != "json") {
            return Ok(Stored { shards: vec![(name, bytes(path)?)], index: None });
        }
        let index: Index = serde_json::from_slice(&bytes(path)?).map_err(|cause| {
            let help = "an index has a `weight_map` of the tensors' names to files beside it";
            Helped::new(Fault::Index(cause.to_string()), Some(help.into()))
        })?;
        let mut files: Vec<&String> = index.weight_map.values().collect();
        files.sort_unstable();
        files.dedup();
        let folder = path.parent().unwrap_or(Path::new(""));
        let shard = |file: &&String| {
            let bytes = bytes(&folder.join(file)).map_err(|error| error.of_shard(file))?;
            Ok((file.to_string(), bytes))
        };
        let shards = files.iter().map(shard).collect::<Result<_, Helped>>()?;
        let place = |file: &String| files.binary_search(&file).unwrap_or(0);
        let index = index.weight_map.iter().map(|(name, file)| (name.clone(), place(file)));
        Ok(Stored { shards, index: Some(index.collect()) })
    }

    /// The tensors. `path` is what messages call the file.
    pub(super) fn tensors(&self, path: &Path) -> Result<Tensors<'_>, Helped> {
        let mut files = Vec::with_capacity(self.shards.len());
        for (name, bytes) in &self.shards {
            files.push(SafeTensors::deserialize(bytes).map_err(|cause| {
                let error = Helped::new(Fault::Corrupt(cause.to_string()), converted(path, bytes));
                if self.index.is_some() { error.of_shard(name) } else { error }
            })?);
        }
        let tensors = Tensors { files, index: self.index.as_ref() };
        for (name, place) in self.index.iter().flatten() {
            if tensors.tensor(name).is_none() {
                let cause = format!("it lacks `{name}`, which the index says it has");
                return Err(Helped::new(Fault::Index(cause), None).of_shard(&self.shards[*place].0));
            }
        }
        Ok(tensors)
    }
}

/// What [`Stored`] holds.
pub(super) struct Tensors<'a> {
    files: Vec<SafeTensors<'a>>,
    index: Option<&'a BTreeMap<String, usize>>,
}

impl<'a> Tensors<'a> {
    /// The tensor of that name.
    pub(super) fn tensor(&self, name: &str) -> Option<TensorView<'a>> {
        let place = match self.index {
            Some(index) => *index.get(name)?,
            None => 0,
        };
        self.files.get(place)?.tensor(name).ok()
    }

    /// All names.
    pub(super) fn names(&self) -> Vec<&str> {
        match self.index {
            Some(index) => index.keys().map(String::as_str).collect(),
            None => self.files.iter().flat_map(SafeTensors::names).collect(),
        }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Helped> {
    std::fs::read(path).map_err(|cause| Helped::new(Fault::Io(cause.to_string()), None))
}

/// The line that makes a safetensors file of a file of PyTorch or NumPy. (Files of `torch.save` are zip archives, older
/// ones pickles, which run whatever they say: they are not opened here.)
fn converted(path: &Path, bytes: &[u8]) -> Option<String> {
    let (from, to) = (path.display(), path.with_extension("safetensors"));
    let to = to.display();
    if path.extension().is_some_and(|ending| ending == "npz") {
        return Some(format!(
            "python3 -c \"import numpy, safetensors.numpy; \
             safetensors.numpy.save_file(dict(numpy.load('{from}')), '{to}')\" makes one"
        ));
    }
    let pickled = bytes.starts_with(b"PK") || bytes.starts_with(&[0x80]);
    pickled.then(|| {
        format!(
            "python3 -c \"import torch, safetensors.torch; safetensors.torch.save_file({{k: v.contiguous() for k, v in \
             torch.load('{from}', map_location='cpu', weights_only=True).items()}}, '{to}')\" makes one of a `state_dict`"
        )
    })
}
