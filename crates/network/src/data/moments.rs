//! Mean and standard deviation of numbers of any size.

/// The mean, and the square root of the mean squared distance from it.
pub(super) struct Moments {
    pub mean: f64,
    pub deviation: f64,
}

impl Moments {
    /// Those of some numbers, which are gone through three times. Numbers are divided by a power of two near the
    /// largest, which changes no digit, so that no sum or square overflows or vanishes. Of equal numbers the mean is
    /// exact and the deviation 0, where a rounded mean would leave a distance.
    pub fn of<I: Iterator<Item = f64>>(numbers: impl Fn() -> I) -> Moments {
        let (mut least, mut largest, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0_usize);
        for x in numbers() {
            (least, largest, count) = (least.min(x), largest.max(x), count + 1);
        }
        if least == largest {
            return Moments { mean: least, deviation: 0.0 };
        }
        let exponent = libm::ilogb(least.abs().max(largest.abs())).clamp(-1000, 1000);
        let (down, up) = (libm::scalbn(1.0, -exponent), libm::scalbn(1.0, exponent));
        let count = count.max(1) as f64;
        let mean = numbers().map(|x| x * down).sum::<f64>() / count;
        let variance = numbers().map(|x| (x * down - mean).powi(2)).sum::<f64>() / count;
        Moments { mean: mean * up, deviation: variance.sqrt() * up }
    }
}
