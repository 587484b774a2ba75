//! An optimizer of one's own: its modified field with a symbolic parameter, with a number for it,
//! and what a mistake in it looks like.
//!
//!     cargo run --release --example custom_optimizer

use bea::field::Field;
use bea::optimizer;
use bea::source::Source;
use std::collections::BTreeMap;

const TEXT: &str = "
# heavy ball whose velocity is corrected by the newest gradient
optimizer corrected(m) {
  state v
  v' = m*v + h*f(theta)
  theta' = theta + v' + h*f(theta + m*v')
}
";

/// Runs the example.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let optimizer = &optimizer::parse(&Source::new("corrected.bea", TEXT))?[0];

    let symbolic = Field::derive(&optimizer.name, &optimizer.method(&BTreeMap::new())?, 2)?;
    println!("{}: {}", optimizer.name, optimizer.summary());
    for tree in 0..symbolic.trees().len() as u32 {
        for term in symbolic.terms_of(tree) {
            let coefficient = term.coefficient.display(&symbolic.parameters);
            println!("  h^{} {} F({})", term.h, coefficient, symbolic.trees().tree(tree));
        }
    }

    let values = BTreeMap::from([("m".to_string(), optimizer::parse_value("0.9")?)]);
    let numeric = Field::derive(&optimizer.name, &optimizer.method(&values)?, 2)?;
    println!("with m = 9/10 the last one is {}", {
        let last = numeric.trees().len() as u32 - 1;
        numeric.terms_of(last)[0].coefficient.display(&[])
    });

    let mistake = TEXT.replace("m*v'", "m*w");
    match optimizer::parse(&Source::new("mistake.bea", mistake)) {
        Ok(_) => unreachable!("w is not defined"),
        Err(error) => println!("\n{:?}", miette::Report::new(error)),
    }
    Ok(())
}
