//! Where a network is evaluated: the host's cores, or a device that the build has a backend for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

#[cfg(any(
    feature = "wgpu",
    feature = "vulkan",
    feature = "metal",
    feature = "cuda",
    feature = "rocm"
))]
use burn::tensor::DeviceType;

use super::architecture::Dtype;
use super::array::{Context, Place};
use bea_series::text::near;

/// Burn's backends for accelerators; each is a cargo feature of the same name.
const BACKENDS: [&str; 5] = ["wgpu", "vulkan", "metal", "cuda", "rocm"];

/// A device chosen at run time.
#[derive(Clone, Debug)]
pub struct Device {
    name: String,
    place: Place,
    /// Whether it has 64-bit numbers, once that was asked.
    has_double: Arc<OnceLock<bool>>,
}

/// Why a device cannot be used.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
pub enum DeviceError {
    /// Not a device that this build or this machine has.
    #[error("no device `{name}`: there {}", list(.present))]
    Unknown {
        /// As asked for.
        name: String,
        /// The devices there are.
        present: Vec<String>,
        /// What would make it one.
        #[help]
        help: Option<String>,
    },
    /// The device lacks the network's numbers.
    #[error("{device} has no 64-bit numbers")]
    #[diagnostic(help("take dtype = \"f32\", or the device cpu"))]
    NoDouble {
        /// The device.
        device: String,
    },
    /// The device gave up: out of memory, a kernel that its driver refuses, a lost connection.
    #[error("{device} failed: {reason}")]
    #[diagnostic(help(
        "fewer examples or a smaller network need less memory; the device cpu has the host's"
    ))]
    Failed {
        /// The device.
        device: String,
        /// What its backend said.
        reason: String,
    },
}

/// `is cpu`, `are cpu and wgpu:0`, …
fn list(names: &[String]) -> String {
    match names {
        [one] => format!("is only {one}"),
        [first @ .., last] => format!("are {} and {last}", first.join(", ")),
        [] => "is none".into(),
    }
}

impl Device {
    fn new(name: String, place: Place) -> Self {
        Self { name, place, has_double: Arc::default() }
    }

    /// The host.
    pub fn cpu() -> Self {
        Self::new("cpu".into(), Place::Host)
    }

    /// The device called `name`: `cpu`, or `BACKEND:INDEX` such as `wgpu:0` or `cuda:0`; without the index, the
    /// backend's first.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Unknown`], with the devices there are, and the cargo feature if the build lacks the backend.
    pub fn find(name: &str) -> Result<Self, DeviceError> {
        if name == "cpu" {
            return Ok(Self::cpu());
        }
        let (backend, index) = match name.split_once(':') {
            Some((backend, index)) => (backend, index.parse().ok()),
            None => (name, Some(0)),
        };
        index
            .and_then(|index: usize| Some((index, devices(backend).into_iter().nth(index)?)))
            .map(|(index, place)| Self::new(format!("{backend}:{index}"), place))
            .ok_or_else(|| {
                let present = Self::present();
                let help = advice(name, backend, &present);
                DeviceError::Unknown { name: name.into(), present, help }
            })
    }

    /// Names of the devices there are.
    pub fn present() -> Vec<String> {
        let mut names = vec!["cpu".to_string()];
        for backend in BACKENDS {
            names.extend((0..devices(backend).len()).map(|index| format!("{backend}:{index}")));
        }
        names
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its driver calls it, such as the model of a graphics card; `None` for the host.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Failed`] where the device cannot be opened.
    pub fn model(&self) -> Result<Option<String>, DeviceError> {
        self.guard(|| self.place.model())
    }

    /// Whether it calculates with the numbers.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NoDouble`] for 64-bit numbers on a device without them, or whose results with them are wrong.
    pub fn check(&self, dtype: Dtype) -> Result<(), DeviceError> {
        let has_double = || self.guard(|| self.place.has_double()).unwrap_or(false);
        if dtype == Dtype::F32 || *self.has_double.get_or_init(has_double) {
            Ok(())
        } else {
            Err(DeviceError::NoDouble { device: self.name.clone() })
        }
    }

    /// Does `work`, which evaluates networks on this device. Backends of accelerators panic where memory runs out or
    /// a driver fails: here, and nowhere else, that panic becomes an error. On the host a panic is a bug, and
    /// stays one.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Failed`], with what the backend said.
    pub(crate) fn guard<T>(&self, work: impl FnOnce() -> T) -> Result<T, DeviceError> {
        if self.place.is_host() { Ok(work()) } else { guarded(&self.name, work) }
    }

    pub(crate) fn context(&self, dtype: Dtype) -> Context {
        Context { place: self.place.clone(), dtype }
    }
}

/// Does `work` on the device called `name`, whose backend may panic.
fn guarded<T>(name: &str, work: impl FnOnce() -> T) -> Result<T, DeviceError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let reason = text.unwrap_or("its backend did not say why").to_string();
        DeviceError::Failed { device: name.into(), reason }
    })
}

/// Lists the devices of a backend.
type Enumerate = fn() -> Vec<Place>;

/// The accelerators' backends in this build, with the devices of each.
fn built() -> Vec<(&'static str, Enumerate)> {
    Vec::from([
        #[cfg(feature = "wgpu")]
        ("wgpu", (|| present(DeviceType::Wgpu)) as _),
        #[cfg(feature = "vulkan")]
        ("vulkan", (|| present(DeviceType::Vulkan)) as _),
        #[cfg(feature = "metal")]
        ("metal", (|| present(DeviceType::Metal)) as _),
        #[cfg(feature = "cuda")]
        ("cuda", (|| present(DeviceType::Cuda)) as _),
        #[cfg(feature = "rocm")]
        ("rocm", (|| present(DeviceType::Rocm)) as _),
    ])
}

#[cfg(any(
    feature = "wgpu",
    feature = "vulkan",
    feature = "metal",
    feature = "cuda",
    feature = "rocm"
))]
fn present(kind: DeviceType) -> Vec<Place> {
    burn::tensor::Device::enumerate(kind).into_vec().into_iter().map(Place::Device).collect()
}

/// The devices that a backend finds on this machine; none where the build lacks the backend.
fn devices(backend: &str) -> Vec<Place> {
    built()
        .into_iter()
        .find(|(name, _)| *name == backend)
        .map(|(_, devices)| devices())
        .unwrap_or_default()
}

/// What would make `name` a device.
fn advice(name: &str, backend: &str, present: &[String]) -> Option<String> {
    let built = built().iter().any(|(name, _)| *name == backend);
    if BACKENDS.contains(&backend) && !built {
        return Some(format!(
            "this build lacks the backend `{backend}`: `cargo build --release --features {backend}` makes one with it"
        ));
    }
    if built && devices(backend).is_empty() {
        return Some(format!("the backend `{backend}` finds no device: is its driver installed?"));
    }
    let mut known: Vec<&str> = present.iter().map(String::as_str).collect();
    let backends = self::built();
    known.extend(backends.iter().map(|(name, _)| *name).filter(|_| !name.contains(':')));
    let near = near::names(name, &known);
    let meant = (!near.is_empty()).then(|| format!("did you mean {}?", near::quoted(&near)));
    // A backend is a name only in a build that has it.
    let lacks = backends.is_empty().then(|| {
        let features = BACKENDS.join(", ");
        format!("for accelerators, `cargo build --release --features` one of {features}")
    });
    let advice: Vec<String> = meant.into_iter().chain(lacks).collect();
    (!advice.is_empty()).then(|| advice.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_device_comes_with_those_there_are() {
        for name in ["gpu:0", "cpu:0", "wgpu:x", "wgpu:-1", "wgpu:7", ":", "", "cudo:0"] {
            let error = Device::find(name).unwrap_err();
            let DeviceError::Unknown { present, .. } = &error else { panic!("{error}") };
            assert_eq!(present[0], "cpu");
            assert!(error.to_string().contains(&format!("no device `{name}`: there ")), "{error}");
        }
        assert_eq!(Device::find("cpu").unwrap().name(), "cpu");
    }

    #[test]
    fn only_devices_of_this_build_are_suggested() {
        let Err(DeviceError::Unknown { help, .. }) = Device::find("gpu") else { panic!() };
        let help = help.unwrap_or_default();
        for backend in BACKENDS {
            let suggested = help.contains(&format!("`{backend}`"));
            assert!(!suggested || built().iter().any(|(name, _)| *name == backend), "{help}");
        }
        assert!(!built().is_empty() || help.contains("--features"), "{help}");
    }

    #[test]
    fn a_backend_outside_the_build_names_its_feature() {
        for backend in BACKENDS.into_iter().filter(|b| built().iter().all(|(name, _)| name != b)) {
            for name in [backend.to_string(), format!("{backend}:0")] {
                let Err(DeviceError::Unknown { help: Some(help), .. }) = Device::find(&name) else {
                    panic!("{name}")
                };
                assert!(help.contains(&format!("--features {backend}")), "{help}");
            }
        }
    }

    #[test]
    fn an_accelerators_panic_is_an_error() {
        assert_eq!(guarded("wgpu:0", || 3).unwrap(), 3);
        let error = guarded("wgpu:0", || panic!("no memory for {} numbers", 7)).unwrap_err();
        assert_eq!(error.to_string(), "wgpu:0 failed: no memory for 7 numbers");
    }
}
