//! Whether the host's memory can hold an evaluation, before it is begun: a program that runs out of it is ended.

use super::architecture::{Architecture, Dtype};
use super::mismatch::Mismatch;

/// Refuses what takes more memory than there is: the parameters and a gradient, as 64-bit numbers and as the network's
/// own, and on the host the `activations` that one shard keeps, and the data.
pub(super) fn check(architecture: &Architecture, activations: usize) -> Result<(), Mismatch> {
    let size = size(architecture.dtype);
    let parameters: usize = architecture.parameters.iter().map(|p| p.len()).sum();
    let own = parameters.saturating_mul(2 * (8 + size));
    let bytes = own.saturating_add(activations.saturating_mul(size));
    if available(bytes) { Ok(()) } else { Err(Mismatch::Memory { bytes, parameters, activations }) }
}

/// Refuses a loss of all pairs of so many examples that takes more memory than there is: six numbers of each, first as 64-bit
/// ones, for which pairs count, and as many that depend on the outputs.
pub(super) fn check_pairs(examples: usize, dtype: Dtype) -> Result<(), Mismatch> {
    let each = 6 * (8 + size(dtype));
    let bytes = examples.saturating_mul(examples).saturating_mul(each);
    if available(bytes) { Ok(()) } else { Err(Mismatch::Pairs { examples, bytes }) }
}

/// Bytes of a number.
fn size(dtype: Dtype) -> usize {
    match dtype {
        Dtype::F32 => 4,
        Dtype::F64 => 8,
    }
}

/// Whether the system would give that much at once. It is asked for addresses alone, and past the allocator, which a
/// program may have told to end it. Linux gives addresses for what others use at the moment, and says how much that is.
pub(super) fn available(bytes: usize) -> bool {
    let free = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| free(&text));
    free.is_none_or(|free| bytes <= free)
        && (bytes == 0 || memmap2::MmapMut::map_anon(bytes).is_ok())
}

/// The bytes of memory and of swap that Linux says are not in use.
fn free(meminfo: &str) -> Option<usize> {
    let entry = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
    };
    entry("MemAvailable:")?.checked_add(entry("SwapFree:")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Criterion;

    #[test]
    fn memory_that_no_machine_has_is_refused() {
        let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
        let network = Architecture::find("mlp:10", &[4], 3, criterion, Dtype::F64).unwrap();
        check(&network, 1 << 10).unwrap();
        let error = check(&network, 1 << 57).unwrap_err();
        // 8 · 2^57 bytes, and 32 a parameter.
        assert!(
            matches!(error, Mismatch::Memory { bytes, parameters: 83, .. } if bytes == (1 << 60) + 32 * 83)
        );
        assert!(error.to_string().contains("at least 1073741824.0 GiB"), "{error}");
        let error = check_pairs(1 << 25, Dtype::F32).unwrap_err();
        assert!(matches!(error, Mismatch::Pairs { bytes, .. } if bytes == 72 << 50));
        assert!(
            error.to_string().starts_with("the loss contrastive of 33554432 examples"),
            "{error}"
        );
        check_pairs(100, Dtype::F64).unwrap();
        assert!(!available(usize::MAX));
        let text = "MemTotal:  900 kB\nMemFree:  1 kB\nMemAvailable:   300 kB\nSwapFree:  20 kB\n";
        assert_eq!(free(text), Some(320 * 1024));
        assert_eq!(free("MemTotal: 900 kB"), None);
    }
}
