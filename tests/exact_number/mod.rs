//! Rational numbers as what a program computes with: polynomials, and the roots of squares.

use bea::exact::Rational;
use bea::loss::Number;
use num_bigint::BigInt;
use num_rational::BigRational;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

#[derive(Clone, PartialEq, Debug)]
pub struct Exact(pub BigRational);

macro_rules! operators {
    ($($name:ident $method:ident),*) => {
        $(impl $name for Exact {
            type Output = Exact;
            fn $method(self, other: Exact) -> Exact {
                Exact($name::$method(self.0, other.0))
            }
        })*
    };
}
operators!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Exact {
    type Output = Exact;
    fn neg(self) -> Exact {
        Exact(-self.0)
    }
}

impl Number for Exact {
    fn from_rational(value: &Rational) -> Exact {
        Exact(value.clone().into())
    }
    fn sqrt(&self) -> Exact {
        let root = |x: &BigInt| {
            let root = x.sqrt();
            assert_eq!(&root * &root, *x, "the root of a square");
            root
        };
        Exact(BigRational::new(root(self.0.numer()), root(self.0.denom())))
    }
    fn compare_real(&self, other: &Exact) -> Option<Ordering> {
        self.0.partial_cmp(&other.0)
    }
    fn pi() -> Exact {
        unreachable!("rational numbers")
    }
    fn exp(&self) -> Exact {
        unreachable!("rational numbers")
    }
    fn log(&self) -> Exact {
        unreachable!("rational numbers")
    }
    fn sin(&self) -> Exact {
        unreachable!("rational numbers")
    }
    fn cos(&self) -> Exact {
        unreachable!("rational numbers")
    }
    fn erf(&self) -> Exact {
        unreachable!("rational numbers")
    }
}
