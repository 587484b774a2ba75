//! What separates the cells of a table.

/// What may separate cells, with names that an option can have for them.
const SEPARATORS: [(u8, &[&str]); 4] = [
    (b',', &["comma", ","]),
    (b';', &["semicolon", ";"]),
    (b'\t', &["tab", "\\t"]),
    (b'|', &["bar", "|"]),
];

/// The separator that an option names.
pub(super) fn named(text: &str) -> Option<u8> {
    SEPARATORS.iter().find(|(_, names)| names.contains(&text)).map(|(separator, _)| *separator)
}

/// How an option names a separator: `;`, but `tab`.
pub(super) fn name(separator: u8) -> &'static str {
    match separator {
        b';' => ";",
        b'|' => "|",
        b'\t' => "tab",
        _ => "comma",
    }
}

/// How many lines are looked at.
const LINES: usize = 50;

/// Another separator than `used`, if it is the one that the lines of the table have in common. A semicolon is believed
/// also beside commas, which then are those of decimal fractions; a tab beside commas is space around them.
pub(super) fn other(text: &[u8], used: u8) -> Option<u8> {
    let lines: Vec<&[u8]> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !matches!(line.trim_ascii(), [] | [b'#', ..]))
        .take(LINES)
        .collect();
    let common = |separator: u8| -> bool {
        let mut counts = lines.iter().map(|line| count(line, separator));
        counts.next().is_some_and(|first| first > 0 && counts.all(|count| count == first))
    };
    let believed = |separator: u8| {
        separator != used
            && common(separator)
            && (used == b',' && separator == b';' || !common(used))
    };
    SEPARATORS.iter().map(|(separator, _)| *separator).find(|separator| believed(*separator))
}

/// How often a separator stands outside quotes.
fn count(line: &[u8], separator: u8) -> usize {
    let mut quoted = false;
    let mut count = 0;
    for byte in line {
        match *byte {
            b'"' => quoted = !quoted,
            byte if byte == separator && !quoted => count += 1,
            _ => {}
        }
    }
    count
}
