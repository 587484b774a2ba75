//! Numbers as captions write them.

/// Three decimals, or two digits where the number is small or large; with the minus sign `−`.
pub(crate) fn number(x: f64) -> String {
    match plain(x) {
        text if text.starts_with('-') => text.replacen('-', "−", 1),
        text => text,
    }
}

fn plain(x: f64) -> String {
    match x.abs() {
        size if size.is_nan() => "not measured".into(),
        f64::INFINITY => "infinite".into(),
        0.0 => "0".into(),
        size if (0.01..1000.0).contains(&size) => format!("{x:.3}"),
        _ => format!("{x:.1e}"),
    }
}
