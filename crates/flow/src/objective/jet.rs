//! Points that depend on two small variables.

/// A polynomial in two variables, truncated at a total degree `K`, with vectors for coefficients:
///
/// ```text
/// x(h, s) = Σ_{k ≤ K} Σ_{j ≤ k} x_{kj} h^(k-j) s^j
/// ```
///
/// The iterates of an optimizer are such a function of the step size `h` and the time `s = νh`. A coefficient
/// that is not there is 0.
///
/// ```
/// use bea_flow::objective::Jet;
/// let mut x = Jet::new(vec![1.0, 2.0]);
/// x.push(vec![None, Some(vec![3.0, 0.0])]);
/// assert_eq!(x.degree(), 1);
/// assert_eq!(x.coefficient(1, 1), Some(&[3.0, 0.0][..]));
/// assert_eq!(x.coefficient(1, 0), None);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Jet<S> {
    /// Degree by degree, in each by the power of `s`.
    parts: Vec<Vec<Option<Vec<S>>>>,
}

impl<S> Jet<S> {
    /// A point that depends on neither variable.
    pub fn new(point: Vec<S>) -> Jet<S> {
        Jet { parts: vec![vec![Some(point)]] }
    }

    /// Adds the part of the next degree `k`: the coefficients of `h^(k-j) s^j` for `j = 0, …, k`.
    ///
    /// # Panics
    /// If these are not `k + 1`.
    pub fn push(&mut self, part: Vec<Option<Vec<S>>>) {
        assert_eq!(part.len(), self.parts.len() + 1, "one coefficient a power of s");
        self.parts.push(part);
    }

    /// `K`.
    pub fn degree(&self) -> usize {
        self.parts.len() - 1
    }

    /// The pairs `(K, j)` of the highest degree.
    pub fn last(&self) -> Vec<(usize, usize)> {
        (0..=self.degree()).map(|j| (self.degree(), j)).collect()
    }

    /// `x_{00}`.
    pub fn point(&self) -> &[S] {
        self.parts[0][0].as_deref().expect("there is a point")
    }

    /// `x_{00}`, without the rest.
    pub fn into_point(self) -> Vec<S> {
        let base = self.parts.into_iter().next().and_then(|part| part.into_iter().next());
        base.flatten().expect("there is a point")
    }

    /// `x_{kj}`, unless it is 0.
    ///
    /// # Panics
    /// If `k > K` or `j > k`.
    pub fn coefficient(&self, k: usize, j: usize) -> Option<&[S]> {
        self.parts[k][j].as_deref()
    }

    /// The coefficients that are there, as `(k, j, x_{kj})`.
    pub fn coefficients(&self) -> impl Iterator<Item = (usize, usize, &[S])> {
        let parts = self.parts.iter().enumerate();
        parts.flat_map(|(k, part)| {
            let all = part.iter().enumerate();
            all.filter_map(move |(j, x)| x.as_deref().map(|x| (k, j, x)))
        })
    }

    /// The parts up to a degree.
    #[must_use]
    pub fn truncated(&self, degree: usize) -> Jet<S>
    where
        S: Clone,
    {
        Jet { parts: self.parts[..=degree].to_vec() }
    }

    /// Entry by entry `f(x, y)` of two jets of the same degree, with 0 where one has no coefficient.
    pub fn zip<T>(&self, other: &Jet<S>, zero: &S, f: impl Fn(&S, &S) -> T) -> Jet<T> {
        let vector = |x: &Option<Vec<S>>, y: &Option<Vec<S>>| match (x, y) {
            (Some(x), Some(y)) => Some(x.iter().zip(y).map(|(x, y)| f(x, y)).collect()),
            (Some(x), None) => Some(x.iter().map(|x| f(x, zero)).collect()),
            (None, Some(y)) => Some(y.iter().map(|y| f(zero, y)).collect()),
            (None, None) => None,
        };
        let parts = self.parts.iter().zip(&other.parts);
        Jet {
            parts: parts
                .map(|(x, y)| x.iter().zip(y).map(|(x, y)| vector(x, y)).collect())
                .collect(),
        }
    }
}
