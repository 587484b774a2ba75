//! Exact arithmetic in the parameters of an optimizer: polynomials with integer coefficients and
//! their quotients.
//!
//! A coefficient of a modified field is an element of `Q(p_1, …, p_k)`, where the `p_i` are the
//! parameters that were left without a value (`m` of heavy ball, say). Nothing here rounds.

mod dense;
pub mod effort;
mod factors;
mod gcd;
mod modular;
mod poly;
mod rational;
mod rational_function;
mod real_root;
mod roots;
mod scalar;
mod univariate;

pub use factors::Factors;
pub use gcd::{gcd, square_free};
pub use poly::{MAX_VARIABLES, Monomial, Poly};
pub use rational::Rational;
pub use rational_function::RationalFunction;
pub(crate) use rational_function::lcm;
pub use real_root::{RealRoot, positive_roots, simplest_between, square_free_part};
pub use roots::exact_root;
pub(crate) use roots::rounded_root;
pub use scalar::Scalar;
