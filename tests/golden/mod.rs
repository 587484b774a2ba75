//! Pictures that are files of the repository, with which those that are drawn now are compared. After an intended
//! change, look at the new ones: `BEA_UPDATE_PICTURES=1 cargo test --release --test plot --test flow_cli --test
//! curvature_pictures` writes them.

use std::path::Path;

/// Numbers are written to a hundredth of a pixel. The last digit may depend on the system's mathematical library.
const TOLERANCE: f64 = 0.011;

/// Fails unless a picture is as in the file at `path`, which starts at the repository's root.
pub fn assert_golden(path: &str, svg: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BEA_UPDATE_PICTURES").is_some() {
        std::fs::write(&file, svg).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    let Some((line, expected, found)) = difference(&golden, svg) else { return };
    let drawn = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file.file_name().unwrap());
    std::fs::write(&drawn, svg).unwrap();
    panic!(
        "{path}, line {line}\n  holds    {expected}\n  drawn is {found}\nthe whole of it is {}; \
         BEA_UPDATE_PICTURES=1 puts it in the place of the other",
        drawn.display()
    );
}

/// The first line that differs, from shortly before the difference on.
fn difference(golden: &str, svg: &str) -> Option<(usize, String, String)> {
    let (mut a, mut b) = (golden.lines(), svg.lines());
    for number in 1.. {
        let (a, b) = match (a.next(), b.next()) {
            (None, None) => return None,
            (a, b) => (a.unwrap_or("nothing"), b.unwrap_or("nothing")),
        };
        let (parts, others) = (parts(a), parts(b));
        let same = parts.iter().zip(&others).take_while(|(a, b)| agree(a, b)).count();
        if same < parts.len().max(others.len()) {
            let from = |parts: &[&str]| -> String {
                parts[same.saturating_sub(10)..].concat().chars().take(80).collect()
            };
            return Some((number, from(&parts), from(&others)));
        }
    }
    None
}

/// A line, split where numbers begin and end.
fn parts(line: &str) -> Vec<&str> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let other = |c: char| is_number(c) != is_number(first);
        let (part, after) = rest.split_at(rest.find(other).unwrap_or(rest.len()));
        parts.push(part);
        rest = after;
    }
    parts
}

fn agree(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= TOLERANCE,
        _ => a == b,
    }
}

#[test]
fn differences_are_seen() {
    let picture = "<path d=\"M12.34 5L-6.1 7\"/>\n<text x=\"1\">a-b 3</text>\n";
    assert_eq!(difference(picture, picture), None);
    assert_eq!(difference(picture, &picture.replace("12.34", "12.35")), None);
    for (old, new, line) in [
        ("12.34", "12.36", 1),
        ("M12.34 5L", "M12.34 5L0 0L", 1),
        ("a-b", "a-c", 2),
        ("3</text>", "4</text>", 2),
        ("</text>\n", "</text>\n<rect/>\n", 3),
        ("<text x=\"1\">a-b 3</text>\n", "", 2),
    ] {
        let found = difference(picture, &picture.replace(old, new));
        assert_eq!(found.map(|(line, ..)| line), Some(line), "{old} -> {new}");
    }
}
