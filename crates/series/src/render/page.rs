//! What all pages have in common: they open from disk, light or dark, without network or scripts.

/// The colours of light and of dark pages. Those of nodes follow Okabe and Ito, which every reader can tell
/// apart.
pub const THEME: &str = "\
:root{--page:#fff;--ink:#1b1f24;--soft:#66707b;--line:#d8dee4;--edge:#57606a;--tint:#eef4fb;\
--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#e69f00;--c5:#56b4e9;--c6:#b8a800}\n\
@media(prefers-color-scheme:dark){:root{--page:#12161b;--ink:#e6e9ed;--soft:#9aa4af;\
--line:#2d343c;--edge:#8b949e;--tint:#1a2531;\
--c0:#4aa8e0;--c1:#ff8a3d;--c2:#2fd0a0;--c3:#e79fc6;--c4:#f5b833;--c5:#8fd0f5;--c6:#efe04c}}\n";

const LOOK: &str = "\
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n\
main{max-width:70rem;margin:0 auto;padding:2rem 1.5rem}\n\
h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.25rem;margin:2rem 0 0}\n\
.soft,figcaption{color:var(--soft)}.legend span{margin-right:1.2rem}\n\
.scroll{overflow-x:auto;margin:1rem 0;padding:.5rem 0}\n\
.verdict{border-left:3px solid var(--c2);padding-left:.8rem}\n";

/// A page up to its heading; `style` is what it needs beside the common look.
pub fn start(heading: &str, style: &str) -> String {
    let heading = escape(heading);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{heading}</title>\n<style>\n{THEME}{LOOK}{style}</style>\n<main>\n<h1>{heading}</h1>\n"
    )
}

/// What ends a page.
pub const END: &str = "</main>\n</html>\n";

/// Text inside an element.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
