//! Losses that are written down once, at complex points, as objectives at real and complex ones.

use bea::objective::{Objective, ObjectiveError, Scalar};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// A holomorphic loss and its derivatives.
pub trait Analytic: Send + Sync {
    fn dimension(&self) -> usize;
    fn value(&self, theta: &[Complex64]) -> Complex64;
    fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]);
    fn hessian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>);
    fn third(&self, theta: &[Complex64], u: &[Complex64], v: &[Complex64], out: &mut [Complex64]);

    fn is_matrix_free(&self) -> bool {
        false
    }

    fn max_directions(&self) -> usize {
        2
    }

    fn contraction(&self, theta: &[Complex64], directions: &[&[Complex64]], out: &mut [Complex64]) {
        match directions {
            [v] => {
                let d = self.dimension();
                let mut hessian = DMatrix::zeros(d, d);
                self.hessian(theta, &mut hessian);
                let v = nalgebra::DVector::from_column_slice(v);
                out.copy_from_slice((&hessian * v).as_slice());
            }
            [u, v] => self.third(theta, u, v, out),
            _ => panic!("two directions at most"),
        }
    }
}

/// The objective.
pub struct Of<T>(pub T);

fn complex<S: Scalar>(x: &[S]) -> Vec<Complex64> {
    x.iter().map(|x| x.to_complex()).collect()
}

fn into<S: Scalar>(out: &mut [S], values: &[Complex64]) {
    out.iter_mut().zip(values).for_each(|(out, z)| *out = S::of_complex(*z));
}

impl<T: Analytic, S: Scalar> Objective<S> for Of<T> {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn value_and_gradient(&self, x: &[S], gradient: &mut [S]) -> Result<S, ObjectiveError> {
        let (x, mut g) = (complex(x), complex(gradient));
        self.0.gradient(&x, &mut g);
        into(gradient, &g);
        Ok(S::of_complex(self.0.value(&x)))
    }

    fn max_directions(&self) -> usize {
        self.0.max_directions()
    }

    fn hessian(&self, x: &[S], out: &mut DMatrix<S>) -> Result<(), ObjectiveError> {
        let mut hessian = DMatrix::zeros(x.len(), x.len());
        self.0.hessian(&complex(x), &mut hessian);
        out.copy_from(&hessian.map(S::of_complex));
        Ok(())
    }

    fn contraction(
        &self,
        x: &[S],
        directions: &[&[S]],
        out: &mut [S],
    ) -> Result<(), ObjectiveError> {
        let directions: Vec<Vec<Complex64>> = directions.iter().map(|v| complex(v)).collect();
        let directions: Vec<&[Complex64]> = directions.iter().map(Vec::as_slice).collect();
        let mut values = complex(out);
        self.0.contraction(&complex(x), &directions, &mut values);
        into(out, &values);
        Ok(())
    }

    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        Some(self)
    }

    fn is_matrix_free(&self) -> bool {
        self.0.is_matrix_free()
    }
}
