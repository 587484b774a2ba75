//! Where arrays live, and how they are made of numbers.

#[cfg(feature = "accelerator")]
use super::tensor;
use super::{Array, Indices};
use crate::architecture::Dtype;
use crate::buffer::Buffer;
use crate::host::cores;
use crate::lanes::Real;

/// Where networks are evaluated.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Host,
    #[cfg(feature = "accelerator")]
    Device(burn::tensor::Device),
}

impl Place {
    /// Whether arrays are buffers of the host.
    pub fn is_host(&self) -> bool {
        matches!(self, Self::Host)
    }

    /// What the driver of an accelerator calls it.
    pub fn model(&self) -> Option<String> {
        match self {
            Self::Host => None,
            #[cfg(feature = "accelerator")]
            Self::Device(device) => device.identity().map(|identity| identity.name),
        }
    }

    /// Whether it calculates with 64-bit numbers, which may take an evaluation to know.
    pub fn has_double(&self) -> bool {
        match self {
            Self::Host => true,
            #[cfg(feature = "accelerator")]
            Self::Device(device) => tensor::has_double(device),
        }
    }
}

/// Where arrays live and the numbers they hold.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub place: Place,
    pub dtype: Dtype,
}

impl Context {
    /// Whether arrays are buffers of the host.
    pub fn is_host(&self) -> bool {
        self.place.is_host()
    }

    pub fn array(&self, values: Vec<f64>, shape: &[usize]) -> Array {
        debug_assert_eq!(values.len(), shape.iter().product::<usize>());
        match (&self.place, self.dtype) {
            (Place::Host, Dtype::F64) => Array::of_numbers(values, shape),
            _ => {
                let values = Buffer::new(values);
                self.collected(|first| values[first..].iter().copied(), shape)
            }
        }
    }

    /// As many numbers as the shape has, of which `values(first)` gives those from the `first` one on.
    pub fn collected<I: Iterator<Item = f64>>(
        &self,
        values: impl Fn(usize) -> I + Sync,
        shape: &[usize],
    ) -> Array {
        fn of<T: Real, I: Iterator<Item = f64>>(
            values: impl Fn(usize) -> I + Sync,
            shape: &[usize],
        ) -> Vec<T> {
            let mut out = T::vector(shape.iter().product());
            cores::each(&mut out, 1, 1, |first, out| {
                out.iter_mut().zip(values(first)).for_each(|(to, v)| *to = T::of(v));
            });
            out
        }
        match (&self.place, self.dtype) {
            (Place::Host, Dtype::F64) => Array::of_numbers(of::<f64, I>(values, shape), shape),
            (Place::Host, Dtype::F32) => Array::of_numbers(of::<f32, I>(values, shape), shape),
            #[cfg(feature = "accelerator")]
            (Place::Device(device), dtype) => {
                let tensor = tensor::upload(values(0).collect(), device, tensor::element(dtype));
                Array::new(tensor.into(), shape)
            }
        }
    }

    fn full(&self, value: f64, shape: &[usize]) -> Array {
        let length: usize = shape.iter().product();
        self.collected(|first| std::iter::repeat_n(value, length - first), shape)
    }

    pub fn zeros(&self, shape: &[usize]) -> Array {
        self.full(0.0, shape)
    }

    pub fn ones(&self, shape: &[usize]) -> Array {
        self.full(1.0, shape)
    }

    /// The rows of a table of parameters that `indices` name.
    pub fn indices(&self, values: Vec<usize>) -> Indices {
        match &self.place {
            Place::Host => Indices::Host(values.into()),
            #[cfg(feature = "accelerator")]
            Place::Device(device) => Indices::Device(tensor::upload_indices(&values, device)),
        }
    }
}
