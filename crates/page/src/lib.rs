//! What a web page asks of bea: derivations of optimizers and checks of claims, in JSON.
//!
//! [`answer`] takes a request and returns its answer, both JSON texts. A request names its `task`:
//!
//! | task | with | answer |
//! |---|---|---|
//! | `library` | | `optimizers`: `name`, `summary`, `parameters`, `linear`, `text` of each |
//! | `derive` | the fields of [`Derivation`] | `optimizer`, `parameters`, `linear`, `order`, `heading`, `notes`, `text` in the format asked for |
//! | `size` | the same | `order`, if a page has the memory for it |
//! | `claims` | `source` | `claims`: `name`, `line` of each, in the order of `check`'s `index`; `faults` |
//! | `check` | `source`, `index` | `verdict`, `cases`, `differences`, as `bea check --format json` has them; or `fault` |
//!
//! What is wrong in a request is the answer `{"fault": …}`: `message`, `help`, and, where it has a place in the text,
//! `label`, `start` and `end`, counted in units of UTF-16 as browsers do.
//!
//! ```
//! let request = r#"{"task": "derive", "source": "optimizer plain { theta' = theta + h*f(theta) }",
//!     "order": 1, "format": "txt"}"#;
//! let answer: serde_json::Value = serde_json::from_str(&bea_page::answer(request)).unwrap();
//! assert_eq!(answer["heading"], "plain: modified field to order 1");
//! ```
//!
//! Compiled to WebAssembly, the module exports the functions of [`boundary`]. `web/` holds the page.

pub mod boundary;
mod claims;
mod derivation;
mod fault;

pub use derivation::Derivation;

use bea_series::optimizer::{Optimizer, library, nonlinear_library};
use fault::Fault;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
enum Request {
    Library,
    Derive(Derivation),
    Size(Derivation),
    Claims { source: String },
    Check { source: String, index: usize },
}

/// The answer to a request, see [the table](crate).
pub fn answer(request: &str) -> String {
    let answer = serde_json::from_str(request)
        .map_err(|error| Fault::without_place(format!("no such request: {error}")))
        .and_then(|request| match request {
            Request::Library => Ok(optimizers()),
            Request::Derive(derivation) => derivation.answer(),
            Request::Size(derivation) => derivation.size(),
            Request::Claims { source } => claims::list(&source),
            Request::Check { source, index } => claims::check(&source, index),
        });
    answer.unwrap_or_else(|fault| json!({ "fault": fault })).to_string()
}

fn optimizers() -> Value {
    let object = |optimizer: &Optimizer, linear: bool| {
        json!({
            "name": optimizer.name,
            "summary": optimizer.summary(),
            "parameters": optimizer.parameters,
            "linear": linear,
            "text": optimizer.to_string(),
        })
    };
    let linear = library().iter().map(|optimizer| object(optimizer, true));
    let others = nonlinear_library().iter().map(|optimizer| object(optimizer, false));
    json!({ "optimizers": linear.chain(others).collect::<Vec<_>>() })
}
