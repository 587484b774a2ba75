//! Where a network is evaluated: the host's cores, or a device that the build has a backend for.

use super::architecture::Dtype;
use super::array::Context;
use burn::tensor::DType;

/// A device chosen at run time.
#[derive(Clone, Debug)]
pub struct Device {
    name: String,
    device: burn::tensor::Device,
    host: bool,
}

/// Why there is no such device.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Not a device that this build or this machine has.
    #[error("no device `{name}`: this build has {}", .present.join(", "))]
    Unknown {
        /// As asked for.
        name: String,
        /// The devices there are.
        present: Vec<String>,
    },
    /// The device lacks the network's numbers.
    #[error("{device} has no 64-bit numbers: take dtype = \"f32\", or --device cpu")]
    NoDouble {
        /// The device.
        device: String,
    },
}

impl Device {
    /// The host.
    pub fn cpu() -> Self {
        Self { name: "cpu".into(), device: burn::tensor::Device::flex(), host: true }
    }

    /// The device called `name`: `cpu`, or `BACKEND:INDEX` such as `wgpu:0` or `cuda:0`.
    pub fn find(name: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown { name: name.into(), present: Self::present() };
        let (backend, index) = match name.split_once(':') {
            Some((backend, index)) => (backend, index.parse::<usize>().map_err(|_| unknown())?),
            None => (name, 0),
        };
        let device = match backend {
            "cpu" if !name.contains(':') => return Ok(Self::cpu()),
            _ => accelerator(backend, index).ok_or_else(unknown)?,
        };
        Ok(Self { name: format!("{backend}:{index}"), device, host: false })
    }

    /// Names of the devices there are.
    pub fn present() -> Vec<String> {
        let mut names = vec!["cpu".to_string()];
        for (backend, count) in accelerators() {
            names.extend((0..count).map(|index| format!("{backend}:{index}")));
        }
        names
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it can hold the numbers.
    pub fn check(&self, dtype: Dtype) -> Result<(), DeviceError> {
        if self.device.supports_dtype(element(dtype)) {
            Ok(())
        } else {
            Err(DeviceError::NoDouble { device: self.name.clone() })
        }
    }

    pub(crate) fn context(&self, dtype: Dtype) -> Context {
        Context { device: self.device.clone(), dtype: element(dtype), host: self.host }
    }
}

fn element(dtype: Dtype) -> DType {
    match dtype {
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
    }
}

/// The device of a backend, if the build has the backend and the machine the device.
fn accelerator(backend: &str, index: usize) -> Option<burn::tensor::Device> {
    let _ = index;
    match backend {
        #[cfg(feature = "wgpu")]
        "wgpu" => burn::tensor::Device::enumerate(burn::tensor::DeviceType::Wgpu)
            .into_vec()
            .into_iter()
            .nth(index),
        #[cfg(feature = "vulkan")]
        "vulkan" => burn::tensor::Device::enumerate(burn::tensor::DeviceType::Vulkan)
            .into_vec()
            .into_iter()
            .nth(index),
        #[cfg(feature = "metal")]
        "metal" => burn::tensor::Device::enumerate(burn::tensor::DeviceType::Metal)
            .into_vec()
            .into_iter()
            .nth(index),
        #[cfg(feature = "cuda")]
        "cuda" => burn::tensor::Device::enumerate(burn::tensor::DeviceType::Cuda)
            .into_vec()
            .into_iter()
            .nth(index),
        #[cfg(feature = "rocm")]
        "rocm" => burn::tensor::Device::enumerate(burn::tensor::DeviceType::Rocm)
            .into_vec()
            .into_iter()
            .nth(index),
        _ => None,
    }
}

/// The backends of the build with the number of devices of each.
fn accelerators() -> Vec<(&'static str, usize)> {
    ["wgpu", "vulkan", "metal", "cuda", "rocm"]
        .into_iter()
        .map(|backend| {
            (backend, (0..).take_while(|&index| accelerator(backend, index).is_some()).count())
        })
        .filter(|&(_, count)| count > 0)
        .collect()
}
