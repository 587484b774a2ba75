//! Products and functions of matrices whose entries are series in two variables, degree by degree.
//!
//! The polar factor `P` of `G` is the partial isometry, `P PᵀP = P`, for which `H = PᵀG` and `K = G Pᵀ` are symmetric and
//! `G = P H = K P`. Where the rank does not change, its part of degree `d` solves a Sylvester equation in the singular vectors
//! `G_0 = U S Vᵀ`, and beside them, with `U' = 1 - U Uᵀ` and `V' = 1 - V Vᵀ`, follows from lower parts:
//!
//! ```text
//! P_d = U A Vᵀ + U' R V S⁻¹ Vᵀ + U S⁻¹ Uᵀ L V' + U' T V',
//! A_ij = (W_ij - W_ji - Q_ij s_j)/(s_i + s_j),   W = Vᵀ (P_0ᵀ G_d + Σ P_iᵀ G_{d-i}) V,   Q = Uᵀ T V,
//! R = G_d - Σ P_i H_{d-i},   L = G_d - Σ K_{d-i} P_i,   T = what the lower parts make of degree d in P PᵀP,
//! ```
//!
//! sums over `0 < i < d`. The part of degree `d` of `Y = M^(-1/k)` follows from `Y^k M = 1` in the eigenvectors `M_0 = V Λ Vᵀ`: with
//! `y = λ^(-1/k)` and `Z` what the lower parts of `Y` leave of degree `d` in `Y^k M`, both in these,
//! `(Y_d)_ij = -Z_ij/(λ_j Σ_{a+b=k-1} y_i^a y_j^b)`.

use super::decomposition::{Decomposition, Zero};
use super::dense::Dense;
use super::function::{MatrixFault, Spectrum, join, split};
use crate::flow::jets::vectors::{Coefficient, Part, nothing, zero};
use crate::loss::Number;
use bea_series::exact::Rational;
use bea_series::typed::{Matrix, MatrixFunction, Shape};
use std::cmp::Ordering;

/// Coefficients of degree `k` of each matrix: `[matrix][j]`, of `h^(k-j) s^j`.
type MatrixPart<T> = Vec<Option<Dense<T>>>;

/// The matrices of an operation's series, by degree.
pub(in crate::flow) struct Matrices<'a, T> {
    pub parts: &'a [Part<T>],
    pub shape: Shape,
}

/// What the constant parts of matrix functions are made of, which all degrees need.
pub(in crate::flow) enum Decompositions<T> {
    Polar(Vec<Polar<T>>),
    Root(Vec<Root<T>>),
}

pub(in crate::flow) struct Polar<T> {
    /// Whether the matrix was transposed, to have no more columns than rows.
    turned: bool,
    base: Decomposition<T>,
}

pub(in crate::flow) struct Root<T> {
    base: Spectrum<T>,
    roots: Vec<T>,
}

impl<T: Number> Matrices<'_, T> {
    /// The degrees up to `k`, of each matrix.
    fn split(&self, k: usize, matrices: &[Matrix]) -> Vec<Vec<MatrixPart<T>>> {
        let mut out: Vec<Vec<MatrixPart<T>>> = matrices.iter().map(|_| Vec::new()).collect();
        for part in self.parts.iter().take(k + 1) {
            out.iter_mut().for_each(|all| all.push(Vec::with_capacity(part.len())));
            for coefficient in part {
                let split = coefficient.as_ref().map(|x| split(x, self.shape, matrices));
                match split {
                    None => out.iter_mut().for_each(|all| last(all).push(None)),
                    Some(split) => {
                        let pairs = out.iter_mut().zip(split);
                        pairs.for_each(|(all, matrix)| last(all).push(Some(matrix)));
                    }
                }
            }
        }
        out
    }
}

fn last<T>(all: &mut [MatrixPart<T>]) -> &mut MatrixPart<T> {
    all.last_mut().expect("just begun")
}

/// The parts of all matrices as one.
fn joined<T: Number>(parts: Vec<MatrixPart<T>>, sizes: &[Matrix], k: usize) -> Part<T> {
    let mut out: Part<T> = nothing(k);
    for (j, out) in out.iter_mut().enumerate() {
        if parts.iter().all(|part| part[j].is_none()) {
            continue;
        }
        let one = |(part, size): (&MatrixPart<T>, &Matrix)| match &part[j] {
            Some(matrix) => matrix.clone(),
            None => Dense::zero(size.rows, size.columns),
        };
        *out = Some(join(parts.iter().zip(sizes).map(one).collect()));
    }
    out
}

/// `sum += c x y`, of parts whose degrees add up to that of the sum.
fn add_products<T: Number>(
    sum: &mut MatrixPart<T>,
    c: i64,
    x: &MatrixPart<T>,
    y: &MatrixPart<T>,
    product: impl Fn(&Dense<T>, &Dense<T>) -> Dense<T>,
) {
    let c = T::from_rational(&c.into());
    for (i, x) in x.iter().enumerate().filter_map(|(i, x)| Some((i, x.as_ref()?))) {
        for (j, y) in y.iter().enumerate().filter_map(|(j, y)| Some((j, y.as_ref()?))) {
            let xy = product(x, y);
            sum[i + j].get_or_insert_with(|| Dense::zero(xy.rows, xy.columns)).add(&c, &xy);
        }
    }
}

fn none<T>(k: usize) -> MatrixPart<T> {
    (0..=k).map(|_| None).collect()
}

/// `Xᵀ Y`
fn inner<T: Number>(x: &Dense<T>, y: &Dense<T>) -> Dense<T> {
    x.transposed().times(y)
}

/// `X Yᵀ`
fn outer<T: Number>(x: &Dense<T>, y: &Dense<T>) -> Dense<T> {
    x.times(&y.transposed())
}

fn mapped<T: Number>(part: &MatrixPart<T>, f: impl Fn(&Dense<T>) -> Dense<T>) -> MatrixPart<T> {
    part.iter().map(|x| x.as_ref().map(&f)).collect()
}

type Product<T> = fn(&Dense<T>, &Dense<T>) -> Dense<T>;

fn times<T: Number>(x: &Dense<T>, y: &Dense<T>) -> Dense<T> {
    x.times(y)
}

impl<T: Number> Decompositions<T> {
    /// Those of the constant part of an operand.
    ///
    /// # Errors
    /// Where the function has no derivatives.
    pub fn new(
        function: MatrixFunction,
        base: &Coefficient<T>,
        shape: Shape,
        matrices: &[Matrix],
    ) -> Result<Self, MatrixFault> {
        let nothing = vec![zero()];
        let all = split(base.as_ref().unwrap_or(&nothing), shape, matrices);
        Ok(match function {
            MatrixFunction::Polar => {
                let one = |matrix: &Dense<T>| {
                    let turned = matrix.rows < matrix.columns;
                    let tall = if turned { matrix.transposed() } else { matrix.clone() };
                    Polar { turned, base: Decomposition::new(&tall, Zero::Small) }
                };
                Decompositions::Polar(all.iter().map(one).collect())
            }
            MatrixFunction::InverseRoot(k) => {
                let one = |matrix: &Dense<T>| {
                    let base = Spectrum::new(matrix)?;
                    Ok::<_, MatrixFault>(Root { roots: base.roots(k), base })
                };
                Decompositions::Root(all.iter().map(one).collect::<Result<_, _>>()?)
            }
        })
    }

    /// The part of degree `k` of the function of `x`, whose lower parts are `own`.
    ///
    /// # Errors
    /// Where a polar factor has no derivatives.
    pub fn part(
        &self,
        function: MatrixFunction,
        x: &Matrices<'_, T>,
        own: &[Part<T>],
        k: usize,
        matrices: &[Matrix],
    ) -> Result<Part<T>, MatrixFault> {
        let series = x.split(k, matrices);
        let own = Matrices { parts: own, shape: x.shape }.split(k, matrices);
        let sizes: Vec<Matrix> = matrices.iter().map(|matrix| matrix.in_shape(x.shape)).collect();
        let parts = match (self, function) {
            (Decompositions::Polar(all), _) => {
                let all = all.iter().zip(series.iter().zip(&own));
                all.map(|(polar, (x, own))| polar.part(x, own, k)).collect::<Result<_, _>>()?
            }
            (Decompositions::Root(all), MatrixFunction::InverseRoot(degree)) => {
                let all = all.iter().zip(series.iter().zip(&own));
                all.map(|(root, (x, own))| root.part(x, own, k, degree)).collect()
            }
            _ => unreachable!("the decompositions are those of the function"),
        };
        Ok(joined(parts, &sizes, k))
    }
}

impl<T: Number> Polar<T> {
    fn part(
        &self,
        x: &[MatrixPart<T>],
        own: &[MatrixPart<T>],
        k: usize,
    ) -> Result<MatrixPart<T>, MatrixFault> {
        if !self.turned {
            return self.tall(x, own, k);
        }
        let turn = |parts: &[MatrixPart<T>]| -> Vec<MatrixPart<T>> {
            let one = |part: &MatrixPart<T>| {
                part.iter().map(|x| x.as_ref().map(Dense::transposed)).collect()
            };
            parts.iter().map(one).collect()
        };
        let part = self.tall(&turn(x), &turn(own), k)?;
        Ok(part.into_iter().map(|x| x.map(|x| x.transposed())).collect())
    }

    /// Of a matrix with no more columns than rows.
    fn tall(
        &self,
        g: &[MatrixPart<T>],
        p: &[MatrixPart<T>],
        k: usize,
    ) -> Result<MatrixPart<T>, MatrixFault> {
        let Decomposition { u, s, v } = &self.base;
        if k == 0 {
            return Ok(vec![Some(self.base.polar())]);
        }
        let (rank, vt, ut) = (s.len(), v.transposed(), u.transposed());
        let is_deficient = rank < v.rows;
        let sums = |d: usize, x: &[MatrixPart<T>], y: &[MatrixPart<T>], product: Product<T>| {
            let mut sum = none(d);
            for i in (0..=d).filter(|&i| i < x.len() && d - i < y.len()) {
                add_products(&mut sum, 1, &x[i], &y[d - i], product);
            }
            sum
        };
        // H, PᵀP without the part of degree k of P, and UᵀK.
        let symmetric: Vec<MatrixPart<T>> = (0..k).map(|d| sums(d, p, g, inner)).collect();
        let squares: Vec<MatrixPart<T>> = (0..=k).map(|d| sums(d, p, p, inner)).collect();
        let left: Vec<MatrixPart<T>> = match is_deficient {
            true => (0..k).map(|d| mapped(&sums(d, g, p, outer), |x| ut.times(x))).collect(),
            false => Vec::new(),
        };
        let (mut w, mut t) = (none(k), none(k));
        let mut r = g[k].clone();
        let mut l = mapped(&g[k], |x| ut.times(x));
        for i in 0..k {
            add_products(&mut w, 1, &p[i], &g[k - i], inner);
            add_products(&mut t, 1, &p[i], &squares[k - i], times);
            if i > 0 {
                add_products(&mut r, -1, &p[i], &symmetric[k - i], times);
                if is_deficient {
                    add_products(&mut l, -1, &left[k - i], &p[i], times);
                }
            }
        }
        let (one, minus) = (T::from_rational(&1.into()), T::from_rational(&(-1).into()));
        // U' X and X V'
        let above = |x: &Dense<T>| {
            let mut out = x.clone();
            out.add(&minus, &u.times(&ut.times(x)));
            out
        };
        let beside = |x: &Dense<T>| {
            let mut out = x.clone();
            out.add(&minus, &x.times(v).times(&vt));
            out
        };
        let within = |x: &Option<Dense<T>>, before: &Dense<T>| match x {
            Some(x) => before.times(x).times(v),
            None => Dense::zero(rank, rank),
        };
        let mut out = none(k);
        for (j, out) in out.iter_mut().enumerate() {
            if w[j].is_none() && t[j].is_none() && r[j].is_none() {
                continue;
            }
            let (w, q) = (within(&w[j], &vt), within(&t[j], &ut));
            let a = Dense::from_fn(rank, rank, |i, j| {
                let top =
                    w.at(i, j).clone() - w.at(j, i).clone() - q.at(i, j).clone() * s[j].clone();
                top.quotient(&(s[i].clone() + s[j].clone()))
            });
            let mut sum = u.times(&a);
            if let Some(r) = r[j].as_ref().filter(|_| u.rows > rank) {
                let above = above(&r.times(v));
                sum.add(&one, &Dense::from_fn(u.rows, rank, |i, j| above.at(i, j).quotient(&s[j])));
            }
            let mut sum = sum.times(&vt);
            if is_deficient {
                if let Some(r) = &r[j] {
                    self.check_rank(r, &above(&beside(r)))?;
                }
                if let Some(l) = &l[j] {
                    let l = beside(l);
                    let l = Dense::from_fn(rank, v.rows, |i, j| l.at(i, j).quotient(&s[i]));
                    sum.add(&one, &u.times(&l));
                }
                if let Some(t) = &t[j] {
                    sum.add(&one, &above(&beside(t)));
                }
            }
            *out = Some(sum);
        }
        Ok(out)
    }

    /// Refuses a part that leads to a larger rank: what is left of it beside the singular vectors is more than rounding
    /// errors.
    fn check_rank(&self, part: &Dense<T>, left: &Dense<T>) -> Result<(), MatrixFault> {
        let square =
            |x: &Dense<T>| x.entries.iter().fold(zero(), |sum: T, x| sum + x.clone() * x.clone());
        let size = T::from_rational(&Rational::new(1, 1_000_000_000_000).expect("not 0"));
        if square(left).compare_real(&(size * square(part))) != Some(Ordering::Greater) {
            return Ok(());
        }
        let (rows, columns) = match self.turned {
            true => (part.columns, part.rows),
            false => (part.rows, part.columns),
        };
        Err(MatrixFault::Singular { rows, columns, rank: self.base.s.len() })
    }
}

impl<T: Number> Root<T> {
    fn part(
        &self,
        m: &[MatrixPart<T>],
        own: &[MatrixPart<T>],
        k: usize,
        degree: u32,
    ) -> MatrixPart<T> {
        if k == 0 {
            return vec![Some(self.base.inverse_root(degree))];
        }
        // Y^degree M, with the part of degree k of Y left out.
        let mut product: Vec<MatrixPart<T>> = m[..=k].to_vec();
        for _ in 0..degree {
            product = (0..=k)
                .map(|d| {
                    let mut sum = none(d);
                    let lower = own.iter().enumerate().take((d + 1).min(k));
                    lower.for_each(|(i, y)| add_products(&mut sum, 1, y, &product[d - i], times));
                    sum
                })
                .collect();
        }
        let Spectrum { v, values } = &self.base;
        let (n, vt, y) = (values.len(), v.transposed(), &self.roots);
        let divisor = |i: usize, j: usize| {
            // Σ_{a+b=degree-1} y_i^a y_j^b, by Horner's scheme.
            let (mut sum, mut power) = (T::from_rational(&1.into()), T::from_rational(&1.into()));
            for _ in 1..degree {
                power = power * y[j].clone();
                sum = sum * y[i].clone() + power.clone();
            }
            sum * values[j].clone()
        };
        let coefficient = |z: &Option<Dense<T>>| {
            let z = vt.times(z.as_ref()?).times(v);
            let x = Dense::from_fn(n, n, |i, j| -(z.at(i, j).quotient(&divisor(i, j))));
            Some(v.times(&x).times(&vt))
        };
        product[k].iter().map(coefficient).collect()
    }
}

/// The part of degree `k` of a product of two series of matrices.
pub(in crate::flow) fn product_part<T: Number>(
    a: &Matrices<'_, T>,
    b: &Matrices<'_, T>,
    k: usize,
    matrices: &[Matrix],
) -> Part<T> {
    let (first, second) = (a.split(k, matrices), b.split(k, matrices));
    let (rows, _) = a.shape.axes().expect("a matrix");
    let (_, columns) = b.shape.axes().expect("a matrix");
    let shape = Shape::of_axes(rows, columns);
    let sizes: Vec<Matrix> = matrices.iter().map(|matrix| matrix.in_shape(shape)).collect();
    let one = |(a, b): (&Vec<MatrixPart<T>>, &Vec<MatrixPart<T>>)| {
        let mut sum = none(k);
        for i in 0..=k {
            if let (Some(a), Some(b)) = (a.get(i), b.get(k - i)) {
                add_products(&mut sum, 1, a, b, times);
            }
        }
        sum
    };
    joined(first.iter().zip(&second).map(one).collect(), &sizes, k)
}
