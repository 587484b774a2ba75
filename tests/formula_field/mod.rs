//! The vector field of a formula as a nonlinear step asks for it, over any numbers.

use bea::exact::Rational;
use bea::flow::JetSource;
use bea::loss::{Bivariate, Expr, Graph, Number, Program};
use bea::objective::Jet;
use std::convert::Infallible;

/// The field `-∇E` of a formula.
pub struct Field {
    gradient: Program,
    parameters: Vec<Rational>,
}

impl Field {
    /// Of a loss whose variables are the coordinates and then parameters with these values.
    pub fn new(mut graph: Graph, loss: Expr, dimension: usize, parameters: Vec<Rational>) -> Field {
        let variables: Vec<u32> = (0..dimension as u32).collect();
        let gradient = graph.gradient(loss, &variables);
        let inputs = dimension + parameters.len();
        Field { gradient: Program::new(&graph, inputs, &gradient), parameters }
    }

    fn evaluate<T: Number>(&self, x: &Jet<T>) -> Vec<Vec<T>> {
        let (degree, zero) = (x.degree(), || T::from_rational(&0.into()));
        let entry = |i: usize| {
            let all = (0..=degree).flat_map(|k| (0..=k).map(move |j| x.coefficient(k, j)));
            Bivariate::new(all.map(|x| x.map_or_else(zero, |x| x[i].clone())).collect())
        };
        let dimension = x.point().len();
        let parameters = self.parameters.iter().map(Bivariate::from_rational);
        let inputs: Vec<_> = (0..dimension).map(entry).chain(parameters).collect();
        let mut out = vec![Bivariate::from_rational(&0.into()); dimension];
        self.gradient.evaluate(&inputs, &mut out, &mut Vec::new());
        let part = |out: &Bivariate<T>, j| -out.part(degree).get(j).cloned().unwrap_or_else(zero);
        (0..=degree).map(|j| out.iter().map(|out| part(out, j)).collect()).collect()
    }
}

impl<T: Number> JetSource<T> for Field {
    type Error = Infallible;

    fn field(&mut self, x: &Jet<T>) -> Result<Vec<Vec<T>>, Infallible> {
        Ok(self.evaluate(x))
    }

    fn along(&mut self, x: &Jet<T>, v: &Jet<T>) -> Result<Vec<Vec<T>>, Infallible> {
        let zero = T::from_rational(&0.into());
        let pair = |x: &T, v: &T| Bivariate::new(vec![x.clone(), v.clone(), zero.clone()]);
        let slope = |x: &Bivariate<T>| x.part(1).first().cloned().unwrap_or_else(|| zero.clone());
        let all = self.evaluate(&x.zip(v, &zero, pair));
        Ok(all.iter().map(|entries| entries.iter().map(slope).collect()).collect())
    }
}
