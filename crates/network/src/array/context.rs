//! Where arrays live, and how they are made of numbers.

use std::sync::Arc;

#[cfg(feature = "accelerator")]
use super::tensor;
use super::{Array, Data, Indices};
use crate::architecture::Dtype;
use crate::buffer::{Buffer, Pooled};

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

    /// Whether there are such numbers.
    pub fn holds(&self, dtype: Dtype) -> bool {
        match (self, dtype) {
            (Self::Host, Dtype::F32 | Dtype::F64) => true,
            #[cfg(feature = "accelerator")]
            (Self::Device(device), dtype) => device.supports_dtype(tensor::element(dtype)),
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
        let data: Data = match (&self.place, self.dtype) {
            (Place::Host, Dtype::F64) => Arc::new(Buffer::new(values)).into(),
            (Place::Host, Dtype::F32) => {
                let wide = Buffer::new(values);
                let mut values = f32::vector(wide.len());
                values.iter_mut().zip(wide.iter()).for_each(|(to, &v)| *to = v as f32);
                Arc::new(Buffer::new(values)).into()
            }
            #[cfg(feature = "accelerator")]
            (Place::Device(device), dtype) => {
                tensor::upload(values, device, tensor::element(dtype)).into()
            }
        };
        Array::new(data, shape)
    }

    fn full(&self, value: f64, shape: &[usize]) -> Array {
        let mut values = f64::vector(shape.iter().product());
        values.fill(value);
        self.array(values, shape)
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
