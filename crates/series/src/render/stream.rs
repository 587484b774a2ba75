//! Many small items, formatted in parallel and written in order.

use crate::exact::effort;
use rayon::prelude::*;
use std::io::{self, Write};

/// How many items one thread formats at a time.
const CHUNK: usize = 2048;
/// How many such chunks are formatted while those before are being written.
const CHUNKS: usize = 16;

/// Writes what `format` appends for each item. Every item that is not empty starts with the byte
/// `separator`, which is left out before the first.
pub(super) fn write_separated<T: Sync>(
    items: &[T],
    separator: u8,
    out: &mut (dyn Write + Send),
    format: impl Fn(&T, &mut Vec<u8>) + Sync,
) -> io::Result<()> {
    let mut full: Vec<Vec<u8>> = vec![Vec::new(); CHUNKS];
    let mut next = full.clone();
    let mut first = true;
    let mut write = |buffers: &[Vec<u8>]| -> io::Result<()> {
        for mut bytes in buffers.iter().map(Vec::as_slice).filter(|b| !b.is_empty()) {
            if first {
                debug_assert_eq!(bytes[0], separator);
                bytes = &bytes[1..];
                first = false;
            }
            out.write_all(bytes)?;
        }
        Ok(())
    };
    let meter = effort::Shared::of_this_thread();
    for batch in items.chunks(CHUNK * CHUNKS) {
        let fill = || {
            next.par_iter_mut().enumerate().for_each(|(i, buffer)| {
                buffer.clear();
                for item in batch.iter().skip(i * CHUNK).take(CHUNK) {
                    meter.part(|| format(item, buffer));
                }
            });
        };
        let (written, ()) = rayon::join(|| write(&full), fill);
        written?;
        std::mem::swap(&mut full, &mut next);
    }
    write(&full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_order_and_one_separator_fewer() {
        let items: Vec<u32> = (0..100_000).collect();
        let mut out = Vec::new();
        write_separated(&items, b',', &mut out, |item, bytes| {
            if item % 3 > 0 {
                bytes.extend(format!(",{item}").bytes());
            }
        })
        .unwrap();
        let expected: Vec<String> =
            items.iter().filter(|i| *i % 3 > 0).map(u32::to_string).collect();
        assert_eq!(String::from_utf8(out).unwrap(), expected.join(","));
    }
}
