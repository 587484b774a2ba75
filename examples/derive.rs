//! The modified field of gradient descent: the weights of all trees, and what the principal ones
//! sum to.
//!
//!     cargo run --release --example derive

use bea::field::{Field, Potential, potential};
use bea::optimizer;

/// Runs the example.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let optimizer = optimizer::find("gradient_descent")?;
    let field = Field::derive(&optimizer.name, &optimizer.method(&Default::default())?, 4)?;

    println!("{:<20} {:>8} {:>4}", "tree", "b", "σ");
    for tree in 0..field.trees().len() as u32 {
        for term in field.terms_of(tree) {
            let b = term.b.display(&field.parameters);
            println!("{:<20} {b:>8} {:>4}", field.trees().tree(tree).to_string(), term.symmetry);
        }
    }
    println!("\n{}", field.principal_part());

    for order in 0..=field.order {
        let answer = match potential(field.weights(), order + 1) {
            Potential::Gradient(_) => "the gradient of a loss",
            Potential::Obstructed { .. } => "not a gradient",
        };
        println!("the terms with h^{order} are {answer}");
    }
    Ok(())
}
