//! Amounts of memory on the command line, and what helps where it is short.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// So many bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bytes(pub usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(f64, &str); 4] = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
        let bytes = self.0 as f64;
        match UNITS.iter().find(|(size, _)| bytes >= *size) {
            Some((size, unit)) => write!(f, "{:.1} {unit}", bytes / size),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// `2GB`, `500 MiB`, `1.5e9`.
pub(super) fn bytes(text: &str) -> Result<Bytes, String> {
    const UNITS: [(&str, f64); 13] = [
        ("KIB", 1024.0),
        ("MIB", 1_048_576.0),
        ("GIB", 1_073_741_824.0),
        ("TIB", 1_099_511_627_776.0),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("TB", 1e12),
        ("K", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("B", 1.0),
    ];
    let upper = text.trim().to_uppercase();
    let unit = UNITS.iter().find_map(|(unit, size)| Some((upper.strip_suffix(unit)?, *size)));
    let (number, size) = unit.unwrap_or((&upper, 1.0));
    let count = number.trim().parse::<f64>().ok().map(|number| number * size);
    match count.filter(|count| *count >= 1.0 && *count < usize::MAX as f64) {
        Some(count) => Ok(Bytes(count as usize)),
        None => Err("write an amount of memory, such as 2GB or 500MiB".into()),
    }
}

/// What helps where memory is short.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Advice {
    /// Fewer examples.
    Examples,
    /// Fewer vectors of an iteration.
    Vectors,
}

static ADVICE: AtomicU8 = AtomicU8::new(Advice::Examples as u8);

/// From now on the advice where memory runs out.
pub(super) fn advise(advice: Advice) {
    ADVICE.store(advice as u8, Ordering::Relaxed);
}

/// What to do about memory that has run out. Nothing is allocated here.
#[doc(hidden)]
pub fn advice() -> &'static str {
    if ADVICE.load(Ordering::Relaxed) == Advice::Vectors as u8 {
        "keep fewer vectors: `--memory 1GB`, fewer eigenvalues, or `--dtype f32`"
    } else {
        "evaluate fewer examples (`first=1000` after the data's name), or a smaller network or order"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory() {
        for (text, expected) in [
            ("2GB", 2_000_000_000),
            ("1.5 gib", 1_610_612_736),
            ("500MiB", 524_288_000),
            ("800", 800),
            ("3k", 3000),
            ("64 B", 64),
        ] {
            assert_eq!(bytes(text), Ok(Bytes(expected)), "{text}");
        }
        for text in ["", "GB", "-1GB", "0", "2 apples", "nan", "1e400", "infB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        let shown = [(5, "5 bytes"), (1_500, "1.5 kB"), (2_600_000_000, "2.6 GB")];
        for (count, text) in shown {
            assert_eq!(Bytes(count).to_string(), text);
        }
    }
}
