//! What all pages have in common: they open from disk, light or dark, and on paper, without network.

use std::fmt::Write as _;

/// The colours of light and of dark pages by name. Those of nodes follow Okabe and Ito, which every reader can tell
/// apart.
const COLORS: [(&str, &str, &str); 13] = [
    ("page", "#fff", "#12161b"),
    ("ink", "#1b1f24", "#e6e9ed"),
    ("soft", "#66707b", "#9aa4af"),
    ("line", "#d8dee4", "#2d343c"),
    ("edge", "#57606a", "#8b949e"),
    ("tint", "#eef4fb", "#1a2531"),
    ("c0", "#0072b2", "#4aa8e0"),
    ("c1", "#d55e00", "#ff8a3d"),
    ("c2", "#009e73", "#2fd0a0"),
    ("c3", "#cc79a7", "#e79fc6"),
    ("c4", "#e69f00", "#f5b833"),
    ("c5", "#56b4e9", "#8fd0f5"),
    ("c6", "#b8a800", "#efe04c"),
];

/// The colours as variables of a page, `var(--ink)`: those that the reader's system asks for, or, once the box of the
/// heading is ticked, the others. Browsers from before 2024 show the light ones.
fn variables() -> String {
    let (mut light, mut both) = (String::new(), String::new());
    for (name, bright, dim) in COLORS {
        let _ = write!(light, "--{name}:{bright};");
        let _ = write!(both, "--{name}:light-dark({bright},{dim});");
    }
    format!(
        ":root{{color-scheme:light;{light}}}\n\
         @supports(color:light-dark(#000,#fff)){{:root{{color-scheme:light dark;{both}}}\n\
         @media(prefers-color-scheme:light){{:root:has(#colors:checked){{color-scheme:dark}}}}\n\
         @media(prefers-color-scheme:dark){{:root:has(#colors:checked){{color-scheme:light}}}}\n\
         @media print{{:root,:root:has(#colors:checked){{color-scheme:light}}}}}}\n"
    )
}

/// A style with colours in the place of their variables, the dark ones for those who ask for them: many viewers of
/// pictures do not know variables.
pub fn literal(style: &str) -> String {
    let mut light = style.to_string();
    let mut dark = style.to_string();
    for (name, bright, dim) in COLORS {
        let variable = format!("var(--{name})");
        light = light.replace(&variable, bright);
        dark = dark.replace(&variable, dim);
    }
    format!("{light}@media(prefers-color-scheme:dark){{\n{dark}}}\n")
}

const LOOK: &str = "\
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n\
main{max-width:70rem;margin:0 auto;padding:2rem 1.5rem}\n\
h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.25rem;margin:2rem 0 0}\n\
.soft,figcaption{color:var(--soft)}.legend span{margin-right:1.2rem}\n\
.scroll{overflow-x:auto;margin:1rem 0;padding:.5rem 0}\n\
.verdict{border-left:3px solid var(--c2);padding-left:.8rem}\n\
.colors{float:right;font-size:.85rem;color:var(--soft)}\n\
:focus-visible{outline:2px solid var(--c0);outline-offset:2px}\n\
@media(max-width:30rem){main{padding:1rem .75rem}}\n\
@media print{main{max-width:none;padding:0}.colors{display:none}.scroll{overflow:visible}}\n";

/// A page may hold style and scripts of its own, and asks nothing of any host, whatever the texts in it say.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'";

/// The box with which a reader takes the other colours.
const SWITCH: &str =
    "<label class=\"colors\"><input type=\"checkbox\" id=\"colors\"/> light/dark</label>";

/// A page up to its heading; `style` is what it needs beside the common look.
pub fn start(heading: &str, style: &str) -> String {
    let heading = escape(heading);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{heading}</title>\n<style>\n{}{LOOK}{style}</style>\n<main>\n{SWITCH}\n<h1>{heading}</h1>\n",
        variables()
    )
}

/// What ends a page.
pub const END: &str = "</main>\n</html>\n";

/// Text inside an element.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
