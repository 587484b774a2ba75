//! Inputs of examples, stored in the type of their file.

use super::moments::Moments;
use std::ops::Range;

/// Numbers as they are stored. A data set of images takes one byte per pixel, not eight.
#[derive(Clone, PartialEq, Debug)]
pub enum Values {
    /// Bytes, as pixels are.
    Bytes(Vec<u8>),
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
}

impl Values {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Values::Bytes(v) => v.len(),
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at `i`, as stored.
    pub fn get(&self, i: usize) -> Option<f64> {
        match self {
            Values::Bytes(v) => v.get(i).copied().map(f64::from),
            Values::F32(v) => v.get(i).copied().map(f64::from),
            Values::F64(v) => v.get(i).copied(),
        }
    }

    fn slice(&self, range: Range<usize>) -> Values {
        match self {
            Values::Bytes(v) => Values::Bytes(v[range].to_vec()),
            Values::F32(v) => Values::F32(v[range].to_vec()),
            Values::F64(v) => Values::F64(v[range].to_vec()),
        }
    }

    fn select(&self, ranges: impl Iterator<Item = Range<usize>>) -> Values {
        fn gather<T: Copy>(v: &[T], ranges: impl Iterator<Item = Range<usize>>) -> Vec<T> {
            ranges.flat_map(|range| v[range].iter().copied()).collect()
        }
        match self {
            Values::Bytes(v) => Values::Bytes(gather(v, ranges)),
            Values::F32(v) => Values::F32(gather(v, ranges)),
            Values::F64(v) => Values::F64(gather(v, ranges)),
        }
    }

    /// Where the first number that is not finite stands, and what it is.
    pub(super) fn first_not_finite(&self) -> Option<(usize, f64)> {
        let found = match self {
            Values::Bytes(_) => None,
            Values::F32(v) => v.iter().position(|x| !x.is_finite()),
            Values::F64(v) => v.iter().position(|x| !x.is_finite()),
        };
        found.and_then(|i| Some((i, self.get(i)?)))
    }
}

/// An affine map of the stored numbers, `x ↦ (x - shift) / divisor`, one for each channel:
/// `run` numbers in succession share one map, and the maps repeat with every example.
#[derive(Clone, PartialEq, Debug)]
pub struct Scaling {
    maps: Vec<(f64, f64)>,
    run: usize,
}

impl Scaling {
    /// `x ↦ x / divisor` for every number.
    pub fn by(divisor: f64) -> Scaling {
        Scaling { maps: vec![(0.0, divisor)], run: usize::MAX }
    }

    /// The map that makes the mean of every channel 0 and its variance (over all `n`, not `n - 1`) 1.
    /// The channels of an example of shape `c x …` with more than one axis are its first axis; each
    /// number of an example with one axis is a channel. A constant channel is only shifted.
    pub fn standard(values: &Values, shape: &[usize]) -> Scaling {
        let run = match shape {
            [_, rest @ ..] => rest.iter().product::<usize>().max(1),
            [] => 1,
        };
        let channels = shape.first().copied().unwrap_or(1).max(1);
        let width = run * channels;
        let examples = values.len() / width.max(1);
        let maps = (0..channels).map(|channel| {
            let stored = || {
                let starts = (0..examples).map(move |e| e * width + channel * run);
                starts.flat_map(|s| s..s + run).filter_map(|i| values.get(i))
            };
            let moments = Moments::of(stored);
            (moments.mean, if moments.deviation > 0.0 { moments.deviation } else { 1.0 })
        });
        Scaling { maps: maps.collect(), run }
    }

    /// The `(shift, divisor)` of each channel.
    pub fn maps(&self) -> &[(f64, f64)] {
        &self.maps
    }
}

/// `(x - shift)/divisor`, without overflow of the difference.
fn mapped(x: f64, shift: f64, divisor: f64) -> f64 {
    let y = (x - shift) / divisor;
    if y.is_finite() { y } else { x / divisor - shift / divisor }
}

/// The inputs of all examples, one after the other, each flattened with its last axis the fastest.
#[derive(Clone, PartialEq, Debug)]
pub struct Inputs {
    values: Values,
    scaling: Option<Scaling>,
}

impl From<Values> for Inputs {
    fn from(values: Values) -> Inputs {
        Inputs { values, scaling: None }
    }
}

impl Inputs {
    /// The same numbers under another map.
    pub fn scaled(self, scaling: Option<Scaling>) -> Inputs {
        Inputs { scaling, ..self }
    }

    /// The numbers as stored.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The map from the stored numbers to the inputs; without one they are the same.
    pub fn scaling(&self) -> Option<&Scaling> {
        self.scaling.as_ref()
    }

    /// How many numbers there are in all examples together.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Those numbers, in double precision; a range that begins with an example. What lies beyond the
    /// end is left out.
    pub fn f64s(&self, range: Range<usize>) -> Vec<f64> {
        self.map(range, |x| x)
    }

    /// As [`Inputs::f64s`], each rounded to single precision.
    pub fn f32s(&self, range: Range<usize>) -> Vec<f32> {
        self.map(range, |x| x as f32)
    }

    pub(super) fn select(&self, ranges: impl Iterator<Item = Range<usize>>) -> Inputs {
        Inputs { values: self.values.select(ranges), scaling: self.scaling.clone() }
    }

    pub(super) fn slice(&self, range: Range<usize>) -> Inputs {
        Inputs { values: self.values.slice(range), scaling: self.scaling.clone() }
    }

    fn map<T: Copy>(&self, range: Range<usize>, round: impl Fn(f64) -> T) -> Vec<T> {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        let identity = Scaling::by(1.0);
        let scaling = self.scaling.as_ref().unwrap_or(&identity);
        let mut out = Vec::with_capacity(range.len());
        match &self.values {
            Values::Bytes(v) => {
                // There are 256 bytes, so each quotient is computed once.
                let tables: Vec<[T; 256]> = scaling
                    .maps
                    .iter()
                    .map(|(shift, divisor)| {
                        std::array::from_fn(|byte| round((byte as f64 - shift) / divisor))
                    })
                    .collect();
                for (run, table) in v[range].chunks(scaling.run).zip(tables.iter().cycle()) {
                    out.extend(run.iter().map(|byte| table[usize::from(*byte)]));
                }
            }
            Values::F32(v) => {
                for (run, (shift, divisor)) in
                    v[range].chunks(scaling.run).zip(scaling.maps.iter().cycle())
                {
                    out.extend(run.iter().map(|x| round(mapped(f64::from(*x), *shift, *divisor))));
                }
            }
            Values::F64(v) => {
                for (run, (shift, divisor)) in
                    v[range].chunks(scaling.run).zip(scaling.maps.iter().cycle())
                {
                    out.extend(run.iter().map(|x| round(mapped(*x, *shift, *divisor))));
                }
            }
        }
        out
    }
}
