//! The shape of what each operation gives, and whether its arguments fit.

use super::operation::{Along, Axes, Operation, Window};

/// The most entries of a tensor.
const MOST: usize = 1 << 31;

/// The shape of the value of `operation`, of arguments of these shapes; those of parameters and constants are known.
pub(super) fn infer(operation: &Operation, args: &[&[usize]]) -> Result<Vec<usize>, String> {
    let shape = value(operation, args)?;
    let size = shape.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis));
    match size {
        Some(0) => Err(format!("an axis of its value {shape:?} has no entries")),
        Some(1..=MOST) => Ok(shape),
        _ => Err(format!("its value {shape:?} has more than 2^31 entries")),
    }
}

fn value(operation: &Operation, args: &[&[usize]]) -> Result<Vec<usize>, String> {
    use Operation::*;
    Ok(match operation {
        Parameter { .. } | Constant { .. } => unreachable!("their shapes are declared"),
        Scalar { .. } => Vec::new(),
        Iota { shape, axis } => {
            check_axis(*axis, shape)?;
            shape.clone()
        }
        Add | Subtract | Multiply | Divide | Maximum | Minimum | Power => {
            broadcast(args[0], args[1])?
        }
        operation if operation.compares() => broadcast(args[0], args[1])?,
        Where => broadcast(args[0], &broadcast(args[1], args[2])?)?,
        Matmul { transpose } => matmul(args[0], args[1], *transpose)?,
        Convolution { window, groups } => convolution(args[0], args[1], window, *groups)?,
        ConvolutionTranspose { window, groups, output_padding } => {
            transposed(args[0], args[1], window, *groups, output_padding)?
        }
        MaxPool { window, steps } | AvgPool { window, steps, .. } => pool(args[0], window, steps)?,
        Reshape { shape } => {
            let size = |shape: &[usize]| shape.iter().map(|n| *n as u128).product::<u128>();
            if shape.len() > 64 || size(shape) != size(args[0]) {
                return Err(format!("{:?} has other entries than {shape:?}", args[0]));
            }
            shape.clone()
        }
        Permute { axes } => {
            let mut sorted = axes.clone();
            sorted.sort_unstable();
            if !sorted.iter().copied().eq(0..args[0].len()) {
                return Err(format!("{axes:?} are not the axes of {:?} in another order", args[0]));
            }
            axes.iter().map(|&axis| args[0][axis]).collect()
        }
        Expand { shape } => {
            if broadcast(args[0], shape)? != *shape {
                return Err(format!("{:?} does not broadcast to {shape:?}", args[0]));
            }
            shape.clone()
        }
        Slice { starts, stops, steps } => {
            let ranges = ranges(args[0], starts, stops, steps)?;
            ranges.iter().map(|range| range.count).collect()
        }
        Pad { padding, .. } => {
            if padding.len() != args[0].len() {
                return Err(format!("{:?} needs a pair of `padding` for each axis", args[0]));
            }
            let padded = |(&size, [low, high]): (&usize, &[i64; 2])| {
                let size = i64::try_from(size).ok()?.checked_add(*low)?.checked_add(*high)?;
                usize::try_from(size).ok()
            };
            let shape: Option<Vec<usize>> = args[0].iter().zip(padding).map(padded).collect();
            shape.ok_or_else(|| format!("{:?} is cropped to less than nothing", args[0]))?
        }
        Concatenate { axis } => {
            check_axis(*axis, args[0])?;
            let mut shape = args[0].to_vec();
            for arg in &args[1..] {
                let fits = arg.len() == shape.len()
                    && (0..shape.len()).all(|at| at == *axis || arg[at] == shape[at]);
                if !fits {
                    return Err(format!("{shape:?} and {arg:?} differ beside the axis {axis}"));
                }
                shape[*axis] = shape[*axis].saturating_add(arg[*axis]);
            }
            shape
        }
        Gather { axis } => {
            check_axis(*axis, args[0])?;
            indexed(args[0], args[1], *axis)?;
            args[1].to_vec()
        }
        ScatterAdd { axis } => {
            check_axis(*axis, args[0])?;
            indexed(args[0], args[1], *axis)?;
            if args[1] != args[2] {
                return Err(format!("indices {:?} and updates {:?} differ", args[1], args[2]));
            }
            args[0].to_vec()
        }
        Take { axis } => {
            check_axis(*axis, args[0])?;
            [&args[0][..*axis], args[1], &args[0][axis + 1..]].concat()
        }
        Flip { axes } => {
            kept(args[0], axes)?;
            args[0].to_vec()
        }
        Sum(axes) | Mean(axes) | Max(axes) | Min(axes) | Product(axes) | LogSumExp(axes) => {
            let kept = kept(args[0], &axes.axes)?;
            if axes.keep { kept } else { without(args[0], axes) }
        }
        Argmax(axis) | Argmin(axis) => {
            let axes = Axes { axes: vec![axis.axis], keep: axis.keep };
            let kept = kept(args[0], &axes.axes)?;
            if axes.keep { kept } else { without(args[0], &axes) }
        }
        CumulativeSum { axis, .. }
        | Softmax { axis }
        | LogSoftmax { axis }
        | Argsort { axis, .. } => {
            check_axis(*axis, args[0])?;
            args[0].to_vec()
        }
        Clamp { min: Some(min), max: Some(max) } if min > max => {
            return Err(format!("`min` {min} is above `max` {max}"));
        }
        _ => args[0].to_vec(),
    })
}

/// The entries of what is made between the arguments and the value: what is padded, and the columns under windows.
pub(super) fn between(operation: &Operation, args: &[&[usize]], value: &[usize]) -> usize {
    let (window, kernel, output) = match operation {
        Operation::Convolution { window, .. } => (window, &args[1][2..], &value[2..]),
        // Its columns are under windows of stride 1.
        Operation::ConvolutionTranspose { window, .. } => (window, &args[1][2..], &value[2..]),
        Operation::MaxPool { window, steps } | Operation::AvgPool { window, steps, .. } => {
            (steps, &window[..], &value[2..])
        }
        _ => return 0,
    };
    let planes = args[0][0].saturating_mul(args[0][1]);
    let size = |shape: &[usize]| shape.iter().fold(1, |size: usize, n| size.saturating_mul(*n));
    let along = window.along(kernel.len()).unwrap_or_default();
    let transposed = matches!(operation, Operation::ConvolutionTranspose { .. });
    let padded = args[0][2..].iter().zip(&along).zip(kernel).map(|((&size, along), &kernel)| {
        let padding =
            along.padding.map(|p| usize::try_from(p.unsigned_abs()).unwrap_or(usize::MAX));
        let reach = if transposed { 2 * kernel.saturating_mul(along.dilation) } else { 0 };
        let size = if transposed { size.saturating_mul(along.stride) } else { size };
        size.saturating_add(padding[0]).saturating_add(padding[1]).saturating_add(reach)
    });
    let padded = padded.fold(1, usize::saturating_mul);
    // Plain convolutions of images make no columns of whole images.
    let plain = matches!(operation, Operation::Convolution { groups: 1, .. })
        && kernel.len() == 2
        && along.iter().all(|along| along.dilation == 1);
    let columns = if plain { 0 } else { size(kernel).saturating_mul(size(output)) };
    planes.saturating_mul(padded.saturating_add(columns))
}

fn check_axis(axis: usize, shape: &[usize]) -> Result<(), String> {
    if axis < shape.len() { Ok(()) } else { Err(format!("{shape:?} has no axis {axis}")) }
}

/// The shape with one entry on the axes that are reduced.
pub(super) fn kept(shape: &[usize], axes: &[usize]) -> Result<Vec<usize>, String> {
    let mut kept = shape.to_vec();
    for (at, &axis) in axes.iter().enumerate() {
        check_axis(axis, shape)?;
        if axes[..at].contains(&axis) {
            return Err(format!("the axis {axis} is named twice"));
        }
        kept[axis] = 1;
    }
    Ok(kept)
}

fn without(shape: &[usize], axes: &Axes) -> Vec<usize> {
    let stays = |(axis, _): &(usize, &usize)| !axes.axes.contains(axis);
    shape.iter().enumerate().filter(stays).map(|(_, size)| *size).collect()
}

/// The shape of a broadcast, as NumPy's.
pub(super) fn broadcast(x: &[usize], y: &[usize]) -> Result<Vec<usize>, String> {
    let rank = x.len().max(y.len());
    let size = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    let axis = |axis| match (size(x, axis), size(y, axis)) {
        (1, n) | (n, 1) => Some(n),
        (n, m) => (n == m).then_some(n),
    };
    let shape: Option<Vec<usize>> = (0..rank).map(axis).collect();
    shape.ok_or_else(|| format!("{x:?} and {y:?} do not broadcast"))
}

fn matmul(x: &[usize], y: &[usize], transpose: [bool; 2]) -> Result<Vec<usize>, String> {
    let ([.., a, b], [.., c, d]) = (x, y) else {
        return Err(format!("{x:?} and {y:?} are not both matrices"));
    };
    let (rows, inner) = if transpose[0] { (b, a) } else { (a, b) };
    let (other, columns) = if transpose[1] { (d, c) } else { (c, d) };
    if inner != other {
        return Err(format!(
            "{x:?} and {y:?} with `transpose` {transpose:?} do not multiply: {inner} columns and {other} rows"
        ));
    }
    let mut shape = broadcast(&x[..x.len() - 2], &y[..y.len() - 2])?;
    shape.extend([*rows, *columns]);
    Ok(shape)
}

/// How a window moves along each spatial axis.
fn steps(window: &Window, count: usize) -> Result<Vec<Along>, String> {
    let along = window.along(count).ok_or_else(|| {
        format!("`stride`, `padding` and `dilation` are not of {count} spatial axes")
    })?;
    if along.iter().any(|along| along.stride == 0 || along.dilation == 0) {
        return Err("a `stride` or `dilation` is 0".into());
    }
    Ok(along)
}

fn places(spatial: &[usize], kernel: &[usize], along: &[Along]) -> Result<Vec<usize>, String> {
    let each = spatial.iter().zip(kernel).zip(along);
    let places: Option<Vec<usize>> =
        each.map(|((&size, &kernel), along)| along.places(size, kernel)).collect();
    places.ok_or_else(|| format!("a window {kernel:?} has no place on {spatial:?}"))
}

fn spatial(x: &[usize]) -> Result<&[usize], String> {
    match x.len() {
        3..=5 => Ok(&x[2..]),
        _ => Err(format!("{x:?} is no [n, channels, …] with 1 to 3 spatial axes")),
    }
}

fn convolution(
    x: &[usize],
    w: &[usize],
    window: &Window,
    groups: usize,
) -> Result<Vec<usize>, String> {
    let sizes = spatial(x)?;
    if w.len() != x.len()
        || groups == 0
        || w[1].checked_mul(groups) != Some(x[1])
        || !w[0].is_multiple_of(groups)
    {
        return Err(format!(
            "a weight {w:?} in {groups} groups does not fit {x:?}: it is [outputs, inputs/groups, …]"
        ));
    }
    let along = steps(window, sizes.len())?;
    let mut shape = vec![x[0], w[0]];
    shape.extend(places(sizes, &w[2..], &along)?);
    Ok(shape)
}

fn transposed(
    x: &[usize],
    w: &[usize],
    window: &Window,
    groups: usize,
    output_padding: &[usize],
) -> Result<Vec<usize>, String> {
    let sizes = spatial(x)?;
    if w.len() != x.len() || groups == 0 || w[0] != x[1] || !w[0].is_multiple_of(groups) {
        return Err(format!(
            "a weight {w:?} in {groups} groups does not fit {x:?}: it is [inputs, outputs/groups, …]"
        ));
    }
    let along = steps(window, sizes.len())?;
    if !output_padding.is_empty() && output_padding.len() != sizes.len() {
        return Err(format!("`output_padding` is not of {} spatial axes", sizes.len()));
    }
    let mut shape = vec![x[0], w[1].saturating_mul(groups)];
    for (axis, along) in along.iter().enumerate() {
        let size = transposed_size(
            sizes[axis],
            w[axis + 2],
            along,
            output_padding.get(axis).copied().unwrap_or(0),
        );
        shape.push(size.ok_or_else(|| format!("nothing is left along the spatial axis {axis}"))?);
    }
    Ok(shape)
}

/// The size of the input of a convolution from that of its output.
fn transposed_size(size: usize, kernel: usize, along: &Along, rest: usize) -> Option<usize> {
    let reach = kernel.checked_sub(1)?.checked_mul(along.dilation)?;
    let whole = size.checked_sub(1)?.checked_mul(along.stride)?.checked_add(reach)?;
    let whole = i64::try_from(whole.checked_add(1)?.checked_add(rest)?).ok()?;
    let [low, high] = along.padding;
    usize::try_from(whole.checked_sub(low)?.checked_sub(high)?).ok()
}

fn pool(x: &[usize], window: &[usize], moves: &Window) -> Result<Vec<usize>, String> {
    let sizes = spatial(x)?;
    if window.len() != sizes.len() {
        return Err(format!("`window` is not of {} spatial axes", sizes.len()));
    }
    let along = steps(moves, sizes.len())?;
    let mut shape = x[..2].to_vec();
    shape.extend(places(sizes, window, &along)?);
    Ok(shape)
}

fn indexed(x: &[usize], indices: &[usize], axis: usize) -> Result<(), String> {
    let fits =
        x.len() == indices.len() && (0..x.len()).all(|at| at == axis || indices[at] <= x[at]);
    if fits {
        Ok(())
    } else {
        Err(format!("indices {indices:?} do not fit {x:?} beside axis {axis}"))
    }
}

/// Places along an axis: `start`, `start + step`, …
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub start: i64,
    pub step: i64,
    pub count: usize,
}

/// The places along each axis that a slice takes, as NumPy does, but counted from the start alone.
pub(super) fn ranges(
    shape: &[usize],
    starts: &[i64],
    stops: &[i64],
    steps: &[i64],
) -> Result<Vec<Range>, String> {
    let rank = shape.len();
    if starts.len() != rank || stops.len() != rank || ![0, rank].contains(&steps.len()) {
        return Err(format!("{shape:?} needs a start, a stop and a step for each axis"));
    }
    let range = |axis: usize| {
        let (size, step) = (shape[axis] as i64, steps.get(axis).copied().unwrap_or(1));
        let (start, stop) = (starts[axis], stops[axis]);
        let inside = match step {
            0 => false,
            1.. => (0..=size).contains(&start) && (0..=size).contains(&stop),
            _ => (0..size).contains(&start) && (-1..size).contains(&stop),
        };
        if !inside {
            return Err(format!(
                "{start} to {stop} by {step} is no part of axis {axis} of {shape:?}"
            ));
        }
        let way = if step > 0 { stop - start } else { start - stop };
        let count = way.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as usize;
        Ok(Range { start, step, count })
    };
    (0..rank).map(range).collect()
}
