//! Polynomials in two variables, truncated, as numbers: what a formula is evaluated with to get all its derivatives
//! along a family of points at once.

use super::function::Function;
use super::number::Number;
use bea_series::exact::Rational;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// An element of `T[h, s]` modulo all products of more than `K` variables: the coefficients of `h^(k-j) s^j`,
/// `j ≤ k ≤ K`, degree by degree. A constant has `K = 0` and fits to every other element.
///
/// Functions are computed degree by degree from their differential equations, with the derivation `δ` that multiplies
/// the part of degree `k` by `k`: `δ(e^x) = e^x δx`.
///
/// Source: Griewank, Walther, *Evaluating Derivatives*, section 13.2, where there is one variable.
///
/// ```
/// use bea_flow::loss::{Bivariate, Number};
/// // 1 + s, and its square root
/// let x = Bivariate::new(vec![1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
/// assert_eq!(x.sqrt().part(1), [0.0, 0.5]);
/// assert_eq!(x.sqrt().part(2), [0.0, 0.0, -0.125]);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Bivariate<T> {
    coefficients: Vec<T>,
}

/// Where the part of degree `k` begins.
fn start(k: usize) -> usize {
    k * (k + 1) / 2
}

impl<T: Number> Bivariate<T> {
    /// From the coefficients of 1, `h`, `s`, `h²`, `hs`, `s²`, ….
    ///
    /// # Panics
    /// If they do not end with a degree.
    pub fn new(coefficients: Vec<T>) -> Bivariate<T> {
        let element = Bivariate { coefficients };
        let length = element.coefficients.len();
        assert_eq!(start(element.degree() + 1), length, "all coefficients of a degree");
        element
    }

    /// `K`.
    pub fn degree(&self) -> usize {
        (0..).find(|&k| start(k + 1) >= self.coefficients.len()).expect("a degree")
    }

    /// The coefficients of `h^k, h^(k-1) s, …, s^k`; none beyond the degree.
    pub fn part(&self, k: usize) -> &[T] {
        self.coefficients.get(start(k)..start(k + 1)).unwrap_or(&[])
    }

    /// The coefficient of 1.
    pub fn base(&self) -> &T {
        &self.coefficients[0]
    }

    fn constant(value: T) -> Bivariate<T> {
        Bivariate { coefficients: vec![value] }
    }

    fn map(&self, f: impl Fn(&T) -> T) -> Bivariate<T> {
        Bivariate { coefficients: self.coefficients.iter().map(f).collect() }
    }

    fn zip(self, other: Bivariate<T>, f: impl Fn(T, T) -> T) -> Bivariate<T> {
        let length = self.coefficients.len().max(other.coefficients.len());
        let (mut left, mut right) = (self.coefficients.into_iter(), other.coefficients.into_iter());
        let zero = || T::from_rational(&0.into());
        let mut next = || f(left.next().unwrap_or_else(zero), right.next().unwrap_or_else(zero));
        Bivariate { coefficients: (0..length).map(|_| next()).collect() }
    }

    /// Adds `x_i y_j` to a part of degree `i + j`.
    fn add_product(x: &[T], y: &[T], sum: &mut [T]) {
        for (i, x) in x.iter().enumerate() {
            for (j, y) in y.iter().enumerate() {
                sum[i + j] = sum[i + j].clone() + x.clone() * y.clone();
            }
        }
    }

    fn zeros(k: usize) -> Vec<T> {
        vec![T::from_rational(&0.into()); k + 1]
    }

    /// The part of degree `k` of `x y`.
    fn part_of_product(&self, other: &Bivariate<T>, k: usize) -> Vec<T> {
        let mut sum = Self::zeros(k);
        (0..=k).for_each(|i| Self::add_product(self.part(i), other.part(k - i), &mut sum));
        sum
    }

    /// `Σ_{0<i<k} w_i x_i y_{k-i}`, with `w` given by `i`.
    fn inner_product(&self, other: &Bivariate<T>, k: usize, w: impl Fn(i64) -> i64) -> Vec<T> {
        let mut sum = Self::zeros(k);
        for i in 1..k {
            let weight = T::from_rational(&w(i as i64).into());
            let part: Vec<T> = self.part(i).iter().map(|x| x.clone() * weight.clone()).collect();
            Self::add_product(&part, other.part(k - i), &mut sum);
        }
        sum
    }

    /// An element of the same degree, part by part from those before it.
    fn by_parts(&self, base: T, next: impl Fn(&Bivariate<T>, usize) -> Vec<T>) -> Bivariate<T> {
        let mut out = Bivariate::constant(base);
        for k in 1..=self.degree() {
            let part = next(&out, k);
            out.coefficients.extend(part);
        }
        out
    }

    /// The solution of `δy_i = w_i δx` with the given values at the base point, where the part of each degree of
    /// the `w_i` follows from that of the `y_i`.
    fn solve<const N: usize>(
        &self,
        base: [T; N],
        slopes: impl Fn(&[Bivariate<T>; N], usize) -> [Vec<T>; N],
    ) -> [Bivariate<T>; N] {
        let mut y = base.map(Bivariate::constant);
        let mut w = slopes(&y, 0).map(|coefficients| Bivariate { coefficients });
        for k in 1..=self.degree() {
            let share = T::from_rational(&Rational::new(1, k as i64).expect("k is not 0"));
            for (y, w) in y.iter_mut().zip(&w) {
                let mut sum = Self::zeros(k);
                for i in 1..=k {
                    let factor = T::from_rational(&(i as i64).into()) * share.clone();
                    let part = self.part(i).iter().map(|x| x.clone() * factor.clone());
                    Self::add_product(&part.collect::<Vec<T>>(), w.part(k - i), &mut sum);
                }
                y.coefficients.extend(sum);
            }
            for (w, part) in w.iter_mut().zip(slopes(&y, k)) {
                w.coefficients.extend(part);
            }
        }
        y
    }
}

fn negated<T: Number>(part: Vec<T>) -> Vec<T> {
    part.into_iter().map(|x| -x).collect()
}

fn scaled<T: Number>(part: Vec<T>, factor: &T) -> Vec<T> {
    part.into_iter().map(|x| x * factor.clone()).collect()
}

impl<T: Number> Add for Bivariate<T> {
    type Output = Bivariate<T>;
    fn add(self, other: Bivariate<T>) -> Bivariate<T> {
        self.zip(other, |x, y| x + y)
    }
}

impl<T: Number> Sub for Bivariate<T> {
    type Output = Bivariate<T>;
    fn sub(self, other: Bivariate<T>) -> Bivariate<T> {
        self.zip(other, |x, y| x - y)
    }
}

impl<T: Number> Neg for Bivariate<T> {
    type Output = Bivariate<T>;
    fn neg(self) -> Bivariate<T> {
        self.map(|x| -x.clone())
    }
}

impl<T: Number> Mul for Bivariate<T> {
    type Output = Bivariate<T>;
    fn mul(self, other: Bivariate<T>) -> Bivariate<T> {
        match (self.coefficients.as_slice(), other.coefficients.as_slice()) {
            ([c], _) => other.map(|x| c.clone() * x.clone()),
            (_, [c]) => self.map(|x| x.clone() * c.clone()),
            _ => {
                let degree = self.degree().max(other.degree());
                let parts = (0..=degree).flat_map(|k| self.part_of_product(&other, k));
                Bivariate { coefficients: parts.collect() }
            }
        }
    }
}

impl<T: Number> Div for Bivariate<T> {
    type Output = Bivariate<T>;
    fn div(self, other: Bivariate<T>) -> Bivariate<T> {
        self.quotient(&other)
    }
}

impl<T: Number> Number for Bivariate<T> {
    fn from_rational(value: &Rational) -> Bivariate<T> {
        Bivariate::constant(T::from_rational(value))
    }

    fn from_constant(exact: &Rational, rounded: f64) -> Bivariate<T> {
        Bivariate::constant(T::from_constant(exact, rounded))
    }

    fn pi() -> Bivariate<T> {
        Bivariate::constant(T::pi())
    }

    /// `2 y_0 y_k = x_k - Σ_{0<i<k} y_i y_{k-i}`
    fn sqrt(&self) -> Bivariate<T> {
        let root = self.base().sqrt();
        let twice = root.clone() + root.clone();
        self.by_parts(root, |y, k| {
            let inner = y.inner_product(y, k, |_| 1);
            let parts = self.part(k).iter().zip(inner);
            parts.map(|(x, inner)| (x.clone() - inner).quotient(&twice)).collect()
        })
    }

    fn exp(&self) -> Bivariate<T> {
        let [y] = self.solve([self.base().exp()], |[y], k| [y.part(k).to_vec()]);
        y
    }

    /// `k x_0 y_k = k x_k - Σ_{0<i<k} i y_i x_{k-i}`
    fn log(&self) -> Bivariate<T> {
        self.by_parts(self.base().log(), |y, k| {
            let degree = T::from_rational(&(k as i64).into());
            let inner = y.inner_product(self, k, |i| i);
            let parts = self.part(k).iter().zip(inner);
            let next = |(x, inner): (&T, T)| x.clone() - inner / degree.clone();
            parts.map(|pair| next(pair).quotient(self.base())).collect()
        })
    }

    fn sin(&self) -> Bivariate<T> {
        let [sine, _] = self.circular();
        sine
    }

    fn cos(&self) -> Bivariate<T> {
        let [_, cosine] = self.circular();
        cosine
    }

    /// `δ erf x = 2/√π e^(-x²) δx`
    fn erf(&self) -> Bivariate<T> {
        let two = T::from_rational(&2.into());
        let bell = (-(self.base().clone() * self.base().clone())).exp();
        let slope = two.clone() * bell / T::pi().sqrt();
        let [y, _] = self.solve([self.base().erf(), slope], |[_, slope], k| {
            let next = negated(scaled(self.part_of_product(slope, k), &two));
            [slope.part(k).to_vec(), next]
        });
        y
    }

    fn compare_real(&self, other: &Bivariate<T>) -> Option<Ordering> {
        self.base().compare_real(other.base())
    }

    /// `b_0 y_k = a_k - Σ_{i<k} y_i b_{k-i}`
    fn quotient(&self, other: &Bivariate<T>) -> Bivariate<T> {
        let below = other.base();
        if other.coefficients.len() == 1 {
            return self.map(|x| x.quotient(below));
        }
        let degree = self.degree().max(other.degree());
        let mut y = Bivariate::constant(self.base().quotient(below));
        for k in 1..=degree {
            let mut sum = Self::zeros(k);
            (0..k).for_each(|i| Self::add_product(y.part(i), other.part(k - i), &mut sum));
            for (j, sum) in sum.into_iter().enumerate() {
                let above = match self.part(k).get(j) {
                    Some(x) => x.clone() - sum,
                    None => -sum,
                };
                y.coefficients.push(above.quotient(below));
            }
        }
        y
    }

    /// `k x_0 y_k = r k x_k y_0 + Σ_{0<i<k} (r i - (k-i)) x_i y_{k-i}`, from `x δy = r y δx`.
    fn power(&self, exponent: &Rational) -> Bivariate<T> {
        if let Some(n) = exponent.as_integer().filter(|n| *n >= 0) {
            // Of 0 as well.
            return self.natural_power(n as u64);
        }
        let r = T::from_rational(exponent);
        let value = self.base().power(exponent);
        self.by_parts(value, |y, k| {
            let degree = T::from_rational(&(k as i64).into());
            let with_r = scaled(self.inner_product(y, k, |i| i), &r);
            let without = self.inner_product(y, k, |i| k as i64 - i);
            let parts = self.part(k).iter().zip(with_r.into_iter().zip(without));
            let next = |(x, (a, b)): (&T, (T, T))| {
                r.clone() * x.clone() * y.base().clone() + (a - b) / degree.clone()
            };
            parts.map(|pair| next(pair).quotient(self.base())).collect()
        })
    }

    fn apply(&self, function: Function) -> Bivariate<T> {
        let zero = || T::from_rational(&0.into());
        let at = |function: Function| self.base().apply(function);
        let order = self.base().compare_real(&zero());
        let two = T::from_rational(&2.into());
        match function {
            Function::Exp => self.exp(),
            Function::Log => self.log(),
            Function::Sin => self.sin(),
            Function::Cos => self.cos(),
            Function::Erf => self.erf(),
            Function::Sinh | Function::Cosh => {
                let base = [at(Function::Sinh), at(Function::Cosh)];
                let [sine, cosine] =
                    self.solve(base, |[s, c], k| [c.part(k).to_vec(), s.part(k).to_vec()]);
                if function == Function::Sinh { sine } else { cosine }
            }
            // δt = u δx with u = 1 + t² or 1 - t², δu = ±2tu δx.
            Function::Tan | Function::Tanh => {
                let (below, sign) = match function {
                    Function::Tan => (at(Function::Cos), two),
                    _ => (at(Function::Cosh), -two),
                };
                let one = T::from_rational(&1.into());
                let slope = one.quotient(&below).quotient(&below);
                let [t, _] = self.solve([at(function), slope], |[t, u], k| {
                    [u.part(k).to_vec(), scaled(t.part_of_product(u, k), &sign)]
                });
                t
            }
            Function::Abs if order == Some(Ordering::Less) => -self.clone(),
            Function::Relu if matches!(order, Some(Ordering::Less | Ordering::Equal)) => {
                Bivariate::constant(zero())
            }
            Function::Elu if matches!(order, Some(Ordering::Less | Ordering::Equal)) => {
                let mut y = self.exp();
                y.coefficients[0] = at(Function::Elu);
                y
            }
            Function::Abs | Function::Relu | Function::Elu => self.clone(),
            Function::Sigmoid => self.logistic().0,
            // δy = σ(x) δx
            Function::Softplus => {
                let slope = self.logistic().0;
                let [y] = self.solve([at(function)], |_, k| [slope.part(k).to_vec()]);
                y
            }
            Function::NormalCdf => self.normal_distribution(),
            Function::Gelu => {
                let mut y = self.clone() * self.normal_distribution();
                y.coefficients[0] = at(function);
                y
            }
        }
    }
}

impl<T: Number> Bivariate<T> {
    fn natural_power(&self, n: u64) -> Bivariate<T> {
        let mut out = Bivariate::from_rational(&1.into());
        let (mut square, mut rest) = (self.clone(), n);
        while rest > 0 {
            if rest % 2 == 1 {
                out = out * square.clone();
            }
            rest /= 2;
            if rest > 0 {
                square = square.clone() * square;
            }
        }
        out
    }

    /// Sine and cosine.
    fn circular(&self) -> [Bivariate<T>; 2] {
        let base = [self.base().sin(), self.base().cos()];
        self.solve(base, |[s, c], k| [c.part(k).to_vec(), negated(s.part(k).to_vec())])
    }

    /// `σ(x)` and `σ(-x)`; the derivative of the first is the product, which `σ - σ²` would lose for large `x`.
    fn logistic(&self) -> (Bivariate<T>, Bivariate<T>) {
        let base = [self.base().clone(), -self.base().clone()];
        let base = base.map(|x| x.apply(Function::Sigmoid));
        let [up, down] = self.solve(base, |[up, down], k| {
            let slope = up.part_of_product(down, k);
            [slope.clone(), negated(slope)]
        });
        (up, down)
    }

    /// `Φ(x)`: `δΦ = φ δx`, `δφ = -xφ δx`.
    fn normal_distribution(&self) -> Bivariate<T> {
        let x = self.base();
        let two = T::from_rational(&2.into());
        let bell = (-(x.clone() * x.clone() / two.clone())).exp() / (two * T::pi()).sqrt();
        let base = [x.apply(Function::NormalCdf), bell];
        let [distribution, _] = self.solve(base, |[_, density], k| {
            [density.part(k).to_vec(), negated(self.part_of_product(density, k))]
        });
        distribution
    }
}
