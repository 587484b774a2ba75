//! The modified fields that claims speak of, each derived once.

use crate::exact::RationalFunction as Q;
use crate::optimizer::{self, Optimizer, Step};
use crate::series::{GeneralLinearMethod, ModifiedField, derive};
use crate::tree::{Tree, TreeTable};
use crate::typed::{Program, TypedField};
use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// The most trees of one derivation.
const MAX_TREES: u32 = 50_000;

/// The highest order of a principal coefficient.
pub(crate) const MAX_CHAIN: usize = 250;

/// Values of some parameters of an optimizer.
pub(crate) type Values = BTreeMap<String, BigRational>;

/// Optimizers by name and what has been derived from them.
pub(crate) struct Derivations<'a> {
    local: &'a [Optimizer],
    cache: HashMap<(String, Values), Cached>,
    typed: HashMap<(String, Values, usize), Rc<TypedField>>,
    bounded: bool,
}

#[derive(Clone)]
struct Cached {
    method: Rc<GeneralLinearMethod>,
    field: Option<(usize, Rc<Derived>)>,
    chains: Option<(usize, Rc<Derived>)>,
}

/// A modified field and the method it belongs to.
pub(crate) struct Derived {
    pub method: Rc<GeneralLinearMethod>,
    pub field: ModifiedField,
}

impl Derived {
    /// The coefficient `b(τ)/σ(τ)` of `h^(|τ|-1) F(τ)`; where `h` is a parameter of the method,
    /// the coefficient of `F(τ)` itself.
    pub fn coefficient(&self, tree: &Tree) -> Option<Q> {
        let symmetry = Q::integer(BigInt::from(tree.symmetry()));
        self.weight(tree)?.divide(&symmetry)
    }

    /// `b(τ)`, divided by `h` where `h` is a parameter of the method.
    pub fn weight(&self, tree: &Tree) -> Option<Q> {
        let b = self.field.b(self.field.trees().find(tree)?);
        match self.method.step_parameter {
            None => Some(b),
            Some(h) => b.divide(&Q::variable(h)),
        }
    }

    /// All trees of the derivation.
    pub fn trees(&self) -> impl Iterator<Item = Tree> + '_ {
        let table = self.field.trees();
        (0..table.len() as u32).map(|id| table.tree(id))
    }
}

impl<'a> Derivations<'a> {
    /// The optimizers of a file, before those of the library.
    pub fn new(local: &'a [Optimizer]) -> Derivations<'a> {
        Derivations { local, cache: HashMap::new(), typed: HashMap::new(), bounded: true }
    }

    /// The same without a bound on the number of trees.
    pub fn without_bound(self) -> Derivations<'a> {
        Derivations { bounded: false, ..self }
    }

    /// The optimizer of this name.
    pub fn find(&self, name: &str) -> Result<&'a Optimizer, String> {
        if let Some(found) = self.local.iter().find(|o| o.name == name) {
            return Ok(found);
        }
        optimizer::find(name).map_err(|unknown| {
            let local = self.local.iter().map(|o| o.name.as_str());
            let resembles = |other: &&str| strsim::damerau_levenshtein(name, other) <= 2;
            let mut near: Vec<&str> = local.filter(resembles).collect();
            near.extend(unknown.near.iter().map(String::as_str));
            match near.first() {
                Some(near) => format!("{unknown}; did you mean `{near}`?"),
                None => format!("{unknown}; {}", unknown.advice()),
            }
        })
    }

    /// The program of a step that is not linear; `None` for one that is.
    pub fn program(&self, name: &str, values: &Values) -> Result<Option<Program>, String> {
        match self.find(name)?.step(values).map_err(|e| e.to_string())? {
            Step::Nonlinear(program) => Ok(Some(program)),
            Step::Linear(_) => Ok(None),
        }
    }

    /// The step of an optimizer with these values if it is not linear.
    ///
    /// # Errors
    /// Values that it does not take; a step of matrices, which claims do not state.
    pub fn nonlinear(&self, name: &str, values: &Values) -> Result<Option<Program>, String> {
        let program = self.program(name, values)?;
        if program.as_ref().is_some_and(|program| program.needs_matrices().is_some()) {
            return Err(format!(
                "the step of `{name}` multiplies matrices or takes functions of them, which claims do not state; \
                 `bea derive {name}` shows its field"
            ));
        }
        Ok(program)
    }

    /// The modified field of a step that is not linear.
    pub fn typed_field(
        &mut self,
        name: &str,
        values: &Values,
        order: usize,
    ) -> Result<Option<Rc<TypedField>>, String> {
        let key = (name.to_string(), values.clone(), order);
        if let Some(known) = self.typed.get(&key) {
            return Ok(Some(known.clone()));
        }
        let Some(program) = self.nonlinear(name, values)? else { return Ok(None) };
        let field = TypedField::derive(&program, order, None).map_err(|e| e.to_string())?;
        let field = Rc::new(field);
        self.typed.insert(key, field.clone());
        Ok(Some(field))
    }

    /// The normal form.
    pub fn method(
        &mut self,
        name: &str,
        values: &Values,
    ) -> Result<Rc<GeneralLinearMethod>, String> {
        Ok(self.entry(name, values)?.method.clone())
    }

    fn entry(&mut self, name: &str, values: &Values) -> Result<&mut Cached, String> {
        let key = (name.to_string(), values.clone());
        if !self.cache.contains_key(&key) {
            let method = self.find(name)?.method(values).map_err(|e| e.to_string())?;
            let entry = Cached { method: Rc::new(method), field: None, chains: None };
            self.cache.insert(key.clone(), entry);
        }
        Ok(self.cache.get_mut(&key).expect("just inserted"))
    }

    /// The modified field with all trees up to `order + 1` nodes.
    pub fn field(
        &mut self,
        name: &str,
        values: &Values,
        order: usize,
    ) -> Result<Rc<Derived>, String> {
        let entry = self.entry(name, values)?;
        if let Some((known, derived)) = &entry.field
            && *known == order
        {
            return Ok(derived.clone());
        }
        let colors = entry.method.fields.len();
        self.check_count(order, colors)?;
        let entry = self.entry(name, values)?;
        let derived = derive_on(&entry.method, TreeTable::all(colors, order + 1))?;
        entry.field = Some((order, derived.clone()));
        Ok(derived)
    }

    /// The effective start with all trees up to `order` nodes, the weights as those of a field.
    pub fn start(
        &mut self,
        name: &str,
        values: &Values,
        order: usize,
    ) -> Result<Rc<Derived>, String> {
        let program = self.find(name)?.program(values).map_err(|e| e.to_string())?;
        let start = program.start().map_err(|e| e.to_string())?;
        let colors = start.method.fields.len();
        self.check_count(order.saturating_sub(1), colors)?;
        let series = start.series(Arc::new(TreeTable::all(colors, order.max(1))));
        let field = ModifiedField::from(&series.map_err(|e| e.to_string())?);
        Ok(Rc::new(Derived { method: Rc::new(start.method), field }))
    }

    /// Refuses more trees than a claim handles.
    fn check_count(&self, order: usize, colors: usize) -> Result<(), String> {
        let count: BigUint = TreeTable::count(colors, order.min(1000) + 1).into_iter().sum();
        if order > 1000 || (self.bounded && count > BigUint::from(MAX_TREES)) {
            return Err(format!(
                "order {order} has {} trees, a claim handles {MAX_TREES}",
                if order > 1000 { "too many".to_string() } else { count.to_string() }
            ));
        }
        Ok(())
    }

    /// The modified field on the chains with up to `order + 1` nodes at least.
    pub fn chains(
        &mut self,
        name: &str,
        values: &Values,
        order: usize,
    ) -> Result<Rc<Derived>, String> {
        let entry = self.entry(name, values)?;
        if let Some((known, derived)) = &entry.chains
            && *known >= order
        {
            return Ok(derived.clone());
        }
        if order > MAX_CHAIN {
            return Err(format!("order {order} is too high, a claim handles {MAX_CHAIN}"));
        }
        // Claims ask for n = 0, 1, 2, …, so each derivation goes further than asked. With symbolic
        // parameters it does not: the last coefficients take longer than all others together.
        let symbolic = !entry.method.parameters.is_empty();
        let order = if symbolic { order } else { (2 * order).clamp(8, MAX_CHAIN) };
        let table = TreeTable::closure(entry.method.fields.len(), &[Tree::chain(order + 1)]);
        let derived = derive_on(&entry.method, table)?;
        entry.chains = Some((order, derived.clone()));
        Ok(derived)
    }

    /// The modified field on one tree and what it is built from.
    pub fn tree(
        &mut self,
        name: &str,
        values: &Values,
        tree: &Tree,
    ) -> Result<Rc<Derived>, String> {
        let entry = self.entry(name, values)?;
        let table = TreeTable::closure(entry.method.fields.len(), std::slice::from_ref(tree));
        derive_on(&entry.method, table)
    }
}

fn derive_on(method: &Rc<GeneralLinearMethod>, table: TreeTable) -> Result<Rc<Derived>, String> {
    let field = derive(method, Arc::new(table)).map_err(|e| e.to_string())?;
    Ok(Rc::new(Derived { method: method.clone(), field }))
}
