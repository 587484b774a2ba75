//! A formula as it is laid out, before it is written in any one syntax.

/// A formula. Each [`Script`](super::Script) writes it in its own way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Math {
    /// A variable: `m`, `theta`, `f`.
    Name(String),
    /// An integer `≥ 0`.
    Number(String),
    /// Side by side without a sign: `f'f`.
    Row(Vec<Math>),
    /// Factors of a product of numbers.
    Product(Vec<Math>),
    /// Terms with their signs, `true` for minus.
    Sum(Vec<(bool, Math)>),
    /// Terms with their signs, `true` for minus, some of them sums themselves: set apart by spaces
    /// where a syntax has no other means.
    LongSum(Vec<(bool, Math)>),
    /// In round brackets.
    Group(Box<Math>),
    /// A quotient.
    Fraction(Box<Math>, Box<Math>),
    /// An integer power.
    Power(Box<Math>, i64),
    /// A power with any exponent.
    PowerOf(Box<Math>, Box<Math>),
    /// A square root.
    SquareRoot(Box<Math>),
    /// A natural logarithm.
    Logarithm(Box<Math>),
    /// Two formulas that are equal.
    Equation(Box<Math>, Box<Math>),
    /// `f` with so many primes.
    Primes(String, usize),
    /// A multilinear map applied to vectors, `f''(a,b)` or `∇³E[a,b]`.
    Apply(Box<Math>, Vec<Math>, Bracket),
    /// The power `-1/k` of a matrix, `M^(-1/k)`, of the matrix and `k`; with so many primes the Fréchet derivative of that power,
    /// to be applied to directions.
    InverseRoot(Box<Math>, Box<Math>, usize),
    /// `‖v‖`
    Norm(Box<Math>),
    /// The k-th derivative operator, `∇³`.
    Nabla(usize),
    /// A component of a tensor: its name, its upper index if it is a vector field, and the indices
    /// of its derivatives.
    Component(String, Option<String>, Vec<String>),
    /// A product of components, summed over repeated indices.
    Contraction(Vec<Math>),
    /// A node of a drawn tree, by colour.
    Node(usize),
    /// Terms that are not shown: `…`.
    Dots,
    /// The time derivative of a variable, or one component of it.
    Velocity(String, Option<Index>),
    /// A variable that was modified: `Ẽ`.
    Modified(String),
    /// A variable at the start, `θ_0`, or one component of it; with a hat, `θ̂_0`, its effective start.
    Start {
        /// The variable.
        name: String,
        /// The index of the component.
        index: Option<Index>,
        /// Whether it has a hat.
        effective: bool,
    },
}

/// The index of a component, and where it stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Index {
    /// `θ̇^i`, as `f^i`.
    Upper(String),
    /// `θ̇_i`, as `E_i`.
    Lower(String),
}

/// The brackets around arguments.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bracket {
    /// `(a,b)`
    Round,
    /// `[a,b]`
    Square,
}

impl Bracket {
    /// The opening and the closing one.
    pub fn pair(self) -> (char, char) {
        match self {
            Bracket::Round => ('(', ')'),
            Bracket::Square => ('[', ']'),
        }
    }
}

impl Math {
    /// A variable.
    pub fn name(name: impl Into<String>) -> Math {
        Math::Name(name.into())
    }

    /// An integer `≥ 0`.
    pub fn number(value: impl std::fmt::Display) -> Math {
        Math::Number(value.to_string())
    }

    /// `name(argument)`
    pub fn function(name: &str, argument: Math) -> Math {
        Math::Apply(Box::new(Math::name(name)), vec![argument], Bracket::Round)
    }

    /// `inverse_root'(M, k)`, the word that optimizers have for [`Math::InverseRoot`].
    pub(crate) fn inverse_root_in_words(base: &Math, degree: &Math, primes: usize) -> Math {
        const WORD: &str = "inverse_root";
        let head = match primes {
            0 => Math::name(WORD),
            primes => Math::Primes(WORD.into(), primes),
        };
        Math::Apply(Box::new(head), vec![base.clone(), degree.clone()], Bracket::Round)
    }

    /// Whether the formula as a base needs brackets before an exponent.
    pub(crate) fn is_unit(&self) -> bool {
        matches!(self, Math::Name(_) | Math::Number(_) | Math::Group(_))
    }

    /// `self = other`
    pub fn equals(self, other: Math) -> Math {
        Math::Equation(Box::new(self), Box::new(other))
    }

    /// The quotient of two formulas.
    pub fn over(self, bottom: Math) -> Math {
        Math::Fraction(Box::new(self), Box::new(bottom))
    }

    /// The factors as one formula: nothing for a single factor, 1 for none.
    pub fn product(mut factors: Vec<Math>) -> Math {
        match factors.len() {
            0 => Math::Number("1".into()),
            1 => factors.remove(0),
            _ => Math::Product(factors),
        }
    }

    /// `base^exponent`, the base itself for 1.
    pub fn power(base: Math, exponent: i64) -> Math {
        if exponent == 1 { base } else { Math::Power(Box::new(base), exponent) }
    }
}
