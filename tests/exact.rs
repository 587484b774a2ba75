//! The field of coefficients: laws, lowest terms, and how it is printed.

use bea::exact::{Monomial, Poly, RationalFunction as Q, gcd, square_free};
use num_bigint::BigInt;
use num_traits::Signed;
use proptest::prelude::*;

fn poly() -> impl Strategy<Value = Poly> {
    let term = (prop::array::uniform3(0u16..3), -6i64..7).prop_map(|(e, c)| {
        let mut m = Monomial::default();
        m.0[..3].copy_from_slice(&e);
        (m, BigInt::from(c))
    });
    prop::collection::vec(term, 0..5).prop_map(Poly::from_terms)
}

fn nonzero() -> impl Strategy<Value = Poly> {
    poly().prop_filter("not zero", |p| !p.is_zero())
}

fn fraction() -> impl Strategy<Value = Q> {
    (poly(), nonzero()).prop_map(|(a, b)| Q::new(a, b).unwrap())
}

fn names() -> Vec<String> {
    ["a", "b", "c"].map(String::from).to_vec()
}

/// An independent reading of a printed polynomial or fraction: by evaluation at a point, with a
/// recursive-descent parser over the four operations and powers.
fn evaluate(text: &str, point: &[i64; 3]) -> Option<num_rational::BigRational> {
    struct Parser<'a>(&'a [u8], [i64; 3]);
    type R = num_rational::BigRational;
    impl Parser<'_> {
        fn sum(&mut self) -> Option<R> {
            let mut value = if self.eat(b'-') { -self.product()? } else { self.product()? };
            loop {
                value = if self.eat(b'+') {
                    value + self.product()?
                } else if self.eat(b'-') {
                    value - self.product()?
                } else {
                    return Some(value);
                };
            }
        }
        fn product(&mut self) -> Option<R> {
            let mut value = self.power()?;
            loop {
                value = if self.eat(b'*') {
                    value * self.power()?
                } else if self.eat(b'/') {
                    let divisor = self.power()?;
                    if divisor == R::from_integer(0.into()) {
                        return None;
                    }
                    value / divisor
                } else {
                    return Some(value);
                };
            }
        }
        fn power(&mut self) -> Option<R> {
            let base = self.atom()?;
            if self.eat(b'^') {
                Some(base.pow(self.number()?.try_into().ok()?))
            } else {
                Some(base)
            }
        }
        fn atom(&mut self) -> Option<R> {
            if self.eat(b'(') {
                let value = self.sum()?;
                self.eat(b')').then_some(value)
            } else if let Some(i) = self.0.first().and_then(|c| b"abc".iter().position(|l| l == c))
            {
                self.0 = &self.0[1..];
                Some(R::from_integer(self.1[i].into()))
            } else {
                Some(R::from_integer(self.number()?))
            }
        }
        fn number(&mut self) -> Option<BigInt> {
            let digits = self.0.iter().take_while(|c| c.is_ascii_digit()).count();
            let (number, rest) = self.0.split_at(digits);
            self.0 = rest;
            std::str::from_utf8(number).ok()?.parse().ok()
        }
        fn eat(&mut self, c: u8) -> bool {
            let found = self.0.first() == Some(&c);
            if found {
                self.0 = &self.0[1..];
            }
            found
        }
    }
    let mut parser = Parser(text.as_bytes(), *point);
    let value = parser.sum()?;
    assert!(parser.0.is_empty(), "left over in {text}");
    Some(value)
}

fn value(q: &Q, point: &[i64; 3]) -> Option<num_rational::BigRational> {
    let at: Vec<_> = point.iter().map(|&v| Some(Q::integer(v))).collect();
    q.substitute(&at)?.as_rational()
}

proptest! {
    #[test]
    fn field_laws(a in fraction(), b in fraction(), c in fraction()) {
        prop_assert_eq!(&a + &b, &b + &a);
        prop_assert_eq!(&(&a + &b) + &c, &a + &(&b + &c));
        prop_assert_eq!(&a * &b, &b * &a);
        prop_assert_eq!(&a * &(&b + &c), &(&a * &b) + &(&a * &c));
        prop_assert_eq!(&a - &a, Q::zero());
        if !a.is_zero() {
            prop_assert_eq!(&a * &a.inverse().unwrap(), Q::one());
        }
    }

    #[test]
    fn gcd_divides_and_leaves_coprime(a in nonzero(), b in nonzero(), c in nonzero()) {
        let (ac, bc) = (a.mul(&c), b.mul(&c));
        let g = gcd(&ac, &bc);
        prop_assert!(g.leading_coefficient().is_positive());
        let (u, v) = (ac.div_exact(&g).unwrap(), bc.div_exact(&g).unwrap());
        prop_assert!(g.div_exact(&gcd(&c, &c)).is_some());
        prop_assert!(gcd(&u, &v).is_one());
    }

    #[test]
    fn square_free_factors_multiply_back(a in nonzero(), b in nonzero()) {
        let p = a.mul(&b).mul(&b);
        let p = p.div_exact(&Poly::term(p.monomial_content(), p.content())).unwrap();
        let factors = square_free(&p);
        let product = factors.iter().fold(Poly::one(), |q, (f, k)| q.mul(&f.pow(*k)));
        prop_assert!(product == p || product.neg() == p);
        for (i, (f, _)) in factors.iter().enumerate() {
            for (g, _) in &factors[i + 1..] {
                prop_assert!(gcd(f, g).is_one());
            }
        }
    }

    #[test]
    fn printing_keeps_the_value(q in fraction(), point in prop::array::uniform3(2i64..9)) {
        if let Some(expected) = value(&q, &point) {
            prop_assert_eq!(evaluate(&q.display(&names()), &point), Some(expected));
        }
    }

    #[test]
    fn renaming_and_substituting_agree(q in fraction(), point in prop::array::uniform3(2i64..9)) {
        let renamed = q.rename(&[2, 0, 1]);
        let moved = [point[1], point[2], point[0]];
        prop_assert_eq!(value(&q, &point), value(&renamed, &moved));
    }
}

#[test]
fn printed_forms() {
    let (one, m) = (Q::one(), Q::variable(0));
    let names = ["m".to_string()];
    let d = &one - &m;
    let cube = &(&d * &d) * &d;
    let b = -&(&one + &m).divide(&(&cube * &Q::integer(2))).unwrap();
    assert_eq!(b.display(&names), "-(1+m)/(2*(1-m)^3)");
    assert_eq!(d.display(&names), "1-m");
    assert_eq!((-&m).display(&names), "-m");
    assert_eq!(d.inverse().unwrap().display(&names), "1/(1-m)");
    assert_eq!(Q::zero().display(&names), "0");
    assert_eq!(Q::integer(-3).divide(&Q::integer(6)).unwrap().display(&names), "-1/2");
}

#[test]
fn no_division_by_zero() {
    assert_eq!(Q::one().divide(&Q::zero()), None);
    assert_eq!(Q::zero().pow(-1), None);
    let pole = Q::one().divide(&(&Q::one() - &Q::variable(0))).unwrap();
    assert_eq!(pole.substitute(&[Some(Q::one())]), None);
}
