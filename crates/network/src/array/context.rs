//! Where arrays live, and how they are made of numbers.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::{Array, Data, Number, Shape};
use crate::buffer::{Buffer, Pooled};

/// Where arrays live and the numbers they hold.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub device: Device,
    pub dtype: DType,
    /// Whether arrays are buffers of the host.
    pub host: bool,
}

impl Context {
    pub fn array(&self, values: Vec<f64>, shape: &[usize]) -> Array {
        debug_assert_eq!(values.len(), shape.iter().product::<usize>());
        let data = match (self.host, self.dtype) {
            (true, DType::F64) => Number::data(values),
            (true, _) => {
                let wide = Buffer::new(values);
                let mut values = f32::vector(wide.len());
                values.iter_mut().zip(wide.iter()).for_each(|(to, &v)| *to = v as f32);
                Number::data(values)
            }
            (false, _) => Data::Device(Box::new(self.on_device(values))),
        };
        Array { data, shape: Shape::from_slice(shape) }
    }

    fn on_device(&self, values: Vec<f64>) -> Tensor<1> {
        let length = values.len();
        let data = match self.dtype {
            DType::F64 => TensorData::new(values, [length]),
            _ => TensorData::new(values.into_iter().map(|v| v as f32).collect(), [length]),
        };
        Tensor::from_data(data, (&self.device, self.dtype))
    }

    fn full(&self, value: f64, shape: &[usize]) -> Array {
        let length: usize = shape.iter().product();
        let data = match (self.host, self.dtype) {
            (true, DType::F64) => Number::data(vec![value; length]),
            (true, _) => Number::data(vec![value as f32; length]),
            (false, _) => {
                let tensor = Tensor::full([length], value, (&self.device, self.dtype));
                Data::Device(Box::new(tensor))
            }
        };
        Array { data, shape: Shape::from_slice(shape) }
    }

    pub fn zeros(&self, shape: &[usize]) -> Array {
        self.full(0.0, shape)
    }

    pub fn ones(&self, shape: &[usize]) -> Array {
        self.full(1.0, shape)
    }

    /// The rows of a table of parameters that `indices` name.
    pub fn indices(&self, values: &[usize]) -> Tensor<1, Int> {
        let values: Vec<i32> = values.iter().map(|&v| v as i32).collect();
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), (&self.device, DType::I32))
    }
}
