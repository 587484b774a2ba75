//! The finite commutative algebras in which a network is evaluated to get exact derivatives.
//!
//! Evaluating `∇E` at `θ + ε_1 v_1 + … + ε_m v_m`, with the nilpotent `ε`s of one of these algebras, gives Taylor's
//! formula term by term: the coefficient of `ε^α` is `∇^{|α|+1}E[v^α] / α!`. Complex parameters are one more algebra,
//! with `i² = -1`. A network is written once, over any of them.

/// A finite-dimensional commutative algebra over the reals: `ℝ[ε_1, …, ε_m]` modulo a monomial ideal, or that
/// tensored with the complex numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algebra {
    /// The exponents of each basis monomial; the first is the unit.
    monomials: Vec<Vec<usize>>,
    /// `e_i e_j = e_k`, every such pair, on monomials.
    products: Vec<(usize, usize, usize)>,
    complex: bool,
}

/// One entry of the table of products on real coefficients: `e_left e_right = ±e_out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Index of the left factor's coefficient.
    pub left: usize,
    /// Index of the right factor's coefficient.
    pub right: usize,
    /// Index of the product's coefficient.
    pub out: usize,
    /// Whether the product enters with a minus sign (`i·i = -1`).
    pub negative: bool,
}

impl Algebra {
    fn of_monomials(monomials: Vec<Vec<usize>>) -> Self {
        let mut products = Vec::new();
        for (i, a) in monomials.iter().enumerate() {
            for (j, b) in monomials.iter().enumerate() {
                let product: Vec<usize> = a.iter().zip(b).map(|(x, y)| x + y).collect();
                if let Some(k) = monomials.iter().position(|m| *m == product) {
                    products.push((i, j, k));
                }
            }
        }
        Self { monomials, products, complex: false }
    }

    /// The real numbers: values and gradients only.
    pub fn real() -> Self {
        Self::truncated(&[])
    }

    /// `ℝ[ε]/(ε^{order+1})`: derivatives along one direction. `order = 1` is a Hessian-vector product, `order = 2`
    /// has `∇³E[v, v]/2` as its last coefficient.
    pub fn taylor(order: usize) -> Self {
        Self::truncated(&[order])
    }

    /// `ℝ[ε_1, …, ε_m]/(ε_j^{d_j+1})`: mixed derivatives along `m` directions, the `j`-th taken `d_j` times.
    pub fn truncated(degrees: &[usize]) -> Self {
        let mut monomials = vec![Vec::new()];
        for &degree in degrees {
            monomials = monomials
                .into_iter()
                .flat_map(|m| {
                    (0..=degree).map(move |power| {
                        let mut longer = m.clone();
                        longer.push(power);
                        longer
                    })
                })
                .collect();
        }
        monomials.sort_by_key(|m| {
            (m.iter().sum::<usize>(), m.iter().rev().copied().collect::<Vec<_>>())
        });
        Self::of_monomials(monomials)
    }

    /// `ℝ[h, s]` modulo all products of more than `degree` variables, where the iterates of an optimizer are. The monomial
    /// number `k(k+1)/2 + j` is `h^{k-j} s^j`.
    pub fn bivariate(degree: usize) -> Self {
        let all = || (0..=degree).flat_map(|k| (0..=k).map(move |j| (k, j)));
        let at = |k: usize, j: usize| k * (k + 1) / 2 + j;
        let mut products = Vec::new();
        for (k, i) in all() {
            for (l, j) in all().take_while(|&(l, _)| k + l <= degree) {
                products.push((at(k, i), at(l, j), at(k + l, i + j)));
            }
        }
        Self { monomials: all().map(|(k, j)| vec![k - j, j]).collect(), products, complex: false }
    }

    /// `count` separate directions, each to `order`, with `ε_i ε_j = 0` for `i ≠ j`: a block of Hessian-vector
    /// products (`order = 1`) that shares one evaluation of the network itself.
    pub fn tangents(count: usize, order: usize) -> Self {
        let mut monomials = vec![vec![0; count]];
        for power in 1..=order {
            for direction in 0..count {
                let mut monomial = vec![0; count];
                monomial[direction] = power;
                monomials.push(monomial);
            }
        }
        // Comparing all pairs of long exponent vectors would be cubic in `count`; the table is known.
        let at = |power: usize, direction: usize| 1 + (power - 1) * count + direction;
        let mut products: Vec<_> = (0..monomials.len()).map(|j| (0, j, j)).collect();
        products.extend((1..monomials.len()).map(|i| (i, 0, i)));
        for direction in 0..count {
            for a in 1..order {
                for b in 1..=order - a {
                    products.push((at(a, direction), at(b, direction), at(a + b, direction)));
                }
            }
        }
        Self { monomials, products, complex: false }
    }

    /// The same with one more direction `η`, `η² = 0`: the monomials `e` are followed by the `e η`.
    pub fn with_direction(self) -> Self {
        let count = self.monomials.len();
        let with = |power: usize| {
            let longer = move |m: &Vec<usize>| [&m[..], &[power]].concat();
            self.monomials.iter().map(longer)
        };
        let products = self.products.iter().flat_map(|&(i, j, k)| {
            [(i, j, k), (i + count, j, k + count), (i, j + count, k + count)]
        });
        Self {
            products: products.collect(),
            monomials: with(0).chain(with(1)).collect(),
            complex: self.complex,
        }
    }

    /// The same with complex coefficients.
    pub fn complexified(mut self) -> Self {
        self.complex = true;
        self
    }

    /// Whether the coefficients are complex.
    pub fn is_complex(&self) -> bool {
        self.complex
    }

    /// The number of basis monomials.
    pub fn monomials(&self) -> usize {
        self.monomials.len()
    }

    /// The number of real coefficients of an element: one a monomial, or two (real and imaginary part, in turn).
    pub fn len(&self) -> usize {
        self.monomials.len() << usize::from(self.complex)
    }

    /// An algebra has at least the unit.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The position of a monomial, given by its exponents.
    pub fn monomial(&self, exponents: &[usize]) -> Option<usize> {
        self.monomials.iter().position(|m| m == exponents)
    }

    /// The largest `r` with `n^r ≠ 0` for a nilpotent `n`.
    pub fn nilpotency(&self) -> usize {
        self.monomials.iter().map(|m| m.iter().sum()).max().unwrap_or(0)
    }

    /// The products `(i, j, k)` of monomials: `e_i e_j = e_k`.
    pub fn monomial_products(&self) -> &[(usize, usize, usize)] {
        &self.products
    }

    /// The table of products on real coefficients.
    pub fn products(&self) -> Vec<Product> {
        if !self.complex {
            return self
                .products
                .iter()
                .map(|&(left, right, out)| Product { left, right, out, negative: false })
                .collect();
        }
        let mut table = Vec::with_capacity(4 * self.products.len());
        for &(i, j, k) in &self.products {
            for (a, b) in [(0, 0), (1, 1), (0, 1), (1, 0)] {
                table.push(Product {
                    left: 2 * i + a,
                    right: 2 * j + b,
                    out: 2 * k + (a ^ b),
                    negative: a & b == 1,
                });
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements as plain vectors of coefficients, multiplied by the table.
    fn multiply(algebra: &Algebra, x: &[f64], y: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; algebra.len()];
        for p in algebra.products() {
            out[p.out] += if p.negative { -1.0 } else { 1.0 } * x[p.left] * y[p.right];
        }
        out
    }

    #[test]
    fn every_algebra_is_commutative_and_associative_with_a_unit() {
        let algebras = [
            Algebra::real(),
            Algebra::taylor(3),
            Algebra::truncated(&[2, 1, 1]),
            Algebra::tangents(3, 2),
            Algebra::bivariate(3),
            Algebra::bivariate(2).with_direction(),
            Algebra::real().complexified(),
            Algebra::taylor(2).complexified(),
            Algebra::tangents(2, 1).complexified(),
        ];
        for algebra in algebras {
            // Small integers: every operation is exact.
            let element = |seed: usize| -> Vec<f64> {
                (0..algebra.len()).map(|i| ((i * 7 + seed * 13) % 11) as f64 - 5.0).collect()
            };
            let (x, y, z) = (element(1), element(2), element(3));
            assert_eq!(multiply(&algebra, &x, &y), multiply(&algebra, &y, &x));
            assert_eq!(
                multiply(&algebra, &multiply(&algebra, &x, &y), &z),
                multiply(&algebra, &x, &multiply(&algebra, &y, &z))
            );
            let mut unit = vec![0.0; algebra.len()];
            unit[0] = 1.0;
            assert_eq!(multiply(&algebra, &unit, &x), x);
        }
    }

    #[test]
    fn tables_that_are_known_agree_with_the_general_construction() {
        let direct = [
            Algebra::tangents(3, 2),
            Algebra::bivariate(4),
            Algebra::bivariate(3).with_direction(),
        ];
        for direct in direct {
            let general = Algebra::of_monomials(direct.monomials.clone());
            let (mut a, mut b) = (direct.products.clone(), general.products.clone());
            a.sort_unstable();
            b.sort_unstable();
            assert_eq!(a, b);
        }
    }

    #[test]
    fn taylor_multiplies_as_polynomials_do() {
        let algebra = Algebra::taylor(2);
        assert_eq!(multiply(&algebra, &[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), [4.0, 13.0, 28.0]);
        assert_eq!(algebra.nilpotency(), 2);
        let mixed = Algebra::truncated(&[1, 1]);
        assert_eq!(mixed.monomials(), 4);
        assert_eq!(mixed.monomial(&[1, 1]), Some(3));
    }
}
