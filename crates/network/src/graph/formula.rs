//! A formula of the loss language as nodes: an expression is a column with an entry for each example. Terms of a sum that are
//! the same function, each of another output and its target, are columns of one matrix.

use super::lower::Lowering;
use super::operation::{Axes, Operation};
use super::tangent::NoTangent;
use crate::architecture::Formula as Written;
use bea_flow::loss::{Condition, Expr, Function, Graph as Expressions, Node, Relation};
use bea_series::exact::Rational;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

/// What an expression is apart from the output that it is of.
#[derive(PartialEq, Eq, Hash)]
enum Form {
    Fixed(Expr),
    Output,
    Target,
    Sum(Rational, Vec<(Rational, usize)>),
    Product(Vec<(usize, Rational)>),
    Apply(Function, usize),
    Select(Relation, [usize; 4]),
}

/// The form of an expression that depends on one output and its target at most, by number, and which output that is.
type Formed = (usize, Option<usize>);

/// The forms of the expressions that have one; those of the same form and output are the same.
fn forms(graph: &Expressions, order: &[Expr], width: usize) -> HashMap<Expr, Formed> {
    let mut forms: HashMap<Expr, Formed> = HashMap::new();
    let mut numbers: HashMap<Form, usize> = HashMap::new();
    for &expression in order {
        let Some(parts) =
            graph.operands(expression).map(|e| forms.get(&e)).collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        let mut outputs = parts.iter().filter_map(|(_, output)| *output);
        let mut output = outputs.next();
        if outputs.any(|other| Some(other) != output) {
            continue;
        }
        let number = |e: &Expr| forms[e].0;
        let form = match graph.node(expression) {
            Node::Variable(index) => {
                let index = *index as usize;
                if index >= 2 * width {
                    continue;
                }
                output = Some(index % width);
                if index < width { Form::Output } else { Form::Target }
            }
            _ if output.is_none() => Form::Fixed(expression),
            Node::Constant(_) | Node::Pi => Form::Fixed(expression),
            Node::Sum { constant, terms } => {
                let mut terms: Vec<_> = terms.iter().map(|(c, e)| (c.clone(), number(e))).collect();
                terms.sort_by_key(|(_, number)| *number);
                Form::Sum(constant.clone(), terms)
            }
            Node::Product(factors) => {
                let mut factors: Vec<_> =
                    factors.iter().map(|(e, r)| (number(e), r.clone())).collect();
                factors.sort_by_key(|(number, _)| *number);
                Form::Product(factors)
            }
            Node::Apply(function, x) => Form::Apply(*function, number(x)),
            Node::Select(Condition { left, relation, right }, yes, no) => {
                Form::Select(*relation, [left, right, yes, no].map(number))
            }
        };
        let next = numbers.len();
        forms.insert(expression, (*numbers.entry(form).or_insert(next), output));
    }
    forms
}

/// A part of a sum: a factor, an expression, and the outputs of which it is the sum, each in place of the expression's own.
struct Part<'a> {
    factor: &'a Rational,
    expression: Expr,
    outputs: Option<Range<usize>>,
}

/// The parts of a sum, of which those of the same form at outputs next to each other are one.
fn parts<'a>(terms: &'a [(Rational, Expr)], forms: &HashMap<Expr, Formed>) -> Vec<Part<'a>> {
    let mut alike: BTreeMap<(&Rational, usize), Vec<(usize, Expr)>> = BTreeMap::new();
    let mut parts = Vec::new();
    for (factor, expression) in terms {
        match forms.get(expression) {
            Some((form, Some(output))) => {
                alike.entry((factor, *form)).or_default().push((*output, *expression));
            }
            _ => parts.push(Part { factor, expression: *expression, outputs: None }),
        }
    }
    for ((factor, _), mut terms) in alike {
        terms.sort();
        for run in terms.chunk_by(|(a, _), (b, _)| a + 1 == *b) {
            let (first, expression) = run[0];
            let outputs = (run.len() > 1).then(|| first..first + run.len());
            parts.push(Part { factor, expression, outputs });
        }
    }
    parts
}

/// A formula on its way: the outputs and targets, `[count, width]`, and the nodes of its expressions, at their own output or at
/// some in place of it.
struct Formula<'a> {
    graph: &'a Expressions,
    forms: HashMap<Expr, Formed>,
    y: usize,
    t: usize,
    /// The columns of the variables behind those: inputs, and derivatives of outputs.
    others: Vec<usize>,
    known: HashMap<(Expr, Option<Range<usize>>), usize>,
}

impl Lowering<'_> {
    /// The values `[count, 1]` of a formula of outputs and targets, both `[count, width]`.
    ///
    /// # Errors
    /// A derivative of an operation that has none.
    pub(super) fn formula(
        &mut self,
        formula: &Written,
        outputs: usize,
        t: usize,
    ) -> Result<usize, NoTangent> {
        let width = self.shape(outputs)[1];
        let input = self.kept[&None];
        let (loss, partials) =
            formula.on(width, self.features).expect("checked with the architecture");
        let (graph, mut y) = (loss.graph(), outputs);
        let mut others = Vec::new();
        if loss.variables.len() > 2 * width {
            let columns = 0..loss.variables.len() - 2 * width - partials.len();
            let used = graph.variables(&[loss.expression()]);
            let is_used = |at: usize| used.contains(&((2 * width + at) as u32));
            // What is not used stands for nothing.
            others = columns
                .map(|at| if is_used(at) { self.columns(input, at..at + 1) } else { input })
                .collect();
        }
        if !partials.is_empty() {
            // The loss is taken of copies, which the derivatives are not.
            let copy = |this: &mut Self, x: usize| {
                let shape = this.shape(x).to_vec();
                let copy = this.push(Operation::Reshape { shape }, &[x]);
                this.ends.push(copy);
                copy
            };
            self.ends.clear();
            y = copy(self, outputs);
            for partial in &partials {
                let derivative = self.derivative(outputs, &partial.by)?;
                let column = self.columns(derivative, partial.function..partial.function + 1);
                others.push(copy(self, column));
            }
        }
        let order = graph.reachable(&[loss.expression()]);
        let forms = forms(graph, &order, width);
        // What is not only a term of a sum over outputs.
        let mut alone = HashSet::from([loss.expression()]);
        for expression in order.iter().rev() {
            if alone.contains(expression) {
                match graph.node(*expression) {
                    Node::Sum { terms, .. } => {
                        let parts = parts(terms, &forms).into_iter();
                        alone.extend(parts.filter(|p| p.outputs.is_none()).map(|p| p.expression));
                    }
                    _ => alone.extend(graph.operands(*expression)),
                }
            }
        }
        let mut formula = Formula { graph, forms, y, t, others, known: HashMap::new() };
        for expression in order.into_iter().filter(|expression| alone.contains(expression)) {
            self.expression(&mut formula, expression, None);
        }
        Ok(formula.known[&(loss.expression(), None)])
    }

    /// The values of an expression whose operands are known, at the outputs.
    fn expression(
        &mut self,
        formula: &mut Formula,
        expression: Expr,
        outputs: Option<&Range<usize>>,
    ) {
        let key = (expression, outputs.cloned());
        if formula.known.contains_key(&key) {
            return;
        }
        let graph = formula.graph;
        let width = self.shape(formula.y)[1];
        let node = match graph.node(expression) {
            Node::Sum { constant, terms } => {
                let terms: Vec<_> = parts(terms, &formula.forms)
                    .into_iter()
                    .map(|part| (part.factor.to_f64(), self.part(formula, &part, outputs)))
                    .collect();
                self.linear_combination(constant, &terms)
            }
            node => {
                let of = |operand: &Expr| formula.known[&(*operand, outputs.cloned())];
                match node {
                    Node::Constant(value) => self.scalar(value.to_f64()),
                    Node::Pi => self.scalar(std::f64::consts::PI),
                    Node::Variable(index) if *index as usize >= 2 * width => {
                        formula.others[*index as usize - 2 * width]
                    }
                    Node::Variable(index) => {
                        let at = *index as usize % width;
                        let range = outputs.cloned().unwrap_or(at..at + 1);
                        let is_output = (*index as usize) < width;
                        self.columns(if is_output { formula.y } else { formula.t }, range)
                    }
                    Node::Product(factors) => {
                        let factors: Vec<_> = factors.iter().map(|(e, r)| (of(e), r)).collect();
                        self.powers(&factors)
                    }
                    Node::Apply(function, x) => self.applied(*function, of(x)),
                    Node::Select(condition, yes, no) => {
                        let order = match condition.relation {
                            Relation::Less => Operation::Less,
                            Relation::LessEqual => Operation::LessEqual,
                            Relation::Greater => Operation::Greater,
                            Relation::GreaterEqual => Operation::GreaterEqual,
                        };
                        let (left, right) = (of(&condition.left), of(&condition.right));
                        let mask = self.push(order, &[left, right]);
                        self.push(Operation::Where, &[mask, of(yes), of(no)])
                    }
                    Node::Sum { .. } => unreachable!("a sum is above"),
                }
            }
        };
        formula.known.insert(key, node);
    }

    /// The values of a part of a sum, without its factor; the sum itself is taken at `outputs`.
    fn part(
        &mut self,
        formula: &mut Formula,
        part: &Part,
        outputs: Option<&Range<usize>>,
    ) -> usize {
        let Some(over) = &part.outputs else {
            return formula.known[&(part.expression, outputs.cloned())];
        };
        for expression in formula.graph.reachable(&[part.expression]) {
            self.expression(formula, expression, Some(over));
        }
        let terms = formula.known[&(part.expression, Some(over.clone()))];
        self.push(Operation::Sum(Axes { axes: vec![1], keep: true }), &[terms])
    }

    fn scalar(&mut self, value: f64) -> usize {
        self.push(Operation::Scalar { value }, &[])
    }

    fn columns(&mut self, x: usize, range: Range<usize>) -> usize {
        let [count, width] = [0, 1].map(|axis| self.shape(x)[axis]);
        if range == (0..width) {
            return x;
        }
        let [start, stop] = [range.start, range.end].map(|at| at as i64);
        let (starts, stops, steps) = (vec![0, start], vec![count as i64, stop], vec![1, 1]);
        self.push(Operation::Slice { starts, stops, steps }, &[x])
    }

    /// `constant + Σ c x`, with one term or more.
    fn linear_combination(&mut self, constant: &Rational, terms: &[(f64, usize)]) -> usize {
        let mut sum = None;
        for &(factor, x) in terms {
            sum = Some(match (sum, factor) {
                (None, 1.0) => x,
                (None, factor) => self.push(Operation::Scale { factor }, &[x]),
                (Some(sum), 1.0) => self.push(Operation::Add, &[sum, x]),
                (Some(sum), -1.0) => self.push(Operation::Subtract, &[sum, x]),
                (Some(sum), factor) => {
                    let x = self.push(Operation::Scale { factor }, &[x]);
                    self.push(Operation::Add, &[sum, x])
                }
            });
        }
        let sum = sum.expect("a sum has a term");
        if constant.is_zero() {
            return sum;
        }
        self.push(Operation::Offset { term: constant.to_f64() }, &[sum])
    }

    /// `Π x^r`, with one factor or more.
    fn powers(&mut self, factors: &[(usize, &Rational)]) -> usize {
        let mut product = None;
        for &(x, exponent) in factors {
            let whole = exponent.as_integer().and_then(|n| i32::try_from(n).ok());
            let x = match whole {
                Some(1) => x,
                Some(2) => self.push(Operation::Square, &[x]),
                Some(exponent) => self.push(Operation::IntegerPower { exponent }, &[x]),
                None => self.push(Operation::RealPower { exponent: exponent.to_f64() }, &[x]),
            };
            product = Some(match product {
                None => x,
                Some(product) => self.push(Operation::Multiply, &[product, x]),
            });
        }
        product.expect("a product has a factor")
    }

    fn applied(&mut self, function: Function, x: usize) -> usize {
        let operation = match function {
            Function::Exp => Operation::Exp,
            Function::Log => Operation::Log,
            Function::Sin => Operation::Sin,
            Function::Cos => Operation::Cos,
            Function::Tan => Operation::Tan,
            Function::Sinh => return self.hyperbolic(Operation::Expm1, Operation::Subtract, x),
            Function::Cosh => return self.hyperbolic(Operation::Exp, Operation::Add, x),
            Function::Tanh => Operation::Tanh,
            Function::Abs => Operation::Abs,
            Function::Relu => Operation::Relu,
            Function::Elu => Operation::Elu { alpha: 1.0 },
            Function::Sigmoid => Operation::Sigmoid,
            Function::Softplus => Operation::Softplus,
            Function::Erf => Operation::Erf,
            Function::NormalCdf => Operation::NormalCdf,
            Function::Gelu => Operation::Gelu,
        };
        self.push(operation, &[x])
    }

    /// Half the sum or difference of an exponential at `x` and `-x`.
    fn hyperbolic(&mut self, exponential: Operation, joined: Operation, x: usize) -> usize {
        let minus = self.push(Operation::Neg, &[x]);
        let (up, down) = (self.push(exponential.clone(), &[x]), self.push(exponential, &[minus]));
        let both = self.push(joined, &[up, down]);
        self.push(Operation::Scale { factor: 0.5 }, &[both])
    }
}
