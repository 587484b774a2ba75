//! Comments of `.bea` files.

/// The comment lines directly above the line of byte `at`, without their `#`, joined by line breaks.
///
/// # Panics
/// If `at` is not a boundary of a character of `text`.
pub fn comment_above(text: &str, at: usize) -> String {
    let mut lines: Vec<&str> = text[..at]
        .trim_end_matches([' ', '\t'])
        .lines()
        .rev()
        .map_while(|line| line.trim().strip_prefix('#'))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.reverse();
    lines.join("\n").trim_matches('\n').into()
}
